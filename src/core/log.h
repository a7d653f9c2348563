// One line an event: `2013-01-01T00:00:00Z info net.listening port=5000`, or the same as JSON. Never a secret.
#pragma once
#include "core/time.h"

namespace pawl::log {

enum class Level { debug, info, warn, error };
enum class Form { text, json };
void set(Level least, Form form);
bool on(Level level);  // whether such a line would be written: for those who would have to put it together first

struct Pair {
  std::string_view key;
  std::string value;
  Pair(std::string_view k, std::string_view v) : key(k), value(v) {}
  Pair(std::string_view k, const char* v) : key(k), value(v) {}
  Pair(std::string_view k, const std::string& v) : key(k), value(v) {}
  template <class N>
    requires std::is_arithmetic_v<N>
  Pair(std::string_view k, N n) : key(k), value(std::to_string(n)) {}
};
void line(Level level, std::string_view event, std::initializer_list<Pair> pairs = {});
inline void info(std::string_view event, std::initializer_list<Pair> pairs = {}) { line(Level::info, event, pairs); }
inline void warn(std::string_view event, std::initializer_list<Pair> pairs = {}) { line(Level::warn, event, pairs); }
inline void error(std::string_view event, std::initializer_list<Pair> pairs = {}) { line(Level::error, event, pairs); }
inline void debug(std::string_view event, std::initializer_list<Pair> pairs = {}) { line(Level::debug, event, pairs); }

}  // namespace pawl::log
