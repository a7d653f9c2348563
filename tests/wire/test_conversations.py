from pathlib import Path

import conversation
import pytest

FILES = sorted(Path(__file__).parent.glob("*/*.http"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_the_server_answers_as_recorded(own_server, file):
    wrong = conversation.play(own_server.url, file)
    assert not wrong, "\n".join(f"{file.name}:{line}: {question[:200]}\n    " + "\n    ".join(bad) for line, question, bad in wrong)


def test_a_wrong_answer_is_noticed(own_server, tmp_path):
    file = tmp_path / "a.http"
    file.write_text('GET /api/2.0/mlflow/experiments/get {"experiment_id": "0"}\n200 {"experiment": {"name": "Other"}}\n')
    assert conversation.play(own_server.url, file)
