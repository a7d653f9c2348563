#include "stats/sequential.h"

#include <boost/math/special_functions/beta.hpp>
#include <cmath>

namespace pawl::stats {
namespace {
double log_beta(double a, double b) { return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b); }
}  // namespace

double rate_above(std::int64_t events, std::int64_t n, double limit) {
  if (n <= 0 || events < 0 || events > n || !(limit > 0) || !(limit < 1)) return 0;
  const auto s = static_cast<double>(events), rest = static_cast<double>(n - events);
  const double mixture =
      log_beta(0.5 + s, 0.5 + rest) - log_beta(0.5, 0.5) - s * std::log(limit) - rest * std::log1p(-limit);
  return mixture + std::log(boost::math::ibetac(0.5 + s, 0.5 + rest, limit)) -
         std::log(boost::math::ibetac(0.5, 0.5, limit));
}

}  // namespace pawl::stats
