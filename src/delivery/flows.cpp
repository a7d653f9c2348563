// Flows: one active a model. Which state may follow which stands in machine.h; here is what makes them move.
#include "core/json.h"
#include "core/log.h"
#include "delivery/service.h"

namespace pawl::delivery {
namespace {

// Registered by a flow's own token, the runner or pawl: not by a person.
bool is_person(std::string_view name) {
  return !name.empty() && !name.starts_with("flow:") && name != "runner" && name != "pawl";
}
void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}
const DatasetUse* dataset(const Trained& trained, std::string_view role, std::string_view path) {
  for (const DatasetUse& d : trained.datasets)
    if (d.path == path) return &d;
  for (const DatasetUse& d : trained.datasets)
    if (d.role == role) return &d;
  return nullptr;
}

// Trying again would not help: the flow has failed. Anything else is tried again with its event.
bool is_the_callers(const Error& e) {
  return e.code != Code::internal && e.code != Code::busy && e.code != Code::unavailable && e.code != Code::deadline;
}

struct Digests {
  std::string model{}, test{}, champion{}, plan{}, evidence{};
  static constexpr auto fields =
      std::tuple{field("model", &Digests::model), field("test", &Digests::test), field("champion", &Digests::champion),
                 field("plan", &Digests::plan), field("evidence", &Digests::evidence)};
};
// What an evaluation compares with: when it has changed meanwhile, the numbers are about something else.
std::string basis_of(const GateContext& context, const PlanRow& plan) {
  return "live " + std::to_string(context.live) + " champion " + std::to_string(context.champion.value_or(0)) +
         " plan " + plan.digest;
}
// Over every check but the approval, which the evidence is for. Canonical: the same after a way through the store.
Result<std::string> evidence_digest(const Gate& gate) {
  std::string all;
  for (const Check& c : gate.checks) {
    if (c.kind == "approve") continue;
    TRY(text, canonical_json(encode(c)));
    all += text + "\n";
  }
  return sha256_hex(all);
}

}  // namespace

Result<Flow> Service::flow(Tx& tx, const FlowId& id) {
  TRY(found, rows::flow(tx, id));
  if (!found) return fail(Code::missing, "there is no flow " + id.text, "id");
  TRY(gate, rows::gate(tx, id.text));
  found->flow.gate = std::move(gate);
  return std::move(found->flow);
}
Result<Gate> Service::gate(Tx& tx, std::string_view flow) {
  TRY(found, rows::gate(tx, flow));
  if (!found) return fail(Code::missing, "no gate has judged for the flow " + std::string(flow), "flow");
  return std::move(*found);
}

// ---- beginning and ending ----

Result<Flow> Service::new_flow(Call& call, FlowRow row, const std::string& cause) {
  row.flow.id.text = new_id();
  row.flow.state = FlowState::queued;
  row.flow.started = row.flow.updated = to_rfc3339(call.now());
  row.cause = cause;
  TRY(others, rows::unfinished(call.tx, row.flow.model));
  // A newer push takes the place of one that waits for its turn; what an alarm started waits on, behind it.
  for (FlowRow& other : others)
    if (other.flow.state == FlowState::queued && !by_alarm(row.flow.trigger.kind) && !by_alarm(other.flow.trigger.kind))
      TRY_(move(call, other, FlowState::superseded, "by flow " + row.flow.id.text, cause));
  row.event = call.tell({.what = "flow.queued",
                         .subject_kind = "flow",
                         .subject = row.flow.id.text,
                         .flow = row.flow.id.text,
                         .cause = cause,
                         .data = encode(Told{.model = row.flow.model,
                                             .repo = row.flow.repo,
                                             .commit = row.flow.commit,
                                             .kind = std::string(word(row.flow.trigger.kind))})});
  TRY_(rows::put(call.tx, row));
  TRY_(next_of_model(call, row.flow.model, row.event));
  return flow(call.tx, row.flow.id);
}

