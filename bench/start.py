"""Start to ready on an empty folder and on one with a million metric points, and memory when idle."""

import pathlib
import subprocess
import tempfile
import time

import metrics
import server

ROUNDS = 21


def floor_ms() -> float:
    """The same program asked for its version: loading and linking without serving."""
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        subprocess.run([server.BINARY, "--version"], stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - begin) * 1000)
    return server.median(times)


def ready_ms(data: pathlib.Path, fresh: bool) -> float:
    times = []
    for i in range(ROUNDS):
        process, _, seconds = server.start(data / str(i) if fresh else data)
        server.stop(process)
        times.append(seconds * 1000)
    return server.median(times)


with tempfile.TemporaryDirectory(prefix="pawl-bench-") as folder:
    root = pathlib.Path(folder)
    limit = f"{floor_ms():.1f} ms (--version)"
    server.show("start to ready, empty folder, median of 21", f"{ready_ms(root / 'empty', fresh=True):.1f} ms", limit, "≤ 50 ms")

    process, port, _ = server.start(root / "full")
    connection = server.Connection(port)
    idle = server.memory_mib(process.pid)
    run = metrics.new_run(connection)
    for body in metrics.bodies(run, 1000):
        connection.send(connection.request("/api/2.0/mlflow/runs/log-batch", body))
    server.stop(process)
    server.show("start to ready, 1,000,000 metric points", f"{ready_ms(root / 'full', fresh=False):.1f} ms", limit, "≤ 50 ms")
    server.show("memory, idle: resident (of that its own share)", f"{idle['rss']:.1f} MiB", f"({idle['pss']:.1f} MiB)", "≤ 30 MiB")
