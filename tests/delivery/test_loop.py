"""The loop on other data than the flights: a classification with string columns, CSV files and a time column, from a push to a live endpoint,
with a server that is killed in the middle. What a team would do, by the command line and the HTTP API alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import requests

from conftest import PAWL, PawlServer

pytest.importorskip("skl2onnx")

FILES = {
    ".gitignore": "/data\n/model.onnx\n",
    "params.yaml": "make: {until: 30, seed: 1}\ntrain: {c: 0.0005, spoil: false}\n",
    "dvc.yaml": """\
        stages:
          make:
            cmd: python make.py
            deps: [make.py]
            params: [make]
            outs: [data/train.csv, data/test.csv]
          train:
            cmd: python train.py
            deps: [train.py, data/train.csv]
            params: [train]
            outs: [model.onnx]
        """,
    "checks.yaml": """\
        checks:
          - columns:
              shop: {type: string, in: [north, south, "007"], missing_max: 0}
              amount: {type: float, min: 0, max: 1000}
        """,
    "pawl.yaml": """\
        pawl: 1
        project: shops
        model:
          name: returns
          task: classification
          label: returned
          time: day
          score: probabilities
          positive: "yes"
        train:
          data: {train: data/train.csv, test: data/test.csv}
        gate:
          - metric: {name: auc, min: 0.6}
          - metric: {name: accuracy, min: 0.55}
          - better_than: {metric: log_loss, confidence: 0.95}
          - slices: {by: shop, metric: accuracy, max_gap: 0.5}
          - data: {checks: checks.yaml}
          - approve: {by: operator, not: author}
        serve:
          endpoint: returns-live
          rollout:
            steps: [50%, 100%]
            hold: {time: 1s, predictions: 20}
            rollback_when: {error_rate: 0.5}
        """,
    "make.py": """\
        import random
        from pathlib import Path
        import yaml
        p = yaml.safe_load(open("params.yaml"))["make"]
        rng = random.Random(p["seed"])
        Path("data").mkdir(exist_ok=True)
        with open("data/train.csv", "w") as train, open("data/test.csv", "w") as test:
            for out in (train, test):
                out.write("day,shop,amount,returned\\n")
            for day in range(p["until"]):
                for _ in range(60):
                    shop = rng.choice(["north", "south", "007"])
                    amount = round(rng.uniform(1, 900), 2)
                    odds = 0.2 + 0.5 * (shop == "007") + 0.25 * (amount > 500)
                    row = f"2024-01-{day + 1:02}T08:00:00Z,{shop},{amount},{'yes' if rng.random() < odds else 'no'}\\n"
                    (train if day < p["until"] - 10 else test).write(row)
        """,
    "train.py": """\
        import os, time
        import mlflow, numpy as np, pandas as pd, yaml
        from pathlib import Path
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType, StringTensorType
        from sklearn.compose import ColumnTransformer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler
        p = yaml.safe_load(open("params.yaml"))["train"]
        gate = Path(os.environ["HOME"]) / "hold"      # the test holds a training here
        while gate.exists():
            time.sleep(0.05)
        rows = pd.read_csv("data/train.csv", dtype={"shop": str})
        y = rows["returned"]
        if p["spoil"]:
            y = y.sample(frac=1, random_state=1).reset_index(drop=True)
        model = make_pipeline(
            ColumnTransformer([("shop", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["shop"]), ("amount", StandardScaler(), ["amount"])]),
            LogisticRegression(C=p["c"]),
        ).fit(rows[["shop", "amount"]], y)
        onnx = to_onnx(model, initial_types=[("shop", StringTensorType([None, 1])), ("amount", FloatTensorType([None, 1]))],
                       options={"zipmap": False}, target_opset={"": 18, "ai.onnx.ml": 3})
        Path("model.onnx").write_bytes(onnx.SerializeToString())
        mlflow.set_experiment("returns")
        with mlflow.start_run():
            mlflow.log_params(p)
            mlflow.onnx.log_model(onnx, name="model", registered_model_name="returns")
        """,
}


class Team:
    """A repository of its own, two people, a server."""

    def __init__(self, folder: Path, monkeypatch, files=FILES):
        self.folder, self.tokens = folder, {}
        home = folder / "home"
        home.mkdir()
        for name in [n for n in os.environ if n.startswith(("PAWL_", "MLFLOW_", "GIT_"))]:
            monkeypatch.delenv(name)
        for name, value in {
            "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "PYTHONWARNINGS": "ignore", "GIT_AUTHOR_NAME": "ada", "GIT_COMMITTER_NAME": "ada",
            "GIT_AUTHOR_EMAIL": "ada@shops.test", "GIT_COMMITTER_EMAIL": "ada@shops.test",
            "PATH": f"{Path(PAWL).resolve().parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        }.items():
            monkeypatch.setenv(name, value)
        self.home, self.hold = home, home / "hold"
        self.server = PawlServer(folder / "data")
        self.origin, self.work = folder / "shops.git", folder / "shops"
        self.sh("git", "init", "--quiet", "--bare", "--initial-branch=main", self.origin)
        self.sh("git", "init", "--quiet", "--initial-branch=main", self.work)
        for name, text in files.items():
            (self.work / name).write_text(textwrap.dedent(text))
        self.sh(PAWL, "init", cwd=self.work)
        self.sh("git", "remote", "add", "origin", self.origin, cwd=self.work)

    def start_again(self):
        """On the same folder and port: the runner and the hook know no other."""
        port = self.server.url.rsplit(":", 1)[1]
        log = open(self.folder / "again.log", "wb")
        self.server.process = subprocess.Popen([PAWL, "server", "--port", port, "--data", self.server.data], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        self.server.log = log
        line = self.server.process.stdout.readline()
        assert line.strip() == f"pawl: ready {self.server.url}", line

    def sh(self, *words, cwd=None, code=0, env=None):
        done = subprocess.run([str(w) for w in words], cwd=cwd or self.folder, capture_output=True, text=True, env=os.environ | (env or {}), timeout=300)
        if code is not None:
            assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def pawl(self, *words, by=None, code=0):
        """As somebody, or as the server's owner."""
        speaks = ["--server", self.server.url] if by else ["--data", self.server.data]
        out = self.sh(PAWL, "--json", *speaks, *words, code=code, env={"PAWL_TOKEN": self.tokens[by]} if by else {}, cwd=self.work)
        return json.loads(out) if out else None

    def ask(self, method, path, **more):
        """Over HTTP, as olga."""
        got = requests.request(method, self.server.url + path, timeout=120, headers={"Authorization": f"Bearer {self.tokens['olga']}"}, **more)
        assert got.status_code == 200, got.text
        return got.json()

    def people(self):
        for name, role in (("olga", "operator"), ("ada", "scientist")):
            self.tokens[name] = self.pawl("user", "add", name, "--role", role)["token"]

    def repository(self, name):
        self.pawl("repo", "add", self.origin, "--name", name, by="olga")
        self.pawl("repo", "hook", name, self.origin, by="olga")

    def chain(self, event):
        """What led to an event, back to the first."""
        by_id = {e["id"]: e for e in self.pawl("ledger", "--limit", "1000", by="olga")["items"]}
        out = []
        while event:
            out.append(by_id[event]["what"])
            event = by_id[event]["cause"]
        return out

    def commit(self, message):
        self.sh("git", "add", "-A", cwd=self.work)
        self.sh("git", "commit", "--quiet", "--allow-empty", "-m", message, cwd=self.work)
        self.sh("git", "push", "--quiet", "origin", "main", cwd=self.work)
        return self.sh("git", "rev-parse", "HEAD", cwd=self.work).strip()

    def edit(self, file, old, new):
        text = (self.work / file).read_text()
        assert text.count(old) == 1
        (self.work / file).write_text(text.replace(old, new))

    def flow(self, commit, code=0):
        return self.pawl("flow", "--commit", commit, "--wait", "--timeout", "60s", by="olga", code=code)

    def infer(self, rows, key=None):
        shop, amount = zip(*rows)
        n = len(rows)
        body = {"inputs": [{"name": "shop", "shape": [n, 1], "datatype": "BYTES", "data": list(shop)},
                           {"name": "amount", "shape": [n, 1], "datatype": "FP32", "data": list(amount)}]}
        if key is not None:
            body["parameters"] = {"routing_key": str(key)}
        return self.ask("POST", "/v2/models/returns-live/infer", json=body)

    def until(self, seen, what):
        for _ in range(600):
            if got := seen():
                return got
            time.sleep(0.1)
        raise AssertionError(f"never: {what}")


    def end(self):
        self.hold.unlink(missing_ok=True)
        self.server.stop()
        lock = self.server.data / "runner" / "runner.lock"
        # A runner that trains outlives its server, but must not outlive the folder.
        if lock.exists() and subprocess.run(["flock", "--nonblock", lock, "true"], check=False).returncode != 0:
            os.kill(int(lock.read_text()), signal.SIGTERM)
            subprocess.run(["flock", "--timeout", "60", lock, "true"], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def team(tmp_path, monkeypatch):
    team = Team(tmp_path, monkeypatch)
    yield team
    team.end()


def test_from_a_push_to_a_guarded_endpoint_on_other_data(team):
    team.people()
    team.repository("shops")

    # A plan first: nothing trains before an operator says so.
    first = team.commit("first")
    plan = team.flow(first)
    assert (plan["state"], plan["model"]) == ("proposed", "returns")
    assert team.pawl("plan", by="ada", code=1)["differs"]
    team.pawl("approve", plan["approval"], by="ada", code=3)          # a scientist may not
    team.hold.touch()
    team.pawl("approve", plan["approval"], by="olga")

    # The server dies while the pipeline runs; the training goes on and its result arrives once.
    flow = team.until(lambda: next((f for f in team.pawl("flow", by="olga")["items"] if f["state"] == "training"), None), "training")
    team.until(lambda: "train" in team.sh(PAWL, "--server", team.server.url, "flow", flow["id"], "--log", env={"PAWL_TOKEN": team.tokens["olga"]}), "the stage train")
    team.server.kill()
    team.hold.unlink()
    team.start_again()
    flow = team.flow(first)
    assert flow["version"] == 1, flow

    # Nobody knows ada's address yet: the approval cannot open.
    assert flow["state"] == "waiting" and "pawl user map ada@shops.test USER" in flow["reason"]
    checks = {c["name"]: c for c in flow["gate"]["checks"]}
    assert checks["metric auc"]["state"] == "pass" and 0.6 < checks["metric auc"]["estimate"] < 1
    assert checks["better_than champion"]["seen"] == "first version"
    assert checks["slices shop"]["state"] == "pass"
    assert {s["value"] for s in checks["slices shop"]["evidence"]["items"]} == {"north", "south", "007"}  # 007 stayed text
    assert checks["data checks.yaml"]["state"] == "pass"
    team.pawl("user", "map", "ada@shops.test", "ada")
    approval = team.until(lambda: team.pawl("approve", by="olga")["items"], "an open approval")[0]
    assert approval["rule"]["not"] == ["ada"]
    assert not team.pawl("approve", by="ada")["items"][0]["may_vote"]
    team.pawl("approve", approval["id"], by="olga")
    assert team.flow(first)["state"] == "done"
    assert team.pawl("plan", by="ada")["differs"] is False

    rows = [("007", 700.0), ("north", 10.0)]
    answer = team.infer(rows)
    assert {o["name"] for o in answer["outputs"]} == {"label", "probabilities"}

    # A better one, in two steps while traffic flows.
    team.edit("params.yaml", "c: 0.0005", "c: 1.0")
    second = team.commit("less regularised")
    flow = team.flow(second)
    checks = {c["name"]: c for c in flow["gate"]["checks"]}
    assert flow["state"] == "waiting", flow["reason"]
    assert checks["better_than champion"]["low"] > 0
    assert [s["outcome"] for s in flow["stages"]] == ["cached", "ran"] or [s["outcome"] for s in flow["stages"]] == ["skipped", "ran"], flow["stages"]
    team.pawl("approve", flow["approval"], by="olga")
    seen = set()
    for key in range(3000):
        if key == 25:  # a server that dies in the middle of a rollout goes on where it was
            team.server.kill()
            team.start_again()
        answer = team.infer([rows[key % 2]], key)
        seen.add(answer["model_version"])
        if key % 50 == 0 and team.pawl("flow", flow["id"], by="olga")["state"] == "done":
            break
    done = team.pawl("flow", flow["id"], by="olga", code=None)
    assert done["state"] == "done", done
    assert seen == {"1", "2"}
    assert team.pawl("model", "returns", by="ada")["model"]["live"] == 2

    # Why, and back again.
    answer = team.infer(rows)
    why = team.pawl("why", answer["parameters"]["prediction_ids"][0], by="ada")
    assert (why["origin"]["commit"], why["approvals"][0]["votes"][0]["by"]) == (second, "olga")
    assert {d["role"] for d in why["origin"]["datasets"]} >= {"train", "test"}
    assert [s["name"] for s in why["origin"]["stages"]] == ["make", "train"]

    # The same once more is nothing new; shuffled labels are stopped.
    assert team.flow(team.commit("nothing"))["state"] == "nothing_new"
    team.edit("params.yaml", "spoil: false", "spoil: true")
    spoiled = team.flow(team.commit("spoiled"), code=1)
    assert spoiled["state"] == "rejected"
    team.pawl("gate", f"returns@{spoiled['version']}", by="ada", code=1)
    team.pawl("deploy", f"returns@{spoiled['version']}", by="olga", code=3)

    back = team.pawl("rollback", "returns-live", "--reason", "a drill", by="olga")
    assert (back["state"], back["reason"]) == ("rolled_back", "by hand: a drill")
    assert team.pawl("model", "returns", by="ada")["model"]["live"] == 1
    assert team.infer(rows)["model_version"] == "1"

    # The first version comes back with its data, and its alias is pawl's alone.
    restored = team.folder / "restored"
    team.pawl("restore", "returns@1", restored, by="ada")
    assert (restored / "data/train.csv").read_text().startswith("day,shop")
    assert "c: 0.0005" in (restored / "params.yaml").read_text()
    assert (restored / "model.onnx").exists() and list((restored / "registered-model").rglob("*.onnx"))
    moved = requests.post(f"{team.server.url}/api/2.0/mlflow/registered-models/alias", timeout=30, json={"name": "returns", "alias": "champion", "version": "2"},
                          headers={"Authorization": f"Bearer {team.tokens['ada']}"})
    assert moved.status_code == 403, moved.text

    # A guard is not removed by who is guarded.
    team.edit("pawl.yaml", "min: 0.6", "min: 0.1")
    weaker = team.commit("a weaker gate")
    assert team.flow(weaker)["state"] == "proposed"
    team.edit("pawl.yaml", "task: classification", "task: guessing")
    wrong = team.flow(team.commit("a wrong one"), code=1)
    assert wrong["state"] == "rejected" and "pawl.yaml:5:9: model.task" in wrong["reason"]
    assert team.pawl("ledger", "--verify", by="olga")["whole"]
