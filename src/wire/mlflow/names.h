// What may be a name, and how long things may be: section by section the rules of MLflow 3.18, with its texts.
#pragma once
#include "core/result.h"

namespace pawl::mlflow {

// Characters, as MLflow's database columns have them.
constexpr std::size_t key_chars_max = 250, param_value_chars_max = 6000, run_tag_value_chars_max = 8000;
constexpr std::size_t experiment_name_chars_max = 500, experiment_tag_value_chars_max = 20'000,
                      artifact_location_chars_max = 2048;
constexpr std::size_t registry_tag_value_chars_max = 100'000, alias_chars_max = 255;
constexpr std::size_t dataset_name_chars_max = 500, dataset_digest_chars_max = 36, dataset_schema_chars_max = 1'048'575,
                      dataset_source_chars_max = 65'535, dataset_profile_chars_max = 16'777'215;
constexpr std::size_t input_tag_key_chars_max = 255, input_tag_value_chars_max = 500;
constexpr std::size_t batch_metrics_max = 1000, batch_params_max = 100, batch_tags_max = 100, batch_items_max = 1000;
constexpr std::int64_t experiments_page_max = 50'000, runs_page_max = 50'000, models_page_max = 1000,
                       versions_page_max = 200'000;

// Letters and digits of any script, `_`, and `/ . - :` and blank; equal to its own normalised path. `path` is what the message calls it.
Result<void> check_key(std::string_view name, std::string_view path);
Result<void> check_length(std::string_view value, std::size_t chars_max, std::string_view path);
Result<void> check_metric_name(std::string_view name, std::string_view path);
Result<void> check_param_name(std::string_view name, std::string_view path);
Result<void> check_run_tag(std::string_view key, std::string_view path);
Result<void> check_experiment_tag(std::string_view key, std::string_view value);
Result<void> check_registry_tag(std::string_view key, std::string_view value);

// value and timestamp of one metric point; `path` is empty or "metrics[3]".
Result<void> check_metric(std::string_view key, double value, std::int64_t timestamp, std::string_view path);

Result<void> check_batch_size(std::size_t metrics, std::size_t params, std::size_t tags);
Result<void> check_run_id(std::string_view id);  // what log-batch and log-inputs ask for
Result<void> check_experiment_name(std::string_view name);
Result<std::int64_t> experiment_number(std::string_view id);
Result<void> check_artifact_location(std::string_view location);
Result<void> check_model_name(std::string_view name, std::string_view path = "name");
Result<std::int64_t> version_number(std::string_view version);
Result<void> check_alias_characters(std::string_view alias);
Result<void> check_alias(std::string_view alias);  // and not reserved
Result<void> check_logged_model_name(std::string_view name);
// None, Staging, Production, Archived, written as they are stored; any case is read.
Result<std::string> canonical_stage(std::string_view stage);

std::string normal_path(std::string_view path);  // posixpath.normpath
// `metrics[3]` and `name` make `metrics[3].name`.
std::string under(std::string_view path, std::string_view name);

}  // namespace pawl::mlflow
