#include "stats/two_sample.h"

#include <cmath>

#include "core/testing.h"
#include "stats/golden_drift.h"
#include "stats/made_data.h"

using namespace pawl;
using namespace pawl::stats;

namespace {
// Relative, from 1e-15 on: below that a peer's p-value is rounding.
bool near(double got, double want, double relative, double floor = 1e-15) {
  return std::abs(got - want) <= relative * std::abs(want) + floor || (std::isnan(got) && std::isnan(want));
}
Sample sample(const std::vector<int>& values) { return Sample(std::vector<double>(values.begin(), values.end())); }
std::vector<double> counts(const std::vector<std::uint8_t>& seen) { return {seen.begin(), seen.end()}; }
}  // namespace

TEST_CASE("the one-sample law is SciPy's kstwo in all of its seven ranges") {
  for (const auto& row : golden::kolmogorov) {
    CAPTURE(row.n);
    CAPTURE(row.x);
    const double got = kolmogorov_above(static_cast<std::int64_t>(row.n), row.x);
    CAPTURE(got);
    CAPTURE(row.above);
    CHECK(near(got, row.above, 1e-6));
  }
}
TEST_CASE("p-values of two samples are SciPy's ks_2samp, exact and asymptotic") {
  for (const auto& row : golden::ks_p) {
    CAPTURE(row.n);
    CAPTURE(row.m);
    CAPTURE(row.d);
    const double got = ks_p(row.d, static_cast<std::int64_t>(row.n), static_cast<std::int64_t>(row.m));
    CAPTURE(got);
    CAPTURE(row.p);
    CHECK(near(got, row.p, 1e-6));
  }
}
TEST_CASE("statistic and distance of two samples are SciPy's") {
  for (const auto& row : golden::numeric) {
    CAPTURE(row.seed_r);
    const auto r = made::sample(row.shape, row.seed_r, row.n, row.shift_r, row.scale_r);
    const auto c = made::sample(row.shape, row.seed_c, row.m, row.shift_c, row.scale_c);
    CHECK(near(ks_d(r.sorted(), c.sorted()), row.d, 1e-12));
    CHECK(near(area_between(r.sorted(), c.sorted()), row.area, 1e-9));
  }
}
TEST_CASE("chi-square of two samples is SciPy's chi2_contingency, with and without Yates") {
  for (const auto& row : golden::categories) {
    CAPTURE(row.seed_r);
    const auto both = align(made::counted(made::names(row.seed_r, row.n, row.mix_r, row.levels_r)),
                            made::counted(made::names(row.seed_c, row.m, row.mix_c, row.levels_c)));
    const auto plain = chi_square(both.reference, both.current),
               yates = chi_square(both.reference, both.current, Yates::yes);
    CHECK(near(plain.x2, row.chi2, 1e-9));
    CHECK(near(plain.p, row.chi2_p, 1e-6));
    CHECK(near(yates.x2, row.chi2_yates, 1e-9));
    CHECK(near(yates.p, row.chi2_yates_p, 1e-6));
  }
}
TEST_CASE("q-values are SciPy's false_discovery_control, and a column without p does not count") {
  auto p = golden::p_values;
  p.push_back(none);
  const auto q = benjamini_hochberg(p);
  for (std::size_t i = 0; i < golden::q_values.size(); ++i) CHECK(near(q[i], golden::q_values[i], 1e-12));
  CHECK(std::isnan(q.back()));
  CHECK(benjamini_hochberg({}).empty());
}
TEST_CASE("two categories that are too rare for chi-square are compared over all tables of the same margins") {
  for (const auto& row : golden::fisher) {
    CAPTURE(row.n);
    const auto got = homogeneity(std::array{row.a, row.n - row.a}, std::array{row.b, row.m - row.b});
    CHECK(got.exact);
    CHECK(near(got.p, row.p, 1e-9));
  }
}
TEST_CASE("rare categories are pooled, the rarest first, and named") {
  // Three of six categories expect 3.5 rows on each side: 6 of 12 cells. Two of them together expect 7: then 2 of 10 are too few, a fifth.
  const std::vector<double> r{40, 30, 20, 4, 3, 3}, c{40, 30, 20, 3, 4, 4};
  const auto got = homogeneity(r, c);
  CHECK((got.pooled == std::vector<std::size_t>{4, 5}));
  CHECK(!got.exact);
  CHECK(got.df == 4);
  CHECK(got.p > 0.9);
  CHECK(homogeneity(std::vector<double>{50, 50}, std::vector<double>{60, 40}).pooled.empty());
}
TEST_CASE("one row in the window is compared, and is no evidence") {
  const auto got = homogeneity(std::vector<double>{100, 100, 100}, std::vector<double>{0, 1, 0});
  CHECK(got.exact);
  CHECK(got.p > 0.05);
  CHECK(ks_p(ks_d(sample({1, 2, 3, 4}).sorted(), sample({2}).sorted()), 4, 1) == 1);
}
TEST_CASE("two shares differ by z, equal constants do not") {
  CHECK(near(two_proportions(45, 100, 30, 100).z, 2.1908902300206643, 1e-12));
  CHECK(near(two_proportions(45, 100, 30, 100).p, 0.02845973691631065, 1e-9));
  CHECK(two_proportions(0, 10, 0, 20).p == 1);
  CHECK(two_proportions(10, 10, 20, 20).p == 1);
  CHECK(std::isnan(two_proportions(0, 0, 0, 20).p));
}
TEST_CASE("the PSI of no drift at all stays below its 95 % point in about 95 % of pairs") {
  CHECK(near(psi_by_chance(10, 1000, 500), 16.918977604620448 * (1.0 / 1000 + 1.0 / 500),
             1e-9));  // scipy.stats.chi2.ppf(0.95, 9)
  Draws draws(4);
  int below = 0;
  for (int i = 0; i < 400; ++i) {
    std::vector<double> a(8), b(8);
    for (int k = 0; k < 1000; ++k) a[draws.below(8)] += 1;
    for (int k = 0; k < 600; ++k) b[draws.below(8)] += 1;
    below += psi(a, b) < psi_by_chance(8, 1000, 600) ? 1 : 0;
  }
  CHECK((below >= 365 && below <= 395));
}
TEST_CASE("nothing to compare is none") {
  const auto some = sample({1, 2});
  CHECK(std::isnan(ks_d({}, some.sorted())));
  CHECK(std::isnan(psi(std::array{0.0, 0.0}, std::array{1.0, 2.0})));
  CHECK(std::isnan(homogeneity({}, {}).p));
  CHECK(std::isnan(chi_square_of_fit(std::array{3.0}, std::array{4.0}).p));
  CHECK(histogram(some.sorted(), {}).empty());
}
TEST_CASE("values on an edge belong to the bin above, only the last bin is closed, and outside is dropped or kept") {
  const auto s = sample({-5, 0, 1, 1, 2, 3, 9});
  const std::vector<double> edges{0, 1, 2, 3};
  CHECK(histogram(s.sorted(), edges) == std::vector<double>{1, 2, 2});
  CHECK(histogram(s.sorted(), edges, Outside::kept) == std::vector<double>{2, 2, 3});
  CHECK(quantile_edges(sample({4, 4, 4}).sorted()) == std::vector<double>{3.5, 4.5});
}
TEST_CASE("bins by share give a value that several quantiles fall on a bin of its own") {
  const auto counts = [](std::vector<double> values) {
    const Sample s(std::move(values));
    return histogram(s.sorted(), bins_by_share(s.sorted()), Outside::kept);
  };
  CHECK(counts({0, 0, 0, 1}) == std::vector<double>{3, 1});
  CHECK(counts({0, 1, 1, 1}) == std::vector<double>{1, 3});
  CHECK(counts({0, 1}) == std::vector<double>{1, 1});
  CHECK(counts({1, 1, 2, 2, 2, 3, 4, 4}) == std::vector<double>{2, 3, 1, 2});
  std::vector<double> dry(95, 0.0);
  for (const double rain : {0.1, 0.2, 0.3, 0.4, 0.5}) dry.push_back(rain);
  CHECK(counts(dry) == std::vector<double>{95, 5});
  CHECK(counts({4, 4, 4}) == std::vector<double>{0, 3, 0});
  const Sample flat(std::vector<double>{4, 4, 4}), apart(std::vector<double>{3.9, 4, 5, 6});
  CHECK(histogram(apart.sorted(), bins_by_share(flat.sorted()), Outside::kept) == std::vector<double>{1, 1, 2});
  std::vector<double> even;
  for (int i = 0; i < 1000; ++i) even.push_back(i);
  const Sample s(even);
  CHECK(bins_by_share(s.sorted()) == quantile_edges(s.sorted()));
  CHECK(bins_by_share({}).empty());
}
TEST_CASE("infinite and missing values leave a sample and are counted") {
  const Sample s({3, none, 1, INFINITY, -INFINITY, 2}, Numbers::whole);
  CHECK(std::vector<double>(s.sorted().begin(), s.sorted().end()) == std::vector<double>{1, 2, 3});
  CHECK(s.missing() == 3);
  CHECK(s.numbers() == Numbers::real);  // a column with missing values is one of real numbers
  CHECK(Sample({none}).size() == 0);
  CHECK(Sample(std::vector<double>(10, 0.1)).std_dev() == 0);
}

