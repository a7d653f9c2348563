"""A rollout's server is killed (kill -9) in each state of the rollout, and goes on where it was; the arms are judged by labels from outside. The same
repository as test_loop.py; the rollouts themselves need no training: a version that its gate let through is deployed again."""

import threading
import time

import pytest
import requests

from test_loop import FILES, Team

pytest.importorskip("skl2onnx")

ROWS = [("007", 700.0), ("north", 10.0)]
TRUE = ["yes", "no"]
ROLLOUT = """\
          rollout:
            steps: [20%, 60%, 100%]
            hold: {time: 1s, predictions: 20}
            rollback_when: {error_rate: 0.5, prediction_shift: 0.95, worse_than_live: {metric: log_loss, confidence: 0.95}}
            no_labels_after: {time: 1h, then: hold}
"""


@pytest.fixture
def team(tmp_path, monkeypatch):
    text = FILES["pawl.yaml"]
    team = Team(tmp_path, monkeypatch, FILES | {"pawl.yaml": text[: text.index("          rollout:")] + ROLLOUT})
    yield team
    team.end()


class Traffic:
    """Requests of one row each, in both arms, and their labels: the truth, or for one version the opposite."""

    def __init__(self, team):
        self.team, self.sent, self.waiting = team, 0, []

    def send(self, n=10, wrong=None):
        for _ in range(n):
            which = self.sent % 2
            answer = self.team.infer([ROWS[which]], self.sent)
            truth = TRUE[1 - which] if answer["model_version"] == wrong else TRUE[which]
            self.waiting.append({"prediction_id": answer["parameters"]["prediction_ids"][0], "label": truth})
            self.sent += 1
        got = self.ask("POST", "/endpoints/returns-live/labels", json={"labels": self.waiting})
        assert got["taken"] == len(self.waiting)
        self.waiting = []

    def ask(self, method, path, **more):
        return self.team.ask(method, f"/api/pawl/v1{path}", **more)

    def rollout(self, rid):
        return self.ask("GET", f"/rollouts/{rid}")

    def until(self, rid, seen, **how):
        for _ in range(400):
            now = self.rollout(rid)
            if seen(now):
                return now
            if now["state"] == "stepping":
                self.send(**how)
            else:
                time.sleep(0.02)
        raise AssertionError(now)

    def check_arms(self, rid):
        """The traffic goes where the rollout says, whenever one looks."""
        line = self.ask("GET", "/models/returns")["model"]
        now = self.rollout(rid)
        arms = {a["version"]: a["share"] for a in line["arms"]}
        expected = {"preparing": {1: 100}, "done": {2: 100}, "rolled_back": {1: 100}, "stepping": {1: 100 - now["share"], 2: now["share"]}}[now["state"]]
        if now["state"] == self.rollout(rid)["state"] and now["step"] == self.rollout(rid)["step"]:
            assert arms == pytest.approx(expected), (now, line)


def back(team, code=0):
    return team.pawl("rollback", "returns-live", "--reason", "again", by="olga", code=code)


