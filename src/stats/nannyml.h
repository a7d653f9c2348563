// The univariate drift of NannyML 0.13.1 with its quirks (`compat: nannyml`), to relative 1e-9. Its reference is cut into chunks, each is compared with
// the whole reference (itself included) and the alarm is mean + 3 standard deviations of those values; only chi2 alarms by p < 0.05.
#pragma once
#include "stats/two_sample.h"

namespace pawl::stats::nannyml {

enum class Method { jensen_shannon, hellinger, kolmogorov_smirnov, wasserstein, chi2, l_infinity };

// From 10,000 rows of reference on kolmogorov_smirnov and wasserstein are estimated on 10,000 equal bins; prepared once for all chunks.
class Continuous {
 public:
  explicit Continuous(const Sample& reference);
  double value(Method method, const Sample& chunk) const;  // none: of categories only, or no values

 private:
  double binned_ks(const Sample& chunk) const;
  double binned_wasserstein(const Sample& chunk) const;
  const Sample& reference_;
  std::vector<double> doane_, doane_counts_, bins_, cumulated_;
};
double value(Method method, const Counts& reference, const Counts& chunk);
double chi2_p(const Counts& reference, const Counts& chunk);

// mean + 3 population standard deviations of the reference chunks' values, `none` ignored. Univariate drift has no lower bound.
double upper_threshold(std::span<const double> reference_chunks, Method method);
// Both sides, each bound beyond the metric's limits becomes the limit: of realised performance and of missing rates.
struct Bounds {
  double low = none, high = none;
  bool alarm(double v) const { return v < low || v > high; }
};
Bounds thresholds(std::span<const double> reference_chunks, double least, double most);

}  // namespace pawl::stats::nannyml
template <> inline constexpr auto pawl::words<pawl::stats::nannyml::Method> = std::to_array<std::string_view>(
    {"jensen_shannon", "hellinger", "kolmogorov_smirnov", "wasserstein", "chi2", "l_infinity"});
