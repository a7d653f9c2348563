#!/usr/bin/env python3
"""Writes src/stats/golden_drift.h: what SciPy, Evidently and NannyML say about made data, and the made data's recipe instead of the data. Both
peers pin old libraries, so they live in an environment of their own:

    python3 -m venv /path/to/peers && /path/to/peers/bin/pip install scipy==1.17.1 evidently==0.7.23 nannyml==0.13.1 'pandas<2.4'
    /path/to/peers/bin/python tests/stats/golden_drift.py > src/stats/golden_drift.h
"""

import os
import sys
import warnings

os.environ["NML_DISABLE_USAGE_LOGGING"] = os.environ["DO_NOT_TRACK"] = "1"  # both would call home

import numpy as np
import pandas as pd
import scipy
from evidently.legacy.calculations import stattests
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType
from scipy import stats
from scipy.spatial.distance import jensenshannon

warnings.simplefilter("ignore")


def uniform(seed, n):
    """splitmix64, 53 bits: the same doubles in Python and C++."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(float) * 2.0**-53


def made(shape, seed, n, shift, scale):
    if shape == "whole":
        return np.floor(uniform(seed, n) * scale).astype(np.int64) + int(shift)
    u = uniform(seed, n * 12).reshape(n, 12)
    s = u[:, 0].copy()
    for k in range(1, 12):
        s += u[:, k]
    x = (s - 6) * scale + shift
    return np.floor(x * 4) / 4 if shape == "rounded" else x


def kinds(seed, n, mix, levels):
    """Categories c0, c1, …: the low ones more often, less so with more of `mix`."""
    u = uniform(seed, n)
    return pd.Series(np.floor((u * u * (1 - mix) + u * mix) * levels).astype(int)).map(lambda i: f"c{i}")


def num(v):
    v = float(v)
    return "nan" if v != v else "inf" if v == float("inf") else repr(v)


def row(*values):
    print("    {" + ", ".join(v if isinstance(v, str) else num(v) for v in values) + "},")


def text(v):
    return f'"{v}"'


print(f"// Made by tests/stats/golden_drift.py with SciPy {scipy.__version__}, Evidently 0.7.23 and NannyML 0.13.1.")
print("#pragma once\n#include <array>\n#include <limits>\n#include <vector>\n\nnamespace golden {\n// clang-format off")
print("constexpr double nan = std::numeric_limits<double>::quiet_NaN();")

print("struct Kolmogorov { double n, x, above; };\ninline const std::vector<Kolmogorov> kolmogorov = {")
for n in (1, 2, 5, 10, 37, 99, 140, 141, 500, 3333, 20_000, 100_000, 100_001, 500_000):
    for z in (0.2, 0.35, 0.5, 0.7, 0.86, 0.9, 1.1, 1.3, 1.482, 1.5, 1.9, 2.1, 3.0, 4.1, 5.2):
        x = z / np.sqrt(n)
        if x < 1:
            row(n, x, stats.kstwo.sf(x, n))
    for x in (0.5, 0.51, 0.9, 1 / n, 0.75 / n, 1.5 / n, 2.5 / n):
        if x < 1:
            row(n, x, stats.kstwo.sf(x, n))
print("};")

print("struct KsP { double n, m, d, p; };\ninline const std::vector<KsP> ks_p = {")
rng = np.random.default_rng(7)
for n, m in ((1, 1), (1, 5), (3, 4), (7, 7), (10, 25), (50, 50), (63, 300), (300, 1000), (1000, 1000), (999, 1000), (2500, 4000), (9973, 10_000), (10_000, 12_000), (5_000, 100_000)):
    for shift in (0, 0.1, 0.3):
        d, p = stats.ks_2samp(rng.normal(0, 1, n), rng.normal(shift, 1, m))
        row(n, m, d, p)
print("};")


NUMERIC = [  # shape, seed, n, shift, scale | seed, m, shift, scale
    ("real", 1, 40, 0, 1, 2, 55, 0, 1),
    ("real", 3, 500, 0, 1, 4, 700, 0.1, 1),
    ("real", 5, 1000, 10, 3, 6, 1000, 10.5, 3),
    ("real", 7, 1001, 0, 1, 8, 400, 0.3, 1.2),
    ("real", 9, 12_000, -5, 0.01, 10, 9000, -5, 0.0101),
    ("real", 11, 9999, 0, 1e6, 12, 31, 1e6, 1e6),
    ("rounded", 13, 300, 0, 1, 14, 450, 0.2, 1),
    ("rounded", 15, 5000, 0, 4, 16, 5000, 0, 4.2),
    ("rounded", 17, 800, 100, 0.3, 18, 90, 100, 0.3),
    ("whole", 19, 900, 0, 2, 20, 900, 0, 2),
    ("whole", 21, 900, 0, 4, 22, 700, 0, 5),
    ("whole", 23, 5000, 0, 5, 24, 700, 0, 5),
    ("whole", 25, 5000, 0, 2, 26, 700, 0, 3),
    ("whole", 27, 500, 0, 15, 28, 700, 0, 14),
    ("whole", 29, 3000, 0, 22, 30, 3000, 1, 22),
    ("whole", 31, 3000, 0, 100, 32, 3000, 0, 97),
    ("whole", 33, 600, 0, 30000, 34, 3000, 0, 29000),
    ("whole", 35, 60, 0, 1, 36, 60, 0, 1),
    ("whole", 37, 60, 0, 1, 38, 60, 3, 1),
    ("whole", 39, 2000, 5, 1, 40, 60, 5, 9),
]
TESTS = ("ks", "wasserstein", "jensenshannon", "psi", "kl_div", "hellinger")


def scored(test, r, c, kind):
    got = test(r.copy(), c.copy(), kind, None)
    return got.drift_score, got.drifted


print("struct Numeric { const char* shape; double seed_r, n, shift_r, scale_r, seed_c, m, shift_c, scale_c, d, area, ks, wasserstein, jensenshannon, psi, kl_div, hellinger; const char* test; double score; bool drifted; };")
print("inline const std::vector<Numeric> numeric = {")
for shape, *a in NUMERIC:
    r, c = pd.Series(made(shape, *a[:4])), pd.Series(made(shape, *a[4:]))
    each = [scored(get_stattest(r, c, ColumnType.Numerical, getattr(stattests, {"ks": "ks_stat_test", "wasserstein": "wasserstein_stat_test", "jensenshannon": "jensenshannon_stat_test", "psi": "psi_stat_test", "kl_div": "kl_div_stat_test", "hellinger": "hellinger_stat_test"}[t])), r, c, ColumnType.Numerical)[0] for t in TESTS]
    default = get_stattest(r, c, ColumnType.Numerical, None)
    score, drifted = scored(default, r, c, ColumnType.Numerical)
    row(text(shape), *a, stats.ks_2samp(r, c)[0], stats.wasserstein_distance(r, c), *each, text(default.name), score, str(bool(drifted)).lower())
print("};")

CATEGORIES = [  # seed, n, mix, levels | seed, m, mix, levels
    (101, 300, 0, 6, 102, 300, 0, 6),
    (103, 300, 0, 6, 104, 300, 0.3, 6),
    (105, 1000, 0, 2, 106, 200, 0.2, 2),
    (107, 999, 0, 1, 108, 100, 0, 1),
    (109, 900, 0, 1, 110, 100, 0, 2),
    (111, 5000, 0, 12, 112, 2000, 0.1, 13),
    (113, 5000, 0, 2, 114, 2000, 0.1, 2),
    (115, 20000, 0, 200, 116, 700, 0.5, 200),
    (117, 700, 0, 9, 118, 40000, 0, 9),
    (119, 700, 0, 5, 120, 400, 0, 6),
]
print("struct Categories { double seed_r, n, mix_r, levels_r, seed_c, m, mix_c, levels_c, jensenshannon, psi, kl_div, hellinger; const char* test; double score; bool drifted; double chi2, chi2_p, chi2_yates, chi2_yates_p, js_bits; };")
print("inline const std::vector<Categories> categories = {")
for a in CATEGORIES:
    r, c = kinds(*a[:4]), kinds(*a[4:])
    names = ("jensenshannon_stat_test", "psi_stat_test", "kl_div_stat_test", "hellinger_stat_test")
    each = [scored(getattr(stattests, t), r, c, ColumnType.Categorical)[0] for t in names]
    default = get_stattest(r, c, ColumnType.Categorical, None)
    score, drifted = scored(default, r, c, ColumnType.Categorical)
    table = pd.concat([r.value_counts(), c.value_counts()], axis=1).fillna(0)
    plain, yates = stats.chi2_contingency(table, correction=False), stats.chi2_contingency(table)
    bits = jensenshannon(table.iloc[:, 0], table.iloc[:, 1], base=2)
    row(*a, *each, text(default.name), score, str(bool(drifted)).lower(), plain[0], plain[1], yates[0], yates[1], bits)
print("};")

p = np.round(rng.uniform(0, 1, 12) ** 3, 4)
print("inline const std::vector<double> p_values = {" + ", ".join(map(num, p)) + "};")
print("inline const std::vector<double> q_values = {" + ", ".join(map(num, stats.false_discovery_control(p))) + "};")
print("struct Fisher { double a, n, b, m, p; };\ninline const std::vector<Fisher> fisher = {")
for a, n, b, m in ((1, 300, 3, 20), (0, 50, 2, 60), (3, 30, 1, 4), (2, 1000, 1, 1)):
    # All tables no nearer to the expected one, which is what X² orders by.
    e = (a + b) * n / (n + m)
    k = np.arange(max(0, a + b - m), min(a + b, n) + 1)
    law = stats.hypergeom(n + m, n, a + b).pmf(k)
    row(a, n, b, m, law[np.abs(k - e) >= abs(a - e) * (1 - 1e-12)].sum())
print("};")

from nannyml import UnivariateDriftCalculator  # noqa: E402  (slow to import)

CHUNK = 500
print("struct Nanny { const char* shape; double seed_r, n, shift_r, scale_r, seed_c, m, shift_c, scale_c; const char* method; double upper; std::vector<double> reference, chunks; std::vector<bool> alarms; };")
print(f"constexpr std::size_t nanny_chunk = {CHUNK};")
print("inline const std::vector<Nanny> nanny = {")
for shape, *a in (
    ("real", 201, 4000, 0, 1, 202, 1500, 0.2, 1.1),
    ("rounded", 203, 4000, 0, 1, 204, 1500, 0.1, 1),
    ("whole", 205, 4000, 0, 9, 206, 1500, 1, 9),
    ("real", 207, 12000, 0, 1, 208, 1500, 0.4, 1.5),
    ("rounded", 209, 10000, 3, 2, 210, 1500, 3.2, 2),
    ("whole", 211, 10000, 0, 50, 212, 1500, 0, 49),
    ("kinds", 213, 4000, 0, 7, 214, 1500, 0.3, 8),
    ("kinds", 215, 4000, 0, 2, 216, 1500, 0.1, 2),
):
    r, c = (kinds(*a[:4]), kinds(*a[4:])) if shape == "kinds" else (made(shape, *a[:4]).astype(float), made(shape, *a[4:]).astype(float))
    methods = ("jensen_shannon", "hellinger", "chi2", "l_infinity") if shape == "kinds" else ("jensen_shannon", "hellinger", "kolmogorov_smirnov", "wasserstein")
    kind = {"categorical_methods" if shape == "kinds" else "continuous_methods": list(methods)}
    calculator = UnivariateDriftCalculator(column_names=["x"], chunk_size=CHUNK, **kind)
    calculator.fit(pd.DataFrame({"x": r}))
    got = calculator.calculate(pd.DataFrame({"x": c}))
    before = got.filter(period="reference").to_df()["x"]
    after = got.filter(period="analysis").to_df()["x"]
    for m in methods:
        upper = after[m]["upper_threshold"].iloc[0]
        listed = lambda v: "{" + ", ".join(map(num, v)) + "}"  # noqa: E731
        alarms = "{" + ", ".join(str(bool(v)).lower() for v in after[m]["alert"]) + "}"
        print("    {" + ", ".join([text(shape), *map(num, a), text(m), num(np.nan if upper is None else upper), listed(before[m]["value"]), listed(after[m]["value"]), alarms]) + "},")
print("};")
print("// clang-format on\n}  // namespace golden")
sys.stdout.flush()
