// Where people are told of events, and what became of each message. Plain values, the contract of the routes.
#pragma once
#include "team/types.h"

namespace pawl::team {

using DeliveryId = Id<struct delivery_tag>;

// webhook: {id, event, text}; slack: {text}, which the chats that speak its format take too.
enum class DestinationKind { webhook, slack };
// waiting -> done | dead (refused, or tried too often: `redeliver` starts anew) | dropped (its destination is gone)
enum class DeliveryState { waiting, done, dead, dropped };

// POST /destinations
struct NewDestination {
  std::string name{}, url{};
  DestinationKind kind{};
  std::string secret{};               // signs each message; never shown again
  std::vector<std::string> events{};  // a last '.' makes it a prefix; none: alarm., approval., flow., rollout.
  std::string mentions{};             // instead: only comments that mention this user
  bool allow_private = false;
  static constexpr auto fields = std::tuple{field("name", &NewDestination::name, {.required = true, .chars_max = 64}),
                                            field("url", &NewDestination::url, {.required = true, .chars_max = 2000}),
                                            field("kind", &NewDestination::kind),
                                            field("secret", &NewDestination::secret, {.chars_max = 1000}),
                                            field("events", &NewDestination::events, {.items_max = 50}),
                                            field("mentions", &NewDestination::mentions, {.chars_max = 250}),
                                            field("allow_private", &NewDestination::allow_private)};
};
struct Destination {
  std::string id{}, name{};
  DestinationKind kind{};
  std::string address{};  // https://hooks.example.org: the path may be a secret
  bool is_signed = false;
  std::vector<std::string> events{};
  std::string mentions{};
  bool allow_private = false;
  std::string made_by{}, created{};
  static constexpr auto fields = std::tuple{field("id", &Destination::id),
                                            field("name", &Destination::name),
                                            field("kind", &Destination::kind),
                                            field("address", &Destination::address),
                                            field("signed", &Destination::is_signed),
                                            field("events", &Destination::events),
                                            field("mentions", &Destination::mentions),
                                            field("allow_private", &Destination::allow_private),
                                            field("made_by", &Destination::made_by),
                                            field("created", &Destination::created)};
};
struct DestinationName {
  std::string name{};
  static constexpr auto fields = std::tuple{field("name", &DestinationName::name, {.required = true})};
};

struct Delivery {
  DeliveryId id{};  // the header X-Pawl-Delivery; the same at each attempt
  std::string destination{}, event{}, what{}, subject{};
  DeliveryState state{};
  std::int64_t attempts = 0, status = 0;  // of the last answer; 0: none came
  std::string error{}, answer{};          // why the last attempt failed; the beginning of what was answered
  std::string next{}, created{}, ended{};
  static constexpr auto fields = std::tuple{field("id", &Delivery::id),
                                            field("destination", &Delivery::destination),
                                            field("event", &Delivery::event),
                                            field("what", &Delivery::what),
                                            field("subject", &Delivery::subject),
                                            field("state", &Delivery::state),
                                            field("attempts", &Delivery::attempts),
                                            field("status", &Delivery::status),
                                            field("error", &Delivery::error),
                                            field("answer", &Delivery::answer),
                                            field("next", &Delivery::next),
                                            field("created", &Delivery::created),
                                            field("ended", &Delivery::ended)};
};
struct DeliveryAsk {
  DeliveryId id{};
  static constexpr auto fields = std::tuple{field("id", &DeliveryAsk::id, {.required = true})};
};
// GET /deliveries?destination=…&state=…
struct DeliveriesAsk {
  std::string destination{};
  std::optional<DeliveryState> state{};
  std::string after{};
  std::int64_t limit = 100;
  static constexpr auto fields =
      std::tuple{field("destination", &DeliveriesAsk::destination), field("state", &DeliveriesAsk::state),
                 field("after", &DeliveriesAsk::after), field("limit", &DeliveriesAsk::limit)};
};

}  // namespace pawl::team
template <> inline constexpr auto pawl::words<pawl::team::DestinationKind> =
    std::to_array<std::string_view>({"webhook", "slack"});
template <> inline constexpr auto pawl::words<pawl::team::DeliveryState> =
    std::to_array<std::string_view>({"waiting", "done", "dead", "dropped"});
