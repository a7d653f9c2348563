// The way of metric points: a request's points become one chunk (a single row, whatever their number) and at most one row per key in
// metric_latest. Chunks of requests are put together per key in the background; repeats vanish when read or compacted.
#include <cmath>
#include <cstring>

#include "core/log.h"
#include "tracking/service.h"
#include "wire/mlflow/names.h"
#include "wire/mlflow/page_token.h"
#include "wire/mlflow/texts.h"

namespace pawl::tracking {
namespace {

using mlflow::refuse;

// A history reads every loose chunk of its run: 64 of them decode in well under a millisecond. Points bound one compaction's work.
constexpr std::size_t loose_chunks_max = 64, loose_points_max = 65'536;
constexpr std::size_t chunk_points_max = 65'536;   // a chunk of this size is left alone
constexpr std::size_t runs_counted_max = 100'000;  // past it the hints are forgotten

double storable(double v) {
  constexpr double largest = std::numeric_limits<double>::max();
  return std::isinf(v) ? std::copysign(largest, v) : std::isnan(v) ? std::numeric_limits<double>::quiet_NaN() : v;
}

Metric metric_of(std::string_view key, const Point& p) {
  return {.key = std::string(key), .value = p.value, .timestamp = p.timestamp, .step = p.step};
}

}  // namespace

std::uint64_t Service::random_bits() {
  std::array<char, 8> bytes{};
  random_.fill(bytes);
  std::uint64_t out = 0;
  std::memcpy(&out, bytes.data(), sizeof out);
  return out;
}

Result<void> Service::put_points(Tx& tx, const RunId& run, std::span<const NewMetric> metrics) {
  if (metrics.empty()) return {};
  Columns columns;
  std::vector<Point>* column = nullptr;
  std::string_view key;
  for (const auto& m : metrics) {
    if (!column || m.key != key) {  // points of one key mostly come together
      column = &columns[m.key];
      key = m.key;
    }
    column->push_back({m.timestamp, m.step, storable(m.value)});
    if (m.model_id.empty()) continue;
    Metric of_model{.key = m.key,
                    .value = storable(m.value),
                    .timestamp = m.timestamp,
                    .step = m.step,
                    .dataset_name = m.dataset_name,
                    .dataset_digest = m.dataset_digest};
    TRY_(rows::put_model_metric(tx, of_model, m.model_id, run.text));
  }
  for (const auto& [name, points] : columns)
    TRY_(rows::put_latest(tx, run.text, name, *std::ranges::max_element(points, step_before)));
  TRY_(rows::put_chunk(tx, run.text, "", static_cast<std::int64_t>(random_bits() >> 1), metrics.size(),
                       encode_chunk(columns)));
  count_loose(tx, run, metrics.size());
  return {};
}

void Service::count_loose(Tx& tx, const RunId& run, std::size_t points) {
  {
    std::lock_guard lock(loose_mutex_);
    if (loose_.size() > runs_counted_max) loose_.clear();
    auto& loose = loose_[run.text];
    loose.chunks += 1;
    loose.points += points;
    if (loose.chunks < loose_chunks_max && loose.points < loose_points_max) return;
    loose_.erase(run.text);
  }
  compact_later(tx, run);
}

void Service::compact_later(Tx& tx, const RunId& run) {
  tx.after_commit([this, run] {
    {
      std::lock_guard lock(compacting_mutex_);
      ++compacting_;
    }
    store_.write_async([this, run](Tx& own) { return compact(own, run); },
                       [this, run](const Result<void>& done) {
                         if (!done)
                           log::warn("tracking.not_compacted", {{"run", run.text}, {"error", done.error().message}});
                         std::lock_guard lock(compacting_mutex_);
                         --compacting_;
                         compacted_.notify_all();
                       });
  });
}
Service::~Service() {
  std::unique_lock lock(compacting_mutex_);
  compacted_.wait(lock, [this] { return compacting_ == 0; });
}

Result<void> Service::compact(Tx& tx, const RunId& run) {
  TRY(loose, rows::loose_chunks(tx, run.text, static_cast<std::int64_t>(loose_chunks_max)));
  if (loose.size() < 2) return {};
  Columns columns;
  for (const auto& chunk : loose) {
    TRY_(rows::read_chunk(tx, run.text, "", chunk.id, columns));
    TRY_(rows::delete_chunk(tx, run.text, "", chunk.id));
  }
  // A key's new points also take up its chunks that are not twice as large: each point is so rewritten a logarithmic number of times.
  for (auto& [key, points] : columns) {
    const auto below = std::min(2 * points.size(), chunk_points_max);
    TRY(small, rows::small_chunks(tx, run.text, key, static_cast<std::int64_t>(below)));
    Columns of_key;
    of_key[key] = std::move(points);
    for (const auto& chunk : small) {
      TRY_(rows::read_chunk(tx, run.text, key, chunk.id, of_key));
      TRY_(rows::delete_chunk(tx, run.text, key, chunk.id));
    }
    tidy(of_key[key]);
    TRY_(rows::put_chunk(tx, run.text, key, static_cast<std::int64_t>(random_bits() >> 1), of_key[key].size(),
                         encode_chunk(of_key)));
  }
  if (loose.size() == loose_chunks_max) compact_later(tx, run);  // there may be more: the next slice
  return {};
}

Result<Nothing> Service::log_metric(Call& call, const LogMetric& in) {
  TRY_(mlflow::check_metric(in.key, in.value, in.timestamp, ""));
  TRY_(writable_run(call, in.run_id));
  const NewMetric one{in.key, in.value, in.timestamp, in.step, in.model_id, in.dataset_name, in.dataset_digest};
  TRY_(put_points(call.tx, in.run_id, {&one, 1}));
  return Nothing{};
}

Result<MetricPage> Service::history(Call& call, const GetHistory& in) {
  if (in.max_results && *in.max_results < 1)
    return refuse("Invalid value " + std::to_string(*in.max_results) +
                  " for parameter 'max_results' supplied. It must be a positive integer.");
  TRY(offset, mlflow::read_page_token(in.page_token));
  TRY(points, rows::history(call.tx, in.run_id.text, in.metric_key));
  MetricPage page;
  const auto from = std::min<std::size_t>(static_cast<std::size_t>(offset), points.size());
  const auto n = std::min<std::size_t>(points.size() - from,
                                       in.max_results ? static_cast<std::size_t>(*in.max_results) : points.size());
  for (const auto& p : std::span(points).subspan(from, n)) page.metrics.push_back(metric_of(in.metric_key, p));
  if (from + n < points.size()) page.next_page_token = mlflow::make_page_token(static_cast<std::int64_t>(from + n));
  return page;
}

Result<BulkMetrics> Service::history_bulk(Call& call, const GetHistoryBulk& in) {
  constexpr std::size_t runs_max = 100;
  constexpr std::int64_t points_max = 25'000;
  if (in.run_id.empty()) return refuse("GetMetricHistoryBulk request must specify at least one run_id.");
  if (in.run_id.size() > runs_max)
    return refuse("GetMetricHistoryBulk request cannot specify more than 100 run_ids. Received " +
                  std::to_string(in.run_id.size()) + " run_ids.");
  if (in.metric_key.empty()) return refuse("GetMetricHistoryBulk request must specify a metric_key.");
  std::vector<std::string> runs = in.run_id;
  std::ranges::sort(runs);
  runs.erase(std::ranges::unique(runs).begin(), runs.end());
  const auto limit = static_cast<std::size_t>(std::clamp<std::int64_t>(in.max_results, 0, points_max));
  BulkMetrics out;
  for (const auto& run : runs) {
    TRY(points, rows::history(call.tx, run, in.metric_key));
    for (const auto& p : points) {
      if (out.metrics.size() == limit) return out;
      out.metrics.push_back(metric_of(in.metric_key, p));
      out.metrics.back().run_id = run;
    }
  }
  return out;
}

namespace {

// SQL's NTILE(n): the first `size % n` buckets hold one more. The first of each, and the very last point.
std::vector<Point> sampled(std::vector<Point> points, std::size_t n) {
  std::ranges::sort(points, step_before);
  if (points.size() <= n) return points;
  std::vector<Point> out;
  const std::size_t small = points.size() / n, larger = points.size() % n;
  for (std::size_t bucket = 0, at = 0; bucket < n; ++bucket) {
    out.push_back(points[at]);
    at += small + (bucket < larger ? 1 : 0);
  }
  if (!same_point(out.back(), points.back())) out.back() = points.back();
  return out;
}

}  // namespace

Result<MetricPage> Service::history_interval(Call& call, const GetHistoryInterval& in) {
  constexpr std::int64_t per_run_max = 2500;
  constexpr std::size_t runs_max = 100;
  constexpr std::string_view tail = " See the API docs for more information about request parameters.";
  if (in.run_ids.size() > runs_max)
    return refuse("GetMetricHistoryBulkInterval request must specify at most 100 run_ids. Received " +
                  std::to_string(in.run_ids.size()) + " run_ids." + std::string(tail));
  if (in.max_results && (*in.max_results < 1 || *in.max_results > per_run_max))
    return refuse("max_results must be between 1 and 2500." + std::string(tail));
  if (in.start_step.has_value() != in.end_step.has_value())
    return refuse("If either start step or end step are specified, both must be specified.");
  if (in.start_step && *in.start_step > *in.end_step)
    return refuse("end_step must be greater than start_step. Found start_step=" + std::to_string(*in.start_step) +
                  " and end_step=" + std::to_string(*in.end_step) + ".");
  MetricPage out;
  for (const auto& run : in.run_ids) {
    TRY(points, rows::history(call.tx, run, in.metric_key));
    if (in.start_step)
      std::erase_if(points, [&](const Point& p) { return p.step < *in.start_step || p.step > *in.end_step; });
    for (const auto& p : sampled(std::move(points), static_cast<std::size_t>(in.max_results.value_or(per_run_max)))) {
      out.metrics.push_back(metric_of(in.metric_key, p));
      out.metrics.back().run_id = run;
    }
  }
  return out;
}

}  // namespace pawl::tracking
