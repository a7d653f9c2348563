"""Real requests to the endpoint: rows of the test data as V2 inference JSON over one keep-alive connection."""

import http.client
import json
import random
import threading
from collections import Counter, deque
from urllib.parse import urlsplit

import pandas as pd

DATATYPES = {"float32": "FP32", "float64": "FP64", "int32": "INT32", "int64": "INT64", "bool": "BOOL"}


def request(rows: pd.DataFrame, features: list[str], time: str, key: str | None = None) -> dict:
    """One tensor a column. A missing number or text is null; when it happened goes along."""
    inputs = []
    for name in features:
        column = rows[name]
        data = [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]
        inputs.append({"name": name, "shape": [len(rows), 1], "datatype": DATATYPES.get(str(column.dtype), "BYTES"), "data": data})
    parameters = {"event_time": [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in rows[time]]}
    return {"inputs": inputs, "parameters": parameters | ({"routing_key": key} if key else {})}


class Connection:
    """Keeps one connection open; that the server closed it is a failure like any other."""

    def __init__(self, url: str, endpoint: str, token: str):
        self.http = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self.path, self.labels = f"/v2/models/{endpoint}/infer", f"/api/pawl/v1/endpoints/{endpoint}/labels"
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def infer(self, body: dict) -> tuple[int, dict]:
        return self.post(self.path, body)

    def tell(self, labels: list[tuple[str, float]]) -> tuple[int, dict]:
        """What came true, by the ids of the predictions."""
        return self.post(self.labels, {"labels": [{"prediction_id": id, "label": truth} for id, truth in labels]})

    def post(self, path: str, body: dict) -> tuple[int, dict]:
        self.http.request("POST", path, json.dumps(body), self.headers)
        answer = self.http.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if answer.status == 200 else {"error": text.decode()}


class Traffic(threading.Thread):
    """Asks for one row after the other without a pause until stopped, and tells soon what came true. Use as `with Traffic(...) as traffic:`; afterwards it tells what came."""

    def __init__(self, connection: Connection, bodies: list[dict], truths: list[float]):
        super().__init__(daemon=True)
        self.connection, self.asked, self.over = connection, list(zip(bodies, truths, strict=True)), threading.Event()
        self.answers, self.failures, self.recent = Counter(), [], deque(maxlen=1000)

    def run(self) -> None:
        draw = random.Random(1)
        asked, labels = 0, []
        while not self.over.is_set():
            body, truth = draw.choice(self.asked)
            body["parameters"]["routing_key"] = f"flight {asked}"
            asked += 1
            try:
                status, answer = self.connection.infer(body)
                if status == 200:
                    version = answer["parameters"]["model_version"]
                    self.answers[str(version)] += 1
                    self.recent.append((str(version), answer["parameters"]["prediction_ids"][0]))
                    labels.append((answer["parameters"]["prediction_ids"][0], truth))
                    if len(labels) == 200:
                        status, answer = self.connection.tell(labels)
                        labels.clear()
                if status != 200:
                    self.failures.append(f"{status} {answer['error'][:200]}")
            except Exception as problem:  # noqa: BLE001  a thread that dies would look like a quiet endpoint
                self.failures.append(f"{type(problem).__name__}: {problem}")
                self.connection.http.close()
            if len(self.failures) > 100:
                return

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join(60)
