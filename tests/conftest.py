"""What every test from outside may use: a real server of the real binary, on an empty folder of its own."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAWL = os.environ.get("PAWL_BINARY", str(ROOT / "build/pawl"))


class PawlServer:
    """`pawl server --port 0 --data DIR`; ready when the constructor returns. `kill()` is kill -9, `start()` serves the same folder again."""

    def __init__(self, data):
        self.data = Path(data)
        self.start()

    def start(self, *more):
        self.log = open(self.data.parent / f"{self.data.name}.log", "ab")
        self.process = subprocess.Popen(
            [PAWL, "server", "--port", "0", "--data", str(self.data), *more],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True,
        )
        for line in self.process.stdout:  # ends when the process does
            if ready := re.match(r"pawl: ready (http://\S+)", line):
                self.url = ready[1]
                return
        raise RuntimeError(f"the server ended with {self.process.wait()}: {Path(self.log.name).read_text()}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self):
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=10)
        self._close()
        return code

    def _close(self):
        self.process.stdout.close()
        self.log.close()


@pytest.fixture(scope="session")
def pawl_server(tmp_path_factory):
    """One server for all tests that only add to it."""
    server = PawlServer(tmp_path_factory.mktemp("pawl") / "data")
    yield server
    assert server.stop() == 0


@pytest.fixture
def own_server(tmp_path):
    """A server of this test alone, on an empty folder."""
    server = PawlServer(tmp_path / "data")
    yield server
    if server.process.poll() is None:
        server.stop()
