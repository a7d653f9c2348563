"""A push trains on a runner of its own; neither the death of the runner nor that of the server loses the training or hands it in twice."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

PAWL = os.environ.get("PAWL_BINARY", str(Path(__file__).resolve().parents[2] / "build/pawl"))

PAWL_YAML = """\
pawl: 1
project: t
model: {name: m, task: regression, label: y}
train:
  pipeline: dvc.yaml
  output: model.bin
  data: {train: data.csv, test: data.csv}
  when: [push]
gate:
  - metric: {name: mae, max: 1}
"""
# Each stage leaves a line outside the worktree; `train` waits there until it may go on.
DVC_YAML = """\
stages:
  data:
    cmd: printf 'x,y\\n1,2\\n2,3\\n' > data.csv && echo data >> {outside}/ran
    params: [rows]
    outs: [data.csv]
  train:
    cmd: cat data.csv > model.bin && echo train >> {outside}/ran && until [ -e {outside}/go ]; do sleep 0.05; done
    deps: [data.csv]
    outs: [model.bin]
"""


def until(condition, what, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)  # another process's work: there is nothing of ours to wait on
    raise AssertionError(f"waited {seconds} s for {what}")


class Team:
    def __init__(self, server, folder):
        self.server, self.outside, self.tree, self.bare = server, folder / "outside", folder / "team", folder / "team.git"
        self.outside.mkdir()
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "PAWL_"))} | {
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.org", "HOME": str(folder), "PATH": f"{Path(PAWL).parent}:{os.environ['PATH']}"}
        self.run("git", "init", "-q", "--bare", "-b", "main", str(self.bare), cwd=folder)
        self.run("git", "clone", "-q", str(self.bare), str(self.tree), cwd=folder)
        self.run("git", "checkout", "-q", "-b", "main")
        self.run(PAWL, "init")
        (self.tree / "pawl.yaml").write_text(PAWL_YAML)
        (self.tree / "dvc.yaml").write_text(DVC_YAML.format(outside=self.outside))
        (self.tree / "params.yaml").write_text("rows: 2\n")
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "-m", "first")

    def run(self, *command, cwd=None):
        done = subprocess.run(command, cwd=cwd or self.tree, env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def pawl(self, *words):
        return json.loads(self.run(PAWL, "--server", self.server.url, "--json", *words))

    def ran(self):
        path = self.outside / "ran"
        return path.read_text().split() if path.exists() else []

    def push_and_begin(self):
        """The first push is a plan; approved, its flow begins. Back when `train` waits outside."""
        self.pawl("repo", "add", str(self.bare), "--name", "team")
        self.pawl("repo", "hook", "team", str(self.bare))
        said = subprocess.run(["git", "push", "-q", "origin", "main"], cwd=self.tree, env=self.environment, capture_output=True, text=True, timeout=60)
        assert said.returncode == 0 and "not told" not in said.stderr, said.stderr
        (asked,) = until(lambda: self.pawl("approve")["items"], "a plan that waits for approval")
        self.pawl("approve", asked["id"])
        until(lambda: "train" in self.ran(), "the training to begin")

    def task(self):
        import urllib.request
        with urllib.request.urlopen(self.server.url + "/api/pawl/v1/tasks", timeout=30) as answer:
            return next(t for t in json.load(answer)["items"] if t["kind"] == "pipeline")

    def ended(self):
        """The pipeline's task once it is done, and how often the ledger says so."""
        task = until(lambda: (t := self.task())["state"] != "running" and t["state"] != "waiting" and t, "the training to end")
        events = [e for e in self.pawl("ledger")["items"] if e["what"] == "task.ended" and e["subject"]["id"] == task["id"]]
        return task, len(events)

    def runner_pid(self):
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    words = (folder / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if b"runner" in words and str(self.server.data / "runner").encode() in words:
                    return int(folder.name)
        return None


@pytest.fixture
def team(own_server, tmp_path):
    team = Team(own_server, tmp_path)
    yield team
    (team.outside / "go").touch()
    if pid := team.runner_pid():
        os.kill(pid, signal.SIGTERM)


def test_a_server_killed_while_a_stage_runs_gets_the_result_when_it_is_back(team):
    team.push_and_begin()
    team.server.kill()
    (team.outside / "go").touch()
    team.server.start()
    task, told = team.ended()
    assert (task["state"], task["epoch"], told) == ("done", 1, 1)
    assert team.ran() == ["data", "train"]
    (version,) = team.pawl("model", "m")["versions"]
    assert version["version"] == 1
    pinned = team.run("git", "-C", str(team.bare), "rev-parse", "refs/pawl/m/1").strip()
    assert pinned == team.run("git", "rev-parse", "HEAD").strip()


def test_a_runner_killed_while_a_stage_runs_is_replaced_and_the_stages_before_are_not_run_again(team):
    team.push_and_begin()
    os.kill(team.runner_pid(), signal.SIGKILL)
    until(lambda: team.ran().count("train") == 2, "another runner to begin the stage again")
    (team.outside / "go").touch()
    task, told = team.ended()
    assert (task["state"], task["epoch"], told) == ("done", 2, 1)
    assert team.ran() == ["data", "train", "train"]
    (version,) = team.pawl("model", "m")["versions"]
    assert version["version"] == 1
