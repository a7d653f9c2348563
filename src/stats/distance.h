// How far two sets of values are from each other.
#pragma once
#include <span>

namespace pawl::stats {

// The area between the two empirical distribution functions, as scipy.stats.wasserstein_distance. NaN must be left out before; NaN for an empty side.
double wasserstein(std::span<const double> a, std::span<const double> b);
// The square root of the Jensen–Shannon divergence in bits, in [0, 1], of two lists of counts over the same categories.
double jensen_shannon(std::span<const double> a, std::span<const double> b);
double std_dev(std::span<const double> values);  // of the values themselves (divided by n)
// wasserstein(a, b) in deviations of b, as Evidently norms it: a deviation below std_dev_min (stats/drift.h) counts as that.
double wasserstein_normed(std::span<const double> a, std::span<const double> b);

}  // namespace pawl::stats
