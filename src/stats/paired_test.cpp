#include "stats/paired.h"

#include <cmath>

#include "core/testing.h"

using namespace pawl;
using namespace pawl::stats;

TEST_CASE("McNemar's p is that of the worked example, exact below 25 differing rows") {
  const auto got = mcnemar(25, 10);
  CHECK(std::abs(got.exact - 0.016673847800) < 1e-11);
  CHECK(std::abs(got.mid_p - 0.011330984183) < 1e-11);
  CHECK(std::abs(got.chi_square - 5.6) < 1e-12);
  CHECK(std::abs(got.p - 0.017960477526) < 1e-11);
  CHECK(mcnemar(3, 9).p == mcnemar(3, 9).exact);
  CHECK(mcnemar(9, 3).p == mcnemar(3, 9).p);
  CHECK(mcnemar(0, 0).p == 1);
  CHECK(mcnemar(5, 5).p == 1);
}
TEST_CASE("DeLong's test of two AUC is that of the worked example") {
  const std::vector<int> y{0, 0, 0, 0, 1, 1, 1, 1};
  const std::vector<double> p{.1, .3, .35, .6, .4, .55, .8, .9}, q{.2, .5, .3, .7, .4, .6, .65, .8};
  const auto got = delong(y, p, q);
  CHECK(std::abs(got.auc_a - 0.875) < 1e-12);
  CHECK(std::abs(got.auc_b - 0.75) < 1e-12);
  CHECK(std::abs(got.var_a - 1.0 / 48) < 1e-12);
  CHECK(std::abs(got.var_b - 1.0 / 24) < 1e-12);
  CHECK(std::abs(got.cov - 5.0 / 192) < 1e-12);
  CHECK(std::abs(got.z - 1.224744871392) < 1e-11);
  CHECK(std::abs(got.p - 0.220671361920) < 1e-11);
}
TEST_CASE("without a second class, or with two perfect models, there is no test") {
  CHECK(std::isnan(delong(std::vector<int>{1, 1}, std::vector{.1, .2}, std::vector{.1, .2}).p));
  const auto perfect = delong(std::vector<int>{0, 0, 1, 1}, std::vector{.1, .2, .3, .4}, std::vector{.1, .2, .5, .6});
  CHECK((perfect.auc_a == 1 && perfect.auc_b == 1 && std::isnan(perfect.p)));
}
TEST_CASE("the interval of a mean difference is Student's") {
  const auto got = mean_difference(std::vector<double>{1, 2, 3, 4, 5});
  CHECK(got.estimate == 3);
  CHECK(std::abs(got.low - 1.036756838522439) < 1e-9);  // scipy.stats.t.interval(0.95, 4, 3, (2.5/5)**0.5)
  CHECK(std::abs(got.high - 4.963243161477561) < 1e-9);
  CHECK(std::isnan(mean_difference(std::vector<double>{1}).low));
}
TEST_CASE("the AUC of DeLong is the metric's, ties counted a half") {
  for_random_cases(200, [](const std::vector<std::pair<bool, std::uint8_t>>& rows) {
    Truth truth{.classes = 2};
    Answers answers;
    std::vector<int> y;
    std::vector<double> score;
    for (const auto& [positive, s] : rows) {
      y.push_back(positive ? 1 : 0), score.push_back(s % 8 / 8.0);
      truth.cls.push_back(y.back());
      answers.probability.insert(answers.probability.end(), {1 - score.back(), score.back()});
      answers.chosen.push_back(0);
    }
    const double want = metric_of(Metric::auc, truth, answers), got = delong(y, score, score).auc_a;
    RC_ASSERT((std::isnan(want) && std::isnan(got)) || std::abs(want - got) < 1e-12);
  });
}
