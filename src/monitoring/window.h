// The grid of windows: where each begins and ends. Windows belong to event time, in UTC, and do not overlap.
//
//   28d      start at midnight of `from` and follow each other every 28 days
//   1 week   start on Monday; 2 weeks on every second Monday, counted from the one before `from`
//   1 month  start on the 1st
#pragma once
#include "core/time.h"

namespace pawl::monitoring {

struct Window {
  Time start{}, end{};  // [start, end)
  bool operator==(const Window&) const = default;
};

class Grid {
 public:
  // `length` as pawl.yaml writes it: "28d", "1 week", "1 month". `from` is where the grid is anchored; the time of day is cut off.
  static Result<Grid> parse(std::string_view length, Time from);
  Window at(Time t) const;                                   // the window that holds t
  Window after(const Window& w) const { return at(w.end); }  // the next one
  Micros length() const;                                     // a month counts 30 days

 private:
  enum class Unit { day, month };
  Grid(Unit unit, std::int64_t count, std::int64_t anchor) : unit_(unit), count_(count), anchor_(anchor) {}
  Unit unit_;
  std::int64_t count_;   // days, or months
  std::int64_t anchor_;  // days since 1970, or months since year 0
};

// A window may close when nothing that belongs to it is expected any more: the newest event time minus `lateness` has passed its end.
bool may_close(const Window& w, Time watermark, Micros lateness);

}  // namespace pawl::monitoring
