# SPDX-License-Identifier: BSD-2-Clause
"""The time limits that have an option: of a request, of a session, and of a client that does not read."""

import signal
import time

import pytest
from conftest import plain_only, wait_for
from probes import Clock, unsanitized
from wsraw import TEXT, frame

REASONS = {"idle-timeout": "no message for --idle-timeout", "max-lifetime": "open for --max-lifetime"}


def echoes(ws):
    ws.send(frame(TEXT, "still here"))
    return ws.text() == "still here"


@pytest.mark.parametrize("option", sorted(REASONS))
def test_session_ends_with_the_name_of_the_option(server, option):
    one = server("--%s=300ms" % option, "cat")
    begin = time.monotonic()
    with one.websocket() as ws:
        assert ws.closed() == (1001, REASONS[option])
        assert time.monotonic() - begin >= 0.299  # the server counts whole milliseconds
    one.wait_log(r"close .*close_sent=1001 .*reason=.%s" % REASONS[option])
    wait_for(lambda: not one.tagged(), "the program has ended")


@unsanitized
def test_messages_of_either_direction_keep_a_session_open(server, tmp_path):
    clock = Clock(tmp_path)
    one = server("--idle-timeout=1h", "--pingms=0", "sh", "-c", 'while read -r x; do [ "$x" = quiet ] || echo "$x"; done', env=clock.env)
    with one.websocket() as ws, one.websocket() as silent:
        for _ in range(3):
            assert echoes(ws)
            clock.put_forward(3000)
        assert silent.closed() == (1001, REASONS["idle-timeout"])
        assert echoes(ws)
        clock.put_forward(3601)
        assert ws.closed() == (1001, REASONS["idle-timeout"])


@unsanitized
def test_messages_do_not_keep_an_old_session_open(server, tmp_path):
    clock = Clock(tmp_path)
    one = server("--max-lifetime=1h", "--pingms=0", "cat", env=clock.env)
    with one.websocket() as ws:
        assert echoes(ws)
        clock.put_forward(3000)
        assert echoes(ws)
        clock.put_forward(1000)
        assert ws.closed() == (1001, REASONS["max-lifetime"])


def test_client_that_does_not_read(server):
    one = server("--write-timeout=300ms", "yes")
    with one.websocket(rcvbuf=4096):
        one.wait_log(r"close .*reason=.write timeout \(--write-timeout\)")


def test_request_that_does_not_arrive(server, tmp_path):
    config = tmp_path / "wspipe.conf"
    text = "handshake-timeout = %s\n[/]\ncommand = cat\n"
    config.write_text(text % "1h")
    one = server("--config=%s" % config)
    config.write_text(text % "300ms")
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("configuration reloaded")
    begin = time.monotonic()
    with one.connect() as peer:
        peer.send(b"GET / HT")
        assert peer.answer()[0] == 408
        assert time.monotonic() - begin >= 0.299  # the server counts whole milliseconds
    one.wait_log(r"status=408 .*\(--handshake-timeout\)")


@plain_only
def test_tls_handshake_that_does_not_arrive(secure):
    one = secure("--handshake-timeout=300ms", "cat")
    with one.connect(context=None) as peer:
        peer.send(b"\x16\x03\x01\x02\x00")
        assert peer.read_to_end() == b""
