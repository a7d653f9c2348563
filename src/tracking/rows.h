// Rows of tracking, in and out: all its SQL is in the rows_*.cpp files. Nothing here decides; "nothing found" is an empty optional.
#pragma once
#include "store/sql.h"
#include "tracking/metric_chunk.h"
#include "tracking/types_models.h"
#include "wire/mlflow/filter.h"

namespace pawl::tracking::rows {

// Experiments.
Result<std::int64_t> next_experiment_id(Tx& tx);
Result<bool> put_experiment(Tx& tx, std::int64_t id, const Experiment& e);  // false: the name, or the id, is taken
Result<std::optional<Experiment>> find_experiment(Tx& tx, std::int64_t id);
Result<std::optional<Experiment>> find_experiment_by_name(Tx& tx, std::string_view name);
Result<bool> rename_experiment(Tx& tx, std::int64_t id, std::string_view name,
                               std::int64_t now);  // false: the name is taken
Result<void> set_experiment_stage(Tx& tx, std::int64_t id, std::string_view stage,
                                  std::int64_t now);  // and of all its runs
Result<void> put_experiment_tag(Tx& tx, std::int64_t id, std::string_view key, std::string_view value);
Result<bool> delete_experiment_tag(Tx& tx, std::int64_t id, std::string_view key);
struct ExperimentQuery {
  View view{};
  mlflow::Filter filter{};
  std::vector<mlflow::OrderBy> order{};
  std::int64_t offset = 0, max_results = 0;
};
Result<std::vector<Experiment>> search_experiments(
    Tx& tx, const ExperimentQuery& q);  // one more than max_results when more follow
Result<std::vector<DatasetSummary>> dataset_summaries(Tx& tx, const std::vector<std::int64_t>& experiments);

// Runs. A head is the row alone, without what was logged.
struct RunHead {
  RunInfo info{};
  std::int64_t experiment = 0;
  std::string flow{}, created_by{};
  std::int64_t flow_epoch = 0;
  bool active() const { return info.lifecycle_stage == "active"; }
};
Result<void> put_run(Tx& tx, const RunHead& head);
Result<std::optional<RunHead>> find_run(Tx& tx, std::string_view id);
Result<std::vector<RunHead>> runs_of_flow(Tx& tx, std::string_view flow);
Result<void> update_run(Tx& tx, const RunInfo& info);  // name, status, end time
Result<void> set_run_stage(Tx& tx, std::string_view id, std::string_view stage, std::int64_t now);
struct RunQuery {
  std::vector<std::int64_t> experiments{};
  View view{};
  mlflow::Filter filter{};
  std::vector<mlflow::OrderBy> order{};
  std::int64_t offset = 0, max_results = 0;
};
Result<std::vector<Run>> search_runs(Tx& tx,
                                     const RunQuery& q);  // heads only, one more than max_results when more follow
Result<void> fill_runs(
    Tx& tx, std::vector<Run>& runs);  // latest metrics, params, tags, inputs, outputs: a fixed number of statements
Result<bool> put_param(Tx& tx, std::string_view run, std::string_view key,
                       std::string_view value);  // false: there is one already
Result<std::optional<std::string>> find_param(Tx& tx, std::string_view run, std::string_view key);
Result<void> put_tag(Tx& tx, std::string_view run, std::string_view key, std::string_view value);
Result<std::optional<std::string>> find_tag(Tx& tx, std::string_view run, std::string_view key);
Result<bool> delete_tag(Tx& tx, std::string_view run, std::string_view key);

// Metric points.
Result<void> put_latest(Tx& tx, std::string_view run, std::string_view key,
                        const Point& p);  // when it is later than what is there
Result<void> put_chunk(Tx& tx, std::string_view run, std::string_view key, std::int64_t id, std::size_t points,
                       std::string_view data);
Result<std::vector<Point>> history(Tx& tx, std::string_view run, std::string_view key);  // tidy
struct ChunkHead {
  std::int64_t id = 0, points = 0;
};
Result<std::vector<ChunkHead>> loose_chunks(Tx& tx, std::string_view run,
                                            std::int64_t limit);  // what requests left, oldest ids first
Result<std::vector<ChunkHead>> small_chunks(Tx& tx, std::string_view run, std::string_view key,
                                            std::int64_t points_below);
Result<void> read_chunk(Tx& tx, std::string_view run, std::string_view key, std::int64_t id, Columns& out);
Result<void> delete_chunk(Tx& tx, std::string_view run, std::string_view key, std::int64_t id);

// Inputs and outputs.
Result<std::string> put_dataset(Tx& tx, std::string_view new_id, std::int64_t experiment,
                                const Dataset& d);  // the id of the one that stays
Result<bool> put_input(Tx& tx, std::string_view run, std::string_view dataset);
Result<void> put_input_tag(Tx& tx, std::string_view run, std::string_view dataset, const Tag& tag);
Result<void> put_model_input(Tx& tx, std::string_view run, std::string_view model);
Result<void> put_model_output(Tx& tx, std::string_view run, const ModelOutput& out);

// Logged models.
struct ModelHead {
  LoggedModelInfo info{};
  std::int64_t experiment = 0;
  bool deleted = false;
};
Result<void> put_model(Tx& tx, const ModelHead& head);
Result<std::optional<ModelHead>> find_model(Tx& tx, std::string_view id);
Result<void> fill_models(Tx& tx, std::vector<LoggedModel>& models);
Result<void> set_model_status(Tx& tx, std::string_view id, std::string_view status, std::int64_t now);
Result<void> delete_model(Tx& tx, std::string_view id, std::int64_t now);
Result<void> put_model_tag(Tx& tx, std::string_view id, const Tag& tag);
Result<bool> delete_model_tag(Tx& tx, std::string_view id, std::string_view key);
Result<std::optional<std::string>> find_model_tag(Tx& tx, std::string_view id, std::string_view key);
Result<bool> put_model_param(Tx& tx, std::string_view id, const Param& param);
Result<void> put_model_metric(Tx& tx, const Metric& metric, std::string_view model, std::string_view run);
struct ModelQuery {
  std::vector<std::int64_t> experiments{};
  mlflow::Filter filter{};
  std::vector<DatasetFilter> datasets{};
  struct Order {
    mlflow::OrderBy by{};
    std::optional<std::string> dataset_name{}, dataset_digest{};
  };
  std::vector<Order> order{};
  std::int64_t offset = 0, max_results = 0;
};
Result<std::vector<LoggedModel>> search_models(Tx& tx, const ModelQuery& q);

}  // namespace pawl::tracking::rows
