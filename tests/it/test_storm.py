# SPDX-License-Identifier: BSD-2-Clause
"""Many sessions that end in every way at the same time; nothing of them may be left."""

import asyncio
import random
import re
import socket
import ssl
import struct

import pytest
from conftest import TLS, rss_kib, wait_for
from probes import KIB, SANITIZED
from wsraw import BINARY, CLOSE, DEADLINE, KEY, PING, PONG, TEXT, close_frame, frame

SESSIONS = 200 if SANITIZED else 500 if TLS else 1000
AT_ONCE = 50

# What the program does is the first line that it reads. Each ends by itself or by the termination sequence.
PROGRAM = """#!/bin/sh
read -r what || exit 0
case "$what" in
run) exec cat ;;
flood) exec yes "$(printf %01000d 0)" ;;
stdout) exec >&-; cat; exit 7 ;;
stdin) exec <&-; echo a; exit 8 ;;
grandchild) sleep 1000 & exit 9 ;;
stubborn) trap '' INT TERM HUP; echo up; cat; while :; do sleep 1000; done ;;
fork) (sleep 1000 & sleep 1000 &) & echo up; cat ;;
*) eval "$what" ;;
esac
"""


def start(what):
    return frame(TEXT, what)


# name: (what the program does, what the client sends then or does, the code of the server's CLOSE or None for none)
WAYS = {
    "close 1000": ("run", close_frame(1000), 1000),
    "close 4999": ("run", close_frame(4999, "why"), 4999),
    "close in a flood": ("flood", close_frame(1001), 1001),
    "fin": ("run", "fin", None),
    "fin in a flood": ("flood", "fin", None),
    "reset": ("run", "reset", None),
    "reset in a flood": ("flood", "reset", None),
    "half-close": ("run", "half-close", None),
    "close and half-close": ("run", "close and half-close", 4000),
    "exit 0": ("exit 0", b"", 1000),
    "exit 3": ("exit 3", b"", 4003),
    "killed": ("kill -KILL $$", b"", 4256 + 9),
    "segv": ("kill -SEGV $$", b"", 4256 + 11),
    "closes stdout": ("stdout", b"", 4007),
    "closes stdin": ("stdin", frame(TEXT, "for nobody") * 10, 4008),
    "grandchild": ("grandchild", b"", 4009),
    "stubborn": ("stubborn", close_frame(1000), 1000),
    "stubborn and fin": ("stubborn", "fin", None),
    "double fork": ("fork", close_frame(1000), 1000),
    "double fork and reset": ("fork", "reset", None),
    "protocol error": ("run", frame(3, "x"), 1002),
    "protocol error in a flood": ("flood", frame(TEXT, "x", mask=None), 1002),
    "oversize": ("run", frame(TEXT, "x", length=1 << 40), 1009),
    "bad text": ("run", frame(TEXT, b"\xff"), 1007),
    "wrong type": ("run", frame(BINARY, b""), 1003),
    "silent": ("run", "silent", None),
    "no program": (None, "/missing", 404),
    "not executable": (None, "/plain", 403),
    "exec failure": (None, "/broken", 500),
    "unfinished handshake": (None, "unfinished", None),
    "connect only": (None, "nothing", None),
}
LATE = {"handshake timeout": (None, "late", 408)}  # takes the 10 seconds of the deadline, so these are few
if TLS:
    WAYS["tls alert"] = (None, "alert", None)
    # asyncio can't close one direction of TLS; test_close has both.
    WAYS = {name: way for name, way in WAYS.items() if "half-close" not in name}


def request(path):
    return (
        "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n" % (path, KEY)
    ).encode()


async def read_frame(reader):
    """(the first byte, the payload), or None at the end."""
    try:
        first, second = await reader.readexactly(2)
        n = second & 0x7F
        if n >= 126:
            n = int.from_bytes(await reader.readexactly(2 if n == 126 else 8), "big")
        return first, await reader.readexactly(n)
    except asyncio.IncompleteReadError as error:
        assert error.partial == b""
        return None


