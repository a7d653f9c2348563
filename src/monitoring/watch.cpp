// The watch: asks the log each second how far it has come, and has a job do what is due. It writes nothing while there is nothing to do.
#include "core/log.h"
#include "monitoring/watched.h"

namespace pawl::monitoring {
namespace {

constexpr const char* look_kind = "monitoring.look";
constexpr auto look_every = std::chrono::seconds(1);
constexpr auto asked_again = std::chrono::seconds(30);   // the job may have been lost
constexpr auto reload_every = std::chrono::seconds(30);  // another server on the same store may have declared a monitor
constexpr auto failed_again = std::chrono::minutes(5);
constexpr int attempts_max = 50;

struct LookAt {
  std::string endpoint{};
  static constexpr auto fields = std::tuple{field("endpoint", &LookAt::endpoint)};
};
// Labels are counted by reading; rows that came late, by comparing sums.
bool labels_moved(const serving::Watermark& a, const serving::Watermark& b) {
  return a.labelled != b.labelled || a.label != b.label;
}

}  // namespace

void Service::attach(jobs::Worker& worker) {
  worker.handle(look_kind, [this](const jobs::Job& job, const std::stop_token& stop) -> Result<std::string> {
    TRY(at, decode<LookAt>(job.payload));
    const auto done = work(at.endpoint, stop);
    if (!done && (done.error().code == Code::busy || done.error().code == Code::unavailable))
      return std::unexpected(done.error());  // tried again by the worker
    if (!done) {  // at once it would go the same way; a dead job every half minute would tell nobody more
      log::error("monitoring.work_failed",
                 {{"endpoint", at.endpoint}, {"message", done.error().message}, {"detail", done.error().detail}});
      const std::lock_guard hold(mutex_);
      if (const auto known = watched_.find(at.endpoint); known != watched_.end())
        known->second->failed = parts_.clock.steady();
    }
    return "{}";
  });
}

void Service::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}
void Service::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}
void Service::watch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (const auto looked = look(); !looked)
      log::warn("monitoring.look_failed", {{"message", looked.error().message}, {"detail", looked.error().detail}});
    std::unique_lock hold(mutex_);
    wake_.wait_for(hold, stop, look_every, [] { return false; });
  }
}

Result<void> Service::reload() {
  struct Shown {
    MonitorRow row{};
    std::optional<WindowSeen> last{};
    std::vector<Alarm> open{};
  };
  TRY(all, parts_.store.read_for<std::vector<Shown>>([](Tx& tx) -> Result<std::vector<Shown>> {
    std::vector<Shown> out;
    TRY(monitors, rows::all_in_force(tx));
    for (auto& row : monitors) {
      Shown shown;
      TRY(last, rows::last_window(tx, row.monitor.endpoint));
      if (last) shown.last = std::move(last->seen);
      TRY(open, rows::open_alarms(tx, row.monitor.endpoint));
      for (auto& a : open) shown.open.push_back(std::move(a.alarm));
      shown.row = std::move(row);
      out.push_back(std::move(shown));
    }
    return out;
  }));
  std::map<std::string, std::unique_ptr<Watched>> now;
  const std::lock_guard hold(mutex_);
  for (auto& shown : all) {
    const std::string endpoint = shown.row.monitor.endpoint;
    if (shown.last) series_.window(shown.row.monitor, *shown.last);
    series_.alarms(endpoint, shown.open);
    auto& at = now[endpoint];
    if (const auto known = watched_.find(endpoint); known != watched_.end()) at = std::move(known->second);
    if (!at) at = std::make_unique<Watched>();
    if (at->row.revision != shown.row.revision) at->next.reset(), at->done.reset(), at->failed.reset();
    at->row = std::move(shown.row);
  }
  watched_ = std::move(now);
  return {};
}

