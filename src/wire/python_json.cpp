#include "wire/python_json.h"

#include <cstdint>

namespace pawl {
namespace {

void unit(std::string& out, std::uint32_t u) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += "0123456789abcdef"[(u >> shift) & 15];
}

// The character at `i`, which moves past it.
std::uint32_t next(std::string_view text, std::size_t& i) {
  const auto c = static_cast<unsigned char>(text[i++]);
  const std::size_t more = (c >> 5) == 6 ? 1 : (c >> 4) == 14 ? 2 : (c >> 3) == 30 ? 3 : 0;
  if (c < 0x80) return c;
  if (more == 0 || i + more > text.size()) return 0xDC00U + c;
  std::uint32_t p = c & (0x3FU >> more);
  for (std::size_t k = 0; k < more; ++k) {
    const auto following = static_cast<unsigned char>(text[i + k]);
    if ((following >> 6) != 2) return 0xDC00U + c;
    p = (p << 6) | (following & 0x3F);
  }
  i += more;
  return p;
}

}  // namespace

void write_python_json(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    switch (const std::uint32_t c = next(text, i)) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      default:
        if (c >= 0x20 && c < 0x7F) {
          out += static_cast<char>(c);
        } else if (c < 0x10000) {
          unit(out, c);
        } else {
          unit(out, 0xD800 + ((c - 0x10000) >> 10));
          unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
        }
    }
  }
  out += '"';
}

}  // namespace pawl
