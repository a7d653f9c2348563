#include "core/json.h"
#include "tracking/service.h"
#include "wire/mlflow/names.h"
#include "wire/mlflow/page_token.h"
#include "wire/mlflow/texts.h"

namespace pawl::tracking {
namespace {

using mlflow::refuse;

// On the wire a name of the enum or its number; stored as the filter language says it.
std::optional<std::string> stored_status(const Json& json) {
  const auto text = enum_text(json);
  if (text == "LOGGED_MODEL_PENDING" || text == "1") return "PENDING";
  if (text == "LOGGED_MODEL_READY" || text == "2") return "READY";
  if (text == "LOGGED_MODEL_UPLOAD_FAILED" || text == "3") return "FAILED";
  return std::nullopt;
}

}  // namespace

Result<rows::ModelHead> Service::model(Tx& tx, std::string_view id, bool allow_deleted) {
  TRY(found, rows::find_model(tx, id));
  if (!found || (found->deleted && !allow_deleted))
    return fail(Code::missing, "Logged model with ID '" + std::string(id) + "' not found.");
  return std::move(*found);
}
Result<OneLoggedModel> Service::whole_model(Tx& tx, rows::ModelHead head) {
  std::vector<LoggedModel> one(1);
  one[0].info = std::move(head.info);
  TRY_(rows::fill_models(tx, one));
  return OneLoggedModel{std::move(one[0])};
}
Result<LoggedModel> Service::find_logged_model(Tx& tx, std::string_view id) {
  TRY(head, model(tx, id, false));
  TRY(one, whole_model(tx, std::move(head)));
  return std::move(one.model);
}

Result<OneLoggedModel> Service::create_model(Call& call, const CreateLoggedModel& in) {
  const bool named = in.name && !in.name->empty();  // protobuf tells an empty name from none by nothing
  if (named) TRY_(mlflow::check_logged_model_name(*in.name));
  std::int64_t experiment_id = 0;
  TRY(experiment, active_experiment(call.tx, in.experiment_id, &experiment_id));
  rows::ModelHead head{.experiment = experiment_id};
  auto& info = head.info;
  info.model_id = {"m-" + random_.hex_id()};
  info.name = named ? *in.name : random_name();
  info.creation_timestamp_ms = info.last_updated_timestamp_ms = call.now().ms();
  info.artifact_uri = experiment.artifact_location + "/models/" + info.model_id.text + "/artifacts";
  info.model_type = in.model_type.value_or("");
  info.source_run_id = in.source_run_id.value_or("");
  TRY_(rows::put_model(call.tx, head));
  for (const auto& p : in.params) TRY_(rows::put_model_param(call.tx, info.model_id.text, p));
  for (const auto& t : in.tags) TRY_(rows::put_model_tag(call.tx, info.model_id.text, t));
  TRY(made, model(call.tx, info.model_id.text, false));
  return whole_model(call.tx, std::move(made));
}

Result<OneLoggedModel> Service::get_model(Call& call, const GetLoggedModel& in) {
  TRY(head, model(call.tx, in.model_id.text, in.allow_deleted));
  return whole_model(call.tx, std::move(head));
}
Result<OneLoggedModel> Service::finalize_model(Call& call, const FinalizeLoggedModel& in) {
  const auto status = stored_status(in.status);
  if (!status)
    return refuse("Invalid model status: " + enum_text(in.status) +
                  ". Expected one of LOGGED_MODEL_READY, LOGGED_MODEL_UPLOAD_FAILED.");
  TRY_(model(call.tx, in.model_id.text, false));
  TRY_(rows::set_model_status(call.tx, in.model_id.text, *status, call.now().ms()));
  TRY(head, model(call.tx, in.model_id.text, false));
  return whole_model(call.tx, std::move(head));
}
Result<Nothing> Service::delete_model(Call& call, const ByModelId& in) {
  TRY_(model(call.tx, in.model_id.text, true));
  TRY_(rows::delete_model(call.tx, in.model_id.text, call.now().ms()));
  return Nothing{};
}
Result<Nothing> Service::set_model_tags(Call& call, const SetLoggedModelTags& in) {
  TRY_(model(call.tx, in.model_id.text, false));
  for (const auto& t : in.tags) TRY_(rows::put_model_tag(call.tx, in.model_id.text, t));
  return Nothing{};
}
Result<Nothing> Service::delete_model_tag(Call& call, const DeleteLoggedModelTag& in) {
  TRY_(model(call.tx, in.model_id.text, false));
  TRY(deleted, rows::delete_model_tag(call.tx, in.model_id.text, in.tag_key));
  if (!deleted)
    return fail(Code::missing, "No tag with key " + mlflow::python_repr(in.tag_key) + " found for model with ID " +
                                   mlflow::python_repr(in.model_id.text) + ".");
  return Nothing{};
}
Result<Nothing> Service::log_model_params(Call& call, const LogLoggedModelParams& in) {
  TRY_(model(call.tx, in.model_id.text, false));
  for (const auto& p : in.params) TRY_(rows::put_model_param(call.tx, in.model_id.text, p));
  return Nothing{};
}

Result<void> Service::note_version(Tx& tx, std::string_view model_id, std::string_view name, std::string_view version) {
  constexpr std::string_view tag = "mlflow.modelVersions";
  TRY(old, rows::find_model_tag(tx, model_id, tag));
  std::string list = old.value_or("[]");
  if (!list.ends_with(']')) list = "[]";
  list.pop_back();
  list += list.size() > 1 ? ", {\"name\": " : "{\"name\": ";
  write_json_text(list, name);
  list += ", \"version\": " + std::string(version) + "}]";
  return rows::put_model_tag(tx, model_id, {std::string(tag), list});
}

namespace {

std::string order_text(const std::vector<ModelOrder>& order) {
  std::string out;
  for (const auto& o : order) out += encode(o);
  return out;
}

Result<void> check_statuses(const mlflow::Filter& filter) {
  const auto known = [](std::string_view s) { return s == "PENDING" || s == "READY" || s == "FAILED"; };
  for (const auto& c : filter) {
    if (c.entity != mlflow::Entity::attribute || c.key != "status") continue;
    std::vector<std::string> values;
    if (auto* one = std::get_if<std::string>(&c.value)) values.push_back(*one);
    if (auto* list = std::get_if<std::vector<std::string>>(&c.value)) values = *list;
    for (const auto& v : values)
      if (!known(v)) return refuse("Unknown model status in filter: " + mlflow::python_repr(v));
  }
  return {};
}

}  // namespace

Result<LoggedModelPage> Service::search_models(Call& call, const SearchLoggedModels& in) {
  if (in.max_results < 1)
    return refuse("Invalid value " + std::to_string(in.max_results) +
                  " for parameter 'max_results' supplied. It must be a positive integer");
  rows::ModelQuery q{.datasets = in.datasets,
                     .max_results = std::min<std::int64_t>(in.max_results, mlflow::runs_page_max)};
  for (const auto& d : in.datasets)
    if (d.dataset_name.empty()) return refuse("`dataset_name` in the `datasets` clause must be specified.");
  const mlflow::SearchToken asked{
      .experiment_ids = in.experiment_ids, .filter = in.filter, .order_by = order_text(in.order_by)};
  TRY(offset, mlflow::read_search_token(in.page_token, asked));
  q.offset = offset;
  TRY(filter, mlflow::parse_filter(in.filter, mlflow::Searched::logged_models));
  TRY_(check_statuses(filter));
  q.filter = std::move(filter);
  for (const auto& o : in.order_by) {
    TRY(by, mlflow::parse_logged_model_order(o.field_name, o.ascending));
    q.order.push_back({std::move(by), o.dataset_name, o.dataset_digest});
  }
  for (const auto& text : in.experiment_ids) {
    TRY(id, mlflow::experiment_number(text));
    q.experiments.push_back(id);
  }
  TRY(found, rows::search_models(call.tx, q));
  LoggedModelPage page{.models = std::move(found)};
  if (std::ssize(page.models) > q.max_results) {
    page.models.resize(static_cast<std::size_t>(q.max_results));
    auto token = asked;
    token.offset = offset + q.max_results;
    page.next_page_token = mlflow::make_search_token(token);
  }
  TRY_(rows::fill_models(call.tx, page.models));
  return page;
}

// Names that are easy to say and to tell apart, when nobody gives one.
std::string Service::random_name() {
  static constexpr std::string_view adjectives[] = {
      "able",   "amber", "brave",  "bright", "calm",   "clever", "crisp", "eager",   "fair",  "fleet",
      "gentle", "glad",  "golden", "grand",  "hardy",  "honest", "jolly", "keen",    "kind",  "lively",
      "loyal",  "lucky", "mellow", "merry",  "mighty", "modest", "noble", "patient", "proud", "quick",
      "quiet",  "ready", "serene", "sharp",  "silver", "sleek",  "smart", "steady",  "stout", "sturdy",
      "sunny",  "swift", "tidy",   "upbeat", "vivid",  "warm",   "wise",  "witty"};
  static constexpr std::string_view nouns[] = {
      "badger",  "bear",  "beetle", "bison", "carp",   "cat",   "cod",  "colt",  "crab",  "crane", "crow",  "deer",
      "dolphin", "dove",  "duck",   "elk",   "falcon", "finch", "fox",  "frog",  "gnu",   "goat",  "goose", "grouse",
      "gull",    "hare",  "hawk",   "heron", "horse",  "ibex",  "jay",  "koala", "lark",  "lynx",  "mole",  "moose",
      "newt",    "otter", "owl",    "panda", "perch",  "quail", "rook", "seal",  "shrew", "stork", "swan",  "wren"};
  const auto bits = random_bits();
  return std::string(adjectives[bits % std::size(adjectives)]) + "-" +
         std::string(nouns[(bits >> 16) % std::size(nouns)]) + "-" + std::to_string((bits >> 32) % 1000);
}

}  // namespace pawl::tracking
