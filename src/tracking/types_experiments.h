// Experiments as MLflow's clients send and read them. Field names are MLflow's; times are milliseconds since 1970.
#pragma once
#include "core/fields.h"

namespace pawl::tracking {

struct Tag {
  std::string key{}, value{};
  static constexpr auto fields = std::tuple{field("key", &Tag::key), field("value", &Tag::value)};
  bool operator==(const Tag&) const = default;
};

struct Experiment {
  std::string experiment_id{}, name{}, artifact_location{}, lifecycle_stage{};
  std::int64_t last_update_time = 0, creation_time = 0;
  std::vector<Tag> tags{};
  std::string workspace = "default";
  static constexpr auto fields = std::tuple{field("experiment_id", &Experiment::experiment_id),
                                            field("name", &Experiment::name),
                                            field("artifact_location", &Experiment::artifact_location),
                                            field("lifecycle_stage", &Experiment::lifecycle_stage),
                                            field("last_update_time", &Experiment::last_update_time),
                                            field("creation_time", &Experiment::creation_time),
                                            field("tags", &Experiment::tags, {.empty = Empty::hide}),
                                            field("workspace", &Experiment::workspace)};
};

struct CreateExperiment {
  std::string name{}, artifact_location{};
  std::vector<Tag> tags{};
  static constexpr auto fields = std::tuple{field("name", &CreateExperiment::name, {.required = true}),
                                            field("artifact_location", &CreateExperiment::artifact_location),
                                            field("tags", &CreateExperiment::tags)};
};
struct CreatedExperiment {
  std::string experiment_id{};
  static constexpr auto fields = std::tuple{field("experiment_id", &CreatedExperiment::experiment_id)};
};
struct ByExperimentId {
  std::string experiment_id{};
  static constexpr auto fields = std::tuple{field("experiment_id", &ByExperimentId::experiment_id, {.required = true})};
};
struct ByExperimentName {
  std::string experiment_name{};
  static constexpr auto fields =
      std::tuple{field("experiment_name", &ByExperimentName::experiment_name, {.required = true})};
};
struct OneExperiment {
  Experiment experiment{};
  static constexpr auto fields = std::tuple{field("experiment", &OneExperiment::experiment)};
};
struct UpdateExperiment {
  std::string experiment_id{}, new_name{};
  static constexpr auto fields =
      std::tuple{field("experiment_id", &UpdateExperiment::experiment_id, {.required = true}),
                 field("new_name", &UpdateExperiment::new_name, {.required = true})};
};
struct SetExperimentTag {
  std::string experiment_id{}, key{}, value{};
  static constexpr auto fields =
      std::tuple{field("experiment_id", &SetExperimentTag::experiment_id, {.required = true}),
                 field("key", &SetExperimentTag::key, {.required = true}), field("value", &SetExperimentTag::value)};
};
struct DeleteExperimentTag {
  std::string experiment_id{}, key{};
  static constexpr auto fields =
      std::tuple{field("experiment_id", &DeleteExperimentTag::experiment_id, {.required = true}),
                 field("key", &DeleteExperimentTag::key, {.required = true})};
};

// An enum of MLflow arrives as its name or its number, and an unknown one counts as absent: hence Json, read by `view_of`.
enum class View { active, deleted, all };
View view_of(const Json& json);
std::string enum_text(const Json& json);  // the name or number without quotes

struct SearchExperiments {
  std::int64_t max_results = 0;
  Json view_type{};
  std::string filter{}, page_token{};
  std::vector<std::string> order_by{};
  static constexpr auto fields =
      std::tuple{field("max_results", &SearchExperiments::max_results),
                 field("view_type", &SearchExperiments::view_type), field("filter", &SearchExperiments::filter),
                 field("page_token", &SearchExperiments::page_token), field("order_by", &SearchExperiments::order_by)};
};
struct ExperimentPage {
  std::vector<Experiment> experiments{};
  std::optional<std::string> next_page_token{};
  static constexpr auto fields = std::tuple{field("experiments", &ExperimentPage::experiments, {.empty = Empty::hide}),
                                            field("next_page_token", &ExperimentPage::next_page_token)};
};

struct SearchDatasets {
  std::vector<std::string> experiment_ids{};
  static constexpr auto fields = std::tuple{field("experiment_ids", &SearchDatasets::experiment_ids)};
};
struct DatasetSummary {
  std::string experiment_id{}, name{}, digest{};
  std::optional<std::string> context{};
  static constexpr auto fields =
      std::tuple{field("experiment_id", &DatasetSummary::experiment_id), field("name", &DatasetSummary::name),
                 field("digest", &DatasetSummary::digest), field("context", &DatasetSummary::context)};
};
struct DatasetSummaries {
  std::vector<DatasetSummary> dataset_summaries{};
  static constexpr auto fields =
      std::tuple{field("dataset_summaries", &DatasetSummaries::dataset_summaries, {.empty = Empty::hide})};
};

}  // namespace pawl::tracking
