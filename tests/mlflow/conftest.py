"""The unmodified MLflow client against pawl. It must find no other server, and must not wait minutes when an answer is wrong."""

import os
import uuid

os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] = "false"
os.environ["GIT_PYTHON_REFRESH"] = "quiet"
for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_TRACKING_TOKEN"):
    os.environ.pop(name, None)

import mlflow  # noqa: E402
import pytest  # noqa: E402
import requests  # noqa: E402
from mlflow import MlflowClient  # noqa: E402


@pytest.fixture
def client(pawl_server):
    mlflow.set_tracking_uri(pawl_server.url)
    yield MlflowClient(pawl_server.url)
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def name():
    """A name that no other test uses."""
    return "n" + uuid.uuid4().hex[:12]


@pytest.fixture
def experiment(client, name):
    return client.create_experiment(name)


@pytest.fixture
def post(pawl_server):
    def send(path, body, **more):
        return requests.post(f"{pawl_server.url}/api/2.0/mlflow/{path}", json=body, timeout=10, **more)

    return send
