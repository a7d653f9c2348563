import mlflow
import pytest
from mlflow.exceptions import MlflowException


@pytest.fixture
def run(client, experiment):
    return client.create_run(experiment)


def source_of(run):
    return f"{run.info.artifact_uri}/model"


def test_a_model_and_its_versions(client, name, run):
    model = client.create_registered_model(name, tags={"a": "b"}, description="d")
    assert (model.name, model.tags, model.description) == (name, {"a": "b"}, "d")
    with pytest.raises(MlflowException, match=rf"Registered Model \(name={name}\) already exists"):
        client.create_registered_model(name)
    first = client.create_model_version(name, source_of(run), run.info.run_id, tags={"t": "1"})
    second = client.create_model_version(name, source_of(run), run.info.run_id, description="two")
    assert (first.version, second.version) in [("1", "2"), (1, 2)]
    assert first.current_stage == "None" and first.status == "READY" and first.tags == {"t": "1"}
    assert client.get_model_version_download_uri(name, "1") == source_of(run)
    client.update_model_version(name, "1", "new")
    assert client.get_model_version(name, "1").description == "new"
    client.set_model_version_tag(name, "1", "k", "v")
    client.delete_model_version_tag(name, "1", "t")
    assert client.get_model_version(name, "1").tags == {"k": "v"}
    assert {str(v.version) for v in client.search_model_versions(f"name = '{name}'")} == {"1", "2"}
    assert [str(v.version) for v in client.search_model_versions(f"name = '{name}' AND tags.k = 'v'")] == ["1"]
    client.delete_model_version(name, "2")
    with pytest.raises(MlflowException, match="not found"):
        client.get_model_version(name, "2")
    assert str(client.create_model_version(name, source_of(run), run.info.run_id).version) == "3"
    client.rename_registered_model(name, name + "x")
    assert client.get_registered_model(name + "x").tags == {"a": "b"}
    client.delete_registered_model(name + "x")
    with pytest.raises(MlflowException, match="not found"):
        client.get_registered_model(name + "x")


def test_aliases(client, name, run):
    client.create_registered_model(name)
    for _ in range(2):
        client.create_model_version(name, source_of(run), run.info.run_id)
    client.set_registered_model_alias(name, "champion", "1")
    client.set_registered_model_alias(name, "champion", "2")
    assert str(client.get_model_version_by_alias(name, "champion").version) == "2"
    assert {a: str(v) for a, v in client.get_registered_model(name).aliases.items()} == {"champion": "2"}
    assert client.get_model_version(name, "2").aliases == ["champion"]
    client.delete_registered_model_alias(name, "champion")
    with pytest.raises(MlflowException, match="Registered model alias champion not found"):
        client.get_model_version_by_alias(name, "champion")
    with pytest.raises(MlflowException, match="reserved"):
        client.set_registered_model_alias(name, "latest", "1")


@pytest.mark.filterwarnings("ignore:.*deprecated:FutureWarning")
def test_stages(client, name, run):
    client.create_registered_model(name)
    for _ in range(2):
        client.create_model_version(name, source_of(run), run.info.run_id)
    client.transition_model_version_stage(name, "1", "Production")
    client.transition_model_version_stage(name, "2", "Production", archive_existing_versions=True)
    assert client.get_model_version(name, "1").current_stage == "Archived"
    assert [str(v.version) for v in client.get_latest_versions(name, ["Production"])] == ["2"]


def test_models_are_searched(client, name):
    for suffix in "abc":
        client.create_registered_model(f"{name}{suffix}", tags={"s": suffix})
    names = lambda text, **more: [m.name.removeprefix(name) for m in client.search_registered_models(text, **more)]  # noqa: E731
    assert names(f"name LIKE '{name}%'") == ["a", "b", "c"]
    assert names(f"name ILIKE '{name.upper()}%'", order_by=["name DESC"]) == ["c", "b", "a"]
    assert names(f"name LIKE '{name}%' AND tags.s = 'b'") == ["b"]
    page = client.search_registered_models(f"name LIKE '{name}%'", max_results=2)
    assert len(page) == 2 and len(client.search_registered_models(f"name LIKE '{name}%'", page_token=page.token)) == 1


def test_a_source_must_belong_to_the_run_that_is_named(client, name, run):
    client.create_registered_model(name)
    for source in ["/etc/passwd", f"runs:/other/model", "mlflow-artifacts:/0/other/artifacts", "s3://bucket/../x"]:
        with pytest.raises(MlflowException, match="Invalid model version source"):
            client.create_model_version(name, source, run.info.run_id)
    assert client.create_model_version(name, f"runs:/{run.info.run_id}/m", run.info.run_id).run_id == run.info.run_id
    assert client.create_model_version(name, "s3://bucket/x", run.info.run_id).source == "s3://bucket/x"


def test_prompts_are_registered_and_found_apart(client, name):
    mlflow.genai.register_prompt(name=name, template="Hello {{who}}") if hasattr(mlflow, "genai") else pytest.skip("this client has no prompts")
    assert mlflow.genai.load_prompt(f"prompts:/{name}/1").template == "Hello {{who}}"
    assert client.search_registered_models(f"name = '{name}'") == []
