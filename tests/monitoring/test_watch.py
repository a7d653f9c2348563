"""Windows and alarms from outside: a real server, real predictions over the V2 protocol, the command line, a receiver of notifications."""

import json
import os
import queue
import random
import re
import shutil
import subprocess
import threading
import time
import xml.etree.ElementTree as xml
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
PAWL = os.environ.get("PAWL_BINARY", str(ROOT / "build/pawl"))
MONDAY = datetime(2013, 3, 4, tzinfo=timezone.utc)


def program(name):
    for folder in (Path(PAWL).parent, ROOT / "build/dev", ROOT / "build/release"):
        if (folder / name).exists():
            return folder / name
    raise RuntimeError(f"{name} was not built: make build")


def pawl(server, *words, code=0, given=""):
    ran = subprocess.run([PAWL, *words, "--data", str(server.data), "--json"], input=given, capture_output=True, text=True)
    assert ran.returncode == code, (words, ran.returncode, ran.stdout, ran.stderr)
    return json.loads(ran.stdout)


def until(answer, what):
    """The watch looks each second; nothing tells an outsider when."""
    for _ in range(300):
        if found := answer():
            return found
        time.sleep(0.1)
    raise AssertionError(what())


@pytest.fixture
def watched(tmp_path, request):
    """An endpoint `e` (y = 2a + 3b + 1), watched by the week against two months of a and b around 0."""
    rng = random.Random(1)
    model = tmp_path / "model"
    model.mkdir()
    shutil.copy(ROOT / "tests/serving/models/linear.onnx", model / "model.onnx")
    data = tmp_path / "data"
    subprocess.run([program("serving_seed"), "endpoint", data, "e", model], check=True, capture_output=True)
    days = [datetime(2013, 1, 1, tzinfo=timezone.utc) + timedelta(days=d) for d in range(59)]
    rows = [f"{day.isoformat()},{rng.gauss(0, 1):.6f},{rng.gauss(0, 1):.6f}" for day in days for _ in range(20)]
    (data / "artifacts/1.csv").write_text("\n".join(["time,a,b", *rows]) + "\n")
    (tmp_path / "monitor.json").write_text(json.dumps({
        "endpoint": "e", "model": "e", "version": 1, "task": "regression", "reference": "1.csv", "time": "time", "reference_value": 1,
        "metric": "mae", "worse_by": 0.5, "window": "1 week", "from": "2013-03-01", "idle": "1h", "share": 0.5, "alert": ["ops"]}))
    subprocess.run([program("monitoring_seed"), data, tmp_path / "monitor.json"], check=True, capture_output=True)
    server = request.getfixturevalue("own_server")  # on the same folder, only now
    assert server.data == data
    server.rng = rng
    return server


def send(server, day, days, shift=0.0, rows=40):
    """Rows over some days; answers ids and predictions."""
    out = []
    for d in range(days):
        a, b = ([server.rng.gauss(by, 1) for _ in range(rows)] for by in (shift, 0))
        tensor = lambda name, values: {"name": name, "shape": [rows, 1], "datatype": "FP32", "data": values}
        said = requests.post(f"{server.url}/v2/models/e/infer", timeout=30, json={
            "inputs": [tensor("a", a), tensor("b", b)], "parameters": {"event_time": (day + timedelta(days=d)).isoformat()}})
        assert said.status_code == 200, said.text
        out += zip(said.json()["parameters"]["prediction_ids"], said.json()["outputs"][0]["data"])
    return out


def windows(server):
    return pawl(server, "watch", "e")["windows"]


