#include "serving/log/tally.h"

#include <cmath>

#include "core/json.h"

namespace pawl::serving {

void Latencies::add(std::int64_t us) {
  const double value = static_cast<double>(std::max<std::int64_t>(us, 1));
  const auto bucket = static_cast<std::size_t>(std::log(value) / std::log(growth));
  if (buckets.size() <= bucket) buckets.resize(bucket + 1);
  ++buckets[bucket];
}
void Latencies::add(const Latencies& others) {
  if (buckets.size() < others.buckets.size()) buckets.resize(others.buckets.size());
  for (std::size_t i = 0; i < others.buckets.size(); ++i) buckets[i] += others.buckets[i];
}
double Latencies::quantile_ms(double q) const {
  std::int64_t n = 0;
  for (const auto b : buckets) n += b;
  if (n == 0) return 0;
  auto left = static_cast<std::int64_t>(std::ceil(q * static_cast<double>(n)));
  std::size_t i = 0;
  for (; i + 1 < buckets.size() && buckets[i] < left; ++i) left -= buckets[i];
  return std::pow(growth, static_cast<double>(i) + 0.5) / 1000;
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
void Moments::add(const Moments& others) {
  missing += others.missing;
  if (others.n == 0) return;
  min = n == 0 ? others.min : std::min(min, others.min);
  max = n == 0 ? others.max : std::max(max, others.max);
  const double apart = others.mean - mean, ours = static_cast<double>(n), theirs = static_cast<double>(others.n);
  n += others.n;
  mean += apart * theirs / (ours + theirs);
  squares += others.squares + apart * apart * ours * theirs / (ours + theirs);
}

Moments& Tallies::Count::output(std::string_view name) {
  const auto at = std::ranges::find(outputs, name, &Moments::name);
  return at != outputs.end() ? *at : outputs.emplace_back(Moments{.name = std::string(name)});
}
void Tallies::Count::add(const Count& o) {
  if (o.requests > 0) {
    first = requests == 0 ? o.first : std::min(first, o.first);
    last = requests == 0 ? o.last : std::max(last, o.last);
  }
  if (o.rows > 0) {
    event_first = rows == 0 ? o.event_first : std::min(event_first, o.event_first);
    event_last = rows == 0 ? o.event_last : std::max(event_last, o.event_last);
  }
  rows += o.rows;
  requests += o.requests;
  errors += o.errors;
  refused += o.refused;
  latencies.add(o.latencies);
  for (const auto& m : o.outputs) output(m.name).add(m);
}

Tallies::Count& Tallies::count_of(std::string_view rollout, std::int64_t step, Arm arm) {
  for (auto at = counts_.rbegin(); at != counts_.rend(); ++at)  // the newest step is asked for most
    if (at->step == step && at->arm == arm && at->rollout == rollout) return *at;
  return counts_.emplace_back(Count{.rollout = std::string(rollout), .step = step, .arm = arm});
}

void Tallies::add(const RecordView& record) {
  auto& c = count_of(record.rollout, record.step, record.arm);
  if (record.status == Status::refused) {
    ++c.refused;
    return;
  }
  if (c.requests++ == 0) c.first = record.received.us;
  c.last = std::max(c.last, record.received.us);
  if (record.status == Status::error) ++c.errors;
  if (record.status != Status::ok) return;
  const bool each = record.event_times.size() > sizeof(std::int64_t);  // else one time for all rows
  for (std::size_t i = 0; i < (each ? record.rows : 1); ++i) {
    const auto t = record.event_time(i);
    const bool none = c.rows == 0 && i == 0;
    c.event_first = none ? t : std::min(c.event_first, t);
    c.event_last = none ? t : std::max(c.event_last, t);
    if (const auto day = day_of(Time{t}); day >= 0 && day < days_end) days_[day] += each ? 1 : record.rows;
  }
  c.rows += record.rows;
  rows_answered_ += record.rows;
  c.latencies.add(record.latency_us);
  for (const auto& t : record.outputs) {
    if (t.type == v2::Type::BYTES) continue;
    auto& moments = c.output(t.name);
    for (std::size_t i = 0; i < t.values; ++i) moments.add(t.number(i));
  }
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
      if (view_.read(*payload, Parts::outputs)) add(view_);
    offset_ = reader.offset();
  }
  return {};
}

std::string Tallies::save() const {
  Saved saved{.counts = counts_};
  for (const auto& [day, rows] : days_) saved.days.push_back({.day = day, .rows = rows});
  return pawl::encode(saved);
}
Result<void> Tallies::add_saved(std::string_view json) {
  TRY(saved, decode<Saved>(json));
  for (const auto& c : saved.counts) {
    count_of(c.rollout, c.step, c.arm).add(c);
    rows_answered_ += c.rows;
  }
  for (const auto& d : saved.days) days_[d.day] += d.rows;
  return {};
}

Tallies::Reach Tallies::reach() const {
  Reach out{.rows = rows_answered_};
  bool none = true;
  for (const auto& c : counts_) {
    if (c.rows == 0) continue;
    out.oldest = none ? c.event_first : std::min(out.oldest, c.event_first);
    out.newest = none ? c.event_last : std::max(out.newest, c.event_last);
    out.arrival = std::max(out.arrival, c.last);
    none = false;
  }
  return out;
}
std::int64_t Tallies::rows_on(std::int64_t first_day, std::int64_t end_day) const {
  std::int64_t out = 0;
  for (auto at = days_.lower_bound(first_day); at != days_.end() && at->first < end_day; ++at) out += at->second;
  return out;
}

Tally Tallies::of(std::string_view rollout, std::int64_t step, Arm arm) const {
  Tally out;
  const auto at = std::ranges::find_if(
      counts_, [&](const Count& c) { return c.step == step && c.arm == arm && c.rollout == rollout; });
  if (at == counts_.end()) return out;
  out.rows = at->rows;
  out.requests = at->requests;
  out.errors = at->errors;
  out.refused = at->refused;
  out.p50_ms = at->latencies.quantile_ms(0.5);
  out.p99_ms = at->latencies.quantile_ms(0.99);
  out.first = to_rfc3339({at->first});
  out.last = to_rfc3339({at->last});
  if (at->rows > 0) {
    out.event_first = to_rfc3339({at->event_first});
    out.event_last = to_rfc3339({at->event_last});
  }
  for (const auto& m : at->outputs)
    out.outputs.push_back({.name = m.name,
                           .n = m.n,
                           .missing = m.missing,
                           .mean = m.mean,
                           .variance = m.n > 1 ? m.squares / static_cast<double>(m.n - 1) : 0,
                           .min = m.min,
                           .max = m.max});
  return out;
}

}  // namespace pawl::serving
