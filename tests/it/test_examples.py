# SPDX-License-Identifier: BSD-2-Clause
"""The examples of the message framings; the language server is driven by a real WebSocket client."""

import asyncio
import json
import os
import shutil
import subprocess

import pytest
import websockets

from conftest import wait_for
from test_mcp import ask, begin, modern, request, said, tool
from wsraw import BINARY, CLOSE, DEADLINE, TEXT, close_frame, frame

EXAMPLES = os.path.join(os.environ["top_srcdir"], "examples", "framings")


def example(name):
    return os.path.join(EXAMPLES, name)


def test_repl_has_a_prompt_and_keeps_its_state(server):
    with server("--framing=text", example("repl.sh")).websocket() as ws:
        seen = ""

        def until(end):
            nonlocal seen
            seen = ""
            while not seen.endswith(end):
                seen += ws.text()
            return seen

        until(">>> ")
        ws.send(frame(TEXT, "x = 'ä€😀' * 2\n"))
        until(">>> ")
        ws.send(frame(TEXT, "print(x, 6 * 7)\n"))
        assert until(">>> ") == "ä€😀ä€😀 42\n>>> "
        ws.send(frame(TEXT, "exit(3)\n"))
        assert ws.closed() == (4003, "exit 3")


def test_thumbnail_answers_in_binary_records(server):
    with server("--framing=length", example("thumbnail.py")).websocket() as ws:
        ws.send(frame(BINARY, bytes(range(64))) + frame(BINARY, b"\n" * 64) + frame(BINARY, b"too short"))
        assert ws.message() == (BINARY, bytes(y * 16 + 2 * x + 4 for y in range(4) for x in range(4)))
        assert ws.message() == (BINARY, b"\n" * 16)
        assert ws.message() == (BINARY, b"")
        ws.send(close_frame(1000))


@pytest.mark.skipif(not shutil.which("node"), reason="node not found: install the package nodejs")
def test_counter_sees_types_and_chooses_its_close_code(server):
    with server("--framing=json", "--events", example("counter.js")).websocket("/here?x") as ws:
        assert ws.text() == "You connected to /here"
        ws.send(frame(TEXT, "ä\n") + frame(BINARY, b"\0\1\2\3\4") + frame(TEXT, ""))
        assert [ws.text() for _ in range(3)] == ["text of 3 bytes", "binary of 5 bytes", "text of 0 bytes"]
        assert ws.frame() == (CLOSE, True, (4000).to_bytes(2, "big") + b"three are enough")
        ws.send(close_frame(4000))
        assert ws.read_to_end() == b""


def has_language_server():
    if shutil.which("clangd"):
        return True
    found = [python for python in ("python3", "/usr/bin/python3") if shutil.which(python)]
    return any(subprocess.run([p, "-c", "import pylsp, setuptools"], capture_output=True).returncode == 0 for p in found)


# What each server is asked: the file's name, its language, its text, and what a completion at its end must offer.
TASKS = {
    "pylsp": ("a.py", "python", "import os\nos.path.joi", "join"),
    "clangd": ("a.c", "c", "int answer(void);\nint two(void) { return ans", "answer"),
}


async def talk_lsp(one):
    async with websockets.connect(one.url(), ssl=one.context, max_size=None) as ws:
        count = 0

        async def say(method, **params):
            await ws.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))

        async def ask(method, **params):
            nonlocal count
            count += 1
            message = {"jsonrpc": "2.0", "id": count, "method": method}
            if method != "shutdown":
                message["params"] = params
            await ws.send(json.dumps(message))
            while True:
                answer = json.loads(await asyncio.wait_for(ws.recv(), 4 * DEADLINE))
                if answer.get("id") == count and "method" not in answer:
                    assert "error" not in answer, answer
                    return answer["result"]

        hello = await ask("initialize", processId=None, rootUri=None, capabilities={})
        name, language, text, wanted = TASKS[hello["serverInfo"]["name"]]
        uri = "file:///tmp/" + name
        await say("initialized")
        await say(
            "textDocument/didOpen",
            textDocument={"uri": uri, "languageId": language, "version": 1, "text": text},
        )
        lines = text.split("\n")
        position = {"line": len(lines) - 1, "character": len(lines[-1])}
        found = await ask("textDocument/completion", textDocument={"uri": uri}, position=position)
        items = found["items"] if isinstance(found, dict) else found
        assert any(wanted in item["label"] for item in items), items
        await ask("shutdown")
        await say("exit")
        with pytest.raises(websockets.ConnectionClosed):
            while True:
                await asyncio.wait_for(ws.recv(), DEADLINE)
        assert (ws.close_code, ws.close_reason) == (1000, "exit 0")


