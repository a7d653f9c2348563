#include "team/mention.h"

#include <algorithm>

namespace pawl::team {

std::vector<std::string> mentioned(std::string_view text) {
  std::vector<std::string> out;
  auto of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  for (std::size_t at = text.find('@'); at != text.npos; at = text.find('@', at + 1)) {
    if (at > 0 && (of_name(text[at - 1]) || text[at - 1] == '@')) continue;
    std::size_t end = at + 1;
    while (end < text.size() && of_name(text[end])) ++end;
    while (end > at + 1 && text[end - 1] == '.') --end;  // the end of the sentence
    std::string name(text.substr(at + 1, end - at - 1));
    if (!name.empty() && std::ranges::find(out, name) == out.end()) out.push_back(std::move(name));
  }
  return out;
}

}  // namespace pawl::team