async def read_close(reader, writer, answer):
    """Reads to the CLOSE or the end: its code, or None. PINGs get their PONGs if answer is set."""
    while True:
        got = await read_frame(reader)
        if got is None:
            return None
        first, payload = got
        if first & 0x0F == CLOSE:
            assert first == 0x80 | CLOSE
            return struct.unpack(">H", payload[:2])[0] if payload else 1005
        if first & 0x0F == PING and answer:
            writer.write(frame(PONG, payload))


async def converse(reader, writer, name, rng):
    """Ends one session in the way of that name; the code that the server gave."""
    what, then, _ = {**WAYS, **LATE}[name]
    sock = writer.get_extra_info("socket")
    if what is None:
        if then == "unfinished":
            writer.write(request("/program")[: rng.randrange(1, 100)])
            return None
        if then == "nothing":
            return None
        writer.write(request("/program")[:50] if then == "late" else request(then))
        head = await reader.readuntil(b"\r\n\r\n")
        return int(head.split(b" ")[1])
    early = rng.random() < 0.3
    if early:
        writer.write(request("/program") + start(what))
    else:
        writer.write(request("/program"))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    if not early:
        writer.write(start(what))
    if what in ("stubborn", "fork", "flood"):
        # Until it has begun.
        while (got := await read_frame(reader)) and got[0] != 0x80 | TEXT:
            if got[0] & 0x0F == PING:
                writer.write(frame(PONG, got[1]))
    if then == "silent":
        return await read_close(reader, writer, False)
    if then == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return None
    if then == "fin":
        return None
    if then == "half-close":
        writer.write_eof()
        return await read_close(reader, writer, False)
    if then == "close and half-close":
        writer.write(close_frame(4000))
        writer.write_eof()
        return await read_close(reader, writer, False)
    writer.write(then)
    code = await read_close(reader, writer, True)
    if code is not None and rng.random() < 0.7:
        writer.write(close_frame(code))
        assert await reader.read() == b""
    return code


async def one_session(one, name, rng, slots, wrong):
    async with slots:
        tls = {"ssl": one.context, "server_hostname": "localhost"} if one.context else {}
        if name == "tls alert":
            with pytest.raises(ssl.SSLCertVerificationError):  # of which the server is told
                await asyncio.open_connection(*one.addresses[0], ssl=ssl.create_default_context(), server_hostname="localhost")
            return
        ways = {**WAYS, **LATE}
        reader, writer = await asyncio.open_connection(*one.addresses[0], limit=1 << 20, **tls)
        try:
            code = await asyncio.wait_for(converse(reader, writer, name, rng), DEADLINE)
            if code != ways[name][2]:
                wrong.append((name, code))
        except (OSError, AssertionError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
            wrong.append((name, repr(error)))
        finally:
            writer.transport.abort() if ways[name][1] == "reset" else writer.close()
            try:
                await writer.wait_closed()
            except OSError:
                pass


async def storm(one, names, rng):
    wrong = []
    slots = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(one_session(one, name, rng, slots, wrong) for name in names))
    return wrong


def test_storm(server, script):
    script("programs/program", PROGRAM)
    script("programs/plain", "not a program", mode=0o644)
    script("programs/broken", "#!/no/such/interpreter\n")
    one = server("--dir=programs", "--pingms=2000", "--closems=1000")
    rng = random.Random(20251121)
    names = list(WAYS) * 2
    assert asyncio.run(storm(one, names, rng)) == []
    one.check_clean()
    before = rss_kib(one.pid)
    names = list(LATE) * 5 + [rng.choice(list(WAYS)) for _ in range(SESSIONS)]
    assert asyncio.run(storm(one, names, rng)) == []
    one.check_clean()
    if not SANITIZED:
        wait_for(lambda: rss_kib(one.pid) <= before + 2 * KIB, "the memory is as it was: %d KiB" % before)
    # The last line may follow what check_clean() waits for.
    one.wait_log(r" session #\d+ close ", len(re.findall(r" session #\d+ open ", one.log())))
    assert one.log().count(" open ") == one.log().count(" close ")
