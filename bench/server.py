"""What the benchmarks share: a server of their own, its memory, raw keep-alive requests, and how a figure is printed."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

BINARY = os.environ["PAWL_BINARY"]
BENCH = pathlib.Path(os.environ["PAWL_BENCH"])

# A model of 200 trees, made in a process of its own: scikit-learn would keep its threads beside the figures.
TREES = """
import sys, warnings, numpy as np
warnings.simplefilter("ignore")
from sklearn.ensemble import GradientBoostingRegressor
columns, seed = int(sys.argv[2]), int(sys.argv[3])
x = np.random.default_rng(seed).normal(size=(2000, columns)).astype(np.float32)
model = GradientBoostingRegressor(n_estimators=200, max_depth=5, random_state=seed).fit(x, x[:, 0] * x[:, 1] + x[:, 2])
"""
TRAIN = TREES + """
from skl2onnx import to_onnx
open(sys.argv[1], "wb").write(to_onnx(model, x[:1], target_opset={"": 18, "ai.onnx.ml": 3}).SerializeToString())
"""


def on_core(core: int | None) -> list[str]:
    """In front of a command: it and what it starts stay on this core, where the machine has two."""
    return [] if core is None or (os.cpu_count() or 1) < 2 else ["taskset", "-c", str(core)]


def start(data: pathlib.Path, *more: str, core: int | None = None) -> tuple[subprocess.Popen, int, float]:
    """Starts a server on `data`: the process, its port and the seconds until it said that it is ready."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        on_core(core) + [BINARY, "server", "--port", "0", "--data", str(data), *more], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    line = process.stdout.readline()
    seconds = time.perf_counter() - begin
    if "ready" not in line:
        raise SystemExit(f"the server did not start: {line!r}")
    return process, int(line.rsplit(":", 1)[1].strip("/\n ")), seconds


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait(10)
    process.stdout.close()


@contextlib.contextmanager
def server(*more: str):
    with tempfile.TemporaryDirectory(prefix="pawl-bench-") as folder:
        process, port, _ = start(pathlib.Path(folder), *more)
        try:
            yield process, port
        finally:
            stop(process)


def trees(folder: pathlib.Path, columns: int, seed: int = 1) -> pathlib.Path:
    """A folder with a model of 200 trees of depth 5 over so many floats called X."""
    folder.mkdir()
    subprocess.run([os.environ["PAWL_PYTHON"], "-c", TRAIN, folder / "model.onnx", str(columns), str(seed)], check=True)
    return folder


def ask(port: int, method: str, path: str, body: object = None) -> dict:
    """One request by the API; bytes are sent as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": kind}, method=method), timeout=60) as got:
        return json.loads(got.read() or b"{}")


def load(port: int, endpoint: str, bodies: list[pathlib.Path], *options: str, core: int | None = None) -> dict:
    """What bench_load saw of these requests; any error ends the benchmark."""
    command = [BENCH / "bench_load", str(port), f"/v2/models/{endpoint}/infer", *options, *(a for b in bodies for a in ("--body", b))]
    got = json.loads(subprocess.run(on_core(core) + command, capture_output=True, text=True, check=True).stdout)
    if got["errors"] or not got["answers"]:
        raise SystemExit(f"{got['answers']} answers, errors under load: {got['why']}")
    return got


def memory_mib(pid: int) -> dict[str, float]:
    """Resident and proportional set size."""
    values = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(("Rss:", "Pss:")):
            values[line[:3].lower()] = int(line.split()[1]) / 1024
    return values


def peers(package: str) -> str | None:
    """The Python that PAWL_PEERS names, if it has this package of bench/peers.txt."""
    named = os.environ.get("PAWL_PEERS")
    if named and not shutil.which(named):
        raise SystemExit(f"PAWL_PEERS is {named!r}: expected the path of a Python with the packages of bench/peers.txt")
    has = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    return named if named and subprocess.run([named, "-c", has], check=False).returncode == 0 else None


def peak_mib(pid: int) -> float:
    """Of its resident memory since it started."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


class Connection:
    """One keep-alive HTTP connection that sends prepared bytes and reads whole answers: no client library in the figure."""

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    @staticmethod
    def request(path: str, body: bytes, method: str = "POST") -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def send(self, request: bytes) -> bytes:
        self.socket.sendall(request)
        return self.receive()

    def receive(self) -> bytes:
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        length = next(int(h.split(b":")[1]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length"))
        while len(self.buffer) < length:
            self._more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        if not head.startswith(b"HTTP/1.1 2"):
            raise SystemExit(f"unexpected answer: {head.decode()}\n{body.decode()}")
        return body

    def _more(self) -> None:
        piece = self.socket.recv(1 << 16)
        if not piece:
            raise SystemExit("the server closed the connection")
        self.buffer += piece


def show(what: str, value: str, limit: str, wanted: str = "") -> None:
    print(f"{what:<58} {value:>16}   limit {limit:<28} {('wanted ' + wanted) if wanted else ''}".rstrip(), flush=True)


def median(values: list[float]) -> float:
    return statistics.median(values)


def percentile(values: list[float], p: float) -> float:
    return sorted(values)[min(len(values) - 1, int(p * len(values)))]