Result<void> Service::move(Call& call, FlowRow& row, FlowState to, std::string reason, const std::string& cause) {
  if (!may_follow(row.flow.state, to))
    return fail(Code::internal, "flow " + row.flow.id.text + " cannot go from " + std::string(word(row.flow.state)) +
                                    " to " + std::string(word(to)));
  row.flow.state = to;
  row.flow.reason = without_secrets(std::move(reason));
  row.flow.updated = to_rfc3339(call.now());
  if (ended(to)) row.flow.task.clear();
  row.event = call.tell(
      {.what = "flow." + std::string(word(to)),
       .subject_kind = "flow",
       .subject = row.flow.id.text,
       .flow = row.flow.id.text,
       .cause = cause,
       .data = encode(Told{.model = row.flow.model,
                           .version = row.flow.version == 0 ? "" : version_name(row.flow.model, row.flow.version),
                           .commit = row.flow.commit,
                           .reason = ended(to) ? row.flow.reason : ""})});
  TRY_(rows::put(call.tx, row));
  if (ended(to) || to == FlowState::waiting) return next_of_model(call, row.flow.model, std::string(row.event));
  return {};
}

// One active flow a model. What waits for people makes room for a newer push, not for an alarm; a push goes before an alarm.
Result<void> Service::next_of_model(Call& call, const std::string& model, const std::string& cause) {
  TRY(open, rows::unfinished(call.tx, model));
  FlowRow* running = nullptr;
  FlowRow* queued = nullptr;
  for (FlowRow& row : open) {
    if (active(row.flow.state))
      running = &row;
    else if (queued == nullptr || by_alarm(queued->flow.trigger.kind))
      queued = &row;
  }
  if (queued == nullptr) return {};
  if (running == nullptr) return begin(call, *queued, queued->event.empty() ? cause : std::string(queued->event));
  if (running->flow.state != FlowState::waiting || by_alarm(queued->flow.trigger.kind)) return {};
  if (!running->flow.approval.empty())
    TRY_(team_.make_void(call, {running->flow.approval}, "superseded by flow " + queued->flow.id.text, cause));
  return move(call, *running, FlowState::superseded, "by flow " + queued->flow.id.text,
              cause);  // and then begins what was queued
}

Result<void> Service::begin(Call& call, FlowRow& row, const std::string& cause) {
  TRY(plan, rows::plan_in_force(call.tx, row.flow.model));
  if (!plan) return move(call, row, FlowState::failed, "no pawl.yaml of " + row.flow.model + " is in force", cause);
  TRY(config, config_of(*plan));
  if (row.flow.trigger.kind == TriggerKind::version) return start_judging(call, row, cause);
  if (by_alarm(row.flow.trigger.kind)) {  // it may have waited while somebody pushed
    TRY(newest, rows::newest_inspection(call.tx, row.flow.repo, std::numeric_limits<std::int64_t>::max()));
    if (newest)
      row.flow.commit = newest->found.commit, row.flow.message = newest->found.message,
      row.committers = newest->found.committers;
  }
  TrainAsk ask{.flow = row.flow.id,
               .model = row.flow.model,
               .repo = row.flow.repo,
               .commit = row.flow.commit,
               .set = row.flow.set,
               .pipeline = config.train.pipeline,
               .output = config.train.output,
               .train = config.train.train,
               .test = config.train.test,
               .time = config.model.time};
  if (const GateCheck* data = config.find(GateKind::data))
    ask.checks_path = data->checks, ask.checks = plan->plan.files[data->checks];
  auto task = below_.train(call, ask);
  if (!task && is_the_callers(task.error())) return move(call, row, FlowState::failed, task.error().message, cause);
  if (!task) return std::unexpected(task.error());
  row.flow.task = *task;
  return move(call, row, FlowState::training, "", cause);
}

Result<Flow> Service::start_flow(Call& call, const FlowStart& ask) {
  TRY(plan, rows::plan_in_force(call.tx, ask.model));
  if (!plan) return fail(Code::missing, "no pawl.yaml of a model " + ask.model + " is in force", "model");
  TRY(seen, rows::newest_inspection(call.tx, plan->plan.repo, std::numeric_limits<std::int64_t>::max()));
  if (!seen) return fail(Code::conflict, "nothing was pushed to " + plan->plan.repo + " yet", "model");
  FlowRow row{.flow = {.model = ask.model,
                       .repo = plan->plan.repo,
                       .commit = seen->found.commit,
                       .message = seen->found.message,
                       .set = ask.set},
              .committers = seen->found.committers};
  row.flow.trigger = {.kind = TriggerKind::hand, .by = call.who.name, .what = "started by hand"};
  return new_flow(call, std::move(row), {});
}

