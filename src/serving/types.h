// What serving says and takes: endpoints, their routing, tallies and single predictions. Plain values.
#pragma once
#include <map>

#include "core/fields.h"
#include "core/time.h"

namespace pawl::serving {

enum class Arm {
  live,
  canary,
  direct
};  // direct: a caller asked for the version by number; such rows judge no rollout

struct ArmShare {
  std::int64_t version = 0;
  double share = 0;  // of all requests; the shares of a routing add up to 1
  Arm arm = Arm::live;
  static constexpr auto fields =
      std::tuple{field("version", &ArmShare::version), field("share", &ArmShare::share), field("arm", &ArmShare::arm)};
};

// Which versions answer, and on whose behalf. An empty list: the endpoint answers 503.
struct Routing {
  std::vector<ArmShare> arms{};
  std::string rollout{};  // written into every record of the prediction log; empty outside a rollout
  std::int64_t step = 0;
  std::string salt{};           // a key keeps its arm as long as the salt stays, also when the canary's share grows
  std::int64_t generation = 0;  // grows with every change; given by set_routing
  static constexpr auto fields =
      std::tuple{field("arms", &Routing::arms), field("rollout", &Routing::rollout), field("step", &Routing::step),
                 field("salt", &Routing::salt), field("generation", &Routing::generation)};
};

struct NewEndpoint {
  std::string name{};
  std::string model{};
  bool replay = false;      // takes event times ahead of the clock
  bool regression = false;  // its labels are amounts: true and false are none
  static constexpr auto fields =
      std::tuple{field("name", &NewEndpoint::name, {.required = true, .chars_max = 100}),
                 field("model", &NewEndpoint::model, {.required = true, .chars_max = 250}),
                 field("replay", &NewEndpoint::replay), field("regression", &NewEndpoint::regression)};
};

// A version as far as serving knows it: where its files lie, what it weighs, how fast it answered.
struct PreparedPort {
  std::string name{}, type{};
  std::vector<std::int64_t> shape{};
  static constexpr auto fields = std::tuple{field("name", &PreparedPort::name), field("datatype", &PreparedPort::type),
                                            field("shape", &PreparedPort::shape)};
};
struct Prepared {
  std::string model{};
  std::int64_t version = 0;
  std::string digest{};  // SHA-256 of the .onnx file
  std::int64_t bytes = 0;
  double warm_us = 0;  // one row, median
  std::vector<PreparedPort> inputs{}, outputs{};
  static constexpr auto fields = std::tuple{field("model", &Prepared::model),     field("version", &Prepared::version),
                                            field("digest", &Prepared::digest),   field("bytes", &Prepared::bytes),
                                            field("warm_us", &Prepared::warm_us), field("inputs", &Prepared::inputs),
                                            field("outputs", &Prepared::outputs)};
};

struct OutputMoments {
  std::string name{};
  std::int64_t n = 0, missing = 0;
  double mean = 0, variance = 0, min = 0, max = 0;  // of the finite values; variance with n - 1
  static constexpr auto fields = std::tuple{field("name", &OutputMoments::name),
                                            field("n", &OutputMoments::n),
                                            field("missing", &OutputMoments::missing),
                                            field("mean", &OutputMoments::mean),
                                            field("variance", &OutputMoments::variance),
                                            field("min", &OutputMoments::min),
                                            field("max", &OutputMoments::max)};
};
// What one arm did in one step of a rollout, from the prediction log. `requests` are those that it had to answer, `errors` those of them that it could
// not. A request that no version could have answered (wrong names or types) is `refused` and counts nowhere else: rubbish must not thin out errors.
struct Tally {
  std::int64_t rows = 0, requests = 0, errors = 0, refused = 0;
  double p50_ms = 0, p99_ms = 0;               // of answered requests, from arrival to the answer; within 3 %
  std::optional<std::string> first{}, last{};  // RFC 3339, by arrival
  std::optional<std::string> event_first{}, event_last{};
  std::vector<OutputMoments> outputs{};
  static constexpr auto fields = std::tuple{field("rows", &Tally::rows),
                                            field("requests", &Tally::requests),
                                            field("errors", &Tally::errors),
                                            field("refused", &Tally::refused),
                                            field("p50_ms", &Tally::p50_ms),
                                            field("p99_ms", &Tally::p99_ms),
                                            field("first", &Tally::first),
                                            field("last", &Tally::last),
                                            field("event_first", &Tally::event_first),
                                            field("event_last", &Tally::event_last),
                                            field("outputs", &Tally::outputs)};
  double error_rate() const { return requests == 0 ? 0 : static_cast<double>(errors) / static_cast<double>(requests); }
};

struct LabelSeen {
  Json value{};
  std::string at{}, by{};
  static constexpr auto fields =
      std::tuple{field("value", &LabelSeen::value), field("at", &LabelSeen::at), field("by", &LabelSeen::by)};
};
// One row of the prediction log.
struct Prediction {
  std::string id{}, request_id{}, endpoint{}, model{};
  std::int64_t version = 0;
  std::string digest{}, rollout{};
  std::int64_t step = 0;
  Arm arm{};
  std::string server{}, received{};
  std::optional<std::string> event_time{};
  std::string status{};  // ok, error, refused
  std::string error{};
  std::int64_t latency_us = 0;
  Json features{}, outputs{}, context{};  // objects by name
  std::vector<LabelSeen> labels{};
  static constexpr auto fields = std::tuple{field("id", &Prediction::id),
                                            field("request_id", &Prediction::request_id),
                                            field("endpoint", &Prediction::endpoint),
                                            field("model", &Prediction::model),
                                            field("version", &Prediction::version),
                                            field("digest", &Prediction::digest),
                                            field("rollout", &Prediction::rollout),
                                            field("step", &Prediction::step),
                                            field("arm", &Prediction::arm),
                                            field("server", &Prediction::server),
                                            field("received", &Prediction::received),
                                            field("event_time", &Prediction::event_time),
                                            field("status", &Prediction::status),
                                            field("error", &Prediction::error),
                                            field("latency_us", &Prediction::latency_us),
                                            field("features", &Prediction::features),
                                            field("outputs", &Prediction::outputs),
                                            field("context", &Prediction::context),
                                            field("labels", &Prediction::labels)};
};

struct EndpointArm {
  std::int64_t version = 0;
  double share = 0;
  Arm arm{};
  bool ready = false;
  std::string digest{};
  Tally tally{};  // of this arm in this rollout and step
  static constexpr auto fields =
      std::tuple{field("version", &EndpointArm::version), field("share", &EndpointArm::share),
                 field("arm", &EndpointArm::arm),         field("ready", &EndpointArm::ready),
                 field("digest", &EndpointArm::digest),   field("tally", &EndpointArm::tally)};
};
struct Endpoint {
  std::string name{}, model{};
  bool replay = false, ready = false;
  std::vector<EndpointArm> arms{};
  std::string rollout{};
  std::int64_t step = 0, generation = 0;
  std::string created{};
  std::int64_t predictions = 0;  // rows answered so far, all versions
  static constexpr auto fields =
      std::tuple{field("name", &Endpoint::name),       field("model", &Endpoint::model),
                 field("replay", &Endpoint::replay),   field("ready", &Endpoint::ready),
                 field("arms", &Endpoint::arms),       field("rollout", &Endpoint::rollout),
                 field("step", &Endpoint::step),       field("generation", &Endpoint::generation),
                 field("created", &Endpoint::created), field("predictions", &Endpoint::predictions)};
};

struct EndpointList {
  std::vector<Endpoint> items{};
  static constexpr auto fields = std::tuple{field("items", &EndpointList::items)};
};

struct NewLabel {
  std::string prediction_id{};
  Json label{};
  static constexpr auto fields =
      std::tuple{field("prediction_id", &NewLabel::prediction_id, {.required = true, .alias = "id", .chars_max = 100}),
                 field("label", &NewLabel::label, {.required = true, .alias = "value"})};
};
struct NewLabels {
  std::string name{};  // the endpoint
  std::vector<NewLabel> labels{};
  static constexpr auto fields =
      std::tuple{field("name", &NewLabels::name, {.required = true}),
                 field("labels", &NewLabels::labels, {.required = true, .items_max = 100'000})};
};
// repeated: the same value again; changed: another value, which replaces the one before; waiting: the prediction is not here yet (another server's).
struct LabelsTaken {
  std::int64_t taken = 0, repeated = 0, changed = 0, waiting = 0;
  static constexpr auto fields =
      std::tuple{field("taken", &LabelsTaken::taken), field("repeated", &LabelsTaken::repeated),
                 field("changed", &LabelsTaken::changed), field("waiting", &LabelsTaken::waiting)};
};

}  // namespace pawl::serving
template <> inline constexpr auto pawl::words<pawl::serving::Arm> =
    std::to_array<std::string_view>({"live", "canary", "direct"});
