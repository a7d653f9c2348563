// What a request said beside its inputs, column by column: {"origin": ["JFK", "LGA"], "season": "winter"}; one value for all rows, or one per row.
#pragma once
#include "serving/columns.h"

namespace pawl::serving {

// Some rows of it, as rows `row` and following. Booleans are 0 and 1, null is missing, lists and objects are their JSON.
void add_context(Columns& columns, std::string_view context, std::size_t rows, std::span<const std::uint32_t> picked,
                 std::size_t row);

}  // namespace pawl::serving
