// The emitter of ruamel.yaml 0.19 (round-trip dumper, block style) in our words, so that a lock file written by either tool shows no needless
// difference in Git. Columns and lengths count characters, not bytes: scalars are walked as code points.
#include "wire/yaml/value.h"

namespace pawl::yaml {
namespace {

constexpr std::size_t width = 80;
constexpr std::size_t simple_key_max = 128;

std::u32string points(std::string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    char32_t p = n == 1 ? c : c & (0xFFu >> (n + 1));
    for (std::size_t k = 1; k < n && i + k < text.size(); ++k)
      p = (p << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3F);
    out += p;
    i += n;
  }
  return out;
}

void append(std::string& out, char32_t p) {
  const auto byte = [&out](std::uint32_t b) { out += static_cast<char>(b); };
  if (p < 0x80)
    byte(p);
  else if (p < 0x800)
    byte(0xC0 | (p >> 6)), byte(0x80 | (p & 0x3F));
  else if (p < 0x10000)
    byte(0xE0 | (p >> 12)), byte(0x80 | ((p >> 6) & 0x3F)), byte(0x80 | (p & 0x3F));
  else
    byte(0xF0 | (p >> 18)), byte(0x80 | ((p >> 12) & 0x3F)), byte(0x80 | ((p >> 6) & 0x3F)), byte(0x80 | (p & 0x3F));
}

bool line_break(char32_t c) { return c == '\n' || c == 0x85 || c == 0x2028 || c == 0x2029; }
bool blank(char32_t c) { return c == 0 || c == ' ' || c == '\t' || c == '\r' || line_break(c); }
bool printable(char32_t c) {
  return (c >= 0x20 && c <= 0x7E) || c == 0x85 || (c >= 0xA0 && c <= 0xD7FF) ||
         (c >= 0xE000 && c <= 0xFFFD && c != 0xFEFF) || c >= 0x10000;
}

bool looks_like_a_date(std::string_view t) {  // ruamel's timestamp, by its first ten characters
  if (t.size() < 8 || !std::ranges::all_of(t.substr(0, 4), [](char c) { return c >= '0' && c <= '9'; }) || t[4] != '-')
    return false;
  if (t.size() == 10)
    return t[7] == '-' && t.find_first_not_of("0123456789", 5) == 7 && t.find_first_not_of("0123456789", 8) == t.npos;
  return t.find_first_not_of("0123456789-:.tTzZ +") == t.npos && t.contains(':');
}

enum class Style { plain, single, doubled };

Style style_of(std::string_view raw, const std::u32string& t, bool key) {
  if (!resolve_plain(raw).is(Value::Kind::text) || raw == "=" || raw == "<<" || looks_like_a_date(raw))
    return raw.contains('\'') ? Style::doubled : Style::single;
  bool indicators = raw.starts_with("---") || raw.starts_with("...");
  bool breaks = false, special = false, space_break = false, break_space = false;
  for (std::size_t i = 0; i < t.size(); ++i) {
    const char32_t c = t[i];
    const bool before = i == 0 || blank(t[i - 1]);
    const bool after = i + 1 >= t.size() || blank(t[i + 1]);
    if (i == 0 && std::u32string_view(U"#,[]{}&*!|>'\"%@`").contains(c)) indicators = true;
    if (i == 0 && (c == '?' || c == ':' || c == '-') && after) indicators = true;
    if (i > 0 && ((c == ':' && after) || (c == '#' && before))) indicators = true;
    if (line_break(c)) breaks = true;
    if (c != '\n' && !printable(c)) special = true;
    if (c == ' ' && i > 0 && line_break(t[i - 1])) break_space = true;
    if (line_break(c) && i > 0 && t[i - 1] == ' ') space_break = true;
  }
  const bool edge = t.front() == ' ' || line_break(t.front()) || t.back() == ' ' || line_break(t.back());
  const bool odd = special || space_break || break_space;
  if (!indicators && !breaks && !edge && !odd) return Style::plain;
  if (odd || (key && breaks) || raw.contains('\'') || raw.contains('\n')) return Style::doubled;
  return Style::single;
}

class Writer {
 public:
  std::string out;

  void block(const Value& v, std::size_t indent) {
    if (v.is(Value::Kind::list))
      list(v, indent);
    else
      map(v, indent);
  }

 private:
  std::size_t column_ = 0;

  void raw(std::string_view text) {
    out += text;
    column_ += points(text).size();
  }
  void newline(std::size_t indent) {
    out += '\n';
    out.append(indent, ' ');
    column_ = indent;
  }
  void slice(const std::u32string& t, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) append(out, t[i]);
    column_ += to - from;
  }

  void map(const Value& v, std::size_t indent) {
    bool first = true;
    for (const auto& m : v.members) {
      if (!first) newline(indent);
      first = false;
      const bool complex = points(m.key).size() > simple_key_max;
      if (complex) raw("?");
      scalar(Value::of(m.key), indent + 2, complex, !complex);
      if (complex) newline(indent);
      raw(":");
      value(m.value, indent, true);
    }
  }
  void list(const Value& v, std::size_t indent) {
    bool first = true;
    for (const auto& item : v.items) {
      if (!first) newline(indent);
      first = false;
      raw("-");
      value(item, indent, false);
    }
  }
  void value(const Value& v, std::size_t indent, bool in_map) {
    if (v.is(Value::Kind::null)) return raw(in_map ? "" : " ");
    if (v.scalar()) return scalar(v, indent + 2, true, false);
    if (v.items.empty() && v.members.empty()) return raw(v.is(Value::Kind::list) ? " []" : " {}");
    if (!in_map) {  // `- a: 1` and `- - 1` go on in the same line
      raw(" ");
      return block(v, indent + 2);
    }
    const auto inner = v.is(Value::Kind::list) ? indent : indent + 2;
    newline(inner);
    block(v, inner);
  }

