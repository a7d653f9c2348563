#include "delivery/machine.h"

#include <fmt/format.h>

#include "stats/sequential.h"

namespace pawl::delivery {
namespace {

constexpr std::int64_t p99_requests_min = 100;  // below it the largest of the latencies is its p99

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

Verdict look(const RolloutPart& rule, const StepSeen& seen) {
  const double rate = seen.requests == 0 ? 0 : static_cast<double>(seen.errors) / static_cast<double>(seen.requests);
  if (rule.error_rate && stats::rate_above(seen.errors, seen.requests, *rule.error_rate) >= stats::alarm_at_5_percent)
    return {Verdict::back, fmt::format("error_rate: {} of {} requests failed, the limit is {}", seen.errors,
                                       seen.requests, *rule.error_rate)};
  if (rule.p99_ms && seen.requests >= p99_requests_min && seen.p99_ms > *rule.p99_ms)
    return {Verdict::back, fmt::format("p99_ms: {:.4g} ms over {} requests, the limit is {}", seen.p99_ms,
                                       seen.requests, *rule.p99_ms)};
  std::string waits;
  if (seen.rows < rule.hold_predictions)
    waits = fmt::format("{} more predictions by the new version", rule.hold_predictions - seen.rows);
  if (seen.held < rule.hold_time) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(rule.hold_time - seen.held);
    waits += fmt::format("{}{} s more", waits.empty() ? "" : " and ", left.count());
  }
  if (!waits.empty()) return {Verdict::hold, "holds: " + waits};
  if (rule.error_rate && rate > *rule.error_rate)
    return {Verdict::back, fmt::format("error_rate: {} of {} requests failed in the whole step, the limit is {}",
                                       seen.errors, seen.requests, *rule.error_rate)};
  if (rule.p99_ms && seen.requests > 0 && seen.p99_ms > *rule.p99_ms)
    return {Verdict::back,
            fmt::format("p99_ms: {:.4g} ms in the whole step, the limit is {}", seen.p99_ms, *rule.p99_ms)};
  return {Verdict::next, {}};
}

}  // namespace pawl::delivery
