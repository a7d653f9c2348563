"""The whole loop on real data: from the flights out of New York to a guarded live endpoint. A client like any other: it uses the command
line, the HTTP API and the file formats that the documentation tells of, and checks each of its own claims.

    python examples/flights/demo.py --pawl build/pawl --out build/demo [--keep]
"""

import argparse
import functools
import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path

sys.dont_write_bytecode = True
os.environ["DO_NOT_TRACK"] = "true"  # MLflow would call home, here and in the stages
import mlflow  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import pandas as pd  # noqa: E402
import yaml  # noqa: E402

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "template"))
from columns import FEATURES, INTEGERS, STRINGS, TIME  # noqa: E402

from driver.house import House, Person  # noqa: E402
from driver.report import Problem, Report, Step  # noqa: E402
from driver.traffic import Connection, Traffic, request  # noqa: E402
from production import ENDED, MIX_UP_AFTER, STARTS, Production  # noqa: E402

MODEL = "arrival-delay"

# What may go wrong with a delivery: a line in collect.py that spoils it; the column, check, expected and seen that the refusal must name.
DAMAGES = {
    "a column missing": ('delivery = delivery.drop(columns="pressure")', "pressure", "present", "present"),
    "units changed": ('delivery["temp"] = (delivery["temp"] - 32) / 1.8', "temp", "min", "0"),
    "30 % nulls": ('delivery.loc[delivery.sample(frac=0.3, random_state=1).index, "dep_delay"] = None', "dep_delay", "missing_max", "10 %"),
    "a duplicated day": (
        'day = delivery["time_hour"].dt.date\ndelivery = pd.concat([delivery, delivery[day == day.max()]])', "", "no_duplicates", "time_hour, carrier, flight, origin",
    ),
}


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    if text.count(old) != 1:
        raise Problem(f"{file.name} does not say {old!r} once")
    file.write_text(text.replace(old, new))


def score(model: Path, rows: pd.DataFrame) -> np.ndarray:
    """What a model file answers, computed here and not by pawl."""
    kinds = {**dict.fromkeys(FEATURES, np.float32), **dict.fromkeys(INTEGERS, np.int64), **dict.fromkeys(STRINGS, object)}
    tensors = {name: rows[name].to_numpy().reshape(-1, 1).astype(kinds[name]) for name in FEATURES}
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, tensors)[0].ravel()