def test_drift_becomes_an_alarm_that_survives_a_kill_and_is_told(watched, tmp_path):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    got = queue.Queue()
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    pawl(watched, "notify", "add", "ops", "--webhook", f"http://127.0.0.1:{receiver.server_port}/", "--events", "alarm.", "--allow-private")

    first = send(watched, MONDAY, 7)
    send(watched, MONDAY + timedelta(days=7), 7, shift=2)
    assert windows(watched) == []
    send(watched, MONDAY + timedelta(days=15), 1)
    watched.kill()  # whatever was begun
    watched.start()
    until(lambda: len(windows(watched)) == 2, lambda: windows(watched))
    quiet, drifted = windows(watched)
    assert (quiet["start"], quiet["rows"], quiet["tested"], quiet["drifted"]) == ("2013-03-04T00:00:00Z", 280, 2, 0)
    assert (drifted["end"], drifted["rows"], drifted["drifted"]) == ("2013-03-18T00:00:00Z", 280, 1)
    column = next(c for c in drifted["columns"] if c["name"] == "a")
    assert column["distance"] > column["limit"] and column["q"] < 0.01
    assert [o["name"] for o in drifted["outputs"]] == ["y"]
    bins = requests.get(f"{watched.url}/api/pawl/v1/endpoints/e/windows/{drifted['id']}/columns/a", timeout=30).json()["items"]
    assert sum(b["current"] for b in bins) == pytest.approx(1) == sum(b["reference"] for b in bins)

    alarms = pawl(watched, "alarm")["items"]
    assert sorted((a["kind"], a["column"], a["state"]) for a in alarms) == [("column", "a", "firing"), ("drift", "", "firing")]
    message = got.get(timeout=60)
    assert message["text"] == "Alarm opened on endpoint e: drift of a, 0.5 against a limit of 0.5, window until 2013-03-18T00:00:00Z."
    closed = [e for e in pawl(watched, "ledger", "--what", "window.closed")["items"] if e["subject"]["id"] == drifted["id"]]
    assert [message["event"]["cause"]] == [e["id"] for e in closed]
    assert pawl(watched, "ledger", "--verify")["whole"]

    report = tmp_path / "watch.xml"
    pawl(watched, "watch", "e", "--junit", str(report), "--check", code=1)
    suite = xml.parse(report).getroot().find("testsuite")
    assert {case.get("name") for case in suite if case.find("failure") is not None} == {"drift of a", "share of columns that drifted"}
    table = subprocess.run([PAWL, "watch", "e", "--data", watched.data], capture_output=True, text=True, check=True).stdout
    assert re.search(r"^2013-03-11 – 2013-03-18 +1 +280 +0 +1 of 2", table, re.M), table
    assert "DRIFTED" in table

    # Labels of the first week come late: it is computed again, and they are worse than the reference by more than half.
    labels = [{"prediction_id": i, "label": answer + 3} for i, answer in first[:200]]
    assert requests.post(f"{watched.url}/api/pawl/v1/endpoints/e/labels", json={"labels": labels}, timeout=30).status_code == 200
    until(lambda: windows(watched)[0]["labelled"] == 200, lambda: windows(watched))
    seen = windows(watched)[0]
    assert seen["state"] == "recomputed" and seen["performance"]["worse"]
    assert seen["performance"]["watched"]["value"] == pytest.approx(3, rel=1e-4)
    assert got.get(timeout=60)["event"]["data"]["kind"] == "performance"

    drift = next(a["id"] for a in alarms if a["kind"] == "drift")
    assert pawl(watched, "alarm", "ack", drift)["acknowledged_by"] == "owner"
    assert pawl(watched, "alarm", "silence", drift, "--until", "2099-01-01")["silenced_until"] == "2099-01-01T00:00:00Z"
    assert got.get(timeout=60)["event"]["what"] == "alarm.acknowledged"

    # The rest is closed by hand; two quiet windows end the alarm, and nobody is told of a silenced one.
    send(watched, MONDAY + timedelta(days=16), 12)
    by_hand = pawl(watched, "watch", "close", "e", "--until", "2013-04-01")["items"]
    assert [w["end"] for w in by_hand] == ["2013-03-25T00:00:00Z", "2013-04-01T00:00:00Z"][-len(by_hand):]
    until(lambda: len(windows(watched)) == 4, lambda: windows(watched))
    ended = until(lambda: [a for a in pawl(watched, "alarm", "list", "--state", "closed")["items"] if a["id"] == drift], lambda: pawl(watched, "alarm"))
    assert ended[0]["reason"] == "quiet for 2 windows"
    assert got.empty() or all(m["event"]["subject"]["id"] != drift for m in got.queue)

    numbers = requests.get(f"{watched.url}/metrics", timeout=30).text
    for series in set(re.findall(r"pawl_[a-z_]+", (ROOT / "docs/grafana.json").read_text())):
        assert re.search(rf"^{series}\{{", numbers, re.M), series
    receiver.shutdown()
    receiver.server_close()


def test_what_is_not_there_is_said(watched):
    assert pawl(watched, "watch", "nowhere", code=3)["status"] == 404
    assert pawl(watched, "watch", "close", "e", "--until", "tomorrow", code=3)["field"] == "until"
    assert pawl(watched, "watch", "close", "e", "--until", "2013-04-01")["items"] == []
    assert pawl(watched, "watch")["items"][0]["monitor"]["endpoint"] == "e"
    assert pawl(watched, "alarm")["items"] == []
    assert requests.get(f"{watched.url}/api/pawl/v1/endpoints/e/windows/none", timeout=30).status_code == 404
    assert requests.get(f"{watched.url}/api/pawl/v1/endpoints/e/windows?after=x", timeout=30).status_code == 400
