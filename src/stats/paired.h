// Two models on the same rows, without days to draw (stats/bootstrap.h is the gate's way): from the rows on which they differ.
#pragma once
#include <cstdint>
#include <span>

#include "stats/bootstrap.h"

namespace pawl::stats {

// McNemar: of two models b rows are right only with the first, c only with the second. Under 25 such rows exact, min(1, 2 P(Bin(b+c, ½) <= min(b, c))),
// from there on (|b-c|-1)²/(b+c) with one degree of freedom. mid_p = exact - P(= min).
struct McNemar {
  double p = none, exact = none, mid_p = none, chi_square = none;
};
McNemar mcnemar(std::int64_t only_first, std::int64_t only_second);

// DeLong's test of two areas under the ROC curve, in the fast form of Sun & Xu (2014): midranks t among all, u among the own class,
// AUC = Σ_pos t/(mn) - (m+1)/(2n), V10 = (t-u)/n, V01 = 1-(t-u)/m, S = cov(V10)/m + cov(V01)/n. z = (A-B)/sqrt(S_aa+S_bb-2S_ab); none at variance 0.
struct DeLong {
  double auc_a = none, auc_b = none, var_a = none, var_b = none, cov = none, z = none, p = none;
};
DeLong delong(std::span<const int> positive, std::span<const double> score_a, std::span<const double> score_b);

// The mean of differences and its interval d ± t std1/√n.
Interval mean_difference(std::span<const double> differences, double confidence = 0.95);

}  // namespace pawl::stats
