// A suite of checks as JUnit XML, which every CI server shows.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace pawl::junit {

enum class Outcome { passed, failure, error, skipped };
struct Case {
  std::string name{};
  Outcome outcome = Outcome::passed;
  std::string message{};  // not shown of what passed
};
// `name` of the suite, `of` what all cases are about; `at` is RFC 3339.
std::string to_xml(std::string_view name, std::string_view of, std::string_view at, std::span<const Case> cases);

}  // namespace pawl::junit
