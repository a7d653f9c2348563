#include "monitoring/alarm.h"

#include "core/testing.h"

using namespace pawl;
using namespace pawl::monitoring;

namespace {
// o over, b between, q quiet, i immature, n no data; the states as their first letters (N for no_data).
std::string story(std::string_view windows, AlarmRule rule) {
  std::string out;
  AlarmStand stand;
  for (char c : windows) {
    stand = next(stand,
                 c == 'o'   ? Seen::over
                 : c == 'b' ? Seen::between
                 : c == 'q' ? Seen::quiet
                 : c == 'i' ? Seen::immature
                            : Seen::no_data,
                 rule);
    out += stand.state == AlarmState::no_data ? 'N' : word(stand.state)[0];
  }
  return out;
}
}  // namespace

TEST_CASE("an alarm opens and closes once: it fires at its limit and is quiet only well below") {
  each_of<std::string, AlarmRule, std::string>(
      {{"qqoqqq", {1, 2}, "oofroo"},
       {"oqoqq", {1, 2}, "frfro"},
       {"obbqbqq", {1, 2}, "fffrfro"},
       {"oqq", {1, 1}, "foo"},
       {"oq", {1, 0}, "fo"},
       {"oqooo", {3, 2}, "poppf"},
       {"oboo", {2, 2}, "popf"}},
      [](const std::string& windows, AlarmRule rule, const std::string& states) {
        CHECK(story(windows, rule) == states);
      });
}

TEST_CASE("a window that cannot tell neither opens nor closes an alarm, nor does it forget what is pending") {
  each_of<std::string, AlarmRule, std::string>(
      {{"ni", {1, 2}, "Ni"}, {"onnqnq", {1, 2}, "fffrro"}, {"onoq", {2, 2}, "ppfr"}, {"inq", {1, 2}, "iNo"}},
      [](const std::string& windows, AlarmRule rule, const std::string& states) {
        CHECK(story(windows, rule) == states);
      });
}

TEST_CASE("whatever comes, an alarm never closes without its number of quiet windows in a row") {
  for_random_cases(2000, [](const std::vector<std::uint8_t>& windows) {
    AlarmStand stand;
    int quiet = 0;
    for (auto w : windows) {
      const auto seen = static_cast<Seen>(w % 5);
      const bool was_open = stand.open();
      stand = next(stand, seen, {1, 2});
      if (seen == Seen::quiet)
        ++quiet;
      else if (seen == Seen::over || seen == Seen::between)
        quiet = 0;
      if (was_open && !stand.open()) RC_ASSERT(quiet >= 2);
      if (!was_open && stand.open()) RC_ASSERT(seen == Seen::over);
    }
  });
}
