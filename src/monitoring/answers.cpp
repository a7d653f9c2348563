#include <fmt/format.h>

#include <cmath>

#include "monitoring/performance.h"
#include "stats/labels.h"

namespace pawl::monitoring {
namespace {

// `probabilities/0` belongs to the output `probabilities`.
std::string_view output_of(std::string_view column) {
  const auto at = column.rfind('/');
  if (at == column.npos || at + 1 == column.size()) return column;
  const auto rest = column.substr(at + 1);
  return rest.find_first_not_of("0123456789") == rest.npos ? column.substr(0, at) : column;
}
constexpr double probability_slack = 1e-6;

}  // namespace

AnswerReader::AnswerReader(const Monitor& monitor, std::vector<std::string> classes)
    : score_(monitor.score), classes_of_task_(monitor.task == "classification"), classes_(std::move(classes)) {
  for (auto& c : classes_) c = stats::canonical_label(c);
  for (std::size_t i = 0; i < classes_.size(); ++i) texts_.emplace(classes_[i], static_cast<int>(i));
  positive_ = static_cast<int>(classes_.size()) - 1;
  if (const auto at = texts_.find(stats::canonical_label(monitor.positive));
      !monitor.positive.empty() && at != texts_.end())
    positive_ = at->second;
}

std::optional<int> AnswerReader::class_of(const serving::LogColumn& column, std::size_t row) {
  int found = -1;
  const auto look = [&](const std::string& canonical) {
    const auto at = texts_.find(canonical);
    return at == texts_.end() ? -1 : at->second;
  };
  if (column.is_text()) {
    const auto& text = column.texts[row];
    found = look(text);
    if (found < 0) found = look(stats::canonical_label(text));
  } else {
    const double number = column.numbers[row];
    if (const auto at = numbers_.find(number); at != numbers_.end())
      found = at->second;
    else if (found = look(stats::canonical_label(number)); numbers_.size() < 10'000)
      numbers_.emplace(number, found);
  }
  return found < 0 ? std::nullopt : std::optional(found);
}

// The only number that an output gives here; versions may name theirs differently.
bool AnswerReader::read_number(const std::vector<serving::LogColumn>& outputs, std::size_t row, Judged& out) {
  std::optional<double> found;
  for (const auto& o : outputs) {
    if (!score_.empty() && output_of(o.name) != score_) continue;
    if (!o.has(row)) continue;
    const auto number = o.is_text() ? stats::number_of(o.texts[row]) : std::optional(o.numbers[row]);
    if (!number || !std::isfinite(*number)) continue;
    if (found) return ++ambiguous_, false;
    found = number;
  }
  if (!found) return ++no_answer_, false;
  out.answers.value.push_back(*found);
  return true;
}

// Probabilities: an output of as many columns as there are classes, or one column of the positive class; else an output that names the class.
bool AnswerReader::read_class(const std::vector<serving::LogColumn>& outputs, std::size_t row, Judged& out) {
  const auto k = classes_.size();
  for (std::size_t from = 0; from < outputs.size();) {
    const auto name = output_of(outputs[from].name);
    std::size_t to = from + 1;
    while (to < outputs.size() && output_of(outputs[to].name) == name) ++to;
    const std::span columns(outputs.begin() + static_cast<std::ptrdiff_t>(from), to - from);
    from = to;
    if (!score_.empty() && name != score_) continue;
    const bool numbers = std::ranges::all_of(columns, [&](const serving::LogColumn& c) {
      return !c.is_text() && row < c.numbers.size() && c.numbers[row] >= -probability_slack &&
             c.numbers[row] <= 1 + probability_slack;
    });
    const bool of_positive = columns.size() == 1 && k == 2;
    if (!numbers || (columns.size() != k && !of_positive)) continue;
    // When nothing says that it is a score: numbers that are classes name them, and a whole one beside other outputs is none.
    if (of_positive && score_.empty() && columns[0].name == name) {
      const double number = columns[0].numbers[row];
      const bool naming = std::ranges::find(naming_, &columns[0]) != naming_.end();
      if (naming || (number == std::floor(number) && outputs.size() > 1)) continue;
    }
    const auto start = out.answers.probability.size();
    for (std::size_t c = 0; c < k; ++c) {
      const double p = of_positive
                           ? (static_cast<int>(c) == positive_ ? columns[0].numbers[row] : 1 - columns[0].numbers[row])
                           : columns[c].numbers[row];
      out.answers.probability.push_back(p);
    }
    out.answers.chosen.push_back(
        stats::choose(std::span(out.answers.probability).subspan(start), static_cast<int>(k), positive_).front());
    out.has_probability.push_back(1);
    return true;
  }
  for (const auto& o : outputs) {
    if (o.name != output_of(o.name) || !o.has(row)) continue;
    const auto named = class_of(o, row);
    if (!named) continue;
    out.answers.chosen.push_back(*named);
    out.answers.probability.insert(out.answers.probability.end(), k, 0);
    out.has_probability.push_back(0);
    return true;
  }
  return ++no_answer_, false;
}

Judged AnswerReader::read(const std::vector<serving::LogColumn>& outputs, const serving::LogColumn& labels,
                          std::span<const std::size_t> rows) {
  Judged out;
  out.truth.classes = classes_of_task_ ? static_cast<int>(classes_.size()) : 0;
  out.truth.positive = positive_;
  const auto wrong = [&](std::size_t row) {
    ++wrong_labels_;
    if (wrong_.size() >= 5) return;
    auto text = labels.is_text() ? labels.texts[row].substr(0, 60) : stats::canonical_label(labels.numbers[row]);
    if (std::ranges::find(wrong_, text) == wrong_.end()) wrong_.push_back(std::move(text));
  };
  naming_.clear();
  if (classes_.size() == 2 && score_.empty())  // only one of two classes can have its probability alone
    for (const auto& o : outputs)
      if (!o.is_text() && std::ranges::all_of(rows, [&](std::size_t row) { return !o.has(row) || class_of(o, row); }))
        naming_.push_back(&o);
  for (const std::size_t row : rows) {
    if (!labels.has(row)) continue;
    if (classes_of_task_) {
      const auto truth = class_of(labels, row);
      if (!truth)
        wrong(row);
      else if (read_class(outputs, row, out))
        out.truth.cls.push_back(*truth), out.row.push_back(row);
      continue;
    }
    const auto truth = labels.is_text()                     ? stats::number_of(labels.texts[row])
                       : std::isfinite(labels.numbers[row]) ? std::optional(labels.numbers[row])
                                                            : std::nullopt;
    if (!truth)
      wrong(row);
    else if (read_number(outputs, row, out))
      out.truth.value.push_back(*truth), out.row.push_back(row), out.has_probability.push_back(0);
  }
  return out;
}

std::string AnswerReader::note() const {
  std::string out;
  const auto say = [&](const std::string& more) { out += (out.empty() ? "" : "; ") + more; };
  if (wrong_labels_ > 0) {
    std::string some;
    for (const auto& w : wrong_) some += (some.empty() ? "" : ", ") + w;
    say(fmt::format("{} left out: {}", wrong_labels_ == 1 ? "1 label is" : fmt::format("{} labels are", wrong_labels_),
                    (classes_of_task_ ? "no class of the model (" : "no number (") + some + ")"));
  }
  if (no_answer_ > 0) say(fmt::format("{} labelled rows have no answer that can be read", no_answer_));
  if (ambiguous_ > 0)
    say(fmt::format("{} labelled rows have several numbers as answer: name one as model.score", ambiguous_));
  return out;
}

}  // namespace pawl::monitoring
