// One model's answers to the rows of a table: columns cast to the tensors it wants, outputs read as values or probabilities.
#pragma once
#include "datasets/table.h"
#include "delivery/evaluate.h"
#include "serving/model/onnx.h"
#include "stats/labels.h"

namespace pawl::delivery {

// What rows are judged: positions in the table's order.
using Rows = std::vector<std::size_t>;

using stats::canonical_label;
using stats::sorted_labels;

// A column of the table as one tensor of the wanted type; a cast that fails names column and row. `missing`: positions of absent texts.
Result<v2::Data> column_as(datasets::Table& table, const v2::Port& port, const Rows& rows,
                           std::vector<std::uint32_t>& missing);

// The output that holds the probabilities; empty: none does.
std::string score_output(const serving::Model& model, const EvaluateAsk& ask);

// Code::conflict: it cannot be told how to read this model's answers (inconclusive). Code::invalid: the model or a cell is wrong (error).
Result<stats::Answers> score(const serving::Model& model, datasets::Table& table, const Rows& rows,
                             const EvaluateAsk& ask, const std::vector<std::string>& classes,
                             const std::string& positive);

}  // namespace pawl::delivery
