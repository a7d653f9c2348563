"""The second half of the demo: the version is live, and production talks back. Windows, alarms, retrainings, a version that the canary catches, and who
is told of it. What drifts and which challenger wins is found, not known here: each step claims what must be so, and prints what was seen."""

import time

import numpy as np
import pandas as pd
from columns import FEATURES, LABEL, TIME

from driver.house import Person
from driver.receiver import Receiver
from driver.report import Problem, Step
from driver.year import DAY, Year

ENDPOINT = "arrival-delay"
ENDED = {"done", "rejected", "failed", "superseded", "nothing_new", "stopped"}
STARTS = [pd.Timestamp("2013-03-01", tz="UTC") + pd.Timedelta(days=28) * n for n in range(10)]
MIX_UP_AFTER = STARTS[5]  # the window after which ada trains by hand, in August
HOURS = 'rows["dep_delay"] = rows["dep_delay"] / 60         # hours, as the plots want them\n'


def day(moment: str) -> str:
    return f"{pd.Timestamp(moment):%-d %b}"


def interval(one: dict) -> str:
    return f"{one['value']:.2f} [{one['low']:.2f}, {one['high']:.2f}]" if one.get("low") is not None else f"{one['value']:.2f}"


class Production:
    receiver: Receiver
    year: Year

    # 6. Who is told, and what is watched.
    def watch(self, step: Step) -> None:
        house = self.house
        (house.folder / "ops.secret").write_text("known to both ends only\n")
        self.receiver = Receiver("known to both ends only")
        house.pawl("notify", "add", "ops", "--webhook", self.receiver.url, "--secret-file", house.folder / "ops.secret",
                   "--events", "alarm.,rollout.,retrain.,comment.", "--allow-private", by=self.olga)
        monitor = house.get(f"/api/pawl/v1/endpoints/{ENDPOINT}/monitor", self.olga)["monitor"]
        step.claim("the live version is watched, with its own training data as reference", monitor["version"] == 2 and "2.parquet" in monitor["reference"], monitor)

        # The whole year through the team's own stages: what they keep of it is what production is asked.
        folder = house.folder / "year"
        for name in ("collect.py", "clean.py", "columns.py"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text((self.work / name).read_text())
        (folder / "params.yaml").write_text('collect: {until: "2014-01-01T00:00:00Z"}\n')
        (folder / "data").mkdir()
        for stage in ("collect.py", "clean.py"):
            house.run(["python", stage], cwd=folder)
        rows = pd.read_parquet(folder / "data/clean.parquet")
        self.year = Year(rows[rows[TIME] >= STARTS[0]], FEATURES, TIME, LABEL, self.connection())
        self.rolling, self.seen, self.retrainings, self.held = None, [], [], []
        step.outcome = f"version 2 against the {monitor['window']} before {day(monitor['from'])}; {len(rows) - len(self.rows):,} flights to come; ops are told"

    # 7. A window: its days as they come, then what pawl saw and did.
    def window(self, start: pd.Timestamp, step: Step) -> None:
        end = start + pd.Timedelta(days=28)
        while self.year.today <= end + DAY:  # one day later nothing more is expected of it
            step.progress(f"{self.year.today:%-d %B}", (self.year.today - start) / (end + DAY - start))
            self.one_day(step)
        got = self.house.wait(step, "the window closes", lambda: self.house.get(f"/api/pawl/v1/endpoints/{ENDPOINT}/windows?order=newest&limit=1", self.olga)["items"],
                              lambda items: items and pd.Timestamp(items[0]["end"]) == end, 60)[0]
        self.seen.append(got)
        days = [self.year.errors[start + n * DAY] for n in range(28) if start + n * DAY in self.year.errors]
        mine = np.concatenate(days)
        mae = next(one for one in got["performance"]["metrics"] if one["metric"] == "mae")
        step.claim("no request failed", not self.year.failures, self.year.failures[:5])
        step.claim("every flight and every delay is in its window", (got["rows"], got["labelled"]) == (len(mine), len(mine)), {"here": len(mine), "pawl": [got["rows"], got["labelled"]]})
        step.claim("its mean error is the one computed here", abs(mae["value"] - mine.mean()) < 1e-3, {"here": mine.mean(), "pawl": mae})
        plain = [one["name"] for one in got["columns"] if one["tested"] and one["q"] < 0.05 and one["distance"] > 0.1]
        drifted = [f"{one['name']} {one['distance']:.2f} > {one['limit']:.2f}" for one in got["columns"] if one["drifted"]]
        said = [f"{got['rows']:,} flights, mean error {interval(mae)}", ", ".join(drifted) or f"quiet: 0 columns (the plain rule would say {len(plain)})"]
        if gain := got["performance"].get("gain"):
            if gain.get("value") is not None:
                said.append(f"better than version {got['performance']['previous']['version']} would have been by {interval(gain)}")
        said += self.after(step, got)
        step.outcome = "; ".join(said)

    def after(self, step: Step, window: dict) -> list[str]:
        """What the window's alarms led to: a flow, or the breaker's word."""
        alarms = [one for one in self.events("alarm.") if one["what"] in ("alarm.opened", "alarm.continued") and one["data"]["window"] == window["id"]
                  and one["data"]["kind"] in ("drift", "performance")]
        said = []
        for alarm in alarms:
            def outcome(alarm=alarm):
                flows = self.house.get(f"/api/pawl/v1/flows?model={ENDPOINT}", self.olga)["items"]
                flow = next((flow for flow in flows if flow["trigger"]["event"] == alarm["id"]), None)
                return flow, next((one for one in self.events("retrain.held") if one["cause"] == alarm["id"]), None)
            flow, held = self.house.wait(step, "the alarm is taken up", outcome, any, 60)
            if held:
                self.held.append(held["data"]["reason"])
                said.append(f"{alarm['data']['kind']} alarm, held: {held['data']['reason']}")
                continue
            flow = self.house.wait(step, "the retraining", lambda id=flow["id"]: self.house.get(f"/api/pawl/v1/flows/{id}", self.olga),
                                   lambda flow: flow["state"] in ENDED | {"waiting"}, tell=lambda flow: (f"the retraining: {flow['state']}",))
            step.claim("the retraining ran with the months until the window's end", flow["set"] == {"collect.until": window["end"]} and
                       flow["trigger"]["kind"] == alarm["data"]["kind"], {"set": flow["set"], "trigger": flow["trigger"]})
            better = next((check for check in (flow["gate"] or {"checks": []})["checks"] if check["kind"] == "better_than"), None)
            numbers = f" by {better['estimate']:.2f} [{better['low']:.2f}, {better['high']:.2f}]" if better and better["low"] is not None else f": {flow['reason']}"
            name, won = f"{ENDPOINT}@{flow['version']}", flow["state"] == "waiting"
            self.retrainings.append({"flow": flow["id"], "version": flow["version"], "window": window["id"], "alarm": alarm["id"], "won": won, "better": better})
            if won:
                step.claim("a challenger that is let through is better, day by day", better["state"] == "pass" and better["low"] > 0, better)
                self.house.pawl("approve", flow["approval"], "--comment", "the months have changed", "--json", by=self.olga)
                self.rolling = flow["id"]
            else:
                step.claim("a challenger that does not win is rejected, and the live version stays", flow["state"] == "rejected", {"state": flow["state"], "reason": flow["reason"]})
            said.append(f"{alarm['data']['kind']} alarm → {name} is {'better' if won else 'rejected, better'}{numbers}{', approved' if won else ''}")
        return said

    def one_day(self, step: Step) -> None:
        """While a rollout is under way requests are small, as there must be many to compare its arms, and it gets a moment to look."""
        if not self.rolling:
            return self.year.day()
        before = self.rollout()
        self.year.day(rows_a_request=20)
        sent, begun = self.rollout(), time.monotonic()
        while True:
            now = self.rollout()
            if now and now["state"] in ("done", "rolled_back", "failed"):
                self.rolling = None
                return None
            # On a busy machine a look, or the comparison of the arms, may be late: more flights would not hasten it.
            late = now and sent and (now["updated"] == sent["updated"] or "not tested yet" in now["reason"])
            patience = 30 if late else 0.7
            if (now and before and now["share"] != before["share"]) or time.monotonic() - begun > patience:
                return None
            step.progress(f"{self.year.today:%-d %B}, " + (f"{now['share']:g} % of the traffic: {now['reason']}" if now else "the rollout begins"))
            time.sleep(0.1)

    def rollout(self) -> dict | None:
        flow = self.house.get(f"/api/pawl/v1/flows/{self.rolling}", self.olga)
        if flow["state"] in ENDED and not flow["rollout"]:
            raise Problem(f"no rollout: {flow['state']}, {flow['reason']}")
        return self.house.get(f"/api/pawl/v1/rollouts/{flow['rollout']}", self.olga) if flow["rollout"] else None

    def events(self, what: str) -> list[dict]:
        return self.house.get(f"/api/pawl/v1/ledger?what={what}&limit=1000&order=newest", self.olga)["items"]

    # 8. It holds: what no check before production can see.
    def unit_mix_up(self, step: Step) -> None:
        while self.rolling:  # one rollout an endpoint
            self.one_day(step)
        live, failed_before = self.live(), len(self.year.failures)
        clean, params = self.work / "clean.py", self.work / "params.yaml"
        clean.write_text(clean.read_text().replace("\ntypes = {", f"{HOURS}\ntypes = {{"))
        params.write_text(params.read_text().replace("2013-03-01T00:00:00Z", f"{self.year.today - 2 * DAY:%Y-%m-%dT00:00:00Z}"))
        self.push("The summer's flights; delays in hours")
        flow, gate = self.judged(step)
        step.claim("every check before production passes: training and test data have the same unit", all(check["state"] in ("pass", "waiting") for check in gate["checks"]), gate["checks"])
        self.house.pawl("approve", flow["approval"], "--comment", "better on every day", "--json", by=self.olga)
        self.rolling, until = flow["id"], self.year.today + 10 * DAY
        while self.rolling and self.year.today < until:
            self.one_day(step)
        flow = self.house.get(f"/api/pawl/v1/flows/{flow['id']}", self.olga)
        back = self.house.get(f"/api/pawl/v1/rollouts/{flow['rollout']}", self.olga)
        self.caught = back
        against = [rule for rule in back["evidence"] if rule["state"] == "fail"]
        step.claim("the canary is rolled back by itself", back["state"] == "rolled_back" and back["by"] != "olga", {"state": back["state"], "reason": back["reason"]})
        step.claim("since its answers, or the labels, are of another kind", {rule["rule"] for rule in against} & {"prediction_shift", "worse_than_live"}, back["evidence"])
        step.claim("the version before answers everything again", self.live() == live, self.live())
        step.claim("no request failed meanwhile", len(self.year.failures) == failed_before, self.year.failures[:5])
        clean.write_text(clean.read_text().replace(HOURS, ""))
        step.outcome = f"{ENDPOINT}@{flow['version']} passed every check; {back['reason'].rstrip('.')}: back to version {live}"

    def mended(self, step: Step) -> None:
        self.house.pawl("comment", f"{ENDPOINT}@{self.caught['to']}", "clean.py told hours, live traffic tells minutes. @olga: mended, please look again", by=self.ada)
        self.push("Delays in minutes again, as the endpoint is asked")
        flow = self.flow_of(step, self.head(), lambda flow: flow["state"] in ENDED | {"waiting"}, "the flow of the push")
        step.outcome = f"ada says what went wrong and mends it; {ENDPOINT}@{flow['version']} is {flow['state']}"
        if flow["state"] == "waiting":
            self.house.pawl("approve", flow["approval"], "--json", by=self.olga)
            self.rolling, until = flow["id"], self.year.today + 21 * DAY
            while self.rolling and self.year.today < until:
                self.one_day(step)
            rollout = self.house.get(f"/api/pawl/v1/flows/{flow['id']}", self.olga)["rollout"]
            ended = self.house.get(f"/api/pawl/v1/rollouts/{rollout}", self.olga)
            # Better on the fourteen days of the gate need not be better on those that follow: then a rule brings it back.
            against = [rule for rule in ended["evidence"] if rule["state"] == "fail" and rule["p"] <= rule["level"]]
            step.claim("in the right unit it is judged like any other: live, or back by a rule and its evidence",
                       ended["state"] == ("rolled_back" if against else "done"), {"state": ended["state"], "reason": ended["reason"], "evidence": ended["evidence"]})
            step.claim("and what answers is what the rollout says", self.live() == ended["to" if ended["state"] == "done" else "from"], self.live())
            said = "is live" if ended["state"] == "done" else f"came back: {ended['reason']}"
            step.outcome = f"ada says what went wrong and mends it; {ENDPOINT}@{flow['version']} {said}"

    # 9. The year, looked back on.
    def retraining(self, step: Step) -> None:
        won = [one for one in self.retrainings if one["won"]]
        step.claim("alarms started retrainings; at least one won, was approved and went live", bool(won), self.retrainings)
        step.claim("at least one did not win, was rejected, and the loop went on", any(not one["won"] for one in self.retrainings[:-1]), self.retrainings)
        went_live = {one["version"] for one in won}
        after = [one for one in self.seen if one["version"] in went_live and (one["performance"].get("gain") or {}).get("value") is not None]
        gains = [(one["start"], one["labelled"], one["performance"]["gain"]["value"]) for one in after]
        step.claim("the flights after it are answered better than the version before would have", sum(flights * gain for _, flights, gain in gains) > 0, gains)
        told = ", ".join(f"{day(start)} by {gain:.2f}" for start, _, gain in gains)
        step.outcome = f"{len(self.retrainings)} by alarm, {len(won)} went live; better than the version before would have been: {told}"

    def breaker(self, step: Step) -> None:
        # Which of the two comes first depends on what the canary let through.
        step.claim("drift cannot retrain for ever: the cooldown, and the cap or the stop after rejections, held and said so", any("cooldown" in reason for reason in self.held) and
                   any("at most" in reason or "rejected" in reason for reason in self.held), self.held)
        step.outcome = "; ".join(dict.fromkeys(self.held))

    def told(self, step: Step) -> None:
        opened = {one["id"] for one in self.events("alarm.opened") if one["data"]["alert"]}
        got = self.house.wait(step, "ops hear of it", lambda: {one["event"]["id"] for one in self.receiver.got}, lambda got: opened <= got, 60)
        rolled = [one["text"] for one in self.receiver.got if one["event"]["what"] == "rollout.rolled_back"]
        step.claim("ops were told of every alarm, each message signed", opened and opened <= got and self.receiver.forged == 0, {"alarms": len(opened), "forged": self.receiver.forged})
        step.claim("and of the version that came back", bool(rolled), rolled)
        remarks = self.house.get(f"/api/pawl/v1/comments?subject={ENDPOINT}@{self.caught['to']}", self.olga)["items"]
        step.claim("ada's comment stands at the version", any("@olga" in one["text"] for one in remarks), remarks)
        step.outcome = f"{len(self.receiver.got)} messages, every signature right; \"{rolled[0] if rolled else ''}\""

    def story(self, step: Step) -> None:
        """One alarm from the window to the rollout, by the ledger's causes alone."""
        by_id = {one["id"]: one for one in self.events("")}
        flows = {one["flow"] for one in self.retrainings if one["won"]}
        event = next(one for one in by_id.values() if one["what"] == "rollout.done" and one.get("flow") in flows)
        chain = []
        while event:
            chain.append(event["what"])
            event = by_id.get(event["cause"])
        chain.reverse()
        step.claim("it begins with a window and ends with a rollout", chain[0] == "window.closed" and chain[-1] == "rollout.done", chain)
        step.claim("over alarm, gate and approval", any(one.startswith("alarm.") for one in chain) and {"gate.judged", "approval.decided"} <= set(chain), chain)
        answered = self.house.pawl("why", "--at", self.seen[0]["closed"], ENDPOINT, "--json", by=self.ada).json
        step.claim("and pawl knows what answered when", [arm["version"] for arm in answered["arms"]] == [2], answered["arms"])
        step.outcome = " → ".join(dict.fromkeys(chain))