Result<Flow> Service::stop_flow(Call& call, const FlowStop& ask) {
  TRY(found, rows::flow(call.tx, ask.id));
  if (!found) return fail(Code::missing, "there is no flow " + ask.id.text, "id");
  if (!may_follow(found->flow.state, FlowState::stopped))
    return fail(Code::conflict,
                "flow " + ask.id.text + " is " + std::string(word(found->flow.state)) +
                    (found->flow.state == FlowState::rolling_out ? ": use pawl rollback" : ""),
                "id");
  if (!found->flow.task.empty()) TRY_(below_.drop_tasks(call, found->flow.id));
  if (!found->flow.approval.empty()) TRY_(team_.make_void(call, {found->flow.approval}, "the flow was stopped"));
  TRY_(move(call, *found, FlowState::stopped, ask.reason.empty() ? "by hand" : ask.reason, {}));
  return flow(call.tx, ask.id);
}

// ---- training ----

Result<void> Service::task_ended(Call& call, const store::LedgerEvent& event) {
  TRY(ended, below_.ended(call.tx, event.subject.id));
  if (ended.kind == "inspect") return inspected(call, event.subject.id, ended, event.id);
  TRY(row, rows::flow_of_task(call.tx, event.subject.id));
  if (!row) return {};  // of a flow that went on without it
  // What the flow did last asked for the task: the chain of causes goes on from there, not from a task that knows none.
  const std::string cause = row->event.empty() ? event.id : row->event;
  if (ended.kind == "pipeline" && row->flow.state == FlowState::training) return trained(call, *row, ended, cause);
  if (ended.kind == "evaluate" && row->flow.state == FlowState::judging) return evaluated(call, *row, ended, cause);
  return {};
}

Result<void> Service::trained(Call& call, FlowRow& row, const Ended& ended, const std::string& cause) {
  row.flow.task.clear();
  if (!ended.ok) return move(call, row, FlowState::failed, ended.error, cause);
  row.trained = ended.trained;
  row.flow.stages = row.trained.stages;
  row.flow.warnings = row.trained.warnings;
  if (row.trained.nothing_new)
    return move(call, row, FlowState::nothing_new, "every stage is up to date: there is nothing to train", cause);
  // The last version of the newest lease: a runner that was presumed dead may have registered one too.
  TRY(versions, below_.versions_of_flow(call.tx, row.flow.id));
  const Version* chosen = nullptr;
  for (const Version& v : versions)
    if (v.model == row.flow.model &&
        (chosen == nullptr || std::pair(v.epoch, v.number) > std::pair(chosen->epoch, chosen->number)))
      chosen = &v;
  if (chosen != nullptr)
    row.flow.version = chosen->number;
  else
    row.flow.version = row.trained.version;
  if (row.flow.version == 0) {
    const bool ran = std::any_of(row.flow.stages.begin(), row.flow.stages.end(),
                                 [](const StageRun& s) { return s.outcome == "ran"; });
    if (!ran && !row.flow.stages.empty())
      return move(call, row, FlowState::nothing_new, "no stage had to run, and nothing was registered", cause);
    return move(call, row, FlowState::failed,
                "the pipeline has ended, but no version of " + row.flow.model +
                    " was registered: log one with registered_model_name, or name train.output",
                cause);
  }
  return start_judging(call, row, cause);
}

Result<void> Service::version_made(Call& call, const store::LedgerEvent& event) {
  if (!event.flow.empty()) return {};  // judged when its pipeline has ended
  const auto at = event.subject.id.rfind('@');
  if (at == std::string::npos) return {};
  const std::string model = event.subject.id.substr(0, at);
  TRY(plan, rows::plan_in_force(call.tx, model));
  if (!plan) return {};
  FlowRow row{.flow = {.model = model,
                       .repo = plan->plan.repo,
                       .version = std::strtoll(event.subject.id.c_str() + at + 1, nullptr, 10)}};
  row.flow.trigger = {.kind = TriggerKind::version,
                      .by = is_person(event.by) ? event.by : "",
                      .event = event.id,
                      .what = event.subject.id + " registered by hand"};
  TRY_(new_flow(call, std::move(row), event.id));
  return {};
}

