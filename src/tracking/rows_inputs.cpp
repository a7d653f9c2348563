#include "tracking/rows.h"

namespace pawl::tracking::rows {
namespace {

constexpr Sql put_dataset_sql{"tracking.put_dataset", R"(
  INSERT INTO run_dataset (id, experiment_id, name, digest, source_type, source, schema, profile)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (experiment_id, name, digest) DO NOTHING)"};
constexpr Sql find_dataset_sql{"tracking.find_dataset",
                               "SELECT id FROM run_dataset WHERE experiment_id = $1 AND name = $2 AND digest = $3"};
constexpr Sql put_input_sql{"tracking.put_input", R"(
  INSERT INTO run_input (run_id, dataset_id, position)
  VALUES ($1, $2, (SELECT count(*) FROM run_input i WHERE i.run_id = $1)) ON CONFLICT (run_id, dataset_id) DO NOTHING)"};
constexpr Sql put_input_tag_sql{"tracking.put_input_tag", R"(
  INSERT INTO run_input_tag (run_id, dataset_id, key, value) VALUES ($1, $2, $3, $4)
  ON CONFLICT (run_id, dataset_id, key) DO UPDATE SET value = excluded.value)"};
constexpr Sql put_model_input_sql{"tracking.put_model_input", R"(
  INSERT INTO run_model_input (run_id, model_id, position)
  VALUES ($1, $2, (SELECT count(*) FROM run_model_input i WHERE i.run_id = $1)) ON CONFLICT (run_id, model_id) DO NOTHING)"};
constexpr Sql put_model_output_sql{"tracking.put_model_output", R"(
  INSERT INTO run_model_output (run_id, model_id, step, position)
  VALUES ($1, $2, $3, (SELECT count(*) FROM run_model_output o WHERE o.run_id = $1)) ON CONFLICT (run_id, model_id, step) DO NOTHING)"};

}  // namespace

Result<std::string> put_dataset(Tx& tx, std::string_view new_id, std::int64_t experiment, const Dataset& d) {
  TRY_(tx.exec(put_dataset_sql, new_id, experiment, d.name, d.digest, d.source_type, d.source, d.schema, d.profile));
  TRY(id, tx.one(find_dataset_sql, [](const Row& row) { return row.text(0); }, experiment, d.name, d.digest));
  return id.value_or(std::string(new_id));
}
Result<bool> put_input(Tx& tx, std::string_view run, std::string_view dataset) {
  TRY(changed, tx.exec(put_input_sql, run, dataset));
  return changed > 0;
}
Result<void> put_input_tag(Tx& tx, std::string_view run, std::string_view dataset, const Tag& tag) {
  TRY_(tx.exec(put_input_tag_sql, run, dataset, tag.key, tag.value));
  return {};
}
Result<void> put_model_input(Tx& tx, std::string_view run, std::string_view model) {
  TRY_(tx.exec(put_model_input_sql, run, model));
  return {};
}
Result<void> put_model_output(Tx& tx, std::string_view run, const ModelOutput& out) {
  TRY_(tx.exec(put_model_output_sql, run, out.model_id, out.step));
  return {};
}

}  // namespace pawl::tracking::rows
