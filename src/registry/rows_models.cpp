#include "registry/rows.h"
#include "tracking/rows_search.h"

namespace pawl::registry::rows {
namespace {

constexpr Sql put_sql{"registry.put_model", R"(
  INSERT INTO registered_model (name, description, creation_timestamp, last_updated_timestamp) VALUES ($1, $2, $3, $4)
  ON CONFLICT (name) DO NOTHING)"};
constexpr Sql find_sql{
    "registry.find_model",
    "SELECT name, creation_timestamp, last_updated_timestamp, description FROM registered_model WHERE name = $1"};
constexpr Sql set_description_sql{
    "registry.set_description",
    "UPDATE registered_model SET description = $2, last_updated_timestamp = $3 WHERE name = $1"};
constexpr Sql touch_sql{"registry.touch_model",
                        "UPDATE registered_model SET last_updated_timestamp = $2 WHERE name = $1"};
constexpr Sql rename_sql{"registry.rename_model", R"(
  UPDATE registered_model SET name = $2, last_updated_timestamp = $3
  WHERE name = $1 AND NOT EXISTS (SELECT 1 FROM registered_model other WHERE other.name = $2 AND other.name <> $1))"};
constexpr Sql rename_versions_sql{"registry.rename_versions",
                                  "UPDATE model_version SET name = $2, last_updated_timestamp = $3 WHERE name = $1"};
constexpr Sql rename_parts_sql[] = {
    {"registry.rename_tags", "UPDATE registered_model_tag SET name = $2 WHERE name = $1"},
    {"registry.rename_version_tags", "UPDATE model_version_tag SET name = $2 WHERE name = $1"},
    {"registry.rename_aliases", "UPDATE model_alias SET name = $2 WHERE name = $1"}};
constexpr Sql delete_sql[] = {{"registry.delete_aliases", "DELETE FROM model_alias WHERE name = $1"},
                              {"registry.delete_version_tags", "DELETE FROM model_version_tag WHERE name = $1"},
                              {"registry.delete_versions", "DELETE FROM model_version WHERE name = $1"},
                              {"registry.delete_tags", "DELETE FROM registered_model_tag WHERE name = $1"},
                              {"registry.delete_model", "DELETE FROM registered_model WHERE name = $1"}};
constexpr Sql put_tag_sql{"registry.put_model_tag", R"(
  INSERT INTO registered_model_tag (name, key, value) VALUES ($1, $2, $3)
  ON CONFLICT (name, key) DO UPDATE SET value = excluded.value)"};
constexpr Sql delete_tag_sql{"registry.delete_model_tag",
                             "DELETE FROM registered_model_tag WHERE name = $1 AND key = $2"};
constexpr Sql aliases_sql{"registry.aliases", "SELECT alias, version FROM model_alias WHERE name = $1 ORDER BY alias"};
constexpr Sql find_alias_sql{"registry.find_alias", "SELECT version FROM model_alias WHERE name = $1 AND alias = $2"};
constexpr Sql put_alias_sql{"registry.put_alias", R"(
  INSERT INTO model_alias (name, alias, version) VALUES ($1, $2, $3)
  ON CONFLICT (name, alias) DO UPDATE SET version = excluded.version)"};
constexpr Sql delete_alias_sql{"registry.delete_alias", "DELETE FROM model_alias WHERE name = $1 AND alias = $2"};

RegisteredModel read(const Row& row) {
  return {.name = row.text(0),
          .creation_timestamp = row.i64(1),
          .last_updated_timestamp = row.i64(2),
          .description = row.text(3)};
}

}  // namespace

Result<bool> put_model(Tx& tx, const RegisteredModel& m) {
  TRY(changed, tx.exec(put_sql, m.name, m.description, m.creation_timestamp, m.last_updated_timestamp));
  return changed > 0;
}
Result<std::optional<RegisteredModel>> find_model(Tx& tx, std::string_view name) {
  return tx.one(find_sql, read, name);
}
Result<void> set_description(Tx& tx, std::string_view name, std::string_view description, std::int64_t now) {
  TRY_(tx.exec(set_description_sql, name, description, now));
  return {};
}
Result<void> touch_model(Tx& tx, std::string_view name, std::int64_t now) {
  TRY_(tx.exec(touch_sql, name, now));
  return {};
}
Result<bool> rename_model(Tx& tx, std::string_view name, std::string_view new_name, std::int64_t now) {
  TRY(changed, tx.exec(rename_sql, name, new_name, now));
  if (changed == 0) return false;
  TRY_(tx.exec(rename_versions_sql, name, new_name, now));
  for (const auto& sql : rename_parts_sql) TRY_(tx.exec(sql, name, new_name));
  return true;
}
Result<void> delete_model(Tx& tx, std::string_view name) {
  for (const auto& sql : delete_sql) TRY_(tx.exec(sql, name));
  return {};
}
Result<void> put_model_tag(Tx& tx, std::string_view name, const Tag& tag) {
  TRY_(tx.exec(put_tag_sql, name, tag.key, tag.value));
  return {};
}
Result<void> delete_model_tag(Tx& tx, std::string_view name, std::string_view key) {
  TRY_(tx.exec(delete_tag_sql, name, key));
  return {};
}
Result<std::vector<Alias>> aliases(Tx& tx, std::string_view name) {
  return tx.all(aliases_sql, [](const Row& row) { return Alias{row.text(0), std::to_string(row.i64(1))}; }, name);
}
Result<std::optional<std::int64_t>> find_alias(Tx& tx, std::string_view name, std::string_view alias) {
  return tx.one(find_alias_sql, [](const Row& row) { return row.i64(0); }, name, alias);
}
Result<void> put_alias(Tx& tx, std::string_view name, std::string_view alias, std::int64_t version) {
  TRY_(tx.exec(put_alias_sql, name, alias, version));
  return {};
}
Result<void> delete_alias(Tx& tx, std::string_view name, std::string_view alias) {
  TRY_(tx.exec(delete_alias_sql, name, alias));
  return {};
}

Result<void> fill_models(Tx& tx, std::vector<RegisteredModel>& models) {
  std::unordered_map<std::string_view, RegisteredModel*> by_name;
  std::vector<std::string> names;
  for (auto& m : models) {
    by_name[m.name] = &m;
    names.push_back(m.name);
  }
  return tracking::in_slices(names, [&](const std::string& list, std::span<const store::Value> values) -> Result<void> {
    const std::string tags =
        "SELECT name, key, value FROM registered_model_tag WHERE name IN " + list + " ORDER BY name, key";
    TRY_(tx.each_bound({"registry.tags_of_models", tags}, values,
                       [&](const Row& row) { by_name[row.view(0)]->tags.push_back({row.text(1), row.text(2)}); }));
    const std::string of_alias =
        "SELECT name, alias, version FROM model_alias WHERE name IN " + list + " ORDER BY name, alias";
    TRY_(tx.each_bound({"registry.aliases_of_models", of_alias}, values, [&](const Row& row) {
      by_name[row.view(0)]->aliases.push_back({row.text(1), std::to_string(row.i64(2))});
    }));
    // The newest version of each stage.
    const std::string latest =
        "SELECT v.name, v.version FROM model_version v JOIN (SELECT name, stage, max(version) AS version FROM "
        "model_version WHERE name IN " +
        list +
        " AND stage <> 'Deleted' GROUP BY name, stage) newest ON newest.name = v.name AND newest.version = v.version "
        "ORDER BY v.name, v.version";
    std::vector<std::pair<std::string, std::int64_t>> found;
    TRY_(tx.each_bound({"registry.latest_of_models", latest}, values,
                       [&](const Row& row) { found.emplace_back(row.text(0), row.i64(1)); }));
    std::vector<ModelVersion> versions;
    for (const auto& [name, number] : found) {
      TRY(version, find_version(tx, name, number));
      if (version) versions.push_back(to_wire(*version));
    }
    TRY_(fill_versions(tx, versions));
    for (auto& v : versions) by_name[v.name]->latest_versions.push_back(v);
    return {};
  });
}

namespace {

constexpr std::string_view prompt_tag = "mlflow.prompt.is_prompt";

}  // namespace

// Prompts are models too, and are left out unless the filter asks for them.
bool asks_for_prompts(const mlflow::Filter& filter) {
  for (const auto& c : filter) {
    if (c.entity != mlflow::Entity::tag || c.key != prompt_tag) continue;
    const auto* text = std::get_if<std::string>(&c.value);
    return text && ((c.compare == mlflow::Compare::eq && *text == "true") ||
                    (c.compare == mlflow::Compare::ne && *text == "false"));
  }
  return false;
}

Result<std::vector<RegisteredModel>> search_models(Tx& tx, const Query& q) {
  tracking::Where where(tx.engine());
  const bool prompts = asks_for_prompts(q.filter);
  if (!prompts)
    where.add(
        "NOT EXISTS (SELECT 1 FROM registered_model_tag t WHERE t.name = m.name AND t.key = 'mlflow.prompt.is_prompt' "
        "AND t.value = 'true')");
  for (const auto& c : q.filter) {
    if (c.entity == mlflow::Entity::attribute) {
      where.add(where.compare("m.name", c));
    } else if (prompts || c.key != prompt_tag) {
      const auto key = where.bind(c.key);
      where.add("EXISTS (SELECT 1 FROM registered_model_tag t WHERE t.name = m.name AND t.key = " + key + " AND " +
                where.compare("t.value", c) + ")");
    }
  }
  const std::string bytes = tx.engine() == store::Engine::postgres ? " COLLATE \"C\"" : "";
  std::string order;
  bool by_name = false;
  for (const auto& o : q.order) {
    by_name = by_name || o.key == "name";
    order += (o.key == "name" ? "m.name" + bytes : "m.last_updated_timestamp") + (o.ascending ? " ASC, " : " DESC, ");
  }
  order = by_name ? order.substr(0, order.size() - 2) : order + "m.name" + bytes + " ASC";
  std::string text =
      "SELECT m.name, m.creation_timestamp, m.last_updated_timestamp, m.description FROM registered_model m WHERE " +
      where.text() + " ORDER BY " + order;
  text += where.page(q.offset, q.max_results);
  std::vector<RegisteredModel> out;
  TRY_(tx.each_bound({"registry.search_models", text}, where.values(),
                     [&](const Row& row) { out.push_back(read(row)); }));
  return out;
}

}  // namespace pawl::registry::rows
