#include "monitoring/column.h"

#include <fmt/format.h>

#include <cmath>

#include "stats/distance.h"
#include "stats/evidently.h"
#include "stats/labels.h"
#include "stats/nannyml.h"

namespace pawl::monitoring {
namespace {

// A rise of the share of missing values is told from this on (and when a test of two shares says so).
constexpr double missing_rise_min = 0.05;
constexpr double missing_alpha = 0.001;

std::optional<double> shown(double v) { return std::isfinite(v) ? std::optional(v) : std::nullopt; }
std::string rows_text(std::int64_t n) { return n == 1 ? "1 row" : fmt::format("{} rows", n); }
void say(std::string& note, const std::string& more) { note += (note.empty() ? "" : "; ") + more; }

void put(ColumnSeen& seen, const stats::Drift& drift) {
  seen.statistic = shown(drift.statistic), seen.p = shown(drift.p), seen.psi = shown(drift.psi);
  seen.psi_by_chance = shown(drift.psi_by_chance), seen.distance = shown(drift.distance);
  seen.limit = shown(drift.limit);
  if (!drift.pooled.empty()) {
    std::string names;
    for (std::size_t i = 0; i < std::min<std::size_t>(drift.pooled.size(), 5); ++i)
      names += (i == 0 ? "" : ", ") + drift.pooled[i];
    say(seen.note, fmt::format("{} rare values counted as one: {}{}", drift.pooled.size(), names,
                               drift.pooled.size() > 5 ? ", …" : ""));
  }
  if (!drift.note.empty()) say(seen.note, drift.note);
}

// pawl's rule: a significant test and a distance. Which ones, `test` says.
void compare(Test test, const ReferenceColumn& reference, const stats::Sample& current, ColumnSeen& seen) {
  auto drift = stats::compare(reference.numbers, current, reference.limit);
  seen.test = "ks", seen.measure = "wasserstein";
  if (test == Test::ks) seen.measure = "ks", drift.distance = drift.statistic;
  if (test == Test::psi) seen.measure = "psi", drift.distance = drift.psi;
  if (test == Test::jensen_shannon || test == Test::chi_square) {
    const auto edges = stats::bins_by_share(reference.numbers.sorted(), stats::psi_bins);
    const auto r = stats::histogram(reference.numbers.sorted(), edges, stats::Outside::kept),
               c = stats::histogram(current.sorted(), edges, stats::Outside::kept);
    seen.measure = "jensen_shannon", drift.distance = stats::jensen_shannon(r, c);
    if (test == Test::chi_square) {
      const auto h = stats::homogeneity(r, c);
      seen.test = "chi_square", drift.statistic = h.x2, drift.p = h.p;
      if (std::isnan(h.p)) drift.statistic = 0, drift.p = 1;  // one bin holds everything on both sides
    }
  }
  put(seen, drift);
}
void compare(Test test, const ReferenceColumn& reference, const stats::Counts& current, ColumnSeen& seen) {
  auto drift = stats::compare(reference.counts, current, reference.limit);
  seen.test = "chi_square", seen.measure = "jensen_shannon";
  if (test == Test::psi) seen.measure = "psi", drift.distance = drift.psi;
  if (!drift.tested && reference.counts.size() == 1 && current.size() == 1) {  // the same single value on both sides
    drift.statistic = 0, drift.p = 1, drift.distance = 0, drift.note.clear();
    say(seen.note, "one value on both sides");
  }
  put(seen, drift);
}

template <class Side>
void as_evidently(const Monitor& monitor, const Side& reference, const Side& current, ColumnSeen& seen) {
  using namespace stats::evidently;
  const auto kind = chosen(reference, current);
  const auto got = score(kind, reference, current, monitor.threshold.value_or(threshold_default(kind)));
  seen.test = seen.measure = "evidently " + std::string(word(got.test));
  seen.limit = shown(got.threshold), seen.drifted = got.drifted;
  (threshold_default(kind) == 0.05 ? seen.p : seen.distance) = shown(got.score);
  seen.statistic = shown(got.score);
  if (!got.note.empty()) say(seen.note, got.note);
}
void as_nannyml(double value, double limit, ColumnSeen& seen) {
  seen.test = seen.measure = "nannyml jensen_shannon";
  seen.statistic = seen.distance = shown(value), seen.limit = shown(limit);
  seen.drifted = value > limit;
}

}  // namespace

void Values::widen() {
  wide_.assign(narrow_.begin(), narrow_.end());
  narrow_ = {};
  is_wide_ = true;
}
void Values::add(std::span<const double> values) {
  if (!is_wide_) {
    const auto from = narrow_.size();
    narrow_.resize(from + values.size());
    bool exact = true;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto f = static_cast<float>(values[i]);
      narrow_[from + i] = f;
      exact &= static_cast<double>(f) == values[i] || values[i] != values[i];
    }
    if (exact) return;
    narrow_.resize(from);
    widen();
  }
  wide_.insert(wide_.end(), values.begin(), values.end());
}
std::vector<double> Values::take() {
  if (!is_wide_) widen();
  is_wide_ = false;
  return std::exchange(wide_, {});
}

