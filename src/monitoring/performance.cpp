#include "monitoring/performance.h"

#include <fmt/format.h>

#include <cmath>

#include "stats/labels.h"

namespace pawl::monitoring {
namespace {

using stats::Metric;

constexpr std::size_t slice_values_max = 20;  // a number with more is cut at the quartiles of the reference
constexpr auto further_values = "(further values)";

bool needs_probability(Metric m) { return m == Metric::log_loss || m == Metric::auc; }
std::optional<double> shown(double v) { return std::isfinite(v) ? std::optional(v) : std::nullopt; }
std::vector<Metric> metrics_of(const AnswerReader& reader) {
  using enum Metric;
  if (!reader.of_classes()) return {mae, rmse, bias, r2};
  if (reader.classes().size() == 2) return {accuracy, f1, log_loss, auc};
  return {accuracy, f1, log_loss};
}
void put(const stats::Interval& interval, Measured& out) {
  out.value = shown(interval.estimate);
  if (interval.ok())
    out.low = shown(interval.low), out.high = shown(interval.high);
  else
    out.note = "no interval: the metric is not defined in too many draws of days";
}
std::string few_days(int days) {
  return fmt::format("no interval: {} with labels, at least {} are drawn",
                     days == 1 ? "1 day" : fmt::format("{} days", days), stats::groups_min);
}
serving::LogColumn part_of(const serving::LogColumn& column, std::span<const std::size_t> rows) {
  serving::LogColumn out{.name = column.name};
  for (const auto i : rows) {
    if (i < column.numbers.size()) out.numbers.push_back(column.numbers[i]);
    if (i < column.texts.size()) out.texts.push_back(column.texts[i]);
    if (i < column.absent.size()) out.absent.push_back(column.absent[i]);
  }
  return out;
}

}  // namespace

Tally::Tally(std::vector<Metric> metrics, const AnswerReader& reader) {
  const int classes = reader.of_classes() ? static_cast<int>(reader.classes().size()) : 0;
  for (const auto m : metrics) metrics_.push_back({m, stats::Grouped(m, classes, reader.positive())});
}
void Tally::add(const Judged& judged, std::size_t i, std::int32_t day) {
  if (day != last_day_ || last_group_ < 0) {
    last_day_ = day;
    last_group_ = groups_.try_emplace(day, static_cast<int>(groups_.size())).first->second;
  }
  ++n_;
  for (auto& one : metrics_) {
    if (needs_probability(one.metric) && judged.has_probability[i] == 0) continue;
    ++one.n;
    one.sums.add(judged.truth, judged.answers, i, last_group_);
  }
}
void Tally::ready() {
  if (ready_) return;
  for (auto& one : metrics_) one.sums.ready();
  ready_ = true;
}
Measured Tally::measured(Metric metric) {
  ready();
  Measured out{.metric = metric};
  const auto at = std::ranges::find(metrics_, metric, &One::metric);
  if (at == metrics_.end()) return out.note = std::string(word(metric)) + " is not defined for these answers", out;
  out.n = at->n;
  if (at->n == 0) {
    out.note = n_ > 0 ? std::string(word(metric)) + " needs probabilities, the model only names a class" : "no labels";
    return out;
  }
  const int groups = at->sums.groups();
  if (groups >= stats::groups_min) {
    put(stats::bootstrap(at->sums, groups), out);
  } else {
    out.value = shown(at->sums.of(std::vector<std::int32_t>(static_cast<std::size_t>(groups), 1)));
    out.note = few_days(groups);
  }
  if (!out.value) {
    const bool of_errors = metric == Metric::mae || metric == Metric::rmse || metric == Metric::bias;
    out.low.reset(), out.high.reset();
    out.note = std::string(word(metric)) +
               " is not defined: " + (of_errors ? "a label or an answer is too large" : "the labels are all the same");
  }
  return out;
}
std::vector<Measured> Tally::all() {
  std::vector<Measured> out;
  for (const auto& one : metrics_) out.push_back(measured(one.metric));
  return out;
}
Measured Tally::gain_over(Tally& other, Metric metric) {
  ready(), other.ready();
  Measured out{.metric = metric, .n = n_};
  const auto ours = std::ranges::find(metrics_, metric, &One::metric),
             theirs = std::ranges::find(other.metrics_, metric, &One::metric);
  if (ours == metrics_.end() || theirs == other.metrics_.end() || ours->n != theirs->n || ours->n == 0)
    return out.note = "the two versions cannot be compared by " + std::string(word(metric)), out;
  const int groups = ours->sums.groups();
  if (groups >= stats::groups_min) {
    put(stats::improvement(metric, ours->sums, theirs->sums, groups), out);
  } else {
    const std::vector<std::int32_t> once(static_cast<std::size_t>(groups), 1);
    out.value = shown((stats::low_is_good(metric) ? -1 : 1) * (ours->sums.of(once) - theirs->sums.of(once)));
    out.note = few_days(groups);
  }
  return out;
}

Performance::Performance(const Monitor& monitor, const Reference& reference, std::vector<std::string> classes,
                         std::int64_t rows)
    : monitor_(monitor),
      reader_(monitor, std::move(classes)),
      watched_(monitor.metric.value_or(reader_.of_classes() ? Metric::accuracy : Metric::mae)),
      metrics_(metrics_of(reader_)),
      all_(metrics_, reader_),
      step_(std::max<std::int64_t>(1, (rows + previous_rows_max - 1) / previous_rows_max)) {
  for (const auto& by : monitor.slices) {
    Slice slice{.by = by};
    const auto* column = reference.find(by.by);
    if (column != nullptr && !column->text &&
        stats::distinct(column->numbers.sorted(), {}, slice_values_max + 1) > slice_values_max)
      slice.edges = stats::quantile_edges(column->numbers.sorted(), 4);
    slices_.push_back(std::move(slice));
  }
}

std::string Performance::value_of(const Slice& slice, const serving::LogColumn& column, std::size_t row) const {
  if (!column.has(row)) return "(missing)";
  if (column.is_text()) return column.texts[row];
  const double v = column.numbers[row];
  if (slice.edges.size() < 3) return stats::canonical_label(v);
  const auto inner = std::span(slice.edges).subspan(1, slice.edges.size() - 2);
  const auto at = static_cast<std::size_t>(std::ranges::upper_bound(inner, v) - inner.begin());
  if (at == 0) return fmt::format("< {:.4g}", inner.front());
  if (at == inner.size()) return fmt::format(">= {:.4g}", inner.back());
  return fmt::format("[{:.4g}, {:.4g})", inner[at - 1], inner[at]);
}

Result<void> Performance::add(const serving::RowBatch& batch, Source& source) {
  rows_ += static_cast<std::int64_t>(batch.size);
  std::vector<std::size_t> labelled;
  Version* version = nullptr;
  std::int64_t of = -1;
  const auto version_of = [&](std::size_t row) -> Version& {
    const std::int64_t number = row < batch.versions.size() ? batch.versions[row] : 0;
    if (version == nullptr || of != number) {
      of = number;
      version = &versions_.try_emplace(number, Version{.tally = Tally(metrics_, reader_)}).first->second;
    }
    return *version;
  };
  for (std::size_t row = 0; row < batch.size; ++row) {
    auto& v = version_of(row);
    ++v.rows;
    if (!batch.labels.has(row)) continue;
    ++v.labelled, ++labelled_;
    labelled.push_back(row);
  }
  if (labelled.empty() || (reader_.of_classes() && reader_.classes().size() < 2)) return {};
  const Judged judged = reader_.read(batch.outputs, batch.labels, labelled);

  const auto day_of = [&](std::size_t i) { return stats::day_of(batch.event_times[judged.row[i]]); };
  for (std::size_t i = 0; i < judged.row.size(); ++i) {
    const auto day = day_of(i);
    all_.add(judged, i, day);
    version_of(judged.row[i]).tally.add(judged, i, day);
  }
  for (auto& slice : slices_) {
    const auto* column = serving::find_column(batch.features, slice.by.by);
    if (column == nullptr) column = serving::find_column(batch.context, slice.by.by);
    if (column == nullptr) continue;
    slice.present = true;
    for (std::size_t i = 0; i < judged.row.size(); ++i) {
      auto value = value_of(slice, *column, judged.row[i]);
      auto at = slice.values.find(value);
      if (at == slice.values.end()) {
        if (slice.values.size() >= slices_max) slice.cut = true, value = further_values;
        at = slice.values.try_emplace(value, std::vector{slice.by.metric}, reader_).first;
      }
      at->second.add(judged, i, day_of(i));
    }
  }
  if (monitor_.previous > 0 && monitor_.previous != monitor_.version && !previous_failed_)
    TRY_(score_previous(batch, judged, source));
  return {};
}

// The rows that the live version answered, every step-th: what the version before would have said to them.
Result<void> Performance::score_previous(const serving::RowBatch& batch, const Judged& judged, Source& source) {
  std::vector<std::size_t> rows, places;
  for (std::size_t i = 0; i < judged.row.size(); ++i) {
    if (batch.versions[judged.row[i]] != monitor_.version) continue;
    if (live_seen_++ % step_ == 0) rows.push_back(judged.row[i]), places.push_back(i);
  }
  if (rows.empty()) return {};
  serving::RowBatch asked{.size = rows.size()};
  for (const auto i : rows)
    asked.event_times.push_back(batch.event_times[i]), asked.versions.push_back(monitor_.previous);
  for (const auto& f : batch.features) asked.features.push_back(part_of(f, rows));
  auto answers = source.answer(monitor_.previous, asked);
  if (!answers) {
    if (answers.error().code == Code::internal || answers.error().code == Code::busy)
      return std::unexpected(std::move(answers).error());  // of the machine: another time
    previous_failed_ = true;
    note_ = fmt::format("version {}, live before, could not be scored: {}", monitor_.previous, answers.error().message);
    return {};
  }
  std::vector<std::size_t> every(rows.size());
  for (std::size_t i = 0; i < every.size(); ++i) every[i] = i;
  const auto theirs = reader_.read(*answers, part_of(batch.labels, rows), every);
  if (!previous_) previous_.emplace(metrics_, reader_), paired_.emplace(metrics_, reader_);
  for (std::size_t k = 0; k < theirs.row.size(); ++k) {
    const auto day = stats::day_of(asked.event_times[theirs.row[k]]);
    previous_->add(theirs, k, day);
    paired_->add(judged, places[theirs.row[k]], day);
  }
  return {};
}

std::optional<PerformanceSeen> Performance::seen() {
  const auto say = [&](const std::string& more) {
    if (!more.empty()) note_ += (note_.empty() ? "" : "; ") + more;
  };
  say(reader_.note());
  if (reader_.of_classes() && reader_.classes().size() < 2 && labelled_ > 0)
    say("fewer than two classes are known: name them as model.classes");
  if (labelled_ == 0 && !monitor_.metric) return std::nullopt;
  PerformanceSeen out;
  out.metrics = all_.all();
  for (auto& [number, v] : versions_)
    out.versions.push_back({.version = number, .rows = v.rows, .labelled = v.labelled, .metrics = v.tally.all()});
  out.watched = {.metric = watched_};
  if (const auto live = versions_.find(monitor_.version); live != versions_.end()) {
    auto& v = live->second;
    out.watched = v.tally.measured(watched_);
    const double coverage = static_cast<double>(v.tally.n()) / static_cast<double>(v.rows);
    out.mature = out.watched.value && out.watched.n >= labels_min && coverage >= coverage_min;
    if (v.labelled == 0)
      out.watched.note = "no labels yet";
    else if (!out.mature && out.watched.value)
      out.watched.note = fmt::format("immature: {} of {} rows can be judged; at least {} and {:.0f} % are needed",
                                     out.watched.n, v.rows, labels_min, 100 * coverage_min);
  } else {
    out.watched.note = fmt::format("version {} answered no row of this window", monitor_.version);
  }
  out.reference = monitor_.reference_value;
  if (monitor_.metric && out.reference && stats::has_direction(watched_)) {
    const bool low = stats::low_is_good(watched_);
    out.limit = *out.reference * (low ? 1 + monitor_.worse_by : 1 - monitor_.worse_by);
    out.worse = out.mature && (low ? *out.watched.value > *out.limit : *out.watched.value < *out.limit);
  }
  if (previous_) {
    out.previous = VersionSeen{
        .version = monitor_.previous, .rows = previous_->n(), .labelled = previous_->n(), .metrics = previous_->all()};
    if (stats::has_direction(watched_)) out.gain = paired_->gain_over(*previous_, watched_);
    if (step_ > 1 && out.gain)
      out.gain->note += fmt::format("{}on every {}th row", out.gain->note.empty() ? "" : "; ", step_);
  }
  for (auto& slice : slices_) {
    if (!slice.present && labelled_ > 0) say("there is no column " + slice.by.by + " to slice by");
    if (slice.cut) say(fmt::format("{} has more than {} values: further ones are one slice", slice.by.by, slices_max));
    for (auto& [value, tally] : slice.values)
      out.slices.push_back({.by = slice.by.by,
                            .value = value,
                            .measured = tally.measured(slice.by.metric),
                            .judged = tally.n() >= slice_rows_min && value != further_values});
  }
  return out;
}

}  // namespace pawl::monitoring
