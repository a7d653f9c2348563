// The law of Kolmogorov–Smirnov statistics, in the way of SciPy 1.17.1 (scipy/stats/_ksstats.py, _stats_pythran.py; BSD), so that the p-values agree.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "stats/two_sample.h"

namespace pawl::stats {
namespace {

constexpr double pi = std::numbers::pi;
const double huge = std::ldexp(1.0, 128), tiny = std::ldexp(1.0, -128);

// What Stirling's formula misses of ln n!.
double stirling_rest(double n) {
  if (n < 16) return std::lgamma(n + 1) - (n + 0.5) * std::log(n) + n - 0.5 * std::log(2 * pi);
  const double r = 1 / (n * n);
  return (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r / 1188)))) / n;
}

// P(D+_n >= x): x sum_j C(n,j) (x+j/n)^(j-1) (1-x-j/n)^(n-j) (Smirnov 1944, Birnbaum & Tingey 1951). Each term is x/(x+u) times a binomial
// probability, u = j/n, computed by its distance from the peak (Loader 2000), so that nothing cancels. Past some thousand terms they are a smooth
// curve that vanishes at both ends faster than any power: every k-th term times k is the same sum.
double smirnov(std::int64_t n, double x) {
  if (x >= 1) return 0;
  const auto rows = static_cast<double>(n);
  const double rest_n = stirling_rest(rows);
  const std::int64_t step = std::max<std::int64_t>(1, n / 8192),
                     last = static_cast<std::int64_t>(std::floor(rows * (1 - x)));
  double sum = std::exp(rows * std::log1p(-x));  // j = 0
  for (std::int64_t j = step; j <= last; j += step) {
    const auto at = static_cast<double>(j);
    const double u = at / rows, p = x + u, q = 1 - p;
    if (!(q > 0)) break;
    if (j == n) continue;
    const double distance = rows * (u * std::log1p(-x / p) + (1 - u) * std::log1p(x / q));
    const double log_term = rest_n - stirling_rest(at) - stirling_rest(rows - at) - distance;
    sum += static_cast<double>(step) * x / p * std::sqrt(rows / (2 * pi * at * (rows - at))) * std::exp(log_term);
  }
  return std::min(1.0, sum);
}

using Matrix = std::vector<double>;  // square, by rows
Matrix times(const Matrix& a, const Matrix& b, std::size_t m) {
  Matrix out(m * m, 0.0);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t k = 0; k < m; ++k)
      for (std::size_t j = 0; j < m; ++j) out[i * m + j] += a[i * m + k] * b[k * m + j];
  return out;
}

// P(D_n <= d) by Durbin's matrix: with d = (k-h)/n the k-th row of n!/n^n H^n (Marsaglia, Tsang & Wang 2003).
double durbin(std::int64_t n, double d) {
  const double nd = static_cast<double>(n) * d;
  if (d >= 1) return 1;
  if (nd <= 0.5) return 0;
  const auto k = static_cast<std::size_t>(std::ceil(nd)), m = 2 * k - 1;
  const double h = static_cast<double>(k) - nd;
  std::vector<double> v(m), w(m);
  double factorial = 1;
  for (std::size_t j = 1; j <= m; ++j) {
    w[j - 1] = factorial;
    factorial /= static_cast<double>(j);
    v[j - 1] = (1 - std::pow(h, static_cast<double>(j))) * factorial;
  }
  const auto size = static_cast<double>(m);
  v[m - 1] = (1 + std::pow(std::max(2 * h - 1, 0.0), size) - 2 * std::pow(h, size)) * factorial;
  Matrix base(m * m, 0.0), power(m * m, 0.0);
  for (std::size_t i = 1; i < m; ++i)
    for (std::size_t r = i - 1; r < m; ++r) base[r * m + i] = w[r - (i - 1)];
  for (std::size_t r = 0; r < m; ++r) {
    base[r * m] = v[r];
    power[r * m + r] = 1;
  }
  for (std::size_t c = 0; c < m; ++c) base[(m - 1) * m + c] = v[m - 1 - c];
  int exponent = 0, base_exponent = 0;
  for (std::int64_t left = n; left > 0; left /= 2) {
    if (left % 2 == 1) power = times(power, base, m), exponent += base_exponent;
    if (left == 1) break;
    base = times(base, base, m);
    base_exponent *= 2;
    if (std::abs(base[(k - 1) * m + k - 1]) > huge) {
      for (double& x : base) x *= tiny;
      base_exponent += 128;
    }
  }
  double p = power[(k - 1) * m + k - 1];
  for (std::int64_t i = 1; i <= n; ++i) {
    p = static_cast<double>(i) * p / static_cast<double>(n);
    if (std::abs(p) < tiny) p *= huge, exponent -= 128;
  }
  return std::clamp(std::ldexp(p, exponent), 0.0, 1.0);
}

