#include "jobs/rows.h"

namespace pawl::jobs::rows {
namespace {

constexpr std::string_view columns =
    "id, kind, payload, flow, state, epoch, attempts, attempts_max, holder, run_at, lease_until, created, result, "
    "error";
constexpr Sql insert_sql{"jobs.insert", R"(
  INSERT INTO job (id, project_id, kind, payload, flow, unique_key, state, epoch, attempts, attempts_max, holder, run_at, lease_until, created, result, error)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16))"};
constexpr Sql find_sql{"jobs.find", R"(
  SELECT id, kind, payload, flow, state, epoch, attempts, attempts_max, holder, run_at, lease_until, created, result, error FROM job WHERE id = $1)"};
constexpr Sql active_sql{"jobs.find_active", R"(
  SELECT id, kind, payload, flow, state, epoch, attempts, attempts_max, holder, run_at, lease_until, created, result, error FROM job
  WHERE kind = $1 AND unique_key = $2 AND state IN ('waiting', 'running') LIMIT 1)"};
constexpr Sql update_sql{"jobs.update", R"(
  UPDATE job SET state = $2, epoch = $3, attempts = $4, holder = $5, run_at = $6, lease_until = $7, result = $8, error = $9 WHERE id = $1)"};
constexpr Sql forget_sql{"jobs.forget", R"(
  DELETE FROM job WHERE id IN (SELECT id FROM job WHERE state = $1 AND kind = $2 AND run_at < $3 LIMIT $4))"};
constexpr Sql of_flow_sql{"jobs.of_flow", R"(
  SELECT id, kind, payload, flow, state, epoch, attempts, attempts_max, holder, run_at, lease_until, created, result, error FROM job WHERE flow = $1 ORDER BY created, id)"};
constexpr Sql cursor_sql{"jobs.cursor", "SELECT seq FROM ledger_cursor WHERE name = $1"};
constexpr Sql set_cursor_sql{
    "jobs.set_cursor",
    "INSERT INTO ledger_cursor (name, seq) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq"};
constexpr Sql tick_sql{"jobs.tick", "SELECT next_at FROM tick WHERE name = $1"};
constexpr Sql set_tick_sql{
    "jobs.set_tick",
    "INSERT INTO tick (name, next_at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at"};

Job read(const Row& r) {
  return {.id = {r.text(0)},
          .kind = r.text(1),
          .payload = r.text(2),
          .flow = r.text(3),
          .state = from_word<JobState>(r.view(4)).value_or(JobState::dead),
          .epoch = r.i64(5),
          .attempts = r.i64(6),
          .attempts_max = r.i64(7),
          .holder = r.text(8),
          .run_at = r.time(9),
          .lease_until = r.time(10),
          .created = r.time(11),
          .result = r.text(12),
          .error = r.text(13)};
}

// `kind IN ($from, …)`, and the values for it.
std::string kinds_in(std::span<const std::string> kinds, std::vector<store::Value>& values) {
  std::string out = "kind IN (";
  for (const auto& kind : kinds) {
    values.emplace_back(std::string_view(kind));
    out.append(values.size() > 1 && out.back() != '(' ? ", $" : "$").append(std::to_string(values.size()));
  }
  return out + ")";
}

}  // namespace

Result<void> insert(Tx& tx, const Job& j, std::string_view key, std::string_view project) {
  TRY_(tx.exec(insert_sql, j.id, project, j.kind, j.payload, j.flow, key, j.state, j.epoch, j.attempts, j.attempts_max,
               j.holder, j.run_at, j.lease_until, j.created, j.result, j.error));
  return {};
}
Result<std::optional<Job>> find(Tx& tx, const JobId& id) { return tx.one(find_sql, read, id); }
Result<std::optional<Job>> find_active(Tx& tx, std::string_view kind, std::string_view key) {
  return tx.one(active_sql, read, kind, key);
}

// A clock that was set back makes no job wait until it has caught up: one that was added after now, or that is to be tried again later than any
// backoff, is due.
constexpr Micros clocks_apart = std::chrono::seconds(10);  // of two servers on one store

Result<std::optional<Job>> next_due(Tx& tx, std::span<const std::string> kinds, Time now) {
  if (kinds.empty()) return std::nullopt;
  std::vector<store::Value> values{now.us, (now + clocks_apart).us, (now + backoff_max + clocks_apart).us};
  const auto in = kinds_in(kinds, values);
  const auto text =
      "SELECT " + std::string(columns) + " FROM job WHERE " + in +
      " AND ((state = 'waiting' AND (run_at <= $1 OR (attempts = 0 AND created > $2) OR (attempts > 0 AND run_at > "
      "$3))) OR (state = 'running' AND lease_until <= $1)) ORDER BY "
      "run_at, created, id LIMIT 1";
  std::optional<Job> out;
  TRY_(tx.each_bound({"jobs.next_due", text}, values, [&](const Row& r) { out = read(r); }));
  return out;
}

Result<std::optional<Time>> next_time(Tx& tx, std::span<const std::string> kinds) {
  if (kinds.empty()) return std::nullopt;
  std::vector<store::Value> values;
  const auto in = kinds_in(kinds, values);
  const auto text = "SELECT min(CASE WHEN state = 'waiting' THEN run_at ELSE lease_until END) FROM job WHERE " + in +
                    " AND state IN ('waiting', 'running')";
  std::optional<Time> out;
  TRY_(tx.each_bound({"jobs.next_time", text}, values, [&](const Row& r) { out = r.maybe<Time>(0); }));
  return out;
}

Result<void> take_back(Tx& tx, std::span<const std::string> kinds, Time now) {
  if (kinds.empty()) return {};
  std::vector<store::Value> values{now.us};
  const auto text =
      "UPDATE job SET lease_until = $1 WHERE state = 'running' AND lease_until > $1 AND " + kinds_in(kinds, values);
  return tx.each_bound({"jobs.take_back", text}, values, [](const Row&) {});
}

Result<void> update(Tx& tx, const Job& j) {
  TRY_(tx.exec(update_sql, j.id, j.state, j.epoch, j.attempts, j.holder, j.run_at, j.lease_until, j.result, j.error));
  return {};
}
Result<void> forget(Tx& tx, std::string_view kind, Time before, std::int64_t rows_max) {
  for (auto state : {JobState::done, JobState::dropped}) TRY_(tx.exec(forget_sql, state, kind, before, rows_max));
  return {};
}
Result<std::vector<Job>> of_flow(Tx& tx, std::string_view flow) { return tx.all(of_flow_sql, read, flow); }

Result<std::int64_t> cursor(Tx& tx, std::string_view name) {
  TRY(seq, tx.one(cursor_sql, [](const Row& r) { return r.i64(0); }, name));
  return seq.value_or(0);
}
Result<void> set_cursor(Tx& tx, std::string_view name, std::int64_t seq) {
  TRY_(tx.exec(set_cursor_sql, name, seq));
  return {};
}
Result<std::optional<Time>> tick(Tx& tx, std::string_view name) {
  return tx.one(tick_sql, [](const Row& r) { return r.time(0); }, name);
}
Result<void> set_tick(Tx& tx, std::string_view name, Time next) {
  TRY_(tx.exec(set_tick_sql, name, next));
  return {};
}

}  // namespace pawl::jobs::rows
