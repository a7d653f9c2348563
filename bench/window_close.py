"""Closing a window of 1,000,000 rows, 20 columns and labels: monitoring's own share of it, from memory, beside sorting the same columns on one core; then the
whole of it from a sealed prediction log, in a process of its own, beside reading the log and doing nothing with it; then by a server under load."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import server

ROWS, COLUMNS = int(os.environ.get("PAWL_BENCH_ROWS", 1_000_000)), 20
RATE = 2_000  # requests of one row a second


def run(what: str, folder: pathlib.Path) -> str:
    return subprocess.run([server.BENCH / "bench_window_close", what, folder, str(ROWS), str(COLUMNS)], capture_output=True, text=True, check=True).stdout


def live(root: pathlib.Path) -> None:
    """A server that answers while it closes such a window. The load is open loop and lasts as long as a closing does without it: what it saw beside the same
    load when nothing closes."""
    data, body = root / "data", root / "body.json"
    subprocess.run([server.BENCH / "serving_seed", "endpoint", data, "e", server.trees(root / "model", COLUMNS)], check=True, stderr=subprocess.DEVNULL)
    run("log", data)
    (data / "artifacts").mkdir(exist_ok=True)
    (data / "reference.parquet").rename(data / "artifacts/reference.parquet")
    (root / "monitor.json").write_text(json.dumps({
        "endpoint": "e", "model": "e", "version": 1, "task": "regression", "reference": "reference.parquet", "time": "time", "reference_value": 5,
        "metric": "mae", "worse_by": 0.25, "window": "28d", "from": "2013-03-01", "lateness": "1000d", "idle": "1000d"}))
    subprocess.run([server.BENCH / "monitoring_seed", data, root / "monitor.json"], check=True)
    body.write_text(json.dumps({"inputs": [{"name": "X", "shape": [1, COLUMNS], "datatype": "FP32", "data": [0.25] * COLUMNS}],
                                "parameters": {"event_time": "2013-03-29T12:00:00Z"}}))  # after the window

    def load(port: int, seconds: float) -> dict:
        return server.load(port, "e", [body], "--rate", str(RATE), "--connections", "16", "--seconds", f"{seconds:.2f}")

    def close(port: int, beside=lambda: None) -> float:
        """Seconds until the window was closed."""
        begin = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = pool.submit(server.ask, port, "POST", "/api/pawl/v1/endpoints/e/windows/close", {"until": "2013-03-29"})
            ended = pool.submit(lambda: (asked.result(), time.perf_counter())[1])
            beside()
            closed = asked.result()["items"]
            if [(w["rows"], w["labelled"]) for w in closed] != [(ROWS, ROWS)]:
                raise SystemExit(f"another window closed: {closed}")
            return ended.result() - begin

    alone, rounds = 0, []
    for _ in range(6):  # the first without load: how long that takes
        copy = root / "copy"
        shutil.copytree(data, copy)
        process, port, _ = server.start(copy)
        try:
            load(port, 0.5)  # the model is loaded
            if not alone:
                before = server.memory_mib(process.pid)["rss"]
                alone, memory = close(port), server.peak_mib(process.pid) - before
                continue
            quiet, busy = load(port, alone), []
            took = close(port, lambda: busy.append(load(port, alone)))
            rounds.append((busy[0]["p99_us"] / quiet["p99_us"], quiet["p99_us"], busy[0]["p99_us"], took))
        finally:
            server.stop(process)
            shutil.rmtree(copy)
    rounds.sort()
    ratio, quiet, busy, took = rounds[len(rounds) // 2]
    server.show(f"  closed by a server that answers {RATE:,}/s, p99 quiet / closing", f"{quiet:.0f} / {busy:.0f} us",
                f"{ratio:.1f} times as long ({rounds[0][0]:.1f} to {rounds[-1][0]:.1f}); closed in {took:.2f} s, {alone:.2f} s without load; {memory:.0f} MiB more", "at most doubled")


with tempfile.TemporaryDirectory(prefix="pawl-bench-") as name:
    folder = pathlib.Path(name)
    got = json.loads(run("memory", folder))
    print(f"window_close {ROWS:,} x {COLUMNS} with labels, from memory: {got['one_thread_s']:.3f} s on one core, {got['two_threads_s']:.3f} s on two (bound 1.5 s)"
          f" | limit, sorting alone: {got['sort_s']:.3f} s")
    print(f"  peak {got['peak_mib'] - got['source_mib']:.0f} MiB without the made rows (bound 300 MiB), {got['drifted']} columns drifted;"
          f" reference of 200,000 rows read in {got['reference_again_s']:.2f} s, with its limits computed {got['reference_first_s']:.2f} s")
    run("log", folder)
    got = json.loads(run("close", folder))
    if (got["rows"], got["labelled"]) != (ROWS, ROWS):
        raise SystemExit(f"rows or labels were lost: {got}")
    print(f"  from a sealed log, reference read too: {got['close_s']:.2f} s (bound 3 s), {got['peak_mib']:.0f} MiB (bound 300 MiB), {got['passes']} pass"
          f" | limit, reading the log alone: {got['read_s']:.2f} s", flush=True)

with tempfile.TemporaryDirectory(prefix="pawl-bench-") as name:
    live(pathlib.Path(name))
