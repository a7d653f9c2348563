// What the log has of the two arms of a step, as the rules `prediction_shift` and `worse_than_live` see it. Pure. The tests deal requests again
// (stats/randomised.h); docs/rollouts.md says what that assumes.
#pragma once
#include "delivery/config.h"
#include "delivery/types.h"
#include "serving/compare.h"

namespace pawl::delivery {

constexpr double shift_alpha =
    0.05;  // how often a rollout of an equal version is called shifted at most, before the distance counts as well

// `look`: which test of the rollout this is. A result with looks == look was tested; else it says in `note` why not, and no look was spent.
RuleSeen shift_of(const serving::ArmsSeen& arms, const ModelPart& model, double limit, std::int64_t look);
RuleSeen worse_of(const serving::ArmsSeen& arms, const ModelPart& model, stats::Metric metric, double confidence,
                  std::int64_t look);

}  // namespace pawl::delivery
