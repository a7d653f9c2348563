// The data that tests/stats/golden_drift.py describes, made again bit by bit: its sums are of doubles in a fixed order.
#pragma once
#include <cmath>
#include <string_view>

#include "stats/bootstrap.h"
#include "stats/sample.h"

namespace pawl::stats::made {

inline double uniform(Draws& draws) { return static_cast<double>(draws.next() >> 11U) * 0x1p-53; }

inline std::vector<double> numbers(std::string_view shape, double seed, double n, double shift, double scale) {
  Draws draws(static_cast<std::uint64_t>(seed));
  std::vector<double> out;
  for (int i = 0; i < static_cast<int>(n); ++i) {
    if (shape == "whole") {
      out.push_back(std::floor(uniform(draws) * scale) + shift);
      continue;
    }
    double sum = 0;
    for (int k = 0; k < 12; ++k) sum += uniform(draws);
    const double x = (sum - 6) * scale + shift;
    out.push_back(shape == "rounded" ? std::floor(x * 4) / 4 : x);
  }
  return out;
}
inline Sample sample(std::string_view shape, double seed, double n, double shift, double scale) {
  return Sample(numbers(shape, seed, n, shift, scale), shape == "whole" ? Numbers::whole : Numbers::real);
}
inline std::vector<std::string> names(double seed, double n, double mix, double levels) {
  Draws draws(static_cast<std::uint64_t>(seed));
  std::vector<std::string> out;
  for (int i = 0; i < static_cast<int>(n); ++i) {
    const double u = uniform(draws);
    out.push_back("c" + std::to_string(static_cast<int>(std::floor((u * u * (1 - mix) + u * mix) * levels))));
  }
  return out;
}
inline Counts counted(std::span<const std::string> names) {
  Counts out;
  for (const auto& n : names) ++out[n];
  return out;
}

}  // namespace pawl::stats::made
