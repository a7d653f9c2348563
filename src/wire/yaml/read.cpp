// yaml-cpp scans and tells events; the tree, the types and the limits are ours, so that an alias cannot make a small file huge.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <charconv>
#include <limits>
#include <set>
#include <sstream>

#include "wire/yaml/value.h"

namespace pawl::yaml {
namespace {

bool all_of(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == text.npos;
}

std::string without_underscores(std::string_view text) {
  std::string out;
  for (char c : text)
    if (c != '_') out += c;
  return out;
}

// [-+]?0b…, 0o…, 0x…, decimal; underscores between digits; 012 is twelve.
bool read_integer(std::string_view text, Value& out) {
  std::string_view digits = text;
  const bool minus = digits.starts_with('-');
  if (minus || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() || digits[0] < '0' || digits[0] > '9') return false;
  int base = 10;
  if (digits.starts_with("0b") && all_of(digits.substr(2), "01_"))
    base = 2;
  else if (digits.starts_with("0o") && all_of(digits.substr(2), "01234567_"))
    base = 8;
  else if (digits.starts_with("0x") && all_of(digits.substr(2), "0123456789abcdefABCDEF_"))
    base = 16;
  else if (!all_of(digits, "0123456789_"))
    return false;
  const std::string clean = (minus ? "-" : "") + without_underscores(base == 10 ? digits : digits.substr(2));
  std::int64_t value = 0;
  auto [end, ec] = std::from_chars(clean.data(), clean.data() + clean.size(), value, base);
  if (ec == std::errc::result_out_of_range) {  // wider than 64 bits: the nearest number
    out.kind = Value::Kind::real;
    out.real = std::strtod(clean.c_str(), nullptr);
    return true;
  }
  if (ec != std::errc{} || end != clean.data() + clean.size()) return false;
  out.kind = Value::Kind::integer;
  out.integer = value;
  return true;
}

bool read_real(std::string_view text, Value& out) {
  std::string_view rest = text;
  const bool minus = rest.starts_with('-');
  const bool sign = minus || rest.starts_with('+');
  if (sign) rest.remove_prefix(1);
  out.kind = Value::Kind::real;
  if (rest == ".inf" || rest == ".Inf" || rest == ".INF") {
    out.real = minus ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    return true;
  }
  if (text == ".nan" || text == ".NaN" || text == ".NAN") {
    out.real = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  const std::string clean = without_underscores(rest);
  if (rest.empty() || !(rest[0] == '.' || (rest[0] >= '0' && rest[0] <= '9')) ||
      clean.find_first_of(".eE") == clean.npos || clean.find_first_not_of("0123456789.eE+-") != clean.npos ||
      clean.find_first_of("0123456789") == clean.npos)
    return false;
  double value = 0;
  auto [end, ec] = std::from_chars(clean.data(), clean.data() + clean.size(), value);
  if (end != clean.data() + clean.size()) return false;
  if (ec == std::errc::result_out_of_range) value = std::strtod(clean.c_str(), nullptr);
  out.real = minus ? -value : value;
  return true;
}

struct Refused {
  Mark mark;
  std::string what;
};

class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const Limits& limits) : limits_(limits) {}
  Value root;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { put(Value{}, mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) throw Refused{at(mark), "an alias inside its own anchor"};
    put(known->second, mark, 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    put(tag == "?" ? resolve_plain(text) : Value::of(text), mark, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Value::list(), mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Value::map(), mark, anchor);
  }
  void OnMapEnd() override {
    merge(open_.back().value);
    close();
  }

 private:
  struct Open {
    Value value;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    std::string key;
    Mark key_mark;
  };

  static Mark at(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

  static std::size_t nodes(const Value& v) {
    std::size_t n = 1;
    for (const auto& i : v.items) n += nodes(i);
    for (const auto& m : v.members) n += 1 + nodes(m.value);
    return n;
  }

  void put(Value value, const YAML::Mark& mark, YAML::anchor_t anchor) {
    count_ += value.scalar() ? 1 : nodes(value);
    if (count_ > limits_.nodes_max)
      throw Refused{at(mark), "more than " + std::to_string(limits_.nodes_max) + " values"};
    value.mark = at(mark);
    add(std::move(value), anchor);
  }

  void add(Value value, YAML::anchor_t anchor) {
    if (anchor) anchors_[anchor] = value;
    if (open_.empty()) {
      root = std::move(value);
      return;
    }
    auto& in = open_.back();
    if (in.value.is(Value::Kind::list)) {
      in.value.items.push_back(std::move(value));
    } else if (!in.has_key) {
      if (!value.scalar()) throw Refused{value.mark, "a key must be a scalar"};
      in.has_key = true;
      in.key = value.is(Value::Kind::null) ? "" : value.text;
      in.key_mark = value.mark;
      if (keys_.size() < open_.size()) keys_.resize(open_.size());
      if (!keys_[open_.size() - 1].insert(in.key).second)
        throw Refused{value.mark, "the key '" + in.key + "' stands here twice"};
    } else {
      in.has_key = false;
      in.value.members.push_back({std::move(in.key), in.key_mark, std::move(value)});
    }
  }

  void open(Value value, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() >= limits_.depth_max)
      throw Refused{at(mark), "nested deeper than " + std::to_string(limits_.depth_max)};
    if (++count_ > limits_.nodes_max)
      throw Refused{at(mark), "more than " + std::to_string(limits_.nodes_max) + " values"};
    value.mark = at(mark);
    open_.push_back({std::move(value), anchor, false, {}, {}});
    if (keys_.size() < open_.size()) keys_.resize(open_.size());
    keys_[open_.size() - 1].clear();
  }

  void close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.value), done.anchor);
  }

  // `<<: *defaults`: what the map itself says stays.
  static void merge(Value& map) {
    const auto* from = map.find("<<");
    if (!from || from->scalar()) return;
    const Value source = *from;
    map.erase("<<");
    const auto take = [&map](const Value& other) {
      for (const auto& m : other.members)
        if (!map.find(m.key)) map.members.push_back(m);
    };
    if (source.is(Value::Kind::map)) take(source);
    for (const auto& item : source.items) take(item);
  }

  Limits limits_;
  std::vector<Open> open_;
  std::vector<std::set<std::string>> keys_;
  std::map<YAML::anchor_t, Value> anchors_;
  std::size_t count_ = 0;
};

