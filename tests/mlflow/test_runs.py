import math
import time

import mlflow
import pytest
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException


def test_a_run_holds_what_was_logged(client, experiment):
    run = client.create_run(experiment, start_time=456, tags={"mlflow.user": "me", "k": "v"}, run_name="my name")
    run_id = run.info.run_id
    client.log_metric(run_id, "metric", 123.456, timestamp=789, step=2)
    client.log_metric(run_id, "nan", float("nan"))
    client.log_metric(run_id, "inf", float("inf"))
    client.log_metric(run_id, "-inf", -float("inf"))
    client.log_param(run_id, "param", "value")
    client.log_param(run_id, "empty", "")
    client.set_tag(run_id, "tag", "")
    found = client.get_run(run_id)
    assert (found.info.run_name, found.info.user_id, found.info.start_time, found.info.status) == ("my name", "me", 456, "RUNNING")
    assert found.data.metrics["metric"] == 123.456
    assert math.isnan(found.data.metrics["nan"])
    assert found.data.metrics["inf"] >= 1.7976931348623157e308
    assert found.data.metrics["-inf"] <= -1.7976931348623157e308
    assert found.data.params == {"param": "value", "empty": ""}
    assert found.data.tags["tag"] == "" and found.data.tags["k"] == "v"
    [point] = client.get_metric_history(run_id, "metric")
    assert (point.key, point.value, point.timestamp, point.step) == ("metric", 123.456, 789, 2)
    assert client.get_metric_history(run_id, "none") == []
    client.set_terminated(run_id, "FAILED")
    assert client.get_run(run_id).info.status == "FAILED"


def test_the_fluent_api_logs_a_training(client, experiment):
    with mlflow.start_run(experiment_id=experiment, run_name="fluent") as run:
        mlflow.log_params({"lr": 0.1, "depth": 3})
        for step in range(20):
            mlflow.log_metrics({"loss": 1 / (1 + step), "acc": step / 20}, step=step)
        mlflow.set_tags({"a": 1})
        with mlflow.start_run(experiment_id=experiment, nested=True) as child:
            mlflow.log_metric("loss", 5)
    found = client.get_run(run.info.run_id)
    assert found.info.status == "FINISHED"
    assert found.data.metrics == {"loss": 1 / 20, "acc": 19 / 20}
    assert [m.step for m in client.get_metric_history(run.info.run_id, "loss")] == list(range(20))
    assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == run.info.run_id
    frame = mlflow.search_runs([experiment], "metrics.loss < 1 AND params.depth = '3'")
    assert list(frame["tags.mlflow.runName"]) == ["fluent"]


def test_a_batch_is_logged_together(client, experiment):
    run_id = client.create_run(experiment).info.run_id
    client.log_batch(run_id, metrics=[Metric("m", step * 1.0, 1000 + step, step) for step in range(500)])
    client.log_batch(run_id, metrics=[Metric("m", step * 1.0, 1000 + step, step) for step in range(500)])  # again: nothing new
    client.log_batch(run_id, params=[Param(f"p{i}", str(i)) for i in range(100)], tags=[RunTag(f"t{i}", str(i)) for i in range(100)])
    run = client.get_run(run_id)
    assert run.data.metrics == {"m": 499.0}
    assert len(run.data.params) == 100
    assert [(m.step, m.value) for m in client.get_metric_history(run_id, "m")] == [(s, float(s)) for s in range(500)]
    with pytest.raises(MlflowException, match="Changing param values is not allowed"):
        client.log_param(run_id, "p1", "other")


def test_many_single_points_are_compacted_and_none_is_lost(client, experiment):
    run_id = client.create_run(experiment).info.run_id
    for step in range(300):
        client.log_metric(run_id, "m", step, timestamp=step, step=step)
    client.set_terminated(run_id)
    assert [m.value for m in client.get_metric_history(run_id, "m")] == [float(s) for s in range(300)]


