// Where a page of a list ended: the time and the id of its last item. Lists of this room go from the newest to the oldest.
#pragma once
#include <algorithm>
#include <charconv>
#include <limits>

#include "core/time.h"

namespace pawl::team::rows {

struct PageKey {
  std::int64_t at = std::numeric_limits<std::int64_t>::max();
  std::string id{};
};
inline std::string page_key(std::string_view rfc3339, std::string_view id) {
  const auto at = parse_rfc3339(rfc3339);
  return std::to_string(at ? at->us : 0) + "." + std::string(id);
}
inline Result<PageKey> read_page_key(std::string_view text) {
  PageKey out;
  if (text.empty()) return out;
  const auto dot = text.find('.');
  const auto [end, ec] = std::from_chars(text.data(), text.data() + std::min(dot, text.size()), out.at);
  if (dot == text.npos || ec != std::errc{} || end != text.data() + dot)
    return fail(Code::invalid, "after: expected the `next` of an earlier page", "after");
  out.id = text.substr(dot + 1);
  return out;
}
inline std::int64_t page_size(std::int64_t asked) { return std::clamp<std::int64_t>(asked, 1, 1000); }

}  // namespace pawl::team::rows
