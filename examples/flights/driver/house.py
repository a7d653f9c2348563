"""The processes the demo starts and the ways it speaks to pawl: the command line and the HTTP API, as anyone would.

Everything lies in one folder that is emptied first. Each process it causes (server, runner, stages) carries the folder's name in its
environment; that is how all of them are found and ended, also those of a demo that was kept or killed before.
"""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from .report import Problem

MARK = "PAWL_DEMO_FOLDER"


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    token: str


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self):
        try:
            return json.loads(self.out)
        except ValueError:
            raise Problem(f"no JSON came but {self.out[:300]!r} {self.err[:300]!r}") from None

    @property
    def said(self) -> str:
        return (self.err.strip() or self.out.strip())[-600:]


class House:
    def __init__(self, pawl: Path, folder: Path):
        self.pawl_path, self.folder, self.data = pawl, folder, folder / "server"
        self.server, self.url = None, ""
        python = Path(sys.executable).parent
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PAWL_", "MLFLOW_", "GIT_"))}
        self.env = kept | {
            MARK: str(folder), "HOME": str(folder / "home"), "GIT_CONFIG_NOSYSTEM": "1", "PYTHONWARNINGS": "ignore",
            # Stages say `python` and `pawl`: those the demo itself runs with.
            "PATH": f"{pawl.parent}:{python}:{os.environ.get('PATH', '/usr/local/bin:/usr/bin:/bin')}",
        }
        self.end_processes()
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "home").mkdir(parents=True)

    # The command line.
    def run(self, command: list, cwd: Path | None = None, env: dict | None = None, code: int | None = 0) -> Done:
        """Runs it; another exit code than `code` is a Problem (None: any will do)."""
        done = subprocess.run([str(word) for word in command], cwd=cwd or self.folder, env=self.env | (env or {}),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
        got = Done(done.returncode, done.stdout, done.stderr)
        if code is not None and got.code != code:
            raise Problem(f"`{Path(command[0]).name} {' '.join(map(str, command[1:]))}` ended with {got.code}: {got.said}")
        return got

    def pawl(self, *words, by: Person | None = None, cwd: Path | None = None, env: dict | None = None, code: int | None = 0) -> Done:
        """As a person (through HTTP with their token), or with nobody named on the work tree alone."""
        speaks = {"PAWL_SERVER": self.url, "PAWL_TOKEN": by.token} if by else {}
        return self.run([self.pawl_path, *words], cwd, speaks | (env or {}), code)

    def owner(self, *words):
        """As whoever owns the server's folder, through its socket."""
        return self.run([self.pawl_path, *words, "--data", self.data, "--json"]).json

    def git(self, *words, cwd: Path | None = None, code: int | None = 0) -> str:
        return self.run(["git", *words], cwd, code=code).out.strip()

    # The server.
    def start_server(self) -> None:
        log = open(self.folder / "server.log", "w")
        self.server = subprocess.Popen(
            [self.pawl_path, "server", "--port", "0", "--data", self.data], cwd=self.folder, env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
        )
        for line in self.server.stdout:
            if line.startswith("pawl: ready "):
                self.url = line.split()[-1]
                return
        raise Problem(f"the server ended with {self.server.wait()}: {(self.folder / 'server.log').read_text()[-600:]}")

    def end_processes(self) -> None:
        """Ends what this demo, or an earlier one in the same folder, left: first kindly, then for sure."""
        for sign, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 1.0)):
            left = self.processes()
            for process in left:
                try:
                    os.kill(process, sign)
                except ProcessLookupError:
                    pass
            deadline = time.monotonic() + patience
            while left and time.monotonic() < deadline:
                if self.server is not None:
                    self.server.poll()  # a child that nobody waits for would stay in the list
                time.sleep(0.02)
                left = self.processes()
            if not left:
                return

    def processes(self) -> list[int]:
        mark, found = f"{MARK}={self.folder}".encode(), []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    if mark in (entry / "environ").read_bytes().split(b"\0") and (entry / "cmdline").read_bytes():
                        found.append(int(entry.name))
                except OSError:
                    pass
        return found

    # The HTTP API.
    def get(self, path: str, by: Person | None = None):
        return self.ask("GET", path, None, by)

    def post(self, path: str, body, by: Person | None = None):
        return self.ask("POST", path, body, by)

    def ask(self, method: str, path: str, body, by: Person | None):
        asked = urllib.request.Request(self.url + path, method=method, data=None if body is None else json.dumps(body).encode())
        asked.add_header("Content-Type", "application/json")
        asked.add_header("Accept-Encoding", "gzip")
        if by:
            asked.add_header("Authorization", f"Bearer {by.token}")
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                text = answer.read()
                if answer.headers.get("Content-Encoding") == "gzip":
                    text = gzip.decompress(text)
                return json.loads(text) if answer.headers.get_content_type().endswith("json") else text.decode()
        except urllib.error.HTTPError as refused:
            raise Problem(f"{method} {path}: {refused.code} {refused.read().decode()[:400]}") from None

    def wait(self, step, text: str, look, done, seconds: float = 300, tell=lambda seen: ()):
        """Looks until `done(seen)`, showing that it lasts: `text`, or the text and share that `tell(seen)` gives. Too late is a Problem."""
        deadline = time.monotonic() + seconds
        while True:
            seen = look()
            if done(seen):
                return seen
            if time.monotonic() > deadline:
                raise Problem(f"{text}: not within {seconds:.0f} s; last seen {str(seen)[:500]}")
            if self.server.poll() is not None:
                raise Problem(f"the server ended with {self.server.returncode}: {(self.folder / 'server.log').read_text()[-600:]}")
            step.progress(*(tell(seen) or (text,)))
            time.sleep(0.2)