// ---- judging ----

Result<ModelRef> Service::model_ref(Tx& tx, const Config& config, const std::string& model, std::int64_t number) {
  TRY(version, below_.version(tx, model, number));
  if (!version) return fail(Code::missing, "there is no version " + version_name(model, number));
  if (version->artifact.empty())
    return fail(Code::invalid, "the files of " + version_name(model, number) + " (" + version->source +
                                   ") are not kept by this server");
  ModelRef out{.version = number, .artifact = version->artifact, .inputs = config.model.inputs};
  TRY(made_by, rows::flow_of_version(tx, model, number));
  if (made_by)
    if (const DatasetUse* train = dataset(made_by->trained, "train", config.train.train))
      out.train_ends = train->time_max;
  return out;
}

Result<void> Service::start_judging(Call& call, FlowRow& row, const std::string& cause) {
  row.flow.task.clear();
  row.flow.approval.clear();
  TRY(plan, rows::plan_in_force(call.tx, row.flow.model));
  if (!plan) return move(call, row, FlowState::failed, "no pawl.yaml of " + row.flow.model + " is in force", cause);
  TRY(config, config_of(*plan));
  EvaluateAsk ask = ask_for(config, plan->plan.files);
  ask.flow = row.flow.id.text;
  auto challenger = model_ref(call.tx, config, row.flow.model, row.flow.version);
  if (!challenger) return move(call, row, FlowState::failed, challenger.error().message, cause);
  ask.challenger = std::move(*challenger);
  // The newest flow of this version knows its data only if it trained it.
  if (const DatasetUse* test = dataset(row.trained, "test", config.train.test)) ask.test = {test->path, test->digest};
  if (const DatasetUse* train = dataset(row.trained, "train", config.train.train))
    ask.train = {train->path, train->digest}, ask.challenger.train_ends = train->time_max;
  TRY(context, context_of(call.tx, row, config));
  if (context.live != 0 && context.champion && *context.champion != row.flow.version) {
    auto champion = model_ref(call.tx, config, row.flow.model, *context.champion);
    if (champion) ask.champion = std::move(*champion);
  }
  if (ask.test.digest.empty()) {
    const std::string reason = "it is not known on which data " + version_name(row.flow.model, row.flow.version) +
                               " was trained and tested: only a flow knows";
    TRY_(move(call, row, FlowState::judging, "", cause));
    return judged(call, row, *plan, {.state = CheckState::inconclusive, .reason = reason}, cause);
  }
  auto task = below_.evaluate(call, row.flow.id, encode(ask));
  if (!task && is_the_callers(task.error())) return move(call, row, FlowState::failed, task.error().message, cause);
  if (!task) return std::unexpected(task.error());
  row.flow.task = *task;
  row.basis = basis_of(context, *plan);
  return move(call, row, FlowState::judging, "", cause);
}

Result<GateContext> Service::context_of(Tx& tx, const FlowRow& row, const Config& config) {
  GateContext out;
  TRY(live, live_version(tx, config));
  out.live = live;
  const GateCheck* better = config.find(GateKind::better_than);
  TRY(champion, below_.alias(tx, row.flow.model, better != nullptr ? better->alias : "champion"));
  out.champion = champion;
  if (is_person(row.flow.trigger.by)) add_once(out.authors, row.flow.trigger.by);
  for (const std::string& mail : row.committers) {
    TRY(user, below_.user_of_email(tx, mail));
    if (user)
      add_once(out.authors, *user);
    else
      add_once(out.unmapped, mail);
  }
  TRY(version, below_.version(tx, row.flow.model, row.flow.version));
  if (version) {
    if (is_person(version->by)) add_once(out.authors, version->by);
    if (!version->run_id.empty())
      if (auto run = below_.run(tx, version->run_id)) out.logged = std::move(run->metrics);
  }
  return out;
}

