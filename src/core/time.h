// Times are microseconds since 1970, UTC; RFC 3339 on the wire. Durations are written `500ms`, `10m`, `36h`, `28d`, `2w`.
// The clock is a parameter everywhere, so that tests own time.
#pragma once
#include <atomic>
#include <chrono>

#include "core/result.h"

namespace pawl {

using Micros = std::chrono::duration<std::int64_t, std::micro>;
struct Time {
  std::int64_t us = 0;  // since 1970-01-01T00:00:00Z
  auto operator<=>(const Time&) const = default;
  std::int64_t ms() const { return us / 1000; }
};
inline Time operator+(Time t, Micros d) { return {t.us + d.count()}; }
inline Time operator-(Time t, Micros d) { return {t.us - d.count()}; }
inline Micros operator-(Time a, Time b) { return Micros{a.us - b.us}; }

// Days since 1970, UTC, and where they begin.
inline std::int64_t day_of(Time t) { return std::chrono::floor<std::chrono::days>(Micros{t.us}).count(); }
inline Time midnight(Time t) { return {Micros{std::chrono::days(day_of(t))}.count()}; }

std::string to_rfc3339(Time t);  // 2013-03-01T00:00:00Z, with six decimals where they are not zero
Result<Time> parse_rfc3339(
    std::string_view text);  // also a date alone, a blank for the T, any offset; none reads as UTC
Result<Micros> parse_duration(std::string_view text);
std::string to_text(Micros d);  // in the largest unit that divides it

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;  // wall time
  virtual std::chrono::steady_clock::time_point steady() const { return std::chrono::steady_clock::now(); }
};
class SystemClock final : public Clock {
 public:
  Time now() const override;
};
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Time start = {1'356'998'400'000'000}) : us_(start.us) {}  // 2013-01-01
  Time now() const override { return {us_.load()}; }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::microseconds(us_.load()));
  }
  void pass(Micros d) { us_ += d.count(); }
  void set(Time t) { us_ = t.us; }

 private:
  std::atomic<std::int64_t> us_;
};

}  // namespace pawl
