// pawl restore: a version's code at its commit, its parameters, its lock, its data out of the cache, and the registered model.
#include <CLI/CLI.hpp>

#include "datasets/process.h"
#include "delivery/verbs.h"
#include "pipeline/project.h"
#include "pipeline/runner.h"
#include "store/files.h"

extern char** environ;

namespace pawl::delivery {
namespace {

namespace fs = std::filesystem;
using net::Command;

struct RestoreIn {
  std::string version{}, dir{}, cache{};
};
struct Restored {
  std::string dir{}, commit{}, model{}, run{};
  std::vector<std::string> notes{};
  static constexpr auto fields =
      std::tuple{field("dir", &Restored::dir), field("commit", &Restored::commit), field("model", &Restored::model),
                 field("run", &Restored::run), field("notes", &Restored::notes)};
};

Result<void> git(const fs::path& dir, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"git", "-c", "advice.detachedHead=false"});
  TRY_(datasets::output_of(std::move(arguments), dir));
  return {};
}

Result<void> clone(const Origin& from, const fs::path& dir) {
  TRY_(git({}, {"clone", "--quiet", "--no-checkout", "--", from.url, dir.string()}));
  // A commit that a force-push lost is kept under a ref of its own.
  if (!git(dir, {"cat-file", "-e", from.commit + "^{commit}"}))
    TRY_(git(dir, {"fetch", "--quiet", "origin", "refs/pawl/" + from.model + "/" + std::to_string(from.version)}));
  return git(dir, {"checkout", "--quiet", "--detach", from.commit});
}

// Every output of the pipeline and every tracked file, as the lock says, by `pawl checkout` itself.
Result<void> check_out_data(const fs::path& dir, const fs::path& cache) {
  std::error_code ec;
  const fs::path self = fs::read_symlink("/proc/self/exe", ec);
  std::vector<std::string> environment;
  for (char** e = environ; *e != nullptr; ++e)
    if (cache.empty() || !std::string_view(*e).starts_with("PAWL_DVC_CACHE=")) environment.emplace_back(*e);
  if (!cache.empty()) environment.push_back("PAWL_DVC_CACHE=" + cache.string());
  std::string said;
  TRY(ended, datasets::run({.argv = {self.string(), "checkout", "--force"},
                            .dir = dir,
                            .environment = std::move(environment),
                            .on_output = [&](std::string_view text) { said += text; }}));
  if (ended.exit_code != 0) return fail(Code::unavailable, "the data cannot be checked out: " + said);
  return {};
}

Result<Restored> restore(Command& command, const RestoreIn& in) {
  TRY(name, read_version_name(in.version));
  TRY(client, command.client());
  TRY(from, client.get<Origin>(api("/restore/" + net::percent_encode(name.name) + "/" + std::to_string(name.version))));
  Restored out{.dir = in.dir.empty() ? name.name + "-" + std::to_string(name.version) : in.dir, .commit = from.commit};
  const fs::path dir = fs::absolute(out.dir);
  std::error_code ec;
  if (fs::exists(dir, ec) && !fs::is_empty(dir, ec))
    return fail(Code::exists, dir.string() + " is there and not empty");
  if (from.commit.empty()) {
    out.notes.push_back(
        in.version +
        " was registered outside any flow: its commit and its data are not known, only the model comes back");
    fs::create_directories(dir, ec);
  } else {
    command.note("commit " + from.commit.substr(0, 12) + " of " + from.url);
    TRY_(clone(from, dir));
    for (const auto& [key, value] : from.set) {
      TRY_(pipeline::override_param(dir, key, yaml::resolve_plain(value)));
      command.note("parameter " + key + " = " + value);
    }
    if (!from.lock.empty()) {
      const auto slash = from.pipeline.rfind('/');
      TRY_(store::write_file((slash == std::string::npos ? dir : dir / from.pipeline.substr(0, slash)) / "dvc.lock",
                             from.lock));
    }
    fs::path cache = in.cache;
    if (cache.empty() && !command.data.empty()) cache = command.data / "cache";
    if (cache.empty() && std::getenv("PAWL_DVC_CACHE") == nullptr && fs::exists(from.cache, ec)) cache = from.cache;
    TRY_(check_out_data(dir, cache.empty() ? cache : fs::absolute(cache)));
    command.note("data and outputs as dvc.lock says");
    out.run = "cd " + out.dir + " && pawl repro --force";
  }
  if (from.artifact.empty())
    return fail(Code::unavailable, "the files of " + in.version + " (" + from.source + ") are not kept by this server");
  out.model = (dir / "registered-model").string();
  TRY_(pipeline::download_artifacts(client, from.artifact, out.model));
  return out;
}

}  // namespace

void restore_verb(CLI::App& app, Command& command) {
  auto in = std::make_shared<RestoreIn>();
  auto* verb = app.add_subcommand("restore", "Bring back a version: its code, parameters, data and model");
  verb->add_option("version", in->version, "MODEL@VERSION")->required();
  verb->add_option("dir", in->dir, "Where to (default: MODEL-VERSION here)");
  verb->add_option("--cache", in->cache, "The DVC cache with the data, for repositories that configure none");
  verb->callback([in, &command] {
    command.finish(restore(command, *in), [&](const Restored& done) {
      command.print(done, [&](const Restored& r) {
        std::string text = "restored " + in->version + " in " + r.dir + ", its registered model in " + r.model + "\n";
        for (const auto& note : r.notes) text += note + "\n";
        if (!r.run.empty()) text += "to run it again: " + r.run + "\n";
        return text;
      });
    });
  });
}

}  // namespace pawl::delivery