// P(D_n <= x) by Pomeranz' recursion (1974): each row is the one before, folded with one of three Poisson laws.
double pomeranz(std::int64_t n, double x) {
  const double t = static_cast<double>(n) * x;
  const auto ll = static_cast<std::int64_t>(std::floor(t));
  const double f = t - static_cast<double>(ll), g = std::min(f, 1 - f);
  const std::int64_t up = f > 0 ? 1 : 0, near = f > 0.5 ? 1 : 0;
  const auto ends = [&](std::int64_t i) {
    std::int64_t j1 = 0, j2 = 0;
    const std::int64_t half = (i + 1) / 2;
    if (i == 0)
      j1 = -ll - up - 1, j2 = ll + up - 1;
    else if ((i + 1) % 2 == 0 && half == n + 1)
      j1 = n - ll - up - 1, j2 = n + ll + up - 1;
    else if ((i + 1) % 2 == 0)
      j1 = half - 1 - ll - near - 1, j2 = half + ll - 1 + up - 1;
    else
      j1 = half - 1 - ll - 1, j2 = half + ll + near - 1;
    return std::pair{std::max<std::int64_t>(j1 + 2, 0), std::min(j2, n)};
  };
  const auto width = static_cast<std::size_t>(2 * (ll + 1));
  const auto rows = static_cast<double>(n);
  std::vector<double> ones(width, 1.0), twos(width, 1.0), others(width, 1.0), before(width), now(width);
  for (std::size_t m = 1; m < width; ++m) {
    const auto by = static_cast<double>(m);
    ones[m] = ones[m - 1] * (g / rows) / by;
    twos[m] = twos[m - 1] * (2 * g / rows) / by;
    others[m] = others[m - 1] * ((1 - 2 * g) / rows) / by;
  }
  now[0] = 1;
  std::int64_t start_before = 0, start = 0, j1 = ends(0).first;
  int exponent = 0;
  for (std::int64_t i = 1; i <= 2 * n + 1; ++i) {
    const std::int64_t k1 = j1;
    std::swap(before, now), std::swap(start_before, start);
    std::fill(now.begin(), now.end(), 0.0);
    const auto [first, last] = ends(i);
    j1 = first;
    const auto& law = i == 1 || i == 2 * n + 1 ? ones : i % 2 == 1 ? twos : others;
    if (last - k1 + 1 <= 0) continue;
    double most = 0;
    for (std::int64_t j = j1; j <= last; ++j) {
      double sum = 0;
      for (std::int64_t c = 0; c <= j - k1; ++c) {
        const auto from = static_cast<std::size_t>(k1 - start_before + c), by = static_cast<std::size_t>(j - k1 - c);
        if (from < width && by < width) sum += before[from] * law[by];
      }
      now[static_cast<std::size_t>(j - j1)] = sum;
      most = std::max(most, sum);
    }
    if (most > 0 && most < tiny) {
      for (double& v : now) v *= huge;
      exponent -= 128;
    }
    start = start_before + j1 - k1;
  }
  double answer = now[static_cast<std::size_t>(n - start)];
  for (std::int64_t m = 1; m <= n; ++m) {
    if (std::abs(answer) > huge) answer *= tiny, exponent += 128;
    answer *= static_cast<double>(m);
  }
  return std::clamp(std::ldexp(answer, exponent), 0.0, 1.0);
}

