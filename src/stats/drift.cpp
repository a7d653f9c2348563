#include "stats/drift.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <thread>

#include "core/time.h"
#include "stats/distance.h"

namespace pawl::stats {
namespace {

constexpr auto no_values = "not computed: no values";
// A reference of more than a century has rows with wrong times; its limit is not computed.
constexpr std::int64_t span_days_max = 36'525;
bool too_long(std::int32_t first, std::int32_t last) { return std::int64_t{last} - first > span_days_max; }

struct Moments {
  double n = 0, sum = 0, squares = 0;
};

// The largest distance(first day, day after the last) of the windows that fit, or none when fewer than two windows do.
template <class F> Limit largest(std::int32_t first, std::int32_t last, int days, F distance) {
  Limit out;
  if (days <= 0 || std::int64_t{last} - first + 1 < 2 * std::int64_t{days}) return out;
  for (std::int32_t from = first; from + days <= last + 1; ++from) {
    const double d = distance(from, from + days);
    if (std::isnan(d)) continue;
    out.value = std::max(out.value, d);
    ++out.windows;
  }
  return out;
}

constexpr std::size_t no_category = std::numeric_limits<std::size_t>::max();

// Of categories: counts by day, a window is a sum of days.
Limit of_categories(std::span<const std::size_t> category, std::size_t categories, std::span<const std::int32_t> day,
                    int days, Measure measure) {
  std::map<std::int32_t, std::vector<double>> by_day;
  std::vector<double> all(categories);
  for (std::size_t i = 0; i < category.size() && i < day.size(); ++i) {
    if (category[i] == no_category) continue;
    auto& counts = by_day[day[i]];
    counts.resize(categories);
    counts[category[i]] += 1, all[category[i]] += 1;
  }
  if (by_day.empty() || too_long(by_day.begin()->first, by_day.rbegin()->first)) return {};
  return largest(by_day.begin()->first, by_day.rbegin()->first, days, [&](std::int32_t from, std::int32_t to) {
    std::vector<double> in(categories), rest = all;
    for (auto d = by_day.lower_bound(from); d != by_day.end() && d->first < to; ++d)
      for (std::size_t i = 0; i < categories; ++i) in[i] += d->second[i], rest[i] -= d->second[i];
    return measure == Measure::psi ? psi(rest, in) : jensen_shannon(rest, in);
  });
}

Limit of_bins(std::span<const double> values, std::span<const std::int32_t> day, int days, Measure measure) {
  std::vector<double> sorted;
  for (const double v : values)
    if (std::isfinite(v)) sorted.push_back(v);
  if (sorted.empty()) return {};
  sort(sorted);
  const auto edges = bins_by_share(sorted, psi_bins);
  std::vector<std::size_t> bin(values.size(), no_category);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i]))
      bin[i] =
          static_cast<std::size_t>(std::upper_bound(edges.begin() + 1, edges.end() - 1, values[i]) - edges.begin() - 1);
  return of_categories(bin, edges.size() - 1, day, days, measure);
}

}  // namespace

Drift compare(const Sample& reference, const Sample& current, double limit) {
  Drift out{.limit = limit};
  if (reference.size() == 0 || current.size() == 0) return out.note = no_values, out;
  out.statistic = ks_d(reference.sorted(), current.sorted());
  out.p = ks_p(out.statistic, std::ssize(reference.sorted()), std::ssize(current.sorted()));
  out.distance = area_between(reference.sorted(), current.sorted()) / std::max(reference.std_dev(), std_dev_min);
  const auto edges = bins_by_share(reference.sorted(), psi_bins);
  out.psi = psi(histogram(reference.sorted(), edges, Outside::kept), histogram(current.sorted(), edges, Outside::kept));
  out.psi_by_chance =
      psi_by_chance(edges.size() - 1, static_cast<double>(reference.size()), static_cast<double>(current.size()));
  out.tested = true;
  return out;
}

Drift compare(const Counts& reference, const Counts& current, double limit) {
  Drift out{.limit = limit};
  const auto both = align(reference, current);
  const auto test = homogeneity(both.reference, both.current);
  if (std::isnan(test.p)) return out.note = no_values, out;
  out.statistic = test.x2, out.p = test.p;
  for (const auto i : test.pooled) out.pooled.push_back(both.names[i]);
  out.distance = jensen_shannon(both.reference, both.current);
  out.psi = psi(both.reference, both.current);
  out.psi_by_chance =
      psi_by_chance(both.names.size(), std::accumulate(both.reference.begin(), both.reference.end(), 0.0),
                    std::accumulate(both.current.begin(), both.current.end(), 0.0));
  out.tested = true;
  return out;
}

