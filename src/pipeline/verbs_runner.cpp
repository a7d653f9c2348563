#include <sys/stat.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdlib>

#include "core/log.h"
#include "pipeline/runner.h"
#include "pipeline/verbs.h"
#include "store/files.h"

namespace pawl::pipeline {
namespace {

namespace fs = std::filesystem;

// SIGTERM and SIGINT end the runner in order: its stages are stopped, its lease is given back. One that only waits for work ends at once: a
// task that it is given in that very moment goes to the next runner when its lease runs out.
Result<void> run_until_signal(RunnerSettings settings, const std::map<TaskKind, TaskCode>& more) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGUSR1);  // ours: the work has ended
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::stop_source stop;
  std::atomic<int> busy = 0;
  settings.busy = &busy;
  std::thread watcher([&] {
    int which = 0;
    sigwait(&signals, &which);
    stop.request_stop();
    if (which != SIGUSR1 && busy == 0) std::_Exit(0);
  });
  auto ran = run_runner(settings, more, stop.get_token());
  pthread_kill(watcher.native_handle(), SIGUSR1);
  watcher.join();
  return ran;
}

std::string name_from_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  auto name = url.substr(url.find_last_of("/:") + 1);
  if (name.ends_with(".git")) name.resize(name.size() - 4);
  return name;
}

constexpr std::string_view hook_mark = "# Written by `pawl repo hook`";
std::string hook_script(const std::string& server, const std::string& name) {
  return "#!/bin/sh\n" + std::string(hook_mark) +
         R"SH(: tells pawl of every ref that was pushed. It never refuses a push.
here=$(cd "$(dirname "$0")" && pwd)
while read -r before after ref; do
  case $after in *[!0]*) ;; *) continue ;; esac # the ref was deleted
  case $before in *[!0]*) ;; *) before= ;; esac # it is new
  ref=$(printf %s "$ref" | sed 's/["\\]/\\&/g')
  printf '{"ref": "%s", "before": "%s", "after": "%s"}' "$ref" "$before" "$after" |
    curl -fsS -m 10 -o /dev/null -H "@$here/pawl-token" -H 'Content-Type: application/json' --data-binary @- ')SH" +
         server + "/api/pawl/v1/repos/" + net::percent_encode(name) + R"SH(/pushes' ||
    echo "pawl was not told of $ref" >&2
done
exit 0
)SH";
}

struct HookAnswer {
  std::string name{}, hook{};
  static constexpr auto fields = std::tuple{field("name", &HookAnswer::name), field("hook", &HookAnswer::hook)};
};

Result<HookAnswer> write_hook(net::Command& command, const std::string& name, const fs::path& given, bool force) {
  std::error_code ec;
  auto dir = fs::absolute(given, ec);
  if (fs::is_directory(dir / ".git", ec)) dir /= ".git";
  if (!fs::exists(dir / "HEAD", ec)) return fail(Code::invalid, "'" + given.string() + "' is no Git repository", "DIR");
  const auto hook = dir / "hooks" / "post-receive", token = dir / "hooks" / "pawl-token";
  if (auto old = store::read_file(hook); old && !old->contains(hook_mark) && !force)
    return fail(Code::exists, "'" + hook.string() + "' is there already and is not pawl's: --force replaces it", "DIR");
  if (!command.data.empty() && command.server.empty())
    return fail(Code::invalid, "the hook calls the server by its address: name it beside --data", "--server");
  TRY(client, command.client());
  TRY(made, client.call<HookToken>(net::Method::POST, "/api/pawl/v1/repos/" + net::percent_encode(name) + "/token",
                                   Nothing{}));
  // The token's file is never readable for others, not even for a moment.
  fs::create_directories(hook.parent_path(), ec);
  const auto mask = ::umask(077);
  auto written = store::write_file(token, "Authorization: Bearer " + made.token + "\n");
  ::umask(mask);
  if (!written) return std::unexpected(written.error());
  ::chmod(token.c_str(), 0600);
  TRY_(store::write_file(hook, hook_script(command.address(), name)));
  ::chmod(hook.c_str(), 0755);
  return HookAnswer{name, hook.string()};
}

}  // namespace

