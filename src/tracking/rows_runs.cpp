#include "tracking/rows.h"
#include "tracking/rows_search.h"
#include "wire/mlflow/texts.h"

namespace pawl::tracking::rows {
namespace {

#define RUN_COLUMNS                                                                                        \
  "r.run_id, r.experiment_id, r.run_name, r.user_id, r.status, r.start_time, r.end_time, r.artifact_uri, " \
  "r.lifecycle_stage, r.flow_id, "                                                                         \
  "r.flow_epoch, r.created_by"
constexpr Sql put_sql{"tracking.put_run", R"(
  INSERT INTO run (run_id, experiment_id, run_name, user_id, status, start_time, end_time, artifact_uri, lifecycle_stage, flow_id, flow_epoch, created_by)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12))"};
constexpr Sql find_sql{"tracking.find_run", "SELECT " RUN_COLUMNS " FROM run r WHERE r.run_id = $1"};
constexpr Sql of_flow_sql{"tracking.runs_of_flow",
                          "SELECT " RUN_COLUMNS " FROM run r WHERE r.flow_id = $1 ORDER BY r.start_time, r.run_id"};
constexpr Sql update_sql{"tracking.update_run",
                         "UPDATE run SET run_name = $2, status = $3, end_time = $4 WHERE run_id = $1"};
constexpr Sql set_stage_sql{"tracking.set_run_stage",
                            "UPDATE run SET lifecycle_stage = $2, deleted_time = $3 WHERE run_id = $1"};
constexpr Sql put_param_sql{
    "tracking.put_param",
    "INSERT INTO run_param (run_id, key, value) VALUES ($1, $2, $3) ON CONFLICT (run_id, key) DO NOTHING"};
constexpr Sql find_param_sql{"tracking.find_param", "SELECT value FROM run_param WHERE run_id = $1 AND key = $2"};
constexpr Sql put_tag_sql{"tracking.put_tag", R"(
  INSERT INTO run_tag (run_id, key, value) VALUES ($1, $2, $3)
  ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value)"};
constexpr Sql find_tag_sql{"tracking.find_tag", "SELECT value FROM run_tag WHERE run_id = $1 AND key = $2"};
constexpr Sql delete_tag_sql{"tracking.delete_tag", "DELETE FROM run_tag WHERE run_id = $1 AND key = $2"};

RunInfo read_info(const Row& row) {
  const RunId id{row.text(0)};
  return {.run_uuid = id,
          .run_id = id,
          .experiment_id = std::to_string(row.i64(1)),
          .run_name = row.text(2),
          .user_id = row.text(3),
          .status = row.text(4),
          .start_time = row.i64(5),
          .end_time = row.maybe<std::int64_t>(6),
          .artifact_uri = row.text(7),
          .lifecycle_stage = row.text(8)};
}
RunHead read_head(const Row& row) { return {read_info(row), row.i64(1), row.text(9), row.text(11), row.i64(10)}; }
std::string first_text(const Row& row) { return row.text(0); }

}  // namespace

