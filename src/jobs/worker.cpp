// Threads of the worker: some run jobs; one, the keeper, moves the readers of the ledger, does the ticks and renews the leases of what runs.
#include <condition_variable>
#include <thread>

#include "core/log.h"
#include "jobs/jobs.h"
#include "jobs/rows.h"

namespace pawl::jobs {
namespace {
constexpr Micros lease = std::chrono::seconds(60);
constexpr Micros renew_every = std::chrono::seconds(20);
constexpr Micros retry_first = std::chrono::milliseconds(200);
constexpr Micros retry_max = std::chrono::seconds(30);
// Another server on the same PostgreSQL may add work: it cannot wake us.
constexpr Micros shared_store_look = std::chrono::seconds(1);
// What a worker's own jobs leave behind: nobody asks for their results later. A slice at a time, the writer has other callers.
constexpr Micros forget_after = std::chrono::days(7), forget_every = std::chrono::minutes(10);
constexpr std::int64_t forget_rows = 1000;

// What trying again cannot mend.
bool for_good(const Error& e) {
  return e.code == Code::invalid || e.code == Code::missing || e.code == Code::denied || e.code == Code::conflict ||
         e.code == Code::exists || e.code == Code::too_large;
}
}  // namespace

struct Worker::Impl {
  struct Follower {
    std::string name;
    Reader reader;
    Micros retry{0};
    Time retry_at{};
  };
  struct Tick {
    std::string name;
    Micros period;
    std::function<Result<void>(Call&)> run;
  };

  Impl(store::Store& s, const Clock& c, Random& r) : store(s), clock(c), holder("server-" + r.hex_bytes(4)) {}

  store::Store& store;
  const Clock& clock;
  std::string holder;
  std::map<std::string, Handler, std::less<>> handlers{};
  std::vector<std::string> kinds{};
  std::vector<Follower> followers{};
  std::vector<Tick> ticks{};

  std::mutex mutex{};
  std::condition_variable wake{};
  std::uint64_t news = 0;                                      // grows with every notice
  std::map<std::string, std::int64_t, std::less<>> running{};  // job id -> epoch
  std::stop_source stop{};
  std::vector<std::thread> threads{};

  Call call(Tx& tx) const { return Call(tx, {.who = pawl_itself(), .clock = &clock}); }

  void noticed() {
    {
      std::lock_guard hold(mutex);
      ++news;
    }
    wake.notify_all();
  }
  std::uint64_t seen() {
    std::lock_guard hold(mutex);
    return news;
  }
  void wait(std::uint64_t since, std::optional<Time> due) {
    std::unique_lock hold(mutex);
    auto ready = [&] { return news != since || stop.stop_requested(); };
    Micros longest = store.engine() == store::Engine::postgres ? shared_store_look : renew_every;
    if (due) longest = std::clamp<Micros>(*due - clock.now(), Micros{1000}, longest);
    wake.wait_for(hold, longest, ready);
  }

  // True: there was one.
  Result<bool> run_one_job() {
    if (kinds.empty()) return false;
    TRY(due, store.read_for<std::optional<Job>>([&](Tx& tx) { return rows::next_due(tx, kinds, clock.now()); }));
    if (!due) return false;
    TRY(job, store.write_for<std::optional<Job>>([&](Tx& tx) {
      auto c = call(tx);
      return claim(c, kinds, holder, lease);
    }));
    if (!job) return false;
    {
      std::lock_guard hold(mutex);
      running[job->id.text] = job->epoch;
    }
    auto outcome = guarded(*job);
    {
      std::lock_guard hold(mutex);
      running.erase(job->id.text);
    }
    auto kept = store.write([&](Tx& tx) -> Result<void> {
      auto c = call(tx);
      auto done = outcome ? finish(c, job->id, job->epoch, *outcome)
                          : fail(c, job->id, job->epoch, outcome.error(), for_good(outcome.error()));
      if (!done) return std::unexpected(done.error());
      return {};
    });
    if (!outcome)
      log::warn("job.failed", {{"job", job->id.text},
                               {"kind", job->kind},
                               {"attempt", job->attempts},
                               {"message", outcome.error().message},
                               {"detail", outcome.error().detail}});
    if (!kept) log::warn("job.result_refused", {{"job", job->id.text}, {"message", kept.error().message}});
    return true;
  }
  Result<std::string> guarded(const Job& job) {
    try {
      return handlers.find(job.kind)->second(job, stop.get_token());
    } catch (const std::exception& e) {
      return pawl::fail(Code::internal, "an unexpected failure", {}, e.what());
    }
  }

