// Two samples of numbers, or two lists of counts over the same bins. Formulas: docs/monitoring.md; "as SciPy" is SciPy 1.17.1, "as Evidently" is
// Evidently 0.7.23. Spans of values are sorted and hold neither NaN nor infinity (stats/sample.h). `none` where a statistic is not defined.
#pragma once
#include "stats/metrics.h"
#include "stats/sample.h"

namespace pawl::stats {

// D = max |F - G| of the empirical distribution functions, as scipy.stats.ks_2samp. Looks only where the largest gap can be: O(log n) on most data.
double ks_d(std::span<const double> a, std::span<const double> b);
// The integral of |F - G|, as scipy.stats.wasserstein_distance; summed over ranks (the integral of |F^-1 - G^-1|), so no step waits for a comparison.
double area_between(std::span<const double> a, std::span<const double> b);

// The two-sided p-value of a two-sample Kolmogorov–Smirnov statistic, as scipy.stats.ks_2samp. Up to 10,000 rows on both sides exact: n = m by the
// alternating sum of products, else by the share of lattice paths that leave the band (Hodges 1958). Above: kolmogorov_above(round(nm/(n+m)), d).
double ks_p(double d, std::int64_t n, std::int64_t m);
// P(D_n > d) of the one-sample two-sided statistic, as scipy.stats.kstwo.sf: the choice of methods of Simard & L'Ecuyer (JSS 39-11, 2011).
double kolmogorov_above(std::int64_t n, double d);

// Edges of bins. Sturges' as numpy.histogram_bin_edges(bins="sturges"): w = (high-low)/(log2 n + 1), whole numbers w >= 1, B = ceil((high-low)/w),
// edge i = low + i ((high-low)/B); low = high gives one bin of width 1. The order of operations decides on the last bit and is NumPy's.
std::vector<double> sturges_edges(double low, double high, std::size_t n, Numbers numbers);
// Doane's, as numpy.histogram_bin_edges(bins="doane"): w = (high-low)/(1 + log2 n + log2(1 + |g|/s)), g the skewness, s = sqrt(6(n-2)/((n+1)(n+3))).
std::vector<double> doane_edges(std::span<const double> sorted);
// At the quantiles (type 7) of a reference, equal ones once.
std::vector<double> quantile_edges(std::span<const double> sorted, int bins = 10);
// pawl's own bins for PSI, fixed with the reference: between its quantiles, but a value that several of them fall on has a bin for itself. Without that
// the bin between zero and the maximum holds a whole column of flags, or of mostly zeros, and no change of it is seen.
std::vector<double> bins_by_share(std::span<const double> sorted, int bins = 10);
// How many values have edge i <= v < edge i+1 (the last bin is closed); values outside are in no bin, or with Outside::kept in the end bins.
enum class Outside { dropped, kept };
std::vector<double> histogram(std::span<const double> sorted, std::span<const double> edges,
                              Outside outside = Outside::dropped);

// Distances of counts, p and q their shares. PSI and Kullback–Leibler fill zeros as Evidently: with s the smallest share above 0 of a side, its zeros
// become 1e-4 if s > 1e-4, else s/1e6; Kullback–Leibler then makes them sum to 1 again.
double psi(std::span<const double> reference, std::span<const double> current);  // sum (p-q) ln(p/q)
double psi_by_chance(std::size_t bins, double n, double m);  // chi²(0.95, bins-1) (1/n + 1/m): Yurdakul & Naranjo
double kullback_leibler(std::span<const double> reference, std::span<const double> current);  // sum p ln(p/q)
double hellinger(std::span<const double> reference, std::span<const double> current);         // sqrt(1 - sum sqrt(p q))
double jensen_shannon_nats(std::span<const double> reference,
                           std::span<const double> current);                             // at most sqrt(ln 2) = 0.8326
double largest_gap(std::span<const double> reference, std::span<const double> current);  // L-infinity: max |p-q|
double total_variation(std::span<const double> reference, std::span<const double> current);  // half the sum of |p-q|

struct ChiSquare {
  double x2 = none, p = none;
  int df = 0;
};
// As Evidently: the reference is taken for the truth, e = R m/n; a category that is new in C makes p = 0; one category: none.
ChiSquare chi_square_of_fit(std::span<const double> reference, std::span<const double> current);
// The 2 x K table of both sides, e from the pooled shares, df = K-1. Yates' correction for 2 x 2 only when asked for.
enum class Yates { no, yes };
ChiSquare chi_square(std::span<const double> reference, std::span<const double> current, Yates yates = Yates::no);

// pawl's: as chi_square, but while more than a fifth of the cells expect fewer than 5 rows the rarest categories are pooled, two at a time. If two
// remain and still expect too few, p is that of all tables with the same margins whose X² is no smaller (what endless permutations would give).
struct Homogeneity {
  double x2 = none, p = none;
  int df = 0;
  std::vector<std::size_t> pooled{};  // the categories that were counted as one
  bool exact = false;
};
Homogeneity homogeneity(std::span<const double> reference, std::span<const double> current);

// Do two shares differ: z = (p1-p2)/sqrt(P(1-P)(1/n+1/m)), P the pooled share, p = 2(1-Φ|z|). Equal and constant: z = 0, p = 1.
struct Z {
  double z = none, p = none;
};
Z two_proportions(double events_a, double n, double events_b, double m);

// Benjamini–Hochberg: q of the i-th smallest of k = min over j >= i of p_j k/j. NaN stays NaN and does not count.
std::vector<double> benjamini_hochberg(std::span<const double> p);

}  // namespace pawl::stats
