# SPDX-License-Identifier: BSD-2-Clause
"""No class of connections uses up what another was promised, and no address what others need."""

import contextlib
import fcntl
import os
import re
import resource
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import termios
import threading
import time

import pytest
from conftest import TLS, open_files, plain_only, wait_for
from probes import Clock, traced, unsanitized, wait_still
from wsraw import DEADLINE, TEXT, close_frame, fd_count, frame

# Holds N connections from an address of its own, and opens new ones for those that were closed; says when all are open.
FLOOD = r"""
import select, socket, sys
port, count, source, first = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], bytes.fromhex(sys.argv[4])
poll, open_now, closed = select.epoll(), {}, 0
def come():
    sock = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET)
    sock.bind((source, 0))
    sock.setblocking(False)
    sock.connect_ex(("::1" if ":" in source else "127.0.0.1", port))
    open_now[sock.fileno()] = [sock, False]
    poll.register(sock.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP)
for _ in range(count):
    come()
while True:
    for fd, what in poll.poll():
        sock, sent = open_now[fd]
        if what & select.EPOLLOUT and not sent:
            open_now[fd][1] = True
            poll.modify(fd, select.EPOLLRDHUP)
            try:
                sock.send(first)
                continue
            except OSError:
                pass
        elif not what & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
            continue
        poll.unregister(fd)
        del open_now[fd]
        sock.close()
        closed += 1
        if closed % 100 == 1:
            print(closed, flush=True)
        come()
"""


def client_hello():
    """What a handshake begins with."""
    outgoing = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@contextlib.contextmanager
