"""Webhooks as a receiver sees them: a real server of the real binary, a real receiver, and the signature checked by an implementation of its own."""

import base64
import hashlib
import hmac
import json
import os
import queue
import re
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAWL = os.environ.get("PAWL_BINARY", str(ROOT / "build/pawl"))
SECRET = "a secret that only both ends know"


class Receiver:
    """Answers each request with `status`, keeps (path, headers, body) in `got`. `slow`: answers only when `go` is set."""

    def __init__(self, status=200, location="", slow=False):
        self.got, self.status, self.go = queue.Queue(), status, threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.got.put((self.path, self.headers, body))
                if slow:
                    owner.go.wait()
                self.send_response(owner.status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self):
        return self.got.get(timeout=120)  # longer than a lease, when the server was killed while it sent

    def close(self):
        self.go.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receivers():
    made = []

    def make(**how):
        made.append(Receiver(**how))
        return made[-1]

    yield make
    for one in made:
        one.close()


def pawl(server, *words, given="", code=0):
    """What `pawl WORDS --json` says, as the owner of the server's folder."""
    ran = subprocess.run([PAWL, *words, "--data", str(server.data), "--json"], input=given, text=True, capture_output=True)
    assert ran.returncode == code, (words, ran.returncode, ran.stdout, ran.stderr)
    return json.loads(ran.stdout)


def comment(server, text="seen"):
    return pawl(server, "comment", "m@1", text)


def deliveries(server, name, state, least=1, attempts=0):
    """Once so many deliveries to `name` are in that state after so many attempts; a worker puts them there."""
    for _ in range(600):
        found = [one for one in pawl(server, "notify", "deliveries", name)["items"] if one["state"] == state and one["attempts"] >= attempts]
        if len(found) >= least:
            return found
        time.sleep(0.1)
    raise AssertionError(pawl(server, "notify", "deliveries", name))


def signature(secret, headers, body):
    signed = b".".join([headers["X-Pawl-Delivery"].encode(), headers["X-Pawl-Timestamp"].encode(), body])
    return "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def test_a_message_is_signed_readable_and_of_the_event(own_server, receivers):
    ops = receivers()
    pawl(own_server, "notify", "add", "ops", "--webhook", f"{ops.url}/hook/path-secret", "--secret-file", "-", "--events", "comment.,alarm.", "--allow-private",
         given=SECRET + "\n")
    comment(own_server, "why so slow?")
    path, headers, body = ops.next()
    assert path == "/hook/path-secret"
    assert headers["Content-Type"] == "application/json"
    assert abs(int(headers["X-Pawl-Timestamp"]) - time.time()) < 3600
    assert headers["X-Pawl-Signature"] == signature(SECRET, headers, body)
    assert headers["X-Pawl-Signature"] != signature(SECRET + ".", headers, body)
    message = json.loads(body)
    assert message["id"] == headers["X-Pawl-Delivery"]
    assert message["text"] == f"{message['event']['by']} on version m@1: why so slow?"
    ledger = pawl(own_server, "ledger", "--what", "comment.made")["items"]
    assert [one["id"] for one in ledger] == [message["event"]["id"]]
    assert [one["hash"] for one in ledger] == [message["event"]["hash"]]
    [sent] = deliveries(own_server, "ops", "done")
    assert (sent["id"], sent["status"], sent["attempts"]) == (message["id"], 200, 1)
    said = json.dumps([pawl(own_server, "notify", "list"), pawl(own_server, "notify", "deliveries"), pawl(own_server, "ledger")])
    said += Path(own_server.log.name).read_text()
    assert SECRET not in said and "path-secret" not in said


def test_the_secret_has_no_place_in_the_arguments(own_server):
    ran = subprocess.run([PAWL, "notify", "add", "ops", "--webhook", "https://example.org/", "--secret", SECRET, "--data", str(own_server.data)],
                         capture_output=True)
    assert ran.returncode == 2


def test_redelivery_sends_the_same_message_with_the_same_id(own_server, receivers):
    ops = receivers()
    pawl(own_server, "notify", "add", "ops", "--webhook", ops.url, "--events", "comment.made", "--allow-private")
    comment(own_server)
    _, headers, first = ops.next()
    assert "X-Pawl-Signature" not in headers
    [sent] = deliveries(own_server, "ops", "done")
    pawl(own_server, "notify", "redeliver", sent["id"])
    _, headers, second = ops.next()
    assert first == second
    assert headers["X-Pawl-Delivery"] == sent["id"]
    assert pawl(own_server, "notify", "redeliver", "none", code=3)["status"] == 404


