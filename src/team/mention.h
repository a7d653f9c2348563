// Who a text speaks to.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pawl::team {

// The users that a text mentions as @name, each once, in their order. `a@b.org` and `model@3` mention nobody.
std::vector<std::string> mentioned(std::string_view text);

}  // namespace pawl::team
