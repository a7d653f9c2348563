import pytest
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException


def test_an_experiment_is_made_found_renamed_deleted_and_restored(client, name):
    experiment_id = client.create_experiment(name, tags={"key1": "val1", "key2": "val2"})
    found = client.get_experiment(experiment_id)
    assert found.name == name and found.tags == {"key1": "val1", "key2": "val2"}
    assert found.artifact_location == f"mlflow-artifacts:/{experiment_id}"
    assert client.get_experiment_by_name(name).experiment_id == experiment_id
    assert client.get_experiment_by_name("idontexist") is None
    client.rename_experiment(experiment_id, name + "x")
    assert client.get_experiment(experiment_id).name == name + "x"
    client.delete_experiment(experiment_id)
    assert client.get_experiment(experiment_id).lifecycle_stage == "deleted"
    client.restore_experiment(experiment_id)
    assert client.get_experiment(experiment_id).lifecycle_stage == "active"
    with pytest.raises(MlflowException, match="already exists") as taken:
        client.create_experiment(name + "x")
    assert taken.value.error_code == "RESOURCE_ALREADY_EXISTS"


def test_experiments_are_searched(client, name):
    ids = [client.create_experiment(f"{name}-{suffix}", tags=tags) for suffix, tags in
           [("a", {"key": "value"}), ("ab", {"key": "vaLue"}), ("Abc", None)]]
    names = lambda text, **more: [e.name.removeprefix(name + "-") for e in client.search_experiments(filter_string=f"name LIKE '{name}%'" + text, **more)]  # noqa: E731
    assert sorted(names("")) == ["Abc", "a", "ab"]
    assert names(" AND tag.key = 'value'") == ["a"]
    assert names(" AND tag.key != 'value'") == ["ab"]
    assert set(names(" AND tag.key ILIKE '%alu%'")) == {"ab", "a"}
    assert names("", order_by=["name DESC"]) == ["ab", "a", "Abc"]
    page = client.search_experiments(filter_string=f"name LIKE '{name}%'", max_results=2)
    assert len(page) == 2 and page.token
    client.delete_experiment(ids[1])
    assert names("", view_type=ViewType.DELETED_ONLY) == ["ab"]
    assert sorted(names("", view_type=ViewType.ALL)) == ["Abc", "a", "ab"]


def test_tags_of_an_experiment(client, experiment):
    client.set_experiment_tag(experiment, "multiline tag", "value2\nvalue2")
    client.set_experiment_tag(experiment, "empty", "")
    assert client.get_experiment(experiment).tags == {"multiline tag": "value2\nvalue2", "empty": ""}
    client.delete_experiment_tag(experiment, "empty")
    assert "empty" not in client.get_experiment(experiment).tags


def test_wrong_requests_are_told_what_is_wrong(post):
    for body, said in [({"name": 123}, "Invalid value 123 for parameter 'name'"), ({}, "Missing value for required parameter 'name'"),
                       ({"name": "x", "artifact_location": 9.0}, "Invalid value 9.0 for parameter 'artifact_location'"),
                       ({"name": "x", "tags": "5"}, "Invalid value \"5\" for parameter 'tags'")]:
        answer = post("experiments/create", body)
        assert answer.status_code == 400 and said in answer.json()["message"]
        assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
