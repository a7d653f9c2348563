#include "monitoring/rows.h"

#include <charconv>
#include <limits>

#include "core/log.h"

namespace pawl::monitoring::rows {
namespace {

constexpr Sql put_monitor_sql{"monitoring.put_monitor", R"(
  INSERT INTO monitor (endpoint, revision, project_id, in_force, era, anchor, since, limits, body) VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8))"};
constexpr Sql retire_sql{"monitoring.retire", "UPDATE monitor SET in_force = 0 WHERE endpoint = $1 AND in_force = 1"};
constexpr Sql set_limits_sql{"monitoring.set_limits",
                             "UPDATE monitor SET limits = $3 WHERE endpoint = $1 AND revision = $2"};
constexpr Sql set_anchor_sql{"monitoring.set_anchor",
                             "UPDATE monitor SET anchor = $3 WHERE endpoint = $1 AND revision = $2 AND anchor IS NULL"};
constexpr Sql in_force_sql{"monitoring.in_force", R"(
  SELECT body, revision, era, anchor, in_force, limits FROM monitor WHERE endpoint = $1 AND in_force = 1)"};
constexpr Sql newest_sql{"monitoring.newest", R"(
  SELECT body, revision, era, anchor, in_force, limits FROM monitor WHERE endpoint = $1 ORDER BY revision DESC LIMIT 1)"};
constexpr Sql monitor_sql{"monitoring.monitor", R"(
  SELECT body, revision, era, anchor, in_force, limits FROM monitor WHERE endpoint = $1 AND revision = $2)"};
constexpr Sql all_in_force_sql{"monitoring.all_in_force", R"(
  SELECT body, revision, era, anchor, in_force, limits FROM monitor WHERE in_force = 1 ORDER BY endpoint)"};

constexpr Sql insert_window_sql{"monitoring.insert_window", R"(
  INSERT INTO monitor_window (id, project_id, endpoint, starts, ends, revision, era, rows_counted, labels_counted, labels_digest, rows_at_close, sights, body)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (endpoint, starts) DO NOTHING)"};
constexpr Sql update_window_sql{"monitoring.update_window", R"(
  UPDATE monitor_window SET rows_counted = $2, labels_counted = $3, labels_digest = $4, sights = $5, body = $6 WHERE id = $1)"};
constexpr Sql set_counts_sql{"monitoring.set_counts", R"(
  UPDATE monitor_window SET rows_counted = $2, labels_counted = $3, labels_digest = $4 WHERE id = $1)"};
constexpr Sql window_sql{"monitoring.window", R"(
  SELECT starts, ends, revision, era, rows_counted, labels_counted, labels_digest, rows_at_close, body FROM monitor_window WHERE id = $1)"};
constexpr Sql last_window_sql{"monitoring.last_window", R"(
  SELECT starts, ends, revision, era, rows_counted, labels_counted, labels_digest, rows_at_close, body FROM monitor_window
  WHERE endpoint = $1 ORDER BY starts DESC LIMIT 1)"};
constexpr Sql counted_sql{"monitoring.counted", R"(
  SELECT starts, ends, revision, era, rows_counted, labels_counted, labels_digest, rows_at_close, id FROM monitor_window WHERE endpoint = $1 ORDER BY starts)"};
constexpr Sql sighted_sql{"monitoring.sighted", R"(
  SELECT id, starts, ends, sights FROM monitor_window WHERE endpoint = $1 AND era = $2 ORDER BY starts)"};
constexpr Sql windows_sql{"monitoring.windows", R"(
  SELECT body FROM monitor_window WHERE endpoint = $1 AND starts > $2 ORDER BY starts LIMIT $3)"};
constexpr Sql windows_newest_sql{"monitoring.windows_newest", R"(
  SELECT body FROM monitor_window WHERE endpoint = $1 AND starts < $2 ORDER BY starts DESC LIMIT $3)"};

constexpr Sql put_bins_sql{"monitoring.put_bins", R"(
  INSERT INTO monitor_bins (window_id, column_name, bins) VALUES ($1, $2, $3)
  ON CONFLICT (window_id, column_name) DO UPDATE SET bins = excluded.bins)"};
constexpr Sql bins_sql{"monitoring.bins", "SELECT bins FROM monitor_bins WHERE window_id = $1 AND column_name = $2"};

constexpr Sql put_alarm_sql{"monitoring.put_alarm", R"(
  INSERT INTO monitor_alarm (id, project_id, endpoint, kind, column_name, open, opened, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  ON CONFLICT (id) DO UPDATE SET open = excluded.open, body = excluded.body)"};
constexpr Sql alarm_sql{"monitoring.alarm", "SELECT body FROM monitor_alarm WHERE id = $1"};
constexpr Sql open_alarms_sql{"monitoring.open_alarms", R"(
  SELECT body FROM monitor_alarm WHERE endpoint = $1 AND open = 1 ORDER BY opened, id)"};
constexpr Sql last_alarm_sql{"monitoring.last_alarm", R"(
  SELECT body FROM monitor_alarm WHERE endpoint = $1 AND kind = $2 AND column_name = $3 ORDER BY opened DESC, id DESC LIMIT 1)"};
constexpr Sql alarms_sql{"monitoring.alarms", R"(
  SELECT body, opened, id FROM monitor_alarm
  WHERE ($1 = '' OR endpoint = $1) AND ($2 < 0 OR open = $2) AND (opened < $3 OR (opened = $3 AND id < $4))
  ORDER BY opened DESC, id DESC LIMIT $5)"};

constexpr std::int64_t windows_max = 200, alarms_max = 1000;  // of a page

// What we wrote ourselves reads back; a later pawl may have written more.
template <class T> T read(std::string_view text) {
  auto out = decode<T>(text, {.unknown = UnknownKeys::ignore});
  if (out) return std::move(*out);
  log::error("monitoring.row_unreadable", {{"message", out.error().message}});
  return {};
}
template <class T> T read_body(const Row& r) { return read<T>(r.view(0)); }
MonitorRow read_monitor(const Row& r) {
  return {.monitor = read<Monitor>(r.view(0)),
          .revision = r.i64(1),
          .era = r.i64(2),
          .anchor = r.maybe<Time>(3),
          .in_force = r.flag(4),
          .limits = r.text(5)};
}
WindowRow read_counts(const Row& r) {
  return {.window = {r.time(0), r.time(1)},
          .revision = r.i64(2),
          .era = r.i64(3),
          .counts = {r.i64(4), r.i64(5), r.i64(6)},
          .rows_at_close = r.i64(7)};
}
WindowRow read_window(const Row& r) {
  auto out = read_counts(r);
  out.seen = read<WindowSeen>(r.view(8));
  return out;
}
std::int64_t micros(std::string_view rfc3339) {
  const auto t = parse_rfc3339(rfc3339);
  return t ? t->us : 0;
}
Result<std::int64_t> read_key(std::string_view text, std::int64_t fallback) {
  if (text.empty()) return fallback;
  std::int64_t out = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec != std::errc{} || end != text.data() + text.size())
    return fail(Code::invalid, "after: expected the `next` of an earlier page", "after");
  return out;
}

}  // namespace