Result<void> put_run(Tx& tx, const RunHead& head) {
  const auto& i = head.info;
  TRY_(tx.exec(put_sql, i.run_id, head.experiment, i.run_name, i.user_id, i.status, i.start_time, i.end_time,
               i.artifact_uri, i.lifecycle_stage, head.flow, head.flow_epoch, head.created_by));
  return {};
}
Result<std::optional<RunHead>> find_run(Tx& tx, std::string_view id) { return tx.one(find_sql, read_head, id); }
Result<std::vector<RunHead>> runs_of_flow(Tx& tx, std::string_view flow) {
  return tx.all(of_flow_sql, read_head, flow);
}
Result<void> update_run(Tx& tx, const RunInfo& info) {
  TRY_(tx.exec(update_sql, info.run_id, info.run_name, info.status, info.end_time));
  return {};
}
Result<void> set_run_stage(Tx& tx, std::string_view id, std::string_view stage, std::int64_t now) {
  const auto deleted = stage == "deleted" ? std::optional(now) : std::nullopt;
  TRY_(tx.exec(set_stage_sql, id, stage, deleted));
  return {};
}
Result<bool> put_param(Tx& tx, std::string_view run, std::string_view key, std::string_view value) {
  TRY(changed, tx.exec(put_param_sql, run, key, value));
  return changed > 0;
}
Result<std::optional<std::string>> find_param(Tx& tx, std::string_view run, std::string_view key) {
  return tx.one(find_param_sql, first_text, run, key);
}
Result<void> put_tag(Tx& tx, std::string_view run, std::string_view key, std::string_view value) {
  TRY_(tx.exec(put_tag_sql, run, key, value));
  return {};
}
Result<std::optional<std::string>> find_tag(Tx& tx, std::string_view run, std::string_view key) {
  return tx.one(find_tag_sql, first_text, run, key);
}
Result<bool> delete_tag(Tx& tx, std::string_view run, std::string_view key) {
  TRY(changed, tx.exec(delete_tag_sql, run, key));
  return changed > 0;
}

