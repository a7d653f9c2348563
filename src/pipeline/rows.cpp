#include "pipeline/rows.h"

namespace pawl::pipeline::rows {
namespace {

constexpr Sql insert_repository_sql{"pipeline.insert_repository", R"(
  INSERT INTO repository (name, project_id, url, branch, created) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING)"};
constexpr Sql find_repository_sql{"pipeline.find_repository",
                                  "SELECT name, url, branch, created FROM repository WHERE name = $1"};
constexpr Sql repositories_sql{"pipeline.repositories",
                               "SELECT name, url, branch, created FROM repository ORDER BY name LIMIT 1000"};
constexpr Sql running_sql{"pipeline.running",
                          "SELECT flow, epoch FROM job WHERE kind = 'pipeline' AND state = 'running'"};
constexpr Sql unfinished_sql{"pipeline.unfinished", R"(
  SELECT 1 FROM job WHERE kind IN ('inspect', 'pipeline', 'evaluate') AND state IN ('waiting', 'running') LIMIT 1)"};
constexpr Sql finished_sql{"pipeline.finished", R"(
  SELECT payload, result FROM job WHERE kind = 'pipeline' AND state = 'done' ORDER BY created DESC, id LIMIT $1)"};
constexpr Sql newest_sql{"pipeline.newest_tasks", R"(
  SELECT id, kind, flow, state, holder, created, error, epoch, attempts FROM job
  WHERE kind IN ('inspect', 'pipeline', 'evaluate') ORDER BY created DESC, id LIMIT $1)"};

Repository read_repository(const Row& row) { return {row.text(0), row.text(1), row.text(2), to_rfc3339(row.time(3))}; }

}  // namespace

Result<bool> insert_repository(Tx& tx, const NewRepository& in, std::string_view project, Time now) {
  TRY(changed, tx.exec(insert_repository_sql, in.name, project, in.url, in.branch, now));
  return changed > 0;
}
Result<std::optional<Repository>> find_repository(Tx& tx, std::string_view name) {
  return tx.one(find_repository_sql, read_repository, name);
}
Result<std::vector<Repository>> repositories(Tx& tx) { return tx.all(repositories_sql, read_repository); }
Result<std::vector<Holding>> running_pipelines(Tx& tx) {
  return tx.all(running_sql, [](const Row& row) { return Holding{row.text(0), row.i64(1)}; });
}
Result<std::vector<Finished>> finished_pipelines(Tx& tx, std::int64_t limit) {
  return tx.all(finished_sql, [](const Row& row) { return Finished{row.text(0), row.text(1)}; }, limit);
}
Result<bool> unfinished(Tx& tx) {
  TRY(found, tx.one(unfinished_sql, [](const Row&) { return true; }));
  return found.has_value();
}
Result<std::vector<Task>> newest_tasks(Tx& tx, std::int64_t limit) {
  return tx.all(
      newest_sql,
      [](const Row& row) {
        return Task{.id = row.text(0),
                    .kind = row.text(1),
                    .flow = row.text(2),
                    .state = row.text(3),
                    .runner = row.text(4),
                    .created = to_rfc3339(row.time(5)),
                    .error = row.text(6),
                    .epoch = row.i64(7),
                    .attempts = row.i64(8)};
      },
      limit);
}

}  // namespace pawl::pipeline::rows
