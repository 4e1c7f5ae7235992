# SPDX-License-Identifier: BSD-2-Clause
"""What an idle session costs, and what a message does not cost: the causes of speed, counted."""

import os
import re
import resource
import shutil
import struct
import time

import pytest
from conftest import TLS, children, plain_only, wait_for
from probes import KIB, preload, traced, unsanitized
from wsraw import BINARY, TEXT, close_frame, frame


# Bytes of private memory for a session in which nothing happens. OpenSSL 3.0 has 14.1 KiB of it.
IDLE_MAX = 17 * KIB if TLS else 2 * KIB + 400


@pytest.fixture
def descriptors():
    """Room for a thousand sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip("the limit of descriptors is %d" % hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def private_kib(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int(re.search(r"Private_Dirty:\s+(\d+)", f.read()).group(1))


def echo(ws, payload):
    ws.send(frame(TEXT, payload))
    assert ws.message() == (TEXT, payload)


@unsanitized
@pytest.mark.parametrize("fields", ("", "Accept: text/event-stream\r\n"))
def test_the_memory_of_many_sessions_goes_back_to_the_system(server, descriptors, fields):
    one = server("--maxforks=0", "--resume-wait=1", "cat")

    def connect():
        if not fields:
            return one.websocket()
        peer = one.connect()
        peer.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % fields.encode())
        assert peer.response()[0] == 200
        return peer

    connect().close()
    wait_for(lambda: not children(one.pid), "the first session has ended")
    before = private_kib(one.pid)
    peers = [connect() for _ in range(400)]
    grown = private_kib(one.pid) - before
    for peer in peers:
        peer.close()
    wait_for(lambda: private_kib(one.pid) - before < grown / 4, lambda: "%d KiB before, %d more with all, now %d" % (
        before, grown, private_kib(one.pid)))


@unsanitized
@pytest.mark.parametrize("messages", (0, 1))
def test_bytes_of_an_idle_session(server, descriptors, messages):
    """From 200 to 700 sessions: private memory, which pipes and sockets of the kernel are not."""
    one = server("--maxforks=0", "--pingms=30000", "cat")
    idle = []

    def grow(count):
        while len(idle) < count:
            ws = one.websocket()
            for _ in range(messages):
                echo(ws, b"x" * 64)
            idle.append(ws)
        one.settle()  # the last one is idle, too
        return private_kib(one.pid)

    try:
        first = grow(200)
        each = (grow(700) - first) * KIB / 500
        assert each <= IDLE_MAX
    finally:
        for ws in idle:
            ws.close()


@unsanitized
def test_bytes_of_an_idle_connection(server, descriptors, tmp_path):
    """One that persists after a response: no buffers."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "file").write_bytes(bytes(300000))
    one = server("--staticdir=site", "cat")
    idle = []

    def grow(count):
        while len(idle) < count:
            peer = one.connect()
            for path in ("/file", "/missing"):
                peer.send(peer.request_bytes(path, {"Cookie": "x" * 4000}, upgrade=False))
                peer.read(int(dict(peer.response()[1])["content-length"]))
            idle.append(peer)
        one.settle()  # the last one is idle, too
        return private_kib(one.pid)

    try:
        first = grow(200)
        each = (grow(700) - first) * KIB / 500
        assert each <= IDLE_MAX - 512
    finally:
        for peer in idle:
            peer.close()


@unsanitized
@plain_only
def test_no_allocation_for_a_message(server, tmp_path):
    """1,000 messages that come alone, and batches of 32 that fit in one read."""
    library = preload(tmp_path, "malloc_count.c")
    counted = tmp_path / "calls"
    counted.write_bytes(bytes(8))

    def calls():
        return struct.unpack("=Q", counted.read_bytes())[0]

    one = server("cat", env={"LD_PRELOAD": library, "MALLOC_COUNT": str(counted)})
    assert calls() > 0
    with one.websocket() as ws:

        def alone():
            for _ in range(1000):
                echo(ws, b"x" * 64)

        def batches():
            for _ in range(50):
                ws.send(frame(TEXT, b"y" * 64) * 32)
                for _ in range(32):
                    assert ws.message() == (TEXT, b"y" * 64)

        for pass_on in (alone, batches):
            for _ in range(20):
                echo(ws, b"busy")  # from now on its streams have what a busy one has
            before = calls()
            pass_on()
            assert calls() == before, pass_on.__name__


def calls_of(lines):
    found = {}
    for line in lines:
        name = line.split("(", 1)[0]
        if not name.startswith("---"):  # a signal
            found[name] = found.get(name, 0) + 1
    return found


needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")


@needs_strace
@plain_only
@pytest.mark.parametrize("binary", (False, True))
def test_system_calls_of_a_message(server, tmp_path, binary):
    """A message of 64 bytes that comes alone costs two waits, two reads, two writes, nothing else. Clocks cost some more
    when a second passes in it, so on a busy machine it may take more than one try."""
    one = server("--binary", "cat") if binary else server("cat")
    trace = tmp_path / "trace"
    opcode = BINARY if binary else TEXT
    with one.websocket() as ws:

        def back(payload):
            ws.send(frame(opcode, payload))
            assert ws.message() == (opcode, payload)

        def calls():
            begun = time.monotonic()
            with traced(one, trace):
                for _ in range(20):
                    back(b"busy")
                back(b"begin")
                for _ in range(100):
                    back(b"x" * 64)
                back(b"end")
                last = r'write\(\d+, "end(\\n)?"'
                wait_for(lambda: re.search(last, trace.read_text()), "the trace has the last message")
            lines = trace.read_text().splitlines()
            at = [i for i, line in enumerate(lines) if re.match(r'write\(\d+, "(begin|end)(\\n)?"', line)]
            assert len(at) == 2
            wanted = {"epoll_wait": 202, "read": 202, "write": 202}
            if calls_of(lines[at[0] + 1 : at[1] + 1]) == wanted:
                return True
            assert time.monotonic() - begun > 0.5, "\n".join(lines[at[0] : at[0] + 30])
            return False

        back(b"first")
        wait_for(calls, "no clock rings meanwhile")


@needs_strace
@plain_only
@unsanitized
def test_system_calls_of_a_session(server, tmp_path):
    """From connect to the closing line: 43 without the waits, of which there are 6 to 10, and now and then one that serves
    several sessions."""
    count = 20
    one = server("--closems=5000", "cat")  # a program that exits late would get signals
    trace = tmp_path / "trace"

    def session():
        ended = one.log().count(" close remote=")
        with one.websocket() as ws:
            echo(ws, b"x" * 64)
            ws.send(close_frame(1000))
            assert ws.closed(answer=False) == (1000, "")
            assert ws.read_to_end() == b""
        wait_for(lambda: one.log().count(" close remote=") > ended, "the session has ended")

    session()
    with traced(one, trace):
        for _ in range(count):
            session()
        # What it writes is in the log before it is in the trace.
        wait_for(lambda: trace.read_text().count("wait4(") == count, "the trace has all")
    calls = calls_of(trace.read_text().splitlines())
    assert sum(calls.values()) - calls["epoll_wait"] <= 43 * count + 10, calls
    assert sum(calls.values()) < 54 * count, calls
    # The CLOSE leaves together with the FIN, and an exit is announced by a descriptor.
    assert calls["sendto"] == calls["shutdown"] == count
    assert not {"setsockopt", "ioctl", "rt_sigreturn", "dup3"} & set(calls), calls