ColumnTally::ColumnTally(std::string name, Role role, const ReferenceColumn* reference)
    : name_(std::move(name)), role_(role), reference_(reference) {}

void ColumnTally::count(const serving::LogColumn* column, std::size_t rows) {
  if (column == nullptr || (column->numbers.empty() && column->texts.empty())) {
    missing_ += static_cast<std::int64_t>(rows);
    return;
  }
  present_ = true;
  if (column->is_text() && reference_ != nullptr && !reference_->text) {
    for (std::size_t i = 0; i < column->texts.size(); ++i) {
      const bool absent = i < column->absent.size() && column->absent[i] != 0;
      ++(absent ? missing_ : stats::number_of(column->texts[i]) ? numbers_ : texts_);
    }
    return;
  }
  if (!column->is_text()) {
    std::int64_t finite = 0;
    for (const double v : column->numbers) finite += std::isfinite(v) ? 1 : 0;
    numbers_ += finite, missing_ += std::ssize(column->numbers) - finite;
    return;
  }
  for (std::size_t i = 0; i < column->texts.size(); ++i) {
    if (i < column->absent.size() && column->absent[i] != 0) {
      ++missing_;
      continue;
    }
    ++texts_;
    if (const auto at = counts_.find(std::string_view(column->texts[i])); at != counts_.end())
      ++at->second;
    else if (counts_.size() < texts_max)
      counts_.emplace(column->texts[i], 1);
    else
      ++further_;
  }
}

void ColumnTally::keep(const serving::LogColumn* column, std::size_t reserve) {
  if (column == nullptr) return;
  if (values_.bytes() == 0) values_.reserve(reserve);
  if (!column->is_text()) return values_.add(column->numbers);
  // Where versions disagree about the type, the log writes numbers as texts, a float as the shortest one that is the same float.
  if (!narrow_)
    narrow_ = std::ranges::all_of(reference_->numbers.sorted(),
                                  [](double v) { return static_cast<double>(static_cast<float>(v)) == v; });
  std::vector<double> numbers;
  for (std::size_t i = 0; i < column->texts.size(); ++i) {
    if (i < column->absent.size() && column->absent[i] != 0) continue;
    if (const auto v = stats::number_of(column->texts[i]))
      numbers.push_back(*narrow_ ? static_cast<double>(static_cast<float>(*v)) : *v);
  }
  values_.add(numbers);
}