def test_a_failed_message_is_tried_again_and_survives_a_killed_server(own_server, receivers):
    ops = receivers(status=503)
    pawl(own_server, "notify", "add", "ops", "--webhook", ops.url, "--events", "comment.made", "--allow-private")
    comment(own_server)
    first = ops.next()
    [waiting] = deliveries(own_server, "ops", "waiting", attempts=1)
    own_server.kill()
    ops.status = 200
    own_server.start()
    assert ops.next()[1]["X-Pawl-Delivery"] == first[1]["X-Pawl-Delivery"] == waiting["id"]
    assert deliveries(own_server, "ops", "done")[0]["attempts"] >= 2


def test_neither_a_private_address_nor_a_redirect_to_one_is_reached(own_server, receivers):
    inside = receivers()
    port = inside.url.rsplit(":", 1)[1]
    for url in (inside.url, f"http://localhost:{port}", f"http://[::ffff:127.0.0.1]:{port}", "http://169.254.169.254/latest/meta-data", "http://0x7f000001/", "file:///etc/passwd"):
        refused = pawl(own_server, "notify", "add", "inside", "--webhook", url, code=3)
        assert (refused["status"], refused["field"]) == (400, "url")
    outside = receivers(status=302, location=inside.url)
    pawl(own_server, "notify", "add", "outside", "--webhook", outside.url, "--allow-private")
    tested = pawl(own_server, "notify", "test", "outside", code=1)
    assert (tested["state"], tested["status"]) == ("dead", 302)
    assert outside.got.qsize() == 1 and inside.got.empty()


def test_a_slow_and_a_dead_receiver_hold_up_nobody_not_even_the_end(own_server, receivers):
    slow, good = receivers(slow=True), receivers()
    gone = receivers()
    gone.server.server_close()
    for name, to in (("slow", slow), ("gone", gone), ("good", good)):
        pawl(own_server, "notify", "add", name, "--webhook", to.url, "--events", "comment.", "--allow-private")
    for n in range(5):
        comment(own_server, str(n))
    assert [json.loads(good.next()[2])["text"][-1] for n in range(5)] == list("01234")
    assert slow.got.qsize() == 1
    assert len(deliveries(own_server, "good", "done", 5)) == 5
    assert all("cannot reach" in one["error"] for one in deliveries(own_server, "gone", "waiting", attempts=1))
    assert own_server.stop() == 0


def test_a_chat_gets_text_and_a_mention_reaches_whom_it_names(own_server, receivers):
    chat = receivers()
    pawl(own_server, "user", "add", "ada", "--role", "scientist")
    pawl(own_server, "notify", "add", "ada", "--webhook-file", "-", "--kind", "slack", "--mentions", "ada", "--allow-private", given=chat.url)
    comment(own_server, "nobody is meant")
    assert comment(own_server, "<!here> @ada @nobody look")["mentions"] == ["ada"]
    message = json.loads(chat.next()[2])
    assert list(message) == ["text"]
    assert message["text"].endswith("on version m@1: &lt;!here&gt; @ada @nobody look")
    assert chat.got.empty()
    assert pawl(own_server, "notify", "remove", "ada")["name"] == "ada"
    assert pawl(own_server, "notify", "list")["items"] == []


def test_the_commands_of_the_page_work_as_they_stand(own_server, receivers, tmp_path):
    ops = receivers()
    page = (ROOT / "docs/operating.md").read_text().split("## Telling people\n")[1].split("\n## ")[0]
    commands = re.search(r"^```sh\n(.*?)^```$", page, re.M | re.S)[1]
    (tmp_path / "ops.secret").write_text(SECRET)
    (tmp_path / "chat.url").write_text(f"{ops.url}/chat")
    # A reader's receiver is on the internet: the one here needs the word for a private address.
    commands = commands.replace("https://hooks.example.org", ops.url).replace("notify add", "notify add --allow-private").replace("pawl-data", str(own_server.data))
    env = os.environ | {"PATH": f"{Path(PAWL).resolve().parent}:{os.environ['PATH']}"}
    ran = subprocess.run(["bash", "-euc", commands], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "ops answered with status 200" in ran.stdout
    path, headers, body = ops.next()
    assert path == "/pawl"
    assert headers["X-Pawl-Signature"] == signature(SECRET, headers, body)
