// The server's half of pipelines: team repositories and their pushes, and the tasks that runners claim by lease. The server itself never runs a
// team's command.
//
// A task is a job of kind inspect, pipeline or evaluate. It ends once: with its result (or its last failure) the event task.ended is told,
// subject task ID, data {kind, ok}. Results of a stale epoch are refused.
//
// Events: repo.added, repo.pushed, task.ended.
#pragma once
#include <atomic>
#include <mutex>

#include "access/service.h"
#include "datasets/service.h"
#include "pipeline/types.h"
#include "registry/service.h"

namespace pawl::pipeline {

class Service {
 public:
  // `logs`: the folder of task logs.
  Service(store::Store& store, access::Service& access, datasets::Service& datasets, registry::Service& registry,
          std::filesystem::path logs);

  Result<Repository> add_repository(Call& call, const NewRepository& in);
  Result<RepositoryList> repositories(Tx& tx);
  Result<Repository> find_repository(Tx& tx, const std::string& name);
  Result<HookToken> hook_token(Call& call, const std::string& name);
  Result<PushTaken> push(Call& call, const Push& in);

  // For `delivery`. A task of the same flow and kind that still waits or runs is answered instead of a second one.
  Result<jobs::JobId> ask_inspect(Call& call, const InspectAsk& ask, const std::string& flow = {});
  Result<jobs::JobId> ask_pipeline(Call& call, const PipelineAsk& ask);
  Result<jobs::JobId> ask_evaluate(Call& call, const std::string& flow, Json payload);
  Result<TaskResult> result(Tx& tx, const jobs::JobId& id);
  Result<void> drop_tasks(Call& call, const std::string& flow);  // its runner is told at the next renewal
  // Reads which flows are being trained, before the first request.
  Result<void> prepare();
  // Whether this epoch of a flow's pipeline task holds its lease: what a flow's token is good for. From memory.
  bool alive(std::string_view flow, std::int64_t epoch) const;

  // For runners.
  Result<Claimed> claim(Call& call, const ClaimAsk& in);
  Result<LeaseUntil> renew(Call& call, const Held& in);
  Result<Nothing> finish(Call& call, const FinishAsk& in);
  Result<Registered> registered(Call& call, const Held& in);
  Result<Nothing> log(Ask& ask, const LogPiece& in);
  Result<LogText> read_log(const LogAsk& in);
  Result<TaskList> tasks(Tx& tx, const std::string& flow);
  bool runner_seen_since(Time t) const { return Time{seen_us_.load()} >= t; }
  Result<bool> work_waits(Tx& tx);

  // Of the ledger: a task whose runner was lost too often has ended as well.
  Result<void> take_event(Call& call, const store::LedgerEvent& event);

 private:
  Result<jobs::JobId> ask(Call& call, TaskKind kind, const std::string& flow, std::string payload,
                          const std::string& key);
  void ended(Call& call, const jobs::Job& job, bool ok);
  void holds(Tx& tx, const jobs::Job& job, bool held);  // once it is durable
  store::Store& store_;
  access::Service& access_;
  datasets::Service& datasets_;
  registry::Service& registry_;
  std::filesystem::path logs_;
  std::atomic<std::int64_t> seen_us_{0};
  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t, std::less<>> holding_;  // flow -> epoch of its running pipeline
};

constexpr Micros lease_time = std::chrono::seconds(15);

}  // namespace pawl::pipeline
