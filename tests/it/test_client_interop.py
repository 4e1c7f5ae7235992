# SPDX-License-Identifier: BSD-2-Clause
"""wspipe as a client (--connect): against the servers of the packages websockets and ws."""

import asyncio
import json
import os
import shutil
import subprocess
import threading

import pytest
import websockets
from conftest import wait_for
from wsraw import DEADLINE

INTEROP = os.path.join(os.environ["top_srcdir"], "tests", "interop")
SIZES = (0, 1, 125, 126, 65535, 65536, 1 << 20)


class Websockets:
    """A server in a thread, which returns each message, and closes after "bye"."""

    def __init__(self, deflate):
        self.compression = "deflate" if deflate else None
        self.ready = threading.Event()
        self.closes = []
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run()), daemon=True)
        self.thread.start()
        assert self.ready.wait(DEADLINE)

    async def run(self):
        self.loop, self.end = asyncio.get_running_loop(), asyncio.Event()
        async with websockets.serve(self.serve, "127.0.0.1", 0, max_size=1 << 21, compression=self.compression) as server:
            self.port = server.sockets[0].getsockname()[1]
            self.ready.set()
            await self.end.wait()

    async def serve(self, ws, *_):
        async for message in ws:
            if message == "bye":
                await ws.close(4007, "as requested")
                return
            await ws.send(message)
        self.closes.append("%d %s" % (ws.close_code, ",".join(e.name for e in ws.extensions)))

    def stop(self):
        self.loop.call_soon_threadsafe(self.end.set)
        self.thread.join(DEADLINE)


class Ws:
    """The same in node."""

    def __init__(self, deflate):
        if not shutil.which("node") or not os.path.isdir(os.path.join(INTEROP, "node_modules", "ws")):
            pytest.skip("node or ws is missing: install nodejs, and run npm ci in tests/interop")
        self.process = subprocess.Popen(
            ["node", os.path.join(INTEROP, "ws_server.mjs"), "deflate" if deflate else "plain"], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    @property
    def closes(self):
        return [self.process.stdout.readline().split(maxsplit=1)[1].strip()]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(params=[(Websockets, False), (Websockets, True), (Ws, False), (Ws, True)],
    ids=["websockets", "websockets-deflate", "ws", "ws-deflate"])
def echo(request):
    kind, deflate = request.param
    one = kind(deflate)
    one.args = ["--deflate=takeover=no,window=9,min=0"] if deflate else []
    one.extension = "permessage-deflate" if deflate else ""
    yield one
    one.stop()


def test_messages_of_each_size_return(echo, client):
    c = client("ws://127.0.0.1:%d/" % echo.port, "--framing=length", *echo.args)
    for size in SIZES:
        record = size.to_bytes(4, "big") + bytes(i * 7 & 0xFF for i in range(size))
        c.send(record)
        assert c.read(len(record)) == record
    assert c.end() == (0, b"", "")
    wait_for(lambda: echo.closes, "the server has seen the Close")


def test_compression_keeps_its_context(echo, client):
    args = ["--deflate=window=15,min=0"] if echo.args else []
    c = client("ws://127.0.0.1:%d/" % echo.port, *args)
    for i in range(50):
        c.send(b"a line that repeats %d\n" % (i // 10))
        assert c.line() == b"a line that repeats %d\n" % (i // 10)
    assert c.end() == (0, b"", "")


def test_types_and_close_codes(echo, client):
    c = client("ws://127.0.0.1:%d/" % echo.port, "--framing=json", *echo.args)
    for record in ({"type": "text", "data": "gr\u00fc\u00dfe"}, {"type": "binary", "data": "AP8="}):
        c.send(json.dumps(record).encode() + b"\n")
        assert json.loads(c.line()) == record
    c.send(b'{"type":"text","data":"bye"}\n')
    assert c.wait() == 7


def test_the_server_sees_the_end_of_stdin_as_a_normal_close(echo, client):
    c = client("ws://127.0.0.1:%d/" % echo.port, *echo.args)
    c.send(b"one\n")
    assert c.line() == b"one\n"
    assert c.end() == (0, b"", "")
    closes = wait_for(lambda: echo.closes, "the server has seen the Close")
    assert closes[0].split() == ["1000"] + [echo.extension] * bool(echo.extension)
