#include "monitoring/measure.h"

#include <fmt/format.h>

#include <cmath>
#include <deque>

#include "monitoring/column.h"
#include "monitoring/performance.h"
#include "stats/labels.h"

namespace pawl::monitoring {
namespace {

constexpr std::size_t classes_max = 200;

serving::RowsAsk nothing_of(const Monitor& monitor, const Window& window) {
  serving::RowsAsk ask{.endpoint = monitor.endpoint, .from = window.start, .to = window.end};
  ask.features = ask.outputs = ask.context = ask.labels = false;
  return ask;
}

// Classes that nobody named: those that the labels of the window have.
Result<std::vector<std::string>> classes_of(const Monitor& monitor, Source& source, const Window& window) {
  if (monitor.task != "classification" || !monitor.classes.empty()) return monitor.classes;
  auto ask = nothing_of(monitor, window);
  ask.labels = true;
  std::map<std::string, bool> raw;
  TRY_(source.for_each(ask, [&](const serving::RowBatch& batch) -> Result<void> {
    for (std::size_t i = 0; i < batch.size; ++i) {
      if (!batch.labels.has(i)) continue;
      raw.try_emplace(batch.labels.is_text() ? stats::canonical_label(batch.labels.texts[i])
                                             : stats::canonical_label(batch.labels.numbers[i]));
      if (raw.size() > classes_max) return {};
    }
    return {};
  }));
  std::vector<std::string> out;
  for (auto& [label, seen] : raw) out.push_back(label);
  return stats::sorted_labels(std::move(out));
}

// The columns of a window over one or more passes.
class Columns {
 public:
  Columns(const Monitor& monitor, const Reference& reference, std::int64_t rows, const MeasureOptions& options)
      : monitor_(monitor),
        reference_(reference),
        rows_(static_cast<std::size_t>(std::max<std::int64_t>(0, rows))),
        options_(options) {
    for (const auto& c : reference.columns()) make(ColumnTally::Role::feature, c.name);
    for (const auto& name : monitor.features) make(ColumnTally::Role::feature, name);
  }

  // The first pass sees every column; of those to be compared it keeps what fits.
  void first(const serving::RowBatch& batch) {
    for (const auto& f : batch.features)
      if (monitor_.features.empty() || std::ranges::find(monitor_.features, f.name) != monitor_.features.end())
        late(make(ColumnTally::Role::feature, f.name));
    for (const auto& o : batch.outputs) late(make(ColumnTally::Role::output, o.name));
    for (auto& slot : slots_) slot.tally.count(slot.column_of(batch), batch.size);
    seen_ += batch.size;
    further(batch);
  }
  void further(const serving::RowBatch& batch) {
    for (auto& slot : slots_)
      if (slot.kept) slot.tally.keep(slot.column_of(batch), rows_);
    std::size_t bytes = 0, kept = 0;
    for (const auto& slot : slots_)
      if (slot.kept) bytes += slot.tally.bytes(), ++kept;
    for (auto slot = slots_.rbegin(); slot != slots_.rend() && bytes > options_.bytes && kept > 1; ++slot) {
      if (!slot->kept) continue;
      bytes -= slot->tally.bytes(), --kept;
      slot->tally.drop();
      slot->kept = false;
    }
  }
  // Turns what is whole into results; answers the columns that the next pass is to keep, none when all are done.
  std::vector<std::string> next(Test test) {
    std::vector<Slot*> ready;
    for (auto& slot : slots_)
      if (!slot.done && (slot.kept || !slot.tally.wants_values())) ready.push_back(&slot);
    std::size_t kept = 0, bytes = 0;
    for (const auto* slot : ready)
      if (slot->kept) ++kept, bytes += slot->tally.bytes();
    stats::in_parallel(ready.size(), options_.threads,
                       [&](std::size_t i) { ready[i]->result = ready[i]->tally.result(monitor_, test); });
    for (auto* slot : ready) slot->done = true, slot->kept = false;
    std::vector<std::string> out;
    const std::size_t fit =
        kept == 0 ? 1 : std::max<std::size_t>(1, options_.bytes / std::max<std::size_t>(1, bytes / kept));
    for (auto& slot : slots_)
      if (!slot.done && out.size() < fit) slot.kept = true, out.push_back(slot.tally.name());
    return out;
  }

