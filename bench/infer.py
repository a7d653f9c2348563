"""V2 infer: one row of 12 floats, 200 trees, one connection, every prediction logged; beside a plain run of the model in the same run."""

import json
import os
import pathlib
import random
import subprocess
import tempfile
import time

import server

ROWS = 5_000
SEED = os.path.join(os.environ["PAWL_BENCH"], "serving_seed")

# Made in a process of its own: scikit-learn would keep its threads beside the figures.
TRAIN = """
import sys, warnings, numpy as np
warnings.simplefilter("ignore")
from sklearn.ensemble import GradientBoostingRegressor
from skl2onnx import to_onnx
rng = np.random.default_rng(1)
x = rng.normal(size=(2000, 12)).astype(np.float32)
model = GradientBoostingRegressor(n_estimators=200, max_depth=5, random_state=1).fit(x, x[:, 0] * x[:, 1] + x[:, 2])
open(sys.argv[1], "wb").write(to_onnx(model, x[:1], target_opset={"": 18, "ai.onnx.ml": 3}).SerializeToString())
"""


def floor_us(folder: pathlib.Path) -> tuple[float, float]:
    """A plain run of the model in a process of its own: p50, p99."""
    out = subprocess.run([SEED, "run", str(folder), str(ROWS)], capture_output=True, text=True, check=True).stdout
    p50, p99 = out.split()
    return float(p50), float(p99)


def body(rng: random.Random) -> bytes:
    row = [round(rng.gauss(0, 1), 6) for _ in range(12)]
    return json.dumps({"inputs": [{"name": "X", "shape": [1, 12], "datatype": "FP32", "data": row}]}).encode()


def took_us(connection: server.Connection, requests: list[bytes]) -> list[float]:
    times = []
    for request in requests:
        begin = time.perf_counter()
        connection.send(request)
        times.append((time.perf_counter() - begin) * 1e6)
    return times


with tempfile.TemporaryDirectory(prefix="pawl-bench-") as name:
    root = pathlib.Path(name)
    folder = root / "model"
    folder.mkdir()
    subprocess.run([os.environ["PAWL_PYTHON"], "-c", TRAIN, str(folder / "model.onnx")], check=True)
    subprocess.run([SEED, "endpoint", str(root / "data"), "trees", str(folder)], check=True, stderr=subprocess.DEVNULL)
    process, port, _ = server.start(root / "data")
    try:
        rng = random.Random(2)
        connection = server.Connection(port)
        requests = [connection.request("/v2/models/trees/infer", body(rng)) for _ in range(ROWS)]
        took_us(connection, requests[:200])  # the model is loaded when the server has begun to answer
        times = took_us(connection, requests)
        health = connection.request("/health", b"", "GET")
        way = took_us(connection, [health] * ROWS)
    finally:
        server.stop(process)
    p50, p99 = floor_us(folder)
    server.show(
        "V2 infer, one row of 12 floats, 200 trees, logged, p50 / p99",
        f"{server.median(times):.0f} / {server.percentile(times, 0.99):.0f} us",
        f"{p50:.1f} / {p99:.1f} us (model alone)",
        "next: p50 ≤ 100 us",
    )
    server.show("  of it the way there and back: GET /health, p50 / p99", f"{server.median(way):.0f} / {server.percentile(way, 0.99):.0f} us", "")
