// Two versions that requests were dealt to at random: is the difference between them more than the dealing explains? The requests are dealt again and
// again, as often to each side as they were; p is the share of those deals with at least as large a difference. Nothing else is assumed: rows of one
// request or key stay together (a unit), and whatever hangs together in time does so on both sides of every deal (docs/rollouts.md).
//
// Looked at many times: the k-th look rejects at alpha / (k (k+1)), which adds up to alpha however many looks there are.
#pragma once
#include <functional>

#include "stats/metrics.h"

namespace pawl::stats {

double level_of_look(double alpha, std::int64_t look);  // look 1, 2, …

// Which side each unit was dealt to: 1 the second.
struct Deal {
  std::vector<std::int32_t> second{};
  std::int64_t units(bool of_second) const;
};
struct ByChance {
  double seen = none;  // the difference as it is
  double p = none;     // none: one side has no unit, or the difference is not defined
  int deals = 0;
};
// `difference` of any deal. Deals until 10 had as large a difference (Besag & Clifford 1991: p = 10/deals), or p can fall well below `level`.
ByChance by_chance(const Deal& deal, double level, const std::function<double(const Deal&)>& difference,
                   std::uint64_t seed = 20130101);

// The Wasserstein distance of the two sides over the standard deviation of the first. `unit[i]` is that of value i.
ByChance distance_by_chance(std::span<const double> values, std::span<const int> unit, const Deal& deal, double level);
// The Jensen–Shannon distance (base 2) of classes 0 … classes-1.
ByChance distance_by_chance(std::span<const int> chosen, int classes, std::span<const int> unit, const Deal& deal,
                            double level);
// How much worse the second side's metric is. The groups of `model` are the units, the rows those of both sides.
ByChance worse_by_chance(Metric m, const Grouped& model, const Deal& deal, double level);

}  // namespace pawl::stats
