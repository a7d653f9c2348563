// A version's own data as its monitor compares live rows with it.
#pragma once
#include "delivery/score.h"

namespace pawl::delivery {

// One file of data: the rows of a part.
struct Part {
  std::string path{};
  datasets::Table* table = nullptr;
};
// Writes the parts' rows to `to`, one below the other: a column for each of the model's inputs, cast through its type, and the times. Evenly
// thinned to `reference_rows_max`. What cannot be cast is an error that names column and row.
Result<Reference> write_reference(const std::vector<Part>& parts, const std::vector<v2::Port>& inputs,
                                  const std::string& time, const std::filesystem::path& to);

}  // namespace pawl::delivery
