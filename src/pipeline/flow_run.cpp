// A pipeline inside a flow: the commit in a fresh worktree, the flow's parameters, the stages, and what came of them.
#include <sys/utsname.h>
#include <unistd.h>

#include <cctype>

#include "core/hash.h"
#include "core/json.h"
#include "datasets/process.h"
#include "datasets/table.h"
#include "pipeline/runner.h"
#include "store/files.h"

extern char** environ;

namespace pawl::pipeline {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t small_file_max = 1 << 20;  // of metrics and parameters that are sent up

// A variable whose name has one of these words in it is taken for a secret.
constexpr auto secret_words = std::to_array<std::string_view>(
    {"TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY", "AUTH"});

bool looks_secret(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return std::ranges::any_of(secret_words, [&](std::string_view w) { return upper.contains(w); });
}

Json json_of(const yaml::Value& value) { return {dvc::python_json(value)}; }

Result<yaml::Value> value_of(const Json& json) {
  auto value = yaml::read(json.text, "set");  // JSON is YAML
  if (value && !value->scalar()) return fail(Code::invalid, "set: a parameter is a scalar, got " + json.text, "set");
  return value;
}

class FlowRun {
 public:
  FlowRun(TaskContext& task, const PipelineAsk& ask, fs::path tree) : task_(task), ask_(ask), tree_(std::move(tree)) {}

  Result<PipelineResult> run() {
    for (const auto& [name, value] : ask_.set) {
      TRY(plain, value_of(value));
      TRY_(override_param(tree_, name, std::move(plain)));
      say("parameter " + name + " = " + value.text);
    }
    TRY(repo, datasets::Repo::find(tree_));
    repo_ = std::move(repo);
    if (repo_->root() != fs::weakly_canonical(tree_))
      return fail(Code::invalid, "the repository has no .dvc folder: `pawl init` makes one, commit it");
    ReproAsk asked{.targets = {ask_.pipeline}, .environment = stage_environment(task_, ask_), .stop = task_.stop};
    asked.say = [this](std::string_view line) { say(line); };
    asked.output = [this](std::string_view text) { task_.log(text); };
    TRY(done, reproduce(*repo_, asked));
    out_.stages = std::move(done.stages);
    if (task_.stop.stop_requested()) return fail(Code::unavailable, "stopped");
    TRY_(collect());
    return std::move(out_);
  }

 private:
  void say(std::string_view line) const {
    task_.log(line);
    task_.log("\n");
  }
  void warn(std::string text) {
    say("pawl: warning: " + text);
    out_.warnings.push_back(std::move(text));
  }

  Result<void> collect() {
    const auto slash = ask_.pipeline.rfind('/');
    const auto folder = slash == ask_.pipeline.npos ? tree_ : tree_ / ask_.pipeline.substr(0, slash);
    if (auto lock = store::read_file(folder / "dvc.lock")) out_.lock = std::move(*lock);
    TRY(project, Project::load(*repo_));
    for (const auto& stage : project.stages()) {
      if (stage.is_data()) {
        for (const auto& e : stage.tracked->content.outs)
          if (const auto path = dvc::inside_root(stage.dir, e.path);
              path && *path != ask_.data.train && *path != ask_.data.test)
            out_.datasets.push_back({.role = "other", .path = *path, .md5 = e.digest, .size = e.size.value_or(0)});
        continue;
      }
      for (const auto& p : stage.params) read_small(stage, p.file, out_.params);
      for (const auto& o : stage.outs)
        if (o.kind == dvc::OutOf::Kind::metric) read_small(stage, o.path, out_.metrics);
    }
    if (!ask_.output.empty()) TRY_(take_output());
    if (!ask_.data.train.empty()) TRY_(take_table("train", ask_.data.train));
    if (!ask_.data.test.empty()) TRY_(take_table("test", ask_.data.test));
    take_environment();
    return {};
  }

  void read_small(const Stage& stage, const std::string& file, Jsons& to) {
    const auto path = dvc::inside_root(stage.dir, file);
    if (!path || to.contains(*path)) return;
    auto text = store::read_file(tree_ / *path, small_file_max);
    if (!text) return;
    if (auto value = yaml::read(*text, *path)) to[*path] = json_of(*value);
  }

  Result<void> take_output() {
    const auto inside = dvc::inside_root("", ask_.output);
    if (!inside) return fail(Code::invalid, "train.output '" + ask_.output + "' leaves the repository", "train.output");
    auto content = repo_->hash(tree_ / *inside);
    if (!content) return fail(Code::missing, "the pipeline made no '" + *inside + "' (train.output)", "train.output");
    OutputSeen seen{.path = *inside, .md5 = content->digest, .size = content->size};
    if (!content->is_dir()) {
      TRY(bytes, store::read_file(tree_ / *inside, 4ull << 30));
      seen.sha256 = sha256_hex(bytes);
    }
    out_.output = std::move(seen);
    return {};
  }

