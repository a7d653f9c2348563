// Rows of monitors, closed windows and alarms. What is looked for has a column of its own; the rest is the described value as JSON. All SQL of the
// room is in rows.cpp.
#pragma once
#include "monitoring/sights.h"
#include "store/store.h"

namespace pawl::monitoring {

// A monitor as it was declared once. A later declaration is another revision; closed windows keep theirs.
struct MonitorRow {
  Monitor monitor{};
  std::int64_t revision = 0;
  std::int64_t era = 0;          // grows when what is judged changes: alarms look at the windows of one era only
  std::optional<Time> anchor{};  // where the grid begins; absent until the first row, where nothing said it
  bool in_force = false;
  std::string limits{};  // of the reference, calibrated once
};
// What the log had counted when a window was measured.
struct WindowCounts {
  std::int64_t rows = 0, labels = 0;
  std::int64_t labels_digest = 0;
  bool operator==(const WindowCounts&) const = default;
};
struct WindowRow {
  WindowSeen seen{};
  Window window{};
  std::int64_t revision = 0, era = 0;
  WindowCounts counts{};
  std::int64_t rows_at_close = 0;
};
struct AlarmRow {
  Alarm alarm{};
  std::string window_start{};
  std::vector<std::string> columns{};
  std::int64_t told_until = 0;  // end of the newest window that alarm.opened or alarm.continued told of
  static constexpr auto fields =
      std::tuple{field("alarm", &AlarmRow::alarm), field("window_start", &AlarmRow::window_start),
                 field("columns", &AlarmRow::columns), field("told_until", &AlarmRow::told_until)};
};

namespace rows {

Result<void> put(Tx& tx, const MonitorRow& row, Time since, std::string_view project);  // in force: the others are not
Result<void> retire(Tx& tx, std::string_view endpoint);
Result<void> set_limits(Tx& tx, std::string_view endpoint, std::int64_t revision, std::string_view limits);
Result<void> set_anchor(Tx& tx, std::string_view endpoint, std::int64_t revision, Time anchor);
Result<std::optional<MonitorRow>> in_force(Tx& tx, std::string_view endpoint);
Result<std::optional<MonitorRow>> newest(Tx& tx, std::string_view endpoint);  // in force or not
Result<std::optional<MonitorRow>> monitor(Tx& tx, std::string_view endpoint, std::int64_t revision);
Result<std::vector<MonitorRow>> all_in_force(Tx& tx);

Result<bool> insert(Tx& tx, const WindowRow& row, const std::vector<Sight>& sights,
                    std::string_view project);  // false: it is closed already
Result<void> update(Tx& tx, const WindowRow& row, const std::vector<Sight>& sights);
Result<void> set_counts(Tx& tx, std::string_view id, const WindowCounts& counts);
Result<void> put_bins(Tx& tx, std::string_view window, std::string_view column, const std::vector<Bin>& bins);
Result<std::optional<WindowRow>> window(Tx& tx, std::string_view id);
Result<std::optional<WindowRow>> last_window(Tx& tx, std::string_view endpoint);
Result<std::vector<WindowRow>> counted(Tx& tx, std::string_view endpoint);  // all of an endpoint, without what was seen
Result<std::vector<Sighted>> sighted(Tx& tx, std::string_view endpoint, std::int64_t era);
Result<Page<WindowSeen>> windows(Tx& tx, const WindowsAsk& ask);
Result<std::optional<std::vector<Bin>>> bins(Tx& tx, std::string_view window, std::string_view column);

Result<void> put(Tx& tx, const AlarmRow& row, std::string_view project);
Result<std::optional<AlarmRow>> alarm(Tx& tx, std::string_view id);
Result<std::vector<AlarmRow>> open_alarms(Tx& tx, std::string_view endpoint);
Result<std::optional<AlarmRow>> last_alarm(Tx& tx, std::string_view endpoint, AlarmKind kind, std::string_view column);
Result<Page<Alarm>> alarms(Tx& tx, const AlarmsAsk& ask);

}  // namespace rows
}  // namespace pawl::monitoring
