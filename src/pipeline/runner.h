// `pawl runner`: a process of its own that claims tasks over HTTP, does them and hands the results in, once. It keeps its lease while it works;
// when the lease is lost it stops what it does and forgets the result. The end of the server does not end a training: the runner goes on and
// hands in when a server answers again.
#pragma once
#include <atomic>
#include <stop_token>

#include "net/client.h"
#include "pipeline/git.h"

namespace pawl::pipeline {

struct RunnerSettings {
  std::string server{};
  std::string token{};
  std::filesystem::path work{};   // mirrors, worktrees, lock file
  std::filesystem::path cache{};  // DVC's, for repositories that name none
  std::string name{};
  bool once = false;                 // one task, then the end
  std::atomic<int>* busy = nullptr;  // how many tasks are being done, when somebody wants to know
  bool local = false;                // started by a server: ends when that is gone and there is nothing to do
};

// What a task's code is given.
struct TaskContext {
  std::string id{}, token{};  // the task; the flow's token of a pipeline
  std::int64_t epoch = 0;
  std::filesystem::path work{};     // of the runner
  std::filesystem::path scratch{};  // an empty folder of this task's own, removed afterwards
  std::filesystem::path cache{};
  std::function<std::string()> address{};  // of the server, now
  std::string runner_token{};
  std::function<void(std::string_view)> log{};
  std::stop_token stop{};

  // Speaks to the server as the runner (or the flow), again and again while it is away: a training must not be lost because it restarts.
  enum class As { runner, flow };
  Result<void> speak(As as, const std::function<Result<void>(net::Client&)>& work) const;
  // Where the cache keeps a file of this content. Code::missing when it does not.
  Result<std::filesystem::path> object(std::string_view md5) const;
  // Brings a folder of the server's artifacts (as `1/RUN/artifacts/model`) here.
  Result<void> download(const std::string& folder, const std::filesystem::path& to) const;
  // Puts a file among the server's artifacts, at that path below their root.
  Result<void> upload(const std::string& path, const std::filesystem::path& file) const;
};
// The same with a client at hand.
Result<void> download_artifacts(net::Client& server, const std::string& folder, const std::filesystem::path& to);
// The result as JSON. Code::unavailable is worth another try by anyone; other errors are the task's own.
using TaskCode = std::function<Result<std::string>(TaskContext& task, const std::string& payload)>;

// Returns at the end of its work (once, local) or when `stop` is asked for. Code::busy: another runner has the work folder.
Result<void> run_runner(const RunnerSettings& settings, const std::map<TaskKind, TaskCode>& more,
                        const std::stop_token& stop);

// A pipeline on a commit: worktree, parameters, stages, what came of it.
Result<PipelineResult> run_pipeline(TaskContext& task, const PipelineAsk& ask);
// Registers the pipeline's output as the model's next version, through the MLflow API, as the flow.
Result<VersionRef> register_output(net::Client& as_flow, const TaskContext& task, const PipelineAsk& ask,
                                   const std::filesystem::path& file);
// The environment of a team's stages: ours less everything that looks like a secret.
std::vector<std::string> stage_environment(const TaskContext& task, const PipelineAsk& ask);

}  // namespace pawl::pipeline