  Result<void> take_table(const std::string& role, const std::string& name) {
    const auto inside = dvc::inside_root("", name);
    if (!inside)
      return fail(Code::invalid, "train.data." + role + " '" + name + "' leaves the repository", "train.data." + role);
    const auto file = tree_ / *inside;
    auto content = repo_->hash(file);
    if (!content)
      return fail(Code::missing, "the pipeline made no '" + *inside + "' (train.data." + role + ")",
                  "train.data." + role);
    // The evaluation finds the rows by their digest in the runner's cache, whatever cache the repository uses.
    if (!content->is_dir()) {
      TRY(stamp, datasets::stamp_of(file));
      TRY_(datasets::Cache(task_.cache, {datasets::Link::reflink, datasets::Link::copy})
               .put_file(file, content->digest, stamp, false));
    }
    TRY(table, datasets::Table::open(file));
    datasets::DatasetSeen seen{.role = role,
                               .path = *inside,
                               .md5 = content->digest,
                               .size = content->size,
                               .rows = table->rows(),
                               .columns = table->columns()};
    TRY(profile, table->profile());
    seen.profile = {encode(profile)};
    if (!ask_.time.empty()) {
      TRY(times, table->times(ask_.time));
      std::erase(times, std::numeric_limits<std::int64_t>::min());
      if (!times.empty()) {
        const auto [low, high] = std::ranges::minmax(times);
        seen.time_min = to_rfc3339({low});
        seen.time_max = to_rfc3339({high});
      }
    }
    if (!ask_.checks.empty()) {
      TRY(checks, datasets::read_checks(ask_.checks, ask_.checks_path));
      TRY(judged, table->check(checks, datasets::CheckFor::training, SystemClock{}.now()));
      seen.findings = std::move(judged.findings);
    }
    say("data." + role + " " + *inside + ": " + std::to_string(seen.rows) + " rows, md5 " + seen.md5);
    out_.datasets.push_back(std::move(seen));
    return {};
  }

  void take_environment() {
    struct utsname machine{};
    if (::uname(&machine) == 0)
      out_.environment["machine"] = std::string(machine.sysname) + " " + machine.release + " " + machine.machine;
    constexpr std::string_view script =
        "import sys, importlib.metadata as "
        "m\nprint(sys.version.split()[0])\nprint('\\n'.join(sorted({f\"{d.metadata['Name']}=={d.version}\" for d in "
        "m.distributions()})))\n";
    std::string python;
    auto ended = datasets::run({.argv = {"python3", "-c", std::string(script)},
                                .dir = tree_,
                                .environment = stage_environment(task_, ask_),
                                .on_output = [&](std::string_view text) { python += text; }});
    if (!ended || ended->exit_code != 0) return;  // a pipeline without Python is fine
    const auto end = python.find('\n');
    out_.environment["python"] = python.substr(0, end);
    if (end != python.npos) out_.environment["packages"] = python.substr(end + 1);
  }

  TaskContext& task_;
  const PipelineAsk& ask_;
  fs::path tree_;
  std::unique_ptr<datasets::Repo> repo_;
  PipelineResult out_;
};

}  // namespace

std::vector<std::string> stage_environment(const TaskContext& task, const PipelineAsk& ask) {
  std::error_code ec;
  const auto ours = fs::read_symlink("/proc/self/exe", ec).parent_path().string();
  std::vector<std::string> out;
  bool has_path = false;
  for (char** e = environ; *e; ++e) {
    const std::string_view text = *e;
    const auto name = text.substr(0, text.find('='));
    if (looks_secret(name) || name.starts_with("MLFLOW_") || name.starts_with("PAWL_")) continue;
    if (name == "PATH") {  // stages may call `pawl` as the runner's own program
      has_path = true;
      out.push_back(std::string(text) + ":" + ours);
      continue;
    }
    out.emplace_back(text);
  }
  if (!has_path) out.push_back("PATH=/usr/local/bin:/usr/bin:/bin:" + ours);
  out.push_back("PAWL_DVC_CACHE=" + task.cache.string());
  out.push_back("PAWL_FLOW=" + ask.flow);
  out.push_back("MLFLOW_TRACKING_URI=" + task.address());
  out.push_back("MLFLOW_TRACKING_TOKEN=" + task.token);
  return out;
}

Result<PipelineResult> run_pipeline(TaskContext& task, const PipelineAsk& ask) {
  TRY(mirror, Mirror::fetch(task.work, ask.repo, ask.url, ask.commit));
  const auto tree = task.scratch / "tree";
  TRY_(mirror.check_out(ask.commit, tree));
  FlowRun flow_run(task, ask, tree);
  auto result = flow_run.run();
  if (!result) {
    mirror.drop(tree);
    return result;
  }
  Registered registered;
  const auto ask_registered = [&](net::Client& client) -> Result<void> {
    TRY(now, client.call<Registered>(net::Method::POST, "/api/pawl/v1/tasks/" + task.id + "/registered",
                                     Held{task.id, task.epoch}));
    registered = std::move(now);
    return {};
  };
  TRY_(task.speak(TaskContext::As::runner, ask_registered));
  const bool ran = std::ranges::any_of(result->stages, [](const StageRun& s) { return s.outcome == Outcome::ran; });
  const bool same_output =
      result->output && !result->output->sha256.empty() && result->output->sha256 == registered.newest_output;
  result->nothing_new = !registered.version && !ran && same_output;
  if (!registered.version && !result->nothing_new && result->output) {
    task.log("the script registered no version of '" + ask.model + "': registering " + result->output->path + "\n");
    TRY_(task.speak(TaskContext::As::flow, [&](net::Client& client) -> Result<void> {
      // An answer that was lost with its server may have been a yes.
      TRY_(task.speak(TaskContext::As::runner, ask_registered));
      if (registered.version) return {};
      TRY(version, register_output(client, task, ask, tree / result->output->path));
      registered.version = version;
      return {};
    }));
  }
  result->version = registered.version;
  if (result->version) {
    const auto ref = "refs/pawl/" + result->version->name + "/" + std::to_string(result->version->version);
    if (auto pinned = mirror.pin(ask.commit, ref); !pinned)
      result->warnings.push_back("the commit could not be pinned as " + ref + ": " + pinned.error().message);
  }
  mirror.drop(tree);
  return result;
}

}  // namespace pawl::pipeline
