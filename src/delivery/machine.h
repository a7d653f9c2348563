// The states of flows and rollouts, and which step may follow which. Everything else asks these two tables.
//
//   flow     queued -> training -> judging -> waiting -> rolling_out -> done
//            Ends: done, rejected (a check said no, an approval was refused, the rollout came back: a correct outcome), failed (it could not be
//            done), superseded (a newer push), nothing_new, stopped (by hand). `waiting` goes back to `judging` when what an approval was
//            bound to has changed. A version registered by hand has no training.
//   rollout  preparing -> stepping -> done | rolled_back | failed. A first version goes from preparing to done. `done` can still be rolled back.
#pragma once
#include "core/time.h"
#include "delivery/config.h"
#include "delivery/types.h"

namespace pawl::delivery {

bool may_follow(FlowState from, FlowState to);
bool may_follow(RolloutState from, RolloutState to);
bool ended(FlowState s);
bool active(FlowState s);  // neither queued nor ended: one a model
bool ended(RolloutState s);

// What is known of a step when it is looked at.
struct StepSeen {
  std::int64_t rows = 0, requests = 0, errors = 0;
  double p99_ms = 0;
  Micros held{0};
  std::int64_t labelled = 0, labelled_live = 0;
  std::optional<RuleSeen> shift{}, worse{};  // the last tests between the arms, where there was one
};
struct Verdict {
  enum Kind { hold, next, back } kind = hold;
  std::string reason{};
};
// `error_rate` goes back as soon as the evidence is strong (a sequential test that may look at any time), or when the step's end is reached over
// the limit. `p99_ms` needs 100 requests, or the step's end. The tests between the arms go back as soon as they fail. With `worse_than_live`
// a step waits for labels, as long as `no_labels_after` says. docs/rollouts.md has every rule.
Verdict look(const RolloutPart& rule, const StepSeen& seen);
// One for each declared rule: what it has seen.
std::vector<RuleSeen> evidence(const RolloutPart& rule, const StepSeen& seen);

// Labelled rows that each arm needs before `worse_than_live` judges.
std::int64_t labels_needed(const RolloutPart& rule);
// Whether it is worth testing: the smaller arm has enough rows, and a quarter more than at the last test. So the rows that all tests of a step read
// together are at most five times those of the last one.
bool test_is_due(std::int64_t rows, std::int64_t rows_then, std::int64_t rows_min);
constexpr std::int64_t shift_rows_min = 30;

}  // namespace pawl::delivery
