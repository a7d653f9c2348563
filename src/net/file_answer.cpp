#include "net/file_answer.h"

#include <fmt/format.h>

#include <charconv>
#include <ctime>

namespace pawl::net {
namespace {

std::string http_date(std::int64_t seconds) {
  const std::time_t at = seconds;
  std::tm tm{};
  gmtime_r(&at, &tm);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm)};
}
std::string_view find(const std::vector<Pair>& pairs, std::string_view name) {
  const auto at = std::ranges::find(pairs, name, &Pair::name);
  return at == pairs.end() ? std::string_view{} : std::string_view(at->value);
}
bool names(std::string_view list, std::string_view etag) {
  if (list == "*") return true;
  for (; !list.empty();) {
    const auto comma = list.find(',');
    auto one = list.substr(0, comma);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag) return true;
    list.remove_prefix(comma == list.npos ? list.size() : comma + 1);
  }
  return false;
}
std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return out;
}

struct Span {
  std::uint64_t from, length;
};
enum class RangeIs { absent, good, outside };
// "bytes=0-99", "bytes=100-", "bytes=-50". What is malformed counts as absent, as RFC 9110 allows.
RangeIs read_range(std::string_view text, std::uint64_t size, Span& out) {
  constexpr std::string_view unit = "bytes=";
  if (!text.starts_with(unit) || text.contains(',')) return RangeIs::absent;
  text.remove_prefix(unit.size());
  const auto dash = text.find('-');
  if (dash == text.npos) return RangeIs::absent;
  const auto first = number(text.substr(0, dash)), last = number(text.substr(dash + 1));
  if (!first) {
    if (!last || dash != 0) return RangeIs::absent;
    if (*last == 0 || size == 0) return RangeIs::outside;
    const auto length = std::min(*last, size);
    out = {size - length, length};
    return RangeIs::good;
  }
  if ((!last && dash + 1 != text.size()) || (last && *last < *first)) return RangeIs::absent;
  if (*first >= size) return RangeIs::outside;
  const auto end = last ? std::min(*last, size - 1) : size - 1;
  out = {*first, end - *first + 1};
  return RangeIs::good;
}

}  // namespace

FileAnswer answer_for_file(const FileFacts& file, const std::vector<Pair>& conditions) {
  const auto etag = fmt::format("\"{:x}-{:x}\"", file.mtime_ns, file.size);
  const auto modified = http_date(file.mtime_ns / 1'000'000'000);
  FileAnswer out{.status = 200,
                 .from = 0,
                 .length = file.size,
                 .headers = {{"ETag", etag}, {"Last-Modified", modified}, {"Accept-Ranges", "bytes"}}};

  const auto none_match = find(conditions, "if-none-match");
  const bool same = !none_match.empty() ? names(none_match, etag) : find(conditions, "if-modified-since") == modified;
  if (same) return out.status = 304, out.length = 0, out;

  const auto if_range = find(conditions, "if-range");
  Span span{};
  auto range = read_range(find(conditions, "range"), file.size, span);
  if (!if_range.empty() && if_range != etag && if_range != modified) range = RangeIs::absent;
  if (range == RangeIs::good) {
    out.status = 206;
    out.from = span.from;
    out.length = span.length;
    out.headers.push_back(
        {"Content-Range", fmt::format("bytes {}-{}/{}", span.from, span.from + span.length - 1, file.size)});
  } else if (range == RangeIs::outside) {
    out.status = 416;
    out.length = 0;
    out.headers.push_back({"Content-Range", fmt::format("bytes */{}", file.size)});
  }
  return out;
}

}  // namespace pawl::net
