#include "pipeline/verbs.h"

#include <CLI/CLI.hpp>

#include <cstdio>

#include "datasets/locks.h"
#include "pipeline/repro.h"

namespace pawl::pipeline {
namespace {

using datasets::Repo;
using datasets::RepoLock;

struct PlacedOut {
  std::string path{}, change{};  // added, modified
  static constexpr auto fields = std::tuple{field("path", &PlacedOut::path), field("change", &PlacedOut::change)};
};
struct CheckoutAnswer {
  std::vector<PlacedOut> items{};
  static constexpr auto fields = std::tuple{field("items", &CheckoutAnswer::items)};
};

Result<std::vector<std::pair<std::string, Changes>>> status_of(const std::vector<std::string>& targets) {
  TRY(repo, Repo::find("."));
  auto held = RepoLock::take(*repo);
  if (!held) return std::unexpected(held.error());
  TRY(project, Project::load(*repo));
  std::vector<std::size_t> chosen;
  if (targets.empty()) {
    for (std::size_t i = 0; i < project.stages().size(); ++i) chosen.push_back(i);  // a broken graph has a status too
  } else {
    TRY(some, project.select(targets, true));
    chosen = std::move(some);
  }
  std::vector<std::pair<std::string, Changes>> out;
  for (const auto i : chosen) {
    TRY(changes, changes_of(project, project.stages()[i]));
    out.emplace_back(project.stages()[i].address, std::move(changes));
  }
  return out;
}

Result<CheckoutAnswer> checkout_all(const std::vector<std::string>& targets, bool force, bool allow_missing) {
  TRY(repo, Repo::find("."));
  auto held = RepoLock::take(*repo);
  if (!held) return std::unexpected(held.error());
  TRY(project, Project::load(*repo));
  std::vector<std::size_t> chosen;
  if (targets.empty()) {
    for (std::size_t i = 0; i < project.stages().size(); ++i) chosen.push_back(i);
  } else {
    TRY(some, project.select(targets, true));
    chosen = std::move(some);
  }
  CheckoutAnswer out;
  std::string missing;
  for (const auto i : chosen) {
    const auto& stage = project.stages()[i];
    const auto* locked = stage.is_data() ? nullptr : project.locked(stage);
    const auto& entries = stage.is_data() ? stage.tracked->content.outs
                          : locked        ? locked->outs
                                          : std::vector<dvc::Entry>{};
    for (const auto& entry : entries) {
      const auto declared = std::ranges::find(stage.outs, entry.path, &dvc::OutOf::path);
      if (declared == stage.outs.end() || !declared->cache || entry.digest.empty()) continue;
      const auto path = project.path_of(stage, entry.path);
      std::error_code ec;
      const bool there = std::filesystem::exists(path, ec);
      auto changed = repo->checkout(path, entry.digest, entry.isexec,
                                    force ? Repo::Unsaved::overwrite : Repo::Unsaved::refuse, entry.hash.empty());
      const auto name = repo->inside(path).value_or(path.string());
      if (!changed) {
        if (changed.error().code != Code::missing) return std::unexpected(changed.error());
        missing += "\n" + name;
        continue;
      }
      if (*changed) out.items.push_back({name + (entry.is_dir() ? "/" : ""), there ? "modified" : "added"});
    }
  }
  if (!missing.empty() && !allow_missing)
    return fail(Code::missing, "Checkout failed for following targets:" + missing + "\nIs your cache up to date?");
  return out;
}

}  // namespace

void verbs(CLI::App& app, net::Command& command) {
  auto* status = app.add_subcommand("status", "What changed since the data and the stages were last saved");
  auto status_targets = std::make_shared<std::vector<std::string>>();
  auto quiet = std::make_shared<bool>();
  status->add_option("TARGET", *status_targets, "Stages, .dvc files or outputs");
  status->add_flag("-q,--quiet", *quiet, "Print nothing; exit code 1 when something changed");
  status->callback([&command, status_targets, quiet] {
    command.finish(status_of(*status_targets), [&](const auto& all) {
      const bool changed = std::ranges::any_of(all, [](const auto& one) { return one.second.any(); });
      if (*quiet)
        command.exit_code = changed ? 1 : 0;
      else if (command.json)
        command.print_text(status_json(all) + "\n");
      else if (all.empty())
        command.print_text("There are no data or pipelines tracked in this project yet.\n");
      else
        command.print_text(status_text(all));
    });
  });

  auto* checkout = app.add_subcommand("checkout", "Bring data files to what .dvc files and dvc.lock say");
  auto checkout_targets = std::make_shared<std::vector<std::string>>();
  auto force = std::make_shared<bool>(), allow_missing = std::make_shared<bool>();
  checkout->add_option("TARGET", *checkout_targets, "Stages, .dvc files or outputs");
  checkout->add_flag("-f,--force", *force, "Replace changes that are saved nowhere");
  checkout->add_flag("--allow-missing", *allow_missing, "Pass over what the cache does not have");
  checkout->callback([&command, checkout_targets, force, allow_missing] {
    command.finish(checkout_all(*checkout_targets, *force, *allow_missing), [&](const CheckoutAnswer& answer) {
      command.print(answer, [](const CheckoutAnswer& a) {
        std::string out;
        for (const auto& item : a.items) out += (item.change == "added" ? "A       " : "M       ") + item.path + "\n";
        return out;
      });
    });
  });

  auto* repro = app.add_subcommand("repro", "Run the stages that are out of date");
  auto ask = std::make_shared<ReproAsk>();
  auto set = std::make_shared<std::vector<std::string>>();
  repro->add_option("TARGET", ask->targets, "Stages, dvc.yaml or .dvc files, or outputs; without one all stages");
  repro->add_flag("-f,--force", ask->force, "Run also what did not change");
  repro->add_flag("-s,--single-item", ask->single, "Only the targets, not what they depend on");
  repro->add_flag("--dry", ask->dry, "Only say what would run");
  repro->add_flag("--no-run-cache", ask->no_run_cache, "Do not look for results of earlier runs");
  repro->add_option("-S,--set-param", *set, "FILE:KEY=VALUE or KEY=VALUE: changes the parameter file first")
      ->expected(1)
      ->allow_extra_args(false);
  repro->callback([&command, ask, set] {
    // With --json stdout is one document: what stages print goes to stderr.
    ask->say = [&command](std::string_view line) {
      std::fprintf(command.json ? stderr : stdout, "%.*s\n", static_cast<int>(line.size()), line.data()),
          std::fflush(command.json ? stderr : stdout);
    };
    if (command.json) ask->output = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); };
    command.finish(
        [&]() -> Result<Repro> {
          TRY(repo, Repo::find("."));
          for (const auto& one : *set) {
            const auto equals = one.find('=');
            if (equals == one.npos) return fail(Code::invalid, "expected KEY=VALUE, got '" + one + "'", "--set-param");
            TRY_(override_param(repo->root(), one.substr(0, equals),
                                yaml::resolve_plain(std::string_view(one).substr(equals + 1))));
          }
          return reproduce(*repo, *ask);
        }(),
        [&](const Repro& done) {
          command.print(done, [](const Repro& r) {
            return std::string(r.changed ? "Use `dvc push` to send your updates to remote storage.\n"
                                         : "Data and pipelines are up to date.\n");
          });
        });
  });
}

}  // namespace pawl::pipeline
