#include "core/log.h"

#include <unistd.h>

#include <atomic>

#include "core/json.h"

namespace pawl::log {
namespace {
std::atomic<Level> least_level = Level::info;
std::atomic<Form> line_form = Form::text;
constexpr std::string_view names[] = {"debug", "info", "warn", "error"};

void append_value(std::string& out, const std::string& v) {
  if (!v.empty() && v.find_first_of(" \"\n\r\t=\\") == v.npos)
    out += v;
  else
    write_json_text(out, v);
}
}  // namespace

void set(Level least, Form form) {
  least_level = least;
  line_form = form;
}

bool on(Level level) { return level >= least_level.load(); }

void line(Level level, std::string_view event, std::initializer_list<Pair> pairs) {
  if (level < least_level.load()) return;
  const auto at = to_rfc3339(SystemClock{}.now());
  const auto name = names[static_cast<int>(level)];
  std::string out;
  if (line_form.load() == Form::json) {
    out += "{\"at\":\"" + at + "\",\"level\":\"" + std::string(name) + "\",\"event\":";
    write_json_text(out, event);
    for (const auto& p : pairs) {
      out += ',';
      write_json_text(out, p.key);
      out += ':';
      write_json_text(out, p.value);
    }
    out += "}\n";
  } else {
    out.append(at).append(" ").append(name).append(" ").append(event);
    for (const auto& p : pairs) {
      out.append(" ").append(p.key).append("=");
      append_value(out, p.value);
    }
    out += '\n';
  }
  // One write a line, so that lines of several threads do not mix.
  [[maybe_unused]] auto written = ::write(STDERR_FILENO, out.data(), out.size());
}

}  // namespace pawl::log
