// Looking at every batch without raising false alarms: by Ville's inequality a non-negative supermartingale that starts at 1 ever exceeds 1/alpha
// with probability at most alpha. These answer its logarithm.
#pragma once
#include <cstdint>

namespace pawl::stats {

constexpr double alarm_at_5_percent = 2.995732273553991;  // ln(1/0.05)

// ln E against "the rate is at most `limit`" after `events` of `n`: a Beta(1/2, 1/2) mixture cut to rates above the limit (Robbins 1970).
double rate_above(std::int64_t events, std::int64_t n, double limit);

}  // namespace pawl::stats
