#include "stats/distance.h"

#include <cmath>
#include <limits>

#include "stats/drift.h"

namespace pawl::stats {

double wasserstein(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> x(a.begin(), a.end()), y(b.begin(), b.end());
  std::sort(x.begin(), x.end()), std::sort(y.begin(), y.end());
  const auto n = static_cast<double>(x.size()), m = static_cast<double>(y.size());
  double area = 0, at = std::min(x.front(), y.front());
  for (std::size_t i = 0, j = 0; i < x.size() || j < y.size();) {
    const double next = j == y.size() || (i < x.size() && x[i] <= y[j]) ? x[i] : y[j];
    area += std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m) * (next - at);
    at = next;
    while (i < x.size() && x[i] == next) ++i;
    while (j < y.size() && y[j] == next) ++j;
  }
  return area;
}

double jensen_shannon(std::span<const double> a, std::span<const double> b) {
  double in_a = 0, in_b = 0, bits = 0;
  for (const double v : a) in_a += v;
  for (const double v : b) in_b += v;
  if (a.size() != b.size() || !(in_a > 0) || !(in_b > 0)) return std::numeric_limits<double>::quiet_NaN();
  const auto part = [](double p, double middle) { return p > 0 ? 0.5 * p * std::log2(p / middle) : 0; };
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double p = a[i] / in_a, q = b[i] / in_b;
    bits += part(p, (p + q) / 2) + part(q, (p + q) / 2);
  }
  return std::sqrt(std::clamp(bits, 0.0, 1.0));
}

double std_dev(std::span<const double> values) {
  double mean = 0, squares = 0, n = 0;
  for (const double v : values) {  // Welford
    n += 1;
    const double step = v - mean;
    mean += step / n, squares += step * (v - mean);
  }
  return n > 0 ? std::sqrt(squares / n) : std::numeric_limits<double>::quiet_NaN();
}

double wasserstein_normed(std::span<const double> a, std::span<const double> b) {
  return wasserstein(a, b) / std::max(std_dev(b), std_dev_min);
}

}  // namespace pawl::stats
