"""docs/getting-started.md is true: its files are written and its commands run, in the order of the page, in one shell.

Three things differ from a reader: the port is a free one, ID and PREDICTION_ID are looked up as a reader would in what was just printed, and
the block marked `traffic` runs while a client keeps asking.
"""

import json
import os
import re
import selectors
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/getting-started.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)

LOOK_UP = f"""
open_id() {{  # the id of what waits for an approval, once something does
  for _ in $(seq 300); do
    id=$(pawl approve --json | {sys.executable} -c 'import json, sys; print(next((one["id"] for one in json.load(sys.stdin)["items"]), ""))')
    [ -z "$id" ] || {{ echo "$id"; return; }}
    sleep 0.2
  done
  echo "nothing waits for an approval" >&2
  return 1
}}
prediction_id() {{ {sys.executable} -c 'import json; print(json.load(open("../answer.json"))["parameters"]["prediction_ids"][0])'; }}
"""


class Shell:
    """One bash that keeps its folder and variables from block to block and ends at the first command that fails."""

    def __init__(self, folder: Path, env: dict):
        self.process = subprocess.Popen(["bash"], cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.run("set -euo pipefail\n" + LOOK_UP)

    def run(self, commands: str, seconds: float = 300) -> str:
        end, said, deadline = b"--- end of the block ---\n", b"", time.monotonic() + seconds
        self.process.stdin.write(f"{commands}\necho '{end.decode().strip()}'\n".encode())
        self.process.stdin.flush()
        with selectors.DefaultSelector() as wait:
            wait.register(self.process.stdout, selectors.EVENT_READ)
            while not said.endswith(end):
                more = os.read(self.process.stdout.fileno(), 65536) if wait.select(max(0, deadline - time.monotonic())) else b""
                said += more
                assert more, f"failed or took too long:\n{commands}\nit said:\n{said.decode(errors='replace')}"
        return said.removesuffix(end).decode()


def ask_until(over: threading.Event, address: str, token: str, failures: list, answers: list) -> None:
    body = re.search(r"-d '(\{.*?\})' \|", PAGE.read_text(), re.S)[1].encode()
    while not over.is_set():
        try:
            asked = urllib.request.Request(f"{address}/v2/models/samples/infer", body, {"Authorization": f"Bearer {token}"})
            with urllib.request.urlopen(asked, timeout=30) as answer:
                answers.append(json.load(answer)["parameters"]["model_version"])
        except Exception as problem:  # noqa: BLE001
            failures.append(repr(problem))


@pytest.fixture
def place(tmp_path):
    """A folder, an environment with pawl in its PATH, and an end to every process that was started with it."""
    pawl = Path(os.environ.get("PAWL_BINARY", ROOT / "build/pawl")).resolve()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PAWL_", "MLFLOW_", "GIT_"))}
    mark = f"PAWL_TEST_FOLDER={tmp_path}"
    env = kept | {"HOME": str(tmp_path / "home"), "PATH": f"{pawl.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONWARNINGS": "ignore"}
    (tmp_path / "home").mkdir()
    yield tmp_path, env | dict([mark.split("=", 1)])
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), 9)
        except OSError:
            pass


def test_the_page_takes_a_team_with_a_script_and_data_to_a_guarded_endpoint(place):
    folder, env = place
    shell, address, told = Shell(folder, env), "", {}
    for language, about, text in BLOCK.findall(PAGE.read_text()):
        if about and "." in about:  # a file of the team
            (folder / "samples" / about).write_text(text)
            continue
        assert language == "sh", f"a block the test does not know: {language} {about}"
        if about == "server":
            server = subprocess.Popen(text.replace("--port 5000", "--port 0").split(), cwd=folder, env=env, stdout=subprocess.PIPE,
                                      stderr=open(folder / "server.log", "w"), text=True)
            address = re.fullmatch(r"pawl: ready (\S+)\n", server.stdout.readline())[1]
            continue
        commands = text.replace("http://127.0.0.1:5000", address).replace("approve ID", "approve $(open_id)").replace("PREDICTION_ID", "$(prediction_id)")
        if about != "traffic":
            told[text.strip()] = shell.run(commands)
            continue
        over, failures, answers = threading.Event(), [], []
        client = threading.Thread(target=ask_until, args=(over, address, (folder / "app.token").read_text().strip(), failures, answers))
        client.start()
        try:
            shell.run(commands)
        finally:
            over.set()
            client.join()
        assert not failures, failures[:3]
        assert {"1", "2"} <= {str(version) for version in answers}, "the rollout was no canary"

    # What the page promises in words.
    answer = json.loads((folder / "answer.json").read_text())
    assert {output["name"]: output["datatype"] for output in answer["outputs"]} == {"label": "BYTES", "probabilities": "FP32"}
    assert answer["outputs"][0]["data"][0] in ("benign", "malignant")
    story = told["pawl why PREDICTION_ID"]
    assert all(word in story for word in ("samples@1", "olga", "data/train.csv", "strength", "train.py")), story
    arms = json.loads(shell.run("pawl endpoint samples --json"))["arms"]
    assert [arm["version"] for arm in arms] == [1], "the rollback did not go back"
    assert (folder / "samples-1/model.onnx").exists()
    assert "strength: 0.005" in (folder / "samples-1/params.yaml").read_text()

    # Watched: a quiet week, then one column that drifts, and an alarm about it.
    quiet, changed = json.loads(shell.run("pawl watch samples --json"))["windows"]
    assert (quiet["rows"], quiet["labelled"], quiet["drifted"], quiet["tested"]) == (300, 300, 0, 6), quiet
    assert [one["name"] for one in changed["columns"] if one["drifted"]] == ["texture"], changed
    assert changed["performance"]["watched"]["low"] < changed["performance"]["watched"]["value"] < changed["performance"]["watched"]["high"]
    alarms = json.loads(shell.run("pawl alarm --json"))["items"]
    assert {"drift"} <= {one["kind"] for one in alarms} <= {"drift", "column", "performance"}, alarms

    # A text that is no number, where the model wants one, and a delivery that breaks its checks.
    bad = shell.run("sed 's/,007,/,7,/; s/,benign/,unclear/' data/samples.csv > bad.csv\n"
                    "pawl data check bad.csv --checks checks.yaml --json || echo exit $?")
    refused, code = bad.rsplit("exit ", 1)
    assert code.strip() == "1"
    found = {(one["column"], one["check"]) for one in json.loads(refused)["findings"]}
    assert {("clinic", "regex"), ("finding", "in")} <= found
