#include "stats/two_sample.h"

#include <algorithm>
#include <array>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <numeric>

#include "stats/bootstrap.h"

namespace pawl::stats {
namespace {

using Shares = std::vector<double>;
double sum(std::span<const double> v) { return std::accumulate(v.begin(), v.end(), 0.0); }
bool usable(std::span<const double> a, std::span<const double> b) {
  return a.size() == b.size() && sum(a) > 0 && sum(b) > 0;
}
Shares shares(std::span<const double> counts) {
  Shares out(counts.begin(), counts.end());
  const double all = sum(counts);
  for (double& v : out) v /= all;
  return out;
}
void fill_zeros(Shares& p) {
  double least = 1;
  for (const double v : p)
    if (v > 0) least = std::min(least, v);
  for (double& v : p)
    if (v == 0) v = least > 1e-4 ? 1e-4 : least / 1e6;
}
template <class F> double over(const Shares& p, const Shares& q, F f) {
  double all = 0;
  for (std::size_t i = 0; i < p.size(); ++i) all += f(p[i], q[i]);
  return all;
}
double chi_square_above(double x2, int df) {
  if (std::isinf(x2)) return 0;
  return boost::math::gamma_q(0.5 * df, 0.5 * x2);
}
std::vector<double> equal_edges(double low, double high, double width) {
  const auto bins = static_cast<std::size_t>(width > 0 ? std::ceil((high - low) / width) : 1);
  const double step = (high - low) / static_cast<double>(bins);
  std::vector<double> edges(bins + 1);
  for (std::size_t i = 0; i < bins; ++i) edges[i] = static_cast<double>(i) * step + low;
  edges[bins] = high;
  return edges;
}

// P of all 2 x 2 tables with these margins whose X² is no smaller than the seen one's: the hypergeometric law of the upper left cell.
double exact_two_by_two(double a, double b, double n, double m) {
  const double row = a + b, all = n + m, low = std::max(0.0, row - m), high = std::min(row, n),
               expected = row * n / all;
  const auto log_choose = [](double k, double from) {
    return std::lgamma(from + 1) - std::lgamma(k + 1) - std::lgamma(from - k + 1);
  };
  const double whole = log_choose(row, all), seen = std::abs(a - expected) * (1 - 1e-12);
  double p = 0;
  for (double k = low; k <= high; k += 1)
    if (std::abs(k - expected) >= seen) p += std::exp(log_choose(k, n) + log_choose(row - k, m) - whole);
  return std::min(1.0, p);
}

// max |F - G| by halves. Between two cuts of the values, where a has i0 and i1 rows below and b j0 and j1, |F - G| is at most
// max(i1/n - j0/m, j1/m - i0/n): a part that cannot beat what was seen is left out. All in whole numbers of 1/(nm).
struct Gap {
  std::span<const double> a, b;
  std::int64_t most = 0;

