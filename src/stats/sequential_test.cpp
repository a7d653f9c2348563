#include "stats/sequential.h"

#include <cmath>

#include "core/testing.h"
#include "stats/bootstrap.h"

using namespace pawl::stats;

TEST_CASE("the evidence against a rate is that of the worked example") {
  CHECK(std::abs(rate_above(7, 250, 0.01) - -0.186149722329) < 1e-9);
  CHECK(rate_above(0, 0, 0.01) == 0);
}
TEST_CASE("three failures of three are enough, one of fifty is not") {
  CHECK(rate_above(3, 3, 0.01) > alarm_at_5_percent);
  CHECK(rate_above(1, 50, 0.01) < alarm_at_5_percent);
  CHECK(rate_above(0, 100'000, 0.01) < 0);
}
TEST_CASE("looking after every request raises few false alarms") {
  Draws draws(3);
  int alarms = 0;
  constexpr int runs = 300;
  for (int r = 0; r < runs; ++r) {
    std::int64_t events = 0;
    for (std::int64_t n = 1; n <= 1500; ++n) {
      events += draws.below(100) == 0 ? 1 : 0;  // the rate is the limit
      if (rate_above(events, n, 0.01) >= alarm_at_5_percent) {
        ++alarms;
        break;
      }
    }
  }
  CHECK(alarms <= runs * 5 / 100);
}

TEST_CASE("the interval of a rate is that of the worked examples, and everything before the first outcome") {
  const auto seven = rate_interval(7, 250), none_of_50 = rate_interval(0, 50), all = rate_interval(50, 50);
  CHECK(std::abs(seven.low - 0.005349548186) < 1e-11);
  CHECK(std::abs(seven.high - 0.079868587203) < 1e-11);
  CHECK((none_of_50.low == 0 && std::abs(none_of_50.high - 0.104642477105) < 1e-11));
  CHECK((all.high == 1 && std::abs(all.low - (1 - none_of_50.high)) < 1e-11));
  CHECK((rate_interval(0, 0).low == 0 && rate_interval(0, 0).high == 1));
}
TEST_CASE("the intervals of a bounded mean are those of the worked example") {
  BoundedMean mean;
  CHECK((mean.hedged().low == 0 && mean.hedged().high == 1));
  for (int round = 0; round < 20; ++round) {
    for (const double x : {0.1, 0.4, 0.2, 0.0, 0.3, 0.9, 0.1, 0.2, 0.5, 0.3}) mean.add(x);
    if (round > 0) continue;
    CHECK((mean.bernstein().low == 0 && mean.bernstein().high == 1));
    CHECK(std::abs(mean.hedged().low - 0.101) < 1e-9);
    CHECK(std::abs(mean.hedged().high - 0.650) < 1e-9);
  }
  CHECK(std::abs(mean.bernstein().low - 0.237771714240) < 1e-11);
  CHECK(std::abs(mean.bernstein().high - 0.362025155365) < 1e-11);
  CHECK(std::abs(mean.hedged().low - 0.248) < 1e-9);
  CHECK(std::abs(mean.hedged().high - 0.354) < 1e-9);
}
TEST_CASE("a canary that fails more often than the champion gathers evidence as in the worked example") {
  const std::string_view a = "0010000000", b = "1101110111";
  TwoRates rates;
  for (std::size_t i = 0; i < a.size(); ++i) {
    rates.add(a[i] == '1' ? 1 : 0, 1, b[i] == '1');
    if (i == 1) CHECK(std::abs(rates.log_e() - 1.102353838579) < 1e-11);
    if (i == 2) CHECK(std::abs(rates.log_e() - -2.658271894559) < 1e-11);
  }
  CHECK(std::abs(rates.log_e() - 1.826661825085) < 1e-11);
}
TEST_CASE("mSPRT is that of the worked example, and says nothing without data") {
  const auto got = msprt(500, 0.8, 25, 1);
  CHECK(std::abs(got.log_lambda - 4.572976876376) < 1e-11);
  CHECK(std::abs(got.p - 0.010327171202) < 1e-11);
  CHECK(std::abs(got.low - 0.111240741112) < 1e-11);
  CHECK(std::abs(got.high - 1.488759258888) < 1e-11);
  CHECK((msprt(0, 0, 1, 1).p == 1 && std::isinf(msprt(0, 0, 1, 1).high)));
}
TEST_CASE("nine outcomes of the champion for one of the canary: equal rates seldom alarm, a worse canary is found") {
  Draws draws(11);
  const auto alarms = [&](std::uint32_t canary_percent) {
    int fired = 0;
    for (int r = 0; r < 200; ++r) {
      TwoRates rates;
      bool alarm = false;
      for (int block = 0; block < 600 && !alarm; ++block) {
        int errors = 0;
        for (int i = 0; i < 9; ++i) errors += draws.below(100) < 5 ? 1 : 0;
        rates.add(errors, 9, draws.below(100) < canary_percent);
        alarm = rates.log_e() >= alarm_at_5_percent;
      }
      fired += alarm ? 1 : 0;
    }
    return fired;
  };
  CHECK(alarms(5) <= 10);    // 5 % of 200
  CHECK(alarms(2) <= 10);    // a better canary even less
  CHECK(alarms(15) >= 180);  // measured: nearly all
}
TEST_CASE("looking after every value, the intervals of a bounded mean seldom lose it") {
  Draws draws(5);
  int lost_bernstein = 0, lost_hedged = 0;
  for (int r = 0; r < 100; ++r) {
    BoundedMean mean;
    bool bernstein = false, hedged = false;
    for (int i = 0; i < 300; ++i) {
      mean.add(draws.below(10) < 3 ? 1 : 0);
      const auto b = mean.bernstein(), h = mean.hedged();
      bernstein = bernstein || b.low > 0.3 || b.high < 0.3, hedged = hedged || h.low > 0.3 || h.high < 0.3;
    }
    lost_bernstein += bernstein ? 1 : 0, lost_hedged += hedged ? 1 : 0;
  }
  CHECK(lost_bernstein <= 5);
  CHECK(lost_hedged <= 9);  // 5 % expected at most, and 100 trials scatter
}
