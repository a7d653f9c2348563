#include "core/junit.h"

#include <fmt/core.h>

#include <algorithm>

namespace pawl::junit {
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

}  // namespace

std::string to_xml(std::string_view name, std::string_view of, std::string_view at, std::span<const Case> cases) {
  const auto count = [&](Outcome outcome) { return std::ranges::count(cases, outcome, &Case::outcome); };
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" "
      "errors=\"{}\" skipped=\"{}\" timestamp=\"{}\">\n",
      escaped(name), cases.size(), count(Outcome::failure), count(Outcome::error), count(Outcome::skipped),
      escaped(at));
  for (const Case& c : cases) {
    out += "<testcase classname=\"" + escaped(of) + "\" name=\"" + escaped(c.name) + "\">";
    const std::string message = " message=\"" + escaped(c.message) + "\"/>";
    switch (c.outcome) {
      case Outcome::failure: out += "<failure" + message; break;
      case Outcome::error: out += "<error" + message; break;
      case Outcome::skipped: out += "<skipped" + message; break;
      case Outcome::passed: break;
    }
    out += "</testcase>\n";
  }
  return out + "</testsuite>\n</testsuites>\n";
}

}  // namespace pawl::junit