  std::int64_t size(std::size_t i, std::size_t j) const {
    return static_cast<std::int64_t>(i * b.size()) - static_cast<std::int64_t>(j * a.size());
  }
  std::int64_t bound(std::size_t i0, std::size_t i1, std::size_t j0, std::size_t j1) const {
    return std::max(size(i1, j0), -size(i0, j1));
  }
  void look(std::size_t i0, std::size_t i1, std::size_t j0, std::size_t j1) {
    if (bound(i0, i1, j0, j1) <= most) return;
    const double v = i1 - i0 >= j1 - j0 ? a[i0 + (i1 - i0) / 2] : b[j0 + (j1 - j0) / 2];
    const auto cut = [&](std::span<const double> s, std::size_t from, std::size_t to, bool with) {
      const auto begin = s.begin() + static_cast<std::ptrdiff_t>(from),
                 end = s.begin() + static_cast<std::ptrdiff_t>(to);
      return static_cast<std::size_t>((with ? std::upper_bound(begin, end, v) : std::lower_bound(begin, end, v)) -
                                      s.begin());
    };
    std::size_t i = cut(a, i0, i1, true), j = cut(b, j0, j1, true);
    if (i == i1 && j == j1) i = cut(a, i0, i1, false), j = cut(b, j0, j1, false);
    if (i == i0 && j == j0) return;  // one value only: nothing lies between the cuts
    most = std::max(most, std::abs(size(i, j)));
    const bool left_first = bound(i0, i, j0, j) >= bound(i, i1, j, j1);
    if (left_first) look(i0, i, j0, j);
    look(i, i1, j, j1);
    if (!left_first) look(i0, i, j0, j);
  }
};

}  // namespace

double ks_d(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return none;
  Gap gap{a, b};
  gap.look(0, a.size(), 0, b.size());
  return static_cast<double>(gap.most) / (static_cast<double>(a.size()) * static_cast<double>(b.size()));
}

double area_between(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return none;
  const std::size_t n = a.size(), m = b.size();
  std::array<double, 8> sums{};
  std::size_t i = 0;
  if (n == m) {
    for (; i + 8 <= n; i += 8)
      for (std::size_t k = 0; k < 8; ++k) sums[k] += std::abs(a[i + k] - b[i + k]);
    for (; i < n; ++i) sums[0] += std::abs(a[i] - b[i]);
    return std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(n);
  }
  // In units of 1/(nm) value i of a stands from i m to (i+1) m, value j of b from j n to (j+1) n.
  for (std::size_t j = 0, at = 0; i < n;) {
    const std::size_t end_a = (i + 1) * m, end_b = (j + 1) * n, end = std::min(end_a, end_b);
    sums[0] += std::abs(a[i] - b[j]) * static_cast<double>(end - at);
    at = end;
    i += end == end_a ? 1 : 0;
    j += end == end_b ? 1 : 0;
  }
  return sums[0] / (static_cast<double>(n) * static_cast<double>(m));
}

std::vector<double> sturges_edges(double low, double high, std::size_t n, Numbers numbers) {
  if (low == high) return {low - 0.5, high + 0.5};
  double width = (high - low) / (std::log2(static_cast<double>(n)) + 1);
  if (numbers == Numbers::whole && width < 1) width = 1;
  return equal_edges(low, high, width);
}

std::vector<double> doane_edges(std::span<const double> sorted) {
  if (sorted.empty()) return {};
  const double low = sorted.front(), high = sorted.back();
  if (low == high) return {low - 0.5, high + 0.5};
  const auto n = static_cast<double>(sorted.size());
  if (n <= 2) return equal_edges(low, high, 0);
  double mean = 0, squares = 0, cubes = 0;
  for (const double v : sorted) mean += v;
  mean /= n;
  for (const double v : sorted) squares += (v - mean) * (v - mean);
  const double sigma = std::sqrt(squares / n), s = std::sqrt(6 * (n - 2) / ((n + 1) * (n + 3)));
  for (const double v : sorted) cubes += std::pow((v - mean) / sigma, 3);
  return equal_edges(low, high, (high - low) / (1 + std::log2(n) + std::log2(1 + std::abs(cubes / n) / s)));
}

std::vector<double> quantile_edges(std::span<const double> sorted, int bins) {
  std::vector<double> edges;
  if (sorted.empty()) return edges;
  for (int i = 0; i <= bins; ++i) {
    const double e = quantile(sorted, static_cast<double>(i) / bins);
    if (edges.empty() || e > edges.back()) edges.push_back(e);
  }
  if (edges.size() == 1) return {edges.front() - 0.5, edges.front() + 0.5};
  return edges;
}

std::vector<double> bins_by_share(std::span<const double> sorted, int bins) {
  if (sorted.empty()) return {};
  const double high = sorted.back(), above = std::nextafter(high, HUGE_VAL);
  // Below a constant, the constant, above it.
  if (sorted.front() == high) return {std::nextafter(high, -HUGE_VAL), high, above, std::nextafter(above, HUGE_VAL)};
  std::vector<double> edges;
  for (int i = 0; i < bins; ++i) {
    const double e = quantile(sorted, static_cast<double>(i) / bins);
    edges.push_back(e);
    if (quantile(sorted, static_cast<double>(i + 1) / bins) != e) continue;
    if (const auto next = std::upper_bound(sorted.begin(), sorted.end(), e); next != sorted.end())
      edges.push_back(*next);
  }
  std::sort(edges.begin(), edges.end());
  edges.push_back(edges.back() < high ? high : above);
  // A quantile between two values that follow each other begins a bin without rows.
  const auto below = [&](double edge) { return std::lower_bound(sorted.begin(), sorted.end(), edge) - sorted.begin(); };
  std::vector<double> out;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i)
    if (i + 2 == edges.size() || below(edges[i]) < below(edges[i + 1])) out.push_back(edges[i]);
  out.push_back(edges.back());
  return out;
}

