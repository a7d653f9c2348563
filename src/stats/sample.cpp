#include "stats/sample.h"

#include <hwy/contrib/sort/vqsort.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace pawl::stats {
namespace {

// Eight sums side by side: a single one waits for each addition, and adds up more rounding.
template <class F> double total(std::span<const double> values, F f) {
  std::array<double, 8> sums{};
  std::size_t i = 0;
  for (; i + 8 <= values.size(); i += 8)
    for (std::size_t k = 0; k < 8; ++k) sums[k] += f(values[i + k]);
  for (; i < values.size(); ++i) sums[0] += f(values[i]);
  double all = 0;
  for (const double s : sums) all += s;
  return all;
}

// Calls each(value, times in a, times in b) for the distinct values in order, until it answers false.
template <class F> void each_value(std::span<const double> a, std::span<const double> b, F each) {
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    const double v = j == b.size() || (i < a.size() && a[i] <= b[j]) ? a[i] : b[j];
    const auto end_a = std::upper_bound(a.begin() + static_cast<std::ptrdiff_t>(i), a.end(), v) - a.begin();
    const auto end_b = std::upper_bound(b.begin() + static_cast<std::ptrdiff_t>(j), b.end(), v) - b.begin();
    if (!each(v, static_cast<double>(end_a) - static_cast<double>(i),
              static_cast<double>(end_b) - static_cast<double>(j)))
      return;
    i = static_cast<std::size_t>(end_a), j = static_cast<std::size_t>(end_b);
  }
}

}  // namespace

void sort(std::span<double> values) {
  thread_local hwy::Sorter sorter;
  sorter(values.data(), values.size(), hwy::SortAscending{});
}

Sample::Sample(std::vector<double> values, Numbers numbers) : sorted_(std::move(values)), numbers_(numbers) {
  const auto kept = std::remove_if(sorted_.begin(), sorted_.end(), [](double v) { return !std::isfinite(v); });
  missing_ = static_cast<std::size_t>(sorted_.end() - kept);
  sorted_.erase(kept, sorted_.end());
  if (sorted_.empty()) return;
  sort(sorted_);
  const auto n = static_cast<double>(sorted_.size());
  mean_ = total(sorted_, [](double v) { return v; }) / n;
  if (low() == high())
    mean_ = low();
  else
    std_dev_ = std::sqrt(total(sorted_, [this](double v) { return (v - mean_) * (v - mean_); }) / n);
}

Aligned align(const Counts& reference, const Counts& current) {
  Aligned out;
  auto r = reference.begin();
  auto c = current.begin();
  while (r != reference.end() || c != current.end()) {
    const bool from_r = c == current.end() || (r != reference.end() && r->first <= c->first);
    const bool from_c = r == reference.end() || (c != current.end() && c->first <= r->first);
    out.names.push_back(from_r ? r->first : c->first);
    out.reference.push_back(from_r ? static_cast<double>((r++)->second) : 0);
    out.current.push_back(from_c ? static_cast<double>((c++)->second) : 0);
  }
  return out;
}

std::size_t distinct(std::span<const double> a, std::span<const double> b, std::size_t enough) {
  std::size_t seen = 0;
  each_value(a, b, [&](double, double, double) { return ++seen < enough; });
  return seen;
}

Aligned by_value(std::span<const double> a, std::span<const double> b) {
  Aligned out;
  each_value(a, b, [&](double v, double in_a, double in_b) {
    std::array<char, 32> text{};
    out.names.emplace_back(text.data(), std::to_chars(text.data(), text.data() + text.size(), v).ptr);
    out.reference.push_back(in_a), out.current.push_back(in_b);
    return true;
  });
  return out;
}

}  // namespace pawl::stats
