#include "core/time.h"

#include <fmt/format.h>

#include <charconv>

namespace pawl {
namespace {

bool digits(std::string_view& s, int n, int& out) {
  if (s.size() < static_cast<std::size_t>(n)) return false;
  auto [end, ec] = std::from_chars(s.data(), s.data() + n, out);
  if (ec != std::errc{} || end != s.data() + n || s[0] == '-') return false;
  s.remove_prefix(static_cast<std::size_t>(n));
  return true;
}
bool take(std::string_view& s, char c) {
  if (s.empty() || s[0] != c) return false;
  s.remove_prefix(1);
  return true;
}

struct Unit {
  std::string_view name;
  std::int64_t us;
};
constexpr Unit units[] = {{"us", 1},           {"ms", 1000},          {"s", 1'000'000},         {"m", 60'000'000},
                          {"h", 3600'000'000}, {"d", 86'400'000'000}, {"w", 7 * 86'400'000'000}};

// Reads `[+-]hh:mm`, `Z` or nothing into minutes east of UTC.
bool read_offset(std::string_view& s, int& minutes) {
  minutes = 0;
  if (s.empty() || take(s, 'Z') || take(s, 'z')) return true;
  int sign = take(s, '-') ? -1 : take(s, '+') ? 1 : 0, h = 0, m = 0;
  if (!sign || !digits(s, 2, h)) return false;
  take(s, ':');
  if (!digits(s, 2, m) || h > 23 || m > 59) return false;
  minutes = sign * (h * 60 + m);
  return true;
}
}  // namespace

std::string to_rfc3339(Time t) {
  using namespace std::chrono;
  const sys_time<microseconds> at{microseconds{t.us}};
  const auto day = floor<days>(at);
  const year_month_day ymd{day};
  const hh_mm_ss hms{at - day};
  auto out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(ymd.year()),
                         static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()), hms.hours().count(),
                         hms.minutes().count(), hms.seconds().count());
  if (hms.subseconds().count()) out += fmt::format(".{:06}", hms.subseconds().count());
  return out + 'Z';
}

Result<Time> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  auto bad = [&] {
    return fail(Code::invalid, fmt::format("not a time: \"{}\", expected for example 2013-03-01T00:00:00Z", text));
  };
  std::string_view s = text;
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, sec = 0, east = 0;
  std::int64_t us = 0;
  if (!digits(s, 4, y) || !take(s, '-') || !digits(s, 2, mo) || !take(s, '-') || !digits(s, 2, d)) return bad();
  if (take(s, 'T') || take(s, 't') || take(s, ' ')) {
    if (!digits(s, 2, h) || !take(s, ':') || !digits(s, 2, mi)) return bad();
    if (take(s, ':') && !digits(s, 2, sec)) return bad();
    if (take(s, '.')) {
      std::int64_t unit = 100'000;
      if (s.empty() || s[0] < '0' || s[0] > '9') return bad();
      for (; !s.empty() && s[0] >= '0' && s[0] <= '9'; s.remove_prefix(1), unit /= 10) us += (s[0] - '0') * unit;
    }
    if (!read_offset(s, east)) return bad();
  }
  const year_month_day ymd{year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)}};
  if (!s.empty() || !ymd.ok() || h > 23 || mi > 59 || sec > 60) return bad();
  const auto days_us = duration_cast<microseconds>(sys_days{ymd}.time_since_epoch()).count();
  return Time{days_us + (h * 3600LL + (mi - east) * 60LL + sec) * 1'000'000 + us};
}

Result<Micros> parse_duration(std::string_view text) {
  std::int64_t n = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const auto& u : units)
    if (ec == std::errc{} && n >= 0 && u.name == unit && n <= INT64_MAX / u.us) return Micros{n * u.us};
  return fail(Code::invalid,
              fmt::format("not a duration: \"{}\", expected for example 500ms, 30s, 10m, 36h, 28d or 2w", text));
}

std::string to_text(Micros d) {
  if (d.count() == 0) return "0s";
  const Unit* best = &units[0];
  for (const auto& u : units)
    if (u.name != "w" && d.count() % u.us == 0) best = &u;
  return fmt::format("{}{}", d.count() / best->us, best->name);
}

Time SystemClock::now() const {
  using namespace std::chrono;
  return {duration_cast<microseconds>(system_clock::now().time_since_epoch()).count()};
}

}  // namespace pawl
