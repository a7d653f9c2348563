#include "monitoring/log.h"

#include <algorithm>
#include <bit>

#include "monitoring/performance.h"
#include "serving/service.h"

namespace pawl::monitoring {
namespace {

std::uint64_t mixed(std::uint64_t x) {  // the finaliser of SplitMix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

void LabelCount::add(const serving::RowBatch& batch, std::size_t row) {
  const serving::LogColumn& l = batch.labels;
  if (!l.has(row)) return;
  ++labels;
  const std::uint64_t value =
      l.is_text() ? std::hash<std::string_view>{}(l.texts[row]) : std::bit_cast<std::uint64_t>(l.numbers[row]);
  digest += mixed(value ^ mixed(static_cast<std::uint64_t>(batch.event_times[row])) + 1);
}

Result<LabelCount> Log::labels(const std::string& endpoint, const Window& window) {
  LabelCount out;
  serving::RowsAsk ask{.endpoint = endpoint, .from = window.start, .to = window.end};
  ask.features = ask.outputs = ask.context = false;
  ask.labels = true;
  TRY_(read_rows(ask, [&](const serving::RowBatch& batch) -> Result<void> {
    for (std::size_t i = 0; i < batch.size; ++i) out.add(batch, i);
    return {};
  }));
  return out;
}

Result<std::optional<Time>> Log::first_day(const std::string& endpoint, Time from, Time to) {
  constexpr Micros day = std::chrono::hours(24);
  if (from >= to) return std::nullopt;
  TRY(any, count(endpoint, from, to));
  if (any == 0) return std::nullopt;
  while (from + day < to) {  // halved: a gap may be a century
    const Time middle = from + day * (((to - from) / day) / 2);
    TRY(before, count(endpoint, from, middle));
    (before > 0 ? to : from) = middle;
  }
  return from;
}

Result<serving::Watermark> ServingLog::watermark(const std::string& endpoint) { return serving_.watermark(endpoint); }
Result<std::int64_t> ServingLog::count(const std::string& endpoint, Time from, Time to) {
  return serving_.count_rows(endpoint, from, to);
}
Result<std::set<std::int64_t>> ServingLog::labelled_since(const std::string& endpoint, Time after) {
  TRY(days, serving_.labelled_since(endpoint, after));
  std::set<std::int64_t> out;
  for (const auto& [day, rows] : days)
    if (rows > 0) out.insert(day);
  return out;
}
Result<void> ServingLog::read_rows(const serving::RowsAsk& ask,
                                   const std::function<Result<void>(const serving::RowBatch&)>& each) {
  return serving_.read_rows(ask, each);
}
Result<std::vector<serving::LogColumn>> ServingLog::answer(const std::string& model, std::int64_t version,
                                                           const serving::RowBatch& rows) {
  return serving_.answer(model, version, rows);
}

}  // namespace pawl::monitoring
