#include "stats/drift.h"

#include <cmath>
#include <cstring>

#include "core/testing.h"
#include "stats/distance.h"
#include "stats/evidently.h"
#include "stats/golden_drift.h"
#include "stats/made_data.h"
#include "stats/nannyml.h"

using namespace pawl;
using namespace pawl::stats;

namespace {
bool near(double got, double want, double relative, double floor = 1e-15) {
  return std::abs(got - want) <= relative * std::abs(want) + floor || (std::isnan(got) && std::isnan(want));
}
bool is_p(evidently::Test t) { return evidently::threshold_default(t) == 0.05; }
void same(const evidently::Score& got, const char* test, double score, bool drifted) {
  CHECK(word(got.test) == test);
  CAPTURE(got.score);
  CAPTURE(score);
  CHECK(near(got.score, score, is_p(got.test) ? 1e-6 : 1e-9));
  CHECK(got.drifted == drifted);
}
}  // namespace

TEST_CASE("compat evidently: every test of numbers, and the one its preset chooses") {
  using enum evidently::Test;
  for (const auto& row : golden::numeric) {
    CAPTURE(row.shape);
    CAPTURE(row.seed_r);
    const auto r = made::sample(row.shape, row.seed_r, row.n, row.shift_r, row.scale_r);
    const auto c = made::sample(row.shape, row.seed_c, row.m, row.shift_c, row.scale_c);
    for (const auto& [test, want] : {std::pair{ks, row.ks},
                                     {wasserstein, row.wasserstein},
                                     {jensenshannon, row.jensenshannon},
                                     {psi, row.psi},
                                     {kl_div, row.kl_div},
                                     {hellinger, row.hellinger}}) {
      const double got = score(test, r, c, evidently::threshold_default(test)).score;
      CAPTURE(static_cast<int>(test));
      CAPTURE(got);
      CAPTURE(want);
      CHECK(near(got, want, is_p(test) ? 1e-6 : 1e-9));
    }
    same(evidently::score(r, c), row.test, row.score, row.drifted);
  }
}
TEST_CASE("compat evidently: every test of categories, and the one its preset chooses") {
  using enum evidently::Test;
  for (const auto& row : golden::categories) {
    CAPTURE(row.seed_r);
    const auto r = made::counted(made::names(row.seed_r, row.n, row.mix_r, row.levels_r));
    const auto c = made::counted(made::names(row.seed_c, row.m, row.mix_c, row.levels_c));
    for (const auto& [test, want] : {std::pair{jensenshannon, row.jensenshannon},
                                     {psi, row.psi},
                                     {kl_div, row.kl_div},
                                     {hellinger, row.hellinger}}) {
      CAPTURE(static_cast<int>(test));
      CHECK(near(score(test, r, c, 0.1).score, want, 1e-9));
    }
    same(evidently::score(r, c), row.test, row.score, row.drifted);
  }
}
TEST_CASE("compat nannyml: values, thresholds and alarms of its chunks") {
  using enum nannyml::Method;
  for (const auto& row : golden::nanny) {
    CAPTURE(row.shape);
    CAPTURE(row.seed_r);
    CAPTURE(row.method);
    const auto method = from_word<nannyml::Method>(row.method).value();
    const bool names = std::strcmp(row.shape, "kinds") == 0;
    std::vector<std::vector<double>> values(2);  // of the reference's chunks, of those after it
    std::vector<bool> chi2_alarms;
    const auto each = [](const auto& all, auto f) {
      for (std::size_t i = 0; i < all.size(); i += golden::nanny_chunk)
        f(std::span(all).subspan(i, std::min(golden::nanny_chunk, all.size() - i)));
    };
    if (names) {
      const auto r = made::names(row.seed_r, row.n, row.shift_r, row.scale_r);
      const auto c = made::names(row.seed_c, row.m, row.shift_c, row.scale_c);
      const auto all = made::counted(r);
      each(r, [&](auto part) { values[0].push_back(value(method, all, made::counted(part))); });
      each(c, [&](auto part) {
        values[1].push_back(value(method, all, made::counted(part)));
        chi2_alarms.push_back(nannyml::chi2_p(all, made::counted(part)) < 0.05);
      });
    } else {
      const auto r = made::numbers(row.shape, row.seed_r, row.n, row.shift_r, row.scale_r);
      const auto c = made::numbers(row.shape, row.seed_c, row.m, row.shift_c, row.scale_c);
      const Sample all(r);
      const nannyml::Continuous reference(all);
      const auto of = [&](auto part) { return reference.value(method, Sample({part.begin(), part.end()})); };
      each(r, [&](auto part) { values[0].push_back(of(part)); });
      each(c, [&](auto part) { values[1].push_back(of(part)); });
    }
    REQUIRE(values[0].size() == row.reference.size());
    REQUIRE(values[1].size() == row.chunks.size());
    const double upper = nannyml::upper_threshold(values[0], method);
    CHECK(near(upper, row.upper, 1e-9));
    for (std::size_t i = 0; i < values[0].size(); ++i) CHECK(near(values[0][i], row.reference[i], 1e-9));
    for (std::size_t i = 0; i < values[1].size(); ++i) {
      CHECK(near(values[1][i], row.chunks[i], 1e-9));
      CHECK((method == chi2 ? chi2_alarms[i] : values[1][i] > upper) == row.alarms[i]);
    }
  }
}

