// Windows close, alarms open and close: monitoring's decisions. What is due follows from the store (monitors, closed windows) and the prediction
// log, so a server may die anywhere: the next one finds the same to do, and a window, its event and the alarms it moves are one transaction.
//
//   watch (a thread, each second) ─ something is due ─► job monitoring.look ─► close windows, recompute those that rows or labels came late for
//
// A window closes when the watermark minus `lateness` has passed its end; when no row came for `idle` and its end lies behind the clock; or by hand.
// Windows close in order; each is measured against the reference of the version that is live then, also when it is recomputed later.
//
// Events: window.closed, window.recomputed (when an alarm moves by it), alarm.opened, alarm.continued, alarm.closed, alarm.acknowledged, alarm.silenced.
// Subjects: the window, the alarm.
#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>

#include "jobs/jobs.h"
#include "monitoring/log.h"
#include "monitoring/rows.h"
#include "monitoring/series.h"
#include "monitoring/shown.h"

namespace CLI {
class App;
}
namespace pawl::net {
struct Command;
class Router;
}  // namespace pawl::net
namespace pawl::monitoring {

constexpr std::size_t empty_windows_max = 100;  // that close one after the other; a longer gap is jumped over

struct Parts {
  store::Store& store;
  Log& log;
  std::filesystem::path artifacts{};  // the root that Monitor.reference is relative to
  const Clock& clock;
  Random& random;
  net::Metrics* metrics = nullptr;
  // A notice to pages that is not kept: a window was recomputed. From any thread.
  std::function<void(std::string_view what, std::string_view data)> notice{};
  MeasureOptions measure{};
};

class Service {
 public:
  explicit Service(Parts parts);
  ~Service();  // stops
  void attach(jobs::Worker& worker);
  void start();  // the watch
  void stop();
  // What the watch does each second: adds a job for each endpoint where something is due. Tests call it.
  Result<void> look();
  // What the job does: closes what may close, recomputes what grew.
  Result<void> work(const std::string& endpoint, const std::stop_token& stop = {});

  // ---- for delivery ----
  // The same again changes nothing. A change of what is judged (version, reference, window, test, limits) closes the endpoint's alarms with that reason.
  Result<void> put_monitor(Call& call, const Monitor& monitor, const std::string& cause);
  Result<void> drop_monitor(Call& call, const std::string& endpoint, const std::string& cause);

  // ---- for routes and the page ----
  // These block (they ask the log): pool threads.
  Result<Page<MonitorSeen>> monitors();
  Result<MonitorSeen> monitor(const std::string& endpoint);
  // Closes windows that have begun before that time, up to the one that holds the newest row; answers those that it closed.
  Result<Page<WindowSeen>> close(const Ask& ask, const CloseAsk& in);
  Result<Page<WindowSeen>> windows(Tx& tx, const WindowsAsk& ask);
  Result<WindowSeen> window(Tx& tx, const WindowAsk& ask);
  Result<Page<Bin>> bins(Tx& tx, const ColumnAsk& ask);
  Result<Page<Alarm>> alarms(Tx& tx, const AlarmsAsk& ask);
  Result<Alarm> acknowledge(Call& call, const AlarmAsk& ask);
  Result<Alarm> silence(Call& call, const SilenceAsk& ask);

 private:
  // watch.cpp
  struct Watched;  // what the watch knows of an endpoint
  void watch(const std::stop_token& stop);
  Result<void> reload();
  enum class Due { no, yes, when_late_rows_came };
  Due due(Watched& at, const serving::Watermark& now) const;
  Result<bool> is_due_now(const std::string& endpoint, const serving::Watermark& now);
  bool idle(const Watched& at, const serving::Watermark& now) const;
  bool closes_idle(const Window& window, const serving::Watermark& now) const;

  // close.cpp
  struct Doing {  // one endpoint's work under way
    MonitorRow row{};
    Grid grid;
    Time end{};  // the day after the newest row
    serving::Watermark seen{};
    Who who{};
  };
  Result<std::optional<Doing>> begin(const std::string& endpoint, const Who& who);
  Result<std::optional<Window>> next_of(const Doing& doing);
  Result<std::vector<WindowSeen>> close_until(const Doing& doing, std::string_view how,
                                              const std::function<bool(const Window&)>& may,
                                              const std::stop_token& stop);
  Result<void> recompute_late(const Doing& doing, std::optional<Time> labels_since, const std::stop_token& stop);
  std::optional<Time> seen_labels_of(
      const std::string& endpoint);  // up to when the last look saw labels; nothing: it is not known
  struct Made {
    Measurement measurement{};
    WindowCounts counts{};  // what the log held when it was made
  };
  Result<Made> measured(const MonitorRow& row, const Window& window, std::int64_t rows);
  Result<Made> measured_here(const MonitorRow& row, const Window& window, std::int64_t rows);
  Result<std::shared_ptr<const Reference>> reference_of(const MonitorRow& row, std::string& note);
  Result<std::optional<WindowSeen>> keep_closed(const Doing& doing, const Window& window, std::string_view how,
                                                Made made);
  Result<void> keep_recomputed(const Doing& doing, const WindowRow& old, Made made);

  // alarms.cpp
  // Folds all windows since the monitor last changed and brings the alarms to where that ends. `event` is told when the first alarm moves.
  Result<void> move_alarms(Call& call, const MonitorRow& row, const WindowSeen& window,
                           const std::function<std::string()>& event, bool recomputed);
  Result<void> close_all(Call& call, const std::string& endpoint, const std::string& reason, const std::string& cause);
  Result<void> show_alarms(Tx& tx, const std::string& endpoint);

  std::mutex& lock_of(const std::string& endpoint);
  std::string new_id() { return parts_.random.hex_bytes(8); }

  Parts parts_;
  Series series_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::map<std::string, std::unique_ptr<Watched>> watched_;       // by endpoint, of monitors in force
  std::map<std::string, std::unique_ptr<std::mutex>> endpoints_;  // one closes an endpoint's windows at a time
  std::atomic<bool> stale_ = true;                                // monitors changed: read them again
  std::chrono::steady_clock::time_point reload_at_{};
  std::mutex reference_mutex_;
  std::string reference_key_;
  std::shared_ptr<const Reference> reference_;  // the last one used: some 20 columns of 200,000 numbers
  std::jthread thread_;
};

void mount(net::Router& at, Service& monitoring);  // routes.cpp
void verbs(CLI::App& app, net::Command& command);  // verbs.cpp

}  // namespace pawl::monitoring