class Demo(Production):
    def __init__(self, house: House, report: Report):
        self.house, self.report = house, report
        self.walked = []                # names of the steps that ran to their end
        self.origin, self.work = house.folder / "flights.git", house.folder / "flights"
        self.ada = self.olga = None
        self.predict_token = ""
        self.rows = None                # of the test data: what the endpoint is asked
        self.first_answers = None       # of version 1, while it was live
        self.prediction = ""            # one that version 2 answered as a canary
        self.second_commit = ""
        self.restored = house.folder / "restored"

    def walk(self) -> None:
        """Each step with the one it cannot do without: should that break off, the step is not tried, and the rest still tells as much as it can."""
        steps = [
            (self.server, ""), (self.people, "server"), (self.repository, "people"), (self.data, "repository"), (self.damaged_deliveries, "data"),
            (self.training, "repository"), (self.first_gate, "training"), (self.first_live, "first gate"), (self.second_version, "first live"),
            (self.canary, "second version"), (self.shuffled_labels, "canary"), (self.why, "canary"), (self.restore, "first live"),
            (self.run_again, "restore"), (self.watch, "shuffled labels"),
        ]
        for step, needed in steps:
            self.take(step.__name__.replace("_", " "), step, needed)
        for start in STARTS:
            self.take(f"window of {start:%-d %B}", functools.partial(self.window, start), "watch")
            if start == MIX_UP_AFTER:
                self.take("unit mix-up", self.unit_mix_up, "watch")
                self.take("mended", self.mended, "unit mix-up")
        for step, needed in ((self.retraining, "watch"), (self.breaker, "watch"), (self.told, "unit mix-up"), (self.story, "watch"), (self.ledger, "people"), (self.page, "server")):
            self.take(step.__name__, step, needed)

    def take(self, name: str, step, needed: str) -> None:
        with self.report.step(name) as line:
            if needed and needed not in self.walked:
                raise Problem(f"not tried: {needed} broke off")
            step(line)
            self.walked.append(name)

    # 1. An empty folder becomes a server with two people and a repository.
    def server(self, step: Step) -> None:
        self.house.start_server()
        health = self.house.get("/health")
        step.claim("a server that started on an empty folder answers /health with OK", health.strip() == "OK", health)
        step.outcome = f"started on an empty folder, {self.house.url}"

    def people(self, step: Step) -> None:
        olga = self.house.owner("user", "add", "olga", "--role", "operator")
        ada = self.house.owner("user", "add", "ada", "--role", "scientist")
        self.house.owner("user", "map", "ada@flights.example", "ada")
        self.olga, self.ada = Person("olga", "olga@flights.example", olga["token"]), Person("ada", "ada@flights.example", ada["token"])
        tokens = self.house.folder / "tokens"
        tokens.mkdir(mode=0o700)
        for person in (self.olga, self.ada):
            (tokens / person.name).write_text(person.token + "\n")
        try:
            refused = self.house.get("/api/pawl/v1/models")
        except Problem as problem:
            refused = str(problem)
        step.claim("the first user turned sign-in on: nobody reads without a token", "401" in str(refused), refused)
        step.outcome = "olga, an operator, and ada, a data scientist; sign-in is on"

    def repository(self, step: Step) -> None:
        house = self.house
        house.git("init", "-q", "--bare", "-b", "main", self.origin)
        house.pawl("repo", "add", self.origin, "--name", "flights", "--branch", "main", "--json", by=self.olga)
        house.pawl("repo", "hook", "flights", self.origin, by=self.olga)
        house.git("clone", "-q", self.origin, self.work)
        house.git("config", "user.name", "Ada", cwd=self.work)
        house.git("config", "user.email", self.ada.email, cwd=self.work)
        shutil.copytree(HERE / "template", self.work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        house.pawl("init", cwd=self.work)
        # One cache on the machine: what a stage made once, nobody makes again.
        (self.work / ".dvc/config").write_text(f"[cache]\n    dir = {house.folder / 'cache'}\n")
        self.push("The flights: stages, checks and how the model reaches production")
        plan = house.wait(step, "the first pawl.yaml is proposed", lambda: self.open_approvals("plan"), bool, 60)[0]
        before = house.get(f"/api/pawl/v1/flows?model={MODEL}", self.olga)["items"]
        step.claim("nothing trains before pawl.yaml is in force", before == [], before)
        own = house.pawl("approve", plan["id"], "--json", by=self.ada, code=None)
        step.claim("ada may not approve her own proposal", own.code != 0, own.said)
        house.pawl("approve", plan["id"], "--comment", "a gate with a limit, a champion and an approval", "--json", by=self.olga)
        seen = house.wait(step, "pawl.yaml is put in force", lambda: house.get("/api/pawl/v1/plans", self.olga)["items"],
                          lambda plans: any(one["state"] == "in_force" for one in plans))
        step.claim("the approved pawl.yaml is in force", seen[0]["state"] == "in_force" and seen[0]["model"] == MODEL, seen[0]["state"])
        step.outcome = "pushed by ada, its pawl.yaml approved by olga and in force; the push trains"

    # 2. Data management.
    def data(self, step: Step) -> None:
        house = self.house
        house.pawl("repro", "split", cwd=self.work)
        lock = yaml.safe_load((self.work / "dvc.lock").read_text())["stages"]
        outs = {out["path"]: out["md5"] for stage in lock.values() for out in stage["outs"]}
        step.claim("collect, clean and split ran and their outputs are versioned by content", set(lock) == {"collect", "clean", "split"}
                   and {"data/raw", "data/train.parquet", "data/test.parquet"} <= set(outs), outs)
        again = house.pawl("status", cwd=self.work).out
        step.claim("of these three nothing is out of date afterwards", not re.search(r"(?m)^(collect|clean|split):", again), again)

        self.rows = pd.read_parquet(self.work / "data/test.parquet")
        profile = house.pawl("data", "profile", "data/train.parquet", "--json", cwd=self.work).json
        (house.folder / "profile.json").write_text(json.dumps(profile, indent=1))
        columns = {column["name"]: column for column in profile["columns"]}
        step.claim("every column has a profile", set(columns) == set(self.rows.columns), sorted(columns))
        train = pd.read_parquet(self.work / "data/train.parquet")
        told, seats = columns["seats"], train["seats"]
        mine = {"min": float(seats.min()), "max": float(seats.max()), "missing": int(seats.isna().sum()), "distinct": seats.nunique()}
        step.claim("the profile tells of the seats what pandas tells", all(float(told[key]) == value for key, value in mine.items()), told)
        step.claim("with distinct values, quantiles and a histogram", all(told.get(key) for key in ("distinct", "quantiles", "histogram")), told)
        accepted = house.pawl("data", "check", "data/raw/flights.parquet", "--checks", "checks.yaml", "--json", cwd=self.work).json
        step.claim("the delivery passes checks.yaml", accepted["accepted"] and accepted["findings"] == [], accepted)
        step.outcome = f"{profile['rows']:,} flights to train on, {len(self.rows):,} to test; {len(columns)} columns profiled and checked"

    def damaged_deliveries(self, step: Step) -> None:
        spoiled = self.house.folder / "spoiled"
        shutil.copytree(self.work, spoiled, symlinks=True)
        before = (spoiled / "dvc.lock").read_text()
        good = (spoiled / "collect.py").read_text()
        for number, (name, (line, column, check, expected)) in enumerate(DAMAGES.items()):
            step.progress(name, number / len(DAMAGES))
            (spoiled / "collect.py").write_text(good.replace('folder = Path("data/raw")', f'{line}\n\nfolder = Path("data/raw")'))
            ran = self.house.pawl("repro", cwd=spoiled, env={"MLFLOW_TRACKING_URI": "file:nowhere"}, code=None)
            lock = yaml.safe_load((spoiled / "dvc.lock").read_text())["stages"]
            told = self.house.pawl("data", "check", "data/raw/flights.parquet", "--checks", "checks.yaml", "--json", cwd=spoiled, code=1).json
            named = [one for one in told["findings"] if one["check"] == check and column in one["column"]]
            step.claim(f"{name}: the pipeline stops before training", ran.code != 0 and "train" not in lock and not (spoiled / "model.onnx").exists(),
                       {"exit": ran.code, "said": ran.said})
            step.claim(f"{name}: refused, naming column, check, expected and seen", not told["accepted"] and len(named) == 1
                       and all(named[0][key] for key in ("check", "expected", "seen")) and expected in named[0]["expected"], told)
            step.claim(f"{name}: the stage's own output names it too", check in ran.out + ran.err and column in ran.out + ran.err, ran.said)
        step.claim("what was versioned before is untouched", yaml.safe_load(before)["stages"]["split"] == lock["split"], lock["split"])
        step.outcome = ", ".join(DAMAGES) + ": each refused before training"

    # 3. Versioning.
    def training(self, step: Step) -> None:
        flow = self.flow_of(step, self.head(), lambda flow: flow["version"] or flow["state"] in ENDED, "the flow of the push")
        if flow["version"] != 1:
            raise Problem(f"the first flow made no version: {flow['state']}, {flow['reason']}")
        client = self.client()
        version = client.get_model_version(MODEL, "1")
        run = client.get_run(version.run_id)
        step.claim("the run has its parameters", run.data.params.get("trees") == "20", run.data.params)
        history = client.get_metric_history(run.info.run_id, "mae")
        step.claim("and its metrics step by step", [point.step for point in history] == [10, 20], [(point.step, point.value) for point in history])
        inputs = {tag.value: given.dataset.name for given in run.inputs.dataset_inputs for tag in given.tags if tag.key == "mlflow.data.context"}
        step.claim("and its datasets as inputs", inputs == {"training": "train", "testing": "test"}, inputs)
        files = mlflow.artifacts.list_artifacts(artifact_uri=f"models:/{MODEL}/1", tracking_uri=self.house.url)
        names = {Path(file.path).name for file in files}
        step.claim("the ONNX model was logged and registered", {"MLmodel", "model.onnx"} <= names, sorted(names))
        origin = self.house.get(f"/api/pawl/v1/restore/{MODEL}/1", self.ada)
        step.claim("the version knows its commit", origin["commit"] == self.head(), origin["commit"])
        step.claim("and its environment", "scikit-learn" in json.dumps(origin.get("environment")), origin.get("environment"))
        digests = {use["path"]: use["digest"] for use in origin["datasets"]}
        lock = yaml.safe_load((self.work / "dvc.lock").read_text())["stages"]["split"]["outs"]
        step.claim("and the very files that ada's own stages make", all(digests.get(out["path"]) == out["md5"] for out in lock), digests)
        step.outcome = f"{MODEL}@1 of run {run.info.run_id[:8]}, commit {origin['commit'][:8]}, mean error {history[-1].value:.2f} minutes"

    # 4. CI/CD.
    def first_gate(self, step: Step) -> None:
        flow, gate = self.judged(step)
        checks = {check["kind"]: check for check in gate["checks"]}
        step.claim("the gate ran each of its five checks", set(checks) == {"metric", "better_than", "slices", "data", "approve"}, sorted(checks))
        metric = checks["metric"]
        mine = float(np.abs(score(self.fetch(1), self.rows) - self.rows["arr_delay"].to_numpy()).mean())
        step.claim("the mean error of the gate is the one computed here", metric["state"] == "pass" and abs(metric["estimate"] - mine) < 1e-4,
                   {"gate": metric["estimate"], "here": mine})
        step.claim("better_than passes: there is no version before", checks["better_than"]["state"] == "pass" and
                   "first version" in json.dumps(checks["better_than"]), checks["better_than"])
        step.claim("slices and data pass with evidence", all(checks[kind]["state"] == "pass" and checks[kind]["n"] > 0 for kind in ("slices", "data")),
                   [checks["slices"], checks["data"]])
        step.claim("the version is not live yet", self.live() == 0, self.live())
        self.approve(step, flow, "the first one, and good enough")
        done = self.flow_of(step, self.head(), lambda one: one["state"] in ENDED, "it goes live")
        step.claim("once approved it went live on the empty endpoint at once", done["state"] == "done" and self.live() == 1, done["state"])
        step.outcome = f"mean error {mine:.2f} of at most 18 minutes; refused ada's approval, took olga's; {MODEL}@1 is live"

    def first_live(self, step: Step) -> None:
        token = self.house.pawl("token", "add", "--predict", MODEL, "--json", by=self.olga).json
        self.predict_token = token["token"]
        meta = self.house.get(f"/v2/models/{MODEL}", self.olga)
        step.claim("the endpoint describes its inputs, one tensor a column", [one["name"] for one in meta["inputs"]] == FEATURES, meta["inputs"])
        asked = self.rows.iloc[:300]
        status, answer = self.connection().infer(request(asked, FEATURES, TIME))
        if status != 200:
            raise Problem(f"the endpoint answered {status}: {answer}")
        self.first_answers = np.array(answer["outputs"][0]["data"], dtype=float)
        mine = score(self.fetch(1), asked)
        step.claim("it answers what the model file answers", np.abs(self.first_answers - mine).max() < 1e-4, float(np.abs(self.first_answers - mine).max()))
        step.claim("by version 1, with an id for each prediction", str(answer["parameters"]["model_version"]) == "1" and
                   len(set(answer["parameters"]["prediction_ids"])) == 300, answer["parameters"]["prediction_ids"][:2])
        step.outcome = f"300 flights asked about: {self.first_answers.min():.0f} to {self.first_answers.max():.0f} minutes late"

    def second_version(self, step: Step) -> None:
        params = self.work / "params.yaml"
        edit(params, "trees: 20", "trees: 60")
        edit(params, "depth: 3", "depth: 4")
        self.push("More and deeper trees")
        self.second_commit = self.head()
        flow, gate = self.judged(step)
        better = next(check for check in gate["checks"] if check["kind"] == "better_than")
        step.claim("version 2 is better than the champion, day by day", better["state"] == "pass" and better["low"] > 0, better)
        step.claim("only training ran: the data is the same", {"train"} == {stage["name"] for stage in flow["stages"] if stage["outcome"] == "ran"}, flow["stages"])
        step.outcome = f"better than version 1 by {better['estimate']:.2f} minutes, 95 % between {better['low']:.2f} and {better['high']:.2f}"

    def canary(self, step: Step) -> None:
        flow, _ = self.judged(step)
        bodies = [request(self.rows.iloc[[row]], FEATURES, TIME) for row in range(500)]
        truths = self.rows["arr_delay"].iloc[:500].tolist()
        shares, early = [], None
        with Traffic(self.connection(), bodies, truths) as traffic:
            self.approve(step, flow, "better on every day that matters")

            def look():
                nonlocal early
                flow = self.flow(self.head())
                rollout = self.house.get(f"/api/pawl/v1/rollouts/{flow['rollout']}", self.olga) if flow["rollout"] else None
                if rollout and rollout["share"] not in shares[-1:]:
                    shares.append(rollout["share"])
                if rollout and rollout["state"] == "stepping":
                    early = early or next((id for version, id in reversed(traffic.recent) if version == "2"), None)
                return flow, rollout

            def tell(seen):
                rollout = seen[1]
                return rollout and (f"{rollout['share']:g} % of the traffic, {rollout['rows']} of {rollout['rows_needed']} rows", rollout["share"] / 100)

            flow, rollout = self.house.wait(step, "the canary", look, lambda seen: seen[0]["state"] in ENDED, 180, tell)
            if flow["state"] != "done":
                raise Problem(f"the flow is {flow['state']}: {flow['reason']}")
            arrived = traffic.answers["2"]
            self.house.wait(step, "all traffic on version 2", lambda: (traffic.answers["2"], traffic.failures[:3]), lambda seen: seen[0] > arrived + 50, 60)
        self.prediction = early or next((id for version, id in reversed(traffic.recent) if version == "2"), "")
        step.claim("the rollout went up in its steps to the end", rollout["state"] == "done" and [share for share in shares if share] == [5, 25, 100],
                   {"state": rollout["state"], "reason": rollout["reason"], "shares": shares})
        step.claim("no request failed", not traffic.failures, traffic.failures[:5])
        step.claim("both versions answered while it lasted", min(traffic.answers["1"], traffic.answers["2"]) > 100, dict(traffic.answers))
        champion = self.client().get_model_version_by_alias(MODEL, "champion").version
        step.claim("the alias champion moved", str(champion) == "2", champion)
        step.outcome = f"{' % → '.join(f'{share:g}' for share in shares if share)} %; {sum(traffic.answers.values()):,} requests, {len(traffic.failures)} failed; {MODEL}@2 is live"

    def shuffled_labels(self, step: Step) -> None:
        edit(self.work / "train.py", "labels = train[LABEL].to_numpy()", "labels = train[LABEL].sample(frac=1, random_state=1).to_numpy()")
        self.push("A join that went wrong: every flight gets another one's delay")
        flow = self.flow_of(step, self.head(), lambda flow: flow["state"] in ENDED | {"waiting"}, "the flow of the push")
        gate = self.house.get(f"/api/pawl/v1/flows/{flow['id']}", self.olga)["gate"] or {"checks": []}
        failed = {check["kind"]: check for check in gate["checks"] if check["state"] == "fail"}
        step.claim("the gate stopped it", flow["state"] == "rejected", {"state": flow["state"], "reason": flow["reason"]})
        step.claim("because of its error, alone and against the champion", {"metric", "better_than"} <= set(failed), gate["checks"])
        step.claim("nobody was asked for an approval", not self.open_approvals("version"), self.open_approvals("version"))
        step.claim("version 2 is still live", self.live() == 2, self.live())
        step.outcome = f"mean error {failed['metric']['estimate']:.2f} of at most 18 minutes: stopped, version 2 stays live" if "metric" in failed else flow["state"]
        edit(self.work / "train.py", ".sample(frac=1, random_state=1).to_numpy()", ".to_numpy()")
        self.push("Every flight has its own delay again")
        flow = self.flow_of(step, self.head(), lambda flow: flow["state"] in ENDED | {"waiting"}, "the flow of the mending push")
        step.claim("the mended pipeline is the one of version 2: nothing new goes live", flow["state"] in ("nothing_new", "rejected"), flow["state"])

    # 5. From one prediction back to the files, and back to life.
    def why(self, step: Step) -> None:
        why = self.house.pawl("why", self.prediction, "--json", by=self.ada).json
        commit, origin = self.second_commit, why["origin"]
        votes = [vote for approval in why["approvals"] for vote in approval["votes"]]
        step.claim("prediction and rollout step", why["prediction"]["version"] == 2 and why["rollout"] and why["rollout"]["to"] == 2, why["prediction"])
        step.claim("version and the gate's evidence", why["gate"]["version"] == 2 and why["gate"]["state"] == "pass", why["gate"])
        step.claim("the approver", any(vote["by"] == "olga" and vote["vote"] == "grant" for vote in votes), votes)
        step.claim("run, commit and parameters", origin["commit"] == commit and origin["params"].get("trees") == "60" and bool(origin["run_id"]),
                   {key: origin[key] for key in ("run_id", "commit", "params")})
        files = {use["path"]: use["digest"] for use in origin["datasets"]}
        step.claim("dataset versions", {"data/train.parquet", "data/test.parquet"} <= set(files), files)
        outs = {out["path"] for stage in origin["stages"] for out in stage["outs"]}
        step.claim("the files and the stages that made them", {"data/raw", "data/clean.parquet", "model.onnx"} <= outs, sorted(outs))
        told = self.house.pawl("why", self.prediction, by=self.ada).out
        step.claim("told on one page for people", all(word in told for word in ("olga", commit[:8], "data/train.parquet")), told)
        step.outcome = f"{self.prediction[:16]}… ← step {why['prediction']['step']} ← {MODEL}@2 ← olga ← run {origin['run_id'][:8]} ← {commit[:8]} ← {len(files)} datasets"

    def restore(self, step: Step) -> None:
        self.house.pawl("restore", f"{MODEL}@1", self.restored, by=self.ada)
        params = yaml.safe_load((self.restored / "params.yaml").read_text())["train"]
        step.claim("code and parameters are those of the first version", params["trees"] == 20 and params["depth"] == 3, params)
        rows = pd.read_parquet(self.restored / "data/test.parquet")
        step.claim("the data is back", rows.equals(self.rows), len(rows))
        answers = score(self.restored / "model.onnx", rows.iloc[:300])
        apart = float(np.abs(answers - self.first_answers).max())
        step.claim("the model is back: it answers as the live one did then", apart < 1e-6 * max(1, np.abs(self.first_answers).max()), apart)
        step.outcome = "data, code and model of the first version are back"

    def run_again(self, step: Step) -> None:
        before = score(self.restored / "model.onnx", self.rows)
        # Its training logs into a folder this time: to run a pipeline again needs no server.
        local = {"MLFLOW_TRACKING_URI": f"file:{self.house.folder / 'mlruns'}", "MLFLOW_ALLOW_FILE_STORE": "true"}
        ran = self.house.pawl("repro", "--force", cwd=self.restored, env=local)
        after = score(self.restored / "model.onnx", self.rows)
        apart = float(np.abs(before - after).max())
        step.claim("all four stages ran again", all(stage in ran.out + ran.err for stage in ("collect", "clean", "split", "train")), ran.said)
        step.claim("predictions are equal within 1e-6", apart < 1e-6, apart)
        step.outcome = f"the pipeline of version 1 run again: {len(after):,} predictions at most {apart:.1e} apart"

    # 6. Who did what, on what evidence.
    def ledger(self, step: Step) -> None:
        verified = self.house.pawl("ledger", "--verify", "--json", by=self.olga)
        step.claim("the hash chain of the ledger holds", verified.code == 0, verified.json)
        events = self.house.get("/api/pawl/v1/ledger?limit=1000", self.olga)["items"]
        kinds = {event["what"] for event in events}
        step.claim("it tells of versions, gates, approvals and rollouts", {"version.made", "gate.judged", "approval.decided", "alias.moved"} <= kinds, sorted(kinds))
        story = [event["what"] for event in events if event.get("flow") == self.flow_at(2)["id"]]
        step.claim("and of one flow from its start to its end", "version.made" in story and story[-1] == "flow.done", story)
        decided = [event["by"] for event in events if event["what"] == "approval.decided"]
        step.claim("every approval is olga's", len(decided) > 3 and all("olga" in json.dumps(by) for by in decided), decided)
        step.outcome = f"{len(events)} events of {len(kinds)} kinds, the chain verified"

    def page(self, step: Step) -> None:
        page = self.house.get("/")
        step.claim("the page comes from the binary", isinstance(page, str) and "<html" in page.lower(), str(page)[:100])
        step.outcome = f"{self.house.url}/"

    # What the steps share.
    def push(self, message: str) -> None:
        self.house.git("add", "-A", cwd=self.work)
        self.house.git("commit", "-q", "-m", message, cwd=self.work)
        self.house.git("push", "-q", "origin", "HEAD:main", cwd=self.work)

    def head(self) -> str:
        return self.house.git("rev-parse", "HEAD", cwd=self.work)

    def connection(self) -> Connection:
        return Connection(self.house.url, MODEL, self.predict_token)

    def client(self) -> mlflow.MlflowClient:
        """The unmodified MLflow client, signed in as ada."""
        os.environ["MLFLOW_TRACKING_TOKEN"] = self.ada.token
        os.environ["MLFLOW_TRACKING_URI"] = self.house.url
        return mlflow.MlflowClient(self.house.url)

    def fetch(self, version: int) -> Path:
        """The registered model of a version, downloaded by the MLflow client."""
        self.client()
        folder = self.house.folder / f"model-{version}"
        if not folder.exists():
            mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{MODEL}/{version}", dst_path=str(folder), tracking_uri=self.house.url)
        return next(folder.rglob("model.onnx"))

    def flow(self, commit: str) -> dict | None:
        flows = self.house.get(f"/api/pawl/v1/flows?model={MODEL}", self.olga)["items"]
        return next((flow for flow in flows if flow["commit"] == commit), None)

    def flow_at(self, version: int) -> dict:
        return next(flow for flow in self.house.get(f"/api/pawl/v1/flows?model={MODEL}", self.olga)["items"] if flow["version"] == version)

    def flow_of(self, step: Step, commit: str, done, text: str) -> dict:
        return self.house.wait(step, text, lambda: self.flow(commit), lambda flow: flow is not None and done(flow),
                               tell=lambda flow: flow and (f"{text}: {flow['state'].replace('_', ' ')}",))

    def judged(self, step: Step) -> tuple[dict, dict]:
        """The flow of the newest push, waiting for its approval with every other check passed."""
        flow = self.flow_of(step, self.head(), lambda flow: flow["state"] in ENDED | {"waiting"}, "the flow of the push")
        if flow["state"] != "waiting":
            raise Problem(f"the flow is {flow['state']}: {flow['reason']}")
        gate = self.house.wait(step, "the gate", lambda: self.house.get(f"/api/pawl/v1/flows/{flow['id']}", self.olga)["gate"], bool, 30)
        return flow, gate

    def open_approvals(self, subject_kind: str) -> list[dict]:
        found = self.house.get("/api/pawl/v1/approvals?state=open", self.olga)["items"]
        return [one for one in found if one["subject_kind"] == subject_kind]

    def approve(self, step: Step, flow: dict, comment: str) -> None:
        """First the author tries, then the operator does."""
        asked = self.house.wait(step, "an approval", lambda: [one for one in self.open_approvals("version") if one["flow"] == flow["id"]], bool)[0]
        step.claim("the approval excludes the author", "ada" in asked["rule"]["not"], asked["rule"])
        own = self.house.pawl("approve", asked["id"], "--json", by=self.ada, code=None)
        step.claim("the author's own approval is refused", own.code != 0, own.said)
        self.house.owner("user", "role", "ada", "operator")
        own = self.house.pawl("approve", asked["id"], "--json", by=self.ada, code=None)
        step.claim("also while she has the operator's role", own.code != 0 and "author" in own.said, own.said)
        self.house.owner("user", "role", "ada", "scientist")
        self.house.pawl("approve", asked["id"], "--comment", comment, "--json", by=self.olga)

    def live(self) -> int:
        return self.house.get(f"/api/pawl/v1/models/{MODEL}", self.olga)["model"]["live"]


def main() -> int:
    ask = argparse.ArgumentParser(description="pawl's main job on real data; exits 1 if one of its claims did not come true")
    ask.add_argument("--pawl", type=Path, required=True, help="the binary")
    ask.add_argument("--out", type=Path, required=True, help="where demo.json goes; its subfolder `run` is emptied first")
    ask.add_argument("--keep", action="store_true", help="leave the server running at the end")
    options = ask.parse_args()
    if not options.pawl.is_file():
        print(f"demo: there is no {options.pawl}; `make build` makes it", file=sys.stderr)
        return 2
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    report = Report(out / "demo.json")
    house = House(options.pawl.resolve(), out / "run")
    kept = False
    try:
        Demo(house, report).walk()
        kept = options.keep and house.server is not None and house.server.poll() is None
    finally:
        if not kept:
            house.end_processes()
    held = sum(claim["holds"] for step in report.steps for claim in step["claims"])
    claims = sum(len(step["claims"]) for step in report.steps)
    print(f"{held} of {claims} claims came true; what was claimed and seen: {os.path.relpath(report.file)}")
    if kept:
        print(f"the server goes on at {house.url}/ until the next demo; sign in with a token of {os.path.relpath(house.folder)}/tokens")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
