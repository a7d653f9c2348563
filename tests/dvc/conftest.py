"""pawl and DVC in one repository. `make test` names both programs in the environment."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def program(variable, otherwise):
    path = os.environ.get(variable) or otherwise
    assert path and Path(path).exists(), f"{variable} must name the program ({path}): source setup/env.sh, make build"
    return path


class Work:
    """A Git repository with both tools. Each call answers the finished process; one that should succeed is checked."""

    def __init__(self, root):
        self.root = root
        self.environment = dict(os.environ, DVC_NO_ANALYTICS="1", GIT_AUTHOR_NAME="t", GIT_AUTHOR_EMAIL="t@t", GIT_COMMITTER_NAME="t",
                                GIT_COMMITTER_EMAIL="t@t", GIT_CONFIG_GLOBAL="/dev/null", DVC_SITE_CACHE_DIR=str(root.parent / "site"))
        self.run("git", "init", "-q", "-b", "main", ".")

    def run(self, *command, code=0):
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=120)
        if code is not None:
            assert done.returncode == code, f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def pawl(self, *arguments, code=0):
        return self.run(program("PAWL_BINARY", str(ROOT / "build/pawl")), *arguments, code=code)

    def dvc(self, *arguments, code=0):
        return self.run(program("PAWL_DVC", None), *arguments, code=code)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, name):
        return (self.root / name).read_text()

    def status(self, tool):
        return json.loads(getattr(self, tool)("status", "--json").stdout)

    def cache(self):
        base = self.root / ".dvc/cache/files/md5"
        return {str(p.relative_to(base)): (p.read_bytes(), p.stat().st_mode & 0o777) for p in base.rglob("*") if p.is_file()}


@pytest.fixture
def work(tmp_path):
    root = tmp_path / "team"
    root.mkdir()
    return Work(root)