namespace {

std::string exists(std::string_view from) { return "EXISTS (SELECT 1 FROM " + std::string(from) + ")"; }

void add_clause(Where& where, const mlflow::Comparison& c) {
  using mlflow::Compare;
  using mlflow::Entity;
  switch (c.entity) {
    case Entity::attribute: where.add(where.compare("r." + c.key, c)); return;
    case Entity::metric: {
      // NaN is stored as 0 with is_nan and satisfies nothing but !=.
      const auto key = where.bind(c.key);
      const auto compared = where.compare("m.value", c);
      const auto value =
          c.compare == Compare::ne ? "(m.is_nan = 1 OR " + compared + ")" : "(m.is_nan = 0 AND " + compared + ")";
      where.add(exists("metric_latest m WHERE m.run_id = r.run_id AND m.key = " + key + " AND " + value));
      return;
    }
    case Entity::param:
    case Entity::tag: {
      const std::string from = std::string(c.entity == Entity::param ? "run_param" : "run_tag") +
                               " x WHERE x.run_id = r.run_id AND x.key = " + where.bind(c.key);
      if (c.compare == Compare::is_null)
        where.add("NOT " + exists(from));
      else if (c.compare == Compare::not_null)
        where.add(exists(from));
      else
        where.add(exists(from + " AND " + where.compare("x.value", c)));
      return;
    }
    case Entity::dataset:
      if (c.key == "context")
        where.add(exists("run_input_tag t WHERE t.run_id = r.run_id AND t.key = 'mlflow.data.context' AND " +
                         where.compare("t.value", c)));
      else
        where.add(exists("run_input i JOIN run_dataset d ON d.id = i.dataset_id WHERE i.run_id = r.run_id AND " +
                         where.compare("d." + c.key, c)));
  }
}

// Few runs have this value: then those runs are looked up one by one. Many: then the newest runs are asked in turn until the page is full, which
// ends early. With 100,000 runs the wrong road costs half a second, counting up to the limit next to nothing.
constexpr std::int64_t rare_max = 1000;

Result<bool> add_rare_clause(Tx& tx, Where& where, const mlflow::Comparison& c) {
  const bool param = c.entity == mlflow::Entity::param;
  if (c.compare != mlflow::Compare::eq || (!param && c.entity != mlflow::Entity::tag)) return false;
  const std::string table = param ? "run_param" : "run_tag";
  // SQLite puts a constant for every `x.value` that it knows to be equal to it, also inside substr(), and then misses the index: hence || ''.
  const auto matching = [&](Where& w) {
    const auto& value = std::get<std::string>(c.value);
    return "SELECT x.run_id FROM " + table + " x WHERE x.key = " + w.bind(c.key) +
           " AND substr(x.value, 1, 100) = " + w.bind(mlflow::utf8_cut(value, 100)) +
           " AND x.value || '' = " + w.bind(value);
  };
  Where probe(tx.engine());
  std::int64_t found = 0;
  const std::string text = "SELECT count(*) FROM (" + matching(probe) + " LIMIT " + probe.bind(rare_max + 1) + ") few";
  TRY_(tx.each_bound({"tracking.runs_with_value", text}, probe.values(), [&](const Row& row) { found = row.i64(0); }));
  if (found > rare_max) return false;
  where.add("r.run_id IN (" + matching(where) + ")");
  return true;
}

struct Ordering {
  std::string joins{}, by{};
};
// Runs without the key stand last both ways, NaN just before them. PostgreSQL would sort text by the language: hence COLLATE.
Ordering ordering(Where& where, const std::vector<mlflow::OrderBy>& order) {
  using mlflow::Entity;
  Ordering out;
  bool by_start = false;
  const std::string bytes = where.engine() == store::Engine::postgres ? " COLLATE \"C\"" : "";
  for (std::size_t n = 0; n < order.size(); ++n) {
    const auto& o = order[n];
    const std::string way = o.ascending ? " ASC, " : " DESC, ", join = "o" + std::to_string(n);
    if (o.entity == Entity::attribute) {
      by_start = by_start || o.key == "start_time";
      if (o.key == "end_time") out.by += "CASE WHEN r.end_time IS NULL THEN 1 ELSE 0 END, ";
      const bool number = o.key == "start_time" || o.key == "end_time";
      out.by += "r." + o.key + (number ? "" : bytes) + way;
      continue;
    }
    const std::string table = o.entity == Entity::metric  ? "metric_latest"
                              : o.entity == Entity::param ? "run_param"
                                                          : "run_tag";
    const std::string absent = join + ".run_id IS NULL", value = join + ".value";
    out.joins.append(" LEFT JOIN ")
        .append(table)
        .append(" ")
        .append(join)
        .append(" ON ")
        .append(join)
        .append(".run_id = r.run_id AND ");
    out.joins.append(join).append(".key = ").append(where.bind(o.key));
    if (o.entity == Entity::metric)
      out.by.append("CASE WHEN ")
          .append(absent)
          .append(" THEN 2 WHEN ")
          .append(join)
          .append(".is_nan = 1 THEN 1 ELSE 0 END, ")
          .append(value)
          .append(way);
    else
      out.by.append("CASE WHEN ").append(absent).append(" THEN 1 ELSE 0 END, ").append(value).append(bytes).append(way);
  }
  if (!by_start) out.by += "r.start_time DESC, ";
  out.by += "r.run_id" + bytes + " ASC";
  return out;
}

}  // namespace

Result<std::vector<Run>> search_runs(Tx& tx, const RunQuery& q) {
  std::vector<Run> out;
  if (q.experiments.empty()) return out;
  Where where(tx.engine());
  const auto order =
      ordering(where, q.order);  // first: its joins stand before WHERE, and values are bound in the order of the text
  if (q.view == View::active) where.add("r.lifecycle_stage = 'active'");
  if (q.view == View::deleted) where.add("r.lifecycle_stage = 'deleted'");
  bool by_value = false;
  for (const auto& c : q.filter) {
    TRY(rare, add_rare_clause(tx, where, c));
    by_value = by_value || rare;
    if (!rare) add_clause(where, c);
  }
  const std::string experiment =
      by_value ? "+r.experiment_id" : "r.experiment_id";  // + : not by the index of the newest runs
  where.add(q.experiments.size() == 1 ? experiment + " = " + where.bind(q.experiments[0])
                                      : experiment + " IN " + where.bind_list(q.experiments));
  std::string text =
      "SELECT " RUN_COLUMNS " FROM run r" + order.joins + " WHERE " + where.text() + " ORDER BY " + order.by;
  text += where.page(q.offset, q.max_results);
  TRY_(tx.each_bound({"tracking.search_runs", text}, where.values(),
                     [&](const Row& row) { out.push_back({.info = read_info(row)}); }));
  return out;
}

