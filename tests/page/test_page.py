"""The page in a real browser, on a real server with a real team: what is done there is done as a person would (page.mjs). Here the server, the
people and the team's repository are made, with the command line and git alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAWL = Path(os.environ.get("PAWL_BINARY", ROOT / "build/pawl"))
PYTHON_BIN = Path(sys.executable).parent  # node lies there too
PASSWORDS = {"ada": "correct horse", "olga": "battery staple"}


class House:
    """A server of its own with two people and one repository."""

    def __init__(self, folder: Path):
        self.folder, self.data, self.work = folder, folder / "server", folder / "team"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PAWL_", "MLFLOW_", "GIT_"))}
        (folder / "home").mkdir()
        self.env = kept | {"HOME": str(folder / "home"), "GIT_CONFIG_NOSYSTEM": "1", "PATH": f"{PAWL.parent}:{PYTHON_BIN}:{os.environ['PATH']}"}
        self.log = open(folder / "server.log", "w")
        self.server = subprocess.Popen([PAWL, "server", "--port", "0", "--data", self.data], env=self.env, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.url = next((line.split()[-1] for line in self.server.stdout if line.startswith("pawl: ready ")), "")
        assert self.url, (folder / "server.log").read_text()

    def run(self, *words, env=None) -> str:
        done = subprocess.run([str(word) for word in words], env=self.env | (env or {}), cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def owner(self, *words):
        return json.loads(self.run(PAWL, *words, "--data", self.data, "--json") or "{}")

    def people(self):
        tokens = {}
        for name, role in (("ada", "scientist"), ("olga", "operator")):
            secret = self.folder / f"{name}.password"
            secret.write_text(PASSWORDS[name])
            tokens[name] = self.owner("user", "add", name, "--role", role, "--password-file", secret)["token"]
        self.owner("user", "map", "ada@example.org", "ada")
        return tokens

    def repository(self, token):
        origin = self.folder / "team.git"
        self.run("git", "init", "-q", "--bare", "-b", "main", origin)
        shutil.copytree(HERE / "team", self.work)
        (self.work / ".dvc").mkdir()
        (self.work / ".dvc/config").write_text("")
        (self.work / ".gitignore").write_text("/data\n/model.onnx\n__pycache__\n")
        git = ["git", "-C", self.work, "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        self.run("git", "init", "-q", "-b", "main", self.work)
        self.run(*git, "config", "user.name", "Ada")
        self.run(*git, "config", "user.email", "ada@example.org")
        self.run(*git, "add", "-A")
        self.run(*git, "commit", "-q", "-m", "Twice as much")
        self.run(*git, "remote", "add", "origin", origin)
        by_olga = {"PAWL_SERVER": self.url, "PAWL_TOKEN": token}
        self.run(PAWL, "repo", "add", origin, "--name", "team", "--branch", "main", env=by_olga)
        self.run(PAWL, "repo", "hook", "team", origin, env=by_olga)
        self.run(*git, "push", "-q", "origin", "main")

    def close(self):
        work = f"--work\0{self.data}/runner\0".encode()
        for process in Path("/proc").glob("[0-9]*"):  # its runner outlives the server by design
            try:
                if work in (process / "cmdline").read_bytes():
                    os.kill(int(process.name), signal.SIGTERM)
            except OSError:
                pass
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(10)
        self.log.close()


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.close()


def test_a_person_signs_in_approves_a_version_and_sees_it_go_live(house, tmp_path):
    tokens = house.people()
    house.repository(tokens["olga"])
    shots = Path(os.environ.get("PAGE_SHOTS", tmp_path / "shots"))
    shots.mkdir(exist_ok=True)
    given = {"url": house.url, "passwords": PASSWORDS, "tokens": tokens, "work": str(house.work), "shots": str(shots)}
    done = subprocess.run([PYTHON_BIN / "node", HERE / "page.mjs", json.dumps(given)], env=house.env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    assert done.returncode == 0, f"{done.stdout}\n{(tmp_path / 'server.log').read_text()[-3000:]}"
