#include "stats/bootstrap.h"

#include <cmath>

#include "core/testing.h"
#include "stats/golden.h"

using namespace pawl;
using namespace pawl::stats;

namespace {
struct Made {
  Truth truth{};
  Answers good{}, bad{};
  std::vector<int> day{};
  static constexpr int days = 30;
};
// Every day has a mood of its own that all its rows share.
Made made(double day_noise, double row_noise, double gap) {
  Made out;
  Draws draws(7);
  const auto normal = [&] {  // sum of 12 uniforms
    double s = -6;
    for (int i = 0; i < 12; ++i) s += static_cast<double>(draws.below(1'000'000)) / 1e6;
    return s;
  };
  for (int d = 0; d < Made::days; ++d) {
    const double mood = day_noise * normal();
    for (int i = 0; i < 100; ++i) {
      const double e = std::abs(10 + mood + row_noise * normal());
      out.truth.value.push_back(0), out.good.value.push_back(e), out.bad.value.push_back(e + gap);
      out.day.push_back(d);
    }
  }
  return out;
}
}  // namespace

TEST_CASE("quantiles are NumPy's") {
  std::vector<double> sorted(golden::many.begin(), golden::many.end());
  std::sort(sorted.begin(), sorted.end());
  const std::array<double, 6> at{0, 0.025, 0.31, 0.5, 0.975, 1};
  for (std::size_t i = 0; i < at.size(); ++i) CHECK(std::abs(quantile(sorted, at[i]) - golden::quantiles[i]) < 1e-12);
  CHECK(std::isnan(quantile({}, 0.5)));
}
TEST_CASE("for a plain mean the interval is close to the one that the normal law gives") {
  const Made m = made(2, 1, 0);
  const Grouped mae(Metric::mae, m.truth, m.good, m.day, Made::days);
  const Interval seen = bootstrap(mae, Made::days);
  std::vector<double> means(Made::days, 0);
  for (std::size_t i = 0; i < m.day.size(); ++i) means[static_cast<std::size_t>(m.day[i])] += m.good.value[i] / 100;
  double mean = 0, squares = 0;
  for (const double v : means) mean += v / Made::days;
  for (const double v : means) squares += (v - mean) * (v - mean);
  const double half = 1.96 * std::sqrt(squares / Made::days / Made::days);
  CHECK(std::abs(seen.estimate - mean) < 1e-9);
  CHECK(std::abs(seen.low - (mean - half)) < 0.1 * half);
  CHECK(std::abs(seen.high - (mean + half)) < 0.1 * half);
}
TEST_CASE("rows that hang together by day give a wider interval than the same rows taken one by one") {
  const Made m = made(2, 1, 0);
  std::vector<int> alone(m.day.size());
  for (std::size_t i = 0; i < alone.size(); ++i) alone[i] = static_cast<int>(i);
  const auto width = [](const Interval& i) { return i.high - i.low; };
  const int n = static_cast<int>(alone.size());
  CHECK(width(bootstrap(Grouped(Metric::mae, m.truth, m.good, m.day, Made::days), Made::days)) >
        4 * width(bootstrap(Grouped(Metric::mae, m.truth, m.good, alone, n), n, {.draws = 500})));
}
TEST_CASE("both models answer the same draws, so that what they share cancels") {
  const Made m = made(5, 1, 0.1);  // the days differ by 5, the models by 0.1
  const Grouped good(Metric::mae, m.truth, m.good, m.day, Made::days),
      bad(Metric::mae, m.truth, m.bad, m.day, Made::days);
  const Interval better = improvement(Metric::mae, good, bad, Made::days);
  CHECK(std::abs(better.low - 0.1) < 1e-9);
  CHECK(improvement(Metric::mae, bad, good, Made::days).high < 0);
  const Interval same = improvement(Metric::mae, good, good, Made::days);
  CHECK_FALSE(same.low > 0);
}
TEST_CASE("the same seed draws the same interval and another one nearly the same") {
  const Made m = made(2, 1, 0);
  const Grouped mae(Metric::mae, m.truth, m.good, m.day, Made::days);
  const Interval a = bootstrap(mae, Made::days), b = bootstrap(mae, Made::days),
                 c = bootstrap(mae, Made::days, {.seed = 2});
  CHECK(a.low == b.low);
  CHECK(a.low != c.low);
  CHECK(std::abs(a.low - c.low) < 0.1);
}
TEST_CASE("an interval from draws in which the metric is mostly not defined is not ok") {
  const Truth truth{.cls = {1, 0, 0, 0, 0, 0}, .classes = 2, .positive = 1};
  const Answers answers{.probability = {0.1, 0.9, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0}, .chosen = {1, 0, 0, 0, 0, 0}};
  const std::vector<int> day{0, 1, 2, 3, 4, 5};
  const Interval seen = bootstrap(Grouped(Metric::auc, truth, answers, day, 6), 6);
  CHECK(seen.estimate == 1);
  CHECK(seen.undefined > 3000);  // (5/6)^6 = 33 % of the draws hold no positive row
  CHECK_FALSE(seen.ok());
}
TEST_CASE("groups are numbered as they appear") {
  std::vector<int> group;
  CHECK(number_groups(std::array<std::int64_t, 5>{20130101, 7, 20130101, -1, 7}, group) == 3);
  CHECK(group == std::vector<int>{0, 1, 0, 2, 1});
}
