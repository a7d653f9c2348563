"""A window of real rows measured by pawl, beside SciPy, scikit-learn and NumPy on the same rows, and beside what the peers said (golden_peers.py)."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn import metrics

from flights import DAYS, FEATURES, INTEGERS, LABEL, STRINGS, TIME, day, flights, window

ROOT = Path(__file__).resolve().parents[2]
PEERS = json.loads((Path(__file__).parent / "golden_peers.json").read_text())
MONITOR = {
    "endpoint": "arrival-delay", "model": "arrival-delay", "version": 1, "task": "regression", "time": TIME, "window": f"{DAYS}d",
    "metric": "mae", "reference_value": 12.8, "worse_by": 0.25, "slices": [{"by": "origin", "metric": "mae"}],
}


def program():
    for folder in (ROOT / "build/dev", ROOT / "build/release"):
        if (folder / "monitoring_files").exists():
            return folder / "monitoring_files"
    raise RuntimeError("monitoring_files was not built: make build")


@pytest.fixture(scope="module")
def rows():
    out = flights()
    out["answer"] = (out["dep_delay"] - 5).astype("float32")  # who leaves late arrives late, less five minutes
    return out


@pytest.fixture(scope="module")
def reference(rows):
    return rows[rows[TIME] < day("2013-03-01")].drop(columns=[LABEL, "answer"])


@pytest.fixture(scope="module")
def measured(rows, reference, tmp_path_factory):
    folder = tmp_path_factory.mktemp("flights")
    reference.to_parquet(folder / "reference.parquet", index=False)
    known = {}

    def measure(start, test="auto"):
        if (start, test) not in known:
            window(rows, start).to_parquet(folder / "window.parquet", index=False)
            end = day(start) + pd.Timedelta(days=DAYS)
            said = subprocess.run(
                [program(), json.dumps({**MONITOR, "test": test}), folder / "reference.parquet", folder / "window.parquet", f"{start}T00:00:00Z", end.isoformat(), LABEL, "answer"],
                capture_output=True, text=True, check=True,
            ).stdout
            known[start, test] = json.loads(said)
        return known[start, test]

    return measure


def by_name(measured):
    return {c["name"]: c for c in measured["seen"]["columns"]}


def numbers(column):
    values = column.astype("float64").to_numpy()
    return values[np.isfinite(values)]


def counts(a, b):
    names = sorted(set(a) | set(b))
    return [np.array([(side == n).sum() for n in names], float) for side in (a.to_numpy(), b.to_numpy())]


def distance(name, a, b):
    if name in STRINGS:
        return jensenshannon(*counts(a, b), base=2)
    a, b = numbers(a), numbers(b)
    return stats.wasserstein_distance(a, b) / max(np.std(a), 0.001)


def edges_by_share(values):
    """Ten bins at the quantiles; a value that several quantiles fall on has a bin of its own."""
    at, high = np.quantile(values, np.linspace(0, 1, 11)), values.max()
    after = [values[values > low].min() for low, up in zip(at, at[1:]) if low == up and low < high]
    starts = np.unique([*at[:-1], *after])
    edges = np.append(starts, high if starts[-1] < high else np.nextafter(high, np.inf))
    filled = np.histogram(values, edges)[0] > 0
    return np.append(edges[:-1][filled], edges[-1])


@pytest.mark.parametrize("start", ["2013-03-01", "2013-03-29", "2013-06-21"])
def test_every_statistic_is_scipys(rows, reference, measured, start):
    current, seen = window(rows, start), by_name(measured(start))
    assert list(seen) == FEATURES
    p = []
    for name in FEATURES:
        r, c, got = reference[name], current[name], seen[name]
        assert got["distance"] == pytest.approx(distance(name, r, c), rel=1e-9), name
        if name in STRINGS:
            want = stats.chi2_contingency(np.array(counts(r, c)), correction=False)
            if not got["note"]:  # rare carriers are pooled, and named in the note
                assert got["statistic"] == pytest.approx(want.statistic, rel=1e-9), name
                assert got["p"] == pytest.approx(want.pvalue, rel=1e-6, abs=1e-15), name
        else:
            want = stats.ks_2samp(numbers(r), numbers(c), method="asymp")
            assert got["statistic"] == pytest.approx(want.statistic, rel=1e-9), name
            assert got["p"] == pytest.approx(want.pvalue, rel=1e-6, abs=1e-15), name
            edges = edges_by_share(numbers(r))
            before, now = (np.histogram(np.clip(numbers(x), edges[0], edges[-1]), edges)[0] / len(numbers(x)) for x in (r, c))
            if (before > 0).all() and (now > 0).all():
                assert got["psi"] == pytest.approx(((before - now) * np.log(before / now)).sum(), rel=1e-9), name
            missing = int((~np.isfinite(c.astype("float64"))).sum())
            assert (got["n"], got["missing"]) == (len(c) - missing, missing), name
        p.append(got["p"])
    assert [seen[name]["q"] for name in FEATURES] == pytest.approx(list(stats.false_discovery_control(p)), rel=1e-9, abs=1e-300)


def test_a_limit_is_what_the_reference_does_by_itself(reference, measured):
    days = reference[TIME].dt.floor("D").to_numpy()
    each = np.unique(days)
    for name in ("temp", "humid", "seats", "carrier"):
        value = reference[name].reset_index(drop=True)
        most = 0.1
        for first, last in zip(each, each[DAYS - 1:]):
            inside = (days >= first) & (days <= last)
            most = max(most, distance(name, value[~inside], value[inside]))
        assert by_name(measured("2013-03-01"))[name]["limit"] == pytest.approx(most, rel=1e-9), name


def test_what_drifts_is_what_docs_monitoring_says(measured):
    table = re.findall(r"^\| (2013-\d\d-\d\d) \| (.*?) \| (\d+) columns \|$", (ROOT / "docs/monitoring.md").read_text(), re.M)
    assert len(table) == 4
    for start, columns, plain in table:
        seen = measured(start)["seen"]["columns"]
        assert [c["name"] for c in seen if c["drifted"]] == ([] if columns == "none" else columns.split(", ")), start
        assert len([c for c in seen if c["distance"] >= 0.1 and c["q"] < 0.05]) == int(plain), start


def test_metrics_slices_and_intervals_are_scikit_learns_and_numpys(rows, measured):
    current, seen = window(rows, "2013-06-21"), measured("2013-06-21")["seen"]["performance"]
    y, p = current[LABEL].astype("float64"), current["answer"].astype("float64")
    got = {m["metric"]: m for m in seen["metrics"]}
    assert got["mae"]["value"] == pytest.approx(metrics.mean_absolute_error(y, p), rel=1e-12)
    assert got["rmse"]["value"] == pytest.approx(metrics.root_mean_squared_error(y, p), rel=1e-12)
    assert got["r2"]["value"] == pytest.approx(metrics.r2_score(y, p), rel=1e-9)
    assert got["bias"]["value"] == pytest.approx((p - y).mean(), rel=1e-9)
    for s in seen["slices"]:
        part = current["origin"] == s["value"]
        assert s["measured"]["value"] == pytest.approx(metrics.mean_absolute_error(y[part], p[part]), rel=1e-12)
    # Other draws of the same days: the ends agree to what 10,000 draws leave open.
    sums = pd.DataFrame({"e": (p - y).abs(), "n": 1, "day": current[TIME].dt.floor("D")}).groupby("day").sum().to_numpy()
    drawn = sums[np.random.default_rng(1).integers(0, len(sums), (10_000, len(sums)))].sum(axis=1)
    assert [got["mae"]["low"], got["mae"]["high"]] == pytest.approx(list(np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])), abs=0.05)
    assert seen["limit"] == 16 and seen["mature"] and seen["worse"] == (got["mae"]["value"] > 16)


def test_the_peers_own_numbers(measured):
    seen = by_name(measured("2013-03-29", "evidently"))
    for name, want in PEERS["evidently"].items():
        got = seen[name]
        assert got["measure"] == "evidently " + want["test"], name
        assert (got["statistic"], got["drifted"]) == (pytest.approx(want["score"], rel=1e-9), want["drifted"]), name
    seen = by_name(measured("2013-03-29", "nannyml"))
    for name, want in PEERS["nannyml"].items():
        got = seen[name]
        assert got["statistic"] == pytest.approx(want["value"], rel=1e-9), name
        assert (got["limit"], got["drifted"]) == (pytest.approx(want["limit"], rel=1e-9), want["drifted"]), name


def test_both_distributions_add_up_and_lie_where_the_rows_lie(rows, reference, measured):
    current, columns = window(rows, "2013-06-21"), measured("2013-06-21")["columns"]
    for name in FEATURES:
        assert 1 <= len(columns[name]) <= 40
        for side in ("reference", "current"):
            assert sum(b[side] for b in columns[name]) == pytest.approx(1, abs=1e-9), (name, side)
    temp = numbers(current["temp"])
    for b in columns["temp"]:
        low, high = b.get("low", -np.inf), b.get("high", np.inf)
        assert b["current"] == pytest.approx(((temp >= low) & (temp < high)).mean(), abs=1e-9)
    assert {b["label"] for b in columns["weekday"]} == {str(i) for i in range(7)} and "weekday" in INTEGERS
