"""What the demo says: one calm line a step with its outcome and time, and demo.json with every claim and what was seen instead of belief."""

import json
import shutil
import sys
import time
import traceback
from pathlib import Path


class Step:
    """One line of the demo. A claim that does not hold is told beneath it; an exception counts as one and does not stop the next step."""

    def __init__(self, report: "Report", name: str):
        self.report, self.name, self.outcome, self.claims, self.begin = report, name, "", [], time.monotonic()

    def claim(self, claim: str, holds: bool, seen) -> bool:
        self.claims.append({"claim": claim, "holds": bool(holds), "seen": seen})
        return bool(holds)

    def progress(self, text: str, share: float | None = None) -> None:
        """A bar while it lasts, on a terminal only; without a share it tells the seconds."""
        if not self.report.terminal:
            return
        seconds = time.monotonic() - self.begin
        bar = f"{seconds:4.0f} s" if share is None else "█" * round(20 * share) + "░" * (20 - round(20 * share))
        room = shutil.get_terminal_size().columns - 1
        print(f"\r\033[K… {self.name:<20} {bar}  {text}"[: room + 4], end="", flush=True)

    def __enter__(self):
        self.progress("")
        return self

    def __exit__(self, kind, problem, trace) -> bool:
        if problem is not None and not isinstance(problem, Exception):
            return False  # interrupted
        if problem is not None:
            self.claim("the step runs to its end", False, f"{kind.__name__}: {problem}")
            if not isinstance(problem, Problem):
                self.claims[-1]["trace"] = "".join(traceback.format_exception(problem))
        self.report.end(self)
        return True


class Problem(Exception):
    """A step cannot go on: what was expected and what was seen, in words."""


class Report:
    def __init__(self, file: Path):
        self.file, self.steps, self.terminal, self.begin = file, [], sys.stdout.isatty(), time.monotonic()

    def step(self, name: str) -> Step:
        return Step(self, name)

    def end(self, step: Step) -> None:
        seconds = time.monotonic() - step.begin
        broken = [claim for claim in step.claims if not claim["holds"]]
        start = "\r\033[K" if self.terminal else ""
        print(f"{start}{'✗' if broken else '✓'} {step.name:<20} {seconds:5.1f} s  {step.outcome}", flush=True)
        for claim in broken:
            print(f"    not so: {claim['claim']}\n      seen: {claim['seen']}", flush=True)
        self.steps.append({"step": step.name, "ok": not broken, "seconds": round(seconds, 3), "outcome": step.outcome, "claims": step.claims})
        self.write()

    def write(self) -> None:
        self.file.write_text(json.dumps({"ok": self.ok, "seconds": round(time.monotonic() - self.begin, 1), "steps": self.steps}, indent=1, default=str) + "\n")

    @property
    def ok(self) -> bool:
        return bool(self.steps) and all(step["ok"] for step in self.steps)
