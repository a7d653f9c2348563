#include "core/json.h"

#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/json_dom.h"

namespace pawl {
namespace bj = boost::json;

static_assert(sizeof(Id<void>) == sizeof(std::string), "an Id is its text, so both share one shape");

namespace {

// The path of the value being read, kept as a chain on the stack: costs nothing until someone prints it.
struct Path {
  const Path* up = nullptr;
  std::string_view name{};
  std::size_t index = 0;
  std::string text() const {
    if (!up) return {};
    std::string s = up->text();
    if (name.data()) {
      if (!s.empty()) s += '.';
      s += name;
    } else {
      s += '[' + std::to_string(index) + ']';
    }
    return s;
  }
};

using Kind = DecodeError::Kind;
constexpr std::size_t got_bytes_max = 200;

struct Reader {
  DecodeOptions options;
  DecodeError& problem;

  bool bad(Kind kind, const Path& at, std::string wanted, const bj::value* got) const {
    problem = {kind, at.text(), std::move(wanted), got ? json_text(*got).substr(0, got_bytes_max) : std::string{}};
    return false;
  }
  bool read(const bj::value& v, const Shape& shape, void* out, const FieldOptions& o, const Path& at) const;
  bool read_text(const bj::value& v, std::string& out, const FieldOptions& o, const Path& at) const;
  bool read_object(const bj::value& v, const Shape& shape, void* out, const Path& at) const;
  const bj::value* find(const bj::object& m, const Slot& slot, std::size_t hint, const Path& at, bool& twice) const;
  bool refuse_unknown(const bj::object& m, const Shape& shape, const Path& at) const;
};

std::size_t utf8_chars(std::string_view s) {
  return static_cast<std::size_t>(std::ranges::count_if(s, [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}
// Of the first character, which is there; 0: it is not UTF-8.
std::size_t utf8_bytes_of_first(std::string_view text) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const auto c = byte(0);
  if (c < 0x80) return 1;
  const std::size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
  if (c < 0xC2 || c > 0xF4 || n > text.size()) return 0;
  for (std::size_t k = 1; k < n; ++k)
    if ((byte(k) & 0xC0) != 0x80) return 0;
  // Overlong forms, surrogates, past U+10FFFF.
  const bool wrong = (c == 0xE0 && byte(1) < 0xA0) || (c == 0xED && byte(1) > 0x9F) || (c == 0xF0 && byte(1) < 0x90) ||
                     (c == 0xF4 && byte(1) > 0x8F);
  return wrong ? 0 : n;
}
std::size_t utf8_prefix(std::string_view s, std::size_t chars) {
  std::size_t i = 0;
  for (; i < s.size(); ++i)
    if ((static_cast<unsigned char>(s[i]) & 0xC0) != 0x80 && chars-- == 0) break;
  return i;
}
bool fits(std::string_view s, const FieldOptions& o) { return s.size() <= o.chars_max || utf8_chars(s) <= o.chars_max; }

bool real_from_text(std::string_view s, double& out) {
  if (s == "NaN")
    out = std::numeric_limits<double>::quiet_NaN();
  else if (s == "Infinity")
    out = std::numeric_limits<double>::infinity();
  else if (s == "-Infinity")
    out = -std::numeric_limits<double>::infinity();
  else
    return false;
  return true;
}
bool real_from(const bj::value& v, double& out) {
  if (auto* d = v.if_double()) {
    out = *d;
    return true;
  }
  if (auto* i = v.if_int64()) {
    out = static_cast<double>(*i);
    return true;
  }
  if (auto* u = v.if_uint64()) {
    out = static_cast<double>(*u);
    return true;
  }
  auto* s = v.if_string();
  return s && real_from_text({s->data(), s->size()}, out);
}
// "1.5", where protobuf's JSON is spoken: there every number may come as text.
bool decimal_from(const bj::value& v, double& out) {
  auto* s = v.if_string();
  if (!s) return false;
  auto [end, ec] = std::from_chars(s->data(), s->data() + s->size(), out);
  return ec == std::errc{} && end == s->data() + s->size();
}
template <class I> bool integer_from_text(std::string_view s, I& out) {
  auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), out);
  return ec == std::errc{} && end == s.data() + s.size();
}
template <class I> bool integer_from(const bj::value& v, I& out) {
  if (auto* s = v.if_string()) return integer_from_text({s->data(), s->size()}, out);
  boost::system::error_code ec;
  out = v.to_number<I>(ec);
  return !ec;
}
std::string one_of(std::span<const std::string_view> words) {
  std::string s = "one of ";
  for (auto w : words) s.append(w).append("|");
  s.pop_back();
  return s;
}
bool word_from(std::string_view text, const Shape& shape, void* out) {
  auto at = std::ranges::find(shape.words, text);
  if (at == shape.words.end()) return false;
  shape.set_word(out, static_cast<std::size_t>(at - shape.words.begin()));
  return true;
}
std::string camel(std::string_view snake) {
  std::string out;
  for (std::size_t i = 0; i < snake.size(); ++i)
    if (snake[i] == '_' && i + 1 < snake.size() && snake[i + 1] >= 'a' && snake[i + 1] <= 'z')
      out += static_cast<char>(snake[++i] - 32);
    else
      out += snake[i];
  return out;
}

bool Reader::read_text(const bj::value& v, std::string& out, const FieldOptions& o, const Path& at) const {
  auto* s = v.if_string();
  if (!s) return bad(Kind::wrong_type, at, "a string", &v);
  std::string_view text{s->data(), s->size()};
  if (!fits(text, o)) {
    if (o.over == Over::refuse)
      return bad(Kind::too_long, at, "at most " + std::to_string(o.chars_max) + " characters", nullptr);
    text = text.substr(0, utf8_prefix(text, o.chars_max));
  }
  out.assign(text);
  return true;
}

bool Reader::read(const bj::value& v, const Shape& shape, void* out, const FieldOptions& o, const Path& at) const {
  using enum Shape::Kind;
  switch (shape.kind) {
    case text: return read_text(v, *static_cast<std::string*>(out), o, at);
    case i64: return integer_from(v, *static_cast<std::int64_t*>(out)) || bad(Kind::wrong_type, at, "an integer", &v);
    case i32: return integer_from(v, *static_cast<std::int32_t*>(out)) || bad(Kind::wrong_type, at, "an integer", &v);
    case real:
      return real_from(v, *static_cast<double*>(out)) ||
             (options.camel == CamelKeys::accept && decimal_from(v, *static_cast<double*>(out))) ||
             bad(Kind::wrong_type, at, "a number", &v);
    case flag: {
      auto* b = v.if_bool();
      if (!b) return bad(Kind::wrong_type, at, "true or false", &v);
      *static_cast<bool*>(out) = *b;
      return true;
    }
    case word: {
      auto* s = v.if_string();
      return (s && word_from({s->data(), s->size()}, shape, out)) || bad(Kind::wrong_type, at, one_of(shape.words), &v);
    }
    case json:
      if (!finite(v)) return bad(Kind::wrong_type, at, "numbers within the range of a double", nullptr);
      static_cast<Json*>(out)->text = json_text(v);
      return true;
    case maybe: return read(v, *shape.of, shape.add(out, {}), o, at);
    case list: {
      auto* a = v.if_array();
      if (!a) return bad(Kind::wrong_type, at, "an array", &v);
      if (a->size() > o.items_max)
        return bad(Kind::too_many, at, "at most " + std::to_string(o.items_max) + " items", nullptr);
      shape.expect(out, a->size());
      std::size_t i = 0;
      for (const auto& x : *a)
        if (!read(x, *shape.of, shape.add(out, {}), o, Path{&at, {}, i++})) return false;
      return true;
    }
    case map: {
      auto* m = v.if_object();
      if (!m) return bad(Kind::wrong_type, at, "an object", &v);
      for (const auto& x : *m) {
        std::string_view key{x.key().data(), x.key().size()};
        if (!read(x.value(), *shape.of, shape.add(out, key), o, Path{&at, key, 0})) return false;
      }
      return true;
    }
    case object: return read_object(v, shape, out, at);
  }
  std::unreachable();
}

const bj::value* Reader::find(const bj::object& m, const Slot& slot, std::size_t hint, const Path& at,
                              bool& twice) const {
  if (hint < m.size() && m.begin()[hint].key() == slot.name && options.camel == CamelKeys::no)
    return &m.begin()[hint].value();
  const bj::value* found = m.if_contains(slot.name);
  auto also = [&](std::string_view name) {
    if (const auto* other = m.if_contains(name)) {
      if (found && name != slot.options.alias)
        twice = !bad(Kind::both_names, Path{&at, slot.name, 0}, std::string(name), nullptr);
      else if (!found)
        found = other;
    }
  };
  if (options.camel == CamelKeys::accept)
    if (slot.name.contains('_')) also(camel(slot.name));
  if (!slot.options.alias.empty()) also(slot.options.alias);
  return found;
}

bool Reader::refuse_unknown(const bj::object& m, const Shape& shape, const Path& at) const {
  for (const auto& x : m) {
    std::string_view key{x.key().data(), x.key().size()};
    if (std::ranges::none_of(shape.slots, [&](const Slot& s) {
          return s.name == key || (!s.options.alias.empty() && s.options.alias == key);
        })) {
      std::string known;
      for (const auto& s : shape.slots) known.append(known.empty() ? "" : ", ").append(s.name);
      return bad(Kind::unknown_key, Path{&at, key, 0}, "one of the keys " + known, nullptr);
    }
  }
  return true;
}

bool Reader::read_object(const bj::value& v, const Shape& shape, void* out, const Path& at) const {
  auto* m = v.if_object();
  if (!m) return bad(Kind::wrong_type, at, "an object", &v);
  std::size_t hint = 0, seen = 0;  // clients mostly write fields in our order
  for (const auto& s : shape.slots) {
    bool twice = false;
    const bj::value* found = find(*m, s, hint++, at, twice);
    if (twice) return false;
    seen += found != nullptr;
    Path here{&at, s.name, 0};
    bool absent = !found || found->is_null();
    if (s.options.required && (absent || (found->is_string() && found->get_string().empty())))
      return bad(Kind::missing, here, "a value (it is required)", nullptr);
    if (!absent && !read(*found, *s.shape, s.at(out), s.options, here)) return false;
  }
  return options.unknown == UnknownKeys::ignore || seen == m->size() || refuse_unknown(*m, shape, at);
}

bool from_text(std::string_view given, const Slot& slot, const Shape& shape, void* out, const Reader& reader,
               const Path& at) {
  using enum Shape::Kind;
  auto bad = [&](std::string wanted) {
    bj::value got(bj::string_view(given.data(), given.size()));
    return reader.bad(Kind::wrong_type, at, std::move(wanted), &got);
  };
  switch (shape.kind) {
    case text:
      return reader.read_text(bj::value(bj::string_view(given.data(), given.size())), *static_cast<std::string*>(out),
                              slot.options, at);
    case i64: return integer_from_text(given, *static_cast<std::int64_t*>(out)) || bad("an integer");
    case i32: return integer_from_text(given, *static_cast<std::int32_t*>(out)) || bad("an integer");
    case real: {
      auto& x = *static_cast<double*>(out);
      auto [end, ec] = std::from_chars(given.data(), given.data() + given.size(), x);
      return (ec == std::errc{} && end == given.data() + given.size()) || real_from_text(given, x) || bad("a number");
    }
    case flag: {
      std::string low(given);
      std::ranges::transform(low, low.begin(),
                             [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      if (low != "true" && low != "false") return bad("true or false");
      *static_cast<bool*>(out) = low == "true";
      return true;
    }
    case word: return word_from(given, shape, out) || bad(one_of(shape.words));
    case maybe: return from_text(given, slot, *shape.of, shape.add(out, {}), reader, at);
    case list: return from_text(given, slot, *shape.of, shape.add(out, {}), reader, Path{&at, {}, shape.size(out) - 1});
    case json: static_cast<Json*>(out)->text.assign(given); return true;
    case object:
    case map: return bad("no such parameter");
  }
  std::unreachable();
}

bool absent(const Shape& shape, const void* at) {
  switch (shape.kind) {
    case Shape::Kind::text: return static_cast<const std::string*>(at)->empty();
    case Shape::Kind::maybe:
    case Shape::Kind::list:
    case Shape::Kind::map: return shape.size(at) == 0;
    case Shape::Kind::json: return static_cast<const Json*>(at)->text.empty();
    default: return false;
  }
}

}  // namespace

Error to_error(const DecodeError& p) {
  std::string where = p.path.empty() ? "the body" : p.path;
  std::string text;
  switch (p.kind) {
    case Kind::not_json: text = "not JSON: " + p.wanted; break;
    case Kind::unknown_key: text = where + ": unknown key, expected " + p.wanted; break;
    case Kind::both_names: text = where + ": given twice, also as " + p.wanted; break;
    default: text = where + ": expected " + p.wanted + (p.got.empty() ? "" : ", got " + p.got);
  }
  return {p.kind == Kind::too_many ? Code::too_large : Code::invalid, std::move(text), p.path, {}};
}

bool decode_into(std::string_view body, const Shape& shape, void* out, DecodeOptions options, DecodeError& problem) {
  // One arena a thread: a 94 KB body then parses without an allocation.
  static thread_local std::vector<unsigned char> scratch(1 << 20);
  bj::monotonic_resource memory(scratch.data(), scratch.size());
  auto v = parse_json(body.empty() ? "{}" : body, &memory);
  if (!v) {
    problem = {Kind::not_json, {}, v.error().message.substr(std::string_view("not JSON: ").size()), {}};
    return false;
  }
  return Reader{options, problem}.read(*v, shape, out, {}, Path{});
}

bool decode_param(std::string_view name, std::string_view text, const Shape& shape, void* out, DecodeOptions options,
                  DecodeError& problem) {
  Reader reader{options, problem};
  Path root, at{&root, name, 0};
  for (const auto& s : shape.slots)
    if (s.name == name || (!s.options.alias.empty() && s.options.alias == name) ||
        (options.camel == CamelKeys::accept && camel(s.name) == name))
      return from_text(text, s, *s.shape, s.at(out), reader, at);
  return options.unknown == UnknownKeys::ignore || reader.bad(Kind::unknown_key, at, "no such parameter", nullptr);
}

bool check_required(const Shape& shape, void* object, DecodeError& problem) {
  for (const auto& s : shape.slots)
    if (s.options.required && absent(*s.shape, s.at(object))) {
      problem = {Kind::missing, std::string(s.name), "a value (it is required)", {}};
      return false;
    }
  return true;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto n = utf8_bytes_of_first(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

void write_json_text(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  std::size_t from = 0;
  auto flush = [&](std::size_t to) { out.append(text.substr(from, to - from)); };
  for (std::size_t i = 0; i < text.size();) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    if (c >= 0x80) {
      if (const auto n = utf8_bytes_of_first(text.substr(i)); n > 0) {
        i += n;
        continue;
      }
    }
    flush(i);
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      default:
        if (c < 0x20)
          out.append("\\u00") += {hex[c >> 4], hex[c & 15]};
        else
          out += "\xEF\xBF\xBD";
    }
    from = ++i;
  }
  flush(text.size());
  out += '"';
}

void write_json_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    return;
  }
  char buffer[32];
  auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, value);
  std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  out += text;
  if (text.find_first_of(".e") == text.npos) out += ".0";
}

