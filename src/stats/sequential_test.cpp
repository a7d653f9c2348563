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
