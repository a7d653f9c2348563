// Looking at every batch without raising false alarms: by Ville's inequality a non-negative supermartingale that starts at 1 ever exceeds 1/alpha
// with probability at most alpha. These answer its logarithm, or the interval of all values it has not refuted, valid at every look.
// All assume independent values. Real delays in time order hang together: feed batch means (one per minute or per 100 requests), and assign requests to
// the arms at random.
#pragma once
#include <cstdint>
#include <vector>

namespace pawl::stats {

constexpr double alarm_at_5_percent = 2.995732273553991;  // ln(1/0.05)

// ln E against "the rate is at most `limit`" after `events` of `n`: a Beta(1/2, 1/2) mixture cut to rates above the limit (Robbins 1970).
double rate_above(std::int64_t events, std::int64_t n, double limit);

struct Bounds {
  double low = 0, high = 1;
};
// All rates p with ln Λ(p) < ln(1/alpha): ln B(½+s, ½+n-s) - ln B(½,½) - s ln p - (n-s) ln(1-p) (Robbins 1970). [0, 1] before the first outcome.
Bounds rate_interval(std::int64_t events, std::int64_t n, double alpha = 0.05);

// The mean of values in [0, 1] (scale them; others are clipped), Waudby-Smith & Ramdas (JRSS-B 2024), predictable plug-in bets
// λ_t = sqrt(2 ln(2/α) / (σ²_{t-1} t ln(1+t))), μ_t = (½+Σx)/(t+1), σ²_t = (¼+Σ(x_i-μ_i)²)/(t+1). Bernstein speaks of the λ-weighted mean.
class BoundedMean {
 public:
  explicit BoundedMean(double alpha = 0.05);
  void add(double x);
  std::int64_t count() const { return count_; }
  Bounds bernstein()
      const;  // cheap: centre Σλx/Σλ, half width (ln(2/α) + Σ(x_i-μ_{i-1})²(-ln(1-λ_i)-λ_i))/Σλ, λ cut at ½
  Bounds hedged()
      const;  // tighter: the wealth of bets for and against each of 1001 means, to 0.001; [1, 0] when every mean is refuted

 private:
  double alpha_;
  std::int64_t count_ = 0;
  double sum_ = 0, squares_ = 0, weights_ = 0, weighted_ = 0, variance_ = 0;
  std::vector<double> up_, down_;  // ln K+ and ln K- of each mean of the grid
};

// Is the canary's error rate above the champion's? Turner, Ly & Grünwald (2024), made one-sided: before each block θ = (errors + 0.18)/(outcomes + 0.36)
// of each arm; where the canary's is above, E is multiplied by the likelihood of the block under both θ over that under their mean, else by 1. For equal
// true rates the factor is 1 - ((θ-θ0)d/(θ0(1-θ0)))² <= 1 on average, and less where the canary is the better one.
class TwoRates {
 public:
  // A block: one outcome of the canary and, where it has the smaller share of the traffic, as many of the champion as come with it.
  void add(std::int64_t champion_errors, std::int64_t champion_outcomes, bool canary_error);
  double log_e() const { return log_e_; }

 private:
  double log_e_ = 0, champion_errors_ = 0, champion_outcomes_ = 0, canary_errors_ = 0, canary_outcomes_ = 0;
};

// mSPRT of a mean difference (Johari et al., "Always valid inference"): n differences of mean d and variance v, effects drawn from N(0, tau²).
// ln Λ = ½ ln(V/(V+nτ²)) + n²τ²d²/(2V(V+nτ²)). tau is about the smallest effect that matters; a v estimated from the same data is only asymptotic.
struct Msprt {
  double log_lambda = 0;
  double p = 1;  // of this look; the always valid one is the least so far
  double low, high;
};
Msprt msprt(std::int64_t n, double mean, double variance, double tau, double alpha = 0.05);

}  // namespace pawl::stats
