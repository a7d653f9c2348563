#include "delivery/gate.h"

#include <fmt/format.h>

#include "core/json.h"

namespace pawl::delivery {
namespace {

std::string number(double x) { return fmt::format("{:.6g}", x); }

const Estimate* find(const std::vector<Estimate>& list, stats::Metric m) {
  for (const Estimate& e : list)
    if (e.metric == m) return &e;
  return nullptr;
}
void take(Check& out, const Estimate& e) { out.estimate = e.estimate, out.low = e.low, out.high = e.high, out.n = e.n; }

// Evidence that is more than one number.
struct MetricEvidence {
  std::optional<double> logged{}, champion{};
  std::int64_t days = 0, draws = 0, seed = 0, rows_left_out = 0;
  std::string later_than{};
  std::optional<double> outputs_distance{};
  static constexpr auto fields = std::tuple{field("logged", &MetricEvidence::logged),
                                            field("champion", &MetricEvidence::champion),
                                            field("days", &MetricEvidence::days),
                                            field("draws", &MetricEvidence::draws),
                                            field("seed", &MetricEvidence::seed),
                                            field("rows_left_out", &MetricEvidence::rows_left_out),
                                            field("later_than", &MetricEvidence::later_than),
                                            field("outputs_distance", &MetricEvidence::outputs_distance)};
};
MetricEvidence evidence_of(const EvaluateResult& seen) {
  return {.days = seen.days,
          .draws = seen.draws,
          .seed = seen.seed,
          .rows_left_out = seen.rows_left_out,
          .later_than = seen.later_than};
}

void judge_metric(Check& out, const GateCheck& rule, const EvaluateResult& seen, const GateContext& context) {
  out.expected = rule.max && rule.min ? number(*rule.min) + " to " + number(*rule.max)
                 : rule.max           ? "at most " + number(*rule.max)
                                      : "at least " + number(*rule.min);
  const Estimate* e = find(seen.metrics, rule.metric);
  if (e == nullptr || (e->state == CheckState::pass && !e->estimate)) {
    out.state = CheckState::error, out.reason = "the evaluation says nothing about it";
    return;
  }
  take(out, *e);
  out.state = e->state, out.reason = e->reason;
  MetricEvidence evidence = evidence_of(seen);
  if (const auto logged = context.logged.find(word(rule.metric)); logged != context.logged.end())
    evidence.logged = logged->second;
  if (const Estimate* c = find(seen.champion_metrics, rule.metric)) evidence.champion = c->estimate;
  out.evidence.text = encode(evidence);
  if (out.state != CheckState::pass) return;
  out.seen = number(*e->estimate);
  const bool good = (!rule.max || *e->estimate <= *rule.max) && (!rule.min || *e->estimate >= *rule.min);
  if (good) return;
  out.state = CheckState::fail;
  out.reason = fmt::format("{} is {}, expected {}", word(rule.metric), out.seen, out.expected);
}

void judge_better(Check& out, const GateCheck& rule, const EvaluateResult& seen, const GateContext& context) {
  out.expected = fmt::format("better than {} in {} with {}% confidence", rule.alias, word(rule.metric),
                             number(rule.confidence * 100));
  if (context.live == 0) {
    out.state = CheckState::pass, out.seen = "first version", out.reason = "first version: nothing is live yet";
    return;
  }
  if (!context.champion) {
    out.state = CheckState::error;
    out.reason = fmt::format("version {} is live, but no version has the alias `{}`", context.live, rule.alias);
    return;
  }
  const Estimate* e = find(seen.differences, rule.metric);
  if (e == nullptr || (e->state == CheckState::pass && (!e->low || !e->estimate))) {
    out.state = CheckState::error, out.reason = "the evaluation says nothing about it";
    return;
  }
  take(out, *e);
  out.state = e->state, out.reason = e->reason;
  MetricEvidence evidence = evidence_of(seen);
  if (const Estimate* c = find(seen.champion_metrics, rule.metric)) evidence.champion = c->estimate;
  evidence.outputs_distance = seen.outputs_distance;
  out.evidence.text = encode(evidence);
  if (out.state != CheckState::pass) return;
  out.seen = fmt::format("{} better by {} [{}, {}]", word(rule.metric), number(*e->estimate), number(*e->low),
                         number(e->high.value_or(0)));
  if (*e->low > 0) return;
  out.state = CheckState::fail;
  out.reason =
      *e->estimate > 0 ? "better, but not surely: the interval's lower end is not above 0" : "it is not better";
}

void judge_slices(Check& out, const GateCheck& rule, const EvaluateResult& seen) {
  out.expected =
      fmt::format("no {} worse than overall by more than {} in {}", rule.by, number(rule.max_gap), word(rule.metric));
  const Sliced* found = nullptr;
  for (const Sliced& s : seen.slices)
    if (s.by == rule.by && s.overall.metric == rule.metric) found = &s;
  if (found == nullptr) {
    out.state = CheckState::error, out.reason = "the evaluation says nothing about it";
    return;
  }
  out.state = found->overall.state, out.reason = found->overall.reason, out.n = found->overall.n;
  out.evidence.text = encode(*found);
  if (out.state != CheckState::pass) return;
  const Slice* worst = nullptr;
  double gap = 0;
  for (const Slice& s : found->items) {
    if (!s.judged || !s.estimate) continue;
    const double worse = stats::low_is_good(rule.metric) ? *s.estimate - *found->overall.estimate
                                                         : *found->overall.estimate - *s.estimate;
    if (worst == nullptr || worse > gap) worst = &s, gap = worse;
  }
  if (worst == nullptr) {
    out.state = CheckState::empty, out.reason = "no value of " + rule.by + " has enough rows to be judged";
    return;
  }
  out.estimate = gap;
  out.seen = fmt::format("{} {}: {} against {} overall", rule.by, worst->value, number(*worst->estimate),
                         number(*found->overall.estimate));
  if (gap <= rule.max_gap) return;
  out.state = CheckState::fail;
  out.reason = fmt::format("{} {} is worse than overall by {}", rule.by, worst->value, number(gap));
}

void judge_data(Check& out, const GateCheck& rule, const EvaluateResult& seen) {
  out.expected = "no finding by " + rule.checks;
  for (const Checked& c : seen.checks) {
    if (c.path != rule.checks) continue;
    out.state = c.state, out.reason = c.reason, out.n = c.n, out.evidence = c.findings;
    out.seen = c.state == CheckState::pass ? "no finding" : c.reason;
    return;
  }
  out.state = CheckState::error, out.reason = "the evaluation says nothing about it";
}

}  // namespace

std::vector<Check> judge(const std::vector<GateCheck>& gate, const EvaluateResult& seen, const GateContext& context) {
  std::vector<Check> out;
  for (const GateCheck& rule : gate) {
    if (rule.kind == GateKind::approve) continue;
    Check& check = out.emplace_back(Check{.name = rule.name(), .kind = std::string(word(rule.kind))});
    switch (rule.kind) {
      case GateKind::metric: judge_metric(check, rule, seen, context); break;
      case GateKind::better_than: judge_better(check, rule, seen, context); break;
      case GateKind::slices: judge_slices(check, rule, seen); break;
      case GateKind::data: judge_data(check, rule, seen); break;
      case GateKind::approve: break;
    }
    // The whole could not be done: no part may look better than that. "First version" stands on its own, and so does a data check that was made.
    const bool alone =
        (rule.kind == GateKind::better_than && (context.live == 0 || !context.champion)) ||
        (rule.kind == GateKind::data &&
         std::any_of(seen.checks.begin(), seen.checks.end(), [&](const Checked& c) { return c.path == rule.checks; }));
    if (!alone && seen.state != CheckState::pass) check.state = seen.state, check.reason = seen.reason;
  }
  return out;
}

Check approve_check(const GateCheck& rule, const std::vector<Check>& others, const GateContext& context) {
  Check out{.name = rule.name(), .kind = "approve", .state = CheckState::waiting};
  out.expected = fmt::format("{} {}{}", rule.count, rule.by, rule.not_author ? ", not an author" : "");
  if (const CheckState rest = overall(others); rest != CheckState::pass) {
    out.reason = "opens when every other check has passed";
    return out;
  }
  if (rule.not_author && !context.unmapped.empty()) {
    std::string who;
    for (const auto& mail : context.unmapped) who += (who.empty() ? "" : ", ") + mail;
    out.state = CheckState::inconclusive;
    out.reason =
        "whose commits are those of " + who + "? An operator says: pawl user map " + context.unmapped.front() + " USER";
    return out;
  }
  out.reason = "waits for an approval";
  return out;
}

CheckState overall(const std::vector<Check>& checks) {
  using enum CheckState;
  CheckState out = pass;
  const auto rank = [](CheckState s) {  // the worst that happened names the whole
    switch (s) {
      case pass: return 0;
      case waiting: return 1;
      case inconclusive: return 2;
      case empty: return 3;
      case error: return 4;
      case fail: return 5;
    }
    return 4;
  };
  for (const Check& c : checks)
    if (rank(c.state) > rank(out)) out = c.state;
  return checks.empty() ? empty : out;
}

std::string why_not_passed(const std::vector<Check>& checks) {
  const CheckState worst = overall(checks);
  for (const Check& c : checks)
    if (c.state == worst && worst != CheckState::pass)
      return c.name + ": " + std::string(word(c.state)) + (c.reason.empty() ? "" : ", " + c.reason);
  return {};
}

EvaluateAsk ask_for(const Config& config, const Files& files) {
  EvaluateAsk out{.model = config.model.name,
                  .task = config.model.task,
                  .label = config.model.label,
                  .time = config.model.time,
                  .score = config.model.score,
                  .positive = config.model.positive,
                  .classes = config.model.classes,
                  .train = {config.train.train, {}},
                  .test = {config.train.test, {}},
                  .reference = config.watch ? config.watch->reference : WatchPart{}.reference};
  const auto want = [&](stats::Metric m) {
    if (std::find(out.metrics.begin(), out.metrics.end(), m) == out.metrics.end()) out.metrics.push_back(m);
  };
  for (const GateCheck& check : config.gate) {
    switch (check.kind) {
      case GateKind::metric: want(check.metric); break;
      case GateKind::better_than: want(check.metric), out.compare.push_back({check.metric, check.confidence}); break;
      case GateKind::slices: out.slices.push_back({check.by, check.metric}); break;
      case GateKind::data:
        if (const auto file = files.find(check.checks); file != files.end())
          out.checks.push_back({check.checks, file->second});
        break;
      case GateKind::approve: break;
    }
  }
  return out;
}

}  // namespace pawl::delivery
