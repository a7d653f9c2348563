"""A real server with models behind endpoints. `serving_seed` puts them there as a rollout would, before the server starts."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import warnings
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
MODELS = Path(__file__).resolve().parent / "models"
BINARY = os.environ.get("PAWL_BINARY", str(ROOT / "build/pawl"))


def seed_program():
    for folder in (Path(BINARY).parent, ROOT / "build/dev", ROOT / "build/release"):
        if (folder / "serving_seed").exists():
            return folder / "serving_seed"
    raise RuntimeError("serving_seed was not built: make build")


class Server:
    def __init__(self, data):
        self.data = Path(data)
        self.http = requests.Session()

    def endpoint(self, name, *folders):
        subprocess.run([seed_program(), "endpoint", self.data, name, *map(str, folders)], check=True, capture_output=True)

    def start(self):
        self.log = open(self.data.parent / "server.log", "ab")
        self.process = subprocess.Popen([BINARY, "server", "--port", "0", "--data", str(self.data)], stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        assert "ready" in line, (self.data.parent / "server.log").read_text()
        self.url = line.split()[-1]
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process.stdout.close()
        self.log.close()
        self.http = requests.Session()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(10) == 0
            self.process.stdout.close()
            self.log.close()

    def get(self, path, **more):
        return self.http.get(self.url + path, timeout=30, **more)

    def post(self, path, body, **more):
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.http.post(self.url + path, data=data, timeout=30, **more)

    def infer(self, name, inputs, **more):
        return self.post(f"/v2/models/{name}/infer", {"inputs": inputs, **more})

    def pawl(self, *words):
        """The command line as the server's owner: what it printed, as JSON."""
        done = subprocess.run([BINARY, "--data", str(self.data), "--json", *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def folder_of(tmp_path):
    """The artifact folder of one of the small models, by its name."""
    def make(name):
        folder = tmp_path / f"model-{name}"
        folder.mkdir(exist_ok=True)
        shutil.copy(MODELS / f"{name}.onnx", folder / "model.onnx")
        return folder
    return make


@pytest.fixture
def server(tmp_path):
    running = Server(tmp_path / "data")
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: running.stop() if hasattr(running, "process") else None)
        yield running


@pytest.fixture(scope="session")
def flights(tmp_path_factory):
    """A pipeline over text and number columns, one tensor a column, and rows for it: (folder, columns, scikit-learn's predictions)."""
    import numpy as np
    import pandas as pd
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"origin": rng.choice(["JFK", "LGA", "EWR"], 500), "distance": rng.uniform(100, 3000, 500).astype("float32"),
                         "wind": rng.normal(10, 4, 500).astype("float32")})
    truth = rows.distance / 100 + rows.wind * (rows.origin == "JFK")
    numbers = ["distance", "wind"]
    pipeline = make_pipeline(ColumnTransformer([("o", OneHotEncoder(handle_unknown="ignore"), ["origin"])], remainder="passthrough"),
                             GradientBoostingRegressor(n_estimators=30, random_state=1)).fit(rows, truth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        onnx = to_onnx(pipeline, initial_types=[("origin", StringTensorType([None, 1]))] + [(n, FloatTensorType([None, 1])) for n in numbers],
                       target_opset={"": 18, "ai.onnx.ml": 3})
    folder = tmp_path_factory.mktemp("flights")
    (folder / "model.onnx").write_bytes(onnx.SerializeToString())
    return folder, rows, pipeline.predict(rows)
