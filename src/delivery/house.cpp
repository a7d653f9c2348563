#include "delivery/house.h"

#include "core/json.h"
#include "delivery/evaluate.h"
#include "wire/yaml/value.h"

namespace pawl::delivery {
namespace {

// A parameter as people write it: 7 is a number, true a flag, the rest text.
Json json_of(const std::string& text) {
  const yaml::Value value = yaml::resolve_plain(text);
  Json out;
  switch (value.kind) {
    case yaml::Value::Kind::flag: out.text = value.flag ? "true" : "false"; break;
    case yaml::Value::Kind::integer: out.text = std::to_string(value.integer); break;
    case yaml::Value::Kind::real: write_json_number(out.text, value.real); break;
    default: write_json_text(out.text, text);
  }
  return out;
}

Trained trained_of(const pipeline::PipelineResult& in) {
  Trained out{.lock = in.lock,
              .nothing_new = in.nothing_new,
              .version = in.version ? in.version->version : 0,
              .warnings = in.warnings};
  out.environment.text = encode(in.environment);
  for (const auto& s : in.stages) out.stages.push_back({s.name, std::string(word(s.outcome)), s.seconds});
  for (const auto& d : in.datasets)
    out.datasets.push_back({d.role, d.path, d.md5, d.size, d.rows, d.time_min, d.time_max});
  return out;
}

}  // namespace

// ---- pipeline ----

Result<Repo> House::repo(Tx& tx, const std::string& name) {
  TRY(found, pipeline_.find_repository(tx, name));
  return Repo{found.name, found.url, found.branch};
}
Result<std::string> House::inspect(Call& call, const InspectAsk& ask) {
  TRY(of, repo(call.tx, ask.repo));
  TRY(task, pipeline_.ask_inspect(call, {.repo = of.name,
                                         .url = of.url,
                                         .commit = ask.commit,
                                         .ref = ask.ref.empty() ? "refs/heads/" + of.branch : ask.ref,
                                         .since = ask.since,
                                         .data_paths = ask.data_paths}));
  return task.text;
}
Result<std::string> House::train(Call& call, const TrainAsk& ask) {
  TRY(of, repo(call.tx, ask.repo));
  pipeline::PipelineAsk out{.flow = ask.flow.text,
                            .model = ask.model,
                            .repo = of.name,
                            .url = of.url,
                            .commit = ask.commit,
                            .pipeline = ask.pipeline,
                            .output = ask.output,
                            .data = {ask.train, ask.test},
                            .time = ask.time,
                            .checks = ask.checks,
                            .checks_path = ask.checks_path};
  for (const auto& [name, value] : ask.set) out.set[name] = json_of(value);
  TRY(task, pipeline_.ask_pipeline(call, out));
  return task.text;
}
Result<std::string> House::evaluate(Call& call, const FlowId& flow, const std::string& payload) {
  TRY(task, pipeline_.ask_evaluate(call, flow.text, {payload}));
  return task.text;
}
Result<Ended> House::ended(Tx& tx, const std::string& task) {
  TRY(found, pipeline_.result(tx, {task}));
  Ended out{.kind = std::string(word(found.kind)),
            .ok = found.ok,
            .error = found.error,
            .flow = found.flow,
            .result = found.result.text};
  if (!out.ok) return out;
  if (found.kind == pipeline::TaskKind::inspect) {
    TRY(inspection, decode<Inspection>(out.result, {.unknown = UnknownKeys::ignore}));
    out.inspection = std::move(inspection);
  } else if (found.kind == pipeline::TaskKind::pipeline) {
    TRY(result, decode<pipeline::PipelineResult>(out.result, {.unknown = UnknownKeys::ignore}));
    out.trained = trained_of(result);
  }
  return out;
}
Result<void> House::drop_tasks(Call& call, const FlowId& flow) { return pipeline_.drop_tasks(call, flow.text); }

// ---- registry, tracking, access ----

Version House::version_of(Tx& tx, const registry::Version& v) {
  Version out{.model = v.name,
              .number = v.number,
              .epoch = v.flow_epoch,
              .run_id = v.run_id,
              .source = v.source,
              .flow = v.flow,
              .by = v.registered_by,
              .created = {v.created_ms * 1000}};
  if (auto path = registry_.artifact_path(tx, v)) out.artifact = std::move(*path);  // empty: kept elsewhere
  if (auto aliases = registry_.aliases_of(tx, v.name))
    for (const auto& a : *aliases)
      if (a.version == std::to_string(v.number)) out.aliases.push_back(a.alias);
  return out;
}
Result<std::optional<Version>> House::version(Tx& tx, const std::string& model, std::int64_t number) {
  auto found = registry_.find_version(tx, model, number);
  if (!found && found.error().code == Code::missing) return std::optional<Version>{};
  if (!found) return std::unexpected(found.error());
  return version_of(tx, *found);
}
Result<std::vector<std::string>> House::models(Tx& tx) { return registry_.model_names(tx); }
Result<std::vector<Version>> House::versions(Tx& tx, const std::string& model) {
  TRY(found, registry_.versions_of(tx, model));
  std::vector<Version> out;
  out.reserve(found.size());
  for (const auto& v : found) out.push_back(version_of(tx, v));
  return out;
}
Result<std::vector<Version>> House::versions_of_flow(Tx& tx, const FlowId& flow) {
  TRY(found, registry_.by_flow(tx, flow.text));
  std::vector<Version> out;
  out.reserve(found.size());
  for (const auto& v : found) out.push_back(version_of(tx, v));
  return out;
}
Result<std::optional<std::int64_t>> House::alias(Tx& tx, const std::string& model, const std::string& alias) {
  TRY(found, registry_.by_alias(tx, model, alias));
  return found ? std::optional(found->number) : std::nullopt;
}
Result<void> House::set_alias(Call& call, const std::string& model, const std::string& alias, std::int64_t number,
                              const FlowId& flow) {
  if (number == 0) return registry_.drop_alias(call, model, alias, flow.text);
  return registry_.move_alias(call, model, alias, number, flow.text);
}
Result<RunFacts> House::run(Tx& tx, const std::string& run_id) {
  TRY(run, tracking_.whole_run(tx, run_id));
  RunFacts out;
  for (const auto& p : run.data.params) out.params[p.key] = p.value;
  for (const auto& m : run.data.metrics) out.metrics[m.key] = m.value;
  return out;
}
Result<std::optional<std::string>> House::user_of_email(Tx& tx, const std::string& email) {
  return access_.user_of_email(tx, email);
}

// ---- serving ----

Result<void> House::put_endpoint(Call& call, const std::string& name, const std::string& model, bool replay,
                                 bool regression) {
  return serving_.put_endpoint(call, {.name = name, .model = model, .replay = replay, .regression = regression});
}
Result<std::optional<Weights>> House::weights(Tx& tx, const std::string& endpoint) {
  auto routing = serving_.routing(tx, endpoint);
  if (!routing && routing.error().code == Code::missing) return std::optional<Weights>{};
  if (!routing) return std::unexpected(routing.error());
  Weights out{.rollout = routing->rollout, .salt = routing->salt, .step = routing->step};
  for (const auto& a : routing->arms) out.shares.push_back({a.version, a.share * 100, a.arm == serving::Arm::canary});
  return out;
}
Result<void> House::set_weights(Call& call, const std::string& endpoint, const Weights& weights) {
  serving::Routing routing{.rollout = weights.rollout, .step = weights.step, .salt = weights.salt};
  for (const Share& s : weights.shares)
    routing.arms.push_back({s.version, s.share / 100, s.canary ? serving::Arm::canary : serving::Arm::live});
  TRY_(serving_.set_routing(call, endpoint, std::move(routing)));
  return {};
}
Result<std::string> House::prepare(const Version& version, const std::string& digest,
                                   const std::vector<std::string>& inputs) {
  if (version.artifact.empty())
    return fail(Code::invalid, "the files of " + version.model + "@" + std::to_string(version.number) +
                                   " are not kept by this server");
  TRY(prepared, serving_.prepare(version.model, version.number, version.artifact, digest, inputs));
  return prepared.digest;
}
Result<Tallied> House::tally(const std::string& endpoint, const std::string& rollout, std::int64_t step, bool canary) {
  TRY(seen, serving_.tally(endpoint, rollout, step, canary ? serving::Arm::canary : serving::Arm::live));
  Tallied out{.rows = seen.rows,
              .requests = seen.requests,
              .errors = seen.errors,
              .p50_ms = seen.p50_ms,
              .p99_ms = seen.p99_ms};
  const auto between = [](const std::optional<std::string>& from, const std::optional<std::string>& to) {
    const auto a = parse_rfc3339(from.value_or("")), b = parse_rfc3339(to.value_or(""));
    return a && b ? *b - *a : Micros{0};
  };
  out.span = between(seen.first, seen.last);
  out.events = between(seen.event_first, seen.event_last);
  return out;
}
Result<serving::ArmsSeen> House::compare(const std::string& endpoint, const std::string& rollout, std::int64_t step,
                                         std::int64_t live, std::int64_t canary) {
  serving::ArmsAsk ask{.endpoint = endpoint, .rollout = rollout, .step = step, .live = live, .canary = canary};
  for (const auto arm : {serving::Arm::live, serving::Arm::canary}) {
    TRY(seen, serving_.tally(endpoint, rollout, step, arm));
    const auto from = parse_rfc3339(seen.event_first.value_or("")), to = parse_rfc3339(seen.event_last.value_or(""));
    if (!from || !to) continue;
    ask.from = ask.to.us == 0 ? *from : std::min(ask.from, *from);
    ask.to = std::max(ask.to, *to + Micros{1});
  }
  return serving::compare(serving_, ask);
}
Result<std::int64_t> House::labels(const std::string& endpoint) {
  TRY(mark, serving_.watermark(endpoint));
  return mark.label.us;
}
Result<std::int64_t> House::forget(const std::string& endpoint, Time before) {
  return serving_.forget(endpoint, before);
}

// ---- monitoring ----

Result<void> House::put_monitor(Call& call, const monitoring::Monitor& monitor, const std::string& cause) {
  return monitoring_.put_monitor(call, monitor, cause);
}
Result<void> House::drop_monitor(Call& call, const std::string& endpoint, const std::string& cause) {
  return monitoring_.drop_monitor(call, endpoint, cause);
}
Result<std::optional<Time>> House::window_end(Tx& tx, const std::string& endpoint) {
  TRY(newest, monitoring_.windows(tx, {.name = endpoint, .limit = 1, .order = monitoring::Order::newest}));
  if (newest.items.empty()) return std::optional<Time>{};
  TRY(end, parse_rfc3339(newest.items.front().end));
  return std::optional(end);
}
Result<PredictionSeen> House::prediction(const std::string& id, std::string& model) {
  TRY(seen, serving_.prediction(id));
  model = seen.model;
  std::vector<LabelTold> labels;
  for (const auto& l : seen.labels) labels.push_back({l.value, l.at, l.by});
  return PredictionSeen{.id = seen.id,
                        .endpoint = seen.endpoint,
                        .received = seen.received,
                        .event_time = seen.event_time.value_or(""),
                        .arm = std::string(word(seen.arm)),
                        .rollout = seen.rollout,
                        .version = seen.version,
                        .step = seen.step,
                        .features = seen.features,
                        .outputs = seen.outputs,
                        .labels = std::move(labels)};
}

// ---- the runner's side ----

Result<std::string> evaluate_task(pipeline::TaskContext& task, const std::string& payload) {
  TRY(ask, decode<EvaluateAsk>(payload, {.unknown = UnknownKeys::ignore}));
  task.log("evaluates " + ask.model + "@" + std::to_string(ask.challenger.version) + " on " + ask.test.path + "\n");
  int folders = 0;
  const EvaluatePlaces places{
      .object = [&](const std::string& md5) { return task.object(md5); },
      .artifact = [&](const std::string& artifact) -> Result<std::filesystem::path> {
        auto to = task.scratch / ("model" + std::to_string(folders++));
        TRY_(task.download(artifact, to));
        return to;
      },
      .scratch = task.scratch,
      .keep = [&](const std::string& path, const std::filesystem::path& file) { return task.upload(path, file); }};
  TRY(seen, evaluate(ask, places));
  return encode(seen);
}

}  // namespace pawl::delivery