TEST_CASE("equal samples are at no distance, whatever the order, and distances are symmetric") {
  for_random_cases(300, [](std::vector<int> a, const std::vector<int>& b, bool front) {
    RC_PRE(!a.empty() && !b.empty());
    const auto x = sample(a), y = sample(b);
    std::rotate(a.begin(), a.begin() + (front ? 1 : std::ssize(a) / 2), a.end());
    const auto same = sample(a);
    RC_ASSERT(ks_d(x.sorted(), same.sorted()) == 0);
    RC_ASSERT(area_between(x.sorted(), same.sorted()) == 0);
    const double d = ks_d(x.sorted(), y.sorted());
    RC_ASSERT(ks_d(y.sorted(), x.sorted()) == d);
    RC_ASSERT(near(area_between(x.sorted(), y.sorted()), area_between(y.sorted(), x.sorted()), 1e-12));
    const auto p = ks_p(d, std::ssize(a), std::ssize(b));
    RC_ASSERT(p >= 0 && p <= 1);
    RC_ASSERT(near(p, ks_p(d, std::ssize(b), std::ssize(a)), 1e-12));
  });
}
TEST_CASE(
    "distances of counts: none to oneself, symmetric where they say so, and indifferent to the order of the bins") {
  for_random_cases(300, [](const std::vector<std::uint8_t>& seen_a, std::vector<std::uint8_t> seen_b) {
    seen_b.resize(seen_a.size());
    auto a = counts(seen_a), b = counts(seen_b);
    RC_PRE(!a.empty());
    a[0] += 1, b[0] += 1;
    for (const auto f : {psi, kullback_leibler, hellinger, jensen_shannon_nats, largest_gap, total_variation})
      RC_ASSERT(std::abs(f(a, a)) < 1e-7);  // the root of what rounding leaves
    for (const auto f : {psi, hellinger, jensen_shannon_nats, largest_gap, total_variation})
      RC_ASSERT(near(f(a, b), f(b, a), 1e-9, 1e-12));
    RC_ASSERT(near(homogeneity(a, b).p, homogeneity(b, a).p, 1e-9));
    const double before = psi(a, b), fit = chi_square(a, b).x2;
    std::reverse(a.begin(), a.end()), std::reverse(b.begin(), b.end());
    RC_ASSERT(near(psi(a, b), before, 1e-9, 1e-12));
    RC_ASSERT(near(chi_square(a, b).x2, fit, 1e-9, 1e-12));
  });
}
