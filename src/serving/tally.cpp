#include "serving/tally.h"

#include <cmath>

namespace pawl::serving {

void Latencies::add(std::int64_t us) {
  const double value = static_cast<double>(std::max<std::int64_t>(us, 1));
  const auto bucket = static_cast<std::size_t>(std::log(value) / std::log(growth));
  if (buckets_.size() <= bucket) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++n_;
}
double Latencies::quantile_ms(double q) const {
  if (n_ == 0) return 0;
  auto left = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(n_)));
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    if (buckets_[i] >= left) return std::pow(growth, static_cast<double>(i) + 0.5) / 1000;
    left -= buckets_[i];
  }
  return std::pow(growth, static_cast<double>(buckets_.size())) / 1000;
}

void Moments::add(double value) {
  if (!std::isfinite(value)) {
    ++missing;
    return;
  }
  min = n == 0 ? value : std::min(min, value);
  max = n == 0 ? value : std::max(max, value);
  ++n;
  const double apart = value - mean;
  mean += apart / static_cast<double>(n);
  squares += apart * (value - mean);
}

void Tallies::add(const Record& record) {
  auto& arm = arms_[Key(record.rollout, record.step, record.arm)];
  if (arm.requests++ == 0) arm.first = record.received;
  arm.last = record.received;
  if (record.status == Status::error) ++arm.errors;
  if (record.status == Status::refused) ++arm.refused;
  if (record.status != Status::ok) return;
  for (std::size_t i = 0; i < std::max<std::size_t>(record.event_times.size(), 1); ++i) {
    const auto t = record.event_time(i);
    arm.event_first = arm.rows == 0 && i == 0 ? t : std::min(arm.event_first, t);
    arm.event_last = arm.rows == 0 && i == 0 ? t : std::max(arm.event_last, t);
  }
  arm.rows += record.rows;
  rows_answered_ += record.rows;
  arm.latencies.add(record.latency_us);
  for (const auto& t : record.outputs)
    std::visit(
        [&]<class V>(const std::vector<V>& values) {
          if constexpr (!std::is_same_v<V, std::string>) {
            auto& moments = arm.outputs[t.name];
            for (const auto v : values) moments.add(static_cast<double>(v));
          }
        },
        t.data);
}

Result<void> Tallies::catch_up(const Tail& tail) {
  for (const auto& segment : tail.segments()) {
    if (!at_.empty() && segment.path < at_) continue;  // names sort by time
    if (segment.path != at_) {
      at_ = segment.path;
      offset_ = 0;
    }
    if (segment.bytes <= offset_) continue;
    TRY(reader, SegmentReader::open(segment.path, segment.bytes));
    reader.skip(offset_);
    while (const auto payload = reader.next())
      if (const auto record = decode_record(*payload, Parts::outputs)) add(*record);
    offset_ = reader.offset();
  }
  return {};
}

Tally Tallies::of(std::string_view rollout, std::int64_t step, Arm arm) const {
  Tally out;
  const auto at = arms_.find(Key(rollout, step, arm));
  if (at == arms_.end()) return out;
  const auto& a = at->second;
  out.rows = a.rows;
  out.requests = a.requests;
  out.errors = a.errors;
  out.refused = a.refused;
  out.p50_ms = a.latencies.quantile_ms(0.5);
  out.p99_ms = a.latencies.quantile_ms(0.99);
  out.first = to_rfc3339(a.first);
  out.last = to_rfc3339(a.last);
  if (a.rows > 0) {
    out.event_first = to_rfc3339(a.event_first);
    out.event_last = to_rfc3339(a.event_last);
  }
  for (const auto& [name, m] : a.outputs)
    out.outputs.push_back({.name = name,
                           .n = m.n,
                           .missing = m.missing,
                           .mean = m.mean,
                           .variance = m.n > 1 ? m.squares / static_cast<double>(m.n - 1) : 0,
                           .min = m.min,
                           .max = m.max});
  return out;
}

}  // namespace pawl::serving
