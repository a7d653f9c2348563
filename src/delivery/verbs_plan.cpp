// pawl plan and apply: what a work tree would change, and its proposal.
#include <CLI/CLI.hpp>

#include "datasets/process.h"
#include "delivery/config.h"
#include "delivery/verbs.h"
#include "pipeline/types.h"
#include "store/files.h"

namespace pawl::delivery {
namespace {

namespace fs = std::filesystem;
using net::Command;
using net::Method;

struct PlanIn {
  std::string dir = ".", repo{}, id{};
  bool list = false;
};

// pawl.yaml and the files it names, as they lie in the work tree.
Result<Files> files_of(const fs::path& dir) {
  Files out;
  auto text = store::read_file(dir / config_name, config_bytes_max);
  if (!text) return fail(Code::missing, "there is no pawl.yaml in " + dir.string());
  TRY(config, read_config(*text));
  for (const auto& name : config.named_files()) {
    auto file = store::read_file(dir / name, 1 << 20);
    if (!file) return fail(Code::missing, "pawl.yaml names " + name + ", but there is no such file in " + dir.string());
    out[name] = std::move(*file);
  }
  out[std::string(config_name)] = std::move(*text);
  return out;
}
std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '/')) text.pop_back();
  return text;
}
// Which of the server's repositories the work tree belongs to: the named one, the only one, or the one whose URL is a remote of the tree.
Result<std::string> repo_of(net::Client& client, const PlanIn& in) {
  if (!in.repo.empty()) return in.repo;
  TRY(list, client.get<pipeline::RepositoryList>(api("/repos")));
  if (list.items.empty()) return fail(Code::missing, "the server knows no repository: pawl repo add URL");
  if (list.items.size() == 1) return list.items.front().name;
  const auto remotes = datasets::output_of({"git", "-C", in.dir, "config", "--get-regexp", "^remote\\..*\\.url$"});
  if (remotes)
    for (const auto& repo : list.items)
      for (std::string_view rest = *remotes; !rest.empty();) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = rest.substr(0, end);
        if (const auto at = line.find(' ');
            at != line.npos && trimmed(std::string(line.substr(at + 1))) == trimmed(repo.url))
          return repo.name;
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
  return fail(Code::invalid, "the server knows several repositories: say which one with --repo");
}

std::string listed(const std::vector<std::string>& not_yet) {
  std::string out;
  for (const auto& what : not_yet) out += (out.empty() ? "read, and without effect so far: " : ", ") + what;
  return out.empty() ? out : out + "\n";
}
std::string lines(const PlanDiff& d) {
  if (!d.differs) return "nothing differs from what is in force\n";
  std::string out = listed(d.not_yet);
  for (const FileChange& c : d.changes) out += c.path + " (" + c.change + ")\n" + c.diff;
  return out;
}
std::string lines(const List<Plan>& list) {
  std::vector<std::vector<std::string>> rows{{"plan", "model", "repo", "commit", "state", "proposed", "reason"}};
  for (const Plan& p : list.items)
    rows.push_back(
        {p.id.text, p.model, p.repo, p.commit.substr(0, 8), std::string(word(p.state)), p.proposed, p.reason});
  return net::table(rows);
}
std::string lines(const Plan& p) {
  std::string out = "plan " + p.id.text + " of " + p.repo + " at " + p.commit.substr(0, 8) + ": " +
                    std::string(word(p.state)) + (p.reason.empty() ? "" : ", " + p.reason) + "\n";
  if (p.state == PlanState::proposed) out += "  an operator says: pawl approve " + p.approval + "\n";
  out += listed(p.not_yet);
  for (const FileChange& c : p.changes) out += c.path + " (" + c.change + ")\n" + c.diff;
  return out;
}

void plan(Command& command, const PlanIn& in) {
  auto client = command.client();
  if (!client) return command.failed(client.error());
  if (in.list)
    return command.finish(client->get<List<Plan>>(api("/plans")),
                          [&](const auto& list) { command.print(list, [](const auto& l) { return lines(l); }); });
  if (!in.id.empty())
    return command.finish(client->get<Plan>(api("/plans/" + net::percent_encode(in.id))),
                          [&](const Plan& p) { command.print(p, [](const Plan& x) { return lines(x); }); });
  auto files = files_of(in.dir);
  if (!files) return command.failed(files.error());
  auto repo = repo_of(*client, in);
  if (!repo) return command.failed(repo.error());
  command.finish(
      client->call<PlanDiff>(Method::POST, api("/plans"),
                             ProposeAsk{.repo = *repo, .commit = {}, .files = std::move(*files), .dry = true}),
      [&](const PlanDiff& d) {
        command.print(d, [](const PlanDiff& x) { return lines(x); });
        if (d.differs) command.said_no();
      });
}

void apply(Command& command, const PlanIn& in) {
  auto client = command.client();
  if (!client) return command.failed(client.error());
  auto files = files_of(in.dir);
  if (!files) return command.failed(files.error());
  auto repo = repo_of(*client, in);
  if (!repo) return command.failed(repo.error());
  auto head = datasets::output_of({"git", "-C", in.dir, "rev-parse", "HEAD"});
  if (!head) return command.failed(head.error());
  if (const auto changed = datasets::output_of({"git", "-C", in.dir, "status", "--porcelain", "--untracked-files=no"});
      changed && !changed->empty())
    command.note("the work tree has changes that are in no commit: what is proposed is HEAD");
  command.finish(client->call<PlanDiff>(
                     Method::POST, api("/plans"),
                     ProposeAsk{.repo = *repo, .commit = trimmed(*head), .files = std::move(*files), .dry = false}),
                 [&](const PlanDiff& d) {
                   command.print(d, [&](const PlanDiff& x) {
                     return "proposed commit " + trimmed(*head).substr(0, 8) + " of " + *repo + "\n" + lines(x);
                   });
                 });
}

}  // namespace

void plan_verbs(CLI::App& app, Command& command) {
  auto in = std::make_shared<PlanIn>();
  auto* show = app.add_subcommand(
      "plan", "What the work tree's pawl.yaml would change; exit code 1 when it differs from what is in force");
  show->add_option("dir", in->dir, "The work tree (default: here)");
  show->add_option("--repo", in->repo, "The repository as the server calls it");
  show->add_flag("--list", in->list, "List the plans instead");
  show->add_option("--id", in->id, "Show one plan instead");
  show->callback([in, &command] { plan(command, *in); });
  auto proposed = std::make_shared<PlanIn>();
  auto* propose = app.add_subcommand("apply", "Propose the work tree's HEAD to the server, as a push would");
  propose->add_option("dir", proposed->dir, "The work tree (default: here)");
  propose->add_option("--repo", proposed->repo, "The repository as the server calls it");
  propose->callback([proposed, &command] { apply(command, *proposed); });
}

}  // namespace pawl::delivery