def test_runs_are_searched_and_paged(client, experiment):
    ids = [client.create_run(experiment, start_time=i + 1, tags={"parity": "even" if i % 2 == 0 else "odd"}).info.run_id for i in range(10)]
    for i, run_id in enumerate(ids):
        client.log_metric(run_id, "m", i)
        client.log_param(run_id, "p", f"value {i}")
    search = lambda text, **more: [r.info.start_time - 1 for r in client.search_runs([experiment], text, **more)]  # noqa: E731
    assert search("") == list(range(9, -1, -1))
    assert search("metrics.m >= 7") == [9, 8, 7]
    assert search("metrics.m >= 7 and tags.parity = 'odd'") == [9, 7]
    assert search("params.p LIKE '%5'") == [5]
    assert search("params.p ILIKE 'VALUE 5'") == [5]
    assert search(f"run_id IN ('{ids[0]}', '{ids[3]}')") == [3, 0]
    assert search("", order_by=["metrics.m ASC"], max_results=3) == [0, 1, 2]
    first = client.search_runs([experiment], max_results=4, order_by=["params.p"])
    rest = client.search_runs([experiment], max_results=6, order_by=["params.p"], page_token=first.token)
    assert [r.info.start_time - 1 for r in [*first, *rest]] == list(range(10))
    assert rest.token is None
    client.delete_run(ids[9])
    assert search("metrics.m > 8") == []
    assert search("metrics.m > 8", run_view_type=ViewType.DELETED_ONLY) == [9]
    client.restore_run(ids[9])
    assert search("metrics.m > 8") == [9]
    with pytest.raises(MlflowException, match="Invalid clause"):
        search("metrics.m > 1 OR metrics.m < 0")


def test_tags_are_set_and_deleted(client, experiment):
    run_id = client.create_run(experiment).info.run_id
    client.set_tag(run_id, "a", "1")
    client.delete_tag(run_id, "a")
    assert "a" not in client.get_run(run_id).data.tags
    with pytest.raises(MlflowException, match=r"Run .+ not found"):
        client.delete_tag("fake_run_id", "a")
    with pytest.raises(MlflowException, match="No tag with name: fakeTag"):
        client.delete_tag(run_id, "fakeTag")
    client.delete_run(run_id)
    with pytest.raises(MlflowException, match=f"The run {run_id} must be in"):
        client.delete_tag(run_id, "a")


def test_datasets_are_inputs_of_a_run(client, experiment):
    run_id = client.create_run(experiment).info.run_id
    dataset = Dataset(name="d", digest="x1", source_type="local", source="/data", schema="s", profile="p")
    client.log_inputs(run_id, [DatasetInput(dataset=dataset, tags=[InputTag(key="mlflow.data.context", value="training")])])
    [found] = client.get_run(run_id).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest, found.dataset.source, found.dataset.schema) == ("d", "x1", "/data", "s")
    assert [(t.key, t.value) for t in found.tags] == [("mlflow.data.context", "training")]
    assert len(client.search_runs([experiment], "dataset.name = 'd' AND dataset.context = 'training'")) == 1


def test_a_pandas_dataset_is_logged(client, experiment):
    pandas = pytest.importorskip("pandas")
    with mlflow.start_run(experiment_id=experiment) as run:
        data = mlflow.data.from_pandas(pandas.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}), name="frame")
        mlflow.log_input(data, context="training")
    [found] = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert found.dataset.name == "frame" and found.dataset.digest == data.digest


def test_what_was_acknowledged_survives_kill_9(own_server):
    client = mlflow.MlflowClient(own_server.url)
    run_id = client.create_run("0").info.run_id
    for step in range(50):
        client.log_metric(run_id, "m", step, timestamp=int(time.time() * 1000), step=step)
    own_server.kill()
    own_server.start()
    client = mlflow.MlflowClient(own_server.url)
    assert [m.step for m in client.get_metric_history(run_id, "m")] == list(range(50))
    assert client.get_run(run_id).data.metrics == {"m": 49.0}
