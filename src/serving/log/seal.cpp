// The service's part in sealing: which segments are closed, the order of steps that a crash may interrupt anywhere, and reading back.
#include "serving/log/seal.h"

#include <boost/json.hpp>

#include "core/json.h"
#include "core/json_dom.h"
#include "core/log.h"
#include "jobs/jobs.h"
#include "serving/log/seal_source.h"
#include "serving/service_impl.h"

namespace pawl::serving {
namespace fs = std::filesystem;
namespace bj = boost::json;
namespace {

constexpr Micros look_every = std::chrono::minutes(1);
constexpr const char* kind = "serving.seal";

std::string text_at(const bj::object& row, std::string_view column) {
  const auto* v = row.if_contains(bj::string_view(column.data(), column.size()));
  if (v == nullptr || v->is_null()) return {};
  return v->is_string() ? std::string(v->get_string()) : json_text(*v);
}
std::int64_t number_at(const bj::object& row, std::string_view column) {
  const auto* v = row.if_contains(bj::string_view(column.data(), column.size()));
  return v != nullptr && v->is_int64() ? v->get_int64() : 0;
}
// {"feature.a": 1, "output.y": 2} with prefix "feature." is {"a": 1}.
Result<Json> values_of(const bj::object& row, std::string_view prefix) {
  bj::object out;
  for (const auto& [key, value] : row)
    if (std::string_view(key).starts_with(prefix)) {
      const auto name = name_of_column(std::string_view(key).substr(prefix.size()));
      out[bj::string_view(name.data(), name.size())] = value;
    }
  TRY(text, canonical_json(json_text(out)));
  return Json{std::move(text)};
}

}  // namespace

fs::path sealed_name(const std::string& endpoint, const fs::path& segment) {
  return fs::path(endpoint) / "sealed" / (segment.stem().string() + ".parquet");
}

void Service::work(jobs::Worker& worker) {
  worker.handle(kind, [impl = impl_.get()](const jobs::Job&, const std::stop_token& stop) -> Result<std::string> {
    std::int64_t sealed = 0;
    for (const auto& [name, endpoint] : *impl->table.load())
      for (const auto& segment : impl->closed_segments(*endpoint)) {
        if (stop.stop_requested()) return fail(Code::busy, "the server stops");
        TRY_(impl->seal(*endpoint, segment));
        ++sealed;
      }
    for (const auto& [name, endpoint] : *impl->table.load()) {
      if (stop.stop_requested()) return fail(Code::busy, "the server stops");
      TRY(labels, endpoint->label_book->seal());
      sealed += labels;
    }
    return "{\"sealed\":" + std::to_string(sealed) + "}";
  });
  worker.every(kind, look_every, [impl = impl_.get()](Call& call) -> Result<void> {
    for (const auto& [name, endpoint] : *impl->table.load()) {
      if (impl->closed_segments(*endpoint).empty() && endpoint->labels->segments().size() < 2) continue;
      TRY_(jobs::add(call, {.kind = kind, .key = kind}));
      break;
    }
    return {};
  });
}

std::vector<Segment> Service::Impl::closed_segments(const EndpointNow& endpoint) const {
  auto segments = endpoint.tail->segments();
  if (!segments.empty()) segments.pop_back();  // the newest one is open
  return segments;
}

// Written, listed, removed, in that order. A crash before the list has it: written again. After it: the segment is removed by the next start, before
// anything counts it twice.
Result<void> Service::Impl::seal(const EndpointNow& endpoint, const Segment& segment) {
  const std::scoped_lock files(endpoint.book->files);
  {
    const std::scoped_lock lock(endpoint.book->mutex);
    TRY_(catch_up(endpoint));  // counted here while it is still a segment
  }
  const auto number = static_cast<std::uint32_t>(endpoint.row.number);
  const auto name = sealed_name(endpoint.row.name, segment.path);
  TRY(sealed, write_parquet(segment, options.data / "predictions" / name, number, server_number, ids));
  Tallies tallies;
  TRY(reader, SegmentReader::open(segment.path, segment.bytes));
  RecordView view;
  while (const auto payload = reader.next())
    if (view.read(*payload, Parts::outputs)) tallies.add(view);
  sealed.path = name.string();
  sealed.endpoint = endpoint.row.number;
  sealed.server = server_name;
  sealed.tallies = tallies.save();
  TRY_(store.write([&](Tx& tx) { return put_sealed(tx, sealed, clock.now()); }));
  std::error_code ec;
  if (reader.offset() == segment.bytes) {
    fs::remove(segment.path, ec);
  } else {  // what follows a frame that is not whole was not read: it is kept for whoever can
    fs::rename(segment.path, segment.path.string() + ".damaged", ec);
    log::error("serving.segment_damaged", {{"file", segment.path.string()}, {"at", reader.offset()}});
  }
  log::info(
      "serving.sealed",
      {{"endpoint", endpoint.row.name}, {"segment", sealed.path}, {"rows", sealed.rows}, {"bytes", sealed.bytes}});
  return {};
}

Result<void> Service::Impl::catch_up(const EndpointNow& endpoint) {
  TRY_(endpoint.tail->open());
  auto& book = *endpoint.book;
  if (!book.begun) {
    TRY(sealed, store.read_for<std::vector<SealedSegment>>(
                    [&](Tx& tx) { return sealed_of(tx, endpoint.row.number, server_name); }));
    for (const auto& segment : endpoint.tail->segments())
      if (std::ranges::find(sealed, sealed_name(endpoint.row.name, segment.path).string(), &SealedSegment::path) !=
          sealed.end()) {
        std::error_code ec;
        if (!fs::remove(segment.path, ec))
          return fail(Code::unavailable, "cannot remove a segment that was sealed", {}, segment.path.string());
      }
    Tallies tallies;
    for (const auto& s : sealed) TRY_(tallies.add_saved(s.tallies));
    book.tallies = std::move(tallies);
    book.begun = true;
  }
  return book.tallies.catch_up(*endpoint.tail);
}

Result<std::optional<Prediction>> Service::Impl::find_sealed(const EndpointNow& endpoint, const IdParts& parts,
                                                             const std::string& id) {
  constexpr auto any = std::numeric_limits<std::int64_t>::max();
  TRY(sealed, store.read_for<std::vector<SealedSegment>>(
                  [&](Tx& tx) { return sealed_between(tx, endpoint.row.number, server_name, {-any}, {any}); }));
  for (const auto& s : sealed) {
    if (parts.at < s.received_first || parts.at > s.received_last) continue;
    TRY(found, find_in_parquet(options.data / "predictions" / s.path, id));
    if (!found) continue;
    TRY(row, parse_json(*found));
    if (!row.is_object()) return fail(Code::internal, "a sealed row is no object");
    const auto& o = row.get_object();
    Prediction out{.id = id,
                   .request_id = text_at(o, "request_id"),
                   .endpoint = endpoint.row.name,
                   .model = endpoint.row.model,
                   .version = number_at(o, "version"),
                   .digest = text_at(o, "digest"),
                   .rollout = text_at(o, "rollout"),
                   .step = number_at(o, "step"),
                   .arm = from_word<Arm>(text_at(o, "arm")).value_or(Arm::live),
                   .server = server_name,
                   .received = to_rfc3339({number_at(o, "received")}),
                   .event_time = to_rfc3339({number_at(o, "event_time")}),
                   .status = text_at(o, "status"),
                   .error = text_at(o, "error"),
                   .latency_us = number_at(o, "latency_us"),
                   .context = {text_at(o, "context")}};
    TRY(features, values_of(o, "feature."));
    TRY(outputs, values_of(o, "output."));
    out.features = std::move(features);
    out.outputs = std::move(outputs);
    return out;
  }
  return std::optional<Prediction>{};
}

}  // namespace pawl::serving