  // One event for one reader, with its cursor's step. True: there was one.
  Result<bool> step(Follower& f) {
    TRY(waiting, store.read_for<bool>([&](Tx& tx) -> Result<bool> {
      TRY(at, rows::cursor(tx, f.name));
      TRY(next, store::read_ledger(tx, {.after = at, .limit = 1}));
      return !next.empty();
    }));
    if (!waiting) return false;
    return store.write_for<bool>([&](Tx& tx) -> Result<bool> {
      TRY(at, rows::cursor(tx, f.name));
      TRY(next, store::read_ledger(tx, {.after = at, .limit = 1}));
      if (next.empty()) return false;
      auto c = call(tx);
      TRY_(f.reader(c, next.front()));
      TRY_(rows::set_cursor(tx, f.name, next.front().seq));
      return true;
    });
  }
  // Moves every reader as far as it goes. True: something was taken. `due` becomes the earliest time to look again.
  bool move_readers(std::optional<Time>& due) {
    bool any = false;
    for (auto& f : followers) {
      while (!stop.stop_requested()) {
        if (f.retry.count() > 0 && clock.now() < f.retry_at) break;
        auto stepped = step(f);
        if (stepped) f.retry = {};
        if (stepped && !*stepped) break;
        if (stepped)
          any = true;
        else if (stepped.error().code != Code::busy || f.retry.count() == 0) {
          f.retry = std::clamp<Micros>(f.retry * 2, retry_first, retry_max);
          f.retry_at = clock.now() + f.retry;
          log::error("ledger.reader_failed",
                     {{"reader", f.name}, {"message", stepped.error().message}, {"detail", stepped.error().detail}});
        } else {
          break;
        }
      }
      if (f.retry.count() > 0 && (!due || f.retry_at < *due)) due = f.retry_at;
    }
    return any;
  }
  bool do_ticks(std::optional<Time>& due) {
    bool any = false;
    for (auto& t : ticks) {
      auto next = store.read_for<std::optional<Time>>([&](Tx& tx) { return rows::tick(tx, t.name); });
      if (!next) continue;
      // Later than a period from now: the clock was set back.
      if (!*next || **next <= clock.now() || **next > clock.now() + t.period) {
        auto done = store.write([&](Tx& tx) -> Result<void> {
          TRY(at, rows::tick(tx, t.name));
          if (at && *at > clock.now() && *at <= clock.now() + t.period) return {};  // another server was first
          TRY_(rows::set_tick(tx, t.name, clock.now() + t.period));
          auto c = call(tx);
          return t.run(c);
        });
        if (done)
          any = true;  // one that failed is not tried again at once
        else
          log::warn("tick.failed",
                    {{"tick", t.name}, {"message", done.error().message}, {"detail", done.error().detail}});
        next = clock.now() + t.period;
      }
      if (!due || **next < *due) due = **next;
    }
    return any;
  }
  void renew_leases(std::chrono::steady_clock::time_point& last) {
    if (std::chrono::steady_clock::now() - last < renew_every) return;
    last = std::chrono::steady_clock::now();
    std::map<std::string, std::int64_t, std::less<>> held;
    {
      std::lock_guard hold(mutex);
      held = running;
    }
    for (const auto& [id, epoch] : held)
      (void)store.write([&](Tx& tx) -> Result<void> {
        auto c = call(tx);
        if (auto r = renew(c, {id}, epoch, lease); !r) return std::unexpected(r.error());
        return {};
      });
  }

  void keep() {
    auto renewed = std::chrono::steady_clock::now();
    while (!stop.stop_requested()) {
      const auto since = seen();
      std::optional<Time> due;
      bool any = move_readers(due);
      any |= do_ticks(due);
      renew_leases(renewed);
      if (!any) wait(since, due);
    }
  }
  void work() {
    while (!stop.stop_requested()) {
      const auto since = seen();
      auto ran = run_one_job();
      if (!ran) log::warn("jobs.store_failed", {{"message", ran.error().message}});
      if (ran && *ran) continue;
      auto due = ran ? store.read_for<std::optional<Time>>([&](Tx& tx) { return rows::next_time(tx, kinds); })
                     : Result<std::optional<Time>>(clock.now() + retry_max);
      wait(since, due ? *due : std::nullopt);
    }
  }
};

Worker::Worker(store::Store& store, const Clock& clock, Random& random)
    : impl_(std::make_unique<Impl>(store, clock, random)) {}
Worker::~Worker() { stop(); }
void Worker::handle(std::string kind, Handler handler) {
  every("jobs.forget." + kind, forget_every,
        [kind](Call& call) { return rows::forget(call.tx, kind, call.now() - forget_after, forget_rows); });
  impl_->kinds.push_back(kind);
  impl_->handlers.emplace(std::move(kind), std::move(handler));
}
void Worker::follow(std::string name, Reader reader) {
  impl_->followers.push_back({.name = std::move(name), .reader = std::move(reader)});
}
void Worker::every(std::string name, Micros period, std::function<Result<void>(Call&)> tick) {
  impl_->ticks.push_back({std::move(name), period, std::move(tick)});
}

void Worker::start(int threads) {
  auto& impl = *impl_;
  // On SQLite there is one server: what runs was held by one that is gone. Elsewhere another server may hold it, and its lease tells.
  if (impl.store.engine() == store::Engine::sqlite)
    if (auto taken = impl.store.write([&](Tx& tx) { return rows::take_back(tx, impl.kinds, impl.clock.now()); });
        !taken)
      log::warn("jobs.not_taken_back", {{"message", taken.error().message}});
  impl.store.on_events([&impl](std::int64_t) { impl.noticed(); });
  impl.store.on_notice([&impl](std::string_view topic) {
    if (topic == "jobs") impl.noticed();
  });
  impl.threads.emplace_back([&impl] { impl.keep(); });
  for (int i = 0; i < threads && !impl.kinds.empty(); ++i) impl.threads.emplace_back([&impl] { impl.work(); });
}
void Worker::stop() {
  impl_->stop.request_stop();
  impl_->noticed();
  for (auto& t : impl_->threads) t.join();
  impl_->threads.clear();
}
Result<void> Worker::run_until_idle() {
  for (bool any = true; any;) {
    std::optional<Time> due;
    any = impl_->move_readers(due);
    any |= impl_->do_ticks(due);
    TRY(ran, impl_->run_one_job());
    any |= ran;
  }
  return {};
}

}  // namespace pawl::jobs
