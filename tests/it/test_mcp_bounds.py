# SPDX-License-Identifier: BSD-2-Clause
"""The limits of --mcp, and how its sessions end with the server; tests/unit/test_mcp_peer has the tables of cases."""

import contextlib
import json
import signal

import pytest
from conftest import TLS, wait_for
from probes import Clock, unsanitized
from test_mcp import BOTH, PROGRAM, Reply, ask, begin, fields_of, listen, modern, request, said, start, tool
from test_tls import Allocator

MIB = 1 << 20


@pytest.fixture
def site(server):
    """As in test_mcp, with an environment."""
    sites = []

    def make(*args, program=("/usr/bin/python3", PROGRAM), env=None):
        sites.append(server("--mcp", *args, *program, env=env))
        return sites[-1]

    yield make
    for one in sites:
        if not one.stopped:
            one.stop()


def test_messages_for_a_program_that_reads_nothing_get_429(site):
    one = site(program=("/usr/bin/tail", "-f", "/dev/null"))
    call = modern(tool("echo", text="x" * 700000))
    with contextlib.ExitStack() as stack:
        replies = [Reply(stack.enter_context(start(one, call))) for _ in range(4)]
        assert sorted(r.status for r in replies) == [200, 200, 429, 429]
        for reply in replies:
            if reply.status == 429:
                assert (reply.fields["retry-after"], reply.json["id"], reply.error) == ("1", 1, -32603)


def test_bodies_that_are_read_at_once_are_bounded(site):
    one = site("--max-body=0")
    with one.connect() as large:
        fields = {"Accept": BOTH, "Content-Type": "application/json", "Content-Length": 70 * MIB}
        large.send(large.request_bytes("/", fields, "POST", upgrade=False) + b" " * (69 * MIB))
        wait_for(lambda: ask(one, b" " * MIB).status == 503, "no more is read")
        large.send(b" " * MIB)
        assert Reply(large).status == 400
    wait_for(lambda: ask(one, b" " * MIB).status == 400, "there is room again")


def test_sessions_count_for_their_address(site):
    one = site("--max-per-ip=4")
    initialize = request("initialize", protocolVersion="2025-11-25")

    def fill():
        reply = ask(one, initialize)
        if reply.status == 200:
            sessions.append(reply.fields["mcp-session-id"])
        return reply.status == 429 and len(sessions) == 3  # and a connection for the next request

    sessions = []
    wait_for(fill, "the address has as many as it may")
    wait_for(lambda: ask(one, None, sessions[0], method="DELETE").status == 204, "one ends")
    wait_for(lambda: ask(one, initialize).status == 200, "another one begins")


@unsanitized
def test_a_stream_is_not_slow_because_it_was_silent(site, tmp_path):
    """What waits after a pause has as much time as if it were the first."""
    clock = Clock(tmp_path)
    one = site(env=clock.env)
    session = begin(one)
    body = json.dumps(tool("hold", 1, {"progressToken": 1}, key="k")).encode()
    with one.connect(rcvbuf=4096) as slow:
        slow.send(slow.request_bytes("/", {**fields_of({}, session), "Content-Length": len(body)}, "POST", upgrade=False) + body)
        reply = Reply(slow)
        while reply.event()["data"] is None:
            pass
        clock.put_forward(29)
        assert said(ask(one, tool("release", 2, key="k", text="x" * 8 * MIB), session)) == "done"
        clock.put_forward(5)
        assert said(ask(one, tool("pid", 3), session)).isdigit()
        last = reply.events()[-1]["data"]
        assert (last["id"], len(last["result"]["content"][0]["text"])) == (1, 8 * MIB)


@pytest.mark.parametrize("workers", [1, 2])
def test_sessions_end_with_a_server_that_accepts_no_more(site, workers):
    one = site("--workers=%d" % workers)
    session = begin(one)
    begin(one)
    assert ask(one, modern(tool("pid"))).status == 200
    with listen(one, session) as stream:
        reply = Reply(stream)
        reply.event()
        one.process.send_signal(signal.SIGQUIT)
        assert reply.event() is None
    one.stop(signal.SIGQUIT)


@unsanitized
def test_any_allocation_may_fail(site, tmp_path):
    allocator = Allocator(tmp_path)
    one = site(env=allocator.env)
    session = begin(one)

    def serve():
        ask(one, modern(tool("progress", 1, {"progressToken": 1}, n=1)))
        other = ask(one, request("initialize", protocolVersion="2025-11-25")).fields["mcp-session-id"]
        ask(one, tool("progress", "x", {"progressToken": "t"}, n=1), other)
        ask(one, None, other, method="DELETE")

    after, is_left = 0, False
    while not is_left:
        allocator.fail(after)
        with contextlib.suppress(OSError, EOFError, KeyError, IndexError, json.JSONDecodeError):
            serve()
        is_left = allocator.left() > 0
        allocator.fail(0, count=0)
        after += 61 if TLS else 3
    assert after > 20
    assert said(ask(one, tool("pid"), session)).isdigit()
    wait_for(lambda: ask(one, modern(tool("echo"))).status == 200, "a program serves")
