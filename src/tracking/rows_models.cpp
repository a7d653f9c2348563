#include <cmath>

#include "tracking/rows.h"
#include "tracking/rows_search.h"

namespace pawl::tracking::rows {
namespace {

#define MODEL_COLUMNS                                                                                          \
  "m.model_id, m.experiment_id, m.name, m.creation_timestamp, m.last_updated_timestamp, m.artifact_location, " \
  "m.status, m.model_type, m.source_run_id, "                                                                  \
  "m.status_message, m.lifecycle_stage"
constexpr Sql put_sql{"tracking.put_model", R"(
  INSERT INTO logged_model (model_id, experiment_id, name, artifact_location, creation_timestamp, last_updated_timestamp, status, lifecycle_stage, model_type, source_run_id)
  VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', $8, $9))"};
constexpr Sql find_sql{"tracking.find_model", "SELECT " MODEL_COLUMNS " FROM logged_model m WHERE m.model_id = $1"};
constexpr Sql set_status_sql{"tracking.set_model_status",
                             "UPDATE logged_model SET status = $2, last_updated_timestamp = $3 WHERE model_id = $1"};
constexpr Sql delete_sql{
    "tracking.delete_model",
    "UPDATE logged_model SET lifecycle_stage = 'deleted', last_updated_timestamp = $2 WHERE model_id = $1"};
constexpr Sql put_tag_sql{"tracking.put_model_tag", R"(
  INSERT INTO logged_model_tag (model_id, key, value) VALUES ($1, $2, $3)
  ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value)"};
constexpr Sql delete_tag_sql{"tracking.delete_model_tag",
                             "DELETE FROM logged_model_tag WHERE model_id = $1 AND key = $2"};
constexpr Sql find_tag_sql{"tracking.find_model_tag",
                           "SELECT value FROM logged_model_tag WHERE model_id = $1 AND key = $2"};
constexpr Sql put_param_sql{
    "tracking.put_model_param",
    "INSERT INTO logged_model_param (model_id, key, value) VALUES ($1, $2, $3) ON CONFLICT (model_id, key) DO NOTHING"};
constexpr Sql put_metric_sql{"tracking.put_model_metric", R"(
  INSERT INTO logged_model_metric (model_id, key, timestamp, step, run_id, value, is_nan, dataset_name, dataset_digest)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (model_id, key, timestamp, step, run_id) DO NOTHING)"};

// What the filter calls PENDING, READY and FAILED has longer names on the wire.
std::string wire_status(std::string_view stored) {
  return stored == "READY"    ? "LOGGED_MODEL_READY"
         : stored == "FAILED" ? "LOGGED_MODEL_UPLOAD_FAILED"
                              : "LOGGED_MODEL_PENDING";
}

ModelHead read(const Row& row) {
  return {.info = {.model_id = {row.text(0)},
                   .experiment_id = std::to_string(row.i64(1)),
                   .name = row.text(2),
                   .creation_timestamp_ms = row.i64(3),
                   .last_updated_timestamp_ms = row.i64(4),
                   .artifact_uri = row.text(5),
                   .status = wire_status(row.view(6)),
                   .model_type = row.maybe<std::string>(7),
                   .source_run_id = row.maybe<std::string>(8),
                   .status_message = row.maybe<std::string>(9)},
          .experiment = row.i64(1),
          .deleted = row.view(10) == "deleted"};
}
std::optional<std::string> unless_empty(const std::optional<std::string>& text) {
  return text && text->empty() ? std::nullopt : text;
}

}  // namespace

Result<void> put_model(Tx& tx, const ModelHead& head) {
  const auto& i = head.info;
  TRY_(tx.exec(put_sql, i.model_id, head.experiment, i.name, i.artifact_uri, i.creation_timestamp_ms,
               i.last_updated_timestamp_ms, "PENDING", i.model_type, i.source_run_id));
  return {};
}
Result<std::optional<ModelHead>> find_model(Tx& tx, std::string_view id) { return tx.one(find_sql, read, id); }
Result<void> set_model_status(Tx& tx, std::string_view id, std::string_view status, std::int64_t now) {
  TRY_(tx.exec(set_status_sql, id, status, now));
  return {};
}
Result<void> delete_model(Tx& tx, std::string_view id, std::int64_t now) {
  TRY_(tx.exec(delete_sql, id, now));
  return {};
}
Result<void> put_model_tag(Tx& tx, std::string_view id, const Tag& tag) {
  TRY_(tx.exec(put_tag_sql, id, tag.key, tag.value));
  return {};
}
Result<bool> delete_model_tag(Tx& tx, std::string_view id, std::string_view key) {
  TRY(changed, tx.exec(delete_tag_sql, id, key));
  return changed > 0;
}
Result<std::optional<std::string>> find_model_tag(Tx& tx, std::string_view id, std::string_view key) {
  return tx.one(find_tag_sql, [](const Row& row) { return row.text(0); }, id, key);
}
Result<bool> put_model_param(Tx& tx, std::string_view id, const Param& param) {
  TRY(changed, tx.exec(put_param_sql, id, param.key, param.value));
  return changed > 0;
}
Result<void> put_model_metric(Tx& tx, const Metric& m, std::string_view model, std::string_view run) {
  const bool nan = std::isnan(m.value);
  TRY_(tx.exec(put_metric_sql, model, m.key, m.timestamp, m.step, run, nan ? 0.0 : m.value, nan,
               unless_empty(m.dataset_name), unless_empty(m.dataset_digest)));
  return {};
}

Result<void> fill_models(Tx& tx, std::vector<LoggedModel>& models) {
  std::unordered_map<std::string_view, LoggedModel*> by_id;
  std::vector<std::string> ids;
  for (auto& m : models) {
    by_id[m.info.model_id.text] = &m;
    ids.push_back(m.info.model_id.text);
  }
  return in_slices(ids, [&](const std::string& list, std::span<const store::Value> values) -> Result<void> {
    const auto each = [&](std::string_view name, const std::string& text, auto use) {
      return tx.each_bound({name, text}, values, [&](const Row& row) {
        if (auto found = by_id.find(row.view(0)); found != by_id.end()) use(*found->second, row);
      });
    };
    TRY_(each("tracking.tags_of_models",
              "SELECT model_id, key, value FROM logged_model_tag WHERE model_id IN " + list + " ORDER BY model_id, key",
              [](LoggedModel& m, const Row& row) { m.info.tags.push_back({row.text(1), row.text(2)}); }));
    TRY_(each(
        "tracking.params_of_models",
        "SELECT model_id, key, value FROM logged_model_param WHERE model_id IN " + list + " ORDER BY model_id, key",
        [](LoggedModel& m, const Row& row) { m.data.params.push_back({row.text(1), row.text(2)}); }));
    return each(
        "tracking.metrics_of_models",
        "SELECT model_id, key, value, is_nan, timestamp, step, run_id, dataset_name, dataset_digest FROM "
        "logged_model_metric WHERE model_id IN " +
            list + " ORDER BY model_id, key, timestamp, step, run_id",
        [](LoggedModel& m, const Row& row) {
          m.data.metrics.push_back({.key = row.text(1),
                                    .value = row.flag(3) ? std::numeric_limits<double>::quiet_NaN() : row.real(2),
                                    .timestamp = row.i64(4),
                                    .step = row.i64(5),
                                    .dataset_name = row.maybe<std::string>(7),
                                    .dataset_digest = row.maybe<std::string>(8),
                                    .model_id = m.info.model_id.text,
                                    .run_id = row.text(6)});
        });
  });
}

namespace {

std::string on_datasets(Where& where, const std::vector<DatasetFilter>& datasets) {
  std::string out;
  for (const auto& d : datasets) {
    std::string one = "x.dataset_name = " + where.bind(d.dataset_name);
    if (d.dataset_digest) one += " AND x.dataset_digest = " + where.bind(*d.dataset_digest);
    out.append(out.empty() ? "(" : " OR ").append("(" + one + ")");
  }
  return out.empty() ? out : out + ")";
}

void add_clause(Where& where, const mlflow::Comparison& c, const std::vector<DatasetFilter>& datasets) {
  using mlflow::Entity;
  const auto of = [&](std::string_view table) {
    return "EXISTS (SELECT 1 FROM " + std::string(table) +
           " x WHERE x.model_id = m.model_id AND x.key = " + where.bind(c.key);
  };
  switch (c.entity) {
    case Entity::attribute:
      where.add(where.compare(c.key == "experiment_id" ? "CAST(m.experiment_id AS TEXT)" : "m." + c.key, c));
      return;
    case Entity::metric: {
      std::string part = of("logged_model_metric");
      const auto compared = where.compare("x.value", c);
      part += c.compare == mlflow::Compare::ne ? " AND (x.is_nan = 1 OR " + compared + ")"
                                               : " AND x.is_nan = 0 AND " + compared;
      if (auto on = on_datasets(where, datasets); !on.empty()) part += " AND " + on;
      where.add(part + ")");
      return;
    }
    case Entity::param: where.add(of("logged_model_param") + " AND " + where.compare("x.value", c) + ")"); return;
    case Entity::tag: where.add(of("logged_model_tag") + " AND " + where.compare("x.value", c) + ")"); return;
    case Entity::dataset: return;
  }
}

std::string order_of(Where& where, const std::vector<ModelQuery::Order>& order) {
  std::string out = " ORDER BY ";
  bool by_time = false, by_id = false;
  for (const auto& o : order) {
    const std::string way = o.by.ascending ? " ASC, " : " DESC, ";
    std::string column = "m." + o.by.key;
    if (o.by.entity == mlflow::Entity::metric) {
      std::string newest = "(SELECT x.value FROM logged_model_metric x WHERE x.model_id = m.model_id AND x.key = " +
                           where.bind(o.by.key);
      if (o.dataset_name) newest += " AND x.dataset_name = " + where.bind(*o.dataset_name);
      if (o.dataset_digest) newest += " AND x.dataset_digest = " + where.bind(*o.dataset_digest);
      column = newest + " ORDER BY x.timestamp DESC, x.step DESC, x.run_id LIMIT 1)";
    } else {
      by_time = by_time || o.by.key == "creation_timestamp";
      by_id = by_id || o.by.key == "model_id";
    }
    out.append("CASE WHEN ").append(column).append(" IS NULL THEN 1 ELSE 0 END, ").append(column).append(way);
  }
  if (!by_time) out += "m.creation_timestamp DESC, ";
  return by_id ? out.substr(0, out.size() - 2) : out + "m.model_id ASC";
}

}  // namespace

Result<std::vector<LoggedModel>> search_models(Tx& tx, const ModelQuery& q) {
  std::vector<LoggedModel> out;
  if (q.experiments.empty()) return out;
  Where where(tx.engine());
  where.add("m.lifecycle_stage = 'active'");
  where.add("m.experiment_id IN " + where.bind_list(q.experiments));
  bool on_metric = false;
  for (const auto& c : q.filter) {
    on_metric = on_metric || c.entity == mlflow::Entity::metric;
    add_clause(where, c, q.datasets);
  }
  if (!q.datasets.empty() && !on_metric)
    where.add("EXISTS (SELECT 1 FROM logged_model_metric x WHERE x.model_id = m.model_id AND " +
              on_datasets(where, q.datasets) + ")");
  std::string text = "SELECT " MODEL_COLUMNS " FROM logged_model m WHERE " + where.text();
  text += order_of(where, q.order);
  text += where.page(q.offset, q.max_results);
  TRY_(tx.each_bound({"tracking.search_models", text}, where.values(),
                     [&](const Row& row) { out.push_back({.info = read(row).info}); }));
  return out;
}

}  // namespace pawl::tracking::rows