@pytest.mark.skipif(not has_language_server(), reason="no language server: install python3-pylsp with python3-setuptools, or clangd")
def test_language_server_works_as_it_is(server):
    asyncio.run(talk_lsp(server("--framing=lsp", example("language-server.sh"))))


def test_cgi_script_shows_the_request_and_sends_events(server):
    one = server("--cgidir=" + os.path.join(os.environ["top_srcdir"], "examples", "cgi"))
    with one.connect() as peer:
        request = "POST /request.sh/a?b HTTP/1.0\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody"
        peer.send(request.encode())
        status, _, body = peer.answer()
        assert status == 200
        assert body == b"POST /request.sh/a?b\nPATH_INFO=/a\nQUERY_STRING=b\nCONTENT_LENGTH=4\n\nbody"
    with one.connect() as peer:
        peer.send(b"GET /request.sh/events HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert peer.response()[0] == 200 and peer.read(9) == b"data: 1\n\n"


def test_mcp_server_adds_for_clients_of_both_versions(server):
    one = server("--mcp", os.path.abspath(os.path.join(os.environ["top_srcdir"], "examples", "mcp", "adder.py")))
    session = begin(one)
    assert ask(one, request("tools/list"), session).json["result"]["tools"][0]["name"] == "add"
    for call, fields in ((lambda **a: tool("add", **a), session), (lambda **a: modern(tool("add", **a)), None)):
        assert said(ask(one, call(numbers=[2, 3.5]), fields)) == "5.5"
        assert ask(one, call(numbers="x"), fields).json["result"]["isError"]
    assert ask(one, tool("subtract"), session).error == -32602
    assert ask(one, request("prompts/list"), session).error == -32601
    one.stop()


SHARED = os.path.abspath(os.path.join(os.environ["top_srcdir"], "examples", "shared"))


def test_chat_reports_joins_messages_and_leaves(server):
    one = server("--shared=addressed", "--events", os.path.join(SHARED, "chat.awk"))
    a = one.websocket()
    assert a.text() == "client 1 has joined"
    b = one.websocket()
    assert a.text() == b.text() == "client 2 has joined"
    a.send(frame(TEXT, "hello\tall"))
    assert a.text() == b.text() == "client 1: hello\tall"
    b.close()
    assert a.text() == "client 2 has left"
    a.close()


def test_counter_is_the_same_for_all(server):
    one = server("--shared", "--history=1", os.path.join(SHARED, "counter.py"))
    with one.websocket() as a:
        for text, total in (("3", "3"), ("x", None), ("-1", "2")):
            a.send(frame(TEXT, text))
            assert total is None or a.text() == total
        with one.websocket() as b:
            assert b.text() == "2"
    one.wait_log(r"error stderr \"?not a number: x")


def test_a_log_is_sent_to_all_clients(server, tmp_path):
    log = tmp_path / "log"
    log.write_text("old\n")
    one = server("--shared", "--history=2", "tail", "-n", "1", "-F", str(log))
    with one.websocket() as a:
        assert a.text() == "old"
        with one.websocket() as b:
            assert b.text() == "old"
            with log.open("a") as f:
                f.write("new\n")
            assert a.text() == b.text() == "new"


def test_rooms_are_separate(server):
    one = server("--shared", "--framing=json", "--events", os.path.join(SHARED, "rooms.py"))
    with one.websocket("/red") as a, one.websocket("/blue") as b:
        assert a.text() == "player 1 joins; 1 in this room"
        assert b.text() == "player 2 joins; 1 in this room"
        with one.websocket("/red") as c:
            assert a.text() == c.text() == "player 3 joins; 2 in this room"
            c.send(frame(TEXT, "x"))
            assert c.text() == "guess a number from 1 to 100"
            low, high = 1, 100
            while True:  # both of the room hear each guess
                guess = (low + high) // 2
                c.send(frame(TEXT, str(guess)))
                text = c.text()
                assert a.text() == text
                if text == "player 3 wins: it was %d" % guess:
                    break
                assert text in ("player 3 guesses %d: %s" % (guess, hint) for hint in ("more", "less"))
                low, high = (guess + 1, high) if text.endswith("more") else (low, guess - 1)
        assert a.text() == "player 3 leaves"
        b.send(frame(TEXT, "0"))
        assert b.text() == "player 2 guesses 0: more"  # nothing else has come


def has_zmq():
    return subprocess.run(["/usr/bin/python3", "-c", "import zmq"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not has_zmq(), reason="zmq not found: install the package python3-zmq")
def test_a_zeromq_subscriber_is_a_shared_program(server):
    publisher = subprocess.Popen(
        ["/usr/bin/python3", "-uc", "import sys, zmq\ns = zmq.Context().socket(zmq.XPUB)\n"
         "print(s.bind_to_random_port('tcp://127.0.0.1'))\ns.recv()\nfor line in sys.stdin: s.send_string(line.strip())\n"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        address = "tcp://127.0.0.1:%s" % publisher.stdout.readline().strip()
        one = server("--shared", os.path.join(SHARED, "zmq-subscriber.py"), address)
        with one.websocket() as a, one.websocket() as b:
            publisher.stdin.write("first\nsecond\n")  # the publisher waits for the subscription
            publisher.stdin.flush()
            for ws in (a, b):
                assert [ws.text(), ws.text()] == ["first", "second"]
    finally:
        publisher.kill()
        publisher.communicate()


@pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server not found: install the package redis")
def test_redis_cli_subscribe_is_a_shared_program(server, tmp_path):
    path = str(tmp_path / "redis.sock")
    redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", str(tmp_path)],
                             stdout=subprocess.DEVNULL)

    def cli(*args):
        return subprocess.run(["redis-cli", "-s", path, *args], capture_output=True, text=True, check=False).stdout.strip()

    try:
        wait_for(lambda: cli("ping") == "PONG", "Redis responds")
        one = server("--shared", "redis-cli", "-s", path, "subscribe", "news")
        with one.websocket() as a:
            assert [a.text() for _ in range(3)] == ["subscribe", "news", "1"]
            with one.websocket() as b:
                b.send(frame(TEXT, ""))
                assert cli("publish", "news", "hello") == "1"
                assert [a.text() for _ in range(3)] == ["message", "news", "hello"]
                assert [b.text() for _ in range(3)] == ["message", "news", "hello"]
    finally:
        redis.terminate()
        redis.wait()


def test_programs_in_a_terminal(server):
    for name, options, prompt, keys in (("top.sh", ["--readonly"], b"load average", b""), ("python.sh", [], b">>> ", b"\x04")):
        if not shutil.which("top"):
            pytest.skip("top not found: install the package procps")
        one = server("--pty", *options, os.path.join(os.path.dirname(EXAMPLES), "terminal", name))
        ws = one.websocket()
        shown = b""
        while prompt not in shown:
            shown += ws.message()[1]
        if keys:
            ws.send(frame(BINARY, keys))
            assert ws.closed()[0] == 1000
        else:
            ws.close()


@pytest.mark.skipif(not shutil.which("php"), reason="php not found: install php-cli")
def test_php_program_replies_at_once(server):
    with server(os.path.join(os.environ["top_srcdir"], "examples", "when.php")).websocket() as ws:
        for words, date in (
            ("last day of february 2028", "Tuesday, 29 February 2028"),
            ("", "write a date, such as: tomorrow"),
            ("2026-11-26 +3 weeks", "Thursday, 17 December 2026"),
            ("\0<?php exit(3);" * 1000, "write a date, such as: tomorrow"),
        ):
            ws.send(frame(TEXT, words))
            assert ws.text() == date
