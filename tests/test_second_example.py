"""The second example, walked by the command line and the HTTP API alone, as a newcomer would who has read the docs: a classification with text columns,
CSV files and windows of a week. Two cities' winter becomes spring, the answers get worse, an alarm starts a training, and the better version goes live."""

import datetime
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/delivery"))
from test_loop import Team  # noqa: E402

pytest.importorskip("skl2onnx")
TEMPLATE = ROOT / "examples/heating/template"
DAY = datetime.timedelta(days=1)
TEXTS, NUMBERS = ["site", "part"], ["temp", "change", "swing"]


@pytest.fixture(scope="module")
def readings():
    spec = importlib.util.spec_from_file_location("collect", TEMPLATE / "collect.py")
    collect = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(collect)
    return collect.readings()


@pytest.fixture
def team(tmp_path, monkeypatch):
    team = Team(tmp_path, monkeypatch, {file.name: file.read_text() for file in TEMPLATE.iterdir() if file.is_file()})
    yield team
    team.end()


def live(team, rows):
    """One day as production sees it: four questions a request, the truth in the evening. How many requests each version answered."""
    versions, labels = {}, []
    for at in range(0, len(rows), 4):
        part = rows[at : at + 4]
        n = len(part)
        tensors = [{"name": c, "shape": [n, 1], "datatype": "BYTES", "data": list(part[c])} for c in TEXTS]
        tensors += [{"name": c, "shape": [n, 1], "datatype": "FP32", "data": list(part[c])} for c in NUMBERS]
        times = [f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in part["hour"]]
        answer = team.ask("POST", "/v2/models/heating/infer", json={"inputs": tensors, "parameters": {"event_time": times, "routing_key": times[0]}})
        versions[answer["model_version"]] = versions.get(answer["model_version"], 0) + 1
        labels += [{"prediction_id": i, "label": stage} for i, stage in zip(answer["parameters"]["prediction_ids"], part["stage"])]
    assert team.ask("POST", "/api/pawl/v1/endpoints/heating/labels", json={"labels": labels})["taken"] == len(labels)
    return versions


def week(team, readings, monday, days=7):
    """A week of traffic; its window when it has closed."""
    versions = {}
    for n in range(days):
        day = monday + n * DAY
        for version, count in live(team, readings[(readings["hour"] >= day) & (readings["hour"] < day + DAY)]).items():
            versions[version] = versions.get(version, 0) + count
    closed = team.pawl("watch", "close", "heating", "--until", f"{monday + days * DAY:%Y-%m-%dT%H:%M:%SZ}", by="olga")["items"]
    return closed[-1], versions


def test_a_winter_model_meets_spring(team, readings):
    team.people()
    team.pawl("user", "map", "ada@shops.test", "ada")
    team.repository("heating")

    # From a push to a live version: a plan, a training, a gate, an approval, a rollout.
    commit = team.commit("Heating stages")
    plan = team.flow(commit)
    assert plan["state"] == "proposed" and plan["not_yet"] == [], plan
    team.pawl("approve", plan["approval"], by="olga")
    flow = team.flow(commit)
    assert flow["state"] == "waiting", flow
    assert {c["kind"]: c["state"] for c in flow["gate"]["checks"]} == {
        "metric": "pass", "better_than": "pass", "slices": "pass", "data": "pass", "approve": "waiting"}, flow["gate"]
    team.pawl("approve", flow["approval"], by="olga")
    assert team.flow(commit)["state"] == "done"

    # A week of traffic is a window. February is warmer than January: columns say so, and the answers are worse than they were.
    monday = datetime.datetime(2010, 2, 8, tzinfo=datetime.timezone.utc)
    window, versions = week(team, readings, monday)
    assert (window["start"], window["end"], window["rows"], window["labelled"]) == ("2010-02-08T00:00:00Z", "2010-02-15T00:00:00Z", 336, 336)
    columns = {c["name"]: c for c in window["columns"]}
    assert columns["temp"]["drifted"] and columns["temp"]["distance"] > columns["temp"]["limit"], columns["temp"]
    assert not columns["site"]["drifted"] and not columns["part"]["drifted"], columns  # the same houses at the same hours
    assert window["performance"]["worse"] and window["performance"]["watched"]["value"] < 0.8, window["performance"]
    assert set(versions) == {"1"}

    # The alarm starts a training with the new week; the better version waits for somebody who did not write it.
    alarms = team.pawl("alarm", "list", by="olga")["items"]
    assert {(a["kind"], a["column"], a["state"]) for a in alarms} >= {("performance", "accuracy", "firing"), ("column", "temp", "firing")}, alarms
    flow = team.until(lambda: next((f for f in team.pawl("flow", by="olga")["items"] if f["trigger"]["kind"] == "performance"), None), "a retraining")
    flow = team.pawl("flow", flow["id"], "--wait", "--timeout", "120s", by="olga")
    assert (flow["state"], flow["commit"], flow["set"]) == ("waiting", commit, {"collect.until": "2010-02-15T00:00:00Z"}), flow
    better = next(c for c in flow["gate"]["checks"] if c["kind"] == "better_than")
    assert better["state"] == "pass" and better["low"] > 0, better
    team.pawl("approve", flow["approval"], by="ada", code=3)
    team.pawl("approve", flow["approval"], by="olga")
    team.until(lambda: team.pawl("flow", flow["id"], by="olga")["state"] == "rolling_out", "the rollout")

    # A quarter of the next week asks the new version, then everybody; nobody is refused meanwhile.
    _, versions = week(team, readings, monday + 7 * DAY)
    assert set(versions) == {"1", "2"}
    arms = lambda: {a["version"]: a["share"] for a in team.ask("GET", "/api/pawl/v1/endpoints/heating")["arms"]}  # noqa: E731
    team.until(lambda: arms().get(2) == 1, "the last step")
    window, versions = week(team, readings, monday + 14 * DAY)
    assert set(versions) == {"2"}
    team.until(lambda: team.pawl("flow", flow["id"], by="olga")["state"] == "done", "the end of the rollout")
    assert window["performance"]["watched"]["value"] > 0.6, window["performance"]

    # One story, from the window to the version that is live now.
    told = team.chain(team.pawl("ledger", "--what", "rollout.done", "--limit", "1", by="olga")["items"][0]["id"])
    assert told[0] == "rollout.done" and told[-1] == "window.closed", told
    for what in ("rollout.started", "approval.decided", "gate.judged", "flow.training", "alarm.opened"):
        assert what in told, told
    window, _ = week(team, readings, monday + 21 * DAY)
    assert window["performance"]["previous"]["version"] == 1 and window["performance"]["gain"]["value"] > 0, window["performance"]
    assert team.pawl("ledger", "--verify", by="olga")["whole"]
