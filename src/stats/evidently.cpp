#include "stats/evidently.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "stats/drift.h"

namespace pawl::stats::evidently {
namespace {

constexpr std::size_t rows_small = 1000;  // of the reference, after cleaning; the current side does not count
constexpr std::size_t values_few = 5;
constexpr std::size_t values_binned = 20;  // more distinct ones in the reference alone are binned

Score none_of(Test test, double threshold) {
  return {.test = test, .threshold = threshold, .note = "not computed: no values"};
}
Test of_categories(std::size_t rows, std::size_t distinct) {
  if (rows > rows_small) return Test::jensenshannon;
  return distinct > 2 ? Test::chisquare : Test::z;
}
Score judged(Test test, double value, double threshold) {
  const bool p = test == Test::chisquare || test == Test::z;
  const bool drifted = test == Test::ks ? value <= threshold : p ? value < threshold : value >= threshold;
  return {.test = test, .score = value, .threshold = threshold, .drifted = drifted};
}
// The first value in order is 0, every other is 1.
double z_p(const Aligned& both) {
  const double n = std::accumulate(both.reference.begin(), both.reference.end(), 0.0);
  const double m = std::accumulate(both.current.begin(), both.current.end(), 0.0);
  if (both.names.size() == 1) return 1;
  const double z = two_proportions(n - both.reference[0], n, m - both.current[0], m).z;
  return 2 * (1 - 0.5 * std::erfc(-std::abs(z) / std::sqrt(2.0)));  // 0 from |z| = 8.3 on, as theirs
}
double of_counts(Test test, const Aligned& both) {
  switch (test) {
    case Test::jensenshannon: return jensen_shannon_nats(both.reference, both.current);
    case Test::psi: return psi(both.reference, both.current);
    case Test::kl_div: return kullback_leibler(both.reference, both.current);
    case Test::hellinger: return hellinger(both.reference, both.current);
    case Test::chisquare: return chi_square_of_fit(both.reference, both.current).p;
    case Test::z: return z_p(both);
    case Test::ks:
    case Test::wasserstein: break;  // of numbers only
  }
  return none;
}
Aligned binned(const Sample& r, const Sample& c, std::size_t n) {
  const bool whole = r.numbers() == Numbers::whole && c.numbers() == Numbers::whole;
  const auto edges = sturges_edges(std::min(r.low(), c.low()), std::max(r.high(), c.high()), n,
                                   whole ? Numbers::whole : Numbers::real);
  return {.reference = histogram(r.sorted(), edges), .current = histogram(c.sorted(), edges)};
}

}  // namespace

Test chosen(const Sample& reference, const Sample& current) {
  const auto values = distinct(reference.sorted(), current.sorted(), values_few + 1);
  if (values <= values_few) return of_categories(reference.size(), values);
  return reference.size() > rows_small ? Test::wasserstein : Test::ks;
}

Test chosen(const Counts& reference, const Counts& current) {
  const auto both = align(reference, current);
  return of_categories(static_cast<std::size_t>(std::accumulate(both.reference.begin(), both.reference.end(), 0.0)),
                       both.names.size());
}

Score score(Test test, const Sample& reference, const Sample& current, double threshold) {
  if (reference.size() == 0 || current.size() == 0) return none_of(test, threshold);
  const auto r = reference.sorted(), c = current.sorted();
  double value = none;
  if (test == Test::ks) {
    value = ks_p(ks_d(r, c), std::ssize(r), std::ssize(c));
  } else if (test == Test::wasserstein) {
    value = area_between(r, c) / std::max(reference.std_dev(), std_dev_min);
  } else if (test == Test::hellinger) {  // always binned, by the number of distinct values
    value = of_counts(test, binned(reference, current, distinct(r, c, std::numeric_limits<std::size_t>::max())));
  } else {
    const bool bins = test != Test::chisquare && test != Test::z && distinct(r, {}, values_binned + 1) > values_binned;
    value = of_counts(test, bins ? binned(reference, current, r.size() + c.size()) : by_value(r, c));
  }
  return judged(test, value, threshold);
}

Score score(Test test, const Counts& reference, const Counts& current, double threshold) {
  if (reference.empty() || current.empty()) return none_of(test, threshold);
  return judged(test, of_counts(test, align(reference, current)), threshold);
}

Score score(const Sample& reference, const Sample& current) {
  const auto test = chosen(reference, current);
  return score(test, reference, current, threshold_default(test));
}

Score score(const Counts& reference, const Counts& current) {
  const auto test = chosen(reference, current);
  return score(test, reference, current, threshold_default(test));
}

double drift_share(std::span<const Score> columns) {
  double tested = 0, drifted = 0;
  for (const auto& c : columns) tested += c.note.empty() ? 1 : 0, drifted += c.drifted ? 1 : 0;
  return tested > 0 ? drifted / tested : none;
}

}  // namespace pawl::stats::evidently
