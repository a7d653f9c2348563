#include "delivery/machine.h"

#include <fmt/format.h>

#include "stats/sequential.h"

namespace pawl::delivery {
namespace {

constexpr std::int64_t p99_requests_min = 100;  // below it the largest of the latencies is its p99
constexpr std::int64_t labels_enough = 100;

template <class E> using Row = std::pair<E, std::vector<E>>;
template <class E> bool listed(const std::vector<Row<E>>& table, E from, E to) {
  for (const auto& [state, next] : table)
    if (state == from) return std::find(next.begin(), next.end(), to) != next.end();
  return false;
}

}  // namespace

bool may_follow(FlowState from, FlowState to) {
  using enum FlowState;
  static const std::vector<Row<FlowState>> table{
      {queued, {training, judging, superseded, stopped, failed}},
      {training, {judging, nothing_new, failed, stopped}},
      {judging, {waiting, rolling_out, rejected, failed, stopped, judging}},
      {waiting, {judging, rolling_out, rejected, superseded, failed, stopped}},
      {rolling_out, {done, rejected, failed}},
  };
  return listed(table, from, to);
}
bool may_follow(RolloutState from, RolloutState to) {
  using enum RolloutState;
  static const std::vector<Row<RolloutState>> table{
      {preparing, {stepping, done, rolled_back, failed}},
      {stepping, {stepping, done, rolled_back, failed}},
      {done, {rolled_back}},
  };
  return listed(table, from, to);
}
bool ended(FlowState s) {
  using enum FlowState;
  return s == done || s == rejected || s == failed || s == superseded || s == nothing_new || s == stopped;
}
bool active(FlowState s) { return s != FlowState::queued && !ended(s); }
bool ended(RolloutState s) { return s != RolloutState::preparing && s != RolloutState::stepping; }

std::int64_t labels_needed(const RolloutPart& rule) {
  return std::min(labels_enough, std::max<std::int64_t>(rule.hold_predictions, 1));
}
bool test_is_due(std::int64_t rows, std::int64_t rows_then, std::int64_t rows_min) {
  return rows >= rows_min && rows >= rows_then + std::max<std::int64_t>(rows_then / 4, 1);
}

namespace {

double rate_of(const StepSeen& seen) {
  return seen.requests == 0 ? 0 : static_cast<double>(seen.errors) / static_cast<double>(seen.requests);
}
std::string seconds(Micros d) { return std::to_string(std::chrono::ceil<std::chrono::seconds>(d).count()) + " s"; }
std::string said(const RuleSeen& test) {
  if (test.rule == "prediction_shift")
    return fmt::format(
        "prediction_shift: the answers of the two versions are {:.4g} apart, the limit is {:.4g} (p = {:.2g} "
        "over {} and {} rows)",
        test.seen.value_or(0), test.limit.value_or(0), test.p.value_or(1), test.n, test.n_live);
  return fmt::format(
      "worse_than_live: {:.4g} against {:.4g} of the live version (p = {:.2g} over {} and {} labelled rows)",
      test.canary.value_or(0), test.live.value_or(0), test.p.value_or(1), test.n, test.n_live);
}
bool fails(const std::optional<RuleSeen>& test) { return test && test->state == CheckState::fail; }
bool judged(const std::optional<RuleSeen>& test) { return test && test->state != CheckState::waiting; }
bool enough_labels(const RolloutPart& rule, const StepSeen& seen) {
  return std::min(seen.labelled, seen.labelled_live) >= labels_needed(rule);
}
// Once there are labels they decide: a version may answer otherwise when it is not wrong more often.
bool labels_decide(const RolloutPart& rule, const StepSeen& seen) {
  return rule.worse_than_live && enough_labels(rule, seen);
}

// What a step waits for although it has held long enough; empty: nothing.
Verdict without_labels(const RolloutPart& rule, const StepSeen& seen) {
  const std::int64_t needed = labels_needed(rule);
  const std::string missing = fmt::format("{} of {} labels of the new version, {} of {} of the live one", seen.labelled,
                                          needed, seen.labelled_live, needed);
  if (!rule.no_labels_after) return {Verdict::hold, "holds: waits for labels: " + missing};
  if (seen.held < *rule.no_labels_after)
    return {Verdict::hold,
            "holds: waits for labels, " + seconds(*rule.no_labels_after - seen.held) + " more: " + missing};
  const std::string late = "no labels after " + to_text(*rule.no_labels_after) + ": " + missing;
  switch (rule.no_labels_then) {
    case NoLabels::promote: return {Verdict::next, late};
    case NoLabels::rollback: return {Verdict::back, "no_labels_after: " + late};
    case NoLabels::hold: break;
  }
  return {Verdict::hold, "holds: " + late + ". It waits for them, or for a person"};
}

}  // namespace

Verdict look(const RolloutPart& rule, const StepSeen& seen) {
  if (rule.error_rate && stats::rate_above(seen.errors, seen.requests, *rule.error_rate) >= stats::alarm_at_5_percent)
    return {Verdict::back, fmt::format("error_rate: {} of {} requests failed, the limit is {}", seen.errors,
                                       seen.requests, *rule.error_rate)};
  if (rule.p99_ms && seen.requests >= p99_requests_min && seen.p99_ms > *rule.p99_ms)
    return {Verdict::back, fmt::format("p99_ms: {:.4g} ms over {} requests, the limit is {}", seen.p99_ms,
                                       seen.requests, *rule.p99_ms)};
  if (rule.worse_than_live && fails(seen.worse)) return {Verdict::back, said(*seen.worse)};
  if (rule.prediction_shift && fails(seen.shift) && !labels_decide(rule, seen))
    return {Verdict::back, said(*seen.shift)};
  std::string waits;
  if (seen.rows < rule.hold_predictions)
    waits = fmt::format("{} more predictions by the new version", rule.hold_predictions - seen.rows);
  if (seen.held < rule.hold_time)
    waits += (waits.empty() ? "" : " and ") + seconds(rule.hold_time - seen.held) + " more";
  if (!waits.empty()) return {Verdict::hold, "holds: " + waits};
  if (rule.error_rate && rate_of(seen) > *rule.error_rate)
    return {Verdict::back, fmt::format("error_rate: {} of {} requests failed in the whole step, the limit is {}",
                                       seen.errors, seen.requests, *rule.error_rate)};
  if (rule.p99_ms && seen.requests > 0 && seen.p99_ms > *rule.p99_ms)
    return {Verdict::back,
            fmt::format("p99_ms: {:.4g} ms in the whole step, the limit is {}", seen.p99_ms, *rule.p99_ms)};
  // A rule that could not judge lets nothing through, unless the step asks for no traffic at all.
  if (rule.prediction_shift && rule.hold_predictions > 0 && !labels_decide(rule, seen) && !judged(seen.shift))
    return {Verdict::hold, "holds: prediction_shift: " + (seen.shift ? seen.shift->note : "not tested yet")};
  if (rule.worse_than_live && !enough_labels(rule, seen)) return without_labels(rule, seen);
  if (rule.worse_than_live && !judged(seen.worse))
    return {Verdict::hold, "holds: worse_than_live: " + (seen.worse ? seen.worse->note : "not tested yet")};
  return {Verdict::next, {}};
}

std::vector<RuleSeen> evidence(const RolloutPart& rule, const StepSeen& seen) {
  std::vector<RuleSeen> out;
  const Verdict verdict = look(rule, seen);
  const auto state_of = [&](std::string_view name, bool any) {
    if (verdict.kind == Verdict::back && verdict.reason.starts_with(std::string(name) + ":")) return CheckState::fail;
    return any ? CheckState::pass : CheckState::waiting;
  };
  if (rule.error_rate)
    out.push_back({.rule = "error_rate",
                   .state = state_of("error_rate", seen.requests > 0),
                   .seen = rate_of(seen),
                   .limit = rule.error_rate,
                   .n = seen.requests});
  if (rule.p99_ms)
    out.push_back({.rule = "p99_ms",
                   .state = state_of("p99_ms", seen.requests >= p99_requests_min),
                   .seen = seen.p99_ms,
                   .limit = rule.p99_ms,
                   .n = seen.requests});
  if (rule.prediction_shift)
    out.push_back(seen.shift.value_or(RuleSeen{.rule = "prediction_shift",
                                               .state = CheckState::waiting,
                                               .limit = rule.prediction_shift,
                                               .n = seen.rows,
                                               .note = fmt::format("tested from {} rows on", shift_rows_min)}));
  if (rule.prediction_shift && fails(seen.shift) && labels_decide(rule, seen))
    out.back().state = CheckState::pass, out.back().note = "they differ; the labels decide";
  if (rule.worse_than_live)
    out.push_back(seen.worse.value_or(
        RuleSeen{.rule = "worse_than_live",
                 .state = CheckState::waiting,
                 .n = seen.labelled,
                 .n_live = seen.labelled_live,
                 .note = fmt::format("tested from {} labelled rows of each version on", labels_needed(rule))}));
  return out;
}

}  // namespace pawl::delivery
