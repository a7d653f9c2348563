"""The demo is one of the tests: it walks the whole loop on real data and checks each of its own claims."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_demo_keeps_every_claim_it_makes(tmp_path):
    pawl = os.environ.get("PAWL_BINARY", str(ROOT / "build/pawl"))
    done = subprocess.run(
        [sys.executable, ROOT / "examples/flights/demo.py", "--pawl", pawl, "--out", tmp_path],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900,
    )
    assert done.returncode == 0, done.stdout
    steps = json.loads((tmp_path / "demo.json").read_text())
    assert steps, "demo.json tells nothing"
