// One prediction of the log by its id.
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
  TRY(runs, endpoint->label_book->runs());
  each_label(runs, *parts, [&](const LabelEntry& l, const std::vector<std::string>& texts) {
    out->labels.push_back({.value = {json_of(l, texts)}, .at = to_rfc3339({l.labelled}), .by = texts[l.by]});
  });
  return std::move(*out);
}

}  // namespace pawl::serving
