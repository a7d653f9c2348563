// Rows of the registry, in and out: all its SQL is in the rows*.cpp files. Nothing here decides.
#pragma once
#include "registry/types.h"
#include "store/sql.h"
#include "wire/mlflow/filter.h"

namespace pawl::registry {

// A version as the house knows it: what the wire shows and where it comes from.
struct Version {
  std::string name{};
  std::int64_t number = 0;
  std::string stage = "None", source{}, storage_location{}, run_id{}, run_link{}, model_id{};
  std::optional<std::string> description{};
  std::int64_t created_ms = 0, updated_ms = 0;
  std::string registered_by{}, flow{};
  std::int64_t flow_epoch = 0;
  std::string label() const { return name + "@" + std::to_string(number); }  // as events and the command line write it
};
ModelVersion to_wire(const Version& v);

namespace rows {

Result<bool> put_model(Tx& tx, const RegisteredModel& m);                          // false: the name is taken
Result<std::optional<RegisteredModel>> find_model(Tx& tx, std::string_view name);  // the row alone
Result<void> fill_models(Tx& tx, std::vector<RegisteredModel>& models);  // tags, aliases, newest version of each stage
Result<void> set_description(Tx& tx, std::string_view name, std::string_view description, std::int64_t now);
Result<void> touch_model(Tx& tx, std::string_view name, std::int64_t now);
Result<bool> rename_model(Tx& tx, std::string_view name, std::string_view new_name,
                          std::int64_t now);  // false: the new name is taken
Result<void> delete_model(Tx& tx, std::string_view name);
Result<void> put_model_tag(Tx& tx, std::string_view name, const Tag& tag);
Result<void> delete_model_tag(Tx& tx, std::string_view name, std::string_view key);

Result<std::vector<Alias>> aliases(Tx& tx, std::string_view name);
Result<std::optional<std::int64_t>> find_alias(Tx& tx, std::string_view name, std::string_view alias);
Result<void> put_alias(Tx& tx, std::string_view name, std::string_view alias, std::int64_t version);
Result<void> delete_alias(Tx& tx, std::string_view name, std::string_view alias);

Result<std::int64_t> next_version(Tx& tx, std::string_view name, std::int64_t now);  // also the model's new update time
Result<void> put_version(Tx& tx, const Version& v);
Result<std::optional<Version>> find_version(Tx& tx, std::string_view name, std::int64_t number);  // not a deleted one
Result<std::vector<Version>> versions_of(Tx& tx, std::string_view name);                          // newest first
Result<std::vector<Version>> versions_of_flow(Tx& tx, std::string_view flow);  // by epoch, then number
Result<std::vector<Version>> latest_versions(Tx& tx, std::string_view name);   // one per stage
Result<void> set_version_description(Tx& tx, const Version& v, const std::optional<std::string>& description,
                                     std::int64_t now);
Result<void> set_stage(Tx& tx, const Version& v, std::string_view stage, std::int64_t now);
Result<void> archive_others(Tx& tx, const Version& v, std::string_view stage, std::int64_t now);
Result<void> delete_version(Tx& tx, const Version& v,
                            std::int64_t now);  // emptied; its aliases are the caller's to drop
Result<void> put_version_tag(Tx& tx, const Version& v, const Tag& tag);
Result<void> delete_version_tag(Tx& tx, const Version& v, std::string_view key);
Result<void> fill_versions(Tx& tx, std::vector<ModelVersion>& versions);  // tags

struct Query {
  mlflow::Filter filter{};
  std::vector<mlflow::OrderBy> order{};
  std::int64_t offset = 0, max_results = 0;
};
Result<std::vector<RegisteredModel>> search_models(Tx& tx,
                                                   const Query& q);  // rows alone; one more than asked when more follow
Result<std::vector<ModelVersion>> search_versions(Tx& tx, const Query& q);

}  // namespace rows
}  // namespace pawl::registry
