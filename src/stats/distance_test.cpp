#include "stats/distance.h"

#include <cmath>

#include "core/testing.h"
#include "stats/golden.h"

using namespace pawl;
using namespace pawl::stats;

TEST_CASE("distances are those of SciPy") {
  CHECK(std::abs(wasserstein(golden::few, golden::many) - golden::wasserstein) < 1e-12);
  CHECK(std::abs(jensen_shannon(golden::counts_a, golden::counts_b) - golden::jensen_shannon) < 1e-12);
  CHECK(std::abs(std_dev(golden::many) - golden::std) < 1e-12);
}
TEST_CASE("a set is at no distance from itself and at the shift's distance from itself shifted") {
  for_random_cases(300, [](const std::vector<int>& seen, short shift) {
    RC_PRE(!seen.empty());
    std::vector<double> a, b;
    for (const int v : seen) a.push_back(v), b.push_back(static_cast<double>(v) + shift);
    RC_ASSERT(wasserstein(a, a) == 0);
    RC_ASSERT(std::abs(wasserstein(a, b) - std::abs(static_cast<double>(shift))) < 1e-3);
  });
}
TEST_CASE("beside a set without any spread the distance stays a number that means something") {
  const std::vector<double> constant(10, 5.0), other(10, 5.0001);
  CHECK(wasserstein_normed(golden::few, golden::many) == doctest::Approx(golden::wasserstein / golden::std));
  CHECK(wasserstein_normed(constant, constant) == 0);
  CHECK(wasserstein_normed(other, constant) == doctest::Approx(0.1));
}
TEST_CASE("nothing to compare is none") {
  CHECK(std::isnan(wasserstein({}, golden::few)));
  CHECK(std::isnan(jensen_shannon(golden::counts_a, {})));
  CHECK(jensen_shannon(std::array<double, 2>{1, 0}, std::array<double, 2>{0, 1}) == 1);
}