Result<void> Service::evaluated(Call& call, FlowRow& row, const Ended& ended, const std::string& cause) {
  row.flow.task.clear();
  if (!ended.ok) return move(call, row, FlowState::failed, "the evaluation failed: " + ended.error, cause);
  const auto seen = decode<EvaluateResult>(ended.result, {.unknown = UnknownKeys::ignore});
  if (!seen)
    return move(call, row, FlowState::failed, "the evaluation's result cannot be read: " + seen.error().message, cause);
  TRY(plan, rows::plan_in_force(call.tx, row.flow.model));
  if (!plan) return move(call, row, FlowState::failed, "no pawl.yaml of " + row.flow.model + " is in force", cause);
  TRY(config, config_of(*plan));
  TRY(context, context_of(call.tx, row, config));
  if (row.basis != basis_of(context, *plan)) return start_judging(call, row, cause);
  return judged(call, row, *plan, *seen, cause);
}

Result<void> Service::judged(Call& call, FlowRow& row, const PlanRow& plan, const EvaluateResult& seen,
                             const std::string& cause) {
  TRY(config, config_of(plan));
  TRY(context, context_of(call.tx, row, config));
  if (const auto digest = seen.digests.find("challenger"); digest != seen.digests.end()) row.digest = digest->second;
  row.baseline = seen.baseline;
  Gate gate{.flow = row.flow.id.text,
            .model = row.flow.model,
            .version = row.flow.version,
            .judged = to_rfc3339(call.now()),
            .checks = judge(config.gate, seen, context)};
  if (const GateCheck* rule = config.find(GateKind::approve))
    gate.checks.push_back(approve_check(*rule, gate.checks, context));
  TRY(digests, digests_of(call.tx, row, plan, config, gate));
  gate.digests.text = digests;
  row.digests.text = digests;
  TRY(event, keep_gate(call, row, gate, row.event.empty() ? cause : row.event));
  return after_gate(call, row, plan, gate, event);
}

Result<std::string> Service::digests_of(Tx& tx, const FlowRow& row, const PlanRow& plan, const Config& config,
                                        const Gate& gate) {
  TRY(evidence, evidence_digest(gate));
  Digests out{.model = row.digest, .plan = plan.digest, .evidence = evidence};
  if (const DatasetUse* test = dataset(row.trained, "test", config.train.test)) out.test = test->digest;
  TRY(context, context_of(tx, row, config));
  out.champion = context.champion ? version_name(row.flow.model, *context.champion) : "";
  if (context.live != 0 && context.live != context.champion.value_or(0))
    out.champion += " live " + version_name(row.flow.model, context.live);
  return encode(out);
}

Result<std::string> Service::keep_gate(Call& call, const FlowRow& row, Gate gate, const std::string& cause) {
  gate.state = overall(gate.checks);
  TRY_(rows::put(call.tx, gate, call.now()));
  return call.tell({.what = "gate.judged",
                    .subject_kind = "version",
                    .subject = version_name(gate.model, gate.version),
                    .flow = row.flow.id.text,
                    .cause = cause,
                    .digests = gate.digests.text,
                    .data = encode(Told{.model = gate.model,
                                        .version = version_name(gate.model, gate.version),
                                        .state = std::string(word(gate.state))})});
}

Result<void> Service::after_gate(Call& call, FlowRow& row, const PlanRow& plan, const Gate& gate,
                                 const std::string& cause) {
  const CheckState state = overall(gate.checks);
  const std::string reason = why_not_passed(gate.checks);
  switch (state) {
    case CheckState::fail: return move(call, row, FlowState::rejected, reason, cause);
    case CheckState::error: return move(call, row, FlowState::failed, reason, cause);
    case CheckState::pass: return try_rollout(call, row, plan, cause);
    case CheckState::inconclusive:
    case CheckState::empty: return move(call, row, FlowState::waiting, reason, cause);
    case CheckState::waiting: break;  // everything passed but the approval
  }
  TRY(config, config_of(plan));
  const GateCheck* rule = config.find(GateKind::approve);
  TRY(context, context_of(call.tx, row, config));
  team::Rule who{.by = rule->by, .count = rule->count};
  if (rule->not_author) who.not_by = context.authors;
  TRY(approval, team_.open(call, {.what = "let " + version_name(row.flow.model, row.flow.version) + " go live",
                                  .subject_kind = "version",
                                  .subject = version_name(row.flow.model, row.flow.version),
                                  .model = row.flow.model,
                                  .flow = row.flow.id.text,
                                  .digests = gate.digests.text,
                                  .rule = who,
                                  .cause = cause}));
  row.flow.approval = approval.text;
  return move(call, row, FlowState::waiting,
              "waits for an approval by " + rule->by + (rule->not_author ? ", not an author" : ""), cause);
}