void decide(std::span<Drift> columns, double alpha) {
  std::vector<double> p;
  for (const auto& c : columns) p.push_back(c.tested ? c.p : none);
  const auto q = benjamini_hochberg(p);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i].q = q[i];
    columns[i].drifted = columns[i].tested && q[i] < alpha && columns[i].distance >= columns[i].limit;
  }
}

Limit calibrate(std::span<const double> values, std::span<const std::int32_t> day, int days, Measure measure) {
  if (measure == Measure::psi || measure == Measure::jensen_shannon) return of_bins(values, day, days, measure);
  struct Row {
    double value;
    std::int32_t day;
  };
  std::vector<Row> rows;
  for (std::size_t i = 0; i < values.size() && i < day.size(); ++i)
    if (std::isfinite(values[i])) rows.push_back({values[i], day[i]});
  if (rows.empty()) return {};
  const auto [first, last] =
      std::minmax_element(rows.begin(), rows.end(), [](auto& a, auto& b) { return a.day < b.day; });
  const auto begin = first->day, end = last->day;
  if (too_long(begin, end)) return {};
  // The moments of a window are those of its days, about the mean of all.
  const auto rest_of = [&, all = static_cast<double>(rows.size())] {
    double mean = 0;
    for (const auto& r : rows) mean += r.value / all;
    std::vector<Moments> by_day(static_cast<std::size_t>(end - begin) + 1);
    Moments total;
    for (const auto& r : rows) {
      const double off = r.value - mean;
      for (auto* to : {&by_day[static_cast<std::size_t>(r.day - begin)], &total})
        to->n += 1, to->sum += off, to->squares += off * off;
    }
    return [by_day = std::move(by_day), total, begin](std::int32_t from, std::int32_t to) {
      Moments rest = total;
      for (auto d = from; d < to; ++d) {
        const auto& day = by_day[static_cast<std::size_t>(d - begin)];
        rest.n -= day.n, rest.sum -= day.sum, rest.squares -= day.squares;
      }
      return rest;
    };
  }();
  // Sorted by value once: then a window and the rest are one pass over all rows, without a branch that depends on them.
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.value < b.value; });
  return largest(begin, end, days, [&](std::int32_t from, std::int32_t to) {
    const auto rest = rest_of(from, to);  // plays the reference
    const auto n = static_cast<std::int64_t>(rest.n), m = std::ssize(rows) - n;
    if (n == 0 || m == 0) return none;
    std::int64_t between = 0;
    if (measure == Measure::ks) {
      std::int64_t gap = 0, most = 0;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        gap += static_cast<std::uint32_t>(rows[i].day - from) < static_cast<std::uint32_t>(to - from) ? -n : m;
        if (i + 1 == rows.size() || rows[i].value < rows[i + 1].value) most = std::max(most, std::abs(gap));
      }
      return static_cast<double>(most) / (static_cast<double>(n) * static_cast<double>(m));
    }
    double area = 0, at = rows.front().value;
    for (const auto& r : rows) {
      area += static_cast<double>(std::abs(between)) * (r.value - at);
      between += static_cast<std::uint32_t>(r.day - from) < static_cast<std::uint32_t>(to - from) ? -n : m;
      at = r.value;
    }
    const double mean = rest.sum / rest.n, variance = std::max(0.0, rest.squares / rest.n - mean * mean);
    return area / (static_cast<double>(n) * static_cast<double>(m)) / std::max(std::sqrt(variance), std_dev_min);
  });
}

Limit calibrate(std::span<const std::string> values, std::span<const std::int32_t> day, int days, Measure measure) {
  std::map<std::string_view, std::size_t> index;
  std::vector<std::size_t> category(values.size(), no_category);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!values[i].empty()) category[i] = index.try_emplace(values[i], index.size()).first->second;
  return of_categories(category, index.size(), day, days, measure);
}

std::int32_t day_of(std::int64_t microseconds) { return static_cast<std::int32_t>(pawl::day_of(Time{microseconds})); }

void in_parallel(std::size_t count, int threads, const std::function<void(std::size_t)>& each) {
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) each(i);
  };
  std::vector<std::jthread> more;
  for (int t = 1; t < threads && static_cast<std::size_t>(t) < count; ++t) more.emplace_back(work);
  work();
}

}  // namespace pawl::stats
