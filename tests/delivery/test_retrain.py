"""The loop closes, from outside: traffic of weeks that changes, labels that come later, a window that closes, an alarm, a retraining that is
rejected, the next one that wins, a rollout: and the ledger tells it as one chain of causes. A classification with a string column, as test_loop.py."""

import datetime
import random

import pytest

from test_loop import FILES, Team

pytest.importorskip("skl2onnx")

DAY = datetime.timedelta(days=1)
START = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)  # a Monday
CHANGE = START + 35 * DAY  # from here on other things are sold, and others come back

WORLD = '''\
import datetime, random
START, CHANGE = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc), datetime.datetime(2024, 2, 5, tzinfo=datetime.timezone.utc)
def rows_of(day):
    """(shop, amount, returned) of one day; the same each time."""
    rng, new = random.Random(day.isoformat()), day >= CHANGE
    for _ in range(60):
        shop = rng.choice(["007", "007", "007", "north"] if new else ["north", "south", "007"])
        amount = round(rng.uniform(500, 900) if new else rng.uniform(1, 900), 2)
        odds = (0.9 - 0.7 * (shop == "007") if new else 0.1 + 0.6 * (shop == "007")) + 0.1 * (amount > 700)
        yield shop, amount, "yes" if rng.random() < odds else "no"
'''
exec(WORLD)

MAKE = '''\
import datetime
from pathlib import Path
import yaml
from world import rows_of
p = yaml.safe_load(open("params.yaml"))["make"]
until = datetime.datetime.fromisoformat(p["until"].replace("Z", "+00:00"))   # the parameter came as text
Path("data").mkdir(exist_ok=True)
for name, first, last in (("train", 14, 8), ("test", 7, 1)):
    with open(f"data/{name}.csv", "w") as out:
        out.write("day,shop,amount,returned\\n")
        for back in range(first, last - 1, -1):
            day = until - datetime.timedelta(days=back)
            for shop, amount, returned in rows_of(day):
                out.write(f"{day:%Y-%m-%dT08:00:00Z},{shop},{amount},{returned}\\n")
'''
CONFIG = '''\
pawl: 1
project: shops
model: {name: returns, task: classification, label: returned, time: day, score: probabilities, positive: "yes"}
train:
  data: {train: data/train.csv, test: data/test.csv}
  when: [push, drift, performance]
  set: {make.until: "{event_time}"}
  retrain: {cooldown: 1 window, at_most: 3 per 90d, stop_after_rejected: 2}
gate:
  - better_than: {metric: log_loss, confidence: 0.95}
  - slices: {by: shop, metric: accuracy, max_gap: 0.9}
  - approve: {by: operator, not: author}
serve:
  endpoint: returns-live
  replay: true
  rollout:
    steps: [50%, 100%]
    hold: {time: 1s, predictions: 20}
    rollback_when: {prediction_shift: 0.2, worse_than_live: {metric: accuracy, confidence: 0.95}}
watch:
  window: 7d
  lateness: 1h
  drift: {share: 0.5}
  performance: {metric: accuracy, worse_by: 10%}
keep: {predictions: 30d}
'''


@pytest.fixture
def team(tmp_path, monkeypatch):
    files = FILES | {"world.py": WORLD, "make.py": MAKE, "pawl.yaml": CONFIG,
                     "params.yaml": 'make: {until: "2024-01-29T00:00:00Z"}\ntrain: {c: 1.0, spoil: false}\n'}
    files["dvc.yaml"] = files["dvc.yaml"].replace("deps: [make.py]", "deps: [make.py, world.py]")
    team = Team(tmp_path, monkeypatch, files)
    yield team
    team.end()


