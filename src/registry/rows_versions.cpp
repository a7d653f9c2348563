#include "registry/rows.h"
#include "tracking/rows_search.h"

namespace pawl::registry {

ModelVersion to_wire(const Version& v) {
  return {.name = v.name,
          .version = std::to_string(v.number),
          .creation_timestamp = v.created_ms,
          .last_updated_timestamp = v.updated_ms,
          .current_stage = v.stage,
          .description = v.description,
          .source = v.source,
          .run_id = v.run_id,
          .run_link = v.run_link};
}

namespace rows {

bool asks_for_prompts(const mlflow::Filter& filter);  // rows_models.cpp

namespace {

constexpr Sql next_sql{"registry.next_version", R"(
  UPDATE registered_model SET last_version = last_version + 1, last_updated_timestamp = $2 WHERE name = $1 RETURNING last_version)"};
#define VERSION_COLUMNS                                                                                         \
  "v.name, v.version, v.stage, v.source, v.storage_location, v.run_id, v.run_link, v.model_id, v.description, " \
  "v.creation_timestamp, "                                                                                      \
  "v.last_updated_timestamp, v.registered_by, v.flow_id, v.flow_epoch"
constexpr Sql put_sql{"registry.put_version", R"(
  INSERT INTO model_version (name, version, stage, source, storage_location, run_id, run_link, model_id, description, creation_timestamp,
                             last_updated_timestamp, registered_by, flow_id, flow_epoch)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14))"};
constexpr Sql find_sql{"registry.find_version",
                       "SELECT " VERSION_COLUMNS
                       " FROM model_version v WHERE v.name = $1 AND v.version = $2 AND v.stage <> 'Deleted'"};
constexpr Sql of_model_sql{"registry.versions_of",
                           "SELECT " VERSION_COLUMNS
                           " FROM model_version v WHERE v.name = $1 AND v.stage <> 'Deleted' ORDER BY v.version DESC"};
constexpr Sql of_flow_sql{
    "registry.versions_of_flow",
    "SELECT " VERSION_COLUMNS
    " FROM model_version v WHERE v.flow_id = $1 AND v.stage <> 'Deleted' ORDER BY v.flow_epoch, v.name, v.version"};
constexpr Sql latest_sql{"registry.latest_versions", "SELECT " VERSION_COLUMNS R"( FROM model_version v
  WHERE v.name = $1 AND v.stage <> 'Deleted'
    AND v.version = (SELECT max(w.version) FROM model_version w WHERE w.name = v.name AND w.stage = v.stage) ORDER BY v.version)"};
constexpr Sql set_description_sql{
    "registry.set_version_description",
    "UPDATE model_version SET description = $3, last_updated_timestamp = $4 WHERE name = $1 AND version = $2"};
constexpr Sql set_stage_sql{
    "registry.set_stage",
    "UPDATE model_version SET stage = $3, last_updated_timestamp = $4 WHERE name = $1 AND version = $2"};
constexpr Sql archive_sql{"registry.archive_others", R"(
  UPDATE model_version SET stage = 'Archived', last_updated_timestamp = $4 WHERE name = $1 AND version <> $2 AND stage = $3)"};
constexpr Sql delete_sql{"registry.delete_version", R"(
  UPDATE model_version SET stage = 'Deleted', source = '', storage_location = '', run_id = '', run_link = '', model_id = '', description = NULL,
    last_updated_timestamp = $3 WHERE name = $1 AND version = $2)"};
constexpr Sql put_tag_sql{"registry.put_version_tag", R"(
  INSERT INTO model_version_tag (name, version, key, value) VALUES ($1, $2, $3, $4)
  ON CONFLICT (name, version, key) DO UPDATE SET value = excluded.value)"};
constexpr Sql delete_tag_sql{"registry.delete_version_tag",
                             "DELETE FROM model_version_tag WHERE name = $1 AND version = $2 AND key = $3"};

Version read(const Row& row) {
  return {.name = row.text(0),
          .number = row.i64(1),
          .stage = row.text(2),
          .source = row.text(3),
          .storage_location = row.text(4),
          .run_id = row.text(5),
          .run_link = row.text(6),
          .model_id = row.text(7),
          .description = row.maybe<std::string>(8),
          .created_ms = row.i64(9),
          .updated_ms = row.i64(10),
          .registered_by = row.text(11),
          .flow = row.text(12),
          .flow_epoch = row.i64(13)};
}

}  // namespace

Result<std::int64_t> next_version(Tx& tx, std::string_view name, std::int64_t now) {
  TRY(number, tx.one(next_sql, [](const Row& row) { return row.i64(0); }, name, now));
  return number.value_or(1);
}
Result<void> put_version(Tx& tx, const Version& v) {
  TRY_(tx.exec(put_sql, v.name, v.number, v.stage, v.source, v.storage_location, v.run_id, v.run_link, v.model_id,
               v.description, v.created_ms, v.updated_ms, v.registered_by, v.flow, v.flow_epoch));
  return {};
}
Result<std::optional<Version>> find_version(Tx& tx, std::string_view name, std::int64_t number) {
  return tx.one(find_sql, read, name, number);
}
Result<std::vector<Version>> versions_of(Tx& tx, std::string_view name) { return tx.all(of_model_sql, read, name); }
Result<std::vector<Version>> versions_of_flow(Tx& tx, std::string_view flow) { return tx.all(of_flow_sql, read, flow); }
Result<std::vector<Version>> latest_versions(Tx& tx, std::string_view name) { return tx.all(latest_sql, read, name); }
Result<void> set_version_description(Tx& tx, const Version& v, const std::optional<std::string>& description,
                                     std::int64_t now) {
  TRY_(tx.exec(set_description_sql, v.name, v.number, description, now));
  return {};
}
Result<void> set_stage(Tx& tx, const Version& v, std::string_view stage, std::int64_t now) {
  TRY_(tx.exec(set_stage_sql, v.name, v.number, stage, now));
  return {};
}
Result<void> archive_others(Tx& tx, const Version& v, std::string_view stage, std::int64_t now) {
  TRY_(tx.exec(archive_sql, v.name, v.number, stage, now));
  return {};
}
Result<void> delete_version(Tx& tx, const Version& v, std::int64_t now) {
  TRY_(tx.exec(delete_sql, v.name, v.number, now));
  return {};
}
Result<void> put_version_tag(Tx& tx, const Version& v, const Tag& tag) {
  TRY_(tx.exec(put_tag_sql, v.name, v.number, tag.key, tag.value));
  return {};
}
Result<void> delete_version_tag(Tx& tx, const Version& v, std::string_view key) {
  TRY_(tx.exec(delete_tag_sql, v.name, v.number, key));
  return {};
}

Result<void> fill_versions(Tx& tx, std::vector<ModelVersion>& versions) {
  std::map<std::pair<std::string, std::int64_t>, ModelVersion*> by_key;
  std::vector<std::string> names;
  for (auto& v : versions) {
    by_key[{v.name, std::stoll(v.version)}] = &v;
    names.push_back(v.name);
  }
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return tracking::in_slices(names, [&](const std::string& list, std::span<const store::Value> values) {
    const std::string text = "SELECT name, version, key, value FROM model_version_tag WHERE name IN " + list +
                             " ORDER BY name, version, key";
    return tx.each_bound({"registry.tags_of_versions", text}, values, [&](const Row& row) {
      if (auto found = by_key.find({row.text(0), row.i64(1)}); found != by_key.end())
        found->second->tags.push_back({row.text(2), row.text(3)});
    });
  });
}

Result<std::vector<ModelVersion>> search_versions(Tx& tx, const Query& q) {
  tracking::Where where(tx.engine());
  const bool prompts = asks_for_prompts(q.filter);
  where.add("v.stage <> 'Deleted'");
  if (!prompts)
    where.add(
        "NOT EXISTS (SELECT 1 FROM model_version_tag t WHERE t.name = v.name AND t.version = v.version AND t.key = "
        "'mlflow.prompt.is_prompt' AND t.value = 'true')");
  for (const auto& c : q.filter) {
    if (c.entity == mlflow::Entity::attribute) {
      const std::string column = c.key == "version_number" ? "v.version"
                                 : c.key == "source_path"  ? "v.source"
                                                           : "v." + c.key;
      where.add(where.compare(column, c));
    } else if (prompts || c.key != "mlflow.prompt.is_prompt") {
      const auto key = where.bind(c.key);
      where.add(
          "EXISTS (SELECT 1 FROM model_version_tag t WHERE t.name = v.name AND t.version = v.version AND t.key = " +
          key + " AND " + where.compare("t.value", c) + ")");
    }
  }
  const std::string bytes = tx.engine() == store::Engine::postgres ? " COLLATE \"C\"" : "";
  std::string order;
  bool by_name = false, by_number = false;
  for (const auto& o : q.order) {
    by_name = by_name || o.key == "name";
    by_number = by_number || o.key == "version_number";
    order += (o.key == "name"             ? "v.name" + bytes
              : o.key == "version_number" ? "v.version"
                                          : "v." + o.key) +
             (o.ascending ? " ASC, " : " DESC, ");
  }
  if (q.order.empty()) order = "v.last_updated_timestamp DESC, ";
  if (!by_name) order += "v.name" + bytes + " ASC, ";
  if (!by_number) order += "v.version DESC, ";
  std::string text = "SELECT " VERSION_COLUMNS " FROM model_version v WHERE " + where.text() + " ORDER BY " +
                     order.substr(0, order.size() - 2);
  text += where.page(q.offset, q.max_results);
  std::vector<ModelVersion> out;
  TRY_(tx.each_bound({"registry.search_versions", text}, where.values(),
                     [&](const Row& row) { out.push_back(to_wire(read(row))); }));
  return out;
}

}  // namespace rows
}  // namespace pawl::registry
