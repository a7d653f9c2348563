#include "monitoring/junit.h"

#include <fmt/core.h>

#include "monitoring/sights.h"

namespace pawl::monitoring {
namespace {

// XML 1.0 has no place for most control characters, not even escaped.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      case '\t': out += "&#9;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}
std::string number(const std::optional<double>& x) { return x ? fmt::format("{:.5g}", *x) : "nothing"; }
std::string name_of(const Sight& s) {
  return s.kind == AlarmKind::column  ? "drift of " + s.column
         : s.kind == AlarmKind::drift ? "share of columns that drifted"
                                      : "performance: " + s.column;
}

}  // namespace

std::string junit_of(const Monitor& monitor, const WindowSeen& window) {
  const auto sights = sights_of(monitor, window);
  const auto failed = [](const Sight& s) { return s.seen == Seen::over; };
  const auto open = [](const Sight& s) { return s.seen == Seen::immature || s.seen == Seen::no_data; };
  const auto count = [&](auto is) { return std::count_if(sights.begin(), sights.end(), is); };
  const std::string suite = escaped(window.endpoint);
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"{} {} to {}\" tests=\"{}\" "
      "failures=\"{}\" "
      "errors=\"0\" skipped=\"{}\" timestamp=\"{}\">\n",
      suite, window.start, window.end, sights.size(), count(failed), count(open), window.closed);
  for (const Sight& s : sights) {
    out += "<testcase classname=\"" + suite + "\" name=\"" + escaped(name_of(s)) + "\">";
    const std::string message = escaped(number(s.statistic) + ", limit " + number(s.limit));
    if (failed(s))
      out += "<failure message=\"" + message + "\"/>";
    else if (open(s))
      out += "<skipped message=\"" + std::string(s.seen == Seen::immature ? "too few labels yet" : "no data") + ": " +
             message + "\"/>";
    out += "</testcase>\n";
  }
  return out + "</testsuite>\n</testsuites>\n";
}

}  // namespace pawl::monitoring
