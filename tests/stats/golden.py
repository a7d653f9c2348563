#!/usr/bin/env python3
"""Writes src/stats/golden.h: small made data and what scikit-learn and SciPy say about it. Run with the project's Python environment:

    . setup/env.sh && "$PAWL_PYTHON" tests/stats/golden.py > src/stats/golden.h
"""

import numpy as np
import scipy
import sklearn
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance
from sklearn import metrics

rng = np.random.default_rng(6)


def line(name, values, kind="double"):
    print(f"inline constexpr auto {name} = std::to_array<{kind}>({{" + ", ".join(repr(v) for v in np.asarray(values).tolist()) + "});")


def number(name, value):
    print(f"inline constexpr double {name} = {float(value)!r};")


n = 48
y = np.round(rng.normal(10, 20, n), 3)
p = np.round(y * 0.8 + rng.normal(0, 9, n), 3)
two = rng.integers(0, 2, n)
score = np.round(np.clip(0.3 * two + rng.uniform(0, 0.7, n), 0, 1), 1)  # one decimal: many ties
three = rng.integers(0, 3, n)
prob = rng.dirichlet([1, 1, 1], n)
named = prob.argmax(axis=1)
few, many = np.round(rng.normal(0, 1, 9), 2), np.round(rng.normal(0.5, 2, 31), 2)
counts_a, counts_b = [5, 0, 12, 3], [2, 4, 9, 0]

print(f"// Made by tests/stats/golden.py with scikit-learn {sklearn.__version__} and SciPy {scipy.__version__}.")
print("#pragma once\n#include <array>\n\nnamespace golden {\n// clang-format off")
line("y", y)
line("p", p)
number("mae", metrics.mean_absolute_error(y, p))
number("rmse", metrics.root_mean_squared_error(y, p))
number("bias", np.mean(p - y))
number("r2", metrics.r2_score(y, p))
line("two", two, "int")
line("score", score)
number("accuracy_two", metrics.accuracy_score(two, score >= 0.5))
number("f1_two", metrics.f1_score(two, score >= 0.5))
number("log_loss_two", metrics.log_loss(two, score))
number("auc_two", metrics.roc_auc_score(two, score))
line("three", three, "int")
line("prob", prob.ravel())
number("accuracy_three", metrics.accuracy_score(three, named))
number("f1_three", metrics.f1_score(three, named, average="macro"))
number("log_loss_three", metrics.log_loss(three, prob))
line("few", few)
line("many", many)
number("wasserstein", wasserstein_distance(few, many))
line("counts_a", np.array(counts_a, float))
line("counts_b", np.array(counts_b, float))
number("jensen_shannon", jensenshannon(counts_a, counts_b, base=2))
number("std", np.std(many))
line("quantiles", np.quantile(many, [0, 0.025, 0.31, 0.5, 0.975, 1]))
print("// clang-format on\n}  // namespace golden")
