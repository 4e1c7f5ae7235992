# SPDX-License-Identifier: BSD-2-Clause
"""Subprotocols: which one is selected, and what the program and the log learn."""

import asyncio
import re

import pytest
import websockets
from probes import cpu_seconds
from wsraw import TEXT, close_frame, frame

SHOW = ("sh", "-c", 'echo "${SEC_WEBSOCKET_PROTOCOL-none} ${HTTP_SEC_WEBSOCKET_PROTOCOL-none}"')

# What the server speaks, what the client names (a list: several lines), what is agreed on.
CASES = (
    ("a,b", None, None),
    ("a,b", "a", "a"),
    ("a,b", "b", "b"),
    ("a,b", "b, a", "b"),
    ("a,b", "x, a", "a"),
    ("a,b", "x", None),
    ("a,b", "A", None),
    ("a,b", ["x", "y, b", "a"], "b"),
    ("chat.v2,chat.v1", "chat.v1,chat.v2", "chat.v1"),
    (None, "a", None),
    ("a,b", "", None),
    ("a,b", "b,", "b"),
    ("a,b", " , ,b, a", "b"),
    ("a,b", ["", "x", ",b"], "b"),
)


@pytest.mark.parametrize("spoken, named, agreed", CASES)
def test_first_of_the_client_that_is_spoken_here(server, spoken, named, agreed):
    one = server(*([f"--subprotocol={spoken}"] if spoken else []), *SHOW)
    with one.websocket(headers={"Sec-WebSocket-Protocol": named}) as ws:
        variable = "none" if named is None else named if isinstance(named, str) else ", ".join(named)
        variable = variable.strip()
        assert ws.text() == "%s %s" % (agreed or "none", variable)
        assert ws.closed() == (1000, "exit 0")
    line = one.wait_log(r".* open .*").group(0)
    assert ("subprotocol=%s " % agreed in line) if agreed else ("subprotocol" not in line)


@pytest.mark.parametrize("spoken, named, agreed", CASES)
def test_answer_has_it_once_or_not_at_all(server, spoken, named, agreed):
    one = server(*([f"--subprotocol={spoken}"] if spoken else []), "cat")
    with one.connect() as ws:
        fields = ws.upgrade(headers={"Sec-WebSocket-Protocol": named})
        assert [v for k, v in fields if k == "sec-websocket-protocol"] == ([agreed] if agreed else [])
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")


@pytest.mark.parametrize("named, status", ((None, 400), ("", 400), (",", 400), ("x", 400), ("A,B", 400), ("x,, b", 101)))
def test_required(server, named, status):
    one = server("--subprotocol=a,b", "--require-subprotocol", "cat")
    with one.connect() as peer:
        peer.send(peer.request_bytes(headers={"Sec-WebSocket-Protocol": named}))
        assert peer.response()[0] == status
    if status == 400:
        one.wait_log("offers none of the subprotocols in --subprotocol")
        assert "session" not in one.log()


@pytest.mark.parametrize("named", ("a b", "a, a", "a,, a", "a;b", ["a", "a"]))
def test_what_is_no_list_of_different_tokens_is_refused(server, named):
    with server("--subprotocol=a,b", "cat").connect() as peer:
        peer.send(peer.request_bytes(headers={"Sec-WebSocket-Protocol": named}))
        assert peer.response()[0] == 400


@pytest.mark.parametrize("named, chosen", (("", None), (",", None), ("a,", "a"), (" , b", "b"), ("x,,b, ,a", "b"), (["", "a"], "a")))
def test_empty_elements_are_ignored(server, named, chosen):
    """RFC 9110, section 5.6.1.2."""
    with server("--subprotocol=a,b", "cat").connect() as peer:
        assert dict(peer.upgrade(headers={"Sec-WebSocket-Protocol": named})).get("sec-websocket-protocol") == chosen


@pytest.mark.parametrize("count, status", ((64, 101), (65, 400)))
def test_number_of_empty_elements_is_limited(server, count, status):
    with server("cat").connect() as peer:
        peer.send(peer.request_bytes(headers={"Sec-WebSocket-Protocol": "," * count + "a"}))
        assert peer.response()[0] == status


def test_thousands_of_names_cost_nothing(server):
    """Each would be compared with each other one: seconds in which nobody else is served."""
    one = server("--subprotocol=a", "cat")
    for count, status in ((64, 101), (65, 400), (3000, 400)):
        names = ",".join(["a"] + ["p%d" % i for i in range(count - 1)])[:16000]
        with one.connect() as peer:
            used = cpu_seconds(one.pid)
            peer.send(peer.request_bytes(headers={"Sec-WebSocket-Protocol": names}))
            assert peer.response()[0] == status
            assert cpu_seconds(one.pid) - used < 1


def test_no_variable_from_outside(server):
    """Neither a header nor the server's own environment can forge what was agreed on."""
    env = {"SEC_WEBSOCKET_PROTOCOL": "forged"}
    one = server("--passenv=PATH,WSPIPE_TEST_TAG,SEC_WEBSOCKET_PROTOCOL", *SHOW, env=env)
    with one.websocket(headers={"SEC_WEBSOCKET_PROTOCOL": "forged"}) as ws:
        assert ws.text() == "none none"
        assert ws.closed() == (1000, "exit 0")


def test_a_real_client(server):
    one = server("--subprotocol=chat.v1,chat.v2", "cat")

    async def talk(**kwargs):
        async with websockets.connect(one.url(), ssl=one.context, **kwargs) as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"
            return ws.subprotocol

    assert asyncio.run(talk(subprotocols=["x", "chat.v2"])) == "chat.v2"
    assert asyncio.run(talk(subprotocols=["x"])) is None
    assert asyncio.run(talk()) is None


@pytest.mark.parametrize(
    "spoken, offered, first",
    [
        (None, "mcp", "mcp"),
        (None, ", ,graphql-transport-ws, x", "graphql-transport-ws"),
        ("a,b", "mcp", "mcp"),
        (None, "`reboot`", '"`reboot`"'),
        (None, "x" * 65, None),
        ("a,b", "b", None),
        (None, None, None),
    ],
)
def test_a_client_that_disconnects_without_its_subprotocol(server, spoken, offered, first):
    """As a browser and the library ws do; the log names the option."""
    one = server(*([f"--subprotocol={spoken}"] if spoken else []), "cat")
    one.websocket(headers={"Sec-WebSocket-Protocol": offered}).close()
    one.wait_log("session #1 close ")
    one.stop()
    hint = r" warn session #1 the client disconnected because none of the subprotocols that it offered was selected; see --subprotocol offered=(.*)\n"
    assert re.findall(hint, one.log()) == ([first] if first else [])


def test_a_client_that_goes_on_without_its_subprotocol(server):
    one = server("cat")
    with one.websocket(headers={"Sec-WebSocket-Protocol": "mcp"}) as ws:
        ws.send(frame(TEXT, "hi"))
        assert ws.text() == "hi"
    with one.websocket(headers={"Sec-WebSocket-Protocol": "mcp"}) as ws:
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")
    one.wait_log("session #[12] close ", 2)
    one.stop()
    assert "--subprotocol" not in one.log()
