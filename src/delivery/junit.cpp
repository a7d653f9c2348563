#include "delivery/junit.h"

#include "core/junit.h"
#include "store/files.h"

namespace pawl::delivery {

std::string junit_of(const Gate& gate) {
  std::vector<junit::Case> cases;
  cases.reserve(gate.checks.size());
  for (const Check& c : gate.checks) {
    using enum junit::Outcome;
    junit::Case one{.name = c.name,
                    .message = c.reason.empty() ? "expected " + c.expected + ", seen " + c.seen : c.reason};
    switch (c.state) {
      case CheckState::pass: break;
      case CheckState::fail: one.outcome = failure; break;
      case CheckState::error: one.outcome = error; break;
      case CheckState::inconclusive:
      case CheckState::empty:
      case CheckState::waiting: one.outcome = skipped, one.message = std::string(word(c.state)) + ": " + one.message;
    }
    cases.push_back(std::move(one));
  }
  const std::string suite = gate.model + "@" + std::to_string(gate.version);
  return junit::to_xml(suite, suite, gate.judged, cases);
}
Result<void> write_junit(const std::filesystem::path& file, const Gate& gate) {
  return store::write_file(file, junit_of(gate));
}

}  // namespace pawl::delivery