void runner_verbs(CLI::App& app, net::Command& command, std::map<TaskKind, TaskCode> more) {
  auto* runner = app.add_subcommand("runner", "Claim pipelines from a server and run their stages on this machine");
  auto settings = std::make_shared<RunnerSettings>();
  runner->add_option("--work", settings->work, "Folder for mirrors and worktrees; one runner each")->required();
  runner->add_option("--cache", settings->cache, "DVC cache for repositories that name none; default WORK/cache");
  runner->add_option("--name", settings->name, "What the server calls it; default host and process");
  runner->add_flag("--once", settings->once, "End after one task, or when there is none");
  runner->add_flag("--local", settings->local, "Started by a server on this machine: end when it is gone")->group("");
  runner->callback([&command, settings, more = std::move(more)] {
    settings->server = command.address();
    command.finish(
        [&]() -> Result<void> {
          if (const char* token = std::getenv("PAWL_TOKEN"); token && *token)
            settings->token = token;
          else if (const char* file = std::getenv("PAWL_TOKEN_FILE"); file && *file) {
            TRY(text, net::read_secret(file, ""));
            settings->token = text;
          }
          auto ran = run_until_signal(*settings, more);
          if (!ran && ran.error().code == Code::busy && settings->local) return {};  // the one that is there will do
          return ran;
        }(),
        [] {});
  });

  auto* repo = app.add_subcommand("repo", "The teams' repositories");
  repo->require_subcommand(1);
  auto* add = repo->add_subcommand("add", "Declare a repository");
  auto in = std::make_shared<NewRepository>();
  add->add_option("URL", in->url, "Anything that `git fetch` takes on the runner's machine")->required();
  add->add_option("--name", in->name, "Default: the last part of the url");
  add->add_option("--branch", in->branch, "The branch that is trained")->capture_default_str();
  add->callback([&command, in] {
    command.finish(
        [&]() -> Result<Repository> {
          TRY(client, command.client());
          std::error_code ec;
          if (fs::exists(in->url, ec))
            in->url = fs::weakly_canonical(fs::absolute(in->url), ec).string();  // the runner stands elsewhere
          if (in->name.empty()) in->name = name_from_url(in->url);
          return client.call<Repository>(net::Method::POST, "/api/pawl/v1/repos", *in);
        }(),
        [&](const Repository& r) {
          command.print(r, [](const Repository& made) {
            return "repository " + made.name + ": " + made.url + ", branch " + made.branch + "\n";
          });
        });
  });
  auto* list = repo->add_subcommand("list", "All of them");
  list->callback([&command] {
    command.finish(
        [&]() -> Result<RepositoryList> {
          TRY(client, command.client());
          return client.get<RepositoryList>("/api/pawl/v1/repos");
        }(),
        [&](const RepositoryList& all) {
          command.print(all, [](const RepositoryList& a) {
            std::vector<std::vector<std::string>> rows{{"name", "branch", "url"}};
            for (const auto& r : a.items) rows.push_back({r.name, r.branch, r.url});
            return net::table(rows);
          });
        }  // namespace
    );
  }  // namespace pawl::pipeline
  );
  auto* hook = repo->add_subcommand("hook", "Write a post-receive hook into a bare repository on this machine");
  auto name = std::make_shared<std::string>(), dir = std::make_shared<std::string>();
  auto force = std::make_shared<bool>();
  hook->add_option("NAME", *name, "The repository's name on the server")->required();
  hook->add_option("DIR", *dir, "DIR.git")->required();
  hook->add_flag("--force", *force, "Replace a hook that is not pawl's");
  hook->callback([&command, name, dir, force] {
    command.finish(write_hook(command, *name, *dir, *force), [&](const HookAnswer& answer) {
      command.print(answer,
                    [](const HookAnswer& a) { return "pushes to " + a.name + " are told by " + a.hook + "\n"; });
    });
  });
}

}  // namespace pawl::pipeline
