#include "core/json_dom.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>

#include "core/json.h"

namespace pawl {
namespace bj = boost::json;

namespace {

// Up to 15 digits with a point: their whole number and the power of ten are exact, so one division rounds as it should. Most numbers that are
// sent are such, and this takes a fifth of from_chars.
std::optional<double> short_decimal(std::string_view text) {
  static constexpr double powers[]{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  const bool minus = text.starts_with('-');
  if (minus) text.remove_prefix(1);
  if (text.size() > 16) return std::nullopt;
  std::uint64_t whole = 0;
  std::size_t after = 0;
  bool point = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    whole = whole * 10 + static_cast<std::uint64_t>(c - '0');
    after += point ? 1 : 0;
  }
  if (!point) return std::nullopt;
  const double value = static_cast<double>(whole) / powers[after];
  return minus ? -value : value;
}

// What boost::json::parser does, but for on_double.
struct Builder {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1), max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-2), max_string_size = max_key_size;
  using error = boost::system::error_code;
  bj::value_stack stack;
  std::string number{};  // parts of a number that came before its end

  bool on_document_begin(error&) { return true; }
  bool on_document_end(error&) { return true; }
  bool on_object_begin(error&) { return true; }
  bool on_object_end(std::size_t n, error&) { return stack.push_object(n), true; }
  bool on_array_begin(error&) { return true; }
  bool on_array_end(std::size_t n, error&) { return stack.push_array(n), true; }
  bool on_key_part(bj::string_view s, std::size_t, error&) { return stack.push_chars(s), true; }
  bool on_key(bj::string_view s, std::size_t, error&) { return stack.push_key(s), true; }
  bool on_string_part(bj::string_view s, std::size_t, error&) { return stack.push_chars(s), true; }
  bool on_string(bj::string_view s, std::size_t, error&) { return stack.push_string(s), true; }
  bool on_number_part(bj::string_view s, error&) { return number.append(s.data(), s.size()), true; }
  bool on_int64(std::int64_t i, bj::string_view, error&) { return number.clear(), stack.push_int64(i), true; }
  bool on_uint64(std::uint64_t u, bj::string_view, error&) { return number.clear(), stack.push_uint64(u), true; }
  bool on_double(double d, bj::string_view s, error&) {
    if (number.empty())
      if (const auto exact = short_decimal({s.data(), s.size()})) return stack.push_double(*exact), true;
    number.append(s.data(), s.size());
    double exact = 0;
    auto [end, ec] = std::from_chars(number.data(), number.data() + number.size(), exact);
    stack.push_double(ec == std::errc{} && end == number.data() + number.size()
                          ? exact
                          : d);  // past the range: 0 or infinity, as parsed
    number.clear();
    return true;
  }
  bool on_bool(bool b, error&) { return stack.push_bool(b), true; }
  bool on_null(error&) { return stack.push_null(), true; }
  bool on_comment_part(bj::string_view, error&) { return true; }
  bool on_comment(bj::string_view, error&) { return true; }
};

}  // namespace

Result<bj::value> parse_json(std::string_view text, bj::storage_ptr memory) {
  bj::parse_options rules;
  rules.max_depth = json_depth_max;
  bj::basic_parser<Builder> parser(rules);
  parser.handler().stack.reset(std::move(memory));
  boost::system::error_code ec;
  const auto read = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && read < text.size()) ec = bj::error::extra_data;
  if (ec)
    return fail(Code::invalid,
                "not JSON: " + (ec == bj::error::too_deep ? "nested deeper than " + std::to_string(json_depth_max)
                                                          : ec.message()));
  return parser.handler().stack.release();
}

bool finite(const bj::value& v) {
  if (auto* d = v.if_double()) return std::isfinite(*d);
  if (auto* a = v.if_array()) return std::ranges::all_of(*a, finite);
  if (auto* o = v.if_object())
    return std::ranges::all_of(*o, [](const auto& member) { return finite(member.value()); });
  return true;
}

void write_json(std::string& out, const bj::value& v) {
  switch (v.kind()) {
    case bj::kind::null: out += "null"; return;
    case bj::kind::bool_: out += v.get_bool() ? "true" : "false"; return;
    case bj::kind::int64: out += std::to_string(v.get_int64()); return;
    case bj::kind::uint64: out += std::to_string(v.get_uint64()); return;
    case bj::kind::double_: write_json_number(out, v.get_double()); return;
    case bj::kind::string: write_json_text(out, {v.get_string().data(), v.get_string().size()}); return;
    case bj::kind::array: {
      out += '[';
      for (bool first = true; const auto& x : v.get_array()) {
        if (!std::exchange(first, false)) out += ',';
        write_json(out, x);
      }
      out += ']';
      return;
    }
    case bj::kind::object: {
      out += '{';
      for (bool first = true; const auto& x : v.get_object()) {
        if (!std::exchange(first, false)) out += ',';
        write_json_text(out, {x.key().data(), x.key().size()});
        out += ':';
        write_json(out, x.value());
      }
      out += '}';
    }
  }
}
std::string json_text(const bj::value& v) {
  std::string out;
  write_json(out, v);
  return out;
}

std::optional<std::string> json_at(std::string_view json, std::string_view path) {
  auto parsed = parse_json(json);
  if (!parsed) return std::nullopt;
  const bj::value* at = &*parsed;
  while (!path.empty()) {
    auto dot = path.find('.');
    auto key = path.substr(0, dot);
    path = dot == path.npos ? std::string_view{} : path.substr(dot + 1);
    if (auto* o = at->if_object()) {
      at = o->if_contains(bj::string_view(key.data(), key.size()));
    } else if (auto* a = at->if_array()) {
      std::size_t i = 0;
      auto [end, e] = std::from_chars(key.data(), key.data() + key.size(), i);
      at = e == std::errc{} && end == key.data() + key.size() && i < a->size() ? &(*a)[i] : nullptr;
    } else {
      at = nullptr;
    }
    if (!at) return std::nullopt;
  }
  return json_text(*at);
}

}  // namespace pawl
