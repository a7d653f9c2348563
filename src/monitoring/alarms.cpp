// Alarms follow from the closed windows: all windows of an era are folded again whenever one is closed or recomputed, so that late rows count where
// they belong. What has been told stays told: an alarm opens once, continues at most once a window, closes once.
#include <algorithm>

#include "monitoring/service.h"

namespace pawl::monitoring {
namespace {

bool silenced(const Alarm& alarm, Time now) {
  if (alarm.silenced_until.empty()) return false;
  const auto until = parse_rfc3339(alarm.silenced_until);
  return until && now < *until;
}
AlarmTold told_of(const AlarmRow& row, const std::vector<std::string>& alert) {
  const Alarm& a = row.alarm;
  return {.endpoint = a.endpoint,
          .model = a.model,
          .window = a.window,
          .window_start = row.window_start,
          .window_end = a.window_end,
          .column = a.column,
          .reason = a.reason,
          .version = a.version,
          .kind = a.kind,
          .statistic = a.statistic,
          .limit = a.limit,
          .columns = row.columns,
          .alert = alert};
}
std::string tell(Call& call, std::string what, const AlarmRow& row, const std::vector<std::string>& alert,
                 const std::string& cause) {
  return call.tell({.what = std::move(what),
                    .subject_kind = "alarm",
                    .subject = row.alarm.id,
                    .cause = cause,
                    .data = encode(told_of(row, alert))});
}
void look_at(AlarmRow& row, const Sighted& window, const Sight& sight) {
  row.alarm.statistic = sight.statistic, row.alarm.limit = sight.limit;
  row.alarm.window = window.id, row.alarm.window_end = to_rfc3339(window.window.end);
  row.window_start = to_rfc3339(window.window.start);
  row.columns = sight.columns;
}
Error no_alarm(const std::string& id) { return {Code::missing, "there is no alarm " + id, "id", {}}; }

}  // namespace

Result<void> Service::move_alarms(Call& call, const MonitorRow& row, const WindowSeen& window,
                                  const std::function<std::string()>& event, bool recomputed) {
  const Monitor& monitor = row.monitor;
  TRY(windows, rows::sighted(call.tx, monitor.endpoint, row.era));
  const auto folded = fold(monitor, windows);
  TRY(open, rows::open_alarms(call.tx, monitor.endpoint));
  // The endpoint's alarm names its columns: their own alarms of the same window are not told to people as well.
  const bool whole = std::ranges::any_of(folded, [&](const Folded& f) {
    return f.stand.kind == AlarmKind::drift && f.over != nullptr && f.over->id == window.id;
  });
  const auto hears = [&](const AlarmRow& a) {
    const bool quiet = silenced(a.alarm, call.now()) || (a.alarm.kind == AlarmKind::column && whole);
    return quiet ? std::vector<std::string>{} : monitor.alert;
  };
  for (const Folded& f : folded) {
    const auto known = std::ranges::find_if(
        open, [&](const AlarmRow& a) { return a.alarm.kind == f.stand.kind && a.alarm.column == f.stand.column; });
    const bool stands_open = f.over != nullptr;
    if (known == open.end() && !stands_open) continue;
    if (known == open.end()) {
      AlarmRow made{.alarm = {.id = new_id(),
                              .endpoint = monitor.endpoint,
                              .model = monitor.model,
                              .version = monitor.version,
                              .kind = f.stand.kind,
                              .column = f.stand.column,
                              .state = f.stand.state,
                              .opened = to_rfc3339(call.now())},
                    .told_until = f.over->window.end.us};
      look_at(made, *f.over, *f.over_sight);
      // Silence is about what is watched: it holds when the same alarm comes again.
      TRY(before, rows::last_alarm(call.tx, monitor.endpoint, f.stand.kind, f.stand.column));
      if (before && silenced(before->alarm, call.now())) made.alarm.silenced_until = before->alarm.silenced_until;
      made.alarm.event = tell(call, "alarm.opened", made, hears(made), event());
      TRY_(rows::put(call.tx, made, call.project));
      continue;
    }
    AlarmRow& alarm = *known;
    const std::string before = encode(alarm);
    alarm.alarm.state = f.stand.state;
    if (f.last != nullptr) look_at(alarm, *f.last, *f.last_sight);
    if (!stands_open) {
      alarm.alarm.closed = to_rfc3339(call.now());
      alarm.alarm.reason = recomputed ? "recomputed with what came late, it is not over its limit"
                                      : "quiet for " + std::to_string(monitor.keep_firing_windows) +
                                            (monitor.keep_firing_windows == 1 ? " window" : " windows");
      tell(call, "alarm.closed", alarm, hears(alarm), event());
    } else if (f.over->window.end.us > alarm.told_until) {
      alarm.told_until = f.over->window.end.us;
      if (alarm.alarm.kind != AlarmKind::column) {
        auto alert = hears(alarm);
        if (!alarm.alarm.acknowledged_by.empty()) alert.clear();  // somebody is on it
        tell(call, "alarm.continued", alarm, alert, event());
      }
    }
    if (encode(alarm) != before) TRY_(rows::put(call.tx, alarm, call.project));
  }
  return show_alarms(call.tx, monitor.endpoint);
}

Result<void> Service::close_all(Call& call, const std::string& endpoint, const std::string& reason,
                                const std::string& cause) {
  TRY(row, rows::in_force(call.tx, endpoint));
  TRY(open, rows::open_alarms(call.tx, endpoint));
  for (AlarmRow& alarm : open) {
    alarm.alarm.closed = to_rfc3339(call.now());
    alarm.alarm.state = AlarmState::ok;
    alarm.alarm.reason = reason;
    const bool heard = row && !silenced(alarm.alarm, call.now()) && alarm.alarm.kind != AlarmKind::column;
    tell(call, "alarm.closed", alarm, heard ? row->monitor.alert : std::vector<std::string>{}, cause);
    TRY_(rows::put(call.tx, alarm, call.project));
  }
  return show_alarms(call.tx, endpoint);
}

Result<void> Service::show_alarms(Tx& tx, const std::string& endpoint) {
  TRY(open, rows::open_alarms(tx, endpoint));
  std::vector<Alarm> shown;
  shown.reserve(open.size());
  for (auto& a : open) shown.push_back(std::move(a.alarm));
  tx.after_commit([this, endpoint, shown = std::move(shown)] { series_.alarms(endpoint, shown); });
  return {};
}

Result<Alarm> Service::acknowledge(Call& call, const AlarmAsk& ask) {
  TRY(row, rows::alarm(call.tx, ask.id));
  if (!row) return std::unexpected(no_alarm(ask.id));
  if (!row->alarm.closed.empty()) return fail(Code::conflict, "alarm " + ask.id + " is closed", "id");
  if (row->alarm.acknowledged_by == call.who.name) return std::move(row->alarm);
  row->alarm.acknowledged_by = call.who.name;
  TRY(monitor, rows::in_force(call.tx, row->alarm.endpoint));
  const bool heard = monitor && !silenced(row->alarm, call.now());
  tell(call, "alarm.acknowledged", *row, heard ? monitor->monitor.alert : std::vector<std::string>{}, row->alarm.event);
  TRY_(rows::put(call.tx, *row, call.project));
  return std::move(row->alarm);
}

Result<Alarm> Service::silence(Call& call, const SilenceAsk& ask) {
  TRY(row, rows::alarm(call.tx, ask.id));
  if (!row) return std::unexpected(no_alarm(ask.id));
  if (!row->alarm.closed.empty()) return fail(Code::conflict, "alarm " + ask.id + " is closed", "id");
  std::string until;
  if (!ask.until.empty()) {
    const auto time = parse_rfc3339(ask.until);
    if (!time) return fail(Code::invalid, "until: " + time.error().message, "until");
    if (*time <= call.now()) return fail(Code::invalid, "until: expected a time to come, got " + ask.until, "until");
    until = to_rfc3339(*time);
  }
  if (row->alarm.silenced_until == until) return std::move(row->alarm);
  row->alarm.silenced_until = until;
  AlarmTold told = told_of(*row, {});
  told.reason = until.empty() ? "heard again" : "until " + until;
  call.tell({.what = "alarm.silenced",
             .subject_kind = "alarm",
             .subject = row->alarm.id,
             .cause = row->alarm.event,
             .data = encode(told)});
  TRY_(rows::put(call.tx, *row, call.project));
  return std::move(row->alarm);
}

}  // namespace pawl::monitoring