// P(D_n <= x) by the four terms of Pelz & Good (1976), in powers of 1/sqrt(n).
double pelz_good(std::int64_t n, double x) {
  const double z = std::sqrt(static_cast<double>(n)) * x, z2 = z * z, z3 = z2 * z, z4 = z2 * z2, z6 = z4 * z2;
  const double pi2 = pi * pi, pi4 = pi2 * pi2, pi6 = pi4 * pi2, q_log = -pi2 / 8 / z2;
  if (q_log < -708) return 0;
  const double q = std::exp(q_log);
  const double k1a = -z2, k1b = pi2 / 4;
  const double k2a = 6 * z6 + 2 * z4, k2b = (2 * z4 - 5 * z2) * pi2 / 4, k2c = pi4 * (1 - 2 * z2) / 16;
  const double k3d = pi6 * (5 - 30 * z2) / 64, k3c = pi4 * (-60 * z2 + 212 * z4) / 16,
               k3b = pi2 * (135 * z4 - 96 * z6) / 4, k3a = -30 * z6 - 90 * z4 * z4;
  double k[4] = {0, 0, 0, 0};
  const int most = static_cast<int>(std::ceil(16 * z / pi));
  for (int i = most; i > 0; --i) {
    const double m = 2 * i - 1, m2 = m * m, m4 = m2 * m2, m6 = m4 * m2, power = std::pow(q, 8 * i);
    const double add[4] = {1, k1a + k1b * m2, k2a + k2b * m2 + k2c * m4, k3a + k3b * m2 + k3c * m4 + k3d * m6};
    for (int j = 0; j < 4; ++j) k[j] = k[j] * power + add[j];
  }
  const double root = std::sqrt(2 * pi), by[4] = {z, 6 * z4, 72 * z4 * z3, 6480 * z6 * z4};
  for (int j = 0; j < 4; ++j) k[j] *= q * root / by[j];
  const double q2 = std::exp(-pi2 / 2 / z2), r3 = std::sqrt(3.0) * z;
  double more2 = 0, more3 = 0;
  for (int i = most; i > 0; --i) {
    const double i2 = static_cast<double>(i) * i, power = std::pow(q2, i2), ip = pi * i;
    more2 += i2 * power;
    more3 += (r3 + ip) * (r3 - ip) * i2 * power;
  }
  k[2] += more2 * pi2 * root / (-36 * z3);
  k[3] += more3 * pi2 * root / (216 * z6);
  const double s = std::sqrt(static_cast<double>(n));
  return std::clamp(k[0] + k[1] / s + k[2] / (s * s) + k[3] / (s * s * s), 0.0, 1.0);
}

// P(D_{n,n} >= h/n) = 2 A0 (1 - A1 (1 - A2 (…))).
double outside_square(std::int64_t n, std::int64_t h) {
  double p = 0;
  for (std::int64_t k = n / h; k >= 0; --k) {
    double term = 1;
    for (std::int64_t j = 0; j < h; ++j)
      term = static_cast<double>(n - k * h - j) * term / static_cast<double>(n + k * h + j + 1);
    p = term * (1 - p);
  }
  return 2 * p;
}

