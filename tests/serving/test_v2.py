"""The V2 protocol against the built server, with a client that knows nothing of pawl."""

import json
import threading
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import tritonclient.http

LINEAR = [{"name": "a", "shape": [1, 1], "datatype": "FP32", "data": [3]}, {"name": "b", "shape": [1, 1], "datatype": "FP32", "data": [2]}]


def linear(a):
    return [{**LINEAR[0], "data": [a]}, LINEAR[1]]


@pytest.fixture
def e(server, folder_of):
    """A server whose endpoint `e` answers y = 2a + 3b + 1."""
    server.endpoint("e", folder_of("linear"))
    server.start()
    return server


def columns(rows):
    n = len(rows)
    return [{"name": "origin", "shape": [n, 1], "datatype": "BYTES", "data": rows.origin.tolist()}] + [
        {"name": c, "shape": [n], "datatype": "FP32", "data": rows[c].astype(float).tolist()} for c in ("distance", "wind")]


def test_a_pipeline_of_texts_and_numbers_answers_as_scikit_learn_does(server, flights):
    folder, rows, wanted = flights
    server.endpoint("flights", folder)
    server.start()
    answer = server.infer("flights", columns(rows))
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    got = answer.json()
    assert got["outputs"][0]["shape"] == [500, 1]
    np.testing.assert_allclose(got["outputs"][0]["data"], wanted, rtol=1e-4)
    ids = got["parameters"]["prediction_ids"]
    assert len(set(ids)) == 500
    one = server.get(f"/api/pawl/v1/predictions/{ids[123]}").json()
    assert one["features"]["origin"] == rows.origin[123]
    assert one["features"]["distance"] == pytest.approx(float(rows.distance[123]))
    assert one["outputs"]["variable"] == pytest.approx(float(wanted[123]), rel=1e-4)
    assert server.get("/v2/models/flights").json()["inputs"][0] == {"name": "origin", "datatype": "BYTES", "shape": [-1, 1]}


def test_the_client_of_triton_sends_and_gets_binary_values(server, flights):
    """It does so by default; texts among them."""
    folder, rows, wanted = flights
    server.endpoint("flights", folder)
    server.start()
    client = tritonclient.http.InferenceServerClient(server.url.split("//")[1].rstrip("/"))
    assert client.is_server_live()
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    inputs = []
    for tensor in columns(rows):
        given = tritonclient.http.InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
        given.set_data_from_numpy(np.array(tensor["data"], dtype=object if tensor["datatype"] == "BYTES" else np.float32).reshape(tensor["shape"]))
        inputs.append(given)
    output = client.get_model_metadata("flights")["outputs"][0]["name"]
    for count, asked in enumerate((None, [tritonclient.http.InferRequestedOutput(output)], [tritonclient.http.InferRequestedOutput(output, binary_data=False)])):
        got = client.infer("flights", inputs, outputs=asked, request_id=str(count))
        np.testing.assert_allclose(got.as_numpy(output), wanted.reshape(-1, 1), rtol=1e-4)
    ids = got.get_response()["parameters"]["prediction_ids"]
    one = server.get(f"/api/pawl/v1/predictions/{ids[7]}").json()
    assert one["features"]["origin"] == rows.origin[7] and one["features"]["distance"] == pytest.approx(float(rows.distance[7]))
    assert client.is_server_ready() and client.is_model_ready("flights")
    client.close()


def test_rows_of_a_batch_are_answered_as_single_rows_are(server, flights):
    folder, rows, _ = flights
    server.endpoint("flights", folder)
    server.start()
    batch = server.infer("flights", columns(rows[:20])).json()["outputs"][0]["data"]
    single = [server.infer("flights", columns(rows[i:i + 1])).json()["outputs"][0]["data"][0] for i in range(20)]
    np.testing.assert_allclose(batch, single, rtol=1e-6)


def test_health_and_metadata(e):
    assert e.get("/v2/health/live").json() == {"live": True}
    assert e.get("/v2").json()["name"] == "pawl"
    assert e.infer("e", LINEAR).status_code == 200  # loads it, if that was not done yet
    assert e.get("/v2/health/ready").json() == {"ready": True}
    assert e.get("/v2/models/e/ready").json() == {"name": "e", "ready": True}
    assert e.get("/v2/models/e/versions/1").json()["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [-1, 1]}]


@pytest.mark.parametrize("body, status, says", [
    (json.dumps({"inputs": linear(float("nan"))}), 400, "not JSON"),
    (json.dumps({"inputs": linear(float("inf"))}), 400, "not JSON"),
    ("{" * 100000, 400, "not JSON"),
    ("[" * 100000, 400, "deep"),
    (b'{"inputs":[{"name":"\xff"}]}', 400, "not JSON"),
    (json.dumps({"inputs": []}), 400, "inputs"),
    (json.dumps({"inputs": LINEAR[:1]}), 400, "\"b\""),
    (json.dumps({"inputs": [{**LINEAR[0], "shape": [1, 2]}, LINEAR[1]]}), 400, "its shape [1,2] wants 2"),
    (json.dumps({"inputs": [{**LINEAR[0], "datatype": "INT64"}, LINEAR[1]]}), 400, "expected datatype FP32, got INT64"),
], ids=["nan", "infinity", "open braces", "deep", "no utf-8", "no inputs", "one missing", "shape", "datatype"])
def test_bad_input_is_named(e, body, status, says):
    answer = e.post("/v2/models/e/infer", body)
    assert answer.status_code == status
    assert says in answer.json()["error"]
    assert e.infer("e", LINEAR).json()["outputs"][0]["data"] == [13]


def test_null_is_a_missing_value(e):
    assert e.infer("e", linear(None)).json()["outputs"][0]["data"] == [None]


def test_a_large_batch_is_answered_while_single_rows_are(e):
    n = 20000
    big = [{"name": c, "shape": [n, 1], "datatype": "FP32", "data": [1.0] * n} for c in ("a", "b")]
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(e.post("/v2/models/e/infer", {"inputs": big}).json())) for _ in range(2)]
    for t in threads:
        t.start()
    for _ in range(50):
        assert e.infer("e", LINEAR).json()["outputs"][0]["data"] == [13]
    for t in threads:
        t.join()
    assert all(len(set(a["parameters"]["prediction_ids"])) == n and a["outputs"][0]["data"] == [6] * n for a in answers)


