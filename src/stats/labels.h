// Labels compare in one canonical form, whoever wrote them: 1 = 1.0 = "1" = true, as a model says it that was taught booleans.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pawl::stats {

std::optional<double> number_of(std::string_view text);  // a finite one, with nothing after it but blanks
std::string canonical_label(std::string_view text);
std::string canonical_label(double value);
// Numbers by value before texts by bytes; equal ones once.
std::vector<std::string> sorted_labels(std::vector<std::string> labels);

}  // namespace pawl::stats
