// What the watch remembers of an endpoint between two looks. All of it can be found again: a new server starts without.
#pragma once
#include "monitoring/service.h"

namespace pawl::monitoring {

struct Service::Watched {
  using Steady = std::chrono::steady_clock::time_point;
  MonitorRow row{};
  serving::Watermark now{};                  // as last asked …
  std::optional<Steady> moved{};             // … and since when no row has come
  std::optional<Window> next{};              // that may close next; absent: not known yet
  std::optional<serving::Watermark> done{};  // how far the log had come when windows were last compared with it
  Time closed_from{}, closed_until{};        // what closed windows span, and how many rows that had
  std::int64_t closed_rows = 0;
  std::optional<Steady> asked{};   // a job was added
  std::optional<Steady> failed{};  // what is due cannot be done: not tried again for a while
  Steady looked{};
  Steady not_before{};  // the next recomputing
};

// The first window of the grid that begins at or after `t`: a grid that changed leaves a gap rather than an overlap.
inline Window next_window(const Grid& grid, Time t) {
  const Window w = grid.at(t);
  return w.start < t ? grid.after(w) : w;
}

}  // namespace pawl::monitoring
