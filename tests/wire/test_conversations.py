import re
from pathlib import Path

import conversation
import pytest
import requests

FILES = sorted(Path(__file__).parent.glob("*/*.http"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_the_server_answers_as_recorded(own_server, file):
    wrong = conversation.play(own_server.url, file)
    assert not wrong, "\n".join(f"{file.name}:{line}: {question[:200]}\n    " + "\n    ".join(bad) for line, question, bad in wrong)


def test_a_wrong_answer_is_noticed(own_server, tmp_path):
    file = tmp_path / "a.http"
    file.write_text('GET /api/2.0/mlflow/experiments/get {"experiment_id": "0"}\n200 {"experiment": {"name": "Other"}}\n')
    assert conversation.play(own_server.url, file)


def test_every_endpoint_of_mlflow_has_a_recorded_answer(own_server):
    asked = {(m[1], m[2].split("?")[0]) for file in FILES for line in file.read_text().splitlines() if (m := conversation.QUESTION.match(line))}
    routes = requests.get(own_server.url + "/openapi.json", timeout=10).json()["paths"]
    missing = []
    for path, methods in routes.items():
        if not path.startswith("/api/2.0/mlflow/"):
            continue  # /ajax-api is the same routes once more; server-info has grown since the recording
        pattern = re.compile(re.sub(r"\\\{[^}]*\\\}", r"[^/]+", re.escape(path)) + "$")
        missing += [f"{method.upper()} {path}" for method in methods if not any(m == method.upper() and pattern.match(p) for m, p in asked)]
    assert not missing
