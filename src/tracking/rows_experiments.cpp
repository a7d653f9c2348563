#include "tracking/rows.h"
#include "tracking/rows_search.h"

namespace pawl::tracking::rows {
namespace {

constexpr Sql next_id_sql{"tracking.next_experiment_id",
                          "UPDATE experiment_counter SET last = last + 1 WHERE id = 0 RETURNING last"};
constexpr Sql put_sql{"tracking.put_experiment", R"(
  INSERT INTO experiment (id, name, artifact_location, lifecycle_stage, creation_time, last_update_time)
  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING)"};
#define EXPERIMENT_COLUMNS "id, name, artifact_location, lifecycle_stage, last_update_time, creation_time"
constexpr Sql find_sql{"tracking.find_experiment", "SELECT " EXPERIMENT_COLUMNS " FROM experiment WHERE id = $1"};
constexpr Sql find_by_name_sql{"tracking.find_experiment_by_name",
                               "SELECT " EXPERIMENT_COLUMNS " FROM experiment WHERE name = $1"};
constexpr Sql tags_sql{"tracking.experiment_tags",
                       "SELECT key, value FROM experiment_tag WHERE experiment_id = $1 ORDER BY key"};
constexpr Sql rename_sql{"tracking.rename_experiment", R"(
  UPDATE experiment SET name = $2, last_update_time = $3
  WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM experiment other WHERE other.name = $2 AND other.id <> $1))"};
constexpr Sql set_stage_sql{"tracking.set_experiment_stage",
                            "UPDATE experiment SET lifecycle_stage = $2, last_update_time = $3 WHERE id = $1"};
constexpr Sql set_runs_stage_sql{"tracking.set_runs_stage",
                                 "UPDATE run SET lifecycle_stage = $2, deleted_time = $3 WHERE experiment_id = $1"};
constexpr Sql put_tag_sql{"tracking.put_experiment_tag", R"(
  INSERT INTO experiment_tag (experiment_id, key, value) VALUES ($1, $2, $3)
  ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value)"};
constexpr Sql delete_tag_sql{"tracking.delete_experiment_tag",
                             "DELETE FROM experiment_tag WHERE experiment_id = $1 AND key = $2"};

Experiment read(const Row& row) {
  return {.experiment_id = std::to_string(row.i64(0)),
          .name = row.text(1),
          .artifact_location = row.text(2),
          .lifecycle_stage = row.text(3),
          .last_update_time = row.i64(4),
          .creation_time = row.i64(5)};
}
Tag read_tag(const Row& row) { return {row.text(0), row.text(1)}; }

Result<std::optional<Experiment>> with_tags(Tx& tx, Result<std::optional<Experiment>> found) {
  if (!found || !*found) return found;
  std::int64_t id = std::stoll((*found)->experiment_id);
  TRY(tags, tx.all(tags_sql, read_tag, id));
  (*found)->tags = std::move(tags);
  return found;
}

std::string order_of(const std::vector<mlflow::OrderBy>& order) {
  if (order.empty()) return " ORDER BY e.creation_time DESC, e.id ASC";
  std::string out = " ORDER BY ";
  bool by_id = false;
  for (const auto& o : order) {
    by_id = by_id || o.key == "experiment_id";
    out.append("e.").append(o.key == "experiment_id" ? "id" : o.key).append(o.ascending ? " ASC, " : " DESC, ");
  }
  return by_id ? out.substr(0, out.size() - 2) : out + "e.id DESC";
}

}  // namespace

Result<std::int64_t> next_experiment_id(Tx& tx) {
  TRY(id, tx.one(next_id_sql, [](const Row& row) { return row.i64(0); }));
  return id.value_or(1);
}
Result<bool> put_experiment(Tx& tx, std::int64_t id, const Experiment& e) {
  TRY(changed,
      tx.exec(put_sql, id, e.name, e.artifact_location, e.lifecycle_stage, e.creation_time, e.last_update_time));
  return changed > 0;
}
Result<std::optional<Experiment>> find_experiment(Tx& tx, std::int64_t id) {
  return with_tags(tx, tx.one(find_sql, read, id));
}
Result<std::optional<Experiment>> find_experiment_by_name(Tx& tx, std::string_view name) {
  return with_tags(tx, tx.one(find_by_name_sql, read, name));
}
Result<bool> rename_experiment(Tx& tx, std::int64_t id, std::string_view name, std::int64_t now) {
  TRY(changed, tx.exec(rename_sql, id, name, now));
  return changed > 0;
}
Result<void> set_experiment_stage(Tx& tx, std::int64_t id, std::string_view stage, std::int64_t now) {
  TRY_(tx.exec(set_stage_sql, id, stage, now));
  const auto deleted = stage == "deleted" ? std::optional(now) : std::nullopt;
  TRY_(tx.exec(set_runs_stage_sql, id, stage, deleted));
  return {};
}
Result<void> put_experiment_tag(Tx& tx, std::int64_t id, std::string_view key, std::string_view value) {
  TRY_(tx.exec(put_tag_sql, id, key, value));
  return {};
}
Result<bool> delete_experiment_tag(Tx& tx, std::int64_t id, std::string_view key) {
  TRY(changed, tx.exec(delete_tag_sql, id, key));
  return changed > 0;
}