  void into(Measurement& out) {
    std::vector<stats::Drift> judged;
    for (const auto& slot : slots_) {
      const auto& seen = slot.result.seen;
      judged.push_back({.p = seen.p.value_or(stats::none),
                        .distance = seen.distance.value_or(stats::none),
                        .limit = seen.limit.value_or(stats::none),
                        .tested = slot.result.by_both && seen.tested});
    }
    stats::decide(judged);
    std::string untested;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      auto& [seen, by_both, bins] = slots_[i].result;
      if (by_both && seen.tested) seen.q = judged[i].q, seen.drifted = judged[i].drifted;
      if (!bins.empty()) out.columns.try_emplace(seen.name, std::move(bins));
      if (slots_[i].role == ColumnTally::Role::output) {
        out.seen.outputs.push_back(std::move(seen));
        continue;
      }
      out.seen.tested += seen.tested ? 1 : 0, out.seen.drifted += seen.drifted ? 1 : 0;
      if (!seen.tested && !reference_.empty()) untested += (untested.empty() ? "" : ", ") + seen.name;
      out.seen.columns.push_back(std::move(seen));
    }
    if (out.seen.tested > 0)
      out.seen.share = static_cast<double>(out.seen.drifted) / static_cast<double>(out.seen.tested);
    if (!untested.empty() && out.seen.rows > 0) notes_.push_back("not tested: " + untested);
  }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  struct Slot {
    ColumnTally tally;
    ColumnTally::Role role;
    bool kept = false, done = false, fresh = true;
    ColumnResult result{};
    const serving::LogColumn* column_of(const serving::RowBatch& batch) const {
      return serving::find_column(role == ColumnTally::Role::feature ? batch.features : batch.outputs, tally.name());
    }
  };
  Slot& make(ColumnTally::Role role, const std::string& name) {
    for (auto& slot : slots_)
      if (slot.role == role && slot.tally.name() == name) return slot;
    const auto* reference = role == ColumnTally::Role::feature ? reference_.find(name) : reference_.find_output(name);
    auto& slot = slots_.emplace_back(Slot{.tally = ColumnTally(name, role, reference), .role = role});
    slot.kept = slot.tally.wants_values();
    return slot;
  }
  // A column that turns up in a later batch was missing in the ones before.
  void late(Slot& slot) {
    if (std::exchange(slot.fresh, false) && seen_ > 0 && !is_known(slot)) slot.tally.count(nullptr, seen_);
  }
  bool is_known(const Slot& slot) const {
    return slot.role == ColumnTally::Role::feature &&
           (reference_.find(slot.tally.name()) != nullptr ||
            std::ranges::find(monitor_.features, slot.tally.name()) != monitor_.features.end());
  }

  const Monitor& monitor_;
  const Reference& reference_;
  std::size_t rows_, seen_ = 0;
  const MeasureOptions& options_;
  std::deque<Slot> slots_{};
  std::vector<std::string> notes_{};
};

}  // namespace

Result<Measurement> measure(const Monitor& monitor, const Reference& reference, Source& source, const Window& window,
                            const MeasureOptions& options) {
  TRY(test, test_of(monitor));
  TRY(expected, source.rows());
  TRY(classes, classes_of(monitor, source, window));
  Columns columns(monitor, reference, expected, options);
  Performance performance(monitor, reference, std::move(classes), expected);

  auto ask = nothing_of(monitor, window);
  ask.features = ask.outputs = ask.labels = true;
  ask.context = !monitor.slices.empty();
  if (!monitor.features.empty() &&
      monitor.previous == 0) {  // else all: those that the reference does not have are told
    ask.columns = monitor.features;
    for (const auto& s : monitor.slices)
      if (std::ranges::find(ask.columns, s.by) == ask.columns.end()) ask.columns.push_back(s.by);
  }
  TRY_(source.for_each(ask, [&](const serving::RowBatch& batch) -> Result<void> {
    columns.first(batch);
    return performance.add(batch, source);
  }));
  for (auto wanted = columns.next(test); !wanted.empty(); wanted = columns.next(test)) {
    auto more = nothing_of(monitor, window);
    more.features = true, more.columns = std::move(wanted);
    TRY_(source.for_each(more, [&](const serving::RowBatch& batch) -> Result<void> {
      columns.further(batch);
      return {};
    }));
  }

  Measurement out;
  auto& seen = out.seen;
  seen.endpoint = monitor.endpoint, seen.model = monitor.model, seen.version = monitor.version;
  seen.start = to_rfc3339(window.start), seen.end = to_rfc3339(window.end);
  seen.rows = performance.rows(), seen.labelled = performance.labelled();
  columns.into(out);
  seen.performance = performance.seen();

  const auto say = [&](const std::string& more) {
    if (!more.empty()) seen.note += (seen.note.empty() ? "" : "; ") + more;
  };
  if (seen.rows == 0) say("no rows");
  if (reference.empty()) say("there is no reference: columns are counted, not tested");
  say(reference.note());
  for (const auto& n : columns.notes()) say(n);
  say(performance.note());
  return out;
}

}  // namespace pawl::monitoring
