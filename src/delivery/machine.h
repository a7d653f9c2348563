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

// What a look at a step decides.
struct StepSeen {
  std::int64_t rows = 0, requests = 0, errors = 0;
  double p99_ms = 0;
  Micros held{0};
};
struct Verdict {
  enum Kind { hold, next, back } kind = hold;
  std::string reason{};
};
// `error_rate` goes back as soon as the evidence is strong (a sequential test that may look at any time), or when the step's end is reached over
// the limit. `p99_ms` needs 100 requests, or the step's end.
Verdict look(const RolloutPart& rule, const StepSeen& seen);

}  // namespace pawl::delivery
