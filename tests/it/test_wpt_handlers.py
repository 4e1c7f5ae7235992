# SPDX-License-Identifier: BSD-2-Clause
"""The programs for the web platform tests, each by a client that is no browser; see tests/suites."""

import json
import os
import pathlib
import time

import pytest
from conftest import plain_only
from probes import bytes_read, wait_still
from wsraw import BINARY, TEXT, frame

pytestmark = plain_only

HANDLERS = pathlib.Path(os.environ["top_srcdir"]) / "tests/suites/wpt/handlers"

# Program and query, the client's headers, what it sends, what it receives, the close code.
CASES = (
    ("echo", {}, ["a", b"\0\xff", "", "Goodbye"], ["a", b"\0\xff", "", "Goodbye"], 1000),
    ("echo_exit", {}, ["a", "Goodbye"], [], 1000),
    ("echo_close_data", {}, ["a", "Goodbye"], [], 1000),
    ("echo-cookie", {"Cookie": "a=b"}, [], ["a=b"], 1000),
    ("echo-cookie", {}, [], ["(none)"], 1000),
    ("echo-query?a%00b?c", {}, [], ["a%00b?c"], 1000),
    ("echo-query_v13?a?b", {}, [], ["a"], 1000),
    ("empty-message", {}, [""], ["pass"], 1000),
    ("empty-message", {}, ["x"], ["fail"], 1000),
    ("handshake_no_extensions", {"Sec-WebSocket-Extensions": "permessage-deflate"}, [], [], 1000),
    ("origin", {"Origin": "http://web-platform.test:1"}, [], ["http://web-platform.test:1"], 1000),
    ("protocol", {"Sec-WebSocket-Protocol": "foobar"}, [], ["foobar"], 1000),
    ("protocol_array", {"Sec-WebSocket-Protocol": "foobar, foo"}, [], ["foobar"], 1000),
    ("receive-backpressure", {}, ["a"], [], 1000),
    ("receive-many-with-backpressure", {}, [b"ab", "abc"], ["2", "3"], None),
    ("referrer", {}, [], ["MISSING AS PER FETCH"], 1000),
    ("remote-close?code=4001&reason=%C3%BC", {}, [], [], 4001),
    ("remote-close", {}, [], [], 1000),
    ("simple_handshake", {}, [], [], 1001),
)
STATEFUL = {"send-backpressure", "stash_responder", "stash_responder_blocking", "msg_channel"}


@pytest.fixture
def handlers(server, tmp_path):
    (tmp_path / "stash").mkdir()
    one = server(
        "--dir=%s" % HANDLERS, "--framing=json", "--origin=any", "--subprotocol=echo,foobar,foo", "--passenv=+WPT_STASH",
        env={"WPT_STASH": str(tmp_path / "stash")},
    )

    def open_one(target, **headers):
        return one.websocket("/" + target, headers)

    open_one.pid = one.pid
    return open_one


def send(ws, message):
    ws.send(frame(TEXT, message.encode()) if isinstance(message, str) else frame(BINARY, message))


@pytest.mark.parametrize("target, headers, sent, received, code", CASES)
def test_handler(handlers, target, headers, sent, received, code):
    with handlers(target, **headers) as ws:
        for message in sent:
            send(ws, message)
        for message in received:
            opcode, payload = ws.message()
            assert (payload.decode() if opcode == TEXT else payload) == message
        if code is not None:
            assert ws.closed()[0] == code


def test_sender_is_slowed_down_by_the_client(handlers):
    with handlers("send-backpressure") as ws:
        assert ws.message() == (BINARY, b"")
        wait_still(lambda: bytes_read(handlers.pid), "the server")  # so the program's clock runs
        time.sleep(0.5)  # the pause is what is tested
        for _ in range(16):
            assert ws.message() == (BINARY, b" " * (1 << 20))
        assert float(ws.text()) >= 0.4


def stash(handlers, key, action, value=""):
    with handlers("stash_responder?key=%s&action=%s&value=%s" % (key, action, value)) as ws:
        send(ws, "echo")
        return json.loads(ws.text())


def test_stash_returns_a_value_once(handlers):
    assert stash(handlers, "../k", "take") == {"status": "allowed", "result": None}
    assert stash(handlers, "../k", "put", "v") == {"status": "success", "result": "../k"}
    assert stash(handlers, "other", "take") == {"status": "allowed", "result": None}
    assert stash(handlers, "../k", "take") == {"status": "blocked", "result": "v"}
    assert stash(handlers, "../k", "take") == {"status": "allowed", "result": None}


def test_blocking_stash_waits_for_the_value(handlers):
    with handlers("stash_responder_blocking") as reader, handlers("stash_responder_blocking") as writer:
        send(reader, json.dumps({"action": "get", "key": "k"}))
        send(writer, json.dumps({"action": "set", "key": "k", "value": [1]}))
        assert json.loads(writer.text()) == {}
        assert json.loads(reader.text()) == {"value": [1]}


def test_channel_keeps_order_and_outlives_its_reader(handlers):
    with handlers("msg_channel?uuid=u&direction=write") as writer:
        for n in range(3):
            send(writer, json.dumps(["message", {"n": n}]))
        with handlers("msg_channel?uuid=u&direction=read") as reader:
            assert [json.loads(reader.text()) for _ in range(3)] == [{"n": n} for n in range(3)]
            send(reader, json.dumps(["close", None]))
            assert reader.closed()[0] == 1000
        send(writer, json.dumps(["message", "later"]))
        with handlers("msg_channel?uuid=u&direction=read") as reader:
            assert json.loads(reader.text()) == "later"
            send(writer, json.dumps(["disconnectReader", None]))
            assert reader.closed()[0] == 1000


def test_every_program_has_a_test():
    programs = {p.name for p in HANDLERS.iterdir() if os.access(p, os.X_OK) and p.is_file()}
    assert programs == STATEFUL | {case[0].split("?")[0] for case in CASES}