def test_what_was_answered_before_kill_9_is_there_afterwards(e):
    answered = {}
    go = threading.Event()

    def ask(worker):
        import requests

        http = requests.Session()
        for i in range(100000):
            try:
                answer = http.post(f"{e.url}/v2/models/e/infer", data=json.dumps({"inputs": linear(worker * 100000 + i)}), timeout=10).json()
            except requests.RequestException:
                return
            answered[answer["parameters"]["prediction_ids"][0]] = worker * 100000 + i
            if i == 200:
                go.set()

    threads = [threading.Thread(target=ask, args=(w,)) for w in range(3)]
    for t in threads:
        t.start()
    assert go.wait(60)
    e.kill()
    for t in threads:
        t.join()
    tail = next((e.data / "predictions/e/rows").iterdir())
    with open(tail, "ab") as file:
        file.write(b"\x40\x00\x00\x00half a frame")  # as a write that the kill cut short
    e.start()
    for prediction, a in answered.items():
        seen = e.get(f"/api/pawl/v1/predictions/{prediction}")
        assert seen.status_code == 200 and seen.json()["features"]["a"] == pytest.approx(a, rel=1e-6), prediction
    assert e.get("/api/pawl/v1/endpoints/e").json()["predictions"] >= len(answered)
    assert e.infer("e", LINEAR).status_code == 200


def test_a_server_without_live_versions_opens_no_model_library(server, folder_of):
    server.start()

    def maps():
        return Path(f"/proc/{server.process.pid}/maps").read_text()

    assert server.get("/v2/health/ready").status_code == 200
    assert server.infer("e", LINEAR).status_code == 404
    assert "libonnxruntime" not in maps() and "libduckdb" not in maps()
    server.stop()
    server.endpoint("e", folder_of("linear"))
    server.start()
    assert server.infer("e", LINEAR).status_code == 200
    assert "libonnxruntime" in maps()


def test_labels_from_the_command_line_reach_their_prediction(e, tmp_path):
    ids = [e.infer("e", linear(i)).json()["parameters"]["prediction_ids"][0] for i in range(3)]
    (tmp_path / "labels.json").write_text(json.dumps([{"prediction_id": p, "label": 10.5 + i} for i, p in enumerate(ids)]))
    assert e.pawl("label", "e", "--file", str(tmp_path / "labels.json")) == {"taken": 3, "repeated": 0, "changed": 0, "waiting": 0}
    assert e.get(f"/api/pawl/v1/predictions/{ids[1]}").json()["labels"][0]["value"] == 11.5
    forged = ids[0][:-1] + ("A" if ids[0][-1] != "A" else "B")
    answer = e.post("/api/pawl/v1/endpoints/e/labels", {"labels": [{"prediction_id": forged, "label": 1}]})
    assert answer.status_code == 404 and "labels[0].prediction_id" in answer.json()["detail"]
    assert e.pawl("endpoint", "e")["predictions"] == 3
    pyarrow.parquet.write_table(pyarrow.table({"prediction_id": ids, "label": [10.5, 11.5, 13.0]}), tmp_path / "labels.parquet")
    assert e.pawl("label", "e", "--file", str(tmp_path / "labels.parquet")) == {"taken": 3, "repeated": 2, "changed": 1, "waiting": 0}
    e.kill()
    e.start()
    assert [v["value"] for v in e.get(f"/api/pawl/v1/predictions/{ids[2]}").json()["labels"]] == [12.5, 13]


def test_a_predict_token_may_predict_and_label_at_its_endpoint_and_nothing_else(server, folder_of):
    for name in ("e", "f"):
        server.endpoint(name, folder_of("linear"))
    server.start()
    server.pawl("user", "add", "ann", "--role", "admin")
    token = server.pawl("token", "add", "--predict", "e")["token"]
    bearer = {"headers": {"Authorization": f"Bearer {token}"}}
    assert server.post("/v2/models/e/infer", {"inputs": LINEAR}).status_code == 401
    answer = server.post("/v2/models/e/infer", {"inputs": LINEAR}, **bearer)
    assert answer.status_code == 200, answer.text
    label = {"labels": [{"prediction_id": answer.json()["parameters"]["prediction_ids"][0], "label": 1}]}
    assert server.post("/api/pawl/v1/endpoints/e/labels", label, **bearer).status_code == 200
    assert server.post("/v2/models/f/infer", {"inputs": LINEAR}, **bearer).status_code == 403
    assert server.get("/api/pawl/v1/endpoints", **bearer).status_code == 403
    assert server.get("/v2/health/live").status_code == 200
