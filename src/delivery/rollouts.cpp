// Rollouts: an endpoint's move from one version to another. A job drives each: it prepares the version (loads, warms, proves it), then looks at
// every step until it goes on or back. Weights and state change in one transaction.
#include "core/json.h"
#include "delivery/service.h"

namespace pawl::delivery {
namespace {

constexpr Micros look_min = std::chrono::milliseconds(200), look_max = std::chrono::seconds(5);
// On replay a month of events may pass in a minute.
constexpr Micros look_at_replay = std::chrono::milliseconds(500);
// How long after this look the next one comes: twenty looks a hold.
Micros look_every(const std::optional<Config>& config) {
  const RolloutPart rule = config ? config->serve.rollout : RolloutPart{};
  const bool replay = config && config->serve.replay;
  return std::clamp<Micros>(rule.hold_time / 20, look_min, replay ? look_at_replay : look_max);
}

double seconds(Micros d) { return static_cast<double>(d.count()) / 1e6; }

struct Drive {
  std::string rollout{};
  std::int64_t look = 0;
  static constexpr auto fields = std::tuple{field("rollout", &Drive::rollout), field("look", &Drive::look)};
};
constexpr std::string_view job_kind = "delivery.rollout";

Told told_of(const Rollout& r) {
  return {.model = r.model,
          .reason = r.reason,
          .endpoint = r.endpoint,
          .from = r.from == 0 ? "" : version_name(r.model, r.from),
          .to = version_name(r.model, r.to),
          .share = r.share,
          .evidence = r.evidence};
}
// How far apart the gate saw the two versions' answers.
struct Apart {
  std::optional<double> outputs_distance{};
  static constexpr auto fields = std::tuple{field("outputs_distance", &Apart::outputs_distance)};
};
double distance_at_gate(const Gate& gate) {
  double out = 0;
  for (const Check& check : gate.checks) {
    if (check.kind != word(GateKind::better_than) || check.evidence.text.empty()) continue;
    const auto seen = decode<Apart>(check.evidence.text, {.unknown = UnknownKeys::ignore});
    if (seen) out = std::max(out, seen->outputs_distance.value_or(0));
  }
  return out;
}
// Each of its events is the cause of the next.
std::string tell(Call& call, std::string_view what, RolloutRow& row, const std::string& cause) {
  const Rollout& r = row.rollout;
  return row.event = call.tell({.what = "rollout." + std::string(what),
                                .subject_kind = "rollout",
                                .subject = r.id.text,
                                .flow = r.flow,
                                .cause = cause.empty() ? row.event : cause,
                                .data = encode(told_of(r))});
}

}  // namespace

Result<Rollout> Service::rollout(Tx& tx, const RolloutId& id) {
  TRY(found, rows::rollout(tx, id));
  if (!found) return fail(Code::missing, "there is no rollout " + id.text, "id");
  return std::move(found->rollout);
}

// Whose rules hold; nothing by hand, without a gate.
Result<std::optional<Config>> Service::config_of(Tx& tx, const RolloutRow& row) {
  if (row.plan.empty()) return std::optional<Config>{};
  TRY(plan, rows::plan(tx, {row.plan}));
  if (!plan) return fail(Code::unavailable, "the plan " + row.plan + " is not there");
  TRY(config, config_of(*plan));
  return std::optional(std::move(config));
}
namespace {
RolloutPart rules_of(const std::optional<Config>& config) { return config ? config->serve.rollout : RolloutPart{}; }
}  // namespace

Result<RolloutRow> Service::start_rollout(Call& call, RolloutRow row, const std::string& cause) {
  Rollout& r = row.rollout;
  TRY(others, rows::rollouts(call.tx, r.endpoint));
  for (const RolloutRow& other : others)
    if (!ended(other.rollout.state))
      return fail(Code::conflict, "the rollout " + other.rollout.id.text + " of " + r.endpoint + " is under way",
                  "endpoint");
  TRY(config, config_of(call.tx, row));
  r.steps = {100};
  if (config) {
    const RolloutPart& rule = config->serve.rollout;
    r.steps = rule.steps;
    r.hold_s = seconds(rule.hold_time);
    r.rows_needed = rule.hold_predictions;
    TRY(gate, rows::gate_of_version(call.tx, r.model, r.to));
    if (gate) row.gate_distance = distance_at_gate(*gate);
  }
  TRY_(below_.put_endpoint(call, r.endpoint, r.model, config && config->serve.replay,
                           config && config->model.task == ModelTask::regression));
  TRY(weights, below_.weights(call.tx, r.endpoint));
  if (weights) r.from = weights->live(), row.from_rollout = weights->rollout, row.from_step = weights->step;
  if (r.from == r.to) return fail(Code::conflict, version_name(r.model, r.to) + " is live already", "version");
  r.id.text = new_id();
  row.salt = random_.hex_bytes(8);
  r.state = RolloutState::preparing;
  r.reason = "loads, warms and proves " + version_name(r.model, r.to);
  r.started = r.updated = to_rfc3339(call.now());
  tell(call, "started", row, cause);
  TRY_(look_again(call, row, Micros{0}));
  return std::move(row);
}

// The job of the next look. Its number makes sure that a look which ran twice (a worker died after its transaction) has no second heir.
Result<void> Service::look_again(Call& call, RolloutRow& row, Micros wait) {
  ++row.looks;
  TRY_(rows::put(call.tx, row));
  TRY_(jobs::add(call, {.kind = std::string(job_kind),
                        .payload = encode(Drive{row.rollout.id.text, row.looks}),
                        .flow = row.rollout.flow,
                        .wait = wait,
                        .attempts_max = 1000}));
  return {};
}

Result<std::string> Service::drive(const jobs::Job& job) {
  TRY(at, decode<Drive>(job.payload));
  TRY(row, store_.read_for<std::optional<RolloutRow>>([&](Tx& tx) { return rows::rollout(tx, {at.rollout}); }));
  if (!row || row->looks != at.look || ended(row->rollout.state)) return "{}";
  if (row->rollout.state == RolloutState::preparing) return prepare(std::move(*row), at.look);
  return look_at_step(std::move(*row), at.look);
}

namespace {
// The row as it is now, when it is still this look's turn.
Result<std::optional<RolloutRow>> still(Tx& tx, const RolloutRow& row, std::int64_t number) {
  TRY(now, rows::rollout(tx, row.rollout.id));
  if (!now || now->looks != number || ended(now->rollout.state)) return std::optional<RolloutRow>{};
  return std::move(now);
}
}  // namespace

// What cannot be done now is tried again; what can never be done ends the rollout.
Result<std::string> Service::settle(const RolloutRow& row, std::int64_t number, Result<void> done) {
  if (done) return "{}";
  const Code code = done.error().code;
  if (code == Code::busy || code == Code::deadline || code == Code::unavailable || code == Code::internal)
    return std::unexpected(done.error());
  const auto ended = store_.write([&](Tx& tx) -> Result<void> {
    Call call(tx, {.who = pawl_itself(), .clock = &clock_});
    TRY(now, still(tx, row, number));
    if (!now) return {};
    return go_back(call, *now, RolloutState::failed, done.error().message, {});
  });
  if (!ended) return fail(Code::unavailable, ended.error().message, {}, ended.error().detail);
  return "{}";
}

Result<std::string> Service::prepare(RolloutRow row, std::int64_t number) {
  struct Known {
    Version version{};
    std::vector<std::string> inputs{};
  };
  auto known = store_.read_for<Known>([&](Tx& tx) -> Result<Known> {
    Known out;
    TRY(version, below_.version(tx, row.rollout.model, row.rollout.to));
    if (!version) return fail(Code::missing, "there is no version " + version_name(row.rollout.model, row.rollout.to));
    out.version = std::move(*version);
    TRY(config, config_of(tx, row));
    if (config) out.inputs = config->model.inputs;
    return out;
  });
  Result<std::string> digest =
      known ? below_.prepare(known->version, row.digest, known->inputs) : std::unexpected(known.error());
  if (!digest && (digest.error().code == Code::busy || digest.error().code == Code::deadline))
    return std::unexpected(digest.error());  // again, with backoff
  return settle(row, number, store_.write([&](Tx& tx) -> Result<void> {
    Call call(tx, {.who = pawl_itself(), .clock = &clock_});
    TRY(now, still(tx, row, number));
    if (!now) return {};
    if (!digest) return go_back(call, *now, RolloutState::failed, digest.error().message, {});
    if (!now->digest.empty() && now->digest != *digest)
      return go_back(call, *now, RolloutState::failed,
                     "the registered model is not the one that was judged: its digest has changed", {});
    now->digest = *digest;
    return go_to_step(call, *now, now->rollout.from == 0 ? std::ssize(now->rollout.steps) - 1 : 0, {});
  }));
}

Result<void> Service::go_to_step(Call& call, RolloutRow& row, std::int64_t step, const std::string& why) {
  Rollout& r = row.rollout;
  const double share = r.steps[static_cast<std::size_t>(step)];
  if (share >= 100) return go_live(call, row, why);
  r.state = RolloutState::stepping;
  r.step = step;
  r.share = share;
  r.rows = r.errors = 0;
  r.p99_ms = r.held_s = 0;
  r.reason = why;
  r.updated = to_rfc3339(call.now());
  row.held_us = row.shift_rows = row.worse_rows = 0;
  row.looked_us = call.now().us;
  TRY_(below_.set_weights(call, r.endpoint,
                          {.shares = {{r.from, 100 - share, false}, {r.to, share, true}},
                           .rollout = r.id.text,
                           .salt = row.salt,
                           .step = step}));
  tell(call, "stepped", row, {});  // with what the step before has seen
  r.reason.clear();
  r.evidence.clear();
  TRY(config, config_of(call.tx, row));
  return look_again(call, row, look_every(config));
}

namespace {
std::optional<RuleSeen> last_of(const Rollout& r, std::string_view rule) {
  for (const RuleSeen& seen : r.evidence)
    if (seen.rule == rule && seen.level) return seen;  // without a level there was no test
  return {};
}
}  // namespace

Result<std::string> Service::look_at_step(RolloutRow row, std::int64_t number) {
  TRY(config, store_.read_for<std::optional<Config>>([&](Tx& tx) { return config_of(tx, row); }));
  const RolloutPart rule = rules_of(config);
  // The prediction log is read outside the transaction; it only grows, so what it says stays true.
  // While it cannot be read the step holds: whatever the reason, it is tried again.
  const auto unreadable = [&](const Error& e) {
    return fail(Code::unavailable, "the prediction log of " + row.rollout.endpoint + " cannot be read: " + e.message);
  };
  auto tallied = below_.tally(row.rollout.endpoint, row.rollout.id.text, row.rollout.step, true);
  if (!tallied) return unreadable(tallied.error());
  const bool replay = config && config->serve.replay;
  // Time that no server was up does not count: a gap much longer than the time between two looks is one. Nor does a clock that was set back.
  const Time now = clock_.now();
  row.held_us += std::clamp<std::int64_t>(now.us - row.looked_us, 0, 3 * look_every(config).count() + 1'000'000);
  row.looked_us = now.us;
  StepSeen seen{.rows = tallied->rows,
                .requests = tallied->requests,
                .errors = tallied->errors,
                .p99_ms = tallied->p99_ms,
                .held = replay ? std::max(tallied->events, Micros{0}) : Micros{row.held_us},
                .shift = last_of(row.rollout, "prediction_shift"),
                .worse = last_of(row.rollout, "worse_than_live")};
  // Without the comparison the other rules still guard; the step does not end.
  std::string uncompared;
  if (config && (rule.prediction_shift || rule.worse_than_live))
    if (auto compared = compare_arms(row, *config, seen); !compared) uncompared = compared.error().message;
  return settle(row, number, store_.write([&](Tx& tx) -> Result<void> {
    Call call(tx, {.who = pawl_itself(), .clock = &clock_});
    TRY(as_it_is, still(tx, row, number));
    if (!as_it_is || as_it_is->rollout.step != row.rollout.step) return {};
    RolloutRow next = row;
    Rollout& r = next.rollout;
    r.rows = seen.rows, r.errors = seen.errors, r.p99_ms = seen.p99_ms;
    r.held_s = seconds(seen.held);
    r.updated = to_rfc3339(call.now());
    r.evidence = evidence(rule, seen);
    Verdict verdict = look(rule, seen);
    if (verdict.kind == Verdict::next && !uncompared.empty())
      verdict = {Verdict::hold, "holds: the arms cannot be compared: " + uncompared};
    if (verdict.kind == Verdict::back) return go_back(call, next, RolloutState::rolled_back, verdict.reason, {});
    if (verdict.kind == Verdict::next) return go_to_step(call, next, r.step + 1, verdict.reason);
    r.reason = verdict.reason;
    if (replay) r.reason += " (in event time)";
    if (notice_) tx.after_commit([this, data = encode(told_of(r))] { notice_("rollout", data); });
    return look_again(call, next, look_every(config));
  }));
}

// Tests the arms against each other where that is due: when the smaller one has grown by a quarter, and once more before the step ends. Reading
// takes one part in twenty of a thread at most, however long the step lasts.
Result<void> Service::compare_arms(RolloutRow& row, const Config& config, StepSeen& seen) {
  const RolloutPart& rule = config.serve.rollout;
  const Rollout& r = row.rollout;
  Compared last;
  {
    const std::scoped_lock lock(compared_mutex_);
    last = compared_[r.id.text];
  }
  if (last.step != r.step) last = {};
  seen.labelled = last.labelled, seen.labelled_live = last.labelled_live;
  std::int64_t labels = 0;
  if (rule.worse_than_live) {
    TRY(count, below_.labels(r.endpoint));
    labels = count;
  }
  const bool ends = seen.rows >= rule.hold_predictions && seen.held >= rule.hold_time;
  const bool first = last.step != r.step, begins_to_end = ends && !last.ends;
  const bool news = seen.rows != last.rows || labels != last.labels;
  const bool shift_due = rule.prediction_shift && test_is_due(seen.rows, row.shift_rows, shift_rows_min);
  if (!first && !begins_to_end && !(news && (shift_due || ends || labels != last.labels))) return {};
  const Time begun = clock_.now();
  if (begun >= last.ended && begun - last.ended < 20 * last.took) return {};
  TRY(arms, below_.compare(r.endpoint, r.id.text, r.step, r.from, r.to));
  seen.labelled = arms.labelled.canary, seen.labelled_live = arms.labelled.live;
  // Before a step ends each test looks once more, at the rows that have come since.
  const std::int64_t rows = arms.rows.least(), labelled = arms.labelled.least(), needed = labels_needed(rule);
  const bool labels_there = !rule.worse_than_live || labelled >= needed;
  if (rule.prediction_shift && (test_is_due(rows, row.shift_rows, shift_rows_min) ||
                                (ends && rows > row.shift_rows && (labels_there || row.shift_rows == 0)))) {
    const double limit = std::max(*rule.prediction_shift, row.gate_distance);
    seen.shift = shift_of(arms, config.model, limit, row.shift_looks + 1);
    if (seen.shift->looks > row.shift_looks) row.shift_looks = seen.shift->looks, row.shift_rows = rows;
  }
  if (rule.worse_than_live &&
      (test_is_due(labelled, row.worse_rows, needed) || (ends && labels_there && labelled > row.worse_rows))) {
    seen.worse = worse_of(arms, config.model, *rule.worse_than_live, rule.worse_confidence, row.worse_looks + 1);
    if (seen.worse->looks > row.worse_looks) row.worse_looks = seen.worse->looks, row.worse_rows = labelled;
  }
  const Time ended = clock_.now();
  const std::scoped_lock lock(compared_mutex_);
  compared_[r.id.text] = {.step = r.step,
                          .rows = seen.rows,
                          .labels = labels,
                          .labelled = seen.labelled,
                          .labelled_live = seen.labelled_live,
                          .ends = ends,
                          .ended = ended,
                          .took = std::max(ended - begun, Micros{0})};
  return {};
}

void Service::forget_comparison(const RolloutId& id) {
  const std::scoped_lock lock(compared_mutex_);
  compared_.erase(id.text);
}

// `champion`, and every alias that the gate compares with: nobody else may move those.
Result<void> Service::move_aliases(Call& call, const RolloutRow& row, std::int64_t version) {
  std::vector<std::string> names{"champion"};
  TRY(config, config_of(call.tx, row));
  if (config) {
    for (const GateCheck& check : config->gate)
      if (check.kind == GateKind::better_than && check.alias != names.front()) names.push_back(check.alias);
  }
  for (const std::string& name : names)
    TRY_(below_.set_alias(call, row.rollout.model, name, version, {row.rollout.flow}));
  return {};
}

Result<void> Service::go_live(Call& call, RolloutRow& row, const std::string& why) {
  Rollout& r = row.rollout;
  r.state = RolloutState::done;
  r.step = std::ssize(r.steps) - 1;
  r.share = 100;
  r.reason = why;
  r.updated = to_rfc3339(call.now());
  TRY_(below_.set_weights(call, r.endpoint,
                          {.shares = {{r.to, 100, false}}, .rollout = r.id.text, .salt = row.salt, .step = r.step}));
  TRY_(move_aliases(call, row, r.to));
  const std::string event = tell(call, "done", row, {});
  TRY_(rows::put(call.tx, row));
  TRY_(watch_live(call, r.model, event));
  forget_comparison(r.id);
  TRY_(flow_of_rollout_ends(call, row, FlowState::done, "", event));
  return recheck(call, r.model, event);
}

Result<void> Service::go_back(Call& call, RolloutRow& row, RolloutState to, std::string reason,
                              const std::string& cause) {
  Rollout& r = row.rollout;
  if (!may_follow(r.state, to))
    return fail(Code::conflict, "the rollout " + r.id.text + " is " + std::string(word(r.state)), "name");
  const bool was_live = r.state == RolloutState::done;
  const bool had_traffic = r.state != RolloutState::preparing;
  r.state = to;
  r.share = 0;
  r.reason = std::move(reason);
  r.updated = to_rfc3339(call.now());
  if (had_traffic)
    TRY_(below_.set_weights(
        call, r.endpoint,
        {.shares = {{r.from, 100, false}}, .rollout = row.from_rollout, .salt = row.salt, .step = row.from_step}));
  if (was_live) TRY_(move_aliases(call, row, r.from));
  const std::string event = tell(call, word(to), row, cause);
  TRY_(rows::put(call.tx, row));
  if (was_live) TRY_(watch_live(call, r.model, event));
  forget_comparison(r.id);
  if (!was_live)
    TRY_(flow_of_rollout_ends(call, row, to == RolloutState::failed ? FlowState::failed : FlowState::rejected, r.reason,
                              event));
  return recheck(call, r.model, event);
}

Result<void> Service::flow_of_rollout_ends(Call& call, const RolloutRow& row, FlowState to, const std::string& reason,
                                           const std::string& cause) {
  if (row.rollout.flow.empty()) return {};
  TRY(found, rows::flow(call.tx, {row.rollout.flow}));
  if (!found || found->flow.state != FlowState::rolling_out) return {};
  return move(call, *found, to, to == FlowState::rejected ? "rolled back: " + reason : reason, cause);
}

// ---- by hand ----

Result<Rollout> Service::deploy(Call& call, const DeployAsk& ask) {
  TRY(version, below_.version(call.tx, ask.model, ask.version));
  if (!version) return fail(Code::missing, "there is no version " + version_name(ask.model, ask.version), "version");
  RolloutRow row{.rollout = {.endpoint = ask.endpoint.empty() ? ask.model : ask.endpoint,
                             .model = ask.model,
                             .to = ask.version,
                             .by = call.who.name}};
  TRY(plan, rows::plan_in_force(call.tx, ask.model));
  if (plan) {
    TRY(config, config_of(*plan));
    if (!ask.endpoint.empty() && ask.endpoint != config.serve.endpoint)
      return fail(Code::invalid, "pawl.yaml in force serves " + ask.model + " on the endpoint " + config.serve.endpoint,
                  "endpoint");
    row.rollout.endpoint = config.serve.endpoint;
    TRY(gate, rows::gate_of_version(call.tx, ask.model, ask.version));
    if (!gate)
      return fail(Code::conflict,
                  version_name(ask.model, ask.version) + " was judged by no gate: only what has passed goes live",
                  "version");
    if (gate->state != CheckState::pass)
      return fail(Code::conflict,
                  "the gate of " + version_name(ask.model, ask.version) + " says " + std::string(word(gate->state)) +
                      ": " + why_not_passed(gate->checks),
                  "version");
    // A gate that judged under another declaration has not let it through this one.
    if (json_at(gate->digests.text, "plan").value_or("") != "\"" + plan->digest + "\"")
      return fail(Code::conflict, version_name(ask.model, ask.version) + " passed a gate that is not in force any more",
                  "version");
    row.plan = plan->plan.id.text;
    TRY(made_by, rows::flow(call.tx, {gate->flow}));
    if (made_by) {
      row.digest = made_by->digest;
      if (!made_by->flow.approval.empty()) row.approvals = {made_by->flow.approval};
    }
  }
  TRY(started, start_rollout(call, std::move(row), {}));
  return std::move(started.rollout);
}

Result<Rollout> Service::roll_back(Call& call, const RollbackAsk& ask) {
  TRY(all, rows::rollouts(call.tx, ask.name));
  if (all.empty()) return fail(Code::missing, "nothing was ever rolled out to an endpoint " + ask.name, "name");
  const std::string reason = ask.reason.empty() ? "by hand" : "by hand: " + ask.reason;
  TRY(weights, below_.weights(call.tx, ask.name));
  const std::int64_t live = weights ? weights->live() : 0;
  for (RolloutRow& row : all) {
    const bool under_way = !ended(row.rollout.state);
    if (!under_way && (row.rollout.state != RolloutState::done || row.rollout.to != live)) continue;
    if (!under_way && row.rollout.from == 0)
      return fail(
          Code::conflict,
          version_name(row.rollout.model, live) + " is the first version on " + ask.name + ": there is none before it",
          "name");
    TRY_(go_back(call, row, RolloutState::rolled_back, reason, {}));
    return rollout(call.tx, row.rollout.id);
  }
  return fail(Code::conflict, "there is nothing to roll back on " + ask.name, "name");
}

// The next step, whatever this one still waits for. The look that waits for its turn finds a newer one and does nothing.
Result<Rollout> Service::promote(Call& call, const PromoteAsk& ask) {
  TRY(all, rows::rollouts(call.tx, ask.name));
  for (RolloutRow& row : all) {
    const Rollout& r = row.rollout;
    if (ended(r.state)) continue;
    if (r.state == RolloutState::preparing)
      return fail(Code::conflict, version_name(r.model, r.to) + " is being prepared: there is no step to end yet",
                  "name");
    if (ask.step && *ask.step != r.step)
      return fail(Code::conflict, "the rollout is at step " + std::to_string(r.step) + " by now: look again", "step");
    TRY_(go_to_step(call, row, r.step + 1, "by hand: " + ask.reason));
    return rollout(call.tx, r.id);
  }
  return fail(Code::conflict, "no rollout of " + ask.name + " is under way: pawl deploy MODEL@VERSION starts one",
              "name");
}

Result<bool> Service::guards_alias(Tx& tx, std::string_view model, std::string_view alias) {
  TRY(plan, rows::plan_in_force(tx, model));
  if (!plan) return false;
  TRY(config, config_of(*plan));
  if (alias == "champion") return true;
  return std::any_of(config.gate.begin(), config.gate.end(), [&](const GateCheck& check) {
    return check.kind == GateKind::better_than && check.alias == alias;
  });
}

}  // namespace pawl::delivery
