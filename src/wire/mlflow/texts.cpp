#include "wire/mlflow/texts.h"

#include <boost/json.hpp>
#include <charconv>
#include <cmath>

#include "core/json_dom.h"
#include "wire/python_json.h"

namespace pawl::mlflow {
namespace bj = boost::json;

namespace {

void dump(std::string& out, const bj::value& v) {
  switch (v.kind()) {
    case bj::kind::null: out += "null"; return;
    case bj::kind::bool_: out += v.get_bool() ? "true" : "false"; return;
    case bj::kind::int64: out += std::to_string(v.get_int64()); return;
    case bj::kind::uint64: out += std::to_string(v.get_uint64()); return;
    case bj::kind::double_: out += python_number(v.get_double()); return;
    case bj::kind::string: out += python_json({v.get_string().data(), v.get_string().size()}); return;
    case bj::kind::array: {
      out += '[';
      for (bool first = true; const auto& x : v.get_array()) {
        if (!std::exchange(first, false)) out += ',';
        dump(out, x);
      }
      out += ']';
      return;
    }
    case bj::kind::object: {
      std::map<std::string_view, const bj::value*> sorted;
      for (const auto& x : v.get_object()) sorted[{x.key().data(), x.key().size()}] = &x.value();
      out += '{';
      for (bool first = true; const auto& [key, value] : sorted) {
        if (!std::exchange(first, false)) out += ',';
        out += python_json(key) + ':';
        dump(out, *value);
      }
      out += '}';
      return;
    }
  }
}

}  // namespace

std::string python_json(std::string_view text) {
  std::string out;
  write_python_json(out, text);
  return out;
}

std::string python_repr(std::string_view text) {
  const char quote = text.contains('\'') && !text.contains('"') ? '"' : '\'';
  std::string out(1, quote);
  for (char c : text) {
    if (c == quote || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else
      out += c;
  }
  return out + quote;
}

// repr() writes fixed notation from 1e-4 to below 1e16, the shortest digits that read back the same, exponents of two digits at least.
std::string python_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const double size = std::abs(value);
  const bool fixed = size == 0 || (size >= 1e-4 && size < 1e16);
  char buffer[64];
  auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, value,
                                 fixed ? std::chars_format::fixed : std::chars_format::scientific);
  std::string out(buffer, end);
  if (fixed && !out.contains('.')) out += ".0";
  return out;
}

std::string python_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const auto& t : texts) out.append(out.size() > 1 ? ", " : "").append(python_repr(t));
  return out + "]";
}

std::string python_dump(std::string_view json) {
  auto parsed = parse_json(json);
  if (!parsed) return std::string(json);
  std::string out;
  dump(out, *parsed);
  return out;
}

std::string_view python_type(std::string_view json) {
  if (json.empty() || json.starts_with('n')) return "NoneType";
  switch (json[0]) {
    case '"': return "str";
    case '[': return "list";
    case '{': return "dict";
    case 't':
    case 'f': return "bool";
    default: return json.find_first_of(".eE") == json.npos ? "int" : "float";
  }
}

std::string missing_value(std::string_view path) {
  return "Missing value for required parameter '" + std::string(path) + "'.";
}

std::string invalid_value(std::string_view path, std::string_view json, std::string_view why) {
  std::string out = "Invalid value " + std::string(json) + " for parameter '" + std::string(path) + "' supplied";
  return why.empty() ? out + "." : out + ": " + std::string(why);
}
std::string invalid_text(std::string_view path, std::string_view text, std::string_view why) {
  return invalid_value(path, python_json(text), why);
}

std::string exceeds_maximum_length(std::string_view path, std::size_t chars_max) {
  return "'" + std::string(path) + "' exceeds the maximum length of " + std::to_string(chars_max) + " characters";
}

std::size_t utf8_length(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

std::string utf8_cut(std::string_view text, std::size_t chars_max) {
  if (text.size() <= chars_max) return std::string(text);
  std::size_t i = 0;
  for (; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 && chars_max-- == 0) break;
  return std::string(text.substr(0, i));
}

std::string lower(std::string_view ascii) {
  std::string out(ascii);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}
std::string upper(std::string_view ascii) {
  std::string out(ascii);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

}  // namespace pawl::mlflow
