#include "stats/metrics.h"

#include <cmath>

#include "core/testing.h"
#include "stats/golden.h"
#include "stats/labels.h"

using namespace pawl;
using namespace pawl::stats;

namespace {
template <std::size_t N> std::vector<double> reals(const std::array<double, N>& a) { return {a.begin(), a.end()}; }
bool near(double a, double b) { return std::abs(a - b) <= 1e-12 * std::max(1.0, std::abs(b)); }

struct Case {
  Truth truth{};
  Answers answers{};
};
Case regression() { return {{.value = reals(golden::y)}, {.value = reals(golden::p)}}; }
Case two() {
  Case c{{.cls = {golden::two.begin(), golden::two.end()}, .classes = 2, .positive = 1}, {}};
  for (const double s : golden::score) c.answers.probability.push_back(1 - s), c.answers.probability.push_back(s);
  c.answers.chosen = choose(c.answers.probability, 2, 1);
  return c;
}
Case three() {
  Case c{{.cls = {golden::three.begin(), golden::three.end()}, .classes = 3}, {.probability = reals(golden::prob)}};
  c.answers.chosen = choose(c.answers.probability, 3, 1);
  return c;
}
Case case_of(Metric m, bool many) { return of_regression(m) ? regression() : many ? three() : two(); }
}  // namespace

TEST_CASE("metrics are those of scikit-learn") {
  using enum Metric;
  each_of<Metric, bool, double>({{mae, false, golden::mae},
                                 {rmse, false, golden::rmse},
                                 {bias, false, golden::bias},
                                 {r2, false, golden::r2},
                                 {accuracy, false, golden::accuracy_two},
                                 {f1, false, golden::f1_two},
                                 {log_loss, false, golden::log_loss_two},
                                 {auc, false, golden::auc_two},
                                 {accuracy, true, golden::accuracy_three},
                                 {f1, true, golden::f1_three},
                                 {log_loss, true, golden::log_loss_three}},
                                [](const Metric& m, bool many, double expected) {
                                  const Case c = case_of(m, many);
                                  CHECK(cannot(m, c.truth, c.answers).empty());
                                  CHECK(near(metric_of(m, c.truth, c.answers), expected));
                                });
}
TEST_CASE("a metric that is not defined is none, not 0") {
  CHECK(std::isnan(metric_of(Metric::r2, {.value = {3.1, 3.1, 3.1}}, {.value = {1, 2, 3}})));
  CHECK(std::isnan(
      metric_of(Metric::auc, {.cls = {1, 1}, .classes = 2}, {.probability = {0.5, 0.5, 0.1, 0.9}, .chosen = {1, 1}})));
  CHECK(std::isnan(
      metric_of(Metric::f1, {.cls = {0, 0}, .classes = 2}, {.probability = {1, 0, 1, 0}, .chosen = {0, 0}})));
  CHECK(std::isnan(metric_of(Metric::mae, {}, {})));
}
TEST_CASE("what cannot be computed is said before") {
  CHECK(cannot(Metric::auc, three().truth, three().answers) == "auc needs two classes, there are 3");
  CHECK(cannot(Metric::mae, two().truth, two().answers) == "mae is a metric of regression");
  CHECK(cannot(Metric::log_loss, {.cls = {0, 1}, .classes = 2}, {.chosen = {0, 1}}) ==
        "log_loss needs probabilities, the model only names a class");
  CHECK(cannot(Metric::mae, {}, {}) == "there are no rows");
}
TEST_CASE("the metric of drawn groups is that of their rows written out") {
  using enum Metric;
  for (const Metric m : {mae, rmse, bias, r2, accuracy, f1, log_loss, auc})
    for (const bool many : {false, true}) {
      if (many && m == auc) continue;
      const Case c = case_of(m, many);
      for_random_cases(100, [&](const std::vector<unsigned char>& picks, bool narrow) {
        const int groups = narrow ? 5 : 40;  // 5 groups: auc by pairs of groups, 40: by sorted rows
        std::vector<int> group;
        for (std::size_t i = 0; i < c.truth.rows(); ++i) group.push_back(static_cast<int>(i * 7) % groups);
        std::vector<std::int32_t> times(static_cast<std::size_t>(groups), 0);
        for (const unsigned char pick : picks) ++times[pick % static_cast<unsigned>(groups)];
        std::vector<std::size_t> rows;
        for (std::size_t i = 0; i < group.size(); ++i)
          for (int k = 0; k < times[static_cast<std::size_t>(group[i])]; ++k) rows.push_back(i);
        const double fast = Grouped(m, c.truth, c.answers, group, groups).of(times),
                     slow = metric_of(m, c.truth, c.answers, rows);
        RC_ASSERT((std::isnan(fast) && std::isnan(slow)) ||
                  std::abs(fast - slow) <= 1e-9 * std::max(1.0, std::abs(slow)));
      });
    }
}

TEST_CASE("a metric that takes its rows one by one is the metric of all of them") {
  Truth numbers, classes{.classes = 2};
  Answers said, probable;
  std::vector<int> group;
  for (std::size_t i = 0; i < golden::y.size(); ++i) {
    numbers.value.push_back(golden::y[i]), said.value.push_back(golden::p[i]);
    classes.cls.push_back(golden::two[i]);
    probable.probability.push_back(1 - golden::score[i]), probable.probability.push_back(golden::score[i]);
    group.push_back(static_cast<int>(i % 5));
  }
  probable.chosen = choose(probable.probability, 2, 1);
  for (const auto m : {Metric::mae, Metric::rmse, Metric::bias, Metric::r2, Metric::accuracy, Metric::f1,
                       Metric::log_loss, Metric::auc}) {
    CAPTURE(word(m));
    const auto& truth = of_regression(m) ? numbers : classes;
    const auto& answers = of_regression(m) ? said : probable;
    const Grouped whole(m, truth, answers, group, 5);
    Grouped grown(m, truth.classes, truth.positive);
    for (std::size_t i = 0; i < group.size(); ++i) grown.add(truth, answers, i, group[i]);
    grown.ready();
    CHECK(grown.groups() == 5);
    for (const auto& times : {std::array<std::int32_t, 5>{1, 1, 1, 1, 1}, std::array<std::int32_t, 5>{0, 2, 1, 3, 0}})
      CHECK(std::abs(grown.of(times) - whole.of(times)) < 1e-12);
  }
}
TEST_CASE("labels have one form, numbers come before texts") {
  for (const char* one : {"1", "1.0", " 1", "+1", "1e0"}) CHECK(canonical_label(one) == "1");
  CHECK(canonical_label("-0.0") == "0");
  CHECK(canonical_label("0.1") == "0.1");
  CHECK(canonical_label("1 2") == "1 2");
  CHECK(canonical_label("nan") == "nan");
  CHECK(sorted_labels({"b", "10", "9", "a", "9"}) == std::vector<std::string>{"9", "10", "a", "b"});
}
