// The decisions of tracking: what is refused and in which words, what follows from what, which events are told. What other rooms call.
// Every function is one unit of work in the caller's transaction.
#pragma once
#include "core/hash.h"
#include "store/store.h"
#include "tracking/rows.h"
#include "tracking/types_models.h"

namespace pawl::tracking {

struct Settings {
  std::string artifact_root = "mlflow-artifacts:";  // a new experiment's artifacts lie at <root>/<id>
  std::string working_folder{};                     // what relative artifact locations are made absolute against
};

class Service {
 public:
  Service(store::Store& store, Random& random, Settings settings = {})
      : store_(store), random_(random), settings_(std::move(settings)) {}

  ~Service();  // waits for compactions under way: they come back to this object
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Makes experiment 0, "Default", when the store is new. Call once before serving.
  Result<void> prepare(const Clock& clock);

  Result<CreatedExperiment> create_experiment(Call& call, const CreateExperiment& in);
  Result<OneExperiment> get_experiment(Call& call, const ByExperimentId& in);
  Result<OneExperiment> get_experiment_by_name(Call& call, const ByExperimentName& in);
  Result<ExperimentPage> search_experiments(Call& call, const SearchExperiments& in);
  Result<Nothing> delete_experiment(Call& call, const ByExperimentId& in);
  Result<Nothing> restore_experiment(Call& call, const ByExperimentId& in);
  Result<Nothing> update_experiment(Call& call, const UpdateExperiment& in);
  Result<Nothing> set_experiment_tag(Call& call, const SetExperimentTag& in);
  Result<Nothing> delete_experiment_tag(Call& call, const DeleteExperimentTag& in);
  Result<DatasetSummaries> search_datasets(Call& call, const SearchDatasets& in);

  Result<OneRun> create_run(Call& call, const CreateRun& in);
  Result<OneRun> get_run(Call& call, const ByRunId& in);
  Result<UpdatedRun> update_run(Call& call, const UpdateRun& in);
  Result<Nothing> delete_run(Call& call, const ByRunId& in);
  Result<Nothing> restore_run(Call& call, const ByRunId& in);
  Result<Nothing> log_param(Call& call, const LogParam& in);
  Result<Nothing> set_tag(Call& call, const SetTag& in);
  Result<Nothing> delete_tag(Call& call, const DeleteTag& in);
  Result<Nothing> log_batch(Call& call, const LogBatch& in);
  Result<Nothing> log_inputs(Call& call, const LogInputs& in);
  Result<Nothing> log_outputs(Call& call, const LogOutputs& in);
  Result<Nothing> log_model(Call& call, const LogModel& in);
  Result<RunPage> search_runs(Call& call, const SearchRuns& in);

  Result<Nothing> log_metric(Call& call, const LogMetric& in);
  Result<MetricPage> history(Call& call, const GetHistory& in);
  Result<BulkMetrics> history_bulk(Call& call, const GetHistoryBulk& in);
  Result<MetricPage> history_interval(Call& call, const GetHistoryInterval& in);
  // Makes one chunk per key of what requests left for this run. Done in the background after many requests and when a run ends.
  Result<void> compact(Tx& tx, const RunId& run);

  Result<OneLoggedModel> create_model(Call& call, const CreateLoggedModel& in);
  Result<OneLoggedModel> get_model(Call& call, const GetLoggedModel& in);
  Result<OneLoggedModel> finalize_model(Call& call, const FinalizeLoggedModel& in);
  Result<Nothing> delete_model(Call& call, const ByModelId& in);
  Result<Nothing> set_model_tags(Call& call, const SetLoggedModelTags& in);
  Result<Nothing> delete_model_tag(Call& call, const DeleteLoggedModelTag& in);
  Result<Nothing> log_model_params(Call& call, const LogLoggedModelParams& in);
  Result<LoggedModelPage> search_models(Call& call, const SearchLoggedModels& in);

  // For rooms above. Missing: Code::missing in MLflow's words; the run may be a deleted one.
  Result<rows::RunHead> find_run(Tx& tx, std::string_view run);
  Result<std::vector<rows::RunHead>> runs_of_flow(Tx& tx, std::string_view flow) {
    return rows::runs_of_flow(tx, flow);
  }
  Result<Run> whole_run(Tx& tx, std::string_view run);
  Result<LoggedModel> find_logged_model(Tx& tx, std::string_view model);
  // Whether the caller may write or remove this path beneath the root of artifacts: a flow's token only what belongs to its own runs and their models,
  // a person nothing of what evaluations left behind (`references/`): monitors compare with it.
  Result<void> may_write_artifact(Tx& tx, const Who& who, std::string_view path);
  // A model version was made from this logged model: its tag `mlflow.modelVersions` lists them.
  Result<void> note_version(Tx& tx, std::string_view model, std::string_view name, std::string_view version);

 private:
  Result<Experiment> experiment(Tx& tx, std::string_view id, std::int64_t* number = nullptr);
  Result<Experiment> active_experiment(Tx& tx, std::string_view id, std::int64_t* number);
  // The run, if it may be written: active, and for a flow's token one of that flow's own.
  Result<rows::RunHead> writable_run(Call& call, const RunId& run);
  Result<void> put_tag(Tx& tx, rows::RunHead& run, std::string_view key, std::string value);
  Result<void> put_points(Tx& tx, const RunId& run, std::span<const NewMetric> metrics);
  void count_loose(Tx& tx, const RunId& run, std::size_t points);
  void compact_later(Tx& tx, const RunId& run);
  Result<rows::ModelHead> model(Tx& tx, std::string_view id, bool allow_deleted);
  Result<OneLoggedModel> whole_model(Tx& tx, rows::ModelHead head);
  std::string random_name();
  std::uint64_t random_bits();

  store::Store& store_;
  Random& random_;
  Settings settings_;
  // How much each run has in loose chunks: a hint that only decides when to compact, so a restart may forget it.
  struct Loose {
    std::size_t chunks = 0, points = 0;
  };
  std::mutex loose_mutex_;
  std::unordered_map<std::string, Loose> loose_;
  std::mutex compacting_mutex_;
  std::condition_variable compacted_;
  int compacting_ = 0;
};

// Refuses what is not of the token's flow: "FLOW/EPOCH". Others pass.
std::pair<std::string, std::int64_t> flow_of(const Who& who);

}  // namespace pawl::tracking
