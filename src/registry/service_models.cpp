#include "core/json.h"
#include "registry/service.h"
#include "wire/mlflow/names.h"
#include "wire/mlflow/page_token.h"
#include "wire/mlflow/texts.h"

namespace pawl::registry {
namespace {

using mlflow::refuse;
constexpr std::string_view tail = " See the API docs for more information about request parameters.";

Result<void> check_page(std::int64_t max_results, std::int64_t limit) {
  if (max_results < 1)
    return refuse("Invalid value for max_results. It must be a positive integer, but got " +
                  std::to_string(max_results));
  if (max_results > limit)
    return refuse(mlflow::invalid_text("max_results", std::to_string(max_results), " Hint: Value was of type 'str'.")
                      .append(tail));
  return {};
}
std::string taken(std::string_view name) { return "Registered Model (name=" + std::string(name) + ") already exists."; }

}  // namespace

Result<RegisteredModel> Service::model(Tx& tx, std::string_view name) {
  TRY_(mlflow::check_model_name(name));
  TRY(found, rows::find_model(tx, name));
  if (!found) return fail(Code::missing, "Registered Model with name=" + std::string(name) + " not found");
  return std::move(*found);
}
Result<OneModel> Service::whole_model(Tx& tx, RegisteredModel m) {
  std::vector<RegisteredModel> one;
  one.push_back(std::move(m));
  TRY_(rows::fill_models(tx, one));
  return OneModel{std::move(one[0])};
}

Result<OneModel> Service::create_model(Call& call, const CreateModel& in) {
  TRY_(mlflow::check_model_name(in.name));
  for (const auto& t : in.tags) TRY_(mlflow::check_registry_tag(t.key, t.value));
  const auto now = call.now().ms();
  const RegisteredModel made{
      .name = in.name, .creation_timestamp = now, .last_updated_timestamp = now, .description = in.description};
  TRY(put, rows::put_model(call.tx, made));
  if (!put) return fail(Code::exists, taken(in.name));
  for (const auto& t : in.tags) TRY_(rows::put_model_tag(call.tx, in.name, t));
  call.tell(
      {.what = "model.made", .subject_kind = "model", .subject = in.name, .flow = tracking::flow_of(call.who).first});
  return whole_model(call.tx, made);
}
Result<OneModel> Service::get_model(Call& call, const ByName& in) {
  TRY(found, model(call.tx, in.name));
  return whole_model(call.tx, std::move(found));
}
Result<OneModel> Service::update_model(Call& call, const UpdateModel& in) {
  TRY_(model(call.tx, in.name));
  TRY_(rows::set_description(call.tx, in.name, in.description, call.now().ms()));
  TRY(found, model(call.tx, in.name));
  return whole_model(call.tx, std::move(found));
}
Result<OneModel> Service::rename_model(Call& call, const RenameModel& in) {
  TRY_(mlflow::check_model_name(in.new_name, "new_name"));
  TRY_(model(call.tx, in.name));
  TRY_(may_lose_aliases(call, in.name, std::nullopt));
  TRY(renamed, rows::rename_model(call.tx, in.name, in.new_name, call.now().ms()));
  if (!renamed) return fail(Code::exists, taken(in.new_name) + " Error: the name is taken");
  std::string data = "{\"from\":";
  write_json_text(data, in.name);
  call.tell({.what = "model.renamed", .subject_kind = "model", .subject = in.new_name, .data = data + "}"});
  TRY(found, model(call.tx, in.new_name));
  return whole_model(call.tx, std::move(found));
}
Result<Nothing> Service::delete_model(Call& call, const ByName& in) {
  TRY_(model(call.tx, in.name));
  TRY_(may_lose_aliases(call, in.name, std::nullopt));
  TRY_(rows::delete_model(call.tx, in.name));
  call.tell({.what = "model.deleted", .subject_kind = "model", .subject = in.name});
  return Nothing{};
}

Result<ModelPage> Service::search_models(Call& call, const SearchModels& in) {
  TRY_(check_page(in.max_results, mlflow::models_page_max));
  rows::Query q{.max_results = in.max_results};
  TRY(filter, mlflow::parse_filter(in.filter, mlflow::Searched::registered_models));
  TRY(order, mlflow::parse_order_by(in.order_by, mlflow::Searched::registered_models));
  TRY(offset, mlflow::read_page_token(in.page_token));
  q.filter = std::move(filter);
  q.order = std::move(order);
  q.offset = offset;
  TRY(found, rows::search_models(call.tx, q));
  ModelPage page{.registered_models = std::move(found)};
  if (std::ssize(page.registered_models) > in.max_results) {
    page.registered_models.resize(static_cast<std::size_t>(in.max_results));
    page.next_page_token = mlflow::make_page_token(offset + in.max_results);
  }
  TRY_(rows::fill_models(call.tx, page.registered_models));
  return page;
}
Result<std::vector<std::string>> Service::model_names(Tx& tx) {
  TRY(found, rows::search_models(tx, {.max_results = mlflow::versions_page_max}));
  std::vector<std::string> out;
  out.reserve(found.size());
  for (auto& m : found) out.push_back(std::move(m.name));
  return out;
}

Result<Versions> Service::latest_versions(Call& call, const GetLatestVersions& in) {
  TRY_(model(call.tx, in.name));
  std::vector<std::string> stages;
  for (const auto& s : in.stages) {
    TRY(stage, mlflow::canonical_stage(s));
    stages.push_back(stage);
  }
  TRY(latest, rows::latest_versions(call.tx, in.name));
  TRY(aliases, rows::aliases(call.tx, in.name));
  Versions out;
  for (const auto& v : latest) {
    if (!stages.empty() && std::ranges::find(stages, v.stage) == stages.end()) continue;
    out.model_versions.push_back(to_wire(v));
    for (const auto& a : aliases)
      if (a.version == std::to_string(v.number)) out.model_versions.back().aliases.push_back(a.alias);
  }
  TRY_(rows::fill_versions(call.tx, out.model_versions));
  return out;
}

Result<Nothing> Service::set_model_tag(Call& call, const SetModelTag& in) {
  TRY_(mlflow::check_registry_tag(in.key, in.value));
  TRY_(model(call.tx, in.name));
  TRY_(rows::put_model_tag(call.tx, in.name, {in.key, in.value}));
  return Nothing{};
}
Result<Nothing> Service::delete_model_tag(Call& call, const DeleteModelTag& in) {
  TRY_(mlflow::check_key(in.key, "key"));
  TRY_(model(call.tx, in.name));
  TRY_(rows::delete_model_tag(call.tx, in.name, in.key));
  return Nothing{};
}

Result<VersionPage> Service::search_versions(Call& call, const SearchVersions& in) {
  TRY_(check_page(in.max_results, mlflow::versions_page_max));
  rows::Query q{.max_results = in.max_results};
  TRY(filter, mlflow::parse_filter(in.filter, mlflow::Searched::model_versions));
  TRY(order, mlflow::parse_order_by(in.order_by, mlflow::Searched::model_versions));
  TRY(offset, mlflow::read_page_token(in.page_token));
  q.filter = std::move(filter);
  q.order = std::move(order);
  q.offset = offset;
  TRY(found, rows::search_versions(call.tx, q));
  VersionPage page{.model_versions = std::move(found)};
  if (std::ssize(page.model_versions) > in.max_results) {
    page.model_versions.resize(static_cast<std::size_t>(in.max_results));
    page.next_page_token = mlflow::make_page_token(offset + in.max_results);
  }
  TRY_(rows::fill_versions(call.tx, page.model_versions));
  return page;
}

}  // namespace pawl::registry
