#include "monitoring/alarm.h"

namespace pawl::monitoring {

AlarmStand next(const AlarmStand& now, Seen seen, const AlarmRule& rule) {
  using enum AlarmState;
  AlarmStand then = now;
  switch (seen) {
    case Seen::immature:
    case Seen::no_data:
      if (!now.open() && now.state != pending) then.state = seen == Seen::immature ? immature : no_data;
      return then;
    case Seen::over:
      then.quiet = 0;
      ++then.over;
      then.state = now.open() || then.over >= rule.for_windows ? firing : pending;
      return then;
    case Seen::between:
      then.over = then.quiet = 0;
      then.state = now.open() ? firing : ok;
      return then;
    case Seen::quiet:
      then.over = 0;
      if (!now.open()) {
        then.state = ok;
        return then;
      }
      ++then.quiet;
      then.state = then.quiet >= rule.keep_firing_windows ? ok : recovering;
      if (then.state == ok) then.quiet = 0;
      return then;
  }
  return then;
}

}  // namespace pawl::monitoring
