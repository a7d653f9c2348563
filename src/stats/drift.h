// Has a column changed? pawl's own rule (`test: auto`): it has when a significance test says so (Benjamini–Hochberg over the columns) *and* a distance
// is above its limit: p-values alone grow with the number of rows, distances alone alarm on few rows (docs/monitoring.md).
//   numbers     Kolmogorov–Smirnov            and  Wasserstein / standard deviation of the reference
//   categories  homogeneity (two_sample.h)    and  Jensen–Shannon in base 2
#pragma once
#include <functional>

#include "stats/two_sample.h"

namespace pawl::stats {

constexpr double distance_limit_default = 0.1;
constexpr double alpha_default = 0.05;
// A constant reference divides by this, as Evidently does.
constexpr double std_dev_min = 0.001;
constexpr int psi_bins = 10;

struct Drift {
  double statistic = none;  // D, or X²
  double p = none, q = none;
  double distance = none, limit = distance_limit_default;
  double psi = none;            // shown beside: ten bins at the quantiles of the reference, or one per category
  double psi_by_chance = none;  // 95 % of the windows without any drift stay below
  bool tested = false, drifted = false;
  std::vector<std::string> pooled{};  // categories too rare to test alone
  std::string note{};                 // why it was not tested: "not computed: no values"
};
Drift compare(const Sample& reference, const Sample& current, double limit = distance_limit_default);
Drift compare(const Counts& reference, const Counts& current, double limit = distance_limit_default);
// Fills q and `drifted`, over the columns that were tested.
void decide(std::span<Drift> columns, double alpha = alpha_default);

// What the reference does by itself (`threshold: calibrated`): the largest distance of any window of `days` from the rest of the reference (whose
// standard deviation scales it), slid by one day over it; at least 0.1. Time series hang together, so any month differs from any other. `day[i]` is the day of row i, in any order; rows without a
// value (NaN; empty string) are left out. A reference of fewer than two windows keeps 0.1 and says so.
// Numbers may be measured in other ways, psi and jensen_shannon (base 2) on ten bins at the quantiles; texts by jensen_shannon or psi.
enum class Measure { wasserstein, ks, psi, jensen_shannon };
struct Limit {
  double value = distance_limit_default;
  int windows = 0;  // how many were compared; 0: the reference is too short
};
Limit calibrate(std::span<const double> values, std::span<const std::int32_t> day, int days,
                Measure measure = Measure::wasserstein);
Limit calibrate(std::span<const std::string> values, std::span<const std::int32_t> day, int days,
                Measure measure = Measure::jensen_shannon);
std::int32_t day_of(std::int64_t microseconds);  // since 1970, UTC

// Calls each(0) … each(count-1) on this and up to threads-1 more threads.
void in_parallel(std::size_t count, int threads, const std::function<void(std::size_t)>& each);

}  // namespace pawl::stats
template <> inline constexpr auto pawl::words<pawl::stats::Measure> =
    std::to_array<std::string_view>({"wasserstein", "ks", "psi", "jensen_shannon"});