// The share of lattice paths from (0,0) to (m,n) that touch or leave |x/m - y/n| < h/lcm: A(x,y) = (x A(x-1,y) + y A(x,y-1))/(x+y), 1 outside.
double outside_band(std::int64_t m, std::int64_t n, std::int64_t g, std::int64_t h) {
  if (m < n) std::swap(m, n);
  const std::int64_t mg = m / g, ng = n / g;
  const auto floor_div = [](std::int64_t a, std::int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); };
  std::int64_t low = 0, high = std::min((h + mg - 1) / mg, n + 1), width = high - low;
  std::vector<double> a(static_cast<std::size_t>(std::min(2 * high + 2, n + 1)), 1.0);
  std::fill(a.begin(), a.begin() + std::min<std::int64_t>(width, std::ssize(a)), 0.0);
  std::vector<double> inverse(static_cast<std::size_t>(m + n + 1));
  for (std::size_t i = 1; i < inverse.size(); ++i) inverse[i] = 1.0 / static_cast<double>(i);
  for (std::int64_t x = 1; x <= m; ++x) {
    const std::int64_t low_before = low, width_before = width;
    low = std::min(std::max<std::int64_t>(floor_div(ng * x - h, mg) + 1, 0), n);
    high = std::min((ng * x + h + mg - 1) / mg, n + 1);
    if (high <= low) return 1;
    double value = low == 0 ? 0 : 1;
    const auto shift = low - low_before;
    const auto column = static_cast<double>(x);
    width = high - low;
    for (std::int64_t i = 0; i < width; ++i) {
      const double by = inverse[static_cast<std::size_t>(x + i + low)];
      value = a[static_cast<std::size_t>(i + shift)] * (column * by) + value * (static_cast<double>(i + low) * by);
      a[static_cast<std::size_t>(i)] = value;
    }
    for (std::int64_t i = width; i < width_before; ++i) a[static_cast<std::size_t>(i)] = 1;
  }
  return a[static_cast<std::size_t>(width - 1)];
}

}  // namespace

double kolmogorov_above(std::int64_t n, double x) {
  if (n <= 0 || std::isnan(x)) return none;
  if (x >= 1) return 0;
  if (x <= 0) return 1;
  const auto rows = static_cast<double>(n);
  const double t = rows * x, nxx = t * x;
  const auto clip = [](double p) { return std::clamp(p, 0.0, 1.0); };
  if (t <= 0.5) return 1;
  if (t <= 1)  // Ruben & Gambino
    return clip(1 - std::exp(std::lgamma(rows + 1) - rows * std::log(rows) + rows * std::log(2 * t - 1)));
  if (t >= rows - 1) return clip(2 * std::pow(1 - x, rows));
  if (x >= 0.5) return clip(2 * smirnov(n, x));
  if (n <= 140) {
    if (nxx <= 0.754693) return clip(1 - durbin(n, x));
    if (nxx <= 4) return clip(1 - pomeranz(n, x));
    return clip(2 * smirnov(n, x));
  }
  if (nxx >= 370) return 0;
  if (nxx >= 2.2) return clip(2 * smirnov(n, x));
  if (n <= 100'000 && rows * std::pow(x, 1.5) <= 1.4) return clip(1 - durbin(n, x));
  return clip(1 - pelz_good(n, x));
}

double ks_p(double d, std::int64_t n, std::int64_t m) {
  if (n <= 0 || m <= 0 || std::isnan(d)) return none;
  const auto a = static_cast<double>(std::max(n, m)), b = static_cast<double>(std::min(n, m));
  const double rows = a * b / (a + b);
  // Below 1e-20 nobody asks how far: the band would be walked for nothing, up to 0.3 s.
  const bool hopeless = 2 * std::exp(-2 * rows * d * d) < 1e-20;
  if (a <= 10'000 && (n == m || !hopeless)) {
    const std::int64_t g = std::gcd(n, m), lcm = n / g * m;
    const auto h = static_cast<std::int64_t>(std::nearbyint(d * static_cast<double>(lcm)));
    if (h == 0) return 1;
    d = static_cast<double>(h) / static_cast<double>(lcm);
    const double p = n == m ? outside_square(n, h) : outside_band(n, m, g, h);
    if (p >= 0 && p <= 1) return p;
  }
  return kolmogorov_above(static_cast<std::int64_t>(std::nearbyint(rows)), d);
}

}  // namespace pawl::stats
