// RFC 8785, the JSON Canonicalization Scheme, over a parsed value.
#include <boost/json.hpp>
#include <charconv>
#include <cmath>

#include "core/json.h"
#include "core/json_dom.h"

namespace pawl {
namespace bj = boost::json;

namespace {

// ECMAScript's Number::toString, which RFC 8785 section 3.2.2.3 prescribes: shortest digits, plain between 1e-7 and 1e21.
void write_es_number(std::string& out, double v) {
  if (v == 0) {
    out += '0';
    return;
  }
  if (v < 0) {
    out += '-';
    v = -v;
  }
  char buffer[40];
  auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific);
  std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  auto e = text.find('e');
  std::string digits;
  for (char c : text.substr(0, e))
    if (c != '.') digits += c;
  int exponent = 0;
  auto power = text.substr(e + (text[e + 1] == '+' ? 2 : 1));
  std::from_chars(power.data(), power.data() + power.size(), exponent);
  const int k = static_cast<int>(digits.size()), n = exponent + 1;
  if (k <= n && n <= 21)
    out += digits + std::string(static_cast<std::size_t>(n - k), '0');
  else if (0 < n && n <= 21)
    out += digits.substr(0, static_cast<std::size_t>(n)) + '.' + digits.substr(static_cast<std::size_t>(n));
  else if (-6 < n && n <= 0)
    out += "0." + std::string(static_cast<std::size_t>(-n), '0') + digits;
  else {
    out += digits[0];
    if (k > 1) out.append(".").append(digits, 1);
    out.append(n > 0 ? "e+" : "e-").append(std::to_string(std::abs(n - 1)));
  }
}

std::u16string utf16(std::string_view s) {
  std::u16string out;
  for (std::size_t i = 0; i < s.size();) {
    auto c = static_cast<unsigned char>(s[i]);
    std::size_t n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    char32_t p = n == 1 ? c : c & (0xFF >> (n + 1));
    for (std::size_t k = 1; k < n && i + k < s.size(); ++k)
      p = (p << 6) | (static_cast<unsigned char>(s[i + k]) & 0x3F);
    if (p >= 0x10000) {
      p -= 0x10000;
      out += static_cast<char16_t>(0xD800 + (p >> 10));
      out += static_cast<char16_t>(0xDC00 + (p & 0x3FF));
    } else {
      out += static_cast<char16_t>(p);
    }
    i += n;
  }
  return out;
}

void write(std::string& out, const bj::value& v) {
  switch (v.kind()) {
    case bj::kind::null: out += "null"; return;
    case bj::kind::bool_: out += v.get_bool() ? "true" : "false"; return;
    case bj::kind::int64: write_es_number(out, static_cast<double>(v.get_int64())); return;
    case bj::kind::uint64: write_es_number(out, static_cast<double>(v.get_uint64())); return;
    case bj::kind::double_: write_es_number(out, v.get_double()); return;
    case bj::kind::string: write_json_text(out, {v.get_string().data(), v.get_string().size()}); return;
    case bj::kind::array: {
      out += '[';
      bool first = true;
      for (const auto& x : v.get_array()) {
        if (!std::exchange(first, false)) out += ',';
        write(out, x);
      }
      out += ']';
      return;
    }
    case bj::kind::object: {
      std::vector<std::pair<std::u16string, const bj::key_value_pair*>> members;
      for (const auto& x : v.get_object()) members.emplace_back(utf16({x.key().data(), x.key().size()}), &x);
      std::ranges::sort(members, {}, &decltype(members)::value_type::first);
      out += '{';
      bool first = true;
      for (const auto& [name, x] : members) {
        if (!std::exchange(first, false)) out += ',';
        write_json_text(out, {x->key().data(), x->key().size()});
        out += ':';
        write(out, x->value());
      }
      out += '}';
    }
  }
}

}  // namespace

Result<std::string> canonical_json(std::string_view json) {
  TRY(value, parse_json(json));
  if (!finite(value)) return fail(Code::invalid, "a number past the range of a double has no canonical form");
  std::string out;
  write(out, value);
  return out;
}

}  // namespace pawl
