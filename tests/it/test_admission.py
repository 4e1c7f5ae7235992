# SPDX-License-Identifier: BSD-2-Clause
"""--rate and --max-connections: how many sessions a client may start, and how many connections there may be."""

import os
import select
import signal
import subprocess

import pytest
from conftest import WSPIPE, plain_only, wait_for
from probes import Clock, unsanitized, wait_idle
from wsraw import DEADLINE, TEXT, frame


def echoes(ws):
    ws.send(frame(TEXT, "still here"))
    return ws.text() == "still here"


def rejected(one, path="/", headers=None, **kwargs):
    """The status of a handshake and its Retry-After."""
    with one.connect(**kwargs) as peer:
        peer.send(peer.request_bytes(path, headers))
        status, fields = peer.response()[:2]
        return status, dict(fields).get("retry-after")


@pytest.mark.parametrize("workers", [1, 3])
def test_rate_of_an_address(server, workers):
    """The burst is for all workers together; what is rejected for another reason costs nothing; other addresses are served."""
    one = server("--rate=1/h:3", "--workers=%d" % workers, "cat")
    for _ in range(4):
        assert rejected(one, headers={"Origin": "https://example.com"})[0] == 403
    for _ in range(3):
        with one.websocket() as ws:
            assert echoes(ws)
    for _ in range(3):
        assert rejected(one) == (429, "3600")
    one.wait_log(r"status=429 remote=127\.0\.0\.1:\d+ .*reason=\"too many new sessions from this address \(--rate\)\"")
    with one.websocket(source="127.0.0.2") as ws:
        assert echoes(ws)


def test_rate_of_clients_behind_a_proxy(server):
    one = server("--rate=1/h:1", "--trusted-proxy=127.0.0.1", "cat")
    for host in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"):
        fields = {"X-Forwarded-For": host}
        with one.websocket(headers=fields) as ws:
            assert echoes(ws)
        assert rejected(one, headers=fields) == (429, "3600")
    # One network of IPv6 is one client.
    assert rejected(one, headers={"X-Forwarded-For": "2001:db8::2"}) == (429, "3600")


def test_rate_counts_scripts(server, script):
    path = script("cgi/hello", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello'\n")
    one = server("--rate=1/h:1", "--cgidir=%s" % path.rsplit("/", 1)[0])
    statuses = []
    for _ in range(2):
        with one.connect() as peer:
            peer.send(peer.request_bytes("/hello", upgrade=False))
            statuses.append(peer.answer()[0])
    assert statuses == [200, 429]


@unsanitized
def test_the_rate_allows_sessions_again(server, tmp_path):
    clock = Clock(tmp_path)
    one = server("--rate=60/m:2", "--pingms=0", "cat", env=clock.env)
    for served in (2, 1, 2):
        clock.put_forward(1 if served == 1 else 100)
        for _ in range(served):
            with one.websocket() as ws:
                assert echoes(ws)
        if served == 2:
            # One comes back in a second, however long the machine takes for this.
            assert any(rejected(one) == (429, "1") for _ in range(100))


def test_reload_changes_the_rate(server, tmp_path):
    config = tmp_path / "wspipe.conf"
    config.write_text("[/]\ncommand = cat\n")
    one = server("--config=%s" % config, "--workers=2")
    for _ in range(4):
        with one.websocket() as ws:
            assert echoes(ws)
    config.write_text("rate = 1/h:1\n[/]\ncommand = cat\n")
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("configuration reloaded")
    wait_for(lambda: rejected(one) == (429, "3600"), "the new rate applies")


@plain_only  # TLS has its handshake when the connection is accepted
@pytest.mark.parametrize("workers", [1, 2])
def test_further_connections_wait_in_the_queue(server, workers):
    one = server("--max-connections=3", "--handshake-timeout=1h", "--workers=%d" % workers, "cat")
    served = [one.websocket() for _ in range(2)]
    pending = one.connect()
    pending.send(b"GET / HT")
    one.wait_log("--max-connections=3 is reached", workers)
    waiting = []
    for _ in range(4):
        waiting.append(one.connect())
        waiting[-1].send(waiting[-1].request_bytes())
    # Nothing is accepted, and it costs nothing.
    wait_idle([one.pid] if workers == 1 else one.workers())
    assert not select.select([peer.sock for peer in waiting], [], [], 0)[0]
    assert all(echoes(ws) for ws in served)
    # One that leaves makes room for another.
    for leaves in (*served, pending):
        leaves.close()
        readable = wait_for(lambda: select.select([peer.sock for peer in waiting], [], [], 0)[0], "another one is served")
        for peer in [peer for peer in waiting if peer.sock in readable]:
            assert peer.response()[0] == 101
            assert echoes(peer)
            waiting.remove(peer)
            peer.close()
    for peer in waiting:
        assert peer.response()[0] == 101
        peer.close()


@plain_only
def test_reload_changes_the_number_of_connections(server, tmp_path):
    config = tmp_path / "wspipe.conf"
    text = "max-connections = %d\n[/]\ncommand = cat\n"
    config.write_text(text % 1)
    one = server("--config=%s" % config)
    first = one.websocket()
    second = one.connect()
    second.send(second.request_bytes())
    one.wait_log("--max-connections=1 is reached; further connections wait")
    config.write_text(text % 2)
    one.process.send_signal(signal.SIGHUP)
    assert second.response()[0] == 101
    assert echoes(first)
    first.close()
    second.close()


def test_each_worker_needs_a_connection():
    done = subprocess.run(
        [os.path.abspath(WSPIPE), "--port=0", "--workers=4", "--max-connections=3", "cat"], capture_output=True, text=True, timeout=DEADLINE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (64, "wspipe: --max-connections must be at least --workers, 4, so that each can accept one\n")
