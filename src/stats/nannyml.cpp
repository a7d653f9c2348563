#include "stats/nannyml.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "stats/distance.h"

namespace pawl::stats::nannyml {
namespace {

constexpr std::size_t rows_binned = 10'000, bins_many = 10'000;

double of_bins(Method method, std::span<const double> r, std::span<const double> c) {
  if (method == Method::jensen_shannon) return jensen_shannon(r, c);
  // Their form; 1 - sum sqrt(p q) would lose the digits of near distributions.
  const double n = std::accumulate(r.begin(), r.end(), 0.0), m = std::accumulate(c.begin(), c.end(), 0.0);
  double squares = 0;
  for (std::size_t i = 0; i < r.size(); ++i) {
    const double off = std::sqrt(r[i] / n) - std::sqrt(c[i] / m);
    squares += off * off;
  }
  return std::sqrt(squares / 2);
}
std::vector<double> cumulated(std::span<const double> counts, std::size_t rows) {
  std::vector<double> out(counts.size());
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) out[i] = (sum += counts[i]) / static_cast<double>(rows);
  return out;
}
// The area under the distribution function (or above it) of the rows beyond one end of the reference, that end included.
double beyond(std::span<const double> sorted, bool above) {
  double area = 0;
  const auto n = static_cast<double>(sorted.size());
  for (std::size_t i = 0; i + 1 < sorted.size(); ++i) {
    const double f = static_cast<double>(i + 1) / n;
    area += (above ? 1 - f : f) * (sorted[i + 1] - sorted[i]);
  }
  return area;
}

}  // namespace

Continuous::Continuous(const Sample& reference) : reference_(reference) {
  const auto r = reference.sorted();
  if (r.empty()) return;
  doane_ = doane_edges(r);
  doane_counts_ = histogram(r, doane_);
  if (r.size() < rows_binned) return;
  double low = r.front(), high = r.back();
  if (low == high) low -= 0.5, high += 0.5;
  const double step = (high - low) / bins_many;
  for (std::size_t i = 0; i < bins_many; ++i) bins_.push_back(static_cast<double>(i) * step + low);
  bins_.push_back(high);
  cumulated_ = cumulated(histogram(r, bins_), r.size());
}

double Continuous::value(Method method, const Sample& chunk) const {
  const auto r = reference_.sorted(), c = chunk.sorted();
  if (r.empty() || c.empty()) return none;
  switch (method) {
    case Method::jensen_shannon:
    case Method::hellinger: {
      auto seen = histogram(c, doane_), counts = doane_counts_;
      const double outside = static_cast<double>(c.size()) - std::accumulate(seen.begin(), seen.end(), 0.0);
      if (outside > 0) seen.push_back(outside), counts.push_back(0);
      return of_bins(method, counts, seen);
    }
    case Method::kolmogorov_smirnov: return bins_.empty() ? ks_d(r, c) : binned_ks(chunk);
    case Method::wasserstein: return bins_.empty() ? area_between(r, c) : binned_wasserstein(chunk);
    case Method::chi2:
    case Method::l_infinity: break;
  }
  return none;
}

double Continuous::binned_ks(const Sample& chunk) const {
  const auto c = chunk.sorted();
  const auto inside = cumulated(histogram(c, bins_), c.size());
  const auto below = std::lower_bound(c.begin(), c.end(), bins_.front()) - c.begin();
  double most = 0;
  for (std::size_t i = 0; i < inside.size(); ++i)
    most = std::max(most,
                    std::abs(cumulated_[i] - (static_cast<double>(below) / static_cast<double>(c.size()) + inside[i])));
  return most;
}

double Continuous::binned_wasserstein(const Sample& chunk) const {
  const auto c = chunk.sorted();
  const auto m = static_cast<double>(c.size());
  std::vector<double> smaller(c.begin(), std::lower_bound(c.begin(), c.end(), bins_.front()));
  std::vector<double> bigger(std::upper_bound(c.begin(), c.end(), bins_.back()), c.end());
  double left = 0, area = 0;
  if (!smaller.empty()) {
    left = static_cast<double>(smaller.size() + 1) / m;  // one too many: theirs
    smaller.push_back(bins_.front());
    area += beyond(smaller, false) * left;
  }
  if (!bigger.empty()) {
    const double right = static_cast<double>(bigger.size() + 1) / m;
    bigger.insert(bigger.begin(), bins_.back());
    area += beyond(bigger, true) * right;
  }
  const double width = bins_[1] - bins_[0];
  const auto inside = cumulated(histogram(c, bins_), c.size());
  for (std::size_t i = 0; i < inside.size(); ++i) area += std::abs(cumulated_[i] - (inside[i] + left)) * width;
  return area;
}

double value(Method method, const Counts& reference, const Counts& chunk) {
  if (reference.empty() || chunk.empty()) return none;
  if (method == Method::kolmogorov_smirnov || method == Method::wasserstein) return none;
  const auto both = align(reference, chunk);
  if (method == Method::chi2) return chi_square(both.reference, both.current, Yates::yes).x2;
  if (method == Method::l_infinity) return largest_gap(both.reference, both.current);
  std::vector<double> r, c;
  double unseen = 0;  // all new categories together are one
  for (std::size_t i = 0; i < both.names.size(); ++i) {
    if (both.reference[i] > 0)
      r.push_back(both.reference[i]), c.push_back(both.current[i]);
    else
      unseen += both.current[i];
  }
  if (unseen > 0) r.push_back(0), c.push_back(unseen);
  return of_bins(method, r, c);
}

double chi2_p(const Counts& reference, const Counts& chunk) {
  const auto both = align(reference, chunk);
  return chi_square(both.reference, both.current, Yates::yes).p;
}

Bounds thresholds(std::span<const double> reference_chunks, double least, double most) {
  std::vector<double> seen;
  for (const double v : reference_chunks)
    if (!std::isnan(v)) seen.push_back(v);
  if (seen.empty()) return {};
  const double mean = std::accumulate(seen.begin(), seen.end(), 0.0) / static_cast<double>(seen.size());
  const double three = 3 * std_dev(seen);
  return {.low = std::max(mean - three, least), .high = std::min(mean + three, most)};
}

double upper_threshold(std::span<const double> reference_chunks, Method method) {
  if (method == Method::chi2) return none;
  const double most = method == Method::kolmogorov_smirnov ? 1 : std::numeric_limits<double>::infinity();
  return thresholds(reference_chunks, 0, most).high;
}

}  // namespace pawl::stats::nannyml
