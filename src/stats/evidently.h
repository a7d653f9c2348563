// The numbers of Evidently 0.7.23 with their quirks (`compat: evidently`): the same tests, chosen by the same rule, to relative 1e-9 (p-values 1e-6).
// float32 columns are cast to float64 first; Evidently bins those in float32.
#pragma once
#include "stats/two_sample.h"

namespace pawl::stats::evidently {

enum class Test { ks, wasserstein, jensenshannon, psi, kl_div, hellinger, chisquare, z };
constexpr double threshold_default(Test t) {
  return t == Test::ks || t == Test::chisquare || t == Test::z ? 0.05 : 0.1;
}

struct Score {
  Test test = Test::ks;
  double score = none;  // a p-value for ks, chisquare and z, else a distance
  double threshold = none;
  bool drifted = false;
  std::string note{};  // why there is no score
};
// What DataDriftPreset() takes by itself. Up to 1000 rows of reference: ks; with 3 to 5 distinct values in both, or categories, chisquare, with fewer z.
// More rows: wasserstein; up to 5 distinct values, or categories, jensenshannon.
Test chosen(const Sample& reference, const Sample& current);
Test chosen(const Counts& reference, const Counts& current);

Score score(Test test, const Sample& reference, const Sample& current, double threshold);
Score score(Test test, const Counts& reference, const Counts& current, double threshold);
// Chosen test and threshold.
Score score(const Sample& reference, const Sample& current);
Score score(const Counts& reference, const Counts& current);

// Has the whole dataset drifted: the share of drifted among the tested columns.
constexpr double drift_share_default = 0.5;
double drift_share(std::span<const Score> columns);

}  // namespace pawl::stats::evidently
template <> inline constexpr auto pawl::words<pawl::stats::evidently::Test> = std::to_array<std::string_view>(
    {"ks", "wasserstein", "jensenshannon", "psi", "kl_div", "hellinger", "chisquare", "z"});