std::vector<double> histogram(std::span<const double> sorted, std::span<const double> edges, Outside outside) {
  if (edges.size() < 2) return {};
  std::vector<double> counts(edges.size() - 1);
  const auto below = [&](double edge) { return std::lower_bound(sorted.begin(), sorted.end(), edge) - sorted.begin(); };
  auto from = outside == Outside::kept ? 0 : below(edges.front());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const bool last = i + 1 == counts.size();
    const auto to = !last ? below(edges[i + 1])
                    : outside == Outside::kept
                        ? std::ssize(sorted)
                        : std::upper_bound(sorted.begin(), sorted.end(), edges.back()) - sorted.begin();
    counts[i] = static_cast<double>(to - from);
    from = to;
  }
  return counts;
}

double psi(std::span<const double> reference, std::span<const double> current) {
  if (!usable(reference, current)) return none;
  auto p = shares(reference), q = shares(current);
  fill_zeros(p), fill_zeros(q);
  return over(p, q, [](double a, double b) { return (a - b) * std::log(a / b); });
}

double psi_by_chance(std::size_t bins, double n, double m) {
  if (bins < 2 || !(n > 0) || !(m > 0)) return none;
  return 2 * boost::math::gamma_q_inv(0.5 * static_cast<double>(bins - 1), 0.05) * (1 / n + 1 / m);
}

double kullback_leibler(std::span<const double> reference, std::span<const double> current) {
  if (!usable(reference, current)) return none;
  auto p = shares(reference), q = shares(current);
  fill_zeros(p), fill_zeros(q);
  p = shares(p), q = shares(q);
  return over(p, q, [](double a, double b) { return a * std::log(a / b); });
}

double hellinger(std::span<const double> reference, std::span<const double> current) {
  if (!usable(reference, current)) return none;
  const double near = over(shares(reference), shares(current), [](double a, double b) { return std::sqrt(a * b); });
  return std::sqrt(1 - std::clamp(near, 0.0, 1.0));
}

double jensen_shannon_nats(std::span<const double> reference, std::span<const double> current) {
  if (!usable(reference, current)) return none;
  const double nats = over(shares(reference), shares(current), [](double a, double b) {
    const double middle = (a + b) / 2;
    return (a > 0 ? a * std::log(a / middle) : 0) + (b > 0 ? b * std::log(b / middle) : 0);
  });
  return std::sqrt(std::max(0.0, nats) / 2);
}

double largest_gap(std::span<const double> reference, std::span<const double> current) {
  if (!usable(reference, current)) return none;
  double most = 0;
  over(shares(reference), shares(current), [&](double a, double b) { return most = std::max(most, std::abs(a - b)); });
  return most;
}

double total_variation(std::span<const double> reference, std::span<const double> current) {
  if (!usable(reference, current)) return none;
  return 0.5 * over(shares(reference), shares(current), [](double a, double b) { return std::abs(a - b); });
}

ChiSquare chi_square_of_fit(std::span<const double> reference, std::span<const double> current) {
  if (!usable(reference, current) || reference.size() < 2) return {};
  const double k = sum(current) / sum(reference);
  ChiSquare out{.x2 = 0, .df = static_cast<int>(reference.size()) - 1};
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double e = reference[i] * k, off = current[i] - e;
    if (off != 0) out.x2 += off * off / e;
  }
  out.p = chi_square_above(out.x2, out.df);
  return out;
}