Result<void> put(Tx& tx, const MonitorRow& r, Time since, std::string_view project) {
  TRY_(retire(tx, r.monitor.endpoint));
  TRY_(tx.exec(put_monitor_sql, r.monitor.endpoint, r.revision, project, r.era, r.anchor, since, r.limits,
               encode(r.monitor)));
  return {};
}
Result<void> retire(Tx& tx, std::string_view endpoint) {
  TRY_(tx.exec(retire_sql, endpoint));
  return {};
}
Result<void> set_limits(Tx& tx, std::string_view endpoint, std::int64_t revision, std::string_view limits) {
  TRY_(tx.exec(set_limits_sql, endpoint, revision, limits));
  return {};
}
Result<void> set_anchor(Tx& tx, std::string_view endpoint, std::int64_t revision, Time anchor) {
  TRY_(tx.exec(set_anchor_sql, endpoint, revision, anchor));
  return {};
}
Result<std::optional<MonitorRow>> in_force(Tx& tx, std::string_view endpoint) {
  return tx.one(in_force_sql, read_monitor, endpoint);
}
Result<std::optional<MonitorRow>> newest(Tx& tx, std::string_view endpoint) {
  return tx.one(newest_sql, read_monitor, endpoint);
}
Result<std::optional<MonitorRow>> monitor(Tx& tx, std::string_view endpoint, std::int64_t revision) {
  return tx.one(monitor_sql, read_monitor, endpoint, revision);
}
Result<std::vector<MonitorRow>> all_in_force(Tx& tx) { return tx.all(all_in_force_sql, read_monitor); }