def live(team, day):
    """One day as production sees it: the questions first, the truth later."""
    rows = list(rows_of(day))
    shop, amount, returned = zip(*rows)
    times = [(day + datetime.timedelta(minutes=10 * i)).strftime("%Y-%m-%dT%H:%M:%SZ") for i in range(len(rows))]
    ids, versions = [], set()
    for at in range(0, len(rows), 10):  # a request goes to one arm
        to = at + 10
        answer = team.ask("POST", "/v2/models/returns-live/infer", json={
            "inputs": [{"name": "shop", "shape": [10, 1], "datatype": "BYTES", "data": shop[at:to]},
                       {"name": "amount", "shape": [10, 1], "datatype": "FP32", "data": amount[at:to]}],
            "parameters": {"event_time": times[at:to], "routing_key": f"{day}{at}"}})
        ids += answer["parameters"]["prediction_ids"]
        versions.add(answer["model_version"])
    taken = team.ask("POST", "/api/pawl/v1/endpoints/returns-live/labels",
                json={"labels": [{"prediction_id": i, "label": y} for i, y in zip(ids, returned)]})
    assert taken["taken"] == len(ids), taken
    return versions


def week(team, first, days=7):
    for n in range(days):
        live(team, first + n * DAY)
    # The next row says that the week is over.
    end = first + days * DAY
    closed = team.pawl("watch", "close", "returns-live", "--until", f"{end:%Y-%m-%dT%H:%M:%SZ}", by="olga")
    assert closed["items"], closed
    return closed["items"][-1]


def retraining(team, number):
    """The number-th flow that pawl started by itself, once it rests."""
    flows = team.until(lambda: (got := [f for f in team.pawl("flow", by="olga")["items"] if f["trigger"]["kind"] in ("drift", "performance")]) and
                       len(got) >= number and got, f"retraining {number}")
    flow = flows[-number]
    return team.pawl("flow", flow["id"], "--wait", "--timeout", "120s", by="olga", code=None)


