import os

import mlflow
import pytest
import requests
from mlflow.exceptions import MlflowException


def test_files_and_folders_go_up_and_come_back(client, experiment, tmp_path):
    run_id = client.create_run(experiment).info.run_id
    source = tmp_path / "source"
    (source / "sub dir").mkdir(parents=True)
    (source / "my.file").write_text("Hello, World!")
    (source / "sub dir" / "ünï.txt").write_text("two")
    client.log_artifact(run_id, str(source / "my.file"))
    client.log_artifacts(run_id, str(source), "dir")
    client.log_text(run_id, "text", "notes/a.md")
    client.log_dict(run_id, {"a": 1}, "a.json")
    assert {a.path for a in client.list_artifacts(run_id)} == {"my.file", "dir", "notes", "a.json"}
    assert {(a.path, a.is_dir) for a in client.list_artifacts(run_id, "dir")} == {("dir/my.file", False), ("dir/sub dir", True)}
    [found] = [a for a in client.list_artifacts(run_id) if a.path == "my.file"]
    assert found.file_size == 13
    got = client.download_artifacts(run_id, "", str(tmp_path))
    assert open(os.path.join(got, "dir", "sub dir", "ünï.txt")).read() == "two"
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a.md") == "text"
    assert mlflow.artifacts.load_dict(f"runs:/{run_id}/a.json") == {"a": 1}


def test_a_large_file_comes_back_bit_by_bit(client, experiment, tmp_path):
    run_id = client.create_run(experiment).info.run_id
    big = tmp_path / "big.bin"
    with open(big, "wb") as out:
        for i in range(40):
            out.write(os.urandom(1 << 20))
    client.log_artifact(run_id, str(big))
    got = client.download_artifacts(run_id, "big.bin", None)
    assert open(got, "rb").read() == big.read_bytes()


def test_no_name_leaves_the_folder_of_artifacts(client, experiment, pawl_server):
    run_id = client.create_run(experiment).info.run_id
    for path in ["../x", "%2e%2e/x", "..%2fx", "/etc/passwd", "a\\b"]:
        for url, params in [("/api/2.0/mlflow/artifacts/list", {"run_id": run_id, "path": path}),
                            ("/get-artifact", {"run_id": run_id, "path": path}),
                            ("/api/2.0/mlflow-artifacts/artifacts", {"path": path})]:
            answer = requests.get(pawl_server.url + url, params=params, timeout=10)
            assert (answer.status_code, answer.json()["message"]) == (400, "Invalid path"), (url, path)


def test_deleting_an_artifact(client, experiment, pawl_server):
    run = client.create_run(experiment)
    client.log_text(run.info.run_id, "x", "d/a.txt")
    url = f"{pawl_server.url}/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run.info.run_id}/artifacts/d"
    assert requests.delete(url, timeout=10).status_code == 200
    assert client.list_artifacts(run.info.run_id) == []
    assert requests.get(url + "/a.txt", timeout=10).status_code == 404


def test_a_browser_gets_an_attachment_in_ranges(client, experiment, pawl_server):
    run_id = client.create_run(experiment).info.run_id
    client.log_text(run_id, "0123456789", "a.html")
    whole = requests.get(pawl_server.url + "/get-artifact", params={"run_id": run_id, "path": "a.html"}, timeout=10)
    assert whole.headers["Content-Disposition"].startswith("attachment; filename=a.html")
    assert whole.headers["Content-Type"].startswith("text/plain") and whole.headers["X-Content-Type-Options"] == "nosniff"
    part = requests.get(whole.url, headers={"Range": "bytes=2-4"}, timeout=10)
    assert (part.status_code, part.text) == (206, "234")


def test_a_model_is_logged_registered_and_loaded(client, experiment, name):
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    with mlflow.start_run(experiment_id=experiment) as run:
        info = mlflow.onnx.log_model(model, name="model", registered_model_name=name)
        mlflow.log_metric("acc", 0.5, model_id=info.model_id)
    version = client.get_model_version(name, "1")
    assert version.run_id == run.info.run_id
    assert onnx.load_from_string(mlflow.onnx.load_model(f"models:/{name}/1").SerializeToString()).graph.name == "g"
    logged = client.get_logged_model(info.model_id)
    assert str(logged.status) in ("READY", "LoggedModelStatus.READY") and logged.source_run_id == run.info.run_id
    [found] = client.search_logged_models([experiment], "metrics.acc >= 0.5")
    assert found.model_id == info.model_id
    assert [o.model_id for o in client.get_run(run.info.run_id).outputs.model_outputs] == [info.model_id]
    with pytest.raises(MlflowException, match="not found"):
        client.get_logged_model("m-none")
