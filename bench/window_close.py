"""Closing a window of 1,000,000 rows, 20 columns and labels: monitoring's own share of it, from memory; beside sorting the same columns on one core."""

import json
import os
import subprocess
import tempfile

ROWS, COLUMNS = int(os.environ.get("PAWL_BENCH_ROWS", 1_000_000)), 20

with tempfile.TemporaryDirectory(prefix="pawl-bench-") as folder:
    program = [os.path.join(os.environ["PAWL_BENCH"], "bench_window_close"), folder, str(ROWS), str(COLUMNS)]
    got = json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout)
print(f"window_close {ROWS:,} x {COLUMNS} with labels: {got['one_thread_s']:.3f} s on one core, {got['two_threads_s']:.3f} s on two (bound 1.5 s)"
      f" | limit, sorting alone: {got['sort_s']:.3f} s")
print(f"  peak {got['peak_mib'] - got['source_mib']:.0f} MiB without the made rows (bound 300 MiB), {got['drifted']} columns drifted;"
      f" reference of 200,000 rows read in {got['reference_again_s']:.2f} s, with its limits computed {got['reference_first_s']:.2f} s")
