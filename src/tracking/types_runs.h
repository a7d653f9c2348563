// Runs and what is logged to them, as MLflow's clients send and read them.
#pragma once
#include "tracking/types_experiments.h"

namespace pawl::tracking {

using RunId = Id<struct run_tag>;

struct RunInfo {
  RunId run_uuid{}, run_id{};
  std::string experiment_id{}, run_name{}, user_id{}, status{};
  std::int64_t start_time = 0;
  std::optional<std::int64_t> end_time{};
  std::string artifact_uri{}, lifecycle_stage{};
  static constexpr auto fields = std::tuple{field("run_uuid", &RunInfo::run_uuid),
                                            field("experiment_id", &RunInfo::experiment_id),
                                            field("run_name", &RunInfo::run_name),
                                            field("user_id", &RunInfo::user_id),
                                            field("status", &RunInfo::status),
                                            field("start_time", &RunInfo::start_time),
                                            field("end_time", &RunInfo::end_time),
                                            field("artifact_uri", &RunInfo::artifact_uri),
                                            field("lifecycle_stage", &RunInfo::lifecycle_stage),
                                            field("run_id", &RunInfo::run_id)};
};

struct Param {
  std::string key{}, value{};
  static constexpr auto fields =
      std::tuple{field("key", &Param::key, {.required = true}), field("value", &Param::value)};
  bool operator==(const Param&) const = default;
};
struct NewTag {
  std::string key{}, value{};
  static constexpr auto fields =
      std::tuple{field("key", &NewTag::key, {.required = true}), field("value", &NewTag::value)};
};
struct Metric {
  std::string key{};
  double value = 0;
  std::int64_t timestamp = 0, step = 0;
  std::optional<std::string> dataset_name{}, dataset_digest{}, model_id{}, run_id{};
  static constexpr auto fields = std::tuple{field("key", &Metric::key),
                                            field("value", &Metric::value),
                                            field("timestamp", &Metric::timestamp),
                                            field("step", &Metric::step),
                                            field("dataset_name", &Metric::dataset_name),
                                            field("dataset_digest", &Metric::dataset_digest),
                                            field("model_id", &Metric::model_id),
                                            field("run_id", &Metric::run_id)};
};
struct NewMetric {
  std::string key{};
  double value = 0;
  std::int64_t timestamp = 0, step = 0;
  std::string model_id{}, dataset_name{}, dataset_digest{};
  static constexpr auto fields = std::tuple{field("key", &NewMetric::key, {.required = true}),
                                            field("value", &NewMetric::value, {.required = true}),
                                            field("timestamp", &NewMetric::timestamp, {.required = true}),
                                            field("step", &NewMetric::step),
                                            field("model_id", &NewMetric::model_id),
                                            field("dataset_name", &NewMetric::dataset_name),
                                            field("dataset_digest", &NewMetric::dataset_digest)};
};

struct Dataset {
  std::string name{}, digest{}, source_type{}, source{};
  std::optional<std::string> schema{}, profile{};
  static constexpr auto fields = std::tuple{field("name", &Dataset::name, {.required = true}),
                                            field("digest", &Dataset::digest, {.required = true}),
                                            field("source_type", &Dataset::source_type),
                                            field("source", &Dataset::source),
                                            field("schema", &Dataset::schema),
                                            field("profile", &Dataset::profile)};
};
struct DatasetInput {
  std::vector<Tag> tags{};
  std::optional<Dataset> dataset{};
  static constexpr auto fields =
      std::tuple{field("tags", &DatasetInput::tags, {.empty = Empty::hide}), field("dataset", &DatasetInput::dataset)};
};
struct ModelInput {
  std::string model_id{};
  static constexpr auto fields = std::tuple{field("model_id", &ModelInput::model_id, {.required = true})};
};
struct ModelOutput {
  std::string model_id{};
  std::int64_t step = 0;
  static constexpr auto fields =
      std::tuple{field("model_id", &ModelOutput::model_id, {.required = true}), field("step", &ModelOutput::step)};
};

struct RunData {
  std::vector<Metric> metrics{};
  std::vector<Param> params{};
  std::vector<Tag> tags{};
  static constexpr auto fields = std::tuple{field("metrics", &RunData::metrics, {.empty = Empty::hide}),
                                            field("params", &RunData::params, {.empty = Empty::hide}),
                                            field("tags", &RunData::tags, {.empty = Empty::hide})};
};
struct RunInputs {
  std::vector<DatasetInput> dataset_inputs{};
  std::vector<ModelInput> model_inputs{};
  static constexpr auto fields = std::tuple{field("dataset_inputs", &RunInputs::dataset_inputs, {.empty = Empty::hide}),
                                            field("model_inputs", &RunInputs::model_inputs, {.empty = Empty::hide})};
};
struct RunOutputs {
  std::vector<ModelOutput> model_outputs{};
  static constexpr auto fields = std::tuple{field("model_outputs", &RunOutputs::model_outputs, {.empty = Empty::hide})};
};
struct Run {
  RunInfo info{};
  RunData data{};
  RunInputs inputs{};
  std::optional<RunOutputs> outputs{};
  static constexpr auto fields = std::tuple{field("info", &Run::info), field("data", &Run::data),
                                            field("inputs", &Run::inputs), field("outputs", &Run::outputs)};
};
struct OneRun {
  Run run{};
  static constexpr auto fields = std::tuple{field("run", &OneRun::run)};
};

struct CreateRun {
  std::string experiment_id{}, user_id{}, run_name{};
  std::int64_t start_time = 0;
  std::vector<Tag> tags{};
  static constexpr auto fields =
      std::tuple{field("experiment_id", &CreateRun::experiment_id), field("user_id", &CreateRun::user_id),
                 field("run_name", &CreateRun::run_name), field("start_time", &CreateRun::start_time),
                 field("tags", &CreateRun::tags)};
};
struct ByRunId {
  RunId run_id{};
  static constexpr auto fields = std::tuple{field("run_id", &ByRunId::run_id, {.required = true, .alias = "run_uuid"})};
};
struct UpdateRun {
  RunId run_id{};
  Json status{};
  std::optional<std::int64_t> end_time{};
  std::string run_name{};
  static constexpr auto fields = std::tuple{
      field("run_id", &UpdateRun::run_id, {.required = true, .alias = "run_uuid"}), field("status", &UpdateRun::status),
      field("end_time", &UpdateRun::end_time), field("run_name", &UpdateRun::run_name)};
};
struct UpdatedRun {
  RunInfo run_info{};
  static constexpr auto fields = std::tuple{field("run_info", &UpdatedRun::run_info)};
};
struct LogMetric {
  RunId run_id{};
  std::string key{};
  double value = 0;
  std::int64_t timestamp = 0, step = 0;
  std::string model_id{}, dataset_name{}, dataset_digest{};
  static constexpr auto fields =
      std::tuple{field("run_id", &LogMetric::run_id, {.required = true, .alias = "run_uuid"}),
                 field("key", &LogMetric::key, {.required = true}),
                 field("value", &LogMetric::value, {.required = true}),
                 field("timestamp", &LogMetric::timestamp, {.required = true}),
                 field("step", &LogMetric::step),
                 field("model_id", &LogMetric::model_id),
                 field("dataset_name", &LogMetric::dataset_name),
                 field("dataset_digest", &LogMetric::dataset_digest)};
};
struct LogParam {
  RunId run_id{};
  std::string key{}, value{};
  static constexpr auto fields =
      std::tuple{field("run_id", &LogParam::run_id, {.required = true, .alias = "run_uuid"}),
                 field("key", &LogParam::key, {.required = true}), field("value", &LogParam::value)};
};
struct SetTag {
  RunId run_id{};
  std::string key{}, value{};
  static constexpr auto fields =
      std::tuple{field("run_id", &SetTag::run_id, {.required = true, .alias = "run_uuid"}),
                 field("key", &SetTag::key, {.required = true}), field("value", &SetTag::value)};
};
struct DeleteTag {
  RunId run_id{};
  std::string key{};
  static constexpr auto fields =
      std::tuple{field("run_id", &DeleteTag::run_id, {.required = true, .alias = "run_uuid"}),
                 field("key", &DeleteTag::key, {.required = true})};
};
struct LogBatch {
  RunId run_id{};
  std::vector<NewMetric> metrics{};
  std::vector<Param> params{};
  std::vector<NewTag> tags{};
  static constexpr auto fields = std::tuple{field("run_id", &LogBatch::run_id, {.required = true, .alias = "run_uuid"}),
                                            field("metrics", &LogBatch::metrics), field("params", &LogBatch::params),
                                            field("tags", &LogBatch::tags)};
};
struct LogInputs {
  RunId run_id{};
  std::vector<DatasetInput> datasets{};
  std::vector<ModelInput> models{};
  static constexpr auto fields =
      std::tuple{field("run_id", &LogInputs::run_id, {.required = true, .alias = "run_uuid"}),
                 field("datasets", &LogInputs::datasets), field("models", &LogInputs::models)};
};
struct LogOutputs {
  RunId run_id{};
  std::vector<ModelOutput> models{};
  static constexpr auto fields =
      std::tuple{field("run_id", &LogOutputs::run_id, {.required = true, .alias = "run_uuid"}),
                 field("models", &LogOutputs::models, {.required = true})};
};
struct LogModel {
  RunId run_id{};
  std::string model_json{};
  static constexpr auto fields = std::tuple{field("run_id", &LogModel::run_id, {.required = true, .alias = "run_uuid"}),
                                            field("model_json", &LogModel::model_json, {.required = true})};
};

struct SearchRuns {
  std::vector<std::string> experiment_ids{};
  std::string filter{}, page_token{};
  Json run_view_type{};
  std::int64_t max_results = 1000;
  std::vector<std::string> order_by{};
  static constexpr auto fields = std::tuple{
      field("experiment_ids", &SearchRuns::experiment_ids), field("filter", &SearchRuns::filter),
      field("page_token", &SearchRuns::page_token),         field("run_view_type", &SearchRuns::run_view_type),
      field("max_results", &SearchRuns::max_results),       field("order_by", &SearchRuns::order_by)};
};
struct RunPage {
  std::vector<Run> runs{};
  std::optional<std::string> next_page_token{};
  static constexpr auto fields = std::tuple{field("runs", &RunPage::runs, {.empty = Empty::hide}),
                                            field("next_page_token", &RunPage::next_page_token)};
};

struct GetHistory {
  RunId run_id{};
  std::string metric_key{}, page_token{};
  std::optional<std::int64_t> max_results{};
  static constexpr auto fields =
      std::tuple{field("run_id", &GetHistory::run_id, {.required = true, .alias = "run_uuid"}),
                 field("metric_key", &GetHistory::metric_key, {.required = true}),
                 field("page_token", &GetHistory::page_token), field("max_results", &GetHistory::max_results)};
};
struct MetricPage {
  std::vector<Metric> metrics{};
  std::optional<std::string> next_page_token{};
  static constexpr auto fields = std::tuple{field("metrics", &MetricPage::metrics, {.empty = Empty::hide}),
                                            field("next_page_token", &MetricPage::next_page_token)};
};
struct GetHistoryBulk {
  std::vector<std::string> run_id{};
  std::string metric_key{};
  std::int64_t max_results = 25'000;
  static constexpr auto fields =
      std::tuple{field("run_id", &GetHistoryBulk::run_id), field("metric_key", &GetHistoryBulk::metric_key),
                 field("max_results", &GetHistoryBulk::max_results)};
};
struct BulkMetrics {
  std::vector<Metric> metrics{};
  static constexpr auto fields = std::tuple{field("metrics", &BulkMetrics::metrics)};
};
struct GetHistoryInterval {
  std::vector<std::string> run_ids{};
  std::string metric_key{};
  std::optional<std::int64_t> start_step{}, end_step{}, max_results{};
  static constexpr auto fields =
      std::tuple{field("run_ids", &GetHistoryInterval::run_ids, {.required = true}),
                 field("metric_key", &GetHistoryInterval::metric_key, {.required = true}),
                 field("start_step", &GetHistoryInterval::start_step), field("end_step", &GetHistoryInterval::end_step),
                 field("max_results", &GetHistoryInterval::max_results)};
};

}  // namespace pawl::tracking