// No row has come for `idle`. By the steady clock since we first saw this newest row; by the wall clock when it says so too: neither a clock that was
// set back nor a restart closes a window early, and a clock set back keeps none open.
bool Service::idle(const Watched& at, const serving::Watermark& now) const {
  const auto wait = parse_duration(at.row.monitor.idle);
  if (!wait || !at.moved) return false;
  return parts_.clock.steady() - *at.moved >= *wait ||
         (now.arrival.us > 0 && parts_.clock.now() - now.arrival >= *wait);
}

Service::Due Service::due(Watched& at, const serving::Watermark& now) const {
  using enum Due;
  const auto steady = parts_.clock.steady();
  if (steady < at.looked) at.moved = steady, at.asked.reset(), at.failed.reset(), at.not_before = steady;  // tests only
  at.looked = steady;
  if (!at.moved || now.rows != at.now.rows || now.arrival != at.now.arrival) at.moved = steady;
  at.now = now;
  if (now.rows == 0) return no;
  if (at.asked && steady - *at.asked < asked_again) return no;
  if (at.failed && steady - *at.failed < failed_again) return no;
  if (!at.done) return yes;
  // So far all rows were from before the first window (the test rows of a canary, say).
  if (!at.next && now.event > at.done->event && (!at.row.anchor || now.event >= *at.row.anchor)) return yes;
  if (at.next) {
    const auto lateness = parse_duration(at.row.monitor.lateness);
    if (lateness && may_close(*at.next, now.event, *lateness)) return yes;
    if (closes_idle(*at.next, now) && idle(at, now)) return yes;
  }
  if (steady < at.not_before || at.closed_from >= at.closed_until) return no;
  if (labels_moved(*at.done, now)) return yes;
  return at.done->rows == now.rows ? no : when_late_rows_came;
}

Result<bool> Service::is_due_now(const std::string& endpoint, const serving::Watermark& now) {
  Watched seen;
  {
    const std::lock_guard hold(mutex_);
    const auto at = watched_.find(endpoint);
    if (at == watched_.end()) return false;
    if (const auto when = due(*at->second, now); when != Due::when_late_rows_came) return when == Due::yes;
    seen = *at->second;
  }
  TRY(rows, parts_.log.count(endpoint, seen.closed_from, seen.closed_until));
  return rows != seen.closed_rows;
}

// What nobody sends rows for any more closes when it has ended by the clock, too: the window of today waits for tomorrow.
bool Service::closes_idle(const Window& window, const serving::Watermark& now) const {
  return window.start <= now.event && window.end <= parts_.clock.now();
}

Result<void> Service::look() {
  const auto steady = parts_.clock.steady();
  if (stale_.exchange(false) || steady >= reload_at_ || steady + reload_every < reload_at_) {
    if (auto done = reload(); !done) {
      stale_ = true;
      return done;
    }
    reload_at_ = steady + reload_every;
  }
  std::vector<std::string> endpoints;
  {
    const std::lock_guard hold(mutex_);
    for (const auto& [endpoint, at] : watched_) endpoints.push_back(endpoint);
  }
  for (const auto& endpoint : endpoints) {
    const auto now = parts_.log.watermark(endpoint);
    if (!now && now.error().code == Code::missing) continue;  // nothing is served there yet
    const auto is_due = now ? is_due_now(endpoint, *now) : Result<bool>(std::unexpected(now.error()));
    if (!is_due)  // the others are looked at all the same
      log::warn("monitoring.log_unreadable", {{"endpoint", endpoint}, {"message", is_due.error().message}});
    if (!is_due || !*is_due) continue;
    {
      const std::lock_guard hold(mutex_);
      if (const auto at = watched_.find(endpoint); at != watched_.end()) at->second->asked = steady;
    }
    TRY_(parts_.store.write([&](Tx& tx) -> Result<void> {
      Call call(tx, {.who = pawl_itself(), .clock = &parts_.clock});
      TRY_(jobs::add(
          call,
          {.kind = look_kind, .payload = encode(LookAt{endpoint}), .attempts_max = attempts_max, .key = endpoint}));
      return {};
    }));
  }
  return {};
}

}  // namespace pawl::monitoring
