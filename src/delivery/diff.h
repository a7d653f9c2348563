// What differs between two declarations, in lines.
#pragma once
#include "delivery/types.h"

namespace pawl::delivery {

std::vector<FileChange> changes_between(const Files& before, const Files& after);
// Lines with '+', '-' or ' ' before them; unchanged lines more than three away from a change are left out as "…".
std::string line_diff(std::string_view before, std::string_view after);

}  // namespace pawl::delivery
