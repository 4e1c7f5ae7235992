# SPDX-License-Identifier: BSD-2-Clause
"""The examples of the message framings; the language server is driven by a real WebSocket client."""

import asyncio
import json
import os
import shutil
import subprocess

import pytest
import websockets

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
