#include <charconv>

#include "core/json.h"
#include "tracking/artifact_paths.h"
#include "tracking/service.h"
#include "wire/mlflow/names.h"
#include "wire/mlflow/page_token.h"
#include "wire/mlflow/texts.h"

namespace pawl::tracking {
namespace {

using mlflow::refuse;
constexpr std::string_view run_name_tag = "mlflow.runName", logged_models_tag = "mlflow.log-model.history";

std::optional<std::string> status_of(const Json& json) {
  static constexpr std::string_view names[] = {"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"};
  const auto text = enum_text(json);
  for (std::size_t i = 0; i < std::size(names); ++i)
    if (text == names[i] || text == std::to_string(i + 1)) return std::string(names[i]);
  return std::nullopt;  // an unknown name counts as absent
}
bool ended(std::string_view status) { return status == "FINISHED" || status == "FAILED" || status == "KILLED"; }

std::unexpected<Error> no_run(std::string_view id) {
  return fail(Code::missing, "Run with id=" + std::string(id) + " not found");
}

std::string name_in(const std::vector<Tag>& tags) {
  std::string out;
  for (const auto& t : tags)
    if (t.key == run_name_tag) out = t.value;
  return out;
}

}  // namespace

std::pair<std::string, std::int64_t> flow_of(const Who& who) {
  if (who.kind != Who::Kind::flow) return {};
  const auto slash = who.scope.rfind('/');
  std::int64_t epoch = 0;
  if (slash != who.scope.npos)
    std::from_chars(who.scope.data() + slash + 1, who.scope.data() + who.scope.size(), epoch);
  return {who.scope.substr(0, slash), epoch};
}

Result<rows::RunHead> Service::find_run(Tx& tx, std::string_view id) {
  TRY(found, rows::find_run(tx, id));
  if (!found) return no_run(id);
  return std::move(*found);
}

Result<rows::RunHead> Service::writable_run(Call& call, const RunId& id) {
  TRY(run, find_run(call.tx, id.text));
  if (!run.active())
    return refuse("The run " + id.text + " must be in the 'active' state. Current state is " +
                  run.info.lifecycle_stage + ".");
  if (call.who.kind == Who::Kind::flow && run.flow != flow_of(call.who).first)
    return fail(Code::denied, "The token of flow " + flow_of(call.who).first +
                                  " may write the runs of that flow only; run " + id.text + " is not one of them.");
  return std::move(run);
}

Result<void> Service::may_write_artifact(Tx& tx, const Who& who, std::string_view path) {
  if (who.kind == Who::Kind::person && (path == "references" || path.starts_with("references/")))
    return fail(Code::denied, "'" + std::string(path) + "' is what an evaluation left behind: runners alone write it");
  if (who.kind != Who::Kind::flow) return {};
  const auto flow = flow_of(who).first;
  const auto below = [&](std::string_view uri) {
    const auto folder = stored_path(uri);
    return folder && path.starts_with(*folder + "/");
  };
  // One of the path's parts is the id of a run or of a logged model, wherever its experiment keeps artifacts.
  for (std::size_t at = 0, end = 0; at < path.size(); at = end + 1) {
    end = std::min(path.find('/', at), path.size());
    const auto part = path.substr(at, end - at);
    TRY(run, rows::find_run(tx, part));
    if (run && run->flow == flow && below(run->info.artifact_uri)) return {};
    const auto model = find_logged_model(tx, part);
    if (!model || !model->info.source_run_id || !below(model->info.artifact_uri)) continue;
    TRY(source, rows::find_run(tx, *model->info.source_run_id));
    if (source && source->flow == flow) return {};
  }
  return fail(Code::denied, "The token of flow " + flow + " may write artifacts of that flow's runs only; '" +
                                std::string(path) + "' belongs to none of them.");
}

Result<OneRun> Service::create_run(Call& call, const CreateRun& in) {
  std::int64_t experiment_id = 0;
  TRY(experiment, active_experiment(call.tx, in.experiment_id.empty() ? "0" : in.experiment_id, &experiment_id));
  const auto tagged = name_in(in.tags);
  if (!in.run_name.empty() && !tagged.empty() && in.run_name != tagged)
    return refuse(
        "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='" +
        in.run_name + "', mlflow.runName='" + tagged + "').");

  const auto [flow, epoch] = flow_of(call.who);
  rows::RunHead head{.experiment = experiment_id, .flow = flow, .created_by = call.who.name, .flow_epoch = epoch};
  auto& info = head.info;
  info.run_id = info.run_uuid = {random_.hex_id()};
  info.experiment_id = experiment.experiment_id;
  info.run_name = !in.run_name.empty() ? in.run_name : !tagged.empty() ? tagged : random_name();
  info.user_id = in.user_id;
  info.status = "RUNNING";
  info.start_time = in.start_time;
  info.artifact_uri = experiment.artifact_location + "/" + info.run_id.text + "/artifacts";
  info.lifecycle_stage = "active";
  TRY_(rows::put_run(call.tx, head));
  for (const auto& t : in.tags) {
    TRY_(mlflow::check_run_tag(t.key, "tag"));
    TRY_(rows::put_tag(call.tx, info.run_id.text, t.key, mlflow::utf8_cut(t.value, mlflow::run_tag_value_chars_max)));
  }
  if (tagged.empty()) TRY_(rows::put_tag(call.tx, info.run_id.text, run_name_tag, info.run_name));
  TRY(run, whole_run(call.tx, info.run_id.text));
  run.outputs.reset();  // MLflow shows them when a run is read, not when it is made
  return OneRun{std::move(run)};
}

Result<Run> Service::whole_run(Tx& tx, std::string_view id) {
  TRY(head, find_run(tx, id));
  std::vector<Run> one(1);
  one[0].info = std::move(head.info);
  TRY_(rows::fill_runs(tx, one));
  return std::move(one[0]);
}
Result<OneRun> Service::get_run(Call& call, const ByRunId& in) {
  TRY(run, whole_run(call.tx, in.run_id.text));
  return OneRun{std::move(run)};
}

Result<UpdatedRun> Service::update_run(Call& call, const UpdateRun& in) {
  TRY(run, writable_run(call, in.run_id));
  const bool was_running = !ended(run.info.status);
  if (auto status = status_of(in.status)) run.info.status = *status;
  if (in.end_time) run.info.end_time = in.end_time;
  if (!in.run_name.empty()) {
    run.info.run_name = in.run_name;
    TRY_(rows::put_tag(call.tx, in.run_id.text, run_name_tag, in.run_name));
  }
  TRY_(rows::update_run(call.tx, run.info));
  if (was_running && ended(run.info.status)) {
    call.tell({.what = "run.ended",
               .subject_kind = "run",
               .subject = in.run_id.text,
               .flow = run.flow,
               .data = "{\"experiment\":\"" + run.info.experiment_id + "\",\"status\":\"" + run.info.status + "\"}"});
    compact_later(call.tx, in.run_id);
  }
  return UpdatedRun{std::move(run.info)};
}

Result<Nothing> Service::delete_run(Call& call, const ByRunId& in) {
  TRY_(find_run(call.tx, in.run_id.text));
  TRY_(rows::set_run_stage(call.tx, in.run_id.text, "deleted", call.now().ms()));
  return Nothing{};
}
Result<Nothing> Service::restore_run(Call& call, const ByRunId& in) {
  TRY_(find_run(call.tx, in.run_id.text));
  TRY_(rows::set_run_stage(call.tx, in.run_id.text, "active", 0));
  return Nothing{};
}

Result<Nothing> Service::log_param(Call& call, const LogParam& in) {
  TRY_(mlflow::check_param_name(in.key, ""));
  TRY_(writable_run(call, in.run_id));
  const auto value = mlflow::utf8_cut(in.value, mlflow::param_value_chars_max);
  TRY(put, rows::put_param(call.tx, in.run_id.text, in.key, value));
  if (put) return Nothing{};
  TRY(old, rows::find_param(call.tx, in.run_id.text, in.key));
  if (old && *old != value)
    return refuse("Changing param values is not allowed. Param with key='" + in.key +
                  "' was already logged with value='" + *old + "' for run ID='" + in.run_id.text +
                  "'. Attempted logging new value '" + value + "'.");
  return Nothing{};
}

Result<void> Service::put_tag(Tx& tx, rows::RunHead& run, std::string_view key, std::string value) {
  value = mlflow::utf8_cut(value, mlflow::run_tag_value_chars_max);
  TRY_(rows::put_tag(tx, run.info.run_id.text, key, value));
  if (key != run_name_tag) return {};
  run.info.run_name = std::move(value);
  return rows::update_run(tx, run.info);
}
Result<Nothing> Service::set_tag(Call& call, const SetTag& in) {
  TRY_(mlflow::check_run_tag(in.key, ""));
  TRY(run, writable_run(call, in.run_id));
  TRY_(put_tag(call.tx, run, in.key, in.value));
  return Nothing{};
}
Result<Nothing> Service::delete_tag(Call& call, const DeleteTag& in) {
  TRY_(writable_run(call, in.run_id));
  TRY(deleted, rows::delete_tag(call.tx, in.run_id.text, in.key));
  if (!deleted) return fail(Code::missing, "No tag with name: " + in.key + " in run with id " + in.run_id.text);
  return Nothing{};
}

namespace {

Result<void> check_batch(const LogBatch& in) {
  TRY_(mlflow::check_run_id(in.run_id.text));
  for (std::size_t i = 0; i < in.metrics.size(); ++i) {
    const auto& m = in.metrics[i];
    TRY_(mlflow::check_metric(m.key, m.value, m.timestamp, "metrics[" + std::to_string(i) + "]"));
  }
  for (std::size_t i = 0; i < in.params.size(); ++i)
    TRY_(mlflow::check_param_name(in.params[i].key, "params[" + std::to_string(i) + "]"));
  for (std::size_t i = 0; i < in.tags.size(); ++i)
    TRY_(mlflow::check_run_tag(in.tags[i].key, "tags[" + std::to_string(i) + "]"));
  TRY_(mlflow::check_batch_size(in.metrics.size(), in.params.size(), in.tags.size()));
  std::vector<std::string> seen, twice;
  for (const auto& p : in.params) (std::ranges::find(seen, p.key) == seen.end() ? seen : twice).push_back(p.key);
  if (!twice.empty())
    return refuse("Duplicate parameter keys have been submitted: " + mlflow::python_list(twice) +
                  ". Please ensure the request contains only one param value per param key.");
  return {};
}

Result<void> put_params(Tx& tx, const RunId& run, const std::vector<Param>& params) {
  std::string changed;
  for (const auto& p : params) {
    const auto value = mlflow::utf8_cut(p.value, mlflow::param_value_chars_max);
    TRY(put, rows::put_param(tx, run.text, p.key, value));
    if (put) continue;
    TRY(old, rows::find_param(tx, run.text, p.key));
    if (!old || *old == value) continue;
    changed.append(changed.empty() ? "" : ", ");
    changed += "{'key': " + mlflow::python_repr(p.key) + ", 'old_value': " + mlflow::python_repr(*old) +
               ", 'new_value': " + mlflow::python_repr(value) + "}";
  }
  if (changed.empty()) return {};
  return refuse("Changing param values is not allowed. Params were already logged='[" + changed + "]' for run ID='" +
                run.text + "'.");
}

}  // namespace

Result<Nothing> Service::log_batch(Call& call, const LogBatch& in) {
  TRY_(check_batch(in));
  TRY(run, writable_run(call, in.run_id));
  TRY_(put_params(call.tx, in.run_id, in.params));
  TRY_(put_points(call.tx, in.run_id, in.metrics));
  for (const auto& t : in.tags) TRY_(put_tag(call.tx, run, t.key, t.value));
  return Nothing{};
}

Result<Nothing> Service::log_inputs(Call& call, const LogInputs& in) {
  TRY_(mlflow::check_run_id(in.run_id.text));
  for (const auto& d : in.datasets) {
    if (!d.dataset) return refuse("Dataset cannot be None");
    TRY_(mlflow::check_length(d.dataset->name, mlflow::dataset_name_chars_max, "name"));
    TRY_(mlflow::check_length(d.dataset->digest, mlflow::dataset_digest_chars_max, "digest"));
    TRY_(mlflow::check_length(d.dataset->source, mlflow::dataset_source_chars_max, "source"));
    TRY_(mlflow::check_length(d.dataset->schema.value_or(""), mlflow::dataset_schema_chars_max, "schema"));
    TRY_(mlflow::check_length(d.dataset->profile.value_or(""), mlflow::dataset_profile_chars_max, "profile"));
    for (const auto& t : d.tags) {
      TRY_(mlflow::check_length(t.key, mlflow::input_tag_key_chars_max, "key"));
      TRY_(mlflow::check_length(t.value, mlflow::input_tag_value_chars_max, "value"));
    }
  }
  TRY(run, writable_run(call, in.run_id));
  for (const auto& d : in.datasets) {
    TRY(dataset, rows::put_dataset(call.tx, random_.hex_id(), run.experiment, *d.dataset));
    TRY(added, rows::put_input(call.tx, in.run_id.text, dataset));
    if (!added) continue;  // logged before: its tags stay as they are
    for (const auto& t : d.tags) TRY_(rows::put_input_tag(call.tx, in.run_id.text, dataset, t));
  }
  for (const auto& m : in.models) TRY_(rows::put_model_input(call.tx, in.run_id.text, m.model_id));
  return Nothing{};
}

Result<Nothing> Service::log_outputs(Call& call, const LogOutputs& in) {
  TRY_(writable_run(call, in.run_id));
  for (const auto& m : in.models) TRY_(rows::put_model_output(call.tx, in.run_id.text, m));
  return Nothing{};
}

Result<Nothing> Service::log_model(Call& call, const LogModel& in) {
  const auto model = canonical_json(in.model_json);
  if (!model || !model->starts_with('{'))
    return refuse("Malformed model info. \n " + in.model_json + " \n is not a valid JSON.");
  std::string absent;
  for (std::string_view needed : {"artifact_path", "flavors", "utc_time_created", "run_id"})
    if (!json_at(*model, needed)) absent.append(absent.empty() ? "" : ", ").append(mlflow::python_repr(needed));
  if (!absent.empty()) return refuse("Model json is missing mandatory fields: {" + absent + "}");
  TRY_(writable_run(call, in.run_id));
  TRY(old, rows::find_tag(call.tx, in.run_id.text, logged_models_tag));
  std::string list = old.value_or("[]");
  if (!list.ends_with(']')) list = "[]";  // a client wrote something else there
  list.pop_back();
  list += (list.size() > 1 ? ", " : "") + *model + "]";
  TRY_(rows::put_tag(call.tx, in.run_id.text, logged_models_tag, list));  // whole: cut JSON would be no JSON
  return Nothing{};
}

Result<RunPage> Service::search_runs(Call& call, const SearchRuns& in) {
  if (in.max_results < 1)
    return refuse("Invalid value " + std::to_string(in.max_results) +
                  " for parameter 'max_results' supplied. It must be a positive integer");
  if (in.max_results > mlflow::runs_page_max)
    return refuse(
        mlflow::invalid_value("max_results", std::to_string(in.max_results), " Hint: Value was of type 'int'.") +
        " See the API docs for more information about request parameters.");
  rows::RunQuery q{.view = view_of(in.run_view_type), .max_results = in.max_results};
  TRY(filter, mlflow::parse_filter(in.filter, mlflow::Searched::runs));
  TRY(order, mlflow::parse_order_by(in.order_by, mlflow::Searched::runs));
  TRY(offset, mlflow::read_page_token(in.page_token));
  for (const auto& text : in.experiment_ids) {
    TRY(id, mlflow::experiment_number(text));
    q.experiments.push_back(id);
  }
  q.filter = std::move(filter);
  q.order = std::move(order);
  q.offset = offset;
  TRY(found, rows::search_runs(call.tx, q));
  RunPage page{.runs = std::move(found)};
  if (std::ssize(page.runs) > in.max_results) {
    page.runs.resize(static_cast<std::size_t>(in.max_results));
    page.next_page_token = mlflow::make_page_token(offset + in.max_results);
  }
  TRY_(rows::fill_runs(call.tx, page.runs));
  return page;
}

}  // namespace pawl::tracking
