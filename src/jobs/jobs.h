// Everything that happens later, once. A job is a row: claimed by a lease with an epoch, run, finished or tried again with backoff; a worker that
// died loses its lease and its late result is refused by the epoch. Readers of the ledger have durable cursors: an event and what a reader makes
// of it are one transaction, so each event is taken exactly once.
//
// States: waiting -> running -> done | dead (tried attempts_max times, or refused for good) | dropped (superseded before it ended).
#pragma once
#include <stop_token>

#include "core/hash.h"
#include "store/ledger.h"
#include "store/store.h"

namespace pawl::jobs {

using JobId = Id<struct job_tag>;
enum class JobState { waiting, running, done, dead, dropped };

struct NewJob {
  std::string kind{};
  std::string payload = "{}";  // JSON
  std::string flow{};          // the flow it belongs to, if any
  Micros wait{0};              // not before now + wait
  int attempts_max = 5;
  std::string key{};  // at most one job of a kind and key waits or runs; adding another answers the one that is there
};
struct Job {
  JobId id{};
  std::string kind{}, payload{}, flow{};
  JobState state{};
  std::int64_t epoch = 0;  // grows with every claim
  std::int64_t attempts = 0, attempts_max = 0;
  std::string holder{};
  Time run_at{}, lease_until{}, created{};
  std::string result{}, error{};
};

Result<JobId> add(Call& call, NewJob job);
Result<Job> find(Tx& tx, const JobId& id);
// The oldest job of these kinds that may run: waiting and due, or running with a lease that ran out. Nothing when there is none.
Result<std::optional<Job>> claim(Call& call, std::span<const std::string> kinds, std::string_view holder, Micros lease);
// All refuse a stale epoch with Code::conflict.
Result<Time> renew(Call& call, const JobId& id, std::int64_t epoch, Micros lease);
Result<Job> finish(Call& call, const JobId& id, std::int64_t epoch, std::string_view result);
Result<Job> fail(Call& call, const JobId& id, std::int64_t epoch, const Error& error,
                 bool for_good);                 // again after backoff, or dead
Result<void> drop(Call& call, const JobId& id);  // waiting or running: its holder's results are refused from now on
Result<std::vector<Job>> of_flow(Tx& tx, std::string_view flow);

// Runs jobs of this process and the readers of the ledger. Wakes on commit and when the next job is due: it never polls in between.
class Worker {
 public:
  // A handler runs outside any transaction and may take long; what it returns is the job's result. It writes through store.write().
  using Handler = std::function<Result<std::string>(const Job& job, std::stop_token stop)>;
  // Takes one event in a write transaction of its own with the cursor's step. An error is logged and tried again with backoff: order is kept.
  using Reader = std::function<Result<void>(Call& call, const store::LedgerEvent& event)>;

  Worker(store::Store& store, const Clock& clock, Random& random);
  ~Worker();  // stops
  // Jobs of this kind that have ended well or were dropped are forgotten after seven days; dead ones stay for people to see.
  void handle(std::string kind, Handler handler);
  void follow(std::string name,
              Reader reader);  // the cursor is kept under `name`; a new one starts at the ledger's beginning
  void every(std::string name, Micros period,
             std::function<Result<void>(Call& call)>
                 tick);  // a tick in a write transaction; one server at a time has the lease
  void start(int threads = 2);
  void stop();
  // For tests: does everything that is due now, on this thread, until nothing is left.
  Result<void> run_until_idle();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawl::jobs
template <> inline constexpr auto pawl::words<pawl::jobs::JobState> =
    std::to_array<std::string_view>({"waiting", "running", "done", "dead", "dropped"});
