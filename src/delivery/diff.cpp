#include "delivery/diff.h"

namespace pawl::delivery {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}
constexpr std::size_t around = 3;
constexpr std::size_t lines_max =
    2000;  // past it the table of the longest common lines gets big: all old lines go, all new ones come

}  // namespace

std::string line_diff(std::string_view before, std::string_view after) {
  const auto a = lines_of(before), b = lines_of(after);
  std::vector<std::pair<char, std::string_view>> steps;
  if (a.size() > lines_max || b.size() > lines_max) {
    for (const auto l : a) steps.emplace_back('-', l);
    for (const auto l : b) steps.emplace_back('+', l);
  } else {
    const std::size_t width = b.size() + 1;
    std::vector<int> common((a.size() + 1) * width, 0);  // longest common lines of the rests from (i, j)
    for (std::size_t i = a.size(); i-- > 0;)
      for (std::size_t j = b.size(); j-- > 0;)
        common[i * width + j] = a[i] == b[j] ? common[(i + 1) * width + j + 1] + 1
                                             : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
    for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
      if (i < a.size() && j < b.size() && a[i] == b[j]) {
        steps.emplace_back(' ', a[i]), ++i, ++j;
      } else if (j == b.size() || (i < a.size() && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
        steps.emplace_back('-', a[i++]);
      } else {
        steps.emplace_back('+', b[j++]);
      }
    }
  }
  std::vector<bool> shown(steps.size(), false);
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (steps[i].first != ' ')
      for (std::size_t k = i > around ? i - around : 0; k < std::min(steps.size(), i + around + 1); ++k)
        shown[k] = true;
  std::string out;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (shown[i])
      out += std::string(1, steps[i].first) + std::string(steps[i].second) + "\n";
    else if (i > 0 && shown[i - 1])
      out += "…\n";
  }
  return out;
}

std::vector<FileChange> changes_between(const Files& before, const Files& after) {
  std::vector<FileChange> out;
  for (const auto& [path, text] : after) {
    const auto was = before.find(path);
    if (was == before.end())
      out.push_back({path, "added", line_diff("", text)});
    else if (was->second != text)
      out.push_back({path, "changed", line_diff(was->second, text)});
  }
  for (const auto& [path, text] : before)
    if (!after.contains(path)) out.push_back({path, "removed", line_diff(text, "")});
  return out;
}

}  // namespace pawl::delivery