// The byte offset of the first thing that is not UTF-8 text; npos when all is.
std::size_t not_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t length = c == 0                       ? 0
                               : c < 0x80                   ? 1
                               : (c >> 5) == 6 && c > 0xC1  ? 2
                               : (c >> 4) == 14             ? 3
                               : (c >> 3) == 30 && c < 0xF5 ? 4
                                                            : 0;
    if (length == 0 || i + length > text.size()) return i;
    std::uint32_t point = length == 1 ? c : c & (0xFFu >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next >> 6) != 2) return i;
      point = (point << 6) | (next & 0x3F);
    }
    constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};  // anything smaller has a shorter form
    if (point < least[length] || (point >= 0xD800 && point <= 0xDFFF) || point > 0x10FFFF) return i;
    i += length;
  }
  return text.npos;
}

}  // namespace

Value resolve_plain(std::string_view text) {
  Value out = Value::of(text);
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    out.kind = Value::Kind::null;
  } else if (text == "true" || text == "True" || text == "TRUE" || text == "false" || text == "False" ||
             text == "FALSE") {
    out.kind = Value::Kind::flag;
    out.flag = (text[0] | 0x20) == 't';
  } else if (Value number = out; read_integer(text, number) || read_real(text, number)) {
    return number;
  }
  return out;
}

Result<Value> read(std::string_view text, std::string_view name, Limits limits) {
  if (text.size() > limits.bytes_max)
    return fail(Code::too_large, std::string(name) + ": larger than " + std::to_string(limits.bytes_max) + " bytes",
                std::string(name));
  if (const auto bad = not_utf8(text); bad != text.npos) {
    const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
    const auto start = bad == 0 ? text.npos : text.rfind('\n', bad - 1);
    return std::unexpected(
        error_at(name, {static_cast<int>(line) + 1, static_cast<int>(bad - (start == text.npos ? 0 : start + 1)) + 1},
                 "not UTF-8 text"));
  }
  Builder builder(limits);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) return Value{};
    Builder second(limits);
    if (parser.HandleNextDocument(second))
      return std::unexpected(error_at(name, second.root.mark, "a second document; one is expected"));
  } catch (const Refused& refused) {
    return std::unexpected(error_at(name, refused.mark, refused.what));
  } catch (const YAML::Exception& problem) {
    return std::unexpected(error_at(name, {problem.mark.line + 1, problem.mark.column + 1}, problem.msg));
  }
  return std::move(builder.root);
}

}  // namespace pawl::yaml