Result<bool> insert(Tx& tx, const WindowRow& r, const std::vector<Sight>& sights, std::string_view project) {
  TRY(n,
      tx.exec(insert_window_sql, r.seen.id, project, r.seen.endpoint, r.window.start, r.window.end, r.revision, r.era,
              r.counts.rows, r.counts.labels, r.counts.labels_digest, r.rows_at_close, encode(sights), encode(r.seen)));
  return n > 0;
}
Result<void> update(Tx& tx, const WindowRow& r, const std::vector<Sight>& sights) {
  TRY_(tx.exec(update_window_sql, r.seen.id, r.counts.rows, r.counts.labels, r.counts.labels_digest, encode(sights),
               encode(r.seen)));
  return {};
}
Result<void> set_counts(Tx& tx, std::string_view id, const WindowCounts& counts) {
  TRY_(tx.exec(set_counts_sql, id, counts.rows, counts.labels, counts.labels_digest));
  return {};
}
Result<void> put_bins(Tx& tx, std::string_view window, std::string_view column, const std::vector<Bin>& bins) {
  TRY_(tx.exec(put_bins_sql, window, column, encode(bins)));
  return {};
}
Result<std::optional<WindowRow>> window(Tx& tx, std::string_view id) { return tx.one(window_sql, read_window, id); }
Result<std::optional<WindowRow>> last_window(Tx& tx, std::string_view endpoint) {
  return tx.one(last_window_sql, read_window, endpoint);
}
Result<std::vector<WindowRow>> counted(Tx& tx, std::string_view endpoint) {
  return tx.all(
      counted_sql,
      [](const Row& r) {
        auto out = read_counts(r);
        out.seen.id = r.text(8);
        return out;
      },
      endpoint);
}
Result<std::vector<Sighted>> sighted(Tx& tx, std::string_view endpoint, std::int64_t era) {
  return tx.all(
      sighted_sql,
      [](const Row& r) { return Sighted{r.text(0), {r.time(1), r.time(2)}, read<std::vector<Sight>>(r.view(3))}; },
      endpoint, era);
}
Result<Page<WindowSeen>> windows(Tx& tx, const WindowsAsk& ask) {
  using limits = std::numeric_limits<std::int64_t>;
  const bool newest = ask.order == Order::newest;
  const auto limit = std::clamp<std::int64_t>(ask.limit, 1, windows_max);
  TRY(after, read_key(ask.after, newest ? limits::max() : limits::min()));
  TRY(items, tx.all(newest ? windows_newest_sql : windows_sql, read_body<WindowSeen>, ask.name, after, limit));
  Page<WindowSeen> out{.items = std::move(items), .next = {}};
  if (std::ssize(out.items) == limit) out.next = std::to_string(micros(out.items.back().start));
  return out;
}
Result<std::optional<std::vector<Bin>>> bins(Tx& tx, std::string_view window, std::string_view column) {
  return tx.one(bins_sql, read_body<std::vector<Bin>>, window, column);
}

Result<void> put(Tx& tx, const AlarmRow& r, std::string_view project) {
  const Alarm& a = r.alarm;
  TRY_(tx.exec(put_alarm_sql, a.id, project, a.endpoint, a.kind, a.column, a.closed.empty() ? 1 : 0, micros(a.opened),
               encode(r)));
  return {};
}
Result<std::optional<AlarmRow>> alarm(Tx& tx, std::string_view id) {
  return tx.one(alarm_sql, read_body<AlarmRow>, id);
}
Result<std::vector<AlarmRow>> open_alarms(Tx& tx, std::string_view endpoint) {
  return tx.all(open_alarms_sql, read_body<AlarmRow>, endpoint);
}
Result<std::optional<AlarmRow>> last_alarm(Tx& tx, std::string_view endpoint, AlarmKind kind, std::string_view column) {
  return tx.one(last_alarm_sql, read_body<AlarmRow>, endpoint, kind, column);
}
Result<Page<Alarm>> alarms(Tx& tx, const AlarmsAsk& ask) {
  const auto limit = std::clamp<std::int64_t>(ask.limit, 1, alarms_max);
  const auto dot = ask.after.find('.');
  if (!ask.after.empty() && dot == std::string::npos)
    return fail(Code::invalid, "after: expected the `next` of an earlier page", "after");
  TRY(at, read_key(std::string_view(ask.after).substr(0, dot), std::numeric_limits<std::int64_t>::max()));
  const std::string id = dot == std::string::npos ? "" : ask.after.substr(dot + 1);
  const std::int64_t open = ask.state == AlarmFilter::all ? -1 : ask.state == AlarmFilter::open ? 1 : 0;
  Page<Alarm> out;
  std::string last;
  TRY_(tx.each(
      alarms_sql,
      [&](const Row& r) {
        out.items.push_back(read<AlarmRow>(r.view(0)).alarm);
        last = std::to_string(r.i64(1)) + "." + r.text(2);
      },
      ask.endpoint, open, at, id, limit));
  if (std::ssize(out.items) == limit) out.next = last;
  return out;
}

}  // namespace pawl::monitoring::rows
