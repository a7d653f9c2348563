#include "monitoring/junit.h"

#include <fmt/core.h>

#include "core/junit.h"
#include "monitoring/sights.h"

namespace pawl::monitoring {
namespace {

std::string number(const std::optional<double>& x) { return x ? fmt::format("{:.5g}", *x) : "nothing"; }
std::string name_of(const Sight& s) {
  return s.kind == AlarmKind::column  ? "drift of " + s.column
         : s.kind == AlarmKind::drift ? "share of columns that drifted"
                                      : "performance: " + s.column;
}

}  // namespace

std::string junit_of(const Monitor& monitor, const WindowSeen& window) {
  const auto sights = sights_of(monitor, window);
  std::vector<junit::Case> cases;
  cases.reserve(sights.size());
  for (const Sight& s : sights) {
    using enum junit::Outcome;
    junit::Case one{.name = name_of(s), .message = number(s.statistic) + ", limit " + number(s.limit)};
    if (s.seen == Seen::over) one.outcome = failure;
    if (s.seen == Seen::immature) one.outcome = skipped, one.message = "too few labels yet: " + one.message;
    if (s.seen == Seen::no_data) one.outcome = skipped, one.message = "no data: " + one.message;
    cases.push_back(std::move(one));
  }
  return junit::to_xml(window.endpoint + " " + window.start + " to " + window.end, window.endpoint, window.closed,
                       cases);
}

}  // namespace pawl::monitoring
