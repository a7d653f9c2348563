"""Labels in bulk over HTTP, durable before they are acknowledged: 100,000 a request as JSON and as Parquet; beside the same bytes of log written and synced by
themselves. Then a window of 1,000,000 rows and 20 columns read back with its labels, from the open log and from sealed files."""

import io
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pyarrow
import pyarrow.parquet
import server

AT_ONCE, ROUNDS = 100_000, 4
MODEL = pathlib.Path(__file__).parent.parent / "tests/serving/models/linear.onnx"
PATH = "/api/pawl/v1/endpoints/e/labels"


def predicted(connection: server.Connection, rows: int) -> list[str]:
    ids: list[str] = []
    at_once = 10_000
    column = {"shape": [at_once], "datatype": "FP32", "data": list(range(at_once))}
    request = connection.request("/v2/models/e/infer", json.dumps({"inputs": [{"name": n, **column} for n in "ab"]}).encode())
    while len(ids) < rows:
        ids += json.loads(connection.send(request))["parameters"]["prediction_ids"]
    return ids


def as_json(ids: list[str], value: float) -> bytes:
    return json.dumps({"labels": [{"prediction_id": i, "label": k + value} for k, i in enumerate(ids)]}).encode()


def as_parquet(ids: list[str], value: float) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"prediction_id": ids, "label": [k + value for k in range(len(ids))]}), out)
    return out.getvalue()


def rate(connection: server.Connection, bodies: list[bytes], media_type: str) -> float:
    requests = [connection.request(PATH, b).replace(b"application/json", media_type.encode(), 1) for b in bodies]
    begin = time.perf_counter()
    for request in requests:
        taken = json.loads(connection.send(request))
        if taken["taken"] != AT_ONCE or taken["waiting"]:
            raise SystemExit(f"unexpected: {taken}")
    return AT_ONCE * len(requests) / (time.perf_counter() - begin)


def written_alone(folder: pathlib.Path, bytes_each: int) -> float:
    """Labels a second when as many bytes as a request adds to the log are only written and synced."""
    piece = os.urandom(bytes_each)
    file = os.open(folder / "raw", os.O_WRONLY | os.O_CREAT)
    begin = time.perf_counter()
    for _ in range(ROUNDS):
        os.write(file, piece)
        os.fdatasync(file)
    seconds = time.perf_counter() - begin
    os.close(file)
    return AT_ONCE * ROUNDS / seconds


with tempfile.TemporaryDirectory(prefix="pawl-bench-") as name:
    root = pathlib.Path(name)
    (root / "model").mkdir()
    shutil.copy(MODEL, root / "model/model.onnx")
    subprocess.run([server.BENCH / "serving_seed", "endpoint", root / "data", "e", root / "model"], check=True, stderr=subprocess.DEVNULL)
    process, port, _ = server.start(root / "data")
    try:
        connection = server.Connection(port)
        ids = predicted(connection, AT_ONCE * ROUNDS)
        pieces = [ids[i : i + AT_ONCE] for i in range(0, AT_ONCE * ROUNDS, AT_ONCE)]
        of_json = rate(connection, [as_json(p, 0.5) for p in pieces], "application/json")
        of_parquet = rate(connection, [as_parquet(p, 0.25) for p in pieces], "application/vnd.apache.parquet")
    finally:
        server.stop(process)
    log = sum(f.stat().st_size for f in (root / "data/predictions/e/labels").iterdir())
    raw = written_alone(root, log // (2 * ROUNDS))
    limit = f"{raw:,.0f}/s (written and synced alone)"
    server.show("labels of 100,000 a request as JSON, durable", f"{of_json:,.0f}/s", f"{limit}, {of_json / raw:.1%} of it", "≥ 200,000/s")
    server.show("  as Parquet", f"{of_parquet:,.0f}/s", f"{limit}, {of_parquet / raw:.1%} of it", "≥ 200,000/s")
    (root / "rows").mkdir()
    out = subprocess.run([server.BENCH / "bench_log_rows", root / "rows", "1000000", "20", "64"], capture_output=True, text=True, check=True).stdout
    got = json.loads(out)
    if not got["same"]:
        raise SystemExit(f"rows or labels were lost: {out}")
    print(
        f"1,000,000 rows x 20 columns read with labels: {got['tail_s']:.2f} s and {got['tail_mib']:.0f} MiB from the open log, {got['sealed_s']:.2f} s and"
        f" {got['sealed_mib']:.0f} MiB with sealed files (wanted ≤ 1.5 s); sealing {got['seal_s']:.1f} s and {got['seal_mib']:.0f} MiB",
        flush=True,
    )