ChiSquare chi_square(std::span<const double> reference, std::span<const double> current, Yates yates) {
  if (!usable(reference, current)) return {};
  const double n = sum(reference), m = sum(current), all = n + m;
  std::size_t kinds = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) kinds += reference[i] + current[i] > 0 ? 1 : 0;
  if (kinds < 2) return {.x2 = 0, .p = 1, .df = 0};
  ChiSquare out{.x2 = 0, .df = static_cast<int>(kinds) - 1};
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double row = reference[i] + current[i], e_n = row * n / all, e_m = row * m / all;
    if (row == 0) continue;
    double off = std::abs(reference[i] - e_n);  // the same in both columns
    if (yates == Yates::yes && kinds == 2) off -= std::min(0.5, off);
    out.x2 += off * off * (1 / e_n + 1 / e_m);
  }
  out.p = chi_square_above(out.x2, out.df);
  return out;
}

Homogeneity homogeneity(std::span<const double> reference, std::span<const double> current) {
  if (!usable(reference, current)) return {};
  const double n = sum(reference), m = sum(current), all = n + m;
  struct Group {
    double r, c;
    std::vector<std::size_t> members;
  };
  std::vector<Group> groups;
  for (std::size_t i = 0; i < reference.size(); ++i)
    if (reference[i] + current[i] > 0) groups.push_back({reference[i], current[i], {i}});
  // Rarest last, so that pooling is a pop and an insertion; equal ones by position.
  const auto rarer = [](const Group& a, const Group& b) {
    return a.r + a.c != b.r + b.c ? a.r + a.c > b.r + b.c : a.members.front() < b.members.front();
  };
  std::sort(groups.begin(), groups.end(), rarer);
  const auto too_few = [&] {
    std::size_t few = 0;
    for (const auto& g : groups) few += ((g.r + g.c) * n / all < 5 ? 1U : 0U) + ((g.r + g.c) * m / all < 5 ? 1U : 0U);
    return few * 5 > groups.size() * 2;
  };
  while (groups.size() > 2 && too_few()) {
    auto last = std::move(groups.back());
    groups.pop_back();
    auto& into = groups.back();
    into.r += last.r, into.c += last.c;
    into.members.insert(into.members.end(), last.members.begin(), last.members.end());
    auto moved = std::move(into);
    groups.pop_back();
    groups.insert(std::upper_bound(groups.begin(), groups.end(), moved, rarer), std::move(moved));
  }
  Homogeneity out;
  std::vector<double> r, c;
  for (auto& g : groups) {
    r.push_back(g.r), c.push_back(g.c);
    if (g.members.size() > 1) out.pooled.insert(out.pooled.end(), g.members.begin(), g.members.end());
  }
  std::sort(out.pooled.begin(), out.pooled.end());
  const auto test = chi_square(r, c);
  out.x2 = test.x2, out.p = test.p, out.df = test.df;
  if (groups.size() == 2 && too_few()) {
    out.exact = true;
    // The rarer one of the two: the fewest tables.
    out.p = exact_two_by_two(groups.back().r, groups.back().c, n, m);
  }
  return out;
}

Z two_proportions(double events_a, double n, double events_b, double m) {
  if (!(n > 0) || !(m > 0)) return {};
  const double p = (events_a + events_b) / (n + m), gap = events_a / n - events_b / m;
  if (p == 0 || p == 1) return {.z = 0, .p = 1};
  const double z = gap / std::sqrt(p * (1 - p) * (1 / n + 1 / m));
  return {.z = z, .p = std::erfc(std::abs(z) / std::sqrt(2.0))};
}

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (!std::isnan(p[i])) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> q(p.size(), none);
  const auto k = static_cast<double>(order.size());
  double least = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    least = std::min(least, p[order[i]] * k / static_cast<double>(i + 1));
    q[order[i]] = least;
  }
  return q;
}

}  // namespace pawl::stats
