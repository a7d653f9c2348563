#include "datasets/rows.h"

namespace pawl::datasets {
namespace {

constexpr Sql put_version_sql{"datasets.put_version", R"(
  INSERT INTO dataset_version (id, project_id, name, md5, size, row_count, time_min, time_max, schema, profile, created)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING)"};
constexpr Sql put_use_sql{"datasets.put_use", R"(
  INSERT INTO dataset_use (flow, path, role, version_id, findings) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (flow, path) DO UPDATE SET role = excluded.role, version_id = excluded.version_id, findings = excluded.findings)"};
constexpr Sql find_version_sql{"datasets.find_version", R"(
  SELECT id, name, md5, size, row_count, time_min, time_max, created, schema, profile FROM dataset_version WHERE id = $1)"};
constexpr Sql list_versions_sql{"datasets.list_versions", R"(
  SELECT id, name, md5, size, row_count, time_min, time_max, created, schema, '' FROM dataset_version
  WHERE ($1 = '' OR name = $1)
    AND ($2 = '' OR created < (SELECT created FROM dataset_version WHERE id = $2) OR (created = (SELECT created FROM dataset_version WHERE id = $2) AND id > $2))
  ORDER BY created DESC, id LIMIT $3)"};
constexpr Sql uses_of_flow_sql{"datasets.uses_of_flow", R"(
  SELECT u.flow, u.role, u.path, v.name, v.md5, v.id, u.findings FROM dataset_use u JOIN dataset_version v ON v.id = u.version_id
  WHERE u.flow = $1 ORDER BY u.path)"};
constexpr Sql uses_of_version_sql{"datasets.uses_of_version", R"(
  SELECT u.flow, u.role, u.path, v.name, v.md5, v.id, u.findings FROM dataset_use u JOIN dataset_version v ON v.id = u.version_id
  WHERE u.version_id = $1 ORDER BY u.flow, u.path LIMIT 200)"};

DatasetVersion read_version(const Row& row) {
  return {.id = {row.text(0)},
          .name = row.text(1),
          .md5 = row.text(2),
          .size = row.i64(3),
          .rows = row.i64(4),
          .time_min = row.text(5),
          .time_max = row.text(6),
          .columns = {row.text(8)},
          .profile = {row.text(9)},
          .created = to_rfc3339(row.time(7))};
}
DatasetUse read_use(const Row& row) {
  return {.flow = row.text(0),
          .role = row.text(1),
          .path = row.text(2),
          .name = row.text(3),
          .md5 = row.text(4),
          .version = {row.text(5)},
          .findings = {row.text(6)}};
}

}  // namespace

Result<bool> put_version(Tx& tx, const DatasetVersion& v, std::string_view project, Time now) {
  TRY(changed, tx.exec(put_version_sql, v.id, project, v.name, v.md5, v.size, v.rows, v.time_min, v.time_max, v.columns,
                       v.profile, now));
  return changed > 0;
}
Result<void> put_use(Tx& tx, const DatasetUse& use) {
  TRY_(tx.exec(put_use_sql, use.flow, use.path, use.role, use.version, use.findings));
  return {};
}
Result<std::optional<DatasetVersion>> find_version(Tx& tx, const DatasetId& id) {
  return tx.one(find_version_sql, read_version, id);
}
Result<std::vector<DatasetVersion>> list_versions(Tx& tx, std::string_view name, const DatasetId& after,
                                                  std::int64_t limit) {
  return tx.all(list_versions_sql, read_version, name, after, limit);
}
Result<std::vector<DatasetUse>> uses_of_flow(Tx& tx, std::string_view flow) {
  return tx.all(uses_of_flow_sql, read_use, flow);
}
Result<std::vector<DatasetUse>> uses_of_version(Tx& tx, const DatasetId& id) {
  return tx.all(uses_of_version_sql, read_use, id);
}

}  // namespace pawl::datasets
