#include "datasets/verbs.h"

#include <CLI/CLI.hpp>

#include "datasets/locks.h"
#include "datasets/process.h"
#include "datasets/progress.h"
#include "datasets/table.h"
#include "datasets/tracked.h"
#include "store/files.h"

namespace pawl::datasets {
namespace {

struct AddAnswer {
  std::vector<Added> items{};
  static constexpr auto fields = std::tuple{field("items", &AddAnswer::items)};
};
struct InitAnswer {
  std::string root{};
  static constexpr auto fields = std::tuple{field("root", &InitAnswer::root)};
};

Result<AddAnswer> add_all(const std::vector<std::string>& targets, bool json) {
  TRY(repo, Repo::find("."));
  auto held = RepoLock::take(*repo);
  if (!held) return std::unexpected(held.error());
  AddAnswer out;
  for (const auto& target : targets) {
    Bar bar(target, json);
    TRY(added, add(*repo, target, bar.progress()));
    out.items.push_back(std::move(added));
  }
  if (repo->config().flag("core", "autostage").value_or(false))
    for (const auto& item : out.items) {
      std::vector<std::string> git{"git", "add", "--"};
      git.insert(git.end(), item.changed.begin(), item.changed.end());
      TRY_(output_of(git, repo->root()));
    }
  return out;
}

std::string git_hint(const AddAnswer& answer) {
  std::set<std::string> files;
  for (const auto& item : answer.items) files.insert(item.changed.begin(), item.changed.end());
  std::string out = "\nTo track the changes with git, run:\n\n\tgit add";
  for (const auto& f : files) out += " " + f;
  return out + "\n\nTo enable auto staging, run:\n\n\tdvc config core.autostage true\n";
}

Result<Checks> checks_of(const std::string& file) {
  TRY(text, store::read_file(file, 16 << 20));
  return read_checks(text, file);
}

std::string judgement_text(const std::string& file, const Judgement& judged) {
  if (judged.accepted) return file + ": accepted\n";
  std::string out = file + ": refused, " + std::to_string(judged.findings.size()) +
                    (judged.findings.size() == 1 ? " finding\n" : " findings\n");
  for (const auto& f : judged.findings)
    out += "  " + (f.column.empty() ? std::string("table") : f.column) + "  " + f.check + ": expected " + f.expected +
           ", seen " + f.seen + "\n";
  return out;
}

std::string profile_text(const Profile& profile) {
  std::vector<std::vector<std::string>> rows{{"column", "type", "missing", "distinct", "min", "median", "max"}};
  for (const auto& c : profile.columns) {
    std::string median;
    for (const auto& q : c.quantiles)
      if (q.q == 0.5) write_json_number(median, q.value);
    rows.push_back({c.name, std::string(word(c.type)), std::to_string(c.missing), std::to_string(c.distinct),
                    c.min ? c.min->text : "", median, c.max ? c.max->text : ""});
  }
  return std::to_string(profile.rows) + " rows\n" + net::table(rows);
}

}  // namespace

void verbs(CLI::App& app, net::Command& command) {
  auto* init = app.add_subcommand("init", "Make a repository for data here, as DVC does");
  auto no_scm = std::make_shared<bool>(), force = std::make_shared<bool>();
  init->add_flag("--no-scm", *no_scm, "Without Git");
  init->add_flag("-f,--force", *force, "Throw away a .dvc that is there");
  init->callback([&command, no_scm, force] {
    command.finish(
        [&]() -> Result<InitAnswer> {
          TRY(root, init_repo(".", *no_scm, *force));
          return InitAnswer{root.string()};
        }(),
        [&](const InitAnswer& answer) {
          command.print(answer, [](const InitAnswer&) {
            return std::string("Initialized DVC repository.\n\nYou can now commit the changes to git.\n");
          });
        });
  });

  auto* add_verb = app.add_subcommand("add", "Track data files or folders by content");
  auto targets = std::make_shared<std::vector<std::string>>();
  add_verb->add_option("TARGET", *targets, "Files or folders")->required();
  add_verb->callback([&command, targets] {
    command.finish(add_all(*targets, command.json), [&](const AddAnswer& answer) { command.print(answer, git_hint); });
  });

  auto* data = app.add_subcommand("data", "Look at tables: check and profile");
  data->require_subcommand(1);
  auto* check = data->add_subcommand("check", "Judge a table by checks.yaml; exit code 1 when it is refused");
  auto file = std::make_shared<std::string>(), checks = std::make_shared<std::string>("checks.yaml"),
       what = std::make_shared<std::string>("delivery");
  check->add_option("FILE", *file, "A .parquet, .csv or .tsv file")->required();
  check->add_option("--checks", *checks, "The file of checks")->capture_default_str();
  check->add_option("--for", *what, "Which blocks: delivery, training or live")
      ->check(CLI::IsMember({"delivery", "training", "live"}))
      ->capture_default_str();
  check->callback([&command, file, checks, what] {
    command.finish(
        [&]() -> Result<Judgement> {
          TRY(asked, checks_of(*checks));
          TRY(table, Table::open(*file));
          return table->check(asked, *from_word<CheckFor>(*what), SystemClock{}.now());
        }(),
        [&](const Judgement& judged) {
          command.print(judged, [&](const Judgement& j) { return judgement_text(*file, j); });
          if (!judged.accepted) command.exit_code = 1;
        });
  });

  auto* profile =
      data->add_subcommand("profile", "What is in a table: per column type, missing, distinct, quantiles, histogram");
  auto profiled = std::make_shared<std::string>();
  profile->add_option("FILE", *profiled, "A .parquet, .csv or .tsv file")->required();
  profile->callback([&command, profiled] {
    command.finish(
        [&]() -> Result<Profile> {
          TRY(table, Table::open(*profiled));
          return table->profile();
        }(),
        [&](const Profile& seen) { command.print(seen, profile_text); });
  });
}

}  // namespace pawl::datasets