// ---- the approval ----

Result<void> Service::version_decided(Call& call, FlowRow& row, bool granted, const std::string& cause) {
  TRY(gate, rows::gate(call.tx, row.flow.id.text));
  TRY(plan, rows::plan_in_force(call.tx, row.flow.model));
  if (!gate || !plan)
    return move(call, row, FlowState::failed, "no pawl.yaml of " + row.flow.model + " is in force", cause);
  TRY(config, config_of(*plan));
  TRY(now, digests_of(call.tx, row, *plan, config, *gate));
  TRY(approval, team_.find(call.tx, {row.flow.approval}));
  if (now != approval.digests.text) {
    TRY_(team_.make_void(call, approval.id, "what it was given for has changed", cause));
    return start_judging(call, row, cause);
  }
  for (Check& check : gate->checks) {
    if (check.kind != "approve") continue;
    check.state = granted ? CheckState::pass : CheckState::fail;
    check.n = std::ssize(approval.votes);
    check.seen.clear();
    for (const team::Vote& vote : approval.votes)
      check.seen +=
          (check.seen.empty() ? "" : ", ") + vote.by + (vote.vote == team::VoteWord::grant ? " granted" : " refused");
    check.reason = granted ? "" : "refused";
    check.evidence.text = encode(approval);
  }
  TRY(event, keep_gate(call, row, *gate, cause));
  if (!granted) return move(call, row, FlowState::rejected, why_not_passed(gate->checks), event);
  return try_rollout(call, row, *plan, event);
}

Result<void> Service::recheck(Call& call, const std::string& model, const std::string& cause) {
  TRY(open, rows::unfinished(call.tx, model));
  for (FlowRow& row : open) {
    if (row.flow.state != FlowState::waiting) continue;
    TRY(gate, rows::gate(call.tx, row.flow.id.text));
    TRY(plan, rows::plan_in_force(call.tx, row.flow.model));
    if (!gate || !plan) continue;
    TRY(config, config_of(*plan));
    TRY(now, digests_of(call.tx, row, *plan, config, *gate));
    if (now != row.digests.text) {
      if (!row.flow.approval.empty())
        TRY_(team_.make_void(call, {row.flow.approval}, "champion, data or the plan in force have changed", cause));
      TRY_(start_judging(call, row, cause));
      continue;
    }
    if (gate->state == CheckState::pass) {  // granted, but the endpoint was busy with another rollout
      TRY_(try_rollout(call, row, *plan, cause));
      continue;
    }
    const GateCheck* rule = config.find(GateKind::approve);
    if (!row.flow.approval.empty() || rule == nullptr) continue;
    // An address may belong to somebody now.
    TRY(context, context_of(call.tx, row, config));
    std::vector<Check> others;
    for (const Check& c : gate->checks)
      if (c.kind != "approve") others.push_back(c);
    const Check again = approve_check(*rule, others, context);
    for (Check& check : gate->checks) {
      if (check.kind != "approve" || (check.state == again.state && check.reason == again.reason)) continue;
      check = again;
      TRY(event, keep_gate(call, row, *gate, cause));
      if (overall(gate->checks) == CheckState::waiting) {
        row.flow.state = FlowState::judging;  // only within this transaction: after_gate moves it on
        TRY_(after_gate(call, row, *plan, *gate, event));
      } else {
        row.flow.reason = why_not_passed(gate->checks);
        TRY_(rows::put(call.tx, row));
      }
      break;
    }
  }
  return {};
}

