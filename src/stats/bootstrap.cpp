#include "stats/bootstrap.h"

#include <cmath>

namespace pawl::stats {

std::uint64_t Draws::next() {
  state_ += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}
std::uint32_t Draws::below(std::uint32_t n) { return static_cast<std::uint32_t>(((next() >> 32U) * n) >> 32U); }

double quantile(std::span<const double> sorted, double q) {
  if (sorted.empty()) return none;
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto i = static_cast<std::size_t>(at);
  if (i + 1 >= sorted.size()) return sorted.back();
  return sorted[i] + (at - static_cast<double>(i)) * (sorted[i + 1] - sorted[i]);
}

int number_groups(std::span<const std::int64_t> keys, std::vector<int>& group) {
  std::unordered_map<std::int64_t, int> seen;
  group.clear();
  group.reserve(keys.size());
  for (const std::int64_t key : keys)
    group.push_back(seen.try_emplace(key, static_cast<int>(seen.size())).first->second);
  return static_cast<int>(seen.size());
}

namespace {
template <class F> Interval run(int groups, const BootstrapOptions& options, F statistic) {
  std::vector<std::int32_t> times(static_cast<std::size_t>(groups), 1);
  Interval out{.estimate = statistic(times), .draws = options.draws};
  if (groups < 1) return out;
  Draws draws(options.seed);
  std::vector<double> seen;
  seen.reserve(static_cast<std::size_t>(options.draws));
  for (int b = 0; b < options.draws; ++b) {
    std::fill(times.begin(), times.end(), 0);
    for (int i = 0; i < groups; ++i) ++times[draws.below(static_cast<std::uint32_t>(groups))];
    if (const double value = statistic(times); std::isnan(value))
      ++out.undefined;
    else
      seen.push_back(value);
  }
  std::sort(seen.begin(), seen.end());
  const double tail = (1 - options.confidence) / 2;
  out.low = quantile(seen, tail);
  out.high = quantile(seen, 1 - tail);
  return out;
}
}  // namespace

Interval bootstrap(const Grouped& model, int groups, BootstrapOptions options) {
  return run(groups, options, [&](std::span<const std::int32_t> times) { return model.of(times); });
}
Interval improvement(Metric m, const Grouped& challenger, const Grouped& champion, int groups,
                     BootstrapOptions options) {
  const double sign = low_is_good(m) ? -1 : 1;
  return run(groups, options,
             [&](std::span<const std::int32_t> times) { return sign * (challenger.of(times) - champion.of(times)); });
}

}  // namespace pawl::stats