def flood(one, count, source, first=b""):
    """COUNT connections that stop after the bytes FIRST, from the time on when some of them were closed for others."""
    port = one.addresses[0][1]
    process = subprocess.Popen(
        [sys.executable, "-c", FLOOD, str(port), str(count), source, first.hex()], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "1\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def few_descriptors(server, *args, limit=64):
    """(server, sessions, other connections) with so many descriptors. No connection is closed because of its age."""
    one = server("--handshake-timeout=%d" % DEADLINE, *args, preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
    line = one.wait_log(r"the limit of %d open files \w*\s*allows (\d+) sessions and (\d+) other connections" % limit)
    return one, int(line[1]), int(line[2])


def echoes(ws):
    ws.send(frame(TEXT, "still here"))
    return ws.text() == "still here"


def end(ws):
    ws.send(close_frame(1000))
    assert ws.closed(answer=False) == (1000, "")
    ws.close()


def status(one, **kwargs):
    with one.connect(**kwargs) as peer:
        peer.send(peer.request_bytes())
        return peer.answer()[0]


def come(one, **kwargs):
    """A session, or None when the server has no room for it."""
    peer = None
    try:
        peer = one.connect(**kwargs)
        peer.send(peer.request_bytes())
        if peer.response()[0] == 101:
            return peer
    except (OSError, EOFError):
        pass
    if peer:
        peer.close()
    return None


def is_open(sock):
    """Whether the server has not closed it."""
    return not select.select([sock], [], [], 0)[0]


def silent(one, source):
    sock = socket.create_connection(one.addresses[0], source_address=(source, 0))
    sock.setblocking(False)
    return sock


def test_silent_connections_leave_room_for_programs(server):
    """Without an address that has fewer: honest clients come from the same one as 200 that say nothing."""
    one, sessions, others = few_descriptors(server, "cat")
    crowd = [silent(one, "127.0.0.1") for _ in range(200)]
    wait_for(lambda: sum(map(is_open, crowd)) == others, "all but some were closed")
    wait_for(lambda: fd_count(one.pid) == one.fds + others, "so are their descriptors")
    one.wait_log(
        "warn server all %d slots for connections without a program are in use; closing the oldest connection without "
        r"a complete request from 127\.0\.0\.1, which has %d \(1 closed so far\)\n" % (others, others)
    )
    live = [one.websocket() for _ in range(sessions)]
    assert status(one) == 503
    assert all(echoes(ws) for ws in live)
    for ws in live:
        end(ws)
    for sock in crowd:
        sock.close()
    assert one.log().count("slots for connections") == 1
    assert "can't accept" not in one.log()


def test_silent_connections_do_not_displace_a_client_about_to_speak(server):
    """One that needs a moment before its request, while others connect from the same address."""
    one, _, others = few_descriptors(server, "cat")

    def is_served():
        start = time.monotonic()
        peer = one.connect(source="127.0.0.1", wait=False)
        crowd = [silent(one, "127.0.0.1") for _ in range(3 * others)]
        end(one.websocket(source="127.0.0.2"))  # whatever came before it was accepted, if ever
        try:
            if TLS:
                peer.sock.handshake()
            peer.upgrade()
            end(peer)
            served = True
        except (OSError, EOFError):
            assert time.monotonic() - start >= 1  # the machine was too slow: the silent ones were accepted, too
            peer.close()
            served = False
        for sock in crowd:
            sock.close()
        return served

    wait_for(is_served, "a session while others are silent")


def test_programs_leave_room_for_other_connections(server):
    one, sessions, others = few_descriptors(server, "cat")
    live = [one.websocket() for _ in range(sessions)]
    crowd = [silent(one, "127.0.0.1") for _ in range(others)]
    wait_for(lambda: fd_count(one.pid) == one.fds + 5 * sessions + others, "all are open")
    assert all(map(is_open, crowd))
    assert all(echoes(ws) for ws in live)
    for ws in live:
        ws.close()
    for sock in crowd:
        sock.close()


def test_idle_connections_are_closed_first(server, tmp_path):
    """They persist between two requests; others keep theirs, also those of an address that has more."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "a.txt").write_text("file a")
    one, _, others = few_descriptors(server, "--staticdir=site", "cat")

    def get(peer):
        peer.send(peer.request_bytes("/a.txt", upgrade=False))
        assert peer.response()[0] == 200 and peer.read(6) == b"file a"

    idle = [one.connect(source="127.0.0.%d" % (2 + i % 2)) for i in range(6)]
    for peer in idle:
        get(peer)
    idle[0].send(b"GET /a.txt HTTP/1.1\r\n")  # no longer idle
    crowd = [silent(one, "127.0.0.99") for _ in range(others - len(idle))]
    wait_for(lambda: fd_count(one.pid) == one.fds + others, "all slots are in use")
    late = []
    for i in range(5):
        late.append(one.connect(source="127.0.0.%d" % (10 + i)))
        late[-1].send(b"GET /a.txt HTTP/1.1\r\n")
    for peer in idle[1:]:
        with contextlib.suppress(OSError):  # it is closed without close_notify
            assert peer.read_to_end() == b""
    assert all(map(is_open, crowd))
    for peer in [idle[0], *late]:
        peer.send(b"Host: localhost\r\n\r\n")
        assert peer.response()[0] == 200 and peer.read(6) == b"file a"
    for peer in idle + late + crowd:
        peer.close()
    one.wait_log(r"slots for connections without a program are in use; closing the oldest idle connection from 127\.0\.0\.[23], ")


@pytest.mark.parametrize("first", ("", "part of a request"))
def test_the_address_that_has_most_loses_its_oldest(server, first):
    """Those that have a few keep them, however old they are."""
    one, _, others = few_descriptors(server, "cat")
    part = client_hello() if TLS and first else first and b"GET / HTTP/1.1\r\nHo"
    honest = [one.connect(source="127.0.0.%d" % (2 + i), wait=False) for i in range(2)]
    with flood(one, 50, "127.0.0.99", part or b""):
        for i in range(20):
            end(one.websocket(source="127.0.0.%d" % (4 + i)))
        for peer in honest:
            if TLS:
                peer.sock.handshake()
            peer.upgrade()
            assert echoes(peer)
            end(peer)
    # Silent ones, as the honest two are at first, are accepted a second later.
    assert re.search(r"connection without a complete request from 127\.0\.0\.99, which has [%d-%d] " % (others - 2, others), one.log())


def test_an_ipv6_network_is_one_address(server):
    one, _, _ = few_descriptors(server, "cat")
    with socket.socket(socket.AF_INET6) as probe:
        if probe.connect_ex(("::1", one.addresses[0][1])) != 0:
            pytest.skip("there is no IPv6 here")
    honest = [one.connect(source="127.0.0.%d" % (2 + i), wait=False) for i in range(2)]
    with flood(one, 50, "::1"):
        for i in range(5):
            end(one.websocket())
        for peer in honest:
            if TLS:
                peer.sock.handshake()
            peer.upgrade()
            end(peer)
    one.wait_log("a complete request from ::/64, ")


def test_handshakes_are_quick_beside_silent_connections(server):
    """Hundreds that come again when they are closed, from the address of the honest ones and from another."""
    one, _, _ = few_descriptors(server, "cat", limit=1024)
    part = client_hello() if TLS else b"G"
    with flood(one, 400, "127.0.0.1"), flood(one, 400, "127.0.0.99", part):
        for _ in range(25):
            end(one.websocket(source="127.0.0.2"))
        # From the same address a client may be too slow to say anything in time, but not always.
        for _ in range(25):
            end(wait_for(lambda: come(one, source="127.0.0.1"), "it comes in", deadline=DEADLINE / 10))
    assert "can't accept" not in one.log()


def test_slow_downloads_leave_room_for_others(server, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "big").write_bytes(bytes(32 << 20))
    one, sessions, others = few_descriptors(server, "--staticdir=site", "cat")
    slow = []
    for _ in range(3 * others):
        slow.append(one.connect(rcvbuf=4096, source="127.0.0.99"))
        slow[-1].send(slow[-1].request_bytes("/big", upgrade=False))
        assert slow[-1].response()[0] == 200
    live = [one.websocket() for _ in range(sessions)]
    assert all(echoes(ws) for ws in live)
    with one.connect() as late:
        late.send(late.request_bytes("/none", upgrade=False))
        assert late.answer()[0] == 404
    for peer in slow:
        peer.close()
    for ws in live:
        end(ws)
    one.wait_log(r"all \d+ slots for connections without a program are in use; closing the oldest response from 127\.0\.0\.99, ")
    assert "can't accept" not in one.log()


def received(peer):
    """How many bytes the client's system has for it; the server's holds the rest."""
    return struct.unpack("i", fcntl.ioctl(peer.sock.fileno(), termios.FIONREAD, bytes(4)))[0]


@unsanitized
@pytest.mark.parametrize("size, what", ((32 << 20, "file"), (2 << 20, "rest")))
def test_a_response_has_a_minimum_rate(server, tmp_path, size, what):
    """A client that stops reading is disconnected, also when all of it is in the system's buffers; one that reads slowly is not."""
    clock = Clock(tmp_path)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "big").write_bytes(bytes(size))
    one = server("--staticdir=site", "cat", env=clock.env)
    stopped, slow = (one.connect(rcvbuf=4096 if what == "file" else None) for _ in range(2))
    got = 0
    begin = time.monotonic()
    for peer in (stopped, slow):
        peer.send(peer.request_bytes("/big", upgrade=False))
        assert peer.response()[0] == 200
    if what == "rest":
        wait_for(lambda: len(open_files(one.pid)) == one.fds + 2, "the server has read the files")
        wait_still(lambda: (received(stopped), received(slow)), "what the clients' systems have")

    def ended():
        """Some seconds go by, in which one of them reads."""
        nonlocal got
        clock.put_forward(3)
        if got < size // 2:
            got += len(slow.read(16384 if what == "file" else 131072))  # the system may confirm 500 KiB at once
        with one.connect() as peer:  # the server looks at its clock, and sees what was read
            peer.send(peer.request_bytes("/none", upgrade=False))
            assert peer.answer()[0] == 404
        return "1024 bytes/s" in one.log()

    wait_for(ended, "the other one is disconnected")
    line = one.wait_log(r".*1024 bytes/s.*")[0]
    request = "method=GET target=/big " if what == "file" else ""
    assert 'aborted remote=127.0.0.1:%d %sreason="the client reads less than 1024 bytes/s"' % (stopped.port, request) in line
    assert 30 <= clock.ms / 1000 + time.monotonic() - begin and clock.ms / 1000 <= 80
    assert len(slow.read(size - got)) == size - got
    slow.close()
    stopped.close()


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_a_fast_download_leaves_others_their_turn(server, tmp_path):
    """However fast clients read a file, each gets a piece of 64 KiB per round of the loop."""
    (tmp_path / "site").mkdir()
    with open(tmp_path / "site" / "big", "wb") as f:
        f.truncate(64 << 20)
    one = server("--staticdir=site", "cat")
    with one.websocket() as ws:
        with traced(one, tmp_path / "trace", "-y", "-e", "trace=pread64,sendfile,epoll_wait"):
            readers = [one.connect() for _ in range(3)]
            for peer in readers:
                peer.send(peer.request_bytes("/big", upgrade=False))
            threads = [threading.Thread(target=peer.answer) for peer in readers]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                assert echoes(ws)
            for thread in threads:
                thread.join()
        end(ws)
    for peer in readers:
        peer.close()
    rounds = (tmp_path / "trace").read_text().split("epoll_wait(")
    pieces = [text.count("/site/big>") for text in rounds]
    assert sum(pieces) >= 3 * 1024 and max(pieces) <= 2 * len(readers)


@plain_only
def test_lingering_connections_leave_room_for_others(server):
    """They have their answer, and their clients don't close."""
    one, sessions, others = few_descriptors(server, "cat")
    held = []
    for _ in range(3 * others):
        held.append(one.connect(source="127.0.0.99"))
        held[-1].send(held[-1].request_bytes(method="POST"))
        assert held[-1].response()[0] == 405
        assert fd_count(one.pid) <= one.fds + others
    live = [one.websocket() for _ in range(sessions)]
    assert status(one) == 503
    for peer in held:
        peer.close()
    for ws in live:
        end(ws)


@pytest.mark.parametrize("workers", (1, 2))
def test_an_address_has_no_more_connections_than_it_may(server, workers):
    one = server("--max-per-ip=3", "--workers=%d" % workers, "cat")
    live = [one.websocket(source="127.0.0.2") for _ in range(3)]
    with one.connect(source="127.0.0.2") as late:
        late.send(late.request_bytes())
        code, fields, body = late.answer()
    assert code == 429 and dict(fields)["retry-after"] == "5" and b"too many connections" in body
    one.wait_log(r"status=429 remote=127\.0\.0\.2:\d+ .*reason=\"too many connections from this address \(--max-per-ip\)\"")
    end(one.websocket(source="127.0.0.3"))
    end(live.pop())
    live.append(wait_for(lambda: come(one, source="127.0.0.2"), "there is room again"))
    # Silent ones count as well, and beyond some that may get their 429 they are closed at once.
    crowd = [silent(one, "127.0.0.9") for _ in range(3 + 8 * workers + 20)]
    wait_for(lambda: sum(map(is_open, crowd)) <= 3 + 8 * workers, "the others were closed")
    assert sum(map(is_open, crowd)) >= 3
    one.wait_log(r"too many connections from 127\.0\.0\.9 \(--max-per-ip=3\); closing new ones \(1 closed so far\)")
    end(one.websocket(source="127.0.0.3"))
    for sock in crowd:
        sock.close()
    for ws in live:
        end(ws)


def test_what_a_dead_worker_had_does_not_count(server):
    one = server("--max-per-ip=2", "--workers=2", "sh", "-c", "echo $PPID; cat")
    live = [one.websocket(source="127.0.0.2") for _ in range(2)]
    assert status(one, source="127.0.0.2") == 429
    os.kill(int(live[0].text()), signal.SIGKILL)
    wait_for(one.workers, "there is another worker")
    end(wait_for(lambda: come(one, source="127.0.0.2"), "there is room again"))
    for ws in live:
        ws.close()
