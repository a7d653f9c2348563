// Logged models: what `log_model` makes, before (and without) the registry.
#pragma once
#include "tracking/types_runs.h"

namespace pawl::tracking {

using ModelId = Id<struct logged_model_tag>;

struct LoggedModelInfo {
  ModelId model_id{};
  std::string experiment_id{}, name{};
  std::int64_t creation_timestamp_ms = 0, last_updated_timestamp_ms = 0;
  std::string artifact_uri{}, status{};
  std::optional<std::string> model_type{}, source_run_id{}, status_message{};
  std::vector<Tag> tags{};
  static constexpr auto fields =
      std::tuple{field("model_id", &LoggedModelInfo::model_id),
                 field("experiment_id", &LoggedModelInfo::experiment_id),
                 field("name", &LoggedModelInfo::name),
                 field("creation_timestamp_ms", &LoggedModelInfo::creation_timestamp_ms),
                 field("last_updated_timestamp_ms", &LoggedModelInfo::last_updated_timestamp_ms),
                 field("artifact_uri", &LoggedModelInfo::artifact_uri),
                 field("status", &LoggedModelInfo::status),
                 field("model_type", &LoggedModelInfo::model_type),
                 field("source_run_id", &LoggedModelInfo::source_run_id),
                 field("status_message", &LoggedModelInfo::status_message),
                 field("tags", &LoggedModelInfo::tags, {.empty = Empty::hide})};
};
struct LoggedModelData {
  std::vector<Param> params{};
  std::vector<Metric> metrics{};
  static constexpr auto fields = std::tuple{field("params", &LoggedModelData::params, {.empty = Empty::hide}),
                                            field("metrics", &LoggedModelData::metrics, {.empty = Empty::hide})};
};
struct LoggedModel {
  LoggedModelInfo info{};
  LoggedModelData data{};
  static constexpr auto fields = std::tuple{field("info", &LoggedModel::info), field("data", &LoggedModel::data)};
};
struct OneLoggedModel {
  LoggedModel model{};
  static constexpr auto fields = std::tuple{field("model", &OneLoggedModel::model)};
};

struct CreateLoggedModel {
  std::string experiment_id{};
  std::optional<std::string> name{}, model_type{}, source_run_id{};
  std::vector<Param> params{};
  std::vector<Tag> tags{};
  static constexpr auto fields =
      std::tuple{field("experiment_id", &CreateLoggedModel::experiment_id, {.required = true}),
                 field("name", &CreateLoggedModel::name),
                 field("model_type", &CreateLoggedModel::model_type),
                 field("source_run_id", &CreateLoggedModel::source_run_id),
                 field("params", &CreateLoggedModel::params),
                 field("tags", &CreateLoggedModel::tags)};
};
struct GetLoggedModel {
  ModelId model_id{};
  bool allow_deleted = false;
  static constexpr auto fields = std::tuple{field("model_id", &GetLoggedModel::model_id, {.required = true}),
                                            field("allow_deleted", &GetLoggedModel::allow_deleted)};
};
struct ByModelId {
  ModelId model_id{};
  static constexpr auto fields = std::tuple{field("model_id", &ByModelId::model_id, {.required = true})};
};
struct FinalizeLoggedModel {
  ModelId model_id{};
  Json status{};
  static constexpr auto fields = std::tuple{field("model_id", &FinalizeLoggedModel::model_id, {.required = true}),
                                            field("status", &FinalizeLoggedModel::status, {.required = true})};
};
struct SetLoggedModelTags {
  ModelId model_id{};
  std::vector<Tag> tags{};
  static constexpr auto fields = std::tuple{field("model_id", &SetLoggedModelTags::model_id, {.required = true}),
                                            field("tags", &SetLoggedModelTags::tags)};
};
struct DeleteLoggedModelTag {
  ModelId model_id{};
  std::string tag_key{};
  static constexpr auto fields = std::tuple{field("model_id", &DeleteLoggedModelTag::model_id, {.required = true}),
                                            field("tag_key", &DeleteLoggedModelTag::tag_key, {.required = true})};
};
struct LogLoggedModelParams {
  ModelId model_id{};
  std::vector<Param> params{};
  static constexpr auto fields = std::tuple{field("model_id", &LogLoggedModelParams::model_id, {.required = true}),
                                            field("params", &LogLoggedModelParams::params)};
};
struct DatasetFilter {
  std::string dataset_name{};
  std::optional<std::string> dataset_digest{};
  static constexpr auto fields = std::tuple{field("dataset_name", &DatasetFilter::dataset_name),
                                            field("dataset_digest", &DatasetFilter::dataset_digest)};
};
struct ModelOrder {
  std::string field_name{};
  bool ascending = true;
  std::optional<std::string> dataset_name{}, dataset_digest{};
  static constexpr auto fields = std::tuple{
      field("field_name", &ModelOrder::field_name, {.required = true}), field("ascending", &ModelOrder::ascending),
      field("dataset_name", &ModelOrder::dataset_name), field("dataset_digest", &ModelOrder::dataset_digest)};
};
struct SearchLoggedModels {
  std::vector<std::string> experiment_ids{};
  std::string filter{}, page_token{};
  std::vector<DatasetFilter> datasets{};
  std::int64_t max_results = 50;
  std::vector<ModelOrder> order_by{};
  static constexpr auto fields =
      std::tuple{field("experiment_ids", &SearchLoggedModels::experiment_ids, {.required = true}),
                 field("filter", &SearchLoggedModels::filter),
                 field("page_token", &SearchLoggedModels::page_token),
                 field("datasets", &SearchLoggedModels::datasets),
                 field("max_results", &SearchLoggedModels::max_results),
                 field("order_by", &SearchLoggedModels::order_by)};
};
struct LoggedModelPage {
  std::vector<LoggedModel> models{};
  std::optional<std::string> next_page_token{};
  static constexpr auto fields = std::tuple{field("models", &LoggedModelPage::models, {.empty = Empty::hide}),
                                            field("next_page_token", &LoggedModelPage::next_page_token)};
};

}  // namespace pawl::tracking
