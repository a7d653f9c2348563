// The way of a prediction: decode → choose the version → run → keep → answer. Each step either goes on, on the same thread where that is quick, or
// ends in an answer. What fails is kept too: a request that no version could have answered as `refused`, the others as `error` of their version.
#include "core/hash.h"
#include "core/log.h"
#include "net/metrics.h"
#include "net/server.h"
#include "serving/service_impl.h"

namespace pawl::serving {
namespace {

constexpr std::size_t body_bytes_on_io =
    64 << 10;  // a larger body is decoded on the pool: 200 MB/s, so a third of a millisecond
constexpr Micros event_time_ahead_max = std::chrono::minutes(5);

// 0 to 1, the same for the same key and salt on every server.
double place_of(std::string_view salt, std::string_view key) {
  std::string text(salt);
  text += '\0';
  text += key;
  const auto digest = sha256(text);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 8; ++i) bits = bits << 8 | static_cast<unsigned char>(digest[i]);
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace

struct Asked {
  Inference in{};
  Answered answered{};
  std::shared_ptr<const EndpointNow> endpoint{};
  v2::InferRequest request{};
  Arm arm = Arm::direct;
  std::int64_t version = 0;
  std::shared_ptr<Slot> slot{};
};

void Service::Impl::infer(Inference in, Answered answered) {
  auto endpoint = find(in.endpoint);
  if (!endpoint)
    return answered(fail(Code::missing, "there is no model \"" + in.endpoint.substr(0, 200) + "\"", "name"));
  auto asked = std::make_unique<Asked>(
      Asked{.in = std::move(in), .answered = std::move(answered), .endpoint = std::move(endpoint)});
  if (asked->in.body->size() <= body_bytes_on_io && asked->endpoint->tail->is_open()) return decode(std::move(asked));
  on_pool([this, asked = std::move(asked)]() mutable {
    if (auto opened = asked->endpoint->tail->open(); !opened)
      return asked->answered(std::unexpected(std::move(opened).error()));
    decode(std::move(asked));
  });
}

void Service::Impl::decode(std::unique_ptr<Asked> asked) {
  auto request = v2::read_request(*asked->in.body, asked->in.json_bytes);
  if (!request) return refuse(std::move(asked), std::move(request).error(), false);
  asked->request = std::move(*request);
  if (!asked->request.id.empty()) {
    const auto key = asked->in.endpoint + '\0' + (asked->in.version ? std::to_string(*asked->in.version) : "") + '\0' +
                     asked->request.id;
    auto first = replays.begin(key, sha256(*asked->in.body), asked->in.received, std::move(asked->answered));
    if (!first) return;
    asked->answered = std::move(*first);
  }
  if (!asked->endpoint->row.replay)
    for (const auto t : asked->request.event_times)
      if (t - asked->in.received > event_time_ahead_max)
        return refuse(
            std::move(asked),
            Error{
                .code = Code::invalid,
                .message =
                    "parameters.event_time: " + to_rfc3339(t) +
                    " is more than five minutes ahead of the server's clock; an endpoint declared with replay takes it",
                .field = "event_time"},
            false);
  choose(std::move(asked));
}

void Service::Impl::choose(std::unique_ptr<Asked> asked) {
  const auto& endpoint = *asked->endpoint;
  if (asked->in.version) {
    asked->version = *asked->in.version;
    asked->slot = models.find(endpoint.row.model, asked->version);
    if (!asked->slot)
      return refuse(
          std::move(asked),
          Error{.code = Code::missing,
                .message = "the endpoint " + endpoint.row.name + " has no version " + std::to_string(asked->version),
                .field = "version"},
          false);
  } else if (endpoint.arms.empty()) {
    return refuse(
        std::move(asked),
        Error{.code = Code::unavailable, .message = "the endpoint " + endpoint.row.name + " has no live version yet"},
        false);
  } else {
    const auto* arm = &endpoint.arms.back();
    if (endpoint.arms.size() > 1) {
      const auto& r = asked->request;
      const auto own = [&] { return std::to_string(keyless.fetch_add(0x9E3779B97F4A7C15ULL)); };
      double at = place_of(endpoint.row.routing.salt, r.has_routing_key ? r.routing_key : !r.id.empty() ? r.id : own());
      for (const auto& a : endpoint.arms) {
        if (at < a.share.share) {
          arm = &a;
          break;
        }
        at -= a.share.share;
      }
    }
    asked->arm = arm->share.arm;
    asked->version = arm->share.version;
    asked->slot = arm->slot;
    if (!asked->slot)
      return refuse(
          std::move(asked),
          Error{.code = Code::unavailable,
                .message = "version " + std::to_string(arm->share.version) + " is not known to this server yet"},
          true);
  }
  if (auto loaded = asked->slot->loaded.load()) {
    models.touch(*asked->slot);
    return run(std::move(asked), loaded, false);
  }
  on_pool([this, asked = std::move(asked)]() mutable {
    auto loaded = models.load(*asked->slot);
    if (!loaded) {
      log::error(
          "serving.not_loaded",
          {{"endpoint", asked->endpoint->row.name}, {"version", asked->version}, {"why", loaded.error().message}});
      return refuse(std::move(asked), Error{.code = Code::unavailable, .message = std::move(loaded).error().message},
                    true);
    }
    run(std::move(asked), *loaded, true);
  });
}

void Service::Impl::run(std::unique_ptr<Asked> asked, const std::shared_ptr<const Loaded>& loaded,
                        bool on_pool_already) {
  for (const auto& [name, binary] : asked->request.outputs)
    if (std::ranges::find(loaded->model->outputs(), name, &v2::Port::name) == loaded->model->outputs().end()) {
      std::vector<std::string> there;
      std::ranges::transform(loaded->model->outputs(), std::back_inserter(there), &v2::Port::name);
      return refuse(std::move(asked), v2::no_such_output(name, there), true);
    }
  auto bound = loaded->model->bind(std::move(asked->request.inputs));
  if (!bound) return refuse(std::move(asked), std::move(bound).error(), true);
  asked->request.inputs = std::move(*bound);
  if (on_pool_already || loaded->us_for(asked->request.rows) < Models::quick_us_max)
    return compute(std::move(asked), loaded);
  on_pool([this, asked = std::move(asked), loaded]() mutable { compute(std::move(asked), loaded); });
}

void Service::Impl::compute(std::unique_ptr<Asked> asked, const std::shared_ptr<const Loaded>& loaded) {
  Record record{.rows = static_cast<std::uint32_t>(asked->request.rows)};
  std::optional<Error> error;
  if (auto outputs = loaded->model->run(asked->request.inputs)) {
    record.outputs = std::move(*outputs);
  } else {
    error = std::move(outputs).error();
    error->code = Code::internal;  // the request was right: whatever it is, it is the version's
    record.status = Status::error;
    record.error = error->message;
  }
  record.features = std::move(asked->request.inputs);
  if (record.features.size() == 1 && loaded->model->columns().size() > 1)
    for (const auto& c : loaded->model->columns()) record.columns.push_back(c.name);
  keep(std::move(asked), std::move(record), std::move(error));
}

// Not answered. When the version was chosen for the caller and only it refuses, while the live one would have answered, that is the version's error.
void Service::Impl::refuse(std::unique_ptr<Asked>&& asked, Error error, bool by_version) {
  Record record{
      .rows = static_cast<std::uint32_t>(asked->request.rows), .status = Status::refused, .error = error.message};
  if (by_version && error.code == Code::unavailable) record.status = Status::error;
  if (by_version && asked->arm == Arm::canary)
    if (const auto* live = asked->endpoint->live(); live != nullptr && live->slot)
      if (const auto loaded = live->slot->loaded.load())
        if (auto again = v2::read_request(*asked->in.body, asked->in.json_bytes)) {
          const bool outputs_there = std::ranges::all_of(again->outputs, [&](const auto& wanted) {
            return std::ranges::find(loaded->model->outputs(), wanted.name, &v2::Port::name) !=
                   loaded->model->outputs().end();
          });
          if (outputs_there && loaded->model->bind(std::move(again->inputs))) record.status = Status::error;
        }
  keep(std::move(asked), std::move(record), std::move(error));
}

void Service::Impl::count(const EndpointNow& endpoint, const Record& record) const {
  const std::scoped_lock lock(endpoint.meters->mutex);
  auto& meters = *endpoint.meters;
  auto at = meters.rows.find({record.version, record.status});
  if (at == meters.rows.end())
    at = meters.rows
             .emplace(
                 std::pair(record.version, record.status),
                 options.metrics->counter("pawl_predictions_total", "Rows that were asked for, by what became of them",
                                          {{"endpoint", endpoint.row.name},
                                           {"version", std::to_string(record.version)},
                                           {"status", std::string(word(record.status))}}))
             .first;
  at->second.add(std::max(record.rows, 1U));
  if (record.status != Status::ok) return;
  if (!meters.seconds)
    meters.seconds = options.metrics->histogram("pawl_prediction_seconds", "From arrival to the answer",
                                                {{"endpoint", endpoint.row.name}});
  meters.seconds->observe(static_cast<double>(record.latency_us) / 1e6);
}

void Service::Impl::keep(std::unique_ptr<Asked> asked, Record record, std::optional<Error> error) {
  const auto& endpoint = *asked->endpoint;
  auto& request = asked->request;
  const auto stamp = endpoint.tail->stamp(asked->in.received, record.rows);
  record.received = stamp.at;
  record.counter = stamp.counter;
  record.arm = asked->arm;
  record.version = asked->version;
  if (asked->slot) record.digest = asked->slot->row.digest;
  if (asked->arm != Arm::direct) {
    record.rollout = endpoint.row.routing.rollout;
    record.step = endpoint.row.routing.step;
  }
  record.request_id = request.id;
  record.project = asked->in.project;
  if (request.has_routing_key) record.key_digest = ids.digest_of(request.routing_key);
  record.event_times = std::move(request.event_times);
  record.context = std::move(request.context);
  record.latency_us = std::chrono::duration_cast<std::chrono::microseconds>(clock.steady() - asked->in.begun).count();

  if (options.metrics != nullptr) count(endpoint, record);
  Result<v2::Body> answer;
  if (error) {
    answer = std::unexpected(std::move(*error));
  } else {
    std::vector<std::string> prediction_ids;
    prediction_ids.reserve(record.rows);
    for (std::uint32_t i = 0; i < record.rows; ++i)
      prediction_ids.push_back(ids.write({.endpoint = static_cast<std::uint32_t>(endpoint.row.number),
                                          .server = server_number,
                                          .at = stamp.at,
                                          .counter = stamp.counter + i}));
    answer = v2::write_response({.model_name = endpoint.row.name,
                                 .model_version = std::to_string(record.version),
                                 .id = request.id,
                                 .prediction_ids = prediction_ids,
                                 .outputs = record.outputs},
                                request.outputs, request.binary);
  }
  std::string frame;
  append_frame(frame, [&](std::string& out) { encode(record, out); });
  endpoint.tail->append(
      frame, stamp.at,
      [answered = std::move(asked->answered), answer = std::move(answer)](Result<void> kept) mutable {
        if (!kept && answer)
          answer = std::unexpected(
              Error{.code = Code::unavailable,
                    .message = "the prediction could not be kept, so it is not answered: " + kept.error().message,
                    .detail = kept.error().detail});
        answered(std::move(answer));
      },
      post());
}

}  // namespace pawl::serving
