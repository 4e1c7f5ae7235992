# SPDX-License-Identifier: BSD-2-Clause
"""Whoever is slow is waited for: no side stalls, nothing is lost, and memory stays within its bounds."""

import hashlib
import os
import re
import socket
import struct
import threading
import time

import pytest
from conftest import TLS, rss_kib, wait_for
from probes import KIB, MIB, SANITIZED, bytes_read, bytes_written, private_kib, unsanitized, wait_settled, wait_still
from wsraw import BINARY, CLOSE, DEADLINE, PING, PONG, TEXT, close_frame, frame


# What a session may hold (doc/design.md): a queue up to its high mark and what one more read makes of it, in a block
# of twice the size at most, for one direction; and the two objects with their events.
SESSION_KIB = 256 + 8
# What `yes` may cost when nobody reads it: 64 KiB that were read have become 96.
YES_KIB = SESSION_KIB if TLS else 112


def settled(one):
    """Waits until the server does nothing more; its memory then."""
    wait_settled(one)
    return rss_kib(one.pid)


def warm(one):
    """The memory of a server that has had a session."""
    one.websocket().close()
    one.check_clean()
    return settled(one)


def test_slow_readers(server):
    """Nobody reads what their programs write without end; later all of it is there, in order."""
    one = server("seq", "1", "1000000000")
    before = warm(one)
    peers = [one.websocket(rcvbuf=4096) for _ in range(10)]
    after = settled(one)
    if not SANITIZED:
        assert (after - before) / 10 <= SESSION_KIB
    # Flat: the programs are stopped by their pipes, and more time changes nothing.
    read = bytes_read(one.pid)
    assert settled(one) <= after + 64
    assert bytes_read(one.pid) == read
    for ws in peers[:5]:
        for i in range(1, 20000):
            assert ws.text() == str(i)
    for ws in peers:
        ws.close()


@unsanitized
def test_memory_of_slow_readers_of_yes(server):
    """Two bytes a line are the most that framing adds to what was read. When the clients have gone the memory goes
    back, also the second time, when the allocator has learnt to keep large blocks."""
    one = server("yes")
    warm(one)
    before = private_kib(one.pid)
    for _ in range(2):
        peers = [one.websocket(rcvbuf=4096) for _ in range(100)]
        wait_settled(one)
        assert (private_kib(one.pid) - before) / 100 <= YES_KIB
        for ws in peers:
            ws.close()
        one.check_clean()
        wait_for(lambda: private_kib(one.pid) <= before + 2 * KIB, "the memory goes back")


@unsanitized
def test_memory_of_slow_readers_of_tagged_lines(server):
    """An empty line on stdout or stderr becomes a message of 31 bytes; that is bounded for both together."""
    one = server("--passstderr", "sh", "-c", "yes '' >&2 & exec yes ''")
    before = warm(one)
    peers = [one.websocket(rcvbuf=4096) for _ in range(10)]
    assert (settled(one) - before) / 10 <= 2 * SESSION_KIB
    for ws in peers:
        ws.close()


def test_programs_that_do_not_read(server, tmp_path):
    """The clients' sends block; when the programs go on, all comes through."""
    one = server("--pingms=0", "sh", "-c", "read go <go; exec cat")
    os.mkfifo(tmp_path / "go")
    go = os.open(tmp_path / "go", os.O_RDWR)
    before = warm(one)
    line = "x" * 4000
    data = frame(TEXT, line) * 1000
    peers = [one.websocket() for _ in range(100)]
    for ws in peers:
        ws.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * KIB)
        ws.sock.setblocking(False)
        ws.sent = 0

    def fill():
        for ws in peers:
            try:
                ws.sent += ws.sock.send(memoryview(data)[ws.sent :])
            except BlockingIOError:
                pass
        return sum(ws.sent for ws in peers)

    wait_still(fill, "what the server and the kernel take")
    after = settled(one)
    assert all(ws.sent < len(data) for ws in peers)
    if not SANITIZED:
        assert (after - before) / 100 <= SESSION_KIB
    os.write(go, b"\n" * 100)
    os.close(go)
    for ws in peers[:10]:
        ws.sock.settimeout(DEADLINE)
        sender = threading.Thread(target=ws.send, args=(data[ws.sent :],))
        sender.start()
        for _ in range(1000):
            assert ws.text() == line
        sender.join()
    for ws in peers:
        ws.close()


