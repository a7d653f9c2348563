// What a closed window says of each watched statistic, and how an alarm stands after a row of windows.
#pragma once
#include "monitoring/shown.h"
#include "monitoring/window.h"

namespace pawl::monitoring {

struct Sight {
  AlarmKind kind{};
  std::string column{};  // of kind column; of performance: the metric
  Seen seen{};
  std::optional<double> statistic{}, limit{};
  std::vector<std::string> columns{};  // of kind drift: which drifted
  static constexpr auto fields = std::tuple{field("kind", &Sight::kind),   field("column", &Sight::column),
                                            field("seen", &Sight::seen),   field("statistic", &Sight::statistic),
                                            field("limit", &Sight::limit), field("columns", &Sight::columns)};
  bool same_as(AlarmKind k, std::string_view c) const { return kind == k && column == c; }
};
std::vector<Sight> sights_of(const Monitor& monitor, const WindowSeen& seen);

// A closed window, as alarms know it.
struct Sighted {
  std::string id{};
  Window window{};
  std::vector<Sight> sights{};
};
// How one statistic stands after all of these, oldest first.
struct Folded {
  Stand stand{};
  const Sighted* last = nullptr;      // the newest window that could tell …
  const Sight* last_sight = nullptr;  // … and what it saw
  const Sighted* over = nullptr;      // the newest one over its limit, while the alarm is open
  const Sight* over_sight = nullptr;
};
std::vector<Folded> fold(const Monitor& monitor, const std::vector<Sighted>& windows);

}  // namespace pawl::monitoring
template <> inline constexpr auto pawl::words<pawl::monitoring::Seen> =
    std::to_array<std::string_view>({"over", "between", "quiet", "immature", "no_data"});