Result<void> fill_runs(Tx& tx, std::vector<Run>& runs) {
  std::unordered_map<std::string_view, Run*> by_id;
  std::vector<std::string> ids;
  ids.reserve(runs.size());
  for (auto& run : runs) {
    by_id[run.info.run_id.text] = &run;
    ids.push_back(run.info.run_id.text);
    run.outputs.emplace();
  }
  return in_slices(ids, [&](const std::string& list, std::span<const store::Value> values) -> Result<void> {
    const auto each = [&](std::string_view name, const std::string& text, auto use) {
      return tx.each_bound({name, text}, values, [&](const Row& row) {
        if (auto found = by_id.find(row.view(0)); found != by_id.end()) use(*found->second, row);
      });
    };
    TRY_(each("tracking.latest_of_runs",
              "SELECT run_id, key, value, is_nan, timestamp, step FROM metric_latest WHERE run_id IN " + list +
                  " ORDER BY run_id, key",
              [](Run& run, const Row& row) {
                const double value = row.flag(3) ? std::numeric_limits<double>::quiet_NaN() : row.real(2);
                run.data.metrics.push_back(
                    {.key = row.text(1), .value = value, .timestamp = row.i64(4), .step = row.i64(5)});
              }));
    TRY_(each("tracking.params_of_runs",
              "SELECT run_id, key, value FROM run_param WHERE run_id IN " + list + " ORDER BY run_id, key",
              [](Run& run, const Row& row) { run.data.params.push_back({row.text(1), row.text(2)}); }));
    TRY_(each("tracking.tags_of_runs",
              "SELECT run_id, key, value FROM run_tag WHERE run_id IN " + list + " ORDER BY run_id, key",
              [](Run& run, const Row& row) { run.data.tags.push_back({row.text(1), row.text(2)}); }));
    TRY_(each("tracking.inputs_of_runs",
              "SELECT i.run_id, d.name, d.digest, d.source_type, d.source, d.schema, d.profile FROM run_input i JOIN "
              "run_dataset d ON d.id = i.dataset_id "
              "WHERE i.run_id IN " +
                  list + " ORDER BY i.run_id, i.position",
              [](Run& run, const Row& row) {
                run.inputs.dataset_inputs.push_back(
                    {.dataset = Dataset{row.text(1), row.text(2), row.text(3), row.text(4), row.maybe<std::string>(5),
                                        row.maybe<std::string>(6)}});
              }));
    TRY_(each("tracking.input_tags_of_runs",
              "SELECT t.run_id, d.name, d.digest, t.key, t.value FROM run_input_tag t JOIN run_dataset d ON d.id = "
              "t.dataset_id WHERE t.run_id IN " +
                  list + " ORDER BY t.key",
              [](Run& run, const Row& row) {
                for (auto& input : run.inputs.dataset_inputs)
                  if (input.dataset->name == row.view(1) && input.dataset->digest == row.view(2))
                    input.tags.push_back({row.text(3), row.text(4)});
              }));
    TRY_(each("tracking.model_inputs_of_runs",
              "SELECT run_id, model_id FROM run_model_input WHERE run_id IN " + list + " ORDER BY run_id, position",
              [](Run& run, const Row& row) { run.inputs.model_inputs.push_back({row.text(1)}); }));
    return each(
        "tracking.model_outputs_of_runs",
        "SELECT run_id, model_id, step FROM run_model_output WHERE run_id IN " + list + " ORDER BY run_id, position",
        [](Run& run, const Row& row) { run.outputs->model_outputs.push_back({row.text(1), row.i64(2)}); });
  });
}

}  // namespace pawl::tracking::rows
