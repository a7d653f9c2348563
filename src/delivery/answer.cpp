#include "delivery/answer.h"

#include <algorithm>

namespace pawl::delivery {

std::string shown(const std::vector<v2::Port>& ports) {
  std::string out;
  for (const auto& p : ports)
    out += (out.empty() ? "" : ", ") + p.name + " " + std::string(word(p.type)) + v2::to_text(p.shape);
  return out;
}

Result<AnswerPort> answer_of(const std::vector<v2::Port>& outputs, ModelTask task, const std::string& score) {
  const auto at = [&](auto port) { return static_cast<std::size_t>(port - outputs.begin()); };
  if (!score.empty()) {
    const auto named = std::ranges::find(outputs, score, &v2::Port::name);
    if (named == outputs.end())
      return fail(Code::conflict, "model.score names " + score + ", the model's outputs are " + shown(outputs),
                  "model.score");
    return AnswerPort{.at = at(named)};
  }
  const auto is_float = [](const v2::Port& p) { return p.type == v2::Type::FP32 || p.type == v2::Type::FP64; };
  const auto is_value = [&](const v2::Port& p) { return is_float(p) && p.shape.size() <= 2; };
  const auto values = std::ranges::count_if(outputs, is_value);
  if (values > 1)
    return fail(Code::conflict, "several outputs can hold the answer: " + shown(outputs) + ". Name one as model.score",
                "model.score");
  if (values == 1) return AnswerPort{.at = at(std::ranges::find_if(outputs, is_value))};
  if (task == ModelTask::regression) return fail(Code::conflict, "no output is a number: " + shown(outputs), "outputs");
  const auto name = std::ranges::find_if_not(outputs, is_float);
  if (name == outputs.end()) return fail(Code::conflict, "no output can be read: " + shown(outputs), "outputs");
  return AnswerPort{.at = at(name), .named = true};
}

}  // namespace pawl::delivery
