#include "stats/paired.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

namespace pawl::stats {
namespace {

double mean_of(std::span<const double> v) {
  return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}
double covariance(std::span<const double> a, std::span<const double> b) {
  if (a.size() < 2) return 0;
  const double mean_a = mean_of(a), mean_b = mean_of(b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
  return sum / static_cast<double>(a.size() - 1);
}
std::vector<double> midranks(std::span<const double> v) {
  std::vector<std::size_t> order(v.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return v[a] < v[b]; });
  std::vector<double> rank(v.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i;
    while (end < order.size() && v[order[end]] == v[order[i]]) ++end;
    for (std::size_t k = i; k < end; ++k) rank[order[k]] = 0.5 * static_cast<double>(i + 1 + end);
    i = end;
  }
  return rank;
}
struct Placed {
  double auc;
  std::vector<double> v10, v01;  // of each positive, of each negative
};
Placed placed(std::span<const int> positive, std::span<const double> score) {
  std::vector<double> pos, neg;
  for (std::size_t i = 0; i < score.size(); ++i) (positive[i] != 0 ? pos : neg).push_back(score[i]);
  const auto all = midranks(score), among_pos = midranks(pos), among_neg = midranks(neg);
  const auto m = static_cast<double>(pos.size()), n = static_cast<double>(neg.size());
  Placed out{};
  for (std::size_t i = 0, p = 0, q = 0; i < score.size(); ++i)
    if (positive[i] != 0)
      out.v10.push_back((all[i] - among_pos[p++]) / n);
    else
      out.v01.push_back(1 - (all[i] - among_neg[q++]) / m);
  out.auc = mean_of(out.v10);
  return out;
}

}  // namespace

McNemar mcnemar(std::int64_t only_first, std::int64_t only_second) {
  const auto n = only_first + only_second, least = std::min(only_first, only_second);
  if (least < 0) return {};
  if (n == 0) return {.p = 1, .exact = 1, .mid_p = 1, .chi_square = 0};
  const auto rows = static_cast<double>(n), gap = static_cast<double>(std::abs(only_first - only_second));
  const auto law = [&](std::int64_t k) {
    const auto at = static_cast<double>(k);
    return std::exp(std::lgamma(rows + 1) - std::lgamma(at + 1) - std::lgamma(rows - at + 1) - rows * std::log(2.0));
  };
  double below = 0;
  for (std::int64_t k = 0; k <= least; ++k) below += law(k);
  McNemar out;
  out.exact = std::min(1.0, 2 * below);
  out.mid_p = out.exact - law(least);
  out.chi_square = (gap - 1) * (gap - 1) / rows;
  out.p = n < 25 ? out.exact : std::erfc(std::sqrt(out.chi_square / 2));
  return out;
}

DeLong delong(std::span<const int> positive, std::span<const double> score_a, std::span<const double> score_b) {
  const auto m = static_cast<double>(std::ranges::count_if(positive, [](int y) { return y != 0; }));
  const auto n = static_cast<double>(positive.size()) - m;
  if (m == 0 || n == 0 || score_a.size() != positive.size() || score_b.size() != positive.size()) return {};
  const auto a = placed(positive, score_a), b = placed(positive, score_b);
  const auto both = [&](const Placed& x, const Placed& y) {
    return covariance(x.v10, y.v10) / m + covariance(x.v01, y.v01) / n;
  };
  DeLong out{.auc_a = a.auc, .auc_b = b.auc, .var_a = both(a, a), .var_b = both(b, b), .cov = both(a, b)};
  const double variance = out.var_a + out.var_b - 2 * out.cov;
  if (!(variance > 1e-18)) return out;
  out.z = (out.auc_a - out.auc_b) / std::sqrt(variance);
  out.p = std::erfc(std::abs(out.z) / std::sqrt(2.0));
  return out;
}

Interval mean_difference(std::span<const double> differences, double confidence) {
  if (differences.empty()) return {};
  Interval out{.estimate = mean_of(differences)};
  const auto n = static_cast<double>(differences.size());
  if (n < 2) return out;
  const double t = boost::math::quantile(boost::math::students_t(n - 1), 0.5 + confidence / 2);
  const double half = t * std::sqrt(covariance(differences, differences) / n);
  out.low = out.estimate - half, out.high = out.estimate + half;
  return out;
}

}  // namespace pawl::stats
