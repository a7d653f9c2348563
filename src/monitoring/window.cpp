#include "monitoring/window.h"

#include <fmt/format.h>

#include <charconv>

namespace pawl::monitoring {
namespace {

constexpr std::int64_t day_us = 86'400'000'000;
std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }
std::int64_t month_of(std::int64_t day) {
  const std::chrono::year_month_day ymd{std::chrono::sys_days{std::chrono::days{day}}};
  return static_cast<int>(ymd.year()) * 12LL + static_cast<unsigned>(ymd.month()) - 1;
}
Time start_of_month(std::int64_t month) {
  using namespace std::chrono;
  const year_month_day first{year{static_cast<int>(floor_div(month, 12))},
                             std::chrono::month{static_cast<unsigned>(month - floor_div(month, 12) * 12 + 1)}, day{1}};
  return {sys_days{first}.time_since_epoch().count() * day_us};
}
// 1970-01-01 was a Thursday: three days after a Monday.
std::int64_t monday_of(std::int64_t day) { return floor_div(day + 3, 7) * 7 - 3; }

}  // namespace

Result<Grid> Grid::parse(std::string_view length, Time from) {
  std::int64_t n = 0;
  auto [end, ec] = std::from_chars(length.data(), length.data() + length.size(), n);
  auto unit = length.substr(static_cast<std::size_t>(end - length.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  const std::int64_t day = day_of(from);
  if (ec == std::errc{} && n >= 1 && n <= 3660) {
    if (unit == "d" || unit == "day" || unit == "days") return Grid(Unit::day, n, day);
    if (unit == "w" || unit == "week" || unit == "weeks") return Grid(Unit::day, n * 7, monday_of(day));
    if (unit == "month" || unit == "months") return Grid(Unit::month, n, month_of(day));
  }
  return fail(Code::invalid, fmt::format("not a window: \"{}\", expected for example 28d, 1 week or 1 month", length));
}

Window Grid::at(Time t) const {
  if (unit_ == Unit::month) {
    const auto first = anchor_ + floor_div(month_of(day_of(t)) - anchor_, count_) * count_;
    return {start_of_month(first), start_of_month(first + count_)};
  }
  const auto first = anchor_ + floor_div(day_of(t) - anchor_, count_) * count_;
  return {{first * day_us}, {(first + count_) * day_us}};
}

Micros Grid::length() const { return Micros{count_ * (unit_ == Unit::month ? 30 : 1) * day_us}; }

bool may_close(const Window& w, Time watermark, Micros lateness) { return watermark - lateness >= w.end; }

}  // namespace pawl::monitoring
