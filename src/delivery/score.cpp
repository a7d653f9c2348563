#include "delivery/score.h"

#include <cmath>

#include "delivery/answer.h"

namespace pawl::delivery {
namespace {

using stats::number_of;
using v2::Tensor;
using v2::Type;

constexpr std::size_t batch_rows = 8192;

Error cell(std::string_view column, std::size_t row, std::string_view text, std::string_view wanted) {
  return {Code::invalid,
          "column " + std::string(column) + ", row " + std::to_string(row + 1) + ": expected " + std::string(wanted) +
              ", got `" + std::string(text.substr(0, 60)) + "`",
          std::string(column),
          {}};
}

// Rows [from, to) of a whole column.
Tensor slice(const v2::Port& port, const v2::Data& data, const std::vector<std::uint32_t>& missing, std::size_t from,
             std::size_t to) {
  Tensor out{.name = port.name, .shape = {static_cast<std::int64_t>(to - from)}};
  std::visit(
      [&]<class V>(const std::vector<V>& values) {
        out.data = std::vector<V>(values.begin() + static_cast<std::ptrdiff_t>(from),
                                  values.begin() + static_cast<std::ptrdiff_t>(to));
      },
      data);
  for (auto at = std::lower_bound(missing.begin(), missing.end(), from); at != missing.end() && *at < to; ++at)
    out.missing.push_back(*at - static_cast<std::uint32_t>(from));
  return out;
}

double value_at(const v2::Data& data, std::size_t i) {
  return std::visit(
      [i]<class V>(const std::vector<V>& v) -> double {
        if constexpr (std::is_arithmetic_v<V>)
          return static_cast<double>(v[i]);
        else
          return std::numeric_limits<double>::quiet_NaN();
      },
      data);
}
std::string text_at(const v2::Data& data, std::size_t i) {
  return std::visit(
      [i]<class V>(const std::vector<V>& v) -> std::string {
        if constexpr (std::is_same_v<V, std::string>)
          return canonical_label(v[i]);
        else
          return canonical_label(std::to_string(v[i]));
      },
      data);
}
}  // namespace

Result<v2::Data> column_as(datasets::Table& table, const v2::Port& port, const Rows& rows,
                           std::vector<std::uint32_t>& missing) {
  if (table.find(port.name) == nullptr)
    return fail(Code::invalid, "the model's input " + port.name + " is no column of the data", port.name);
  v2::Data out = v2::make_data(port.type, rows.size());
  TRY(texts, table.texts(port.name));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::optional<std::string>& text = texts[rows[i]];
    switch (port.type) {
      case Type::BYTES:
        if (text)
          std::get<std::vector<std::string>>(out)[i] = *text;
        else
          missing.push_back(static_cast<std::uint32_t>(i));
        break;
      case Type::FP32:
      case Type::FP64: {
        double value = std::numeric_limits<double>::quiet_NaN();
        if (text && !text->empty()) {
          if (*text == "true" || *text == "false")
            value = *text == "true" ? 1 : 0;
          else if (const auto number = number_of(*text))
            value = *number;
          else if (*text != "nan" && *text != "NaN")
            return std::unexpected(cell(port.name, rows[i], *text, "a number"));
        }
        if (port.type == Type::FP32)
          std::get<std::vector<float>>(out)[i] = static_cast<float>(value);
        else
          std::get<std::vector<double>>(out)[i] = value;
        break;
      }
      case Type::INT32:
      case Type::INT64: {
        if (!text || text->empty())
          return std::unexpected(
              cell(port.name, rows[i], "", "a whole number (a missing value fits FP32, FP64 and BYTES only)"));
        const auto number = *text == "true"    ? std::optional(1.0)
                            : *text == "false" ? std::optional(0.0)
                                               : number_of(*text);
        const double limit = port.type == Type::INT32 ? 2147483647.0 : 9007199254740992.0;
        if (!number || *number != std::floor(*number) || std::abs(*number) > limit)
          return std::unexpected(cell(port.name, rows[i], *text, "a whole number"));
        if (port.type == Type::INT32)
          std::get<std::vector<std::int32_t>>(out)[i] = static_cast<std::int32_t>(*number);
        else
          std::get<std::vector<std::int64_t>>(out)[i] = static_cast<std::int64_t>(*number);
        break;
      }
      case Type::BOOL: {
        const bool yes = text && (*text == "true" || *text == "1"), no = text && (*text == "false" || *text == "0");
        if (!yes && !no) return std::unexpected(cell(port.name, rows[i], text.value_or(""), "true or false"));
        std::get<std::vector<std::uint8_t>>(out)[i] = yes ? 1 : 0;
        break;
      }
    }
  }
  return out;
}

