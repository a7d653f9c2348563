"""Golden conversations: what a client asks and what the server answers, as text.

    # A comment: what the next lines show
    POST /api/2.0/mlflow/runs/create {"experiment_id": "0"}
    200 {"run": {"info": {"run_id": "$run", …
    $run = run.info.run_id

A question is one line: method, path, and for GET and others the parameters or the body as JSON; or `text "…"`, a body as it is, with headers.
Its answer is the next line: status and body (JSON, or "text"). `$name = path` takes a value out of the answer; later lines say $name. In answers
<time> is any whole number, <name> any made-up name, <hex> 32 hex digits, <set> a Python set, whose order changes from run to run. Lists of
{key, …} are compared without their order, as MLflow gives none.

The answers of tests/wire/mlflow were recorded from MLflow's own server (3.17.2, SQLite store, --artifacts-destination), never written by hand.
What pawl answers otherwise on purpose is not asked there: 400 where MLflow fails with 500, refused where it takes what it cannot mean.

    python tests/wire/conversation.py record http://127.0.0.1:PORT tests/wire/mlflow/*.http
"""

import json
import re
import sys

import requests

TIMES = {"creation_time", "last_update_time", "creation_timestamp", "last_updated_timestamp", "creation_timestamp_ms", "last_updated_timestamp_ms"}
LATER_MLFLOW = {"model_inputs"}  # pawl shows a run's model inputs in searches too
QUESTION = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (\S+)(?: (.*))?$")


def substituted(value, names):
    if isinstance(value, str):
        for name in sorted(names, key=len, reverse=True):
            value = value.replace("$" + name, names[name])
        return value
    if isinstance(value, list):
        return [substituted(v, names) for v in value]
    if isinstance(value, dict):
        return {substituted(k, names): substituted(v, names) for k, v in value.items()}
    return value


def ask(base, method, path, arguments, names):
    url = base + substituted(path, names)
    if arguments is None:
        return requests.request(method, url, timeout=30)
    if arguments.startswith("text "):
        body, headers = json.loads("[" + arguments.removeprefix("text ") + "]")
        return requests.request(method, url, data=substituted(body, names).encode(), headers=headers, timeout=30)
    given = substituted(json.loads(arguments), names)
    if method == "GET":
        return requests.get(url, params=given, timeout=30)
    return requests.request(method, url, json=given, timeout=30)


def body_of(answer):
    try:
        return answer.json()
    except ValueError:
        return "<html>" if answer.text.startswith("<!doctype html>") else answer.text


def taken(body, path):
    for part in path.split("."):
        body = body[int(part)] if part.isdigit() else body[part]
    return str(body)


def differences(expected, got, names, where="$"):
    """Where the answer is another one than it should be; empty when it is as recorded."""
    if isinstance(expected, dict) and isinstance(got, dict):
        keys = (set(expected) | set(got)) - LATER_MLFLOW
        out = [f"{where}.{k}: only {'expected' if k in expected else 'got'}" for k in sorted(keys) if (k in expected) != (k in got)]
        return out + [d for k in sorted(keys) if k in expected and k in got for d in differences(expected[k], got[k], names, f"{where}.{k}")]
    if isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return [f"{where}: {len(expected)} items expected, {len(got)} came"]
        if all(isinstance(x, dict) and "key" in x for x in expected + got):
            order = lambda x: json.dumps({k: v for k, v in x.items()}, sort_keys=True)  # noqa: E731
            expected, got = sorted(expected, key=order), sorted(got, key=order)
        return [d for i, (e, g) in enumerate(zip(expected, got)) for d in differences(e, g, names, f"{where}[{i}]")]
    if expected == "<time>" and isinstance(got, int):
        return []
    if isinstance(expected, str) and isinstance(got, str):
        pattern = re.escape(substituted(expected, names))
        for token, means in [("<name>", r"[\w-]+"), ("<hex>", "[0-9a-f]{32}"), ("<set>", r"'?\{.*?\}'?"), ("<html>", ".*")]:
            pattern = pattern.replace(re.escape(token), means)
        if re.fullmatch(pattern, got, re.DOTALL):
            return []
    elif expected == got and type(expected) is type(got):
        return []
    return [f"{where}: expected {json.dumps(substituted(expected, names))[:300]}, got {json.dumps(got)[:300]}"]


def generalised(value, names, key=None):
    """An answer as it is recorded: with names for what changes from run to run."""
    if isinstance(value, dict):
        return {k: generalised(v, names, k) for k, v in value.items() if k not in LATER_MLFLOW}
    if isinstance(value, list):
        return [generalised(v, names) for v in value]
    if key in TIMES and isinstance(value, int):
        return "<time>"
    if isinstance(value, str):
        for name, text in sorted(names.items(), key=lambda n: -len(n[1])):
            value = value.replace(text, "$" + name) if len(text) > 8 else value
            value = "$" + name if value == text else value
            value = re.sub(rf"(mlflow-artifacts:/|experiment with id |Experiment with id=|The experiment ){re.escape(text)}\b", rf"\g<1>${name}", value)
        value = re.sub(r"\b[0-9a-f]{32}\b", "<hex>", value)
        value = re.sub(r"^[a-z]+-[a-z]+-\d+$", "<name>", value)
        return re.sub(r"'?\{'[^}]*'\}'?", "<set>", value)
    return value


def play(base, file):
    """Asks everything in the file; answers [(line number, question, differences)] of what was answered otherwise."""
    names, wrong, answer, asked_at, expected = {}, [], None, None, None

    def judge():  # once the names that the answer brought are known
        if not expected:
            return
        bad = [] if answer.status_code == int(expected[1]) else [f"status {expected[1]} expected, got {answer.status_code}"]
        bad += differences(json.loads(expected[2]), body_of(answer), names)
        if bad:
            wrong.append((*asked_at, bad))

    for number, line in enumerate(file.read_text().splitlines(), 1):
        if asked := QUESTION.match(line):
            judge()
            answer, asked_at, expected = ask(base, *asked.groups(), names), (number, line), None
        elif told := re.match(r"(\d{3}) (.*)$", line):
            expected = told
        elif take := re.match(r"\$(\w+) = (\S+)$", line):
            names[take[1]] = taken(body_of(answer), take[2])
        elif line and not line.startswith("#"):
            raise ValueError(f"{file}:{number}: neither question, answer, name nor comment: {line}")
    judge()
    return wrong


def record(base, file):
    names, out, answer = {}, [], None
    lines = file.read_text().splitlines()
    for line in lines:
        if re.match(r"\d{3}( |$)", line):
            continue
        if asked := QUESTION.match(line):
            answer = ask(base, *asked.groups(), names)
            place = len(out) + 1
            out += [line, ""]
        elif take := re.match(r"\$(\w+) = (\S+)$", line):
            names[take[1]] = taken(body_of(answer), take[2])
            out.append(line)
        else:
            out.append(line)
        if answer is not None:
            out[place] = f"{answer.status_code} {json.dumps(generalised(body_of(answer), names), ensure_ascii=False)}"
    file.write_text("\n".join(out) + "\n")


if __name__ == "__main__":
    from pathlib import Path

    if len(sys.argv) < 4 or sys.argv[1] != "record":
        sys.exit(__doc__)
    for name in sys.argv[3:]:
        record(sys.argv[2], Path(name))
