"""Bodies of log-batch for the benchmarks: no two points alike, since a repeated point is stored once."""

import json

KEYS = 10


def bodies(run_id: str, count: int, first: int = 0, points: int = 1000) -> list[bytes]:
    out = []
    for b in range(first, first + count):
        metrics = [
            {"key": f"train/metric_{i % KEYS}", "value": 1.0 / (1 + b * points + i), "timestamp": 1_700_000_000_000 + b * points + i, "step": b * (points // KEYS) + i // KEYS}
            for i in range(points)
        ]
        out.append(json.dumps({"run_id": run_id, "metrics": metrics}).encode())
    return out


def new_run(connection) -> str:
    made = connection.send(connection.request("/api/2.0/mlflow/runs/create", json.dumps({"experiment_id": "0"}).encode()))
    return json.loads(made)["run"]["info"]["run_id"]
