#include "delivery/arms.h"

#include <fmt/format.h>

#include <cmath>

#include "delivery/answer.h"
#include "stats/bootstrap.h"
#include "stats/labels.h"
#include "stats/randomised.h"

namespace pawl::delivery {
namespace {

using serving::ArmRows;
using serving::ArmsSeen;
using serving::LogColumn;

// The columns of the log that hold a version's answer: one number (regression), the probabilities, or the name of a class.
struct Answer {
  std::vector<const LogColumn*> columns{};
  bool named = false;
  std::string problem{};
};
Answer in_the_log(const ArmRows& rows, const std::vector<v2::Port>& ports, const ModelPart& model) {
  const auto port = answer_of(ports, model.task, model.score);
  if (!port) return {.problem = port.error().message};
  const std::string& name = ports[port->at].name;
  Answer out{.named = port->named};
  if (const auto* one = serving::find_column(rows.outputs, name)) {
    out.columns = {one};
  } else {
    while (const auto* part = serving::find_column(rows.outputs, name + "/" + std::to_string(out.columns.size())))
      out.columns.push_back(part);
    if (out.columns.empty()) out.problem = "the log has no output " + name;
  }
  if (model.task == ModelTask::regression && out.columns.size() > 1)
    out.problem =
        "the output " + name + " has " + std::to_string(out.columns.size()) + " values a row, a regression has one";
  return out;
}

std::optional<double> number_at(const LogColumn& c, std::size_t row) {
  if (c.is_text() || row >= c.numbers.size() || !std::isfinite(c.numbers[row])) return {};
  return c.numbers[row];
}
std::optional<std::string> text_at(const LogColumn& c, std::size_t row) {
  if (!c.is_text()) {
    const auto n = number_at(c, row);
    return n ? std::optional(stats::canonical_label(*n)) : std::nullopt;
  }
  if (!c.has(row)) return {};
  return stats::canonical_label(c.texts[row]);
}

// Rows of both arms in the form of the tests: those that cannot be read are left out and counted.
struct Rows {
  std::vector<std::size_t> at{};  // in ArmRows
  stats::Answers answers{};
  std::vector<std::string> classes{};  // classification
  int positive = 1;
  std::vector<int> unit{};
  stats::Deal deal{};
  std::int64_t live = 0, canary = 0;
  std::size_t left_out = 0;
  std::string problem{};
};

// What the classes are: declared, else those that labels and answers name.
std::vector<std::string> classes_of(const ArmRows& rows, const std::array<Answer, 2>& answers, const ModelPart& model) {
  std::vector<std::string> out;
  for (const auto& declared : model.classes) out.push_back(stats::canonical_label(declared));
  if (!out.empty()) return out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (const auto label = text_at(rows.labels, i)) out.push_back(*label);
    const Answer& a = answers[static_cast<std::size_t>(rows.canary[i])];
    if (!a.named) continue;
    if (const auto named = text_at(*a.columns.front(), i)) out.push_back(*named);
  }
  return stats::sorted_labels(std::move(out));
}

Rows read(const ArmRows& in, const ArmsSeen& arms, const ModelPart& model, bool labels) {
  Rows out;
  const std::array<Answer, 2> answers{in_the_log(in, arms.live_outputs, model),
                                      in_the_log(in, arms.canary_outputs, model)};
  for (const Answer& a : answers)
    if (!a.problem.empty()) {
      out.problem = a.problem;
      return out;
    }
  const bool classes = model.task == ModelTask::classification;
  std::size_t k = 1;
  if (classes) {
    out.classes = classes_of(in, answers, model);
    const std::size_t width = std::max(answers[0].columns.size(), answers[1].columns.size());
    k = answers[0].named && answers[1].named ? out.classes.size() : std::max<std::size_t>(width, 2);
    for (const Answer& a : answers)
      if (!a.named && a.columns.size() != k && !(a.columns.size() == 1 && k == 2))
        out.problem = "the two versions have different numbers of classes";
    if (out.classes.size() != k) {
      if (labels)
        out.problem = fmt::format("the outputs have {} classes, the labels so far {}: name them as model.classes", k,
                                  out.classes.size());
      out.classes.resize(k);
    }
    const auto positive = std::ranges::find(out.classes, stats::canonical_label(model.positive));
    out.positive =
        static_cast<int>(model.positive.empty() || positive == out.classes.end() ? std::ssize(out.classes) - 1
                                                                                 : positive - out.classes.begin());
    if (!out.problem.empty()) return out;
  }
  std::vector<std::int64_t> units;
  std::vector<double> row;
  const bool probabilities = classes && !answers[0].named && !answers[1].named;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const Answer& a = answers[static_cast<std::size_t>(in.canary[i])];
    row.clear();
    std::optional<std::size_t> chosen;
    if (a.named) {
      if (const auto name = text_at(*a.columns.front(), i)) {
        const auto at = std::ranges::find(out.classes, *name);
        if (at != out.classes.end()) chosen = static_cast<std::size_t>(at - out.classes.begin());
      }
    } else {
      for (const LogColumn* c : a.columns)
        if (const auto v = number_at(*c, i)) row.push_back(*v);
    }
    if (a.named ? !chosen : row.size() != a.columns.size()) {
      ++out.left_out;
      continue;
    }
    if (!classes) out.answers.value.push_back(row.front());
    if (classes && !a.named) {
      if (row.size() == 1) row = out.positive == 1 ? std::vector{1 - row[0], row[0]} : std::vector{row[0], 1 - row[0]};
      chosen = static_cast<std::size_t>(stats::choose(row, static_cast<int>(k), out.positive).front());
    }
    if (classes) out.answers.chosen.push_back(static_cast<int>(*chosen));
    if (probabilities) out.answers.probability.insert(out.answers.probability.end(), row.begin(), row.end());
    out.at.push_back(i);
    units.push_back(static_cast<std::int64_t>(in.units[i]));
    ++(in.canary[i] != 0 ? out.canary : out.live);
  }
  const int groups = stats::number_groups(units, out.unit);
  out.deal.second.resize(static_cast<std::size_t>(groups));
  for (std::size_t i = 0; i < out.at.size(); ++i)
    out.deal.second[static_cast<std::size_t>(out.unit[i])] = in.canary[out.at[i]];
  return out;
}