ColumnResult ColumnTally::result(const Monitor& monitor, Test test) {
  ColumnResult out;
  auto& seen = out.seen;
  seen.name = name_, seen.role = role_ == Role::feature ? "feature" : "output";
  const bool text = reference_ != nullptr ? reference_->text : texts_ > numbers_;
  seen.kind = text ? "text" : "number";
  seen.n = text ? texts_ : numbers_;
  const std::int64_t other = text ? numbers_ : texts_, all = numbers_ + texts_ + missing_;
  seen.missing = missing_;
  if (reference_ == nullptr) {
    say(seen.note, role_ == Role::output ? "the reference has no outputs" : "the reference has no such column");
    return out;
  }
  if (other > 0)
    say(seen.note, fmt::format("its type changed: the reference has {}, {} of {} have {}", text ? "text" : "numbers",
                               other, rows_text(all), text ? "numbers" : "text"));
  if (!present_)
    say(seen.note, "the column is gone: no row has it");
  else if (seen.n == 0 && other == 0 && all > 0)
    say(seen.note, "all values are missing");
  const auto reference_all = static_cast<double>(reference_->rows + reference_->missing),
             now = static_cast<double>(all);
  if (seen.n + other > 0 && reference_all > 0) {
    const double before = static_cast<double>(reference_->missing) / reference_all,
                 rate = static_cast<double>(missing_) / now;
    const auto z = stats::two_proportions(static_cast<double>(reference_->missing), reference_all,
                                          static_cast<double>(missing_), now);
    if (rate - before >= missing_rise_min && z.p < missing_alpha)
      say(seen.note,
          fmt::format("missing in {:.1f} % of the rows, in {:.1f} % of the reference", 100 * rate, 100 * before));
  }

  stats::Counts counts(counts_.begin(), counts_.end());
  stats::Sample numbers;
  if (text) {
    for (const auto& [value, n] : counts)
      if (!reference_->counts.contains(value)) seen.unseen += n;
    seen.unseen += further_;
    if (further_ > 0) {
      counts["(further values)"] += further_;
      say(seen.note, fmt::format("more than {} values: further ones are counted as one", texts_max));
    }
    out.bins = bins_of(reference_->counts, counts);
  } else {
    numbers = stats::Sample(values_.take(), reference_->numbers.numbers());
    out.bins = bins_of(reference_->numbers, numbers);
  }
  counts_.clear();

  const bool peers = test == Test::evidently || test == Test::nannyml;
  if (reference_->rows == 0) return say(seen.note, "not tested: the reference has no values"), out;
  if (seen.n == 0) return say(seen.note, "not tested: no values"), out;
  if (seen.n < test_rows_min && !peers)
    return say(seen.note, fmt::format("not tested: {}, at least {} are needed", rows_text(seen.n), test_rows_min)), out;
  if (test == Test::evidently) {
    text ? as_evidently(monitor, reference_->counts, counts, seen)
         : as_evidently(monitor, reference_->numbers, numbers, seen);
  } else if (test == Test::nannyml) {
    const auto method = stats::nannyml::Method::jensen_shannon;
    as_nannyml(text ? stats::nannyml::value(method, reference_->counts, counts)
                    : stats::nannyml::Continuous(reference_->numbers).value(method, numbers),
               reference_->limit, seen);
  } else {
    text ? compare(test, *reference_, counts, seen) : compare(test, *reference_, numbers, seen);
    out.by_both = true;
    if (!monitor.threshold && reference_->windows == 0 && role_ == Role::feature)
      say(seen.note, fmt::format("limit {}: the reference is too short to calibrate it", reference_->limit));
  }
  if (!text && reference_->numbers.low() == reference_->numbers.high())
    say(seen.note, numbers.low() == numbers.high() && numbers.low() == reference_->numbers.low()
                       ? "one value on both sides"
                       : fmt::format("the reference is constant: distances are divided by {}", stats::std_dev_min));
  seen.tested = (seen.p || seen.distance) && role_ == Role::feature;
  if (role_ == Role::output) seen.drifted = false, out.by_both = false;
  return out;
}

}  // namespace pawl::monitoring