TEST_CASE("a column has drifted when the test says so and the distance is above its limit, never by one alone") {
  const auto reference = made::sample("real", 1, 20'000, 0, 1);
  std::vector<Drift> got{
      compare(reference, made::sample("real", 2, 20'000, 0, 1)),
      compare(reference, made::sample("real", 3, 20'000, 0.05, 1)),      // seen by the test, too near to matter
      compare(reference, made::sample("real", 4, 12, 0.1, 1)),           // far, by chance
      compare(reference, made::sample("real", 5, 20'000, 0.3, 1)),       // both
      compare(reference, made::sample("real", 5, 20'000, 0.3, 1), 0.5),  // both, but the reference moves more by itself
      compare(reference, Sample({none}))};
  decide(got);
  CHECK(got[0].q > 0.05);
  CHECK((got[1].q < 0.05 && got[1].distance < 0.1));
  CHECK((got[2].q > 0.05 && got[2].distance > 0.1));
  CHECK(got[3].drifted);
  CHECK((got[4].q < 0.05 && got[4].distance > 0.1));
  for (const auto i : {0U, 1U, 2U, 4U, 5U}) CHECK(!got[i].drifted);
  CHECK(got[5].note == "not computed: no values");
  CHECK((!got[5].tested && std::isnan(got[5].q)));
}
TEST_CASE("categories drift by homogeneity and Jensen-Shannon in base 2, a new one among them") {
  std::vector<Drift> got{compare(Counts{{"a", 500}, {"b", 500}}, Counts{{"a", 260}, {"b", 240}}),
                         compare(Counts{{"a", 500}, {"b", 500}}, Counts{{"a", 300}, {"b", 100}, {"c", 100}}),
                         compare(Counts{{"a", 500}}, Counts{{"a", 7}}), compare(Counts{{"a", 500}}, Counts{})};
  decide(got);
  CHECK(!got[0].drifted);
  CHECK(got[1].drifted);
  CHECK((got[2].tested && got[2].distance == 0 && !got[2].drifted));
  CHECK(!got[3].tested);
}
TEST_CASE("a constant column is at no distance from itself, and anything else is far from it") {
  const Sample five(std::vector<double>(100, 5.0)), six(std::vector<double>(100, 6.0));
  std::vector<Drift> got{compare(five, five), compare(five, six)};
  decide(got);
  CHECK((got[0].distance == 0 && got[0].p == 1 && !got[0].drifted));
  CHECK((got[1].distance == 1000 && got[1].drifted));
}
TEST_CASE(
    "the calibrated limit is the largest distance of any window from the rest of the reference, as computed one by "
    "one") {
  // 40 days with a level that wanders, windows of 14.
  std::vector<double> values;
  std::vector<std::int32_t> day;
  Draws draws(9);
  for (int d = 0; d < 40; ++d)
    for (int i = 0; i < 20 + d % 3; ++i) {
      values.push_back(std::sin(d / 6.0) + made::uniform(draws));
      day.push_back(15'000 + d);
    }
  values[7] = none;
  double want = 0.1;
  for (int from = 15'000; from + 14 <= 15'040; ++from) {
    std::vector<double> in, rest;
    for (std::size_t i = 0; i < values.size(); ++i)
      (day[i] >= from && day[i] < from + 14 ? in : rest).push_back(values[i]);
    const Sample reference(rest);
    want = std::max(want, area_between(reference.sorted(), Sample(in).sorted()) / reference.std_dev());
  }
  const auto got = calibrate(values, day, 14);
  CHECK(near(got.value, want, 1e-9));
  CHECK(got.windows == 27);
  CHECK(got.value > 0.5);
  CHECK(calibrate(values, day, 20).windows == 21);
  CHECK(calibrate(values, day, 21).windows == 0);  // under two windows
  CHECK(calibrate(values, day, 21).value == 0.1);
  CHECK(calibrate(std::vector<double>{none}, std::vector<std::int32_t>{3}, 1).windows == 0);
}
TEST_CASE("the calibrated limit of categories sums days, and is the same in any order of rows") {
  std::vector<std::string> values;
  std::vector<std::int32_t> day;
  for (int d = 0; d < 8; ++d)
    for (int i = 0; i < 10; ++i) values.push_back(i < d ? "rain" : "sun"), day.push_back(d);
  values[3].clear();
  const auto got = calibrate(values, day, 4);
  CHECK(got.windows == 5);
  CHECK(near(got.value, jensen_shannon_nats(std::array{6.0, 33.0}, std::array{22.0, 18.0}) / std::sqrt(std::log(2.0)),
             1e-9));
  std::reverse(values.begin(), values.end()), std::reverse(day.begin(), day.end());
  CHECK(calibrate(values, day, 4).value == got.value);
}
TEST_CASE("a reference with a row of a wrong century has no limit of its own") {
  std::vector<double> values(100, 1.0);
  std::vector<std::int32_t> day;
  for (int i = 0; i < 100; ++i) day.push_back(16'000 + i);
  CHECK(calibrate(values, day, 7).windows == 94);
  day[0] = std::numeric_limits<std::int32_t>::min();
  CHECK(calibrate(values, day, 7).windows == 0);
  CHECK(calibrate(std::vector<std::string>(100, "a"), day, 7).windows == 0);
}
TEST_CASE("days are those of UTC, before 1970 too") {
  CHECK(day_of(0) == 0);
  CHECK(day_of(86'399'999'999) == 0);
  CHECK(day_of(86'400'000'000) == 1);
  CHECK(day_of(-1) == -1);
}

TEST_CASE("a limit of another measure is its largest value over the windows, as a plain loop finds it") {
  Draws draws(11);
  std::vector<double> values;
  std::vector<std::string> names;
  std::vector<std::int32_t> day;
  for (int d = 0; d < 30; ++d)
    for (int i = 0; i < 20; ++i) {
      values.push_back(std::floor(made::uniform(draws) * 40) + d % 9);
      names.push_back("c" + std::to_string(static_cast<int>(made::uniform(draws) * (d < 15 ? 3 : 5))));
      day.push_back(d);
    }
  const auto edges = bins_by_share(Sample(values).sorted(), psi_bins);
  for (const auto measure : {Measure::ks, Measure::psi, Measure::jensen_shannon}) {
    CAPTURE(word(measure));
    double most = distance_limit_default, most_names = distance_limit_default;
    for (int from = 0; from + 7 <= 30; ++from) {
      std::vector<double> in, rest;
      Counts in_names, rest_names;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const bool inside = day[i] >= from && day[i] < from + 7;
        (inside ? in : rest).push_back(values[i]);
        ++(inside ? in_names : rest_names)[names[i]];
      }
      const Sample a(rest), b(in);
      const auto p = histogram(a.sorted(), edges, Outside::kept), q = histogram(b.sorted(), edges, Outside::kept);
      most = std::max(most, measure == Measure::ks    ? ks_d(a.sorted(), b.sorted())
                            : measure == Measure::psi ? psi(p, q)
                                                      : jensen_shannon(p, q));
      const auto both = align(rest_names, in_names);
      most_names = std::max(most_names, measure == Measure::psi ? psi(both.reference, both.current)
                                                                : jensen_shannon(both.reference, both.current));
    }
    CHECK(most > distance_limit_default);
    const auto limit = calibrate(values, day, 7, measure);
    CHECK(limit.windows == 24);
    CHECK(near(limit.value, most, 1e-12));
    if (measure != Measure::ks) CHECK(near(calibrate(names, day, 7, measure).value, most_names, 1e-12));
  }
}