def test_a_server_that_is_killed_in_each_state_of_a_rollout_goes_on(team):
    team.people()
    team.pawl("user", "map", "ada@shops.test", "ada")
    team.repository("shops")
    first = team.commit("first")
    team.pawl("approve", team.flow(first)["approval"], by="olga")
    team.pawl("approve", team.flow(first)["approval"], by="olga")
    assert team.flow(first)["state"] == "done"
    team.edit("params.yaml", "c: 0.0005", "c: 1.0")
    second = team.commit("less regularised")
    flow = team.flow(second)
    assert flow["state"] == "waiting", flow["reason"]
    traffic = Traffic(team)

    # The flow's own rollout, killed in its first step.
    team.pawl("approve", flow["approval"], by="olga")
    rid = team.until(lambda: team.pawl("flow", flow["id"], by="olga")["rollout"], "a rollout")
    traffic.until(rid, lambda r: r["state"] == "stepping" and r["rows"] > 3)
    team.server.kill()
    team.start_again()
    traffic.check_arms(rid)
    done = traffic.until(rid, lambda r: r["state"] == "done")
    rules = {e["rule"]: e for e in done["evidence"]}
    assert set(rules) == {"error_rate", "prediction_shift", "worse_than_live"}
    assert rules["worse_than_live"]["state"] == "pass" and rules["worse_than_live"]["canary"] < rules["worse_than_live"]["live"]
    assert rules["worse_than_live"]["n"] >= 20 and rules["error_rate"]["n"] >= 20
    assert team.flow(second)["state"] == "done"

    # Killed once it is done: it stays done. Then back again, by hand, and killed at once.
    team.server.kill()
    team.start_again()
    traffic.check_arms(rid)
    assert traffic.rollout(rid)["state"] == "done" and team.infer(ROWS)["model_version"] == "2"
    assert back(team)["state"] == "rolled_back"
    team.server.kill()
    team.start_again()
    traffic.check_arms(rid)
    assert traffic.rollout(rid)["state"] == "rolled_back" and team.infer(ROWS)["model_version"] == "1"
    assert {a["alias"]: a["version"] for a in aliases(team)} == {"champion": "1"}

    moments = {
        "just asked for": lambda r: True,
        "in the first step": lambda r: r["step"] == 0 and r["state"] == "stepping",
        "as the first step holds": lambda r: r["step"] == 0 and r["rows"] >= 15,
        "as the weights have changed": lambda r: r["step"] == 1,
        "in the second step": lambda r: r["step"] == 1 and r["rows"] >= 15,
    }
    for name, moment in moments.items():
        rid = team.pawl("deploy", "returns@2", by="olga")["id"]
        traffic.until(rid, moment)
        team.server.kill()
        team.start_again()
        traffic.check_arms(rid)
        assert traffic.until(rid, lambda r: r["state"] not in ("preparing", "stepping"))["state"] == "done", name
        traffic.check_arms(rid)
        assert back(team)["state"] == "rolled_back"

    # Killed while a person rolls back: it has gone back or goes on, whole either way.
    for pause in (0, 0.002, 0.005, 0.02):
        rid = team.pawl("deploy", "returns@2", by="olga")["id"]
        traffic.until(rid, lambda r: r["state"] == "stepping")
        asks = threading.Thread(target=quietly, args=(lambda: traffic.ask("POST", "/endpoints/returns-live/rollback", json={"reason": "now"}),))
        asks.start()
        time.sleep(pause)
        team.server.kill()
        asks.join()
        team.start_again()
        traffic.check_arms(rid)
        if traffic.rollout(rid)["state"] == "stepping":
            back(team)
        assert traffic.rollout(rid)["state"] == "rolled_back"
        assert team.infer(ROWS)["model_version"] == "1"

    # Two at once: the second is refused. And a version that labels call worse goes back by itself.
    rid = team.pawl("deploy", "returns@2", by="olga")["id"]
    team.pawl("deploy", "returns@2", by="olga", code=3)
    ended = traffic.until(rid, lambda r: r["state"] not in ("preparing", "stepping"), wrong="2")
    assert ended["state"] == "rolled_back" and ended["reason"].startswith("worse_than_live: "), ended
    worse = next(e for e in ended["evidence"] if e["rule"] == "worse_than_live")
    assert worse["state"] == "fail" and worse["p"] <= worse["level"] and worse["canary"] > worse["live"]
    event = next(e for e in team.pawl("ledger", "--limit", "1000", by="olga")["items"] if e["what"] == "rollout.rolled_back" and e["subject"]["id"] == rid)
    assert any(e["rule"] == "worse_than_live" and e["state"] == "fail" for e in event["data"]["evidence"])
    assert team.infer(ROWS)["model_version"] == "1"
    assert team.pawl("ledger", "--verify", by="olga")["whole"]


def quietly(ask):
    try:
        return ask()
    except (requests.RequestException, AssertionError):
        return None


def aliases(team):
    got = requests.get(f"{team.server.url}/api/2.0/mlflow/registered-models/get", params={"name": "returns"}, timeout=30, headers={"Authorization": f"Bearer {team.tokens['olga']}"})
    return got.json()["registered_model"]["aliases"]
