// A YAML document as plain values, as DVC and pawl.yaml need it: YAML 1.2 core rules (yes, no, on and off are text), maps in file order,
// every value with the place it stands at. Duplicate keys, several documents and anything past the limits are errors with line and column.
#pragma once
#include <cstdint>

#include "core/result.h"

namespace pawl::yaml {

struct Mark {
  int line = 0, column = 0;  // from 1; 0: made by code
};

struct Member;
struct Value {
  enum class Kind { null, flag, integer, real, text, list, map };
  Kind kind = Kind::null;
  bool flag = false;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;             // text: its value; other scalars: as written
  std::vector<Value> items;     // list
  std::vector<Member> members;  // map, in file order
  Mark mark;

  static Value of(std::string_view text);
  static Value of(const char* text);  // else a literal would become a flag
  static Value of(bool flag);
  static Value of(std::int64_t integer);
  static Value of(double real);
  static Value list();
  static Value map();

  bool is(Kind k) const { return kind == k; }
  bool scalar() const { return kind != Kind::list && kind != Kind::map; }
  const Value* find(std::string_view key) const;  // of a map; null when absent or not a map
  Value* find(std::string_view key);
  Value& set(std::string_view key, Value value);  // replaces in place or appends
  void erase(std::string_view key);
};
struct Member {
  std::string key;
  Mark mark;
  Value value;
};

inline Value Value::of(const char* text) { return of(std::string_view(text)); }

// As Python compares: 1 == 1.0 == true, order of maps ignored, order of lists not. Marks do not count.
bool same(const Value& a, const Value& b);
// `a.b.0`: maps by key, lists by index. A key that itself holds dots is found first.
const Value* at_path(const Value& root, std::string_view dotted);
// Sets a leaf of nested maps, making maps on the way; fails where a scalar stands in the way.
Result<void> set_path(Value& root, std::string_view dotted, Value value);
// A scalar as Python's str() writes it: True is `true` here (as DVC's templates do), null is `None`.
std::string to_text(const Value& scalar);
std::string python_float(double value);  // 1e-05, 1e+20, 1000.0, inf, nan

struct Limits {
  std::size_t bytes_max = 16u << 20;
  std::size_t nodes_max = 1'000'000;  // aliases count as what they stand for
  std::size_t depth_max = 100;
};
// `name` is the file as the reader knows it: errors begin with `name:line:column: `.
Result<Value> read(std::string_view text, std::string_view name, Limits limits = {});
// A plain scalar by the core rules; used for values given on a command line.
Value resolve_plain(std::string_view text);
// In the style of DVC's own files (ruamel.yaml, round-trip dumper): block style, dashes at the parent's column, folded at 80 columns.
std::string write(const Value& value);

Error error_at(std::string_view name, Mark mark, std::string_view what);

}  // namespace pawl::yaml
