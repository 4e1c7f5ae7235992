# SPDX-License-Identifier: BSD-2-Clause
"""Clients of others for event streams and POST: curl, Python's requests and httpx, Node's fetch. None knows wspipe."""

import os
import re
import shutil
import subprocess

import pytest
from conftest import DEADLINE

SECRET = re.compile(r'{"session":"([0-9a-f]{32})"}')

# Each gets the session from the first event, and posts a text and a binary message; once they are back it closes.
CLOSE = b'{"type":"close","code":4001,"reason":""}'
NODE = """
const url = process.argv[1];
const response = await fetch(url, { headers: { Accept: "text/event-stream" } });
const post = async (body, type) => {
    const { status } = await fetch(url, { method: "POST", body, headers: { "Content-Type": type, "Wspipe-Session": session } });
    if (status !== 202) throw new Error(status);
};
let session, text = "";
for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (!session && (session = /"session":"(.*)"/.exec(text)?.[1])) {
        await post("one", "text/plain");
        await post(new Uint8Array([0, 255]), "application/octet-stream");
    }
    if (/AP8=/.test(piece))
        await post('{"type":"close","code":4001,"reason":""}', "application/x-ndjson");
}
console.log(text);
"""

EXPECTED = ["data: one", "event: binary\ndata: AP8=", 'event: close\ndata: {"code":4001,"reason":""}']


def url_of(one):
    return one.url().replace("ws", "http", 1)


def check_events(text):
    """The records of a stream, without their numbers."""
    opened, *records = [event for event in text.strip().split("\n\n") if not event.startswith(":")]
    session = SECRET.search(opened).group(1)
    for number, record in enumerate(records, 1):
        assert record.startswith("id: %s-%d\n" % (session, number))
    assert [record.split("\n", 1)[1] for record in records] == EXPECTED


def test_curl(server):
    if not shutil.which("curl"):
        pytest.skip("curl is missing: install curl")
    one = server("--framing=json", "cat")
    curl = ["curl", "-sS", "--fail-with-body", "--max-time", str(DEADLINE), *(["--cacert", one.ca] if one.ca else [])]
    command = [*curl, "-N", "-H", "Accept: text/event-stream", url_of(one)]
    stream = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        text = stream.stdout.readline() + stream.stdout.readline()
        post = [*curl, "-H", "Wspipe-Session: " + SECRET.search(text.decode()).group(1), "--data-binary", "@-", url_of(one), "-H"]

        def send(kind, body):
            subprocess.run([*post, "Content-Type: " + kind], input=body, check=True, timeout=DEADLINE)

        send("text/plain", b"one")
        send("application/octet-stream", b"\0\xff")
        while b"AP8=" not in text:
            text += stream.stdout.readline()
        send("application/x-ndjson", CLOSE)
        text += stream.stdout.read()
        assert (stream.wait(DEADLINE), stream.stderr.read()) == (0, b"")
        check_events(text.decode())
    finally:
        stream.kill()


def talk(lines, post):
    """With the lines of a stream as they come, and a function that posts and returns the status."""
    text = ""

    def send(kind, body):
        assert post(body, {"Content-Type": kind, "Wspipe-Session": SECRET.search(text).group(1)}) == 202

    for line in lines:
        text += line + "\n"
        if "session" in line:
            send("text/plain; charset=utf-8", b"one")
            send("application/octet-stream", b"\0\xff")
        elif "AP8=" in line:
            send("application/x-ndjson", CLOSE)
    check_events(text)


def test_requests(server):
    requests = pytest.importorskip("requests", reason="install python3-requests")
    one = server("--framing=json", "cat")
    common = {"timeout": DEADLINE, "verify": one.ca}
    with requests.Session() as http:
        stream = http.get(url_of(one), headers={"Accept": "text/event-stream"}, stream=True, **common)
        assert stream.status_code == 200
        talk(
            stream.iter_lines(chunk_size=1, decode_unicode=True),
            lambda body, fields: http.post(url_of(one), data=body, headers=fields, **common).status_code,
        )


def test_httpx(server):
    httpx = pytest.importorskip("httpx", reason="install python3-httpx")
    one = server("--framing=json", "cat")
    with httpx.Client(verify=one.context or True, timeout=DEADLINE) as http:
        with http.stream("GET", url_of(one), headers={"Accept": "text/event-stream"}) as stream:
            assert stream.status_code == 200
            talk(
                (line.rstrip("\n") for line in stream.iter_lines()),  # which old versions keep
                lambda body, fields: http.post(url_of(one), content=body, headers=fields).status_code,
            )


def test_fetch_of_node(server):
    node = shutil.which(os.environ.get("NODE") or "node")
    if not node:
        pytest.skip("node is missing: install nodejs")
    one = server("--framing=json", "cat")
    env = dict(os.environ, **({"NODE_EXTRA_CA_CERTS": one.ca} if one.ca else {}))
    command = [node, "--input-type=module", "--eval", NODE, url_of(one)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
    check_events(done.stdout)
