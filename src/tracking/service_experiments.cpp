#include <charconv>
#include <filesystem>

#include "tracking/service.h"
#include "wire/mlflow/names.h"
#include "wire/mlflow/page_token.h"
#include "wire/mlflow/texts.h"

namespace pawl::tracking {
namespace {

using mlflow::refuse;

std::unexpected<Error> no_experiment(std::string_view id) {
  return fail(Code::missing, "No Experiment with id=" + std::string(id) + " exists");
}
std::unexpected<Error> not_active(const Experiment& e) {
  return refuse("The experiment " + e.experiment_id + " must be in the 'active' state. Current state is " +
                e.lifecycle_stage + ".");
}

// A path without a scheme is a folder of this machine: clients get it absolute.
std::string absolute_location(std::string location, const std::string& working_folder) {
  while (location.size() > 1 && location.ends_with('/') && !location.ends_with("//") && !location.ends_with(":/"))
    location.pop_back();
  if (location.empty() || location.starts_with('/') || location.find(':') != location.npos) return location;
  return (std::filesystem::path(working_folder) / location).lexically_normal().string();
}

}  // namespace

std::string enum_text(const Json& json) {
  std::string_view text = json.text;
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return std::string(text);
}
View view_of(const Json& json) {
  const auto text = enum_text(json);
  if (text == "DELETED_ONLY" || text == "2") return View::deleted;
  if (text == "ALL" || text == "3") return View::all;
  return View::active;
}

Result<void> Service::prepare(const Clock& clock) {
  const auto missing = store_.read_for<bool>([](Tx& tx) -> Result<bool> {
    TRY(found, rows::find_experiment(tx, 0));
    return !found.has_value();
  });
  if (!missing) return std::unexpected(missing.error());
  if (!*missing) return {};
  const auto now = clock.now().ms();
  return store_.write([this, now](Tx& tx) -> Result<void> {
    TRY_(rows::put_experiment(tx, 0,
                              {.name = "Default",
                               .artifact_location = settings_.artifact_root + "/0",
                               .lifecycle_stage = "active",
                               .last_update_time = now,
                               .creation_time = now}));
    return {};
  });
}

Result<Experiment> Service::experiment(Tx& tx, std::string_view id, std::int64_t* number) {
  TRY(n, mlflow::experiment_number(id));
  TRY(found, rows::find_experiment(tx, n));
  if (!found) return no_experiment(id);
  if (number) *number = n;
  return std::move(*found);
}
Result<Experiment> Service::active_experiment(Tx& tx, std::string_view id, std::int64_t* number) {
  TRY(e, experiment(tx, id, number));
  if (e.lifecycle_stage != "active") return not_active(e);
  return std::move(e);
}

Result<CreatedExperiment> Service::create_experiment(Call& call, const CreateExperiment& in) {
  TRY_(mlflow::check_experiment_name(in.name));
  TRY_(mlflow::check_artifact_location(in.artifact_location));
  for (const auto& t : in.tags) TRY_(mlflow::check_experiment_tag(t.key, t.value));
  TRY(same, rows::find_experiment_by_name(call.tx, in.name));
  if (same)
    return fail(Code::exists, "Experiment(name=" + in.name +
                                  ") already exists. Error: the name is taken by experiment " + same->experiment_id);
  TRY(id, rows::next_experiment_id(call.tx));
  const auto now = call.now().ms();
  Experiment e{.name = in.name,
               .artifact_location = absolute_location(in.artifact_location, settings_.working_folder),
               .lifecycle_stage = "active",
               .last_update_time = now,
               .creation_time = now};
  if (e.artifact_location.empty()) e.artifact_location = settings_.artifact_root + "/" + std::to_string(id);
  TRY(made, rows::put_experiment(call.tx, id, e));
  if (!made) return fail(Code::exists, "Experiment(name=" + in.name + ") already exists.");
  for (const auto& t : in.tags) TRY_(rows::put_experiment_tag(call.tx, id, t.key, t.value));
  return CreatedExperiment{std::to_string(id)};
}

Result<OneExperiment> Service::get_experiment(Call& call, const ByExperimentId& in) {
  TRY(e, experiment(call.tx, in.experiment_id));
  return OneExperiment{std::move(e)};
}
Result<OneExperiment> Service::get_experiment_by_name(Call& call, const ByExperimentName& in) {
  TRY(found, rows::find_experiment_by_name(call.tx, in.experiment_name));
  if (!found) return fail(Code::missing, "Could not find experiment with name '" + in.experiment_name + "'");
  return OneExperiment{std::move(*found)};
}

Result<ExperimentPage> Service::search_experiments(Call& call, const SearchExperiments& in) {
  if (in.max_results < 1)
    return refuse("Invalid value " + std::to_string(in.max_results) +
                  " for parameter 'max_results' supplied. It must be a positive integer");
  if (in.max_results > mlflow::experiments_page_max)
    return refuse("Invalid value " + std::to_string(in.max_results) +
                  " for parameter 'max_results' supplied. It must be at most " +
                  std::to_string(mlflow::experiments_page_max));
  rows::ExperimentQuery q{.view = view_of(in.view_type), .max_results = in.max_results};
  TRY(filter, mlflow::parse_filter(in.filter, mlflow::Searched::experiments));
  TRY(order, mlflow::parse_order_by(in.order_by, mlflow::Searched::experiments));
  TRY(offset, mlflow::read_page_token(in.page_token));
  q.filter = std::move(filter);
  q.order = std::move(order);
  q.offset = offset;
  TRY(found, rows::search_experiments(call.tx, q));
  ExperimentPage page{.experiments = std::move(found)};
  if (std::ssize(page.experiments) > in.max_results) {
    page.experiments.resize(static_cast<std::size_t>(in.max_results));
    page.next_page_token = mlflow::make_page_token(offset + in.max_results);
  }
  return page;
}

Result<Nothing> Service::delete_experiment(Call& call, const ByExperimentId& in) {
  std::int64_t id = 0;
  TRY(e, experiment(call.tx, in.experiment_id, &id));
  if (e.lifecycle_stage != "active") return no_experiment(in.experiment_id);
  TRY_(rows::set_experiment_stage(call.tx, id, "deleted", call.now().ms()));
  return Nothing{};
}
Result<Nothing> Service::restore_experiment(Call& call, const ByExperimentId& in) {
  std::int64_t id = 0;
  TRY(e, experiment(call.tx, in.experiment_id, &id));
  if (e.lifecycle_stage == "active") return no_experiment(in.experiment_id);
  TRY_(rows::set_experiment_stage(call.tx, id, "active", call.now().ms()));
  return Nothing{};
}
Result<Nothing> Service::update_experiment(Call& call, const UpdateExperiment& in) {
  TRY_(mlflow::check_experiment_name(in.new_name));
  std::int64_t id = 0;
  TRY(e, experiment(call.tx, in.experiment_id, &id));
  if (e.lifecycle_stage != "active") return fail(Code::conflict, "Cannot rename a non-active experiment.");
  TRY(renamed, rows::rename_experiment(call.tx, id, in.new_name, call.now().ms()));
  if (!renamed) return fail(Code::exists, "Experiment(name=" + in.new_name + ") already exists.");
  return Nothing{};
}
Result<Nothing> Service::set_experiment_tag(Call& call, const SetExperimentTag& in) {
  TRY_(mlflow::check_experiment_tag(in.key, in.value));
  std::int64_t id = 0;
  TRY_(active_experiment(call.tx, in.experiment_id, &id));
  TRY_(rows::put_experiment_tag(call.tx, id, in.key, in.value));
  return Nothing{};
}
Result<Nothing> Service::delete_experiment_tag(Call& call, const DeleteExperimentTag& in) {
  std::int64_t id = 0;
  TRY_(active_experiment(call.tx, in.experiment_id, &id));
  TRY(deleted, rows::delete_experiment_tag(call.tx, id, in.key));
  if (!deleted)
    return fail(Code::missing, "No tag with name: " + in.key + " in experiment with id " + in.experiment_id);
  return Nothing{};
}

Result<DatasetSummaries> Service::search_datasets(Call& call, const SearchDatasets& in) {
  constexpr std::size_t experiments_max = 20;
  if (in.experiment_ids.empty()) return refuse("SearchDatasets request must specify at least one experiment_id.");
  if (in.experiment_ids.size() > experiments_max)
    return refuse("SearchDatasets request cannot specify more than 20 experiment_ids. Received " +
                  std::to_string(in.experiment_ids.size()) + " experiment_ids.");
  std::vector<std::int64_t> ids;
  for (const auto& text : in.experiment_ids) {
    TRY(id, mlflow::experiment_number(text));
    ids.push_back(id);
  }
  TRY(found, rows::dataset_summaries(call.tx, ids));
  return DatasetSummaries{std::move(found)};
}

}  // namespace pawl::tracking
