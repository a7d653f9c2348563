#include "stats/randomised.h"

#include <cmath>
#include <numeric>

#include "stats/bootstrap.h"
#include "stats/distance.h"
#include "stats/drift.h"

namespace pawl::stats {
namespace {

constexpr int enough = 10;         // deals that are as extreme: then p is known well enough
constexpr int deals_max = 50'000;  // p below 2e-5 is not told apart
constexpr double below_level = 4;  // how far p can fall below the level before dealing ends

// Sums of a unit's values, from their common mean: the standard deviation of any side costs units, not rows.
struct Sums {
  double n = 0, x = 0, xx = 0;
};

}  // namespace

double level_of_look(double alpha, std::int64_t look) {
  const auto k = static_cast<double>(look);
  return alpha / (k * (k + 1));
}

std::int64_t Deal::units(bool of_second) const {
  const auto n = std::count(second.begin(), second.end(), 1);
  return of_second ? n : std::ssize(second) - n;
}

ByChance by_chance(const Deal& deal, double level, const std::function<double(const Deal&)>& difference,
                   std::uint64_t seed) {
  ByChance out;
  const std::int64_t first = deal.units(false), second = deal.units(true);
  if (first == 0 || second == 0) return out;
  out.seen = difference(deal);
  if (!std::isfinite(out.seen)) return out;
  const auto most = static_cast<int>(std::clamp(below_level / level, 199.0, static_cast<double>(deals_max)));
  // The smaller side is drawn, the others are the other one.
  const std::int32_t drawn = second <= first ? 1 : 0;
  const auto draw = static_cast<std::size_t>(std::min(first, second)), units = deal.second.size();
  std::vector<std::uint32_t> order(units);
  std::iota(order.begin(), order.end(), 0U);
  Deal dealt{.second = std::vector<std::int32_t>(units, 1 - drawn)};
  Draws draws(seed);
  // Equal up to rounding is as large: sums in another order differ in their last digits.
  const double as_large = out.seen - 1e-9 * std::abs(out.seen);
  int found = 0;
  while (out.deals < most && found < enough) {
    for (std::size_t i = 0; i < draw; ++i) {
      std::swap(order[i], order[i + draws.below(static_cast<std::uint32_t>(units - i))]);
      dealt.second[order[i]] = drawn;
    }
    if (const double d = difference(dealt); !(d < as_large)) ++found;  // one that is not defined counts as large
    for (std::size_t i = 0; i < draw; ++i) dealt.second[order[i]] = 1 - drawn;
    ++out.deals;
  }
  out.p = found >= enough ? static_cast<double>(found) / out.deals : (found + 1.0) / (out.deals + 1.0);
  return out;
}

ByChance distance_by_chance(std::span<const double> values, std::span<const int> unit, const Deal& deal, double level) {
  struct At {
    double value;
    std::uint32_t unit;
  };
  std::vector<At> rows;
  rows.reserve(values.size());
  double mean = 0, n = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    rows.push_back({values[i], static_cast<std::uint32_t>(unit[i])});
    n += 1, mean += (values[i] - mean) / n;
  }
  std::sort(rows.begin(), rows.end(), [](const At& a, const At& b) { return a.value < b.value; });
  std::vector<Sums> sums(deal.second.size());
  for (const At& r : rows) {
    Sums& s = sums[r.unit];
    s.n += 1, s.x += r.value - mean, s.xx += (r.value - mean) * (r.value - mean);
  }
  return by_chance(deal, level, [&](const Deal& d) {
    double firsts = 0, x = 0, xx = 0;
    for (std::size_t u = 0; u < sums.size(); ++u)
      if (d.second[u] == 0) firsts += sums[u].n, x += sums[u].x, xx += sums[u].xx;
    const double seconds = n - firsts;
    if (firsts == 0 || seconds == 0) return none;
    const double variance = xx / firsts - x / firsts * (x / firsts);
    const std::array<double, 2> step{1 / firsts, -1 / seconds};
    double gap = 0, area = 0;
    for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
      gap += step[static_cast<std::size_t>(d.second[rows[i].unit])];
      area += std::abs(gap) * (rows[i + 1].value - rows[i].value);
    }
    return area / std::max(std::sqrt(std::max(variance, 0.0)), std_dev_min);
  });
}

ByChance distance_by_chance(std::span<const int> chosen, int classes, std::span<const int> unit, const Deal& deal,
                            double level) {
  const auto k = static_cast<std::size_t>(classes);
  std::vector<double> counts(deal.second.size() * k, 0);
  for (std::size_t i = 0; i < chosen.size(); ++i)
    counts[static_cast<std::size_t>(unit[i]) * k + static_cast<std::size_t>(chosen[i])] += 1;
  std::array<std::vector<double>, 2> side;
  return by_chance(deal, level, [&](const Deal& d) {
    for (auto& s : side) s.assign(k, 0);
    for (std::size_t u = 0; u < d.second.size(); ++u)
      for (std::size_t c = 0; c < k; ++c) side[static_cast<std::size_t>(d.second[u])][c] += counts[u * k + c];
    return jensen_shannon(side[0], side[1]);
  });
}

ByChance worse_by_chance(Metric m, const Grouped& model, const Deal& deal, double level) {
  std::vector<std::int32_t> first(deal.second.size());
  return by_chance(deal, level, [&](const Deal& d) {
    for (std::size_t u = 0; u < first.size(); ++u) first[u] = 1 - d.second[u];
    const double a = model.of(first), b = model.of(d.second);
    return low_is_good(m) ? b - a : a - b;
  });
}

}  // namespace pawl::stats
