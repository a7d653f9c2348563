// Monitors as they are declared, and what is shown of them.
#include "monitoring/service.h"

#include "monitoring/watched.h"

namespace pawl::monitoring {
namespace {

constexpr Micros day = std::chrono::hours(24);

Error no_monitor(std::string_view endpoint) {
  return {Code::missing, "endpoint " + std::string(endpoint) + " is not watched: its pawl.yaml has no `watch`", {}, {}};
}

// Without what changes nothing about which windows are over their limits.
Monitor judging(Monitor m) {
  m.alert.clear(), m.slices.clear();
  m.lateness.clear(), m.idle.clear(), m.reference_ends.clear(), m.time.clear();
  m.previous = 0;
  return m;
}
std::string reason_of(const Monitor& before, const Monitor& now) {
  if (before.version != now.version)
    return "the reference changed: version " + std::to_string(now.version) + " is live";
  if (before.reference != now.reference || before.reference_value != now.reference_value)
    return "the reference changed";
  return "the monitor changed";
}

}  // namespace

Service::Service(Parts parts) : parts_(std::move(parts)), series_(parts_.metrics) {}
Service::~Service() { stop(); }

Result<void> Service::put_monitor(Call& call, const Monitor& monitor, const std::string& cause) {
  TRY(last, rows::newest(call.tx, monitor.endpoint));
  if (last && last->in_force && encode(last->monitor) == encode(monitor)) return {};
  TRY_(Grid::parse(monitor.window, Time{}));
  TRY_(parse_duration(monitor.lateness));
  TRY_(parse_duration(monitor.idle));
  MonitorRow row{.monitor = monitor, .revision = 1, .era = 1};
  if (last) {
    row.revision = last->revision + 1;
    row.era = last->era;
    row.anchor = last->anchor;
    row.limits = last->limits;
    if (!last->in_force || encode(judging(last->monitor)) != encode(judging(monitor))) {
      ++row.era;
      TRY_(close_all(call, monitor.endpoint, reason_of(last->monitor, monitor), cause));
    }
  }
  if (!monitor.from.empty()) {
    TRY(from, parse_rfc3339(monitor.from));
    row.anchor = from;
  } else if (!row.anchor && !monitor.reference_ends.empty()) {
    TRY(ends, parse_rfc3339(monitor.reference_ends));
    row.anchor = ends + day;
  }
  TRY_(rows::put(call.tx, row, call.now(), call.project));
  call.tx.after_commit([this] { stale_ = true; });
  return {};
}

Result<void> Service::drop_monitor(Call& call, const std::string& endpoint, const std::string& cause) {
  TRY(row, rows::in_force(call.tx, endpoint));
  if (!row) return {};
  TRY_(close_all(call, endpoint, "the endpoint is not watched any more", cause));
  TRY_(rows::retire(call.tx, endpoint));
  call.tx.after_commit([this, endpoint] {
    stale_ = true;
    series_.drop(endpoint);
  });
  return {};
}

Result<MonitorSeen> Service::monitor(const std::string& endpoint) {
  MonitorSeen out;
  std::optional<MonitorRow> row;
  TRY_(parts_.store.read([&](Tx& tx) -> Result<void> {
    TRY(found, rows::in_force(tx, endpoint));
    if (!found) return std::unexpected(no_monitor(endpoint));
    row = std::move(found);
    TRY(windows, rows::sighted(tx, endpoint, row->era));
    for (const auto& f : fold(row->monitor, windows)) out.stands.push_back(f.stand);
    TRY(open, rows::open_alarms(tx, endpoint));
    for (auto& a : open) out.open.push_back(std::move(a.alarm));
    TRY(last, rows::last_window(tx, endpoint));
    if (last) out.last = std::move(last->seen);
    return {};
  }));
  out.monitor = row->monitor;
  std::optional<Time> first = row->anchor;
  if (const auto seen = parts_.log.watermark(endpoint); seen && seen->rows > 0) {
    out.watermark = to_rfc3339(seen->event), out.oldest = to_rfc3339(seen->oldest);
    out.rows = seen->rows, out.labelled = seen->labelled;
    first = std::max(first.value_or(seen->oldest), seen->oldest);
  }
  if (!first) return out;
  TRY(grid, Grid::parse(row->monitor.window, row->anchor.value_or(*first)));
  Window next = grid.at(*first);
  if (out.last) {
    TRY(last_end, parse_rfc3339(out.last->end));
    next = next_window(grid, last_end);
  }
  out.next_start = to_rfc3339(next.start), out.next_end = to_rfc3339(next.end);
  return out;
}

Result<Page<MonitorSeen>> Service::monitors() {
  TRY(all, parts_.store.read_for<std::vector<MonitorRow>>([](Tx& tx) { return rows::all_in_force(tx); }));
  Page<MonitorSeen> out;
  for (const auto& row : all) {
    auto seen = monitor(row.monitor.endpoint);
    if (!seen && seen.error().code == Code::missing) continue;  // dropped meanwhile
    if (!seen) return std::unexpected(seen.error());
    out.items.push_back(std::move(*seen));
  }
  return out;
}

Result<Page<WindowSeen>> Service::windows(Tx& tx, const WindowsAsk& ask) { return rows::windows(tx, ask); }
Result<WindowSeen> Service::window(Tx& tx, const WindowAsk& ask) {
  TRY(row, rows::window(tx, ask.id));
  if (!row || row->seen.endpoint != ask.name)
    return fail(Code::missing, "endpoint " + ask.name + " has no window " + ask.id, "id");
  return std::move(row->seen);
}
Result<Page<Bin>> Service::bins(Tx& tx, const ColumnAsk& ask) {
  TRY_(window(tx, {.name = ask.name, .id = ask.id}));
  TRY(found, rows::bins(tx, ask.id, ask.column));
  if (!found)
    return fail(Code::missing, "window " + ask.id + " has no distributions of a column " + ask.column, "column");
  return Page<Bin>{.items = std::move(*found), .next = {}};
}
Result<Page<Alarm>> Service::alarms(Tx& tx, const AlarmsAsk& ask) { return rows::alarms(tx, ask); }

}  // namespace pawl::monitoring
