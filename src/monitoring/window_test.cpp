#include "monitoring/window.h"

#include "core/testing.h"

using namespace pawl;
using namespace pawl::monitoring;

namespace {
Time at(const char* text) { return parse_rfc3339(text).value(); }
std::string text(const Window& w) { return to_rfc3339(w.start).substr(0, 10) + " " + to_rfc3339(w.end).substr(0, 10); }
}  // namespace

TEST_CASE("windows of days keep the grid of where they begin, weeks begin on Monday, months on the 1st") {
  each_of<std::string, const char*, const char*, std::string>(
      {{"28d", "2013-03-01T00:00:00Z", "2013-03-01T00:00:00Z", "2013-03-01 2013-03-29"},
       {"28d", "2013-03-01T15:00:00Z", "2013-03-28T23:59:59Z", "2013-03-01 2013-03-29"},
       {"28d", "2013-03-01T00:00:00Z", "2013-03-29T00:00:00Z", "2013-03-29 2013-04-26"},
       {"28d", "2013-03-01T00:00:00Z", "2013-02-28T23:00:00Z", "2013-02-01 2013-03-01"},
       {"1 week", "2013-03-01T00:00:00Z", "2013-03-03T10:00:00Z", "2013-02-25 2013-03-04"},
       {"1 week", "2013-03-01T00:00:00Z", "2013-03-04T00:00:00Z", "2013-03-04 2013-03-11"},
       {"1 month", "2013-03-15T00:00:00Z", "2013-12-31T23:00:00Z", "2013-12-01 2014-01-01"},
       {"1 month", "2013-03-15T00:00:00Z", "2012-02-29T00:00:00Z", "2012-02-01 2012-03-01"}},
      [](const std::string& length, const char* from, const char* t, const std::string& want) {
        CHECK(text(Grid::parse(length, at(from))->at(at(t))) == want);
      });
  for (const char* bad : {"", "28", "0d", "-1d", "1 fortnight", "99999d", "1.5d"})
    CHECK_FALSE(Grid::parse(bad, {}).has_value());
}

TEST_CASE("each time lies in one window, and windows follow each other without a gap") {
  for_random_cases(2000, [](std::int32_t minutes, std::uint8_t days) {
    const auto grid = *Grid::parse(std::to_string(days % 60 + 1) + "d", at("2013-03-01"));
    const Time t{minutes * 60'000'000LL};
    const auto w = grid.at(t);
    RC_ASSERT(w.start <= t);
    RC_ASSERT(t < w.end);
    RC_ASSERT(grid.after(w).start == w.end);
    RC_ASSERT(grid.at(w.start) == w);
  });
}

TEST_CASE("a window closes when the watermark less the lateness has passed its end") {
  const Window w{at("2013-03-01"), at("2013-03-29")};
  const Micros day = std::chrono::hours(24);
  CHECK_FALSE(may_close(w, at("2013-03-29T23:59:59Z"), day));
  CHECK(may_close(w, at("2013-03-30T00:00:00Z"), day));
}