Result<std::vector<Experiment>> search_experiments(Tx& tx, const ExperimentQuery& q) {
  using mlflow::Compare;
  Where where(tx.engine());
  if (q.view != View::all)
    where.add("e.lifecycle_stage = " + where.bind(std::string(q.view == View::active ? "active" : "deleted")));
  for (const auto& c : q.filter) {
    if (c.entity == mlflow::Entity::attribute) {
      where.add(where.compare(c.key == "experiment_id" ? "CAST(e.id AS TEXT)" : "e." + c.key, c));
      continue;
    }
    const std::string one =
        "SELECT 1 FROM experiment_tag t WHERE t.experiment_id = e.id AND t.key = " + where.bind(c.key);
    if (c.compare == Compare::is_null)
      where.add("NOT EXISTS (" + one + ")");
    else if (c.compare == Compare::not_null)
      where.add("EXISTS (" + one + ")");
    else
      where.add("EXISTS (" + one + " AND " + where.compare("t.value", c) + ")");
  }
  std::string text =
      "SELECT e.id, e.name, e.artifact_location, e.lifecycle_stage, e.last_update_time, e.creation_time FROM "
      "experiment e WHERE " +
      where.text() + order_of(q.order);
  text += where.page(q.offset, q.max_results);
  std::vector<Experiment> out;
  TRY_(tx.each_bound({"tracking.search_experiments", text}, where.values(),
                     [&](const Row& row) { out.push_back(read(row)); }));

  if (out.empty()) return out;
  std::map<std::int64_t, Experiment*> by_id;
  std::vector<std::int64_t> ids;
  for (auto& e : out) {
    ids.push_back(std::stoll(e.experiment_id));
    by_id[ids.back()] = &e;
  }
  for (std::size_t from = 0; from < ids.size(); from += 500) {
    Where of(tx.engine());
    of.add("experiment_id IN " +
           of.bind_list(std::vector(ids.begin() + static_cast<std::ptrdiff_t>(from),
                                    ids.begin() + static_cast<std::ptrdiff_t>(std::min(ids.size(), from + 500)))));
    const std::string tags =
        "SELECT experiment_id, key, value FROM experiment_tag WHERE " + of.text() + " ORDER BY experiment_id, key";
    TRY_(tx.each_bound({"tracking.tags_of_experiments", tags}, of.values(),
                       [&](const Row& row) { by_id[row.i64(0)]->tags.push_back({row.text(1), row.text(2)}); }));
  }
  return out;
}

Result<std::vector<DatasetSummary>> dataset_summaries(Tx& tx, const std::vector<std::int64_t>& experiments) {
  Where where(tx.engine());
  where.add("d.experiment_id IN " + where.bind_list(experiments));
  const std::string text =
      "SELECT DISTINCT d.experiment_id, d.name, d.digest, t.value FROM run_dataset d JOIN run_input i ON i.dataset_id "
      "= d.id "
      "LEFT JOIN run_input_tag t ON t.run_id = i.run_id AND t.dataset_id = i.dataset_id AND t.key = "
      "'mlflow.data.context' WHERE " +
      where.text() + " LIMIT 1000";
  std::vector<DatasetSummary> out;
  TRY_(tx.each_bound({"tracking.dataset_summaries", text}, where.values(), [&](const Row& row) {
    out.push_back({std::to_string(row.i64(0)), row.text(1), row.text(2), row.maybe<std::string>(3)});
  }));
  return out;
}

}  // namespace pawl::tracking::rows