void encode_into(const void* value, const Shape& shape, std::string& out) {
  using enum Shape::Kind;
  switch (shape.kind) {
    case text: write_json_text(out, *static_cast<const std::string*>(value)); return;
    case i64: out += std::to_string(*static_cast<const std::int64_t*>(value)); return;
    case i32: out += std::to_string(*static_cast<const std::int32_t*>(value)); return;
    case real: write_json_number(out, *static_cast<const double*>(value)); return;
    case flag: out += *static_cast<const bool*>(value) ? "true" : "false"; return;
    case word: write_json_text(out, shape.words[shape.get_word(value)]); return;
    case json: {
      const auto& raw = static_cast<const Json*>(value)->text;
      out += raw.empty() ? "null" : raw;
      return;
    }
    case maybe:
      if (shape.size(value))
        encode_into(shape.item(value, 0), *shape.of, out);
      else
        out += "null";
      return;
    case list: {
      out += '[';
      for (std::size_t i = 0, n = shape.size(value); i < n; ++i) {
        if (i) out += ',';
        encode_into(shape.item(value, i), *shape.of, out);
      }
      out += ']';
      return;
    }
    case map: {
      struct With {
        std::string& out;
        const Shape& of;
        bool first;
      } with{out, *shape.of, true};
      out += '{';
      shape.each(value, &with, [](void* w, std::string_view key, const void* item) {
        auto& to = *static_cast<With*>(w);
        if (!std::exchange(to.first, false)) to.out += ',';
        write_json_text(to.out, key);
        to.out += ':';
        encode_into(item, to.of, to.out);
      });
      out += '}';
      return;
    }
    case object: break;
  }
  out += '{';
  bool first = true;
  for (const auto& s : shape.slots) {
    const void* at = s.at(const_cast<void*>(value));  // `at` only adds an offset
    bool nothing = absent(*s.shape, at);
    if (nothing && (s.shape->kind == maybe || s.options.empty == Empty::hide)) continue;
    if (!std::exchange(first, false)) out += ',';
    write_json_text(out, s.name);
    out += ':';
    encode_into(at, *s.shape, out);
  }
  out += '}';
}

}  // namespace pawl
