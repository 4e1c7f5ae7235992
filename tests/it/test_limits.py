# SPDX-License-Identifier: BSD-2-Clause
"""At the limits of the system: what can't be served is refused, what is served goes on, and it gets over it."""

import contextlib
import os
import re
import resource
import select
import shutil
import subprocess
import tempfile
import time

import pytest
from conftest import TLS, WSPIPE, children, listening_addresses, plain_only, wait_for
from probes import wait_idle
from wsraw import DEADLINE, TEXT, close_frame, frame


def echoes(ws):
    ws.send(frame(TEXT, "still here"))
    return ws.text() == "still here"


def answer(peer):
    """The status of the answer to an upgrade."""
    return peer.response()[0]


def close(ws):
    ws.send(close_frame(1000))
    assert ws.closed(answer=False) == (1000, "")
    ws.close()


def few_descriptors(server, *args):
    """A server that may have 64 of them, with what its log says: (server, sessions, other connections)."""
    one = server(*args, preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    line = one.wait_log(r"info server the limit of 64 open files allows (\d+) sessions and (\d+) other connections")
    return one, int(line[1]), int(line[2])


def test_few_descriptors(server):
    """Every 101 has a living program; all others get a 503; and full means idle."""
    one, sessions, _ = few_descriptors(server, "cat")

    def come():
        peer = one.connect()
        peer.send(peer.request_bytes())
        status = answer(peer)
        if status == 101:
            return peer
        assert status == 503
        peer.close()
        return None

    live = []
    while ws := come():
        live.append(ws)
    assert len(live) == sessions >= 7
    # Far more than there are slots for, at the same time: each has its answer when it has asked.
    waiting = []
    for _ in range(20 if TLS else 200):
        waiting.append(one.connect())
        waiting[-1].send(waiting[-1].request_bytes())
    for peer in waiting:
        assert answer(peer) == 503
        peer.close()
    assert all(echoes(ws) for ws in live)
    assert len(one.tagged()) == len(live)
    wait_idle([one.pid])
    for ws in live[:5]:
        close(ws)
    wait_for(lambda: len(one.tagged()) == len(live) - 5, "five programs are gone")
    del live[:5]

    started = time.monotonic()
    live += [wait_for(come, "there is room again") for _ in range(5)]
    assert time.monotonic() - started < 5
    assert all(echoes(ws) for ws in live)
    for ws in live:
        ws.close()
    assert "can't accept" not in one.log()


@pytest.mark.parametrize("workers", (1, 2))
def test_too_few_descriptors_to_begin_with(workers):
    """It is said once, by us, and no worker is started to fail for ever."""
    done = subprocess.run(
        [WSPIPE, "--port=0", "--workers=%d" % workers, "cat"],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12)),
    )
    said = "wspipe: the limit of 12 open files is too low for a single session; ulimit -n raises it\n"
    assert (done.returncode, done.stdout, done.stderr) == (71, "", said)


def test_few_processes_are_counted_until_they_are_reaped(server):
    one = server(
        "--maxforks=3", "--closems=400", "sh", "-c", "trap '' INT TERM; echo up; cat; while :; do sleep 1000; done"
    )
    peers = [one.websocket() for _ in range(3)]
    for ws in peers:
        assert ws.text() == "up"
    with one.connect() as late:
        late.send(late.request_bytes())
        assert answer(late) == 429
    for ws in peers:
        ws.send(close_frame(1001))
        assert ws.closed(answer=False) == (1001, "")
        ws.close()

    # The sessions are closed, but their programs are not gone yet.
    def come():
        with one.connect() as peer:
            peer.send(peer.request_bytes())
            statuses.append(answer(peer))
            return statuses[-1] == 101

    statuses = []
    wait_for(come, "there is room again")
    assert set(statuses) == {429, 101}


def test_maxforks_slot_comes_back_on_every_way(server, script):
    """Also when the program can't be started, or the upgrade is refused."""
    script("programs/bad", "#!/no/such/interpreter\n")
    script("programs/good", "#!/bin/sh\nexec cat\n")
    one = server("--maxforks=1", "--dir=programs")
    for _ in range(5):
        for path, headers, status in (
            ("/bad", {}, 500),
            ("/none", {}, 404),
            ("/good", {"Origin": "http://evil.example"}, 403),
            ("/good", {"Sec-WebSocket-Key": "x"}, 400),
        ):
            with one.connect() as peer:
                peer.send(peer.request_bytes(path, headers))
                assert answer(peer) == status
        with one.websocket("/good") as ws:
            assert echoes(ws)
            close(ws)
        wait_for(lambda: not children(one.pid), "the program is gone")


def mute_server(server, log, *args):
    """A server whose log goes to a place that the test can't read."""
    one = server(*args, wrapper=("sh", "-c", 'exec "$@" 2>%s' % log, "sh"), ready=False)
    one.addresses = wait_for(lambda: listening_addresses(one.pid), "the server listens")
    one.take_baseline()
    return one


CHATTY = "head -c 1200000 /dev/zero | tr '\\0' 'x' | fold -w 8000 >&2; echo up; exec cat"


def test_log_on_a_full_disk(server):
    one = mute_server(server, "/dev/full", "sh", "-c", CHATTY)
    for _ in range(5):
        with one.websocket() as ws:
            assert ws.text() == "up"
            assert echoes(ws)
            close(ws)