std::string score_output(const serving::Model& model, const EvaluateAsk& ask) {
  const auto answer = answer_of(model.outputs(), ask.task, ask.score);
  return answer && !answer->named ? model.outputs()[answer->at].name : "";
}

Result<stats::Answers> score(const serving::Model& model, datasets::Table& table, const Rows& rows,
                             const EvaluateAsk& ask, const std::vector<std::string>& classes,
                             const std::string& positive) {
  if (model.columns().empty())
    return fail(Code::conflict,
                "it is not known which columns the model's input (" + shown(model.inputs()) +
                    ") takes: log a signature, or name them as model.inputs",
                "model.inputs");
  TRY(answer, answer_of(model.outputs(), ask.task, ask.score));
  std::vector<v2::Data> whole;
  std::vector<std::vector<std::uint32_t>> missing(model.columns().size());
  for (std::size_t c = 0; c < model.columns().size(); ++c) {
    TRY(data, column_as(table, model.columns()[c], rows, missing[c]));
    whole.push_back(std::move(data));
  }
  stats::Answers out;
  const std::size_t k = classes.size();
  const auto positive_at =
      static_cast<std::size_t>(std::find(classes.begin(), classes.end(), positive) - classes.begin());
  for (std::size_t from = 0; from < rows.size(); from += batch_rows) {
    const std::size_t to = std::min(rows.size(), from + batch_rows), n = to - from;
    std::vector<Tensor> given;
    given.reserve(whole.size());
    for (std::size_t c = 0; c < whole.size(); ++c)
      given.push_back(slice(model.columns()[c], whole[c], missing[c], from, to));
    TRY(bound, model.bind(std::move(given)));
    TRY(answers, model.run(bound));
    const Tensor& value = answers[answer.at];
    const std::size_t width = !answer.named && n > 0 ? value.size() / n : 0;
    if (ask.task == ModelTask::regression) {
      if (width != 1)
        return fail(
            Code::conflict,
            "the output " + value.name + " has " + std::to_string(width) + " values a row, a regression has one",
            "outputs");
      for (std::size_t i = 0; i < n; ++i) out.value.push_back(value_at(value.data, i));
      continue;
    }
    if (!answer.named) {
      const bool of_positive = width == 1 && k == 2;
      if (width != k && !of_positive)
        return fail(Code::conflict,
                    "the output " + value.name + " has " + std::to_string(width) + " columns, the labels have " +
                        std::to_string(k) + " values: name the columns as model.classes",
                    "model.classes");
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t c = 0; c < k; ++c) {
          const double p = of_positive ? value_at(value.data, i) : value_at(value.data, i * k + c);
          out.probability.push_back(of_positive && c != positive_at ? 1 - p : p);
        }
      continue;
    }
    if (n > 0 && value.size() != n)
      return fail(Code::conflict, "the output " + value.name + " does not name one class a row", "outputs");
    for (std::size_t i = 0; i < n; ++i) {
      const std::string label = text_at(value.data, i);
      const auto at = std::find(classes.begin(), classes.end(), label);
      if (at == classes.end())
        return fail(Code::conflict,
                    "the model names a class " + label + " that no label has: name the classes as model.classes",
                    "model.classes");
      out.chosen.push_back(static_cast<int>(at - classes.begin()));
    }
  }
  for (const auto* numbers : {&out.value, &out.probability})
    for (std::size_t i = 0; i < numbers->size(); ++i)
      if (!std::isfinite((*numbers)[i]))
        return fail(Code::invalid,
                    "the model answers NaN or infinity for row " +
                        std::to_string(rows[i / std::max<std::size_t>(1, numbers->size() / rows.size())] + 1),
                    "outputs");
  if (!out.probability.empty()) {
    for (const double p : out.probability)
      if (p < -1e-6 || p > 1 + 1e-6)
        return fail(Code::conflict,
                    "the output " + model.outputs()[answer.at].name + " holds no probabilities (" + std::to_string(p) +
                        "): name the right one as model.score",
                    "model.score");
    out.chosen = stats::choose(out.probability, static_cast<int>(k), static_cast<int>(positive_at));
  }
  return out;
}

}  // namespace pawl::delivery
