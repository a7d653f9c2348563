#include "stats/sequential.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <limits>

namespace pawl::stats {
namespace {

constexpr int grid = 1000;
constexpr double infinite = std::numeric_limits<double>::infinity();

double log_beta(double a, double b) { return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b); }
// ln Λ(p) of s events among the others.
double log_mixture(double s, double rest, double p) {
  const double at = (s > 0 ? s * std::log(p) : 0) + (rest > 0 ? rest * std::log1p(-p) : 0);
  return log_beta(0.5 + s, 0.5 + rest) - log_beta(0.5, 0.5) - at;
}
// The edge between `out` (refuted) and `in` (not), to the last bit or nearly.
template <class F> double edge(double out, double in, F refuted) {
  for (int i = 0; i < 200 && std::abs(in - out) > 1e-16 * std::max(in, out); ++i) {
    const double middle = (in + out) / 2;
    (refuted(middle) ? out : in) = middle;
  }
  return in;
}

}  // namespace

double rate_above(std::int64_t events, std::int64_t n, double limit) {
  if (n <= 0 || events < 0 || events > n || !(limit > 0) || !(limit < 1)) return 0;
  const auto s = static_cast<double>(events), rest = static_cast<double>(n - events);
  return log_mixture(s, rest, limit) + std::log(boost::math::ibetac(0.5 + s, 0.5 + rest, limit)) -
         std::log(boost::math::ibetac(0.5, 0.5, limit));
}

Bounds rate_interval(std::int64_t events, std::int64_t n, double alpha) {
  if (n <= 0 || events < 0 || events > n) return {};
  const auto s = static_cast<double>(events), rest = static_cast<double>(n - events);
  const double seen = s / static_cast<double>(n), limit = -std::log(alpha);
  const auto refuted = [&](double p) { return log_mixture(s, rest, p) >= limit; };
  return {.low = events == 0 ? 0 : edge(0, seen, refuted), .high = events == n ? 1 : edge(1, seen, refuted)};
}

BoundedMean::BoundedMean(double alpha) : alpha_(alpha), up_(grid + 1), down_(grid + 1) {}

void BoundedMean::add(double x) {
  x = std::clamp(x, 0.0, 1.0);
  const auto t = static_cast<double>(++count_);
  const double mean = (0.5 + sum_) / t, variance = (0.25 + squares_) / t;  // before x
  const double bet = std::sqrt(2 * std::log(2 / alpha_) / (variance * t * std::log1p(t))), weight = std::min(0.5, bet);
  weights_ += weight;
  weighted_ += weight * x;
  variance_ += (x - mean) * (x - mean) * (-std::log1p(-weight) - weight);
  for (int i = 0; i <= grid; ++i) {
    const double m = static_cast<double>(i) / grid;
    const auto k = static_cast<std::size_t>(i);
    up_[k] += std::log1p((m > 0 ? std::min(bet, 0.5 / m) : bet) * (x - m));
    down_[k] += std::log1p(-(m < 1 ? std::min(bet, 0.5 / (1 - m)) : bet) * (x - m));
  }
  sum_ += x;
  const double after = (0.5 + sum_) / (t + 1);
  squares_ += (x - after) * (x - after);
}

Bounds BoundedMean::bernstein() const {
  if (count_ == 0) return {};
  const double centre = weighted_ / weights_, half = (std::log(2 / alpha_) + variance_) / weights_;
  return {.low = std::max(0.0, centre - half), .high = std::min(1.0, centre + half)};
}

Bounds BoundedMean::hedged() const {
  Bounds out{.low = 1, .high = 0};
  const double limit = std::log(2 / alpha_);
  for (int i = 0; i <= grid; ++i) {
    const auto k = static_cast<std::size_t>(i);
    if (std::max(up_[k], down_[k]) >= limit) continue;
    out.low = std::min(out.low, static_cast<double>(i) / grid), out.high = static_cast<double>(i) / grid;
  }
  return out;
}

void TwoRates::add(std::int64_t champion_errors, std::int64_t champion_outcomes, bool canary_error) {
  const double a = (champion_errors_ + 0.18) / (champion_outcomes_ + 0.36),
               b = (canary_errors_ + 0.18) / (canary_outcomes_ + 0.36);
  const auto errors = static_cast<double>(champion_errors), outcomes = static_cast<double>(champion_outcomes);
  if (b > a) {
    const double both = (outcomes * a + b) / (outcomes + 1);
    log_e_ += errors * std::log(a / both) + (outcomes - errors) * std::log((1 - a) / (1 - both));
    log_e_ += canary_error ? std::log(b / both) : std::log((1 - b) / (1 - both));
  }
  champion_errors_ += errors, champion_outcomes_ += outcomes;
  canary_errors_ += canary_error ? 1 : 0, canary_outcomes_ += 1;
}

Msprt msprt(std::int64_t n, double mean, double variance, double tau, double alpha) {
  if (n <= 0 || !(variance > 0) || !(tau > 0)) return {.low = -infinite, .high = infinite};
  const auto rows = static_cast<double>(n);
  const double t2 = tau * tau, wide = variance + rows * t2;
  Msprt out{.low = 0, .high = 0};
  out.log_lambda = 0.5 * std::log(variance / wide) + rows * rows * t2 * mean * mean / (2 * variance * wide);
  out.p = std::min(1.0, std::exp(-out.log_lambda));
  const double half =
      std::sqrt(variance * wide / (rows * rows * t2) * (2 * std::log(1 / alpha) + std::log(wide / variance)));
  out.low = mean - half, out.high = mean + half;
  return out;
}

}  // namespace pawl::stats
