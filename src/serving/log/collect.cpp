#include "serving/log/collect.h"

#include "serving/log/context.h"

namespace pawl::serving {

Collector::Collector(const RowsAsk& a, const Ids& i, std::uint32_t endpoint, std::uint32_t server, Runs labels,
                     const Each& each)
    : ask(a),
      ids(i),
      features(a.columns),
      endpoint_(endpoint),
      server_(server),
      labels_(std::move(labels)),
      each_(each) {}

Result<void> Collector::flush() {
  if (batch.size == 0) return {};
  if (ask.features) batch.features = features.take(batch.size);
  if (ask.outputs) batch.outputs = outputs.take(batch.size);
  if (ask.context) batch.context = context.take(batch.size);
  if (ask.labels) batch.labels = join_labels(labels_, server_, keys);
  if (ask.ids) {
    batch.ids.reserve(keys.size());
    for (const auto& k : keys)
      batch.ids.push_back(ids.write({.endpoint = endpoint_, .server = server_, .at = {k.at}, .counter = k.counter}));
  }
  auto out = each_(batch, keys);
  batch = {};
  keys.clear();
  return out;
}
Result<void> Collector::make_room(std::size_t rows) {
  if (batch.size + rows > batch_rows_max) return flush();
  return {};
}

Result<void> Collector::add(RecordView& view, std::string_view payload) {
  if (!view.read(payload, Parts::head) || view.status != Status::ok || view.rows == 0) return {};
  if (view.received < received_first || view.received > received_last) return {};
  if (!ask.rollout.empty() && view.rollout != ask.rollout) return {};
  if (ask.step && view.step != *ask.step) return {};
  picked_.clear();
  for (std::uint32_t row = 0; row < view.rows; ++row)
    if (const auto t = view.event_time(row); t >= ask.from.us && t < ask.to.us) picked_.push_back(row);
  if (picked_.empty()) return {};
  const bool more = ask.features || ask.context;
  if ((more || ask.outputs || ask.units) && !view.read(payload, more ? Parts::all : Parts::outputs)) return {};
  for (std::span<const std::uint32_t> left(picked_); !left.empty();) {
    TRY_(make_room(std::min(left.size(), batch_rows_max)));
    const auto picked = left.first(std::min(left.size(), batch_rows_max - batch.size));
    left = left.subspan(picked.size());
    const std::size_t row = batch.size;
    if (ask.features && view.is_matrix()) {
      features.add_matrix(view.features[0], view.columns, picked, row);
    } else if (ask.features) {
      std::size_t hint = 0;
      for (const auto& t : view.features) hint = features.add(t, picked, row, hint);
    }
    if (ask.outputs) {
      std::size_t hint = 0;
      for (const auto& t : view.outputs) hint = outputs.add(t, picked, row, hint);
    }
    if (ask.context) add_context(context, view.context, view.rows, picked, row);
    for (const auto r : picked) {
      batch.event_times.push_back(view.event_time(r));
      keys.push_back({.at = view.received.us, .counter = view.counter + r});
    }
    batch.size += picked.size();
    batch.versions.resize(batch.size, view.version);
    batch.arms.resize(batch.size, view.arm);
    if (ask.units)
      batch.units.resize(batch.size, view.key_digest.value_or(static_cast<std::uint64_t>(view.received.us)));
  }
  return {};
}

}  // namespace pawl::serving
