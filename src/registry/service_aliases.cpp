#include "core/json.h"
#include "registry/service.h"
#include "wire/mlflow/names.h"
#include "wire/mlflow/texts.h"

namespace pawl::registry {

using mlflow::refuse;

Result<void> Service::may_move(Call& call, std::string_view name, std::string_view alias) {
  if (!guard_ || call.who.kind == Who::Kind::pawl) return {};
  TRY(guarded, guard_(call.tx, name, alias));
  if (!guarded) return {};
  return fail(Code::denied,
              "The alias '" + std::string(alias) + "' of model '" + std::string(name) +
                  "' is guarded: a gate names it, so only pawl moves it, when a rollout or a rollback is done.");
}
Result<void> Service::may_lose_aliases(Call& call, std::string_view name, std::optional<std::int64_t> version) {
  TRY(aliases, rows::aliases(call.tx, name));
  for (const auto& a : aliases)
    if (!version || a.version == std::to_string(*version)) TRY_(may_move(call, name, a.alias));
  return {};
}

void Service::tell_alias(Call& call, std::string_view name, std::string_view alias, std::optional<std::int64_t> from,
                         std::optional<std::int64_t> to, std::string_view flow) {
  const auto number = [](std::optional<std::int64_t> n) { return n ? std::to_string(*n) : std::string("null"); };
  std::string data = "{\"alias\":";
  write_json_text(data, alias);
  data += ",\"from\":" + number(from) + ",\"to\":" + number(to) + "}";
  call.tell({.what = "alias.moved",
             .subject_kind = "model",
             .subject = std::string(name),
             .flow = flow.empty() ? tracking::flow_of(call.who).first : std::string(flow),
             .data = data});
}

Result<void> Service::move_alias(Call& call, std::string_view name, std::string_view alias, std::int64_t number,
                                 std::string_view flow) {
  TRY_(find_version(call.tx, name, number));
  TRY(before, rows::find_alias(call.tx, name, alias));
  if (before == number) return {};
  TRY_(rows::put_alias(call.tx, name, alias, number));
  tell_alias(call, name, alias, before, number, flow);
  return {};
}
Result<void> Service::drop_alias(Call& call, std::string_view name, std::string_view alias, std::string_view flow) {
  TRY(before, rows::find_alias(call.tx, name, alias));
  if (!before) return {};
  TRY_(rows::delete_alias(call.tx, name, alias));
  tell_alias(call, name, alias, before, std::nullopt, flow);
  return {};
}

Result<Nothing> Service::set_alias(Call& call, const SetAlias& in) {
  TRY_(mlflow::check_model_name(in.name));
  TRY_(mlflow::check_alias(in.alias));
  TRY(v, version(call.tx, in.name, in.version));
  TRY_(may_move(call, in.name, in.alias));
  TRY_(move_alias(call, in.name, in.alias, v.number));
  return Nothing{};
}
Result<Nothing> Service::delete_alias(Call& call, const ByAlias& in) {
  TRY_(mlflow::check_alias_characters(in.alias));
  TRY_(model(call.tx, in.name));
  TRY_(may_move(call, in.name, in.alias));
  TRY_(drop_alias(call, in.name, in.alias));
  return Nothing{};
}
Result<OneVersion> Service::get_by_alias(Call& call, const ByAlias& in) {
  TRY_(model(call.tx, in.name));
  if (mlflow::lower(in.alias) == "latest") {
    TRY(all, rows::versions_of(call.tx, in.name));
    if (all.empty()) return fail(Code::missing, "Latest version not found for model " + in.name + ".");
    return whole_version(call.tx, all.front());
  }
  TRY(found, by_alias(call.tx, in.name, in.alias));
  if (!found) return refuse("Registered model alias " + in.alias + " not found.");
  return whole_version(call.tx, *found);
}

Result<std::optional<Version>> Service::by_alias(Tx& tx, std::string_view name, std::string_view alias) {
  TRY(number, rows::find_alias(tx, name, alias));
  if (!number) return std::optional<Version>{};
  return rows::find_version(tx, name, *number);
}

}  // namespace pawl::registry
