"""docs/monitoring.md says the numbers that the code has: its limits are read out of the headers."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = " ".join((ROOT / "docs/monitoring.md").read_text().split())


def constant(header, name):
    text = (ROOT / "src" / header).read_text()
    return float(re.search(rf"{name} = ([-0-9.e']+)", text)[1].replace("'", ""))


def words(header, of):
    text = (ROOT / "src" / header).read_text()
    return re.findall(r'"(\w+)"', re.search(rf"words<{of}> =(.*?)\);", text, re.S)[1])


@pytest.mark.parametrize("header, name, said", [
    ("monitoring/measure.h", "test_rows_min", "fewer than {:.0f} rows in the window"),
    ("monitoring/measure.h", "labels_min", "fewer than {:.0f} labelled rows"),
    ("monitoring/measure.h", "coverage_min", "fewer than {:.0%} of them"),
    ("monitoring/measure.h", "slice_rows_min", "Slices under {:.0f} rows"),
    ("monitoring/measure.h", "previous_rows_max", "at most {:,.0f}, evenly thinned"),
    ("monitoring/measure.h", "bins_max", "At most {:.0f} bins"),
    ("monitoring/column.cpp", "missing_alpha", "two proportions, p < {}"),
    ("stats/drift.h", "distance_limit_default", "keeps {} and says so"),
    ("stats/drift.h", "alpha_default", "Significant is q < {}"),
    ("stats/drift.h", "std_dev_min", "(at least {})"),
    ("stats/bootstrap.h", "draws_default", "with replacement, {:,.0f} times"),
    ("stats/bootstrap.h", "groups_min", "fewer than {:.0f} days there is none"),
])
def test_a_number_of_the_page_is_the_codes(header, name, said):
    value = constant(header, name)
    assert re.sub(r"(\d)%", r"\1 %", said.format(value)) in PAGE


def test_every_test_and_every_metric_is_explained():
    for test in words("monitoring/reference.h", "pawl::monitoring::Test"):
        assert f"`{test}`" in PAGE, test
    for metric in words("stats/metrics.h", "pawl::stats::Metric"):
        assert re.search(rf"\| [^|]*\b{metric}\b[^|]* \|", PAGE), metric
