#include "stats/randomised.h"

#include <cmath>

#include "core/testing.h"
#include "stats/bootstrap.h"
#include "stats/distance.h"
#include "stats/sequential.h"
#include "stats/two_sample.h"

using namespace pawl;
using namespace pawl::stats;

namespace {
double normal(Draws& d) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(d.next() >> 11U) * 0x1p-53;
  return sum;
}
// Requests of `rows` rows whose values hang together, a share of them dealt to the second side, whose values are moved by `shift`.
struct Traffic {
  std::vector<double> values{};
  std::vector<int> unit{};
  Deal deal{};
  Traffic(std::uint64_t seed, int units, int rows, double share, double shift) {
    Draws d(seed);
    double level = 0;
    for (int u = 0; u < units; ++u) {
      level = 0.95 * level + normal(d);  // and in time too
      deal.second.push_back(d.below(1000) < share * 1000 ? 1 : 0);
      for (int r = 0; r < rows; ++r) {
        values.push_back(level + 0.5 * normal(d) + (deal.second.back() == 1 ? shift : 0));
        unit.push_back(u);
      }
    }
  }
  Deal sides() const { return deal; }
  std::vector<double> side(int which) const {
    std::vector<double> out;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (deal.second[static_cast<std::size_t>(unit[i])] == which) out.push_back(values[i]);
    std::sort(out.begin(), out.end());
    return out;
  }
};
}  // namespace

TEST_CASE("the difference as it is has the numbers of the plain distances") {
  const Traffic t(1, 60, 5, 0.3, 0.4);
  const auto live = t.side(0), canary = t.side(1);
  CHECK(distance_by_chance(t.values, t.unit, t.deal, 0.05).seen ==
        doctest::Approx(wasserstein(canary, live) / std_dev(live)).epsilon(1e-12));
  std::vector<int> chosen;
  std::array<std::vector<double>, 2> counts{{{0, 0, 0}, {0, 0, 0}}};
  for (std::size_t i = 0; i < t.values.size(); ++i) {
    chosen.push_back(t.values[i] < -1 ? 0 : t.values[i] < 1 ? 1 : 2);
    counts[static_cast<std::size_t>(t.deal.second[static_cast<std::size_t>(t.unit[i])])]
          [static_cast<std::size_t>(chosen.back())] += 1;
  }
  CHECK(distance_by_chance(chosen, 3, t.unit, t.deal, 0.05).seen ==
        doctest::Approx(jensen_shannon(counts[0], counts[1])).epsilon(1e-12));
}
TEST_CASE("p is the share of all deals with as large a difference") {
  // 2 of 6 units: 15 deals, three of them with a sum of 9 or more: {3,6}, {4,5}, {4,6}, {5,6} have 9, 9, 10, 11.
  const std::vector<double> value{1, 2, 3, 4, 5, 6};
  const Deal deal{.second = {0, 0, 1, 0, 0, 1}};
  const auto got = by_chance(deal, 1e-4, [&](const Deal& d) {
    double sum = 0;
    for (std::size_t i = 0; i < value.size(); ++i) sum += d.second[i] * value[i];
    return sum;
  });
  CHECK(got.seen == 9);
  CHECK(got.p > 0.1);  // 4/15 = 0.27, from ten that were found
  CHECK(got.p < 0.6);
}
TEST_CASE("nothing is said where a side is empty or the difference is not defined") {
  CHECK(std::isnan(by_chance({.second = {0, 0}}, 0.05, [](const Deal&) { return 1.0; }).p));
  CHECK(std::isnan(by_chance({.second = {0, 1}}, 0.05, [](const Deal&) { return none; }).p));
}
TEST_CASE("levels of all looks add up to alpha") {
  double sum = 0;
  for (std::int64_t k = 1; k <= 100'000; ++k) sum += level_of_look(0.05, k);
  CHECK(sum < 0.05);
  CHECK(sum > 0.0499);
}
// What the tests between single rows get wrong: 300 rollouts without a difference, requests of 20 rows, five looks each.
TEST_CASE("equal versions are called different no more often than alpha, however often it is looked") {
  int by_rows = 0, by_units = 0;
  constexpr int trials = 300;
  for (int trial = 0; trial < trials; ++trial) {
    const Traffic all(static_cast<std::uint64_t>(trial) + 1, 160, 20, 0.25, 0);
    bool rows = false, units = false;
    for (std::int64_t look = 1; look <= 5; ++look) {
      Traffic t = all;
      const std::size_t seen = 10U << static_cast<unsigned>(look - 1);
      t.deal.second.resize(seen), t.values.resize(seen * 20), t.unit.resize(seen * 20);
      const auto live = t.side(0), canary = t.side(1);
      if (live.empty() || canary.empty()) continue;
      rows |= ks_p(ks_d(live, canary), std::ssize(live), std::ssize(canary)) < 0.05;
      const double level = level_of_look(0.05, look);
      units |= distance_by_chance(t.values, t.unit, t.deal, level).p <= level;
    }
    by_rows += rows, by_units += units;
  }
  CHECK(by_rows > trials / 2);
  CHECK(by_units <= 24);  // 15 expected at most; 24 or more have p = 0.01
}
TEST_CASE("a version that answers differently is found") {
  int found = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Traffic t(seed, 200, 1, 0.25, 3);
    found += distance_by_chance(t.values, t.unit, t.deal, level_of_look(0.05, 2)).p <= level_of_look(0.05, 2);
  }
  CHECK(found >= 45);
}
TEST_CASE("a worse version is found by any metric, a better one never is") {
  for (const Metric m : {Metric::mae, Metric::rmse, Metric::r2}) {
    for (const double sign : {1.0, -1.0}) {
      const Traffic t(7, 400, 1, 0.25, 0);
      Truth truth;
      Answers answers;
      Draws d(3);
      for (std::size_t i = 0; i < t.values.size(); ++i) {
        const bool second = t.deal.second[i] == 1;
        truth.value.push_back(t.values[i]);
        answers.value.push_back(t.values[i] + normal(d) * (second == (sign > 0) ? 2 : 1));
      }
      const Grouped model(m, truth, answers, t.unit, 400);
      const auto got = worse_by_chance(m, model, t.deal, 0.001);
      CAPTURE(word(m));
      CHECK(got.seen * sign > 0);
      CHECK((got.p <= 0.001) == (sign > 0));
    }
  }
}
