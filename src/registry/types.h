// Registered models and versions as MLflow's clients send and read them. Times are milliseconds since 1970.
#pragma once
#include "tracking/types_experiments.h"

namespace pawl::registry {

using tracking::Tag;

struct ModelVersion {
  std::string name{}, version{};
  std::int64_t creation_timestamp = 0, last_updated_timestamp = 0;
  std::string current_stage{};
  std::optional<std::string> description{};
  std::string source{}, run_id{}, status = "READY";
  std::vector<Tag> tags{};
  std::string run_link{};
  std::vector<std::string> aliases{};
  static constexpr auto fields = std::tuple{field("name", &ModelVersion::name),
                                            field("version", &ModelVersion::version),
                                            field("creation_timestamp", &ModelVersion::creation_timestamp),
                                            field("last_updated_timestamp", &ModelVersion::last_updated_timestamp),
                                            field("current_stage", &ModelVersion::current_stage),
                                            field("description", &ModelVersion::description),
                                            field("source", &ModelVersion::source),
                                            field("run_id", &ModelVersion::run_id),
                                            field("status", &ModelVersion::status),
                                            field("tags", &ModelVersion::tags, {.empty = Empty::hide}),
                                            field("run_link", &ModelVersion::run_link),
                                            field("aliases", &ModelVersion::aliases, {.empty = Empty::hide})};
};
struct Alias {
  std::string alias{}, version{};
  static constexpr auto fields = std::tuple{field("alias", &Alias::alias), field("version", &Alias::version)};
  bool operator==(const Alias&) const = default;
};
struct RegisteredModel {
  std::string name{};
  std::int64_t creation_timestamp = 0, last_updated_timestamp = 0;
  std::string description{};
  std::vector<ModelVersion> latest_versions{};
  std::vector<Tag> tags{};
  std::vector<Alias> aliases{};
  static constexpr auto fields =
      std::tuple{field("name", &RegisteredModel::name),
                 field("creation_timestamp", &RegisteredModel::creation_timestamp),
                 field("last_updated_timestamp", &RegisteredModel::last_updated_timestamp),
                 field("description", &RegisteredModel::description, {.empty = Empty::hide}),
                 field("latest_versions", &RegisteredModel::latest_versions, {.empty = Empty::hide}),
                 field("tags", &RegisteredModel::tags, {.empty = Empty::hide}),
                 field("aliases", &RegisteredModel::aliases, {.empty = Empty::hide})};
};

struct CreateModel {
  std::string name{}, description{};
  std::vector<Tag> tags{};
  static constexpr auto fields =
      std::tuple{field("name", &CreateModel::name, {.required = true}), field("description", &CreateModel::description),
                 field("tags", &CreateModel::tags)};
};
struct ByName {
  std::string name{};
  static constexpr auto fields = std::tuple{field("name", &ByName::name, {.required = true})};
};
struct OneModel {
  RegisteredModel registered_model{};
  static constexpr auto fields = std::tuple{field("registered_model", &OneModel::registered_model)};
};
struct UpdateModel {
  std::string name{}, description{};
  static constexpr auto fields = std::tuple{field("name", &UpdateModel::name, {.required = true}),
                                            field("description", &UpdateModel::description)};
};
struct RenameModel {
  std::string name{}, new_name{};
  static constexpr auto fields = std::tuple{field("name", &RenameModel::name, {.required = true}),
                                            field("new_name", &RenameModel::new_name, {.required = true})};
};
struct SearchModels {
  std::string filter{}, page_token{};
  std::int64_t max_results = 100;
  std::vector<std::string> order_by{};
  static constexpr auto fields =
      std::tuple{field("filter", &SearchModels::filter), field("page_token", &SearchModels::page_token),
                 field("max_results", &SearchModels::max_results), field("order_by", &SearchModels::order_by)};
};
struct ModelPage {
  std::vector<RegisteredModel> registered_models{};
  std::optional<std::string> next_page_token{};
  static constexpr auto fields =
      std::tuple{field("registered_models", &ModelPage::registered_models, {.empty = Empty::hide}),
                 field("next_page_token", &ModelPage::next_page_token)};
};
struct GetLatestVersions {
  std::string name{};
  std::vector<std::string> stages{};
  static constexpr auto fields = std::tuple{field("name", &GetLatestVersions::name, {.required = true}),
                                            field("stages", &GetLatestVersions::stages)};
};
struct Versions {
  std::vector<ModelVersion> model_versions{};
  static constexpr auto fields = std::tuple{field("model_versions", &Versions::model_versions, {.empty = Empty::hide})};
};
struct SetModelTag {
  std::string name{}, key{}, value{};
  static constexpr auto fields =
      std::tuple{field("name", &SetModelTag::name, {.required = true}),
                 field("key", &SetModelTag::key, {.required = true}), field("value", &SetModelTag::value)};
};
struct DeleteModelTag {
  std::string name{}, key{};
  static constexpr auto fields = std::tuple{field("name", &DeleteModelTag::name, {.required = true}),
                                            field("key", &DeleteModelTag::key, {.required = true})};
};
struct SetAlias {
  std::string name{}, alias{}, version{};
  static constexpr auto fields = std::tuple{field("name", &SetAlias::name, {.required = true}),
                                            field("alias", &SetAlias::alias, {.required = true}),
                                            field("version", &SetAlias::version, {.required = true})};
};
struct ByAlias {
  std::string name{}, alias{};
  static constexpr auto fields = std::tuple{field("name", &ByAlias::name, {.required = true}),
                                            field("alias", &ByAlias::alias, {.required = true})};
};

struct CreateVersion {
  std::string name{}, source{};
  std::optional<std::string> run_id{}, model_id{};
  std::string run_link{}, description{};
  std::vector<Tag> tags{};
  static constexpr auto fields = std::tuple{field("name", &CreateVersion::name, {.required = true}),
                                            field("source", &CreateVersion::source, {.required = true}),
                                            field("run_id", &CreateVersion::run_id),
                                            field("model_id", &CreateVersion::model_id),
                                            field("run_link", &CreateVersion::run_link),
                                            field("description", &CreateVersion::description),
                                            field("tags", &CreateVersion::tags)};
};
struct ByVersion {
  std::string name{}, version{};
  static constexpr auto fields = std::tuple{field("name", &ByVersion::name, {.required = true}),
                                            field("version", &ByVersion::version, {.required = true})};
};
struct OneVersion {
  ModelVersion model_version{};
  static constexpr auto fields = std::tuple{field("model_version", &OneVersion::model_version)};
};
struct UpdateVersion {
  std::string name{}, version{};
  std::optional<std::string> description{};
  static constexpr auto fields = std::tuple{field("name", &UpdateVersion::name, {.required = true}),
                                            field("version", &UpdateVersion::version, {.required = true}),
                                            field("description", &UpdateVersion::description)};
};
struct TransitionStage {
  std::string name{}, version{}, stage{};
  bool archive_existing_versions = false;
  static constexpr auto fields =
      std::tuple{field("name", &TransitionStage::name, {.required = true}),
                 field("version", &TransitionStage::version, {.required = true}),
                 field("stage", &TransitionStage::stage, {.required = true}),
                 field("archive_existing_versions", &TransitionStage::archive_existing_versions)};
};
struct SearchVersions {
  std::string filter{}, page_token{};
  std::int64_t max_results = 200'000;
  std::vector<std::string> order_by{};
  static constexpr auto fields =
      std::tuple{field("filter", &SearchVersions::filter), field("page_token", &SearchVersions::page_token),
                 field("max_results", &SearchVersions::max_results), field("order_by", &SearchVersions::order_by)};
};
struct VersionPage {
  std::vector<ModelVersion> model_versions{};
  std::optional<std::string> next_page_token{};
  static constexpr auto fields =
      std::tuple{field("model_versions", &VersionPage::model_versions, {.empty = Empty::hide}),
                 field("next_page_token", &VersionPage::next_page_token)};
};
struct DownloadUri {
  std::string artifact_uri{};
  static constexpr auto fields = std::tuple{field("artifact_uri", &DownloadUri::artifact_uri)};
};
struct SetVersionTag {
  std::string name{}, version{}, key{}, value{};
  static constexpr auto fields =
      std::tuple{field("name", &SetVersionTag::name, {.required = true}),
                 field("version", &SetVersionTag::version, {.required = true}),
                 field("key", &SetVersionTag::key, {.required = true}), field("value", &SetVersionTag::value)};
};
struct DeleteVersionTag {
  std::string name{}, version{}, key{};
  static constexpr auto fields = std::tuple{field("name", &DeleteVersionTag::name, {.required = true}),
                                            field("version", &DeleteVersionTag::version, {.required = true}),
                                            field("key", &DeleteVersionTag::key, {.required = true})};
};

}  // namespace pawl::registry
