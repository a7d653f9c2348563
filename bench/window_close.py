"""Closing a window of 1,000,000 rows, 20 columns and labels: monitoring's own share of it, from memory, beside sorting the same columns on one core; then the
whole of it from a sealed prediction log, in a process of its own, beside reading the log and doing nothing with it."""

import json
import os
import pathlib
import subprocess
import tempfile

ROWS, COLUMNS = int(os.environ.get("PAWL_BENCH_ROWS", 1_000_000)), 20


def run(what: str, folder: pathlib.Path) -> str:
    program = os.path.join(os.environ["PAWL_BENCH"], "bench_window_close")
    return subprocess.run([program, what, folder, str(ROWS), str(COLUMNS)], capture_output=True, text=True, check=True).stdout


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
