#include <charconv>

#include "core/json.h"
#include "registry/service.h"
#include "registry/source.h"
#include "tracking/artifact_paths.h"
#include "wire/mlflow/names.h"
#include "wire/mlflow/texts.h"

namespace pawl::registry {
namespace {

using mlflow::refuse;

constexpr std::string_view names_run =
    "The run_id request parameter must identify the resource that contains the source.";
constexpr std::string_view names_model =
    "The model_id request parameter must identify the resource that contains the source.";
constexpr std::string_view local_rule =
    "To use a local path as a model version source, the run_id request parameter has to be specified and the local "
    "path has to be contained within the artifact directory of the "
    "run specified by the run_id.";

bool is_prompt(const std::vector<Tag>& tags) {
  bool out = false;
  for (const auto& t : tags)
    if (t.key == "mlflow.prompt.is_prompt") out = mlflow::lower(t.value) == "true";
  return out;
}
bool local(std::string_view location) { return location.starts_with('/') || location.starts_with("file:"); }

}  // namespace

Result<Version> Service::find_version(Tx& tx, std::string_view name, std::int64_t number) {
  TRY(found, rows::find_version(tx, name, number));
  if (!found)
    return fail(Code::missing,
                "Model Version (name=" + std::string(name) + ", version=" + std::to_string(number) + ") not found");
  return std::move(*found);
}
Result<Version> Service::find_version(Tx& tx, std::string_view label) {
  const auto at = label.rfind('@');
  if (at == label.npos || at == 0 || at + 1 == label.size())
    return fail(Code::invalid,
                "'" + std::string(label) + "' names no model version: expected NAME@VERSION or NAME@ALIAS");
  const auto name = label.substr(0, at), rest = label.substr(at + 1);
  std::int64_t number = 0;
  if (auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
      ec == std::errc{} && end == rest.data() + rest.size())
    return find_version(tx, name, number);
  TRY(found, by_alias(tx, name, rest));
  if (!found)
    return fail(Code::missing,
                "Model '" + std::string(name) + "' has no version with the alias '" + std::string(rest) + "'");
  return std::move(*found);
}
Result<Version> Service::version(Tx& tx, std::string_view name, std::string_view text) {
  TRY_(mlflow::check_model_name(name));
  TRY(number, mlflow::version_number(text));
  return find_version(tx, name, number);
}
Result<OneVersion> Service::whole_version(Tx& tx, const Version& v) {
  std::vector<ModelVersion> one{to_wire(v)};
  TRY_(rows::fill_versions(tx, one));
  TRY(aliases, rows::aliases(tx, v.name));
  for (const auto& a : aliases)
    if (a.version == one[0].version) one[0].aliases.push_back(a.alias);
  return OneVersion{std::move(one[0])};
}

Result<void> Service::check_source(Tx& tx, const CreateVersion& in, const Version& v) {
  TRY(source, read_source(v.source));
  const bool by_model = !v.model_id.empty();
  const auto root = [&]() -> Result<std::string> {  // where the named run's, or model's, artifacts lie
    if (by_model) {
      auto found = runs_.find_logged_model(tx, v.model_id);
      if (!found) return invalid_source(in.source, names_model);
      return found->info.artifact_uri;
    }
    if (v.run_id.empty()) return invalid_source(in.source, source.kind == Source::Kind::local ? local_rule : names_run);
    auto found = runs_.find_run(tx, v.run_id);
    if (!found) return invalid_source(in.source, names_run);
    return found->info.artifact_uri;
  };
  switch (source.kind) {
    case Source::Kind::local: {
      TRY(location, root());
      const auto path = mlflow::normal_path(source.path);
      const auto folder =
          location.starts_with("file:") ? location.substr(location.starts_with("file://") ? 7 : 5) : location;
      if (!local(location) || !path.starts_with('/') || !within(path, folder))
        return invalid_source(in.source, local_rule);
      return {};
    }
    case Source::Kind::run:
      if (by_model) return invalid_source(in.source, names_model);
      if (source.run != v.run_id) return invalid_source(in.source, names_run);
      return {};
    case Source::Kind::logged_model:
      if (source.model != v.model_id) return invalid_source(in.source, names_model);
      return {};
    case Source::Kind::proxied: {
      TRY(location, root());
      if (!within(v.source, location)) return invalid_source(in.source, by_model ? names_model : names_run);
      return {};
    }
    case Source::Kind::version:
    case Source::Kind::elsewhere: return {};
  }
  std::unreachable();
}

Result<Version> Service::resolve(Tx& tx, const CreateVersion& in) {
  Version v{.name = in.name,
            .source = in.source,
            .storage_location = in.source,
            .run_id = in.run_id.value_or(""),
            .run_link = in.run_link,
            .model_id = in.model_id.value_or("")};
  if (is_prompt(in.tags)) return v;  // its text is a tag; the source is a placeholder
  TRY(source, read_source(in.source));
  if (source.kind == Source::Kind::version) {
    TRY_(model(tx, source.name));
    Version from;
    if (!source.alias.empty() || source.version == "latest") {
      TRY(all, rows::versions_of(tx, source.name));
      TRY(aliased, by_alias(tx, source.name, source.alias));
      if (source.version == "latest" && !all.empty())
        from = all.front();
      else if (aliased)
        from = *aliased;
      else
        return refuse("Registered model alias " + source.alias + " not found.");
    } else {
      TRY(found, version(tx, source.name, source.version));
      from = found;
    }
    if ((in.run_id && *in.run_id != from.run_id) || (in.model_id && *in.model_id != from.model_id))
      return invalid_source(in.source,
                            "The run_id and model_id request parameters must match the referenced model version.");
    v.source = "models:/" + from.name + "/" + std::to_string(from.number);
    v.storage_location = from.storage_location;
    v.run_id = from.run_id;
    v.model_id = from.model_id;
    return v;
  }
  TRY_(check_source(tx, in, v));
  if (!v.model_id.empty()) {
    TRY(logged, runs_.find_logged_model(tx, v.model_id));
    if (v.run_id.empty()) v.run_id = logged.info.source_run_id.value_or("");
    if (source.kind == Source::Kind::logged_model) v.storage_location = logged.info.artifact_uri;
  }
  return v;
}

Result<OneVersion> Service::create_version(Call& call, const CreateVersion& in) {
  TRY_(mlflow::check_model_name(in.name));
  for (const auto& t : in.tags) TRY_(mlflow::check_registry_tag(t.key, t.value));
  TRY(v, resolve(call.tx, in));
  TRY_(model(call.tx, in.name));
  const auto now = call.now().ms();
  const auto [flow, epoch] = tracking::flow_of(call.who);
  TRY(number, rows::next_version(call.tx, in.name, now));
  v.number = number;
  v.description = in.description;
  v.created_ms = v.updated_ms = now;
  v.registered_by = call.who.name;
  v.flow = flow;
  v.flow_epoch = epoch;
  TRY_(rows::put_version(call.tx, v));
  for (const auto& t : in.tags) TRY_(rows::put_version_tag(call.tx, v, t));
  if (!v.model_id.empty()) TRY_(runs_.note_version(call.tx, v.model_id, v.name, std::to_string(v.number)));
  std::string data = "{\"run\":";
  write_json_text(data, v.run_id);
  data += ",\"source\":";
  write_json_text(data, v.source);
  call.tell(
      {.what = "version.made", .subject_kind = "version", .subject = v.label(), .flow = flow, .data = data + "}"});
  return whole_version(call.tx, v);
}

Result<OneVersion> Service::get_version(Call& call, const ByVersion& in) {
  TRY(v, version(call.tx, in.name, in.version));
  return whole_version(call.tx, v);
}
Result<OneVersion> Service::update_version(Call& call, const UpdateVersion& in) {
  TRY(before, version(call.tx, in.name, in.version));
  TRY_(rows::set_version_description(call.tx, before, in.description, call.now().ms()));
  TRY(v, find_version(call.tx, in.name, before.number));
  return whole_version(call.tx, v);
}
Result<OneVersion> Service::transition(Call& call, const TransitionStage& in) {
  TRY(stage, mlflow::canonical_stage(in.stage));
  if (in.archive_existing_versions && stage != "Staging" && stage != "Production")
    return fail(Code::internal, "Model version transition cannot archive existing model versions because '" + in.stage +
                                    "' is not an Active stage. Valid stages are ['Staging', 'Production']");
  TRY(before, version(call.tx, in.name, in.version));
  const auto now = call.now().ms();
  if (in.archive_existing_versions) TRY_(rows::archive_others(call.tx, before, stage, now));
  TRY_(rows::set_stage(call.tx, before, stage, now));
  TRY_(rows::touch_model(call.tx, in.name, now));
  if (before.stage != stage)
    call.tell({.what = "version.staged",
               .subject_kind = "version",
               .subject = before.label(),
               .flow = before.flow,
               .data = "{\"from\":\"" + before.stage + "\",\"to\":\"" + stage + "\"}"});
  TRY(v, find_version(call.tx, in.name, before.number));
  return whole_version(call.tx, v);
}
Result<Nothing> Service::delete_version(Call& call, const ByVersion& in) {
  TRY(v, version(call.tx, in.name, in.version));
  TRY_(may_lose_aliases(call, in.name, v.number));
  const auto now = call.now().ms();
  TRY(aliases, rows::aliases(call.tx, in.name));
  for (const auto& a : aliases)
    if (a.version == std::to_string(v.number)) TRY_(drop_alias(call, in.name, a.alias));
  TRY_(rows::delete_version(call.tx, v, now));
  TRY_(rows::touch_model(call.tx, in.name, now));
  call.tell({.what = "version.deleted", .subject_kind = "version", .subject = v.label(), .flow = v.flow});
  return Nothing{};
}
Result<DownloadUri> Service::download_uri(Call& call, const ByVersion& in) {
  TRY(v, version(call.tx, in.name, in.version));
  return DownloadUri{v.storage_location.empty() ? v.source : v.storage_location};
}
Result<Nothing> Service::set_version_tag(Call& call, const SetVersionTag& in) {
  TRY_(mlflow::check_registry_tag(in.key, in.value));
  TRY(v, version(call.tx, in.name, in.version));
  TRY_(rows::put_version_tag(call.tx, v, {in.key, in.value}));
  return Nothing{};
}
Result<Nothing> Service::delete_version_tag(Call& call, const DeleteVersionTag& in) {
  TRY_(mlflow::check_key(in.key, "key"));
  TRY(v, version(call.tx, in.name, in.version));
  TRY_(rows::delete_version_tag(call.tx, v, in.key));
  return Nothing{};
}

Result<std::string> Service::artifact_path(Tx& tx, const Version& v) {
  TRY(source, read_source(v.storage_location));
  if (source.kind == Source::Kind::run) {
    TRY(run, runs_.find_run(tx, source.run));
    TRY(folder, tracking::stored_path(run.info.artifact_uri));
    return tracking::join_path(folder, source.path);
  }
  if (source.kind == Source::Kind::logged_model) {
    TRY(logged, runs_.find_logged_model(tx, source.model));
    return tracking::stored_path(logged.info.artifact_uri);
  }
  return tracking::stored_path(v.storage_location);
}

}  // namespace pawl::registry
