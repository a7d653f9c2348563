#include "wire/yaml/value.h"

#include <charconv>
#include <cmath>

namespace pawl::yaml {

Value Value::of(std::string_view text) {
  Value v;
  v.kind = Kind::text;
  v.text = text;
  return v;
}
Value Value::of(bool flag) {
  Value v;
  v.kind = Kind::flag;
  v.flag = flag;
  return v;
}
Value Value::of(std::int64_t integer) {
  Value v;
  v.kind = Kind::integer;
  v.integer = integer;
  return v;
}
Value Value::of(double real) {
  Value v;
  v.kind = Kind::real;
  v.real = real;
  return v;
}
Value Value::list() {
  Value v;
  v.kind = Kind::list;
  return v;
}
Value Value::map() {
  Value v;
  v.kind = Kind::map;
  return v;
}

const Value* Value::find(std::string_view key) const {
  for (const auto& m : members)
    if (m.key == key) return &m.value;
  return nullptr;
}
Value* Value::find(std::string_view key) { return const_cast<Value*>(std::as_const(*this).find(key)); }
Value& Value::set(std::string_view key, Value value) {
  if (auto* old = find(key)) return *old = std::move(value);
  members.push_back({std::string(key), {}, std::move(value)});
  return members.back().value;
}
void Value::erase(std::string_view key) {
  std::erase_if(members, [&](const Member& m) { return m.key == key; });
}

namespace {
std::optional<double> number(const Value& v) {
  switch (v.kind) {
    case Value::Kind::flag: return v.flag ? 1.0 : 0.0;
    case Value::Kind::integer: return static_cast<double>(v.integer);
    case Value::Kind::real: return v.real;
    default: return std::nullopt;
  }
}
std::optional<std::size_t> index(std::string_view text) {
  std::size_t i = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), i);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return i;
}
}  // namespace

bool same(const Value& a, const Value& b) {
  if (a.is(Value::Kind::integer) && b.is(Value::Kind::integer)) return a.integer == b.integer;
  if (auto x = number(a)) {
    auto y = number(b);
    return y && *x == *y;
  }
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Value::Kind::null: return true;
    case Value::Kind::text: return a.text == b.text;
    case Value::Kind::list: return std::ranges::equal(a.items, b.items, same);
    default: break;
  }
  if (a.members.size() != b.members.size()) return false;
  return std::ranges::all_of(a.members, [&](const Member& m) {
    const auto* other = b.find(m.key);
    return other && same(m.value, *other);
  });
}

const Value* at_path(const Value& root, std::string_view dotted) {
  if (root.is(Value::Kind::map)) {
    if (const auto* whole = root.find(dotted)) return whole;
    for (auto dot = dotted.find('.'); dot != dotted.npos; dot = dotted.find('.', dot + 1))
      if (const auto* child = root.find(dotted.substr(0, dot))) return at_path(*child, dotted.substr(dot + 1));
    return nullptr;
  }
  if (!root.is(Value::Kind::list)) return nullptr;
  const auto dot = std::min(dotted.find('.'), dotted.size());
  const auto i = index(dotted.substr(0, dot));
  if (!i || *i >= root.items.size()) return nullptr;
  return dot == dotted.size() ? &root.items[*i] : at_path(root.items[*i], dotted.substr(dot + 1));
}

Result<void> set_path(Value& root, std::string_view dotted, Value value) {
  if (dotted.empty()) return fail(Code::invalid, "a parameter needs a name");
  Value* now = &root;
  std::string_view rest = dotted;
  while (true) {
    const auto dot = std::min(rest.find('.'), rest.size());
    const auto key = rest.substr(0, dot);
    const bool last = dot == rest.size();
    if (now->is(Value::Kind::list)) {
      const auto i = index(key);
      if (!i || *i >= now->items.size())
        return fail(Code::invalid, "'" + std::string(dotted) + "': the list has no item '" + std::string(key) + "'");
      now = &now->items[*i];
    } else {
      if (now->is(Value::Kind::null)) *now = Value::map();
      if (!now->is(Value::Kind::map))
        return fail(Code::invalid, "'" + std::string(dotted) + "' goes through a value that is no map");
      auto* child = now->find(key);
      now = child ? child : &now->set(key, Value{});
    }
    if (last) break;
    rest = rest.substr(dot + 1);
  }
  *now = std::move(value);
  return {};
}

std::string python_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  if (value == 0) return std::signbit(value) ? "-0.0" : "0.0";
  std::array<char, 64> buffer{};
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
  std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const int exponent = std::stoi(std::string(text.substr(text.find('e') + 1)));
  if (exponent < -4 || exponent >= 16) return std::string(text);  // both write at least two digits of exponent
  end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed).ptr;
  std::string fixed(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  return fixed.contains('.') ? fixed : fixed + ".0";
}

std::string to_text(const Value& v) {
  switch (v.kind) {
    case Value::Kind::null: return "None";
    case Value::Kind::flag: return v.flag ? "true" : "false";
    case Value::Kind::integer: return std::to_string(v.integer);
    case Value::Kind::real: return python_float(v.real);
    default: return v.text;
  }
}

Error error_at(std::string_view name, Mark mark, std::string_view what) {
  std::string text(name);
  if (mark.line > 0) text += ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
  return Error{Code::invalid, text + ": " + std::string(what), std::string(name), {}};
}

}  // namespace pawl::yaml