// The smallest p that any difference could have: one of all deals. While it is above the level a test would say nothing, and spend a look.
bool can_tell(const stats::Deal& deal, double level) {
  const auto n = static_cast<double>(deal.second.size()), m = static_cast<double>(deal.units(true));
  return std::lgamma(n + 1) - std::lgamma(m + 1) - std::lgamma(n - m + 1) > std::log(1 / level);
}
bool begin(RuleSeen& out, const Rows& rows, double level) {
  out.n = rows.canary, out.n_live = rows.live, out.level = level;
  if (!rows.problem.empty()) {
    out.note = "not tested: " + rows.problem;
  } else if (!can_tell(rows.deal, level)) {
    out.note = fmt::format(
        "not tested: {} requests went to the new version and {} to the live one, too few to tell chance from change",
        rows.deal.units(true), rows.deal.units(false));
  } else {
    out.note = fmt::format("{} requests went to the new version, {} to the live one", rows.deal.units(true),
                           rows.deal.units(false));
    if (rows.left_out > 0) out.note += fmt::format(", {} rows without an answer left out", rows.left_out);
    return true;
  }
  return false;
}

}  // namespace

RuleSeen shift_of(const ArmsSeen& arms, const ModelPart& model, double limit, std::int64_t look) {
  RuleSeen out{.rule = "prediction_shift", .state = CheckState::waiting, .limit = limit, .looks = look - 1};
  const Rows rows = read(arms.answered, arms, model, false);
  const double level = stats::level_of_look(shift_alpha, look);
  if (!begin(out, rows, level)) return out;
  const auto test = [&](double to) {
    if (model.task == ModelTask::regression)
      return stats::distance_by_chance(rows.answers.value, rows.unit, rows.deal, to);
    return stats::distance_by_chance(rows.answers.chosen, static_cast<int>(rows.classes.size()), rows.unit, rows.deal,
                                     to);
  };
  // Many deals only where they decide: two versions that are meant to differ would cost seconds with each look.
  auto seen = test(shift_alpha);
  if (seen.seen > limit && seen.p <= shift_alpha) seen = test(level);
  if (std::isnan(seen.p)) {
    out.note = "not tested: the distance is not defined";
    return out;
  }
  out.looks = look;
  out.seen = seen.seen, out.p = seen.p;
  out.state = seen.p <= level && seen.seen > limit ? CheckState::fail : CheckState::pass;
  return out;
}

RuleSeen worse_of(const ArmsSeen& arms, const ModelPart& model, stats::Metric metric, double confidence,
                  std::int64_t look) {
  RuleSeen out{.rule = "worse_than_live", .state = CheckState::waiting, .looks = look - 1};
  Rows rows = read(arms.known, arms, model, true);
  const double level = stats::level_of_look(1 - confidence, look);
  stats::Truth truth{.classes = static_cast<int>(rows.classes.size()), .positive = rows.positive};
  if (rows.problem.empty()) {
    for (const std::size_t i : rows.at) {
      if (model.task == ModelTask::regression) {
        const auto value = number_at(arms.known.labels, i);
        if (!value) {
          rows.problem = "a label is not a number";
          break;
        }
        truth.value.push_back(*value);
        continue;
      }
      const auto name = text_at(arms.known.labels, i);
      const auto at = std::ranges::find(rows.classes, name.value_or(""));
      if (at == rows.classes.end()) {
        rows.problem = "the label " + name.value_or("") + " is none of the classes";
        break;
      }
      truth.cls.push_back(static_cast<int>(at - rows.classes.begin()));
    }
    if (rows.problem.empty()) rows.problem = stats::cannot(metric, truth, rows.answers);
  }
  if (!begin(out, rows, level)) return out;
  const auto units = std::ssize(rows.deal.second);
  const stats::Grouped model_of_rows(metric, truth, rows.answers, rows.unit, static_cast<int>(units));
  std::vector<std::int32_t> live;
  for (const auto second : rows.deal.second) live.push_back(1 - second);
  const double of_live = model_of_rows.of(live), of_canary = model_of_rows.of(rows.deal.second);
  const auto seen = stats::worse_by_chance(metric, model_of_rows, rows.deal, level);
  if (std::isnan(seen.p)) {
    out.note = "not tested: " + std::string(word(metric)) + " is not defined for these rows";
    return out;
  }
  out.looks = look;
  out.live = of_live, out.canary = of_canary, out.seen = seen.seen, out.p = seen.p;
  out.note = std::string(word(metric)) + ", " + out.note;
  out.state = seen.p <= level ? CheckState::fail : CheckState::pass;
  return out;
}

}  // namespace pawl::delivery
