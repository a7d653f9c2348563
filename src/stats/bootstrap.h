// The bootstrap of whole groups of rows. Rows of one day hang together: on real delays an interval from single rows was ±0.1 to 0.2 wide, one
// from whole days ±0.5 to 1.5. So days are drawn with replacement; single rows only where there is no time.
#pragma once
#include "stats/metrics.h"

namespace pawl::stats {

constexpr int draws_default = 10'000;
constexpr std::uint64_t seed_default = 20130101;
// With fewer groups all of them favour one of two equal models too often by chance: 2^-5 = 3 %, more than the 2.5 % of a 95 % interval's end.
constexpr int groups_min = 6;

// splitmix64: the same draws on every machine and standard library.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint32_t below(std::uint32_t n);  // uniform in [0, n), by Lemire's multiplication

 private:
  std::uint64_t state_;
};

struct Interval {
  double estimate = none, low = none, high = none;
  int draws = 0, undefined = 0;  // draws in which the metric was not defined are left out
  bool ok() const { return undefined * 20 <= draws && low == low; }
};
struct BootstrapOptions {
  double confidence = 0.95;  // two-sided, by percentiles
  int draws = draws_default;
  std::uint64_t seed = seed_default;
};
Interval bootstrap(const Grouped& model, int groups, BootstrapOptions options = {});
// How much better `challenger` is than `champion` in the same draws, positive when better.
Interval improvement(Metric m, const Grouped& challenger, const Grouped& champion, int groups,
                     BootstrapOptions options = {});

// Numbers the groups of equal keys from 0 in order of first appearance; answers how many.
int number_groups(std::span<const std::int64_t> keys, std::vector<int>& group);

double quantile(std::span<const double> sorted, double q);  // type 7, as NumPy's default

}  // namespace pawl::stats