def test_weeks_that_change_lead_to_a_version_that_is_better(team):
    team.people()
    team.pawl("user", "map", "ada@shops.test", "ada")
    team.repository("shops")
    first = team.commit("first")
    plan = team.flow(first)
    assert plan["not_yet"] == []
    team.pawl("approve", plan["approval"], by="olga")
    flow = team.flow(first)
    assert flow["state"] == "waiting", flow["reason"]
    team.pawl("approve", flow["approval"], by="olga")
    assert team.flow(first)["state"] == "done"

    # The live version is watched, with the data of its own evaluation.
    monitor = team.ask("GET", "/api/pawl/v1/endpoints/returns-live/monitor")["monitor"]
    assert (monitor["version"], monitor["reference"], monitor["time"]) == (1, "references/returns/1.parquet", "day")
    assert (monitor["reference_ends"], monitor["from"]) == ("2024-01-28T08:00:00Z", "2024-01-29")
    assert (monitor["classes"], monitor["positive"]) == (["no", "yes"], "yes")
    assert 0.5 < monitor["reference_value"] < 1
    assert (team.server.data / "artifacts" / monitor["reference"]).is_file()

    # A week like those before: nothing.
    quiet = week(team, START + 28 * DAY)
    assert (quiet["drifted"], quiet["tested"]) == (0, 2), quiet
    assert team.pawl("alarm", "list", by="olga")["items"] == []

    # A week that changed: the columns drift, the answers are wrong; one retraining for both alarms. It has not seen enough of the new, and is rejected.
    changed = week(team, CHANGE)
    assert changed["drifted"] == 2, changed
    flow = retraining(team, 1)
    assert flow["state"] == "rejected", flow
    assert flow["trigger"]["at"] == "2024-02-12T00:00:00Z"
    assert flow["set"] == {"make.until": "2024-02-12T00:00:00Z"}
    assert flow["commit"] == first
    better = next(c for c in flow["gate"]["checks"] if c["kind"] == "better_than")
    assert better["state"] == "fail" and better["n"] == 420, better
    held = team.until(lambda: team.pawl("ledger", "--what", "retrain.held", by="olga")["items"], "what was held back")
    assert {e["data"]["kind"] for e in held} == {"drift", "performance"} - {flow["trigger"]["kind"]}

    # The next week is no better; the next retraining has seen what changed, and wins.
    week(team, CHANGE + 7 * DAY)
    flow = retraining(team, 2)
    assert flow["state"] == "waiting", flow
    better = next(c for c in flow["gate"]["checks"] if c["kind"] == "better_than")
    assert better["state"] == "pass" and better["low"] > 0, better
    team.pawl("approve", flow["approval"], by="ada", code=3)
    team.pawl("approve", flow["approval"], by="olga")
    third = CHANGE + 14 * DAY
    team.until(lambda: team.pawl("flow", flow["id"], by="olga")["state"] == "rolling_out", "the rollout")
    versions = set()
    for n in range(14):  # each day lets it look: the arms are compared by their answers, then by their labels
        versions |= live(team, third + n * DAY)
        if (now := team.pawl("flow", flow["id"], by="olga"))["state"] != "rolling_out":
            break
    assert now["state"] == "done", now
    assert versions == {"1", "3"}
    evidence = {e["rule"]: e for e in team.ask("GET", f"/api/pawl/v1/rollouts/{now['rollout']}")["evidence"]}
    assert evidence["worse_than_live"]["state"] == "pass" and evidence["worse_than_live"]["n"] >= 20, evidence
    model = team.pawl("model", "returns", by="olga")["model"]
    assert model["live"] == flow["version"] == 3
    monitor = team.ask("GET", "/api/pawl/v1/endpoints/returns-live/monitor")
    assert (monitor["monitor"]["version"], monitor["monitor"]["previous"], monitor["monitor"]["from"]) == (3, 1, "2024-01-29")
    assert monitor["open"] == []  # they were about another version's data

    # One story, from a window to the new version.
    done = team.pawl("ledger", "--what", "rollout.done", "--limit", "1", by="olga")["items"][0]
    told = team.chain(done["id"])
    assert told[0] == "rollout.done" and told[-1] == "window.closed", told
    for what in ("rollout.started", "approval.decided", "gate.judged", "flow.training", "alarm.continued"):
        assert what in told, told

    story = [e["what"] for e in team.pawl("ledger", "--story", str(done["seq"]), by="ada")["events"]]
    assert story == [e["what"] for e in team.pawl("ledger", "--story", done["id"], by="ada")["events"]]
    assert story.index("window.closed") < story.index("flow.training") < story.index("rollout.done"), story
    team.pawl("ledger", "--story", "999999", by="ada", code=3)

    # What answered when.
    now = team.pawl("why", "--at", done["at"], "returns-live", by="ada")
    assert [(a["version"], a["share"]) for a in now["arms"]] == [(3, 100)]
    assert now["arms"][0]["approvals"][0]["votes"][0]["by"] == "olga" and now["aliases"]["champion"] == 3
    before = team.pawl("why", "--at", flow["started"], "returns-live", by="ada")
    assert [(a["version"], a["arm"]) for a in before["arms"]] == [(1, "live")] and before["aliases"]["champion"] == 1
    assert team.pawl("why", "--at", "2000-01-01", "returns-live", by="ada")["arms"] == []
    team.pawl("why", "--at", "yesterday", "returns-live", by="ada", code=3)

    # The new version's next week is better than the old one would have been.
    next_week = third + 14 * DAY
    after = week(team, next_week)
    performance = after["performance"]
    assert performance["previous"]["version"] == 1 and performance["gain"]["value"] > 0, performance

    # Back by hand: at once, with its reason, the champion too.
    back = team.pawl("rollback", "returns-live", "--reason", "a drill", by="olga")
    assert (back["state"], back["reason"]) == ("rolled_back", "by hand: a drill")
    assert live(team, next_week + 7 * DAY) == {"1"}
    assert team.pawl("why", "--at", "2999-01-01", "returns-live", by="ada")["aliases"]["champion"] == 1
    assert team.ask("GET", "/api/pawl/v1/endpoints/returns-live/monitor")["monitor"]["version"] == 1
    assert team.pawl("ledger", "--verify", by="olga")["whole"]
