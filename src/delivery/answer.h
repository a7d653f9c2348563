// Which of a model's outputs holds its answer: one rule, for the rows of the gate and for the arms of a rollout. Monitors are told the name it finds.
#pragma once
#include "delivery/config.h"
#include "wire/v2/tensor.h"

namespace pawl::delivery {

struct AnswerPort {
  std::size_t at = 0;  // of the model's outputs
  bool named = false;  // classification: it names the class; else it holds a number, or the probabilities
};
// The one that model.score names; else the only output of floats with at most two dimensions; else, for a classification, the first that is none.
// Code::conflict when that is none or several: the message shows the outputs.
Result<AnswerPort> answer_of(const std::vector<v2::Port>& outputs, ModelTask task, const std::string& score);

// Ports as people are shown them: "label INT64[-1], probabilities FP32[-1,2]".
std::string shown(const std::vector<v2::Port>& ports);

}  // namespace pawl::delivery
