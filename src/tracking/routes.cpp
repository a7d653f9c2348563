#include "tracking/routes.h"

#include "tracking/mlflow_routes.h"

namespace pawl::tracking {
using enum net::Method;

namespace {

void mount_experiments(MlflowRoutes at, Service& s) {
  at.add({.method = POST,
          .path = "/mlflow/experiments/create",
          .needs = May::track,
          .on = On::writer,
          .about = "Make an experiment"},
         [&s](Call& call, const CreateExperiment& in) { return s.create_experiment(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/experiments/get",
          .needs = May::read,
          .on = On::reader,
          .about = "One experiment"},
         [&s](Call& call, const ByExperimentId& in) { return s.get_experiment(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/experiments/get-by-name",
          .needs = May::read,
          .on = On::reader,
          .about = "One experiment by its name"},
         [&s](Call& call, const ByExperimentName& in) { return s.get_experiment_by_name(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/experiments/search",
          .needs = May::read,
          .on = On::reader,
          .about = "Search experiments"},
         [&s](Call& call, const SearchExperiments& in) { return s.search_experiments(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/experiments/search",
          .needs = May::read,
          .on = On::reader,
          .about = "Search experiments"},
         [&s](Call& call, const SearchExperiments& in) { return s.search_experiments(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/experiments/delete",
          .needs = May::track,
          .on = On::writer,
          .about = "Delete an experiment and its runs; restore brings them back"},
         [&s](Call& call, const ByExperimentId& in) { return s.delete_experiment(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/experiments/restore",
          .needs = May::track,
          .on = On::writer,
          .about = "Restore an experiment and its runs"},
         [&s](Call& call, const ByExperimentId& in) { return s.restore_experiment(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/experiments/update",
          .needs = May::track,
          .on = On::writer,
          .about = "Rename an experiment"},
         [&s](Call& call, const UpdateExperiment& in) { return s.update_experiment(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/experiments/set-experiment-tag",
          .needs = May::track,
          .on = On::writer,
          .about = "Tag an experiment"},
         [&s](Call& call, const SetExperimentTag& in) { return s.set_experiment_tag(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/experiments/delete-experiment-tag",
          .needs = May::track,
          .on = On::writer,
          .about = "Remove an experiment's tag"},
         [&s](Call& call, const DeleteExperimentTag& in) { return s.delete_experiment_tag(call, in); });
  at.browser_only({.method = POST,
                   .path = "/mlflow/experiments/search-datasets",
                   .needs = May::read,
                   .on = On::reader,
                   .about = "Datasets logged in some experiments"},
                  [&s](Call& call, const SearchDatasets& in) { return s.search_datasets(call, in); });
}

void mount_runs(MlflowRoutes at, Service& s) {
  at.add({.method = POST, .path = "/mlflow/runs/create", .needs = May::track, .on = On::writer, .about = "Start a run"},
         [&s](Call& call, const CreateRun& in) { return s.create_run(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/runs/get",
          .needs = May::read,
          .on = On::reader,
          .about = "One run with what was logged"},
         [&s](Call& call, const ByRunId& in) { return s.get_run(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/runs/update",
          .needs = May::track,
          .on = On::writer,
          .about = "Change status, end or name of a run"},
         [&s](Call& call, const UpdateRun& in) { return s.update_run(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/runs/delete",
          .needs = May::track,
          .on = On::writer,
          .about = "Delete a run; restore brings it back"},
         [&s](Call& call, const ByRunId& in) { return s.delete_run(call, in); });
  at.add(
      {.method = POST, .path = "/mlflow/runs/restore", .needs = May::track, .on = On::writer, .about = "Restore a run"},
      [&s](Call& call, const ByRunId& in) { return s.restore_run(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/runs/log-metric",
          .needs = May::track,
          .on = On::writer,
          .about = "Log one metric point"},
         [&s](Call& call, const LogMetric& in) { return s.log_metric(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/runs/log-parameter",
          .needs = May::track,
          .on = On::writer,
          .about = "Log a parameter, once"},
         [&s](Call& call, const LogParam& in) { return s.log_param(call, in); });
  at.add({.method = POST, .path = "/mlflow/runs/set-tag", .needs = May::track, .on = On::writer, .about = "Tag a run"},
         [&s](Call& call, const SetTag& in) { return s.set_tag(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/runs/delete-tag",
          .needs = May::track,
          .on = On::writer,
          .about = "Remove a run's tag"},
         [&s](Call& call, const DeleteTag& in) { return s.delete_tag(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/runs/log-batch",
          .needs = May::track,
          .on = On::writer,
          .about = "Log metrics, parameters and tags together"},
         [&s](Call& call, const LogBatch& in) { return s.log_batch(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/runs/log-inputs",
          .needs = May::track,
          .on = On::writer,
          .about = "Log datasets and models that a run used"},
         [&s](Call& call, const LogInputs& in) { return s.log_inputs(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/runs/outputs",
          .needs = May::track,
          .on = On::writer,
          .about = "Log models that a run made"},
         [&s](Call& call, const LogOutputs& in) { return s.log_outputs(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/runs/log-model",
          .needs = May::track,
          .on = On::writer,
          .about = "Note a model's MLmodel on its run"},
         [&s](Call& call, const LogModel& in) { return s.log_model(call, in); });
  at.add({.method = POST, .path = "/mlflow/runs/search", .needs = May::read, .on = On::reader, .about = "Search runs"},
         [&s](Call& call, const SearchRuns& in) { return s.search_runs(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/metrics/get-history",
          .needs = May::read,
          .on = On::reader,
          .about = "All points of a metric"},
         [&s](Call& call, const GetHistory& in) { return s.history(call, in); });
  at.browser_only({.method = GET,
                   .path = "/mlflow/metrics/get-history-bulk",
                   .needs = May::read,
                   .on = On::reader,
                   .about = "All points of a metric in many runs"},
                  [&s](Call& call, const GetHistoryBulk& in) { return s.history_bulk(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/metrics/get-history-bulk-interval",
          .needs = May::read,
          .on = On::reader,
          .about = "Evenly sampled points of a metric in many runs"},
         [&s](Call& call, const GetHistoryInterval& in) { return s.history_interval(call, in); });
}

void mount_models(MlflowRoutes at, Service& s) {
  at.add({.method = POST,
          .path = "/mlflow/logged-models",
          .needs = May::track,
          .on = On::writer,
          .about = "Begin a logged model"},
         [&s](Call& call, const CreateLoggedModel& in) { return s.create_model(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/logged-models/search",
          .needs = May::read,
          .on = On::reader,
          .about = "Search logged models"},
         [&s](Call& call, const SearchLoggedModels& in) { return s.search_models(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/logged-models/{model_id}",
          .needs = May::read,
          .on = On::reader,
          .about = "One logged model"},
         [&s](Call& call, const GetLoggedModel& in) { return s.get_model(call, in); });
  at.add({.method = PATCH,
          .path = "/mlflow/logged-models/{model_id}",
          .needs = May::track,
          .on = On::writer,
          .about = "Say that a logged model is complete, or failed"},
         [&s](Call& call, const FinalizeLoggedModel& in) { return s.finalize_model(call, in); });
  at.add({.method = DELETE,
          .path = "/mlflow/logged-models/{model_id}",
          .needs = May::track,
          .on = On::writer,
          .about = "Delete a logged model"},
         [&s](Call& call, const ByModelId& in) { return s.delete_model(call, in); });
  at.add({.method = PATCH,
          .path = "/mlflow/logged-models/{model_id}/tags",
          .needs = May::track,
          .on = On::writer,
          .about = "Tag a logged model"},
         [&s](Call& call, const SetLoggedModelTags& in) { return s.set_model_tags(call, in); });
  at.add({.method = DELETE,
          .path = "/mlflow/logged-models/{model_id}/tags/{tag_key}",
          .needs = May::track,
          .on = On::writer,
          .about = "Remove a logged model's tag"},
         [&s](Call& call, const DeleteLoggedModelTag& in) { return s.delete_model_tag(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/logged-models/{model_id}/params",
          .needs = May::track,
          .on = On::writer,
          .about = "Log parameters of a logged model"},
         [&s](Call& call, const LogLoggedModelParams& in) { return s.log_model_params(call, in); });
}

struct ServerInfo {
  std::string store_type = "SqlStore";
  bool workspaces_enabled = false, artifact_serving_enabled = true, multipart_uploads_enabled = false,
       multipart_downloads_enabled = false;
  static constexpr auto fields = std::tuple{
      field("store_type", &ServerInfo::store_type), field("workspaces_enabled", &ServerInfo::workspaces_enabled),
      field("artifact_serving_enabled", &ServerInfo::artifact_serving_enabled),
      field("multipart_uploads_enabled", &ServerInfo::multipart_uploads_enabled),
      field("multipart_downloads_enabled", &ServerInfo::multipart_downloads_enabled)};
};

}  // namespace

void mount(net::Router& router, Service& s) {
  mount_experiments({router}, s);
  mount_runs({router}, s);
  mount_models({router}, s);
  MlflowRoutes{router, "3.0"}.add({.method = GET,
                                   .path = "/mlflow/server-info",
                                   .needs = May::anything_public,
                                   .on = On::io,
                                   .about = "What this server offers to MLflow's clients"},
                                  [](Ask&, const Nothing&) -> Result<ServerInfo> { return ServerInfo{}; });
}

}  // namespace pawl::tracking
