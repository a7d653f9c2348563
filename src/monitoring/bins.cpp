#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "monitoring/column.h"
#include "stats/bootstrap.h"
#include "stats/labels.h"

namespace pawl::monitoring {
namespace {

constexpr int wide_bins = 30;
constexpr double tail = 0.001;

double share(double count, double all) { return all > 0 ? count / all : 0; }
std::string number(double v) { return fmt::format("{:.4g}", v); }

}  // namespace

std::vector<Bin> bins_of(const stats::Sample& reference, const stats::Sample& current) {
  const auto r = reference.sorted(), c = current.sorted();
  if (r.empty() && c.empty()) return {};
  const auto n = static_cast<double>(r.size()), m = static_cast<double>(c.size());
  std::vector<Bin> out;
  if (stats::distinct(r, c, bins_max + 1) <= bins_max) {
    const auto both = stats::by_value(r, c);
    for (std::size_t i = 0; i < both.names.size(); ++i) {
      const double v = stats::number_of(both.names[i]).value_or(0);
      out.push_back({.label = both.names[i],
                     .low = v,
                     .high = v,
                     .reference = share(both.reference[i], n),
                     .current = share(both.current[i], m)});
    }
    return out;
  }
  const auto middle = r.empty() ? c : r;
  double low = stats::quantile(middle, tail), high = stats::quantile(middle, 1 - tail);
  if (!(high > low)) low = middle.front(), high = middle.back();
  if (!(high > low)) high = low + 1, low -= 1;  // a constant reference: the rest lies in the end bins
  std::vector<double> edges;
  for (int i = 0; i <= wide_bins; ++i) edges.push_back(low + (high - low) * i / wide_bins);
  const auto a = stats::histogram(r, edges, stats::Outside::kept), b = stats::histogram(c, edges, stats::Outside::kept);
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    Bin bin{.label = "[" + number(edges[i]) + ", " + number(edges[i + 1]) + ")",
            .low = edges[i],
            .high = edges[i + 1],
            .reference = share(a[i], n),
            .current = share(b[i], m)};
    if (i == 0) bin.label = "< " + number(edges[1]), bin.low.reset();
    if (i + 2 == edges.size()) bin.label = ">= " + number(edges[i]), bin.high.reset();
    out.push_back(std::move(bin));
  }
  return out;
}

std::vector<Bin> bins_of(const stats::Counts& reference, const stats::Counts& current) {
  const auto both = stats::align(reference, current);
  const double n = std::accumulate(both.reference.begin(), both.reference.end(), 0.0),
               m = std::accumulate(both.current.begin(), both.current.end(), 0.0);
  std::vector<Bin> all;
  for (std::size_t i = 0; i < both.names.size(); ++i)
    all.push_back(
        {.label = both.names[i], .reference = share(both.reference[i], n), .current = share(both.current[i], m)});
  std::ranges::sort(all, [](const Bin& a, const Bin& b) {
    const double x = std::max(a.reference, a.current), y = std::max(b.reference, b.current);
    return x != y ? x > y : a.label < b.label;
  });
  if (all.size() <= bins_max) return all;
  Bin rest{.label = fmt::format("{} others", all.size() - bins_max + 1)};
  for (std::size_t i = bins_max - 1; i < all.size(); ++i)
    rest.reference += all[i].reference, rest.current += all[i].current;
  all.resize(bins_max - 1);
  all.push_back(std::move(rest));
  return all;
}

}  // namespace pawl::monitoring
