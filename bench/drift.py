"""Drift of a window of 1,000,000 rows and 20 columns against a stored reference of as many, with Evidently's numbers; beside sorting alone and, where it is
installed, Evidently itself (bench/peers.txt)."""

import json
import os
import pathlib
import subprocess
import tempfile

import numpy as np
import server

ROWS, COLUMNS, THREADS = int(os.environ.get("PAWL_BENCH_ROWS", 1_000_000)), 20, 2

PEER = """
import os, sys, time, json, warnings
os.environ["DO_NOT_TRACK"] = "1"
warnings.simplefilter("ignore")
import numpy as np, pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
folder, rows, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
names = [f"x{i}" for i in range(columns)]
def table(name):
    frame = pd.DataFrame(dict(zip(names, np.fromfile(f"{folder}/{name}.f64").reshape(columns, rows))))
    return Dataset.from_pandas(frame, data_definition=DataDefinition(numerical_columns=names))
reference, current = table("reference"), table("current")
begin = time.perf_counter()
got = Report([DataDriftPreset()]).run(current, reference).dict()
took = time.perf_counter() - begin
scores = {m["config"]["column"]: float(m["value"]) for m in got["metrics"] if "column" in m.get("config", {})}
print(json.dumps({"s": took, "scores": [scores[n] for n in names]}))
"""

with tempfile.TemporaryDirectory(prefix="pawl-bench-") as name:
    folder = pathlib.Path(name)
    rng = np.random.default_rng(3)
    scale = np.exp(rng.normal(0, 2, COLUMNS))[:, None]
    for side, shift in (("reference", 0.0), ("current", rng.uniform(0, 0.3, COLUMNS)[:, None])):
        ((rng.standard_normal((COLUMNS, ROWS)) + shift) * scale).tofile(folder / f"{side}.f64")
    program = [server.BENCH / "bench_drift", str(folder), str(ROWS), str(COLUMNS), str(THREADS)]
    ours = json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout)
    print(f"drift {ROWS:,} x {COLUMNS}: {ours['drift_s']:.3f} s with Evidently's numbers, {ours['auto_s']:.3f} s by pawl's rule (bound 0.5 s)"
          f" | limit, sorting alone: {ours['sort_s']:.3f} s")
    if peer := server.peers("evidently"):
        theirs = json.loads(subprocess.run([peer, "-c", PEER, str(folder), str(ROWS), str(COLUMNS)], capture_output=True, text=True, check=True).stdout)
        gap = max(abs(a - b) / abs(b) for a, b in zip(ours["scores"], theirs["scores"]))
        print(f"  Evidently in the same run: {theirs['s']:.1f} s, {theirs['s'] / ours['drift_s']:,.0f} times as long; largest relative gap of the scores {gap:.1e}")
    else:
        print("  Evidently was not run: PAWL_PEERS names no Python that has it (bench/peers.txt)")
