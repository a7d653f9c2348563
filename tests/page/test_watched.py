"""A watched endpoint on the page, in a real browser: the server and its data as in tests/monitoring, what is done there is done in watched.mjs."""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "monitoring"))

from test_watch import watched  # noqa: E402, F401  an endpoint `e`, watched by the week


def test_a_window_that_drifted_is_seen_read_and_acknowledged(watched, tmp_path):  # noqa: F811
    shots = Path(os.environ.get("PAGE_SHOTS", tmp_path / "shots"))
    shots.mkdir(exist_ok=True)
    done = subprocess.run([Path(sys.executable).parent / "node", HERE / "watched.mjs", json.dumps({"url": watched.url, "shots": str(shots)})],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
    print(done.stdout)