@pytest.mark.parametrize("size", (100, 5000, 200 * KIB))
def test_stop_and_go(server, size):
    """Both ways are full, with messages of every size to their marks; then each goes on without a stall."""
    one = server("cat")
    count = 30 * MIB // (size + 100)
    with one.websocket() as ws:
        line = "%09d" + "x" * (size - 9)
        sender = threading.Thread(target=lambda: ws.send(b"".join(frame(TEXT, line % i) for i in range(count))))
        sender.start()
        for i in range(count):
            if i % (count // 4) == 0:
                wait_settled(one)
            assert ws.text() == line % i
        sender.join()
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")


@pytest.mark.parametrize("end", ("read", "closed"))
def test_pings_of_a_client_that_does_not_read(server, end):
    """One PONG waits, for the last PING. Who reads gets one for each, and for the last also before a CLOSE."""
    # On a fast machine all of its PINGs may be within a second.
    one = server("--pingms=0", "--max-pings=0", "--loglevel=debug", "cat")
    with one.websocket(rcvbuf=4096) as ws:
        for i in range(50):
            ws.send(frame(PING, b"%d" % i))
        assert [ws.frame() for _ in range(50)] == [(PONG, True, b"%d" % i) for i in range(50)]
        # Echoes, until one does not leave whole: it is in the server's queue then, which is not at its mark yet.
        echoes, line, left = 0, "x" * 4000, True
        while left:
            read = bytes_read(one.pid) + len(frame(TEXT, line)) + len(line + "\n")
            whole = bytes_written(one.pid) + len(line + "\n") + 4 + len(line)
            ws.send(frame(TEXT, line))
            echoes += 1
            # It has read the echo, and once it waits, it has also written what the socket accepts.
            wait_for(lambda: bytes_read(one.pid) >= read and one.waits(), "the echo is with the server")
            left = bytes_written(one.pid) >= whole
        for i in range(50):
            ws.send(frame(PING, b"%d" % i + b"x" * 100))
        wait_settled(one)
        if end == "closed":
            ws.send(frame(3))
            one.wait_log("peer open -> closing")
        for _ in range(echoes):
            assert ws.frame() == (TEXT, True, line.encode())
        assert ws.frame() == (PONG, True, b"49" + b"x" * 100)
        if end == "closed":
            assert ws.closed(answer=False)[0] == 1002
            return
        ws.send(frame(PING, b"then") + frame(PING, b"each"))
        assert [ws.frame(), ws.frame()] == [(PONG, True, b"then"), (PONG, True, b"each")]
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")


def test_flood_of_pings(server):
    """More than a hundred a second is a policy violation."""
    one = server("--pingms=0", "sh", "-c", "exec 3>&1; exec cat >/dev/null")
    before = warm(one)
    with one.websocket(rcvbuf=4096) as ws:
        ws.send(frame(PING, b"x" * 125) * 1000)
        one.wait_log(r"session #2 close .* close_sent=1008 .*reason=\"more than 100 PINGs in a second \(--max-pings\)\"")
        if not SANITIZED:
            assert settled(one) - before <= SESSION_KIB
        pongs = 0
        while (found := ws.frame()) == (PONG, True, b"x" * 125):
            pongs += 1
        assert found == (CLOSE, True, b"\x03\xf0more than 100 PINGs in a second (--max-pings)")
        assert pongs >= 100  # of each second that the server needed to read so many


def test_endless_fragments(server):
    """Many at once: they cost what is in them, at most twice, and no more than the limit of a message."""
    one = server("--maxframesize=100000", "cat")
    before = warm(one)
    data = frame(TEXT, "x", fin=False) + frame(0, "x", fin=False) * 99999
    peers = [one.websocket() for _ in range(50)]
    for ws in peers:
        ws.send(data + frame(PING))
    for ws in peers:
        assert ws.frame() == (PONG, True, b"")
    if not SANITIZED:
        assert rss_kib(one.pid) <= before + 50 * 2 * 100 + 2 * KIB
    for ws in peers:
        ws.send(frame(0, "x", fin=False))
        assert ws.closed(answer=False) == (1009, "message larger than 100000 bytes (--maxframesize)")
        ws.close()


def test_endless_empty_fragments(server):
    """They cost no memory, and end at their limit."""
    one = server("cat")
    before = warm(one)
    data = frame(TEXT, "x", fin=False) + frame(0, "", fin=False) * 131000
    peers = [one.websocket() for _ in range(50)]
    for ws in peers:
        ws.send(data)
    if not SANITIZED:
        assert rss_kib(one.pid) <= before + 2 * KIB
    for ws in peers:
        assert ws.closed(answer=False) == (1008, "more than 4096 empty fragments (--max-empty-fragments)")
        ws.close()


def test_limit_of_pings(server):
    with server("--max-pings=3", "cat").websocket() as ws:
        ws.send(frame(PING, "a") * 10)
        while (found := ws.frame()) == (PONG, True, b"a"):
            pass
        assert found == (CLOSE, True, b"\x03\xf0more than 3 PINGs in a second (--max-pings)")
    with server("--max-pings=0", "cat").websocket() as ws:
        ws.send(frame(PING, "a") * 1000 + frame(TEXT, "end"))
        assert ws.text() == "end"


def blocks(size):
    """Blocks of 1 MiB, each another one, up to that size."""
    body = bytes(range(251)) * (MIB // 251 + 1)
    for i in range(size // MIB):
        yield struct.pack(">Q", i) + body[: MIB - 8]


def send_blocks(ws, size, sha):
    """Each as a message; a mask of zeros leaves the bytes as they are."""
    head = bytes([0x80 | BINARY, 0xFF]) + struct.pack(">Q", MIB) + bytes(4)
    for block in blocks(size):
        sha.update(block)
        ws.send(head)
        ws.send(block)


def receive_bytes(ws, size, sha):
    """The payloads of the frames that come, in one large buffer."""
    room = bytearray(4 * MIB)
    view = memoryview(room)
    begin, end = 0, len(ws.buffer)  # of what was received and not used
    view[:end] = ws.buffer  # came with the 101
    ws.buffer.clear()
    left = 0  # of the payload of this frame
    while size > 0:
        if begin == end:
            begin = end = 0
        if left == 0:
            code = room[begin + 1] if end - begin >= 2 else 0
            header = 2 + (2 if code == 126 else 8 if code == 127 else 0)
            if end - begin >= header:
                assert room[begin] & 0x0F in (0, TEXT, BINARY)
                left = int.from_bytes(view[begin + 2 : begin + header], "big") if header > 2 else code
                begin += header
                continue
        elif end > begin:
            n = min(left, end - begin)
            sha.update(view[begin : begin + n])
            begin, left, size = begin + n, left - n, size - n
            continue
        if len(room) - end < 64 * KIB:
            view[: end - begin] = bytes(view[begin:end])
            begin, end = 0, end - begin
        n = ws.sock.recv_into(view[end:])
        assert n > 0
        end += n


def test_much_through_cat(server):
    """Byte-exact, and no byte of it stays in memory."""
    size = (100 if SANITIZED else 300 if TLS else 1000) * MIB
    one = server("--binary", "cat")
    with one.websocket() as ws:
        before = rss_kib(one.pid)
        sent, got = hashlib.sha256(), hashlib.sha256()
        sender = threading.Thread(target=send_blocks, args=(ws, size, sent))
        sender.start()
        receive_bytes(ws, size, got)
        sender.join()
        assert got.hexdigest() == sent.hexdigest()
        if not SANITIZED:
            assert rss_kib(one.pid) <= before + 2 * KIB
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")


@pytest.mark.parametrize("slow", (False, True))
def test_bulk_of_a_program(server, tmp_path, slow):
    """Large blocks pass from pipe to socket: byte-exact, in whole frames with PONGs between them and none within, for the
    latest of the PINGs where several waited, also where the client lets its socket run full again and again; and no byte of it stays in memory."""
    size = (16 if SANITIZED else 64) * MIB + 12345
    data = os.urandom(size)
    (tmp_path / "data").write_bytes(data)
    one = server("--binary", "--pingms=0", "sh", "-c", "cat data; exec cat")
    with one.websocket(rcvbuf=16 * KIB if slow else None) as ws:
        sha, left, pings, pongs = hashlib.sha256(), size, 0, 0
        before = rss_kib(one.pid)
        while left > 0:
            if size - left >= pings * MIB:  # fewer than a hundred, however fast it is
                ws.send(frame(PING, b"%d" % pings))
                pings += 1
                if slow and pings % 8 == 1:
                    wait_settled(one)
            opcode, fin, payload = ws.frame()
            assert fin
            if opcode == PONG:
                assert pongs <= int(payload) < pings
                pongs = int(payload) + 1
                continue
            assert opcode == BINARY and 0 < len(payload) <= 64 * KIB
            sha.update(payload)
            left -= len(payload)
        assert left == 0
        assert sha.hexdigest() == hashlib.sha256(data).hexdigest()
        if not SANITIZED:
            assert rss_kib(one.pid) <= before + SESSION_KIB
        ws.send(frame(BINARY, b"the end"))
        while pongs < pings:
            opcode, fin, payload = ws.frame()
            assert (opcode, fin) == (PONG, True) and pongs <= int(payload) < pings
            pongs = int(payload) + 1
        assert ws.frame() == (BINARY, True, b"the end")
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")


def test_a_program_that_ends_behind_bulk(server, tmp_path):
    """What it wrote before its exit comes whole, before the CLOSE."""
    data = os.urandom(8 * MIB + 5)
    (tmp_path / "data").write_bytes(data)
    one = server("--binary", "cat", "data")
    with one.websocket(rcvbuf=16 * KIB) as ws:
        got = bytearray()
        while len(got) < len(data):
            opcode, fin, payload = ws.frame()
            assert (opcode, fin) == (BINARY, True)
            got += payload
        assert got == data
        assert ws.closed() == (1000, "exit 0")
    one.wait_log(r"out_bytes=%d\b" % len(data))


def test_endless_line(server):
    """256 MiB without a newline: one message in fragments, in bounded memory."""
    size = 256 * MIB
    one = server("head", "-c", str(size), "/dev/zero")
    with one.websocket() as ws:
        before = rss_kib(one.pid)
        sha = hashlib.sha256()
        receive_bytes(ws, size, sha)
        expected = hashlib.sha256()
        for _ in range(256):
            expected.update(bytes(MIB))
        assert sha.hexdigest() == expected.hexdigest()
        if not SANITIZED:
            assert rss_kib(one.pid) <= before + 2 * KIB
