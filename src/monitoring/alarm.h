// When a watched statistic becomes an alarm, and when it stops being one. Closed windows are counted, not wall time, and two thresholds keep it
// from flapping: it fires at its limit and is quiet only below `clear` times the limit.
//
//   ok -> pending -> firing -> recovering -> ok        who moves it: each closed window, once
//   immature, no_data: what is shown when the last window could not tell. Neither counts as quiet: "no data" never closes an alarm.
#pragma once
#include "core/fields.h"

namespace pawl::monitoring {

enum class AlarmState { ok, pending, firing, recovering, immature, no_data };

// What a closed window says of one statistic.
enum class Seen {
  over,      // significant and at or above the limit
  between,   // below the limit, not below `clear` times the limit
  quiet,     // below that
  immature,  // too few labels or rows to tell
  no_data,   // nothing to look at
};

struct AlarmRule {
  std::int64_t for_windows = 1;          // over so many windows in a row before it fires
  std::int64_t keep_firing_windows = 2;  // quiet so many in a row before it closes
};
struct AlarmStand {
  AlarmState state = AlarmState::ok;
  std::int64_t over = 0, quiet = 0;  // windows in a row
  bool open() const { return state == AlarmState::firing || state == AlarmState::recovering; }
  bool operator==(const AlarmStand&) const = default;
};
AlarmStand next(const AlarmStand& now, Seen seen, const AlarmRule& rule);

}  // namespace pawl::monitoring
template <> inline constexpr auto pawl::words<pawl::monitoring::AlarmState> =
    std::to_array<std::string_view>({"ok", "pending", "firing", "recovering", "immature", "no_data"});
