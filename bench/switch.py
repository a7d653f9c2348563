"""Switching versions under 5,000 requests a second: while the load runs, another version goes live and is rolled back again and again, as a person would
by `pawl deploy` and `pawl rollback`. No request may fail; the longest time without any answer, beside the same load without a switch. Each server has core 0,
the load core 1."""

import json
import os
import pathlib
import subprocess
import tempfile
import time

import server

SECONDS = os.environ.get("PAWL_BENCH_SECONDS", "10")
RATE, CONNECTIONS = 5000, 32

def register(port: int, file: pathlib.Path) -> None:
    """A version as an MLflow client would make it."""
    run = server.ask(port, "POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
    server.ask(port, "PUT", f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/model/model.onnx", file.read_bytes())
    server.ask(port, "POST", "/api/2.0/mlflow/model-versions/create", {"name": "trees", "source": f"mlflow-artifacts:/0/{run}/artifacts/model", "run_id": run})


def start_load(port: int, body: pathlib.Path) -> subprocess.Popen:
    command = [server.BENCH / "bench_load", str(port), "/v2/models/trees/infer", "--body", body, "--rate", str(RATE), "--connections", str(CONNECTIONS),
               "--seconds", SECONDS, "--warm", "2000", "--tally", "model_version"]
    return subprocess.Popen(server.on_core(1) + command, stdout=subprocess.PIPE, text=True)


def ended(load: subprocess.Popen) -> dict:
    got = json.loads(load.communicate()[0])
    if got["errors"]:
        raise SystemExit(f"requests failed while versions were switched: {got['why']}")
    return got


with tempfile.TemporaryDirectory(prefix="pawl-bench-") as name:
    root = pathlib.Path(name)
    body = root / "body.json"
    body.write_text(json.dumps({"inputs": [{"name": "X", "shape": [1, 12], "datatype": "FP32", "data": [0.25] * 12}]}))
    process, port, _ = server.start(root / "data", core=0)
    try:
        server.ask(port, "POST", "/api/2.0/mlflow/registered-models/create", {"name": "trees"})
        for version in (1, 2):
            register(port, server.trees(root / str(version), columns=12, seed=version) / "model.onnx")

        def live(version: int) -> None:
            """Until that version is the one that answers."""
            while server.ask(port, "GET", "/api/pawl/v1/models/trees")["model"]["live"] != version:
                time.sleep(0.01)

        server.ask(port, "POST", "/api/pawl/v1/deployments", {"model": "trees", "version": 1})
        live(1)
        still = ended(start_load(port, body))
        load, switches = start_load(port, body), 0
        while load.poll() is None:
            server.ask(port, "POST", "/api/pawl/v1/deployments", {"model": "trees", "version": 2})
            live(2)
            time.sleep(0.1)
            server.ask(port, "POST", "/api/pawl/v1/endpoints/trees/rollback", {"reason": "bench"})
            live(1)
            switches += 2
            time.sleep(0.1)
        moved = ended(load)
    finally:
        server.stop(process)
    if set(moved["tally"]) != {"1", "2"}:
        raise SystemExit(f"the versions did not take turns: {moved['tally']}")
    server.show(
        f"{switches} switches and rollbacks under load, failed requests",
        "0",
        f"{moved['per_second']:,.0f}/s of {RATE:,}/s, {moved['answers']:,} answers",
        "0",
    )
    server.show(
        "  longest time without an answer, p99",
        f"{moved['pause_us'] / 1000:.1f} / {moved['p99_us'] / 1000:.2f} ms",
        f"{still['pause_us'] / 1000:.1f} / {still['p99_us'] / 1000:.2f} ms (the same load, no switch)",
    )