def test_log_that_is_as_long_as_it_may_be(server):
    """The limit of a file's size (ulimit -f) ends the log, not the server."""
    limit = 16384
    one = server("sh", "-c", CHATTY, preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    for _ in range(3):
        with one.websocket() as ws:
            assert ws.text() == "up"
            assert echoes(ws)
            close(ws)
    assert os.path.getsize(one.log_path) == limit


def test_log_that_nobody_reads(server, tmp_path):
    """The log's pipe is full: lines are lost, no program and no client waits for it."""
    os.mkfifo(tmp_path / "log")
    held = os.open(tmp_path / "log", os.O_RDWR)
    one = mute_server(server, "log", "sh", "-c", CHATTY)
    for _ in range(5):
        with one.websocket() as ws:
            assert ws.text() == "up"
            assert echoes(ws)
            close(ws)
    one.check_clean()
    one.stop()
    os.close(held)


@plain_only  # the other user cannot read the key
@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
@pytest.mark.parametrize("workers", (1, 2))
@pytest.mark.parametrize("kind", ("pipe", "named pipe"))
def test_log_of_another_user_that_nobody_reads(server, tmp_path, kind, workers):
    """After su(1) the server can't open the log's pipe once more, and must not wait for it either."""
    own = tempfile.mkdtemp()
    try:
        os.chmod(own, 0o755)
        shutil.copy(WSPIPE, own + "/wspipe")
        os.chmod(own + "/wspipe", 0o755)
        if kind == "pipe":
            held, log = os.pipe()
        else:
            os.mkfifo(own + "/log", 0o600)
            held = os.open(own + "/log", os.O_RDWR)
            log = os.open(own + "/log", os.O_WRONLY)

        def become():
            os.dup2(log, 2)
            os.setgid(65534)
            os.setuid(65534)

        one = server("--workers=%d" % workers, "cat", wrapper=("env", "--"), argv0=own + "/wspipe", preexec=become, ready=False)
        os.close(log)
        one.addresses = wait_for(lambda: listening_addresses(one.pid), "the server listens")
        for _ in range(1500):
            with one.connect() as peer:
                peer.send(b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"a" * 200))
                peer.answer()
        with one.websocket() as ws:
            assert echoes(ws)
        # Somebody reads again, and learns how many lines were dropped.
        os.set_blocking(held, False)
        seen = b""

        def is_counted():
            nonlocal seen
            with one.connect() as peer:
                peer.send(b"GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n")
                peer.answer()
            with contextlib.suppress(BlockingIOError):
                seen += os.read(held, 1 << 20)
            return re.search(rb" warn server \d+ log lines? dropped \(log reader blocked\)", seen)

        wait_for(is_counted, "dropped lines are counted")
        one.stop()
        os.close(held)
    finally:
        shutil.rmtree(own)


class Injection:
    """Lets the Nth of some system calls of a running server fail."""

    def __init__(self, one, calls, error, n):
        command = ["strace", "-p", str(one.pid), "-o", "/dev/null", "-e", "trace=" + calls]
        command += ["-e", "inject=%s:error=%s:when=%d" % (calls, error, n)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        line = self.process.stderr.readline().decode()
        if "attached" not in line:
            self.process.communicate()
            pytest.skip("strace can't attach: " + line.strip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()


# (system calls, their error, which of them, what a client may get instead of a 101)
INJECTIONS = (
    [
        ("accept4", error, n, ())
        for error in ("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "ECONNABORTED", "EINTR")
        for n in (1,)
    ]
    + [("accept4", "EMFILE", n, ()) for n in (2, 3)]
    + [("pipe2", error, n, (503,)) for error in ("EMFILE", "ENFILE") for n in (1, 2, 3)]
    + [("clone,clone3,vfork", error, 1, (503,)) for error in ("EAGAIN", "ENOMEM")]
    + [("fcntl", "EMFILE", n, (503,)) for n in (1, 2, 3)]
    + [("read", "EINTR", n, ()) for n in range(1, 7)]
    + [("write,writev", "EINTR", n, ()) for n in range(1, 5)]
    + [("write,writev", "EAGAIN", n, ()) for n in range(1, 5)]
)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_failing_system_calls(server):
    """One client may be refused; the others do not notice, and the next is served."""
    one = server("--log-format=json", "cat")
    others = [one.websocket() for _ in range(3)]
    seen, begun = set(), time.monotonic()
    for calls, error, n, allowed in INJECTIONS:
        with Injection(one, calls, error, n):
            for _ in range(3):
                with one.connect() as peer:
                    peer.send(peer.request_bytes())
                    status = answer(peer)
                    assert status == 101 or status in allowed, (calls, error, n)
                    if status == 101:
                        assert echoes(peer)
                        close(peer)
                    else:
                        seen.add((calls, error))
                        assert peer.read_to_end().startswith(b"503 Service Unavailable\n")
            assert all(echoes(ws) for ws in others), (calls, error, n)
    # Those that are to be refused were.
    assert seen == {(calls, error) for calls, error, _, allowed in INJECTIONS if allowed}
    for ws in others:
        close(ws)
    # However often it failed, a line in ten seconds.
    assert 1 <= len(re.findall("can't accept", one.log())) <= 1 + (time.monotonic() - begun) // 10


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_epoll_without_memory(server):
    """A stream that can't be waited for may be lost; the others do not notice, and the next is served."""
    one = server("cat")
    one.check_log = lambda: None  # libevent has its own line for it
    others = [one.websocket() for _ in range(3)]
    refused = 0
    for n in range(1, 9):
        with Injection(one, "epoll_ctl", "ENOSPC", n):
            for _ in range(2):
                try:
                    with one.connect() as peer:
                        peer.send(peer.request_bytes())
                        if answer(peer) == 101:
                            echoes(peer)
                except (OSError, EOFError, AssertionError):
                    refused += 1
            assert all(echoes(ws) for ws in others), n
        with one.websocket() as ws:
            assert echoes(ws)
            close(ws)
    assert refused > 0
    for ws in others:
        close(ws)
