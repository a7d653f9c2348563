"""log-batch of 1,000 metrics as JSON over HTTP, durable, from one connection and from four; beside raw rows into SQLite in the same run."""

import subprocess
import threading
import time

import metrics
import server

REQUESTS = 300  # per connection


def rate(port: int, connections: int) -> float:
    prepared = []
    for _ in range(connections):
        connection = server.Connection(port)
        run = metrics.new_run(connection)
        prepared.append((connection, [connection.request("/api/2.0/mlflow/runs/log-batch", b) for b in metrics.bodies(run, REQUESTS)]))

    def send(connection, requests):
        for request in requests:
            connection.send(request)

    threads = [threading.Thread(target=send, args=p) for p in prepared]
    begin = time.perf_counter()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return connections * REQUESTS * 1000 / (time.perf_counter() - begin)


raw = float(subprocess.run([server.BENCH / "bench_sqlite_rows"], capture_output=True, text=True, check=True).stdout)
limit = f"{raw:,.0f} rows/s (raw SQLite)"
with server.server() as (_, port):
    for connections in (1, 4):
        server.show(f"log-batch of 1,000 metrics, durable, {connections} connection(s)", f"{rate(port, connections):,.0f}/s", limit, "≥ 300,000 metrics/s")