Result<void> Service::try_rollout(Call& call, FlowRow& row, const PlanRow& plan, const std::string& cause) {
  TRY(config, config_of(plan));
  TRY(others, rows::rollouts(call.tx, config.serve.endpoint));
  for (const RolloutRow& other : others)
    if (!ended(other.rollout.state)) {  // one rollout an endpoint; recheck() comes back when it has ended
      const std::string reason = "passed; waits for the rollout " + other.rollout.id.text + " to end";
      if (row.flow.state != FlowState::waiting) return move(call, row, FlowState::waiting, reason, cause);
      row.flow.reason = reason;
      return rows::put(call.tx, row);
    }
  RolloutRow next{.rollout = {.endpoint = config.serve.endpoint,
                              .model = row.flow.model,
                              .flow = row.flow.id.text,
                              .to = row.flow.version,
                              .by = "pawl"},
                  .digest = row.digest,
                  .plan = plan.plan.id.text};
  if (!row.flow.approval.empty()) next.approvals = {row.flow.approval};
  auto started = start_rollout(call, std::move(next), cause);
  if (!started && is_the_callers(started.error()))
    return move(call, row, FlowState::failed, started.error().message, cause);
  if (!started) return std::unexpected(started.error());
  row.flow.rollout = started->rollout.id.text;
  return move(call, row, FlowState::rolling_out, "", cause);
}

// ---- the ledger's events ----

Result<void> Service::on_event(Call& call, const store::LedgerEvent& event) {
  const std::string& what = event.what;
  if (what == "repo.pushed") return pushed(call, event);
  if (what == "plan.asked") {
    TRY(after, json_at(event.data.text, "after").has_value() ? decode<std::string>(*json_at(event.data.text, "after"))
                                                             : Result<std::string>{});
    return look_at(call,
                   {.repo = event.subject.id,
                    .ref = {},
                    .by = is_person(event.by) ? event.by : "",
                    .cause = event.id,
                    .seq = event.seq},
                   after);
  }
  if (what == "task.ended") return task_ended(call, event);
  if (what == "version.made") return version_made(call, event);
  if (what == "alarm.opened" || what == "alarm.continued") return alarmed(call, event);
  if (what == "approval.decided") {
    TRY(approval, team_.find(call.tx, {event.subject.id}));
    const bool granted = approval.state == team::ApprovalState::granted;
    if (approval.state == team::ApprovalState::void_) return {};
    if (approval.subject_kind == "plan") return plan_decided(call, {approval.subject}, granted, event.id);
    TRY(row, rows::flow(call.tx, {approval.flow}));
    if (!row || row->flow.state != FlowState::waiting || row->flow.approval != approval.id.text) return {};
    return version_decided(call, *row, granted, event.id);
  }
  if (what.starts_with("access.") || what.starts_with("user.") || what == "alias.moved")
    return recheck(call, "", event.id);
  return {};
}

void Service::attach(jobs::Worker& worker) {
  // An event that can never be taken must not stop all that follow: after some tries it is left out, loudly.
  constexpr int tries_max = 5;
  worker.follow("delivery", [this](Call& call, const store::LedgerEvent& event) -> Result<void> {
    {
      std::lock_guard hold(tries_mutex_);
      const auto failed = tries_.find(event.id);
      if (failed != tries_.end() && failed->second >= tries_max) {
        log::error("delivery.event_left_out",
                   {{"event", event.id}, {"what", event.what}, {"subject", event.subject.id}});
        tries_.erase(failed);
        return {};
      }
    }
    auto done = on_event(call, event);
    if (!done && done.error().code != Code::busy && done.error().code != Code::unavailable) {
      std::lock_guard hold(tries_mutex_);
      ++tries_[event.id];
      log::warn("delivery.event_failed", {{"event", event.id},
                                          {"what", event.what},
                                          {"message", done.error().message},
                                          {"detail", done.error().detail}});
    }
    return done;
  });
  worker.handle("delivery.rollout", [this](const jobs::Job& job, const std::stop_token&) { return drive(job); });
  forget_old(worker);
}

}  // namespace pawl::delivery
