// What the service reads from and adds to the log besides predictions: one prediction by its id, labels.
#include <future>

#include "core/json.h"
#include "serving/service_impl.h"

namespace pawl::serving {
namespace {

// The row of an id: in the segment that its time says, or in a later one (see tail.h), or, when the clock was set back, in an earlier one.
Result<std::optional<Record>> find_record(const Tail& tail, const IdParts& id) {
  const auto segments = tail.segments();
  const auto holds = [&](const Record& r) {
    return r.received == id.at && id.counter >= r.counter && id.counter - r.counter < std::max(r.rows, 1U);
  };
  const auto look = [&](const Segment& s) -> Result<std::optional<Record>> {
    auto reader = SegmentReader::open(s.path, s.bytes);
    std::error_code ec;
    if (!reader && !std::filesystem::exists(s.path, ec)) return std::optional<Record>{};  // sealed just now
    if (!reader) return std::unexpected(std::move(reader).error());
    while (const auto payload = reader->next())
      if (const auto head = decode_record(*payload, Parts::head); head && holds(*head))
        return decode_record(*payload, Parts::all);
    return std::optional<Record>{};
  };
  const auto after = std::ranges::upper_bound(segments, id.at, {}, &Segment::start);
  const auto from = after == segments.begin() ? after : after - 1;
  for (auto at = from; at != segments.end(); ++at) {
    TRY(found, look(*at));
    if (found) return found;
  }
  for (auto at = from; at != segments.begin();) {
    TRY(found, look(*--at));
    if (found) return found;
  }
  return std::optional<Record>{};
}

Result<std::vector<LabelSeen>> find_labels(const Tail& tail, std::string_view id) {
  std::vector<LabelSeen> out;
  for (const auto& s : tail.segments()) {
    TRY(reader, SegmentReader::open(s.path, s.bytes));
    while (const auto payload = reader.next())
      if (auto label = decode_label(*payload); label && label->prediction_id == id)
        out.push_back({.value = {std::move(label->value)}, .at = to_rfc3339(label->at), .by = std::move(label->by)});
  }
  return out;
}

}  // namespace

namespace {

Prediction prediction_of(const std::string& id, const Record& record, std::size_t row, const EndpointNow& endpoint,
                         const std::string& server) {
  return {.id = id,
          .request_id = record.request_id,
          .endpoint = endpoint.row.name,
          .model = endpoint.row.model,
          .version = record.version,
          .digest = record.digest,
          .rollout = record.rollout,
          .step = record.step,
          .arm = record.arm,
          .server = server,
          .received = to_rfc3339(record.received),
          .event_time = to_rfc3339(record.event_time(row)),
          .status = std::string(word(record.status)),
          .error = record.error,
          .latency_us = record.latency_us,
          .features = {row_json(record.features, row, record.columns)},
          .outputs = {row_json(record.outputs, row)},
          .context = {v2::context_row(record.context, row, record.rows)}};
}

}  // namespace

Result<Prediction> Service::prediction(const std::string& id) {
  const auto missing = [&] {
    return fail(Code::missing, "there is no prediction \"" + id.substr(0, 100) + "\"", "id");
  };
  const auto parts = impl_->ids.read(id);
  if (!parts) return missing();
  const auto endpoint = impl_->find(parts->endpoint);
  if (!endpoint || parts->server != impl_->server_number) return missing();
  TRY_(endpoint->tail->open());
  TRY(record, find_record(*endpoint->tail, *parts));
  std::optional<Prediction> out;
  if (record && record->rows > 0) {
    out = prediction_of(id, *record, parts->counter - record->counter, *endpoint, impl_->server_name);
  } else if (!record) {
    TRY(sealed, impl_->find_sealed(*endpoint, *parts, id));
    out = std::move(sealed);
  }
  if (!out) return missing();
  TRY(labels, find_labels(*endpoint->labels, id));
  out->labels = std::move(labels);
  return std::move(*out);
}

Result<LabelsTaken> Service::take_labels(const Ask& ask, const NewLabels& in) {
  TRY(endpoint, impl_->find_or_fail(in.name));
  TRY_(endpoint->labels->open());
  std::string frames;
  const auto stamp = endpoint->labels->stamp(ask.now(), static_cast<std::uint32_t>(in.labels.size()));
  for (std::size_t i = 0; i < in.labels.size(); ++i) {
    const auto& label = in.labels[i];
    const auto where = "labels[" + std::to_string(i) + "]";
    const auto id = impl_->ids.read(label.prediction_id);
    if (!id || id->endpoint != static_cast<std::uint32_t>(endpoint->row.number))
      return fail(Code::missing,
                  where + ".prediction_id: there is no prediction \"" + label.prediction_id.substr(0, 100) +
                      "\" at the endpoint " + endpoint->row.name,
                  where + ".prediction_id");
    const char first = label.label.text.empty() ? 'n' : label.label.text.front();
    if (first == 'n' || first == '{' || first == '[')
      return fail(Code::invalid,
                  where + ".label: expected a number, a text, true or false, got " + label.label.text.substr(0, 60),
                  where + ".label");
    TRY(value, canonical_json(label.label.text));
    append_frame(frames, [&](std::string& out) {
      encode(LabelRecord{.prediction_id = label.prediction_id, .value = value, .by = ask.who.name, .at = stamp.at},
             out);
    });
  }
  std::promise<Result<void>> written;
  endpoint->labels->append(frames, stamp.at, [&](Result<void> r) { written.set_value(std::move(r)); }, {});
  TRY_(written.get_future().get());
  TRY_(endpoint->labels->sync());
  return LabelsTaken{.taken = static_cast<std::int64_t>(in.labels.size())};
}

}  // namespace pawl::serving
