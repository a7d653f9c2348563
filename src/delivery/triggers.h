// What pawl starts by itself, and what holds it back: the breaker of `train.retrain`. Pure; all durations are of event time.
#pragma once
#include "core/time.h"
#include "delivery/config.h"
#include "delivery/types.h"

namespace pawl::delivery {

// Started by an alarm: by pawl itself.
constexpr bool by_alarm(TriggerKind k) { return k == TriggerKind::drift || k == TriggerKind::performance; }

// Absent, 0 or no time: that rule does not hold anything back.
struct Breaker {
  Micros cooldown{0};
  std::int64_t at_most = 0;
  Micros per{0};
  std::int64_t stop_after_rejected = 0;
};
Result<Breaker> breaker_of(
    const Config& config);  // `1 window` is as long as a window of `watch` (a month counts 30 days)

// A flow of the model's past.
struct Past {
  TriggerKind kind{};
  FlowState state{};
  std::string commit{};
  Time at{};  // of those that an alarm started: the end of its window
};
struct Held {
  std::string reason{};
  std::optional<Time> until{};  // an alarm of a window that ends then may start a flow; absent: people decide
};
// Why an alarm of a window that ends at `window_end` may not start a flow now. `past`: newest first. Rejections in a row count as far as they ran
// the commit that would run now, and no flow of a push or by hand came after them.
std::optional<Held> held_back(const Breaker& rule, const std::vector<Past>& past, const std::string& commit,
                              Time window_end);

// `{event_time}` in the declared parameters, as RFC 3339.
Texts parameters_at(const Texts& set, Time event_time);

// Data of the ledger's event `retrain.held`.
struct RetrainHeld {
  std::string model{}, endpoint{}, kind{}, window_end{}, reason{}, until{};
  static constexpr auto fields =
      std::tuple{field("model", &RetrainHeld::model),   field("endpoint", &RetrainHeld::endpoint),
                 field("kind", &RetrainHeld::kind),     field("window_end", &RetrainHeld::window_end),
                 field("reason", &RetrainHeld::reason), field("until", &RetrainHeld::until)};
};

}  // namespace pawl::delivery
