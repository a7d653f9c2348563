#include "delivery/junit.h"

#include "store/files.h"

namespace pawl::delivery {
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

std::string junit_of(const Gate& gate) {
  const auto count = [&](auto is) { return std::to_string(std::count_if(gate.checks.begin(), gate.checks.end(), is)); };
  const auto failed = [](const Check& c) { return c.state == CheckState::fail; };
  const auto erred = [](const Check& c) { return c.state == CheckState::error; };
  const auto open = [](const Check& c) {
    return c.state == CheckState::inconclusive || c.state == CheckState::empty || c.state == CheckState::waiting;
  };
  const std::string suite = escaped(gate.model + "@" + std::to_string(gate.version));
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"" + suite +
                    "\" tests=\"" + std::to_string(gate.checks.size()) + "\" failures=\"" + count(failed) +
                    "\" errors=\"" + count(erred) + "\" skipped=\"" + count(open) + "\" timestamp=\"" +
                    escaped(gate.judged) + "\">\n";
  for (const Check& c : gate.checks) {
    out += "<testcase classname=\"" + suite + "\" name=\"" + escaped(c.name) + "\">";
    const std::string message = escaped(c.reason.empty() ? "expected " + c.expected + ", seen " + c.seen : c.reason);
    if (failed(c))
      out += "<failure message=\"" + message + "\"/>";
    else if (erred(c))
      out += "<error message=\"" + message + "\"/>";
    else if (open(c))
      out += "<skipped message=\"" + std::string(word(c.state)) + ": " + message + "\"/>";
    out += "</testcase>\n";
  }
  return out + "</testsuite>\n</testsuites>\n";
}
Result<void> write_junit(const std::filesystem::path& file, const Gate& gate) {
  return store::write_file(file, junit_of(gate));
}

}  // namespace pawl::delivery