  void scalar(const Value& v, std::size_t indent, bool blank_before, bool key) {
    const char* const lead = blank_before ? " " : "";
    switch (v.kind) {
      case Value::Kind::null: return;
      case Value::Kind::flag: return raw(lead + std::string(v.flag ? "true" : "false"));
      case Value::Kind::integer: return raw(lead + std::to_string(v.integer));
      case Value::Kind::real: {
        auto text = python_float(v.real);
        if (text.ends_with("inf") || text == "nan") text.insert(text.starts_with('-') ? 1 : 0, ".");
        return raw(lead + text);
      }
      default: break;
    }
    const auto t = points(v.text);
    raw(lead);
    switch (style_of(v.text, t, key)) {
      case Style::plain: return plain(t, indent, !key);
      case Style::single: return single(t, indent, !key);
      case Style::doubled: return doubled(t, indent, !key);
    }
  }

  void plain(const std::u32string& t, std::size_t indent, bool split) {
    bool spaces = false;
    for (std::size_t start = 0, end = 0; end <= t.size(); ++end) {
      const bool over = end == t.size();
      const bool space = !over && t[end] == ' ';
      if (spaces) {
        if (!space) {
          if (start + 1 == end && column_ >= width && split)
            newline(indent);
          else
            slice(t, start, end);
          start = end;
        }
      } else if (over || space) {
        // A reader makes one blank of the break: where two stand, ruamel's own break would lose one.
        if (end - start + column_ > width && column_ > indent && !(start > 1 && t[start - 2] == ' ')) newline(indent);
        slice(t, start, end);
        start = end;
      }
      spaces = space;
    }
  }

  void single(const std::u32string& t, std::size_t indent, bool split) {
    raw("'");
    bool spaces = false;
    for (std::size_t start = 0, end = 0; end <= t.size(); ++end) {
      const bool over = end == t.size();
      const bool space = !over && t[end] == ' ';
      if (spaces) {
        if (!space) {
          if (start + 1 == end && column_ > width && split && start != 0 && !over)
            newline(indent);
          else
            slice(t, start, end);
          start = end;
        }
      } else if (over || space || t[end] == '\'') {
        slice(t, start, end);
        start = end;
      }
      if (!over && t[end] == '\'') {
        raw("''");
        start = end + 1;
      }
      spaces = space;
    }
    raw("'");
  }

  void escape(char32_t c) {
    static const std::map<char32_t, char> named{{0, '0'},     {7, 'a'},    {8, 'b'},    {9, 't'},      {10, 'n'},
                                                {11, 'v'},    {12, 'f'},   {13, 'r'},   {27, 'e'},     {'"', '"'},
                                                {'\\', '\\'}, {0x85, 'N'}, {0xA0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};
    std::string text = "\\";
    if (auto known = named.find(c); known != named.end()) {
      text += known->second;
    } else {
      const std::size_t digits = c <= 0xFF ? 2 : c <= 0xFFFF ? 4 : 8;
      text += digits == 2 ? 'x' : digits == 4 ? 'u' : 'U';
      for (std::size_t i = digits; i-- > 0;) text += "0123456789ABCDEF"[(c >> (4 * i)) & 15];
    }
    raw(text);
  }

  void doubled(const std::u32string& t, std::size_t indent, bool split) {
    raw("\"");
    std::size_t start = 0;
    for (std::size_t end = 0; end <= t.size(); ++end) {
      const bool over = end == t.size();
      const char32_t c = over ? 0 : t[end];
      if (over || c == '"' || c == '\\' || line_break(c) || !printable(c)) {
        slice(t, std::min(start, end), end);
        start = std::max(start, end);
        if (!over) {
          escape(c);
          start = end + 1;
        }
      }
      if (!(end > 0 && end + 1 < t.size() && (c == ' ' || start >= end) && column_ + end > width + start && split))
        continue;
      bool backslash = true;
      if (auto space = t.find(U' ', end); space != t.npos && space + 1 < t.size()) {
        if (auto nl = t.find(U'\n', end); nl != t.npos && nl < space) space = nl;
        const auto word = std::u32string_view(t).substr(end, space - end);
        const bool two_blanks = end > 0 && t[end - 1] == ' ' && t[end] == ' ';
        if (!(t[space] == '\n' && t[space + 1] != ' ') && !word.contains(U'"') && !word.contains(U'\'') &&
            t[space + 1] != ' ' && t[space + 1] != '\n' && !two_blanks && start < end &&
            t[end] == ' ')  // elsewhere ruamel's bare break would add a blank
          backslash = false;
      }
      if (start < end) {
        slice(t, start, end);
        start = end;
      }
      if (backslash) raw("\\");
      newline(indent);
      if (start < t.size() && t[start] == ' ') {
        if (!backslash)
          ++start;
        else
          raw("\\");
      }
    }
    raw("\"");
  }
};

}  // namespace

std::string write(const Value& value) {
  Writer writer;
  if (value.is(Value::Kind::null)) return "null\n";
  if (value.scalar()) {
    Value wrapped = Value::list();
    wrapped.items.push_back(value);
    writer.block(wrapped, 0);
    return writer.out.substr(2) + "\n";
  }
  if (value.items.empty() && value.members.empty()) return value.is(Value::Kind::list) ? "[]\n" : "{}\n";
  writer.block(value, 0);
  return writer.out + "\n";
}

}  // namespace pawl::yaml
