# SPDX-License-Identifier: BSD-2-Clause
"""What a client does wrong, and the code it gets for it; what it did right before still counts."""

import struct

import pytest
from probes import RECORDER, recorded, send_bytewise, send_whole
from wsraw import BINARY, CLOSE, PING, PONG, TEXT, close_frame, frame

START = frame(TEXT, "start", fin=False)


def raw_length(opcode, code, size, fmt):
    """A header whose length stands in the wide form, and nothing behind it."""
    return bytes([0x80 | opcode, 0x80 | code]) + struct.pack(fmt, size) + b"mask"


FAULTS = {
    "S-WS-1": [
        (1002, frame(TEXT, "hi", mask=None)),
        (1002, frame(TEXT, "", mask=None)),
        (1002, frame(PING, "hi", mask=None)),
        (1002, frame(CLOSE, b"\x03\xe8", mask=None)),
        (1002, START + frame(0, "hi", mask=None)),
    ],
    "S-WS-2": [(1002, frame(TEXT, "hi", rsv=rsv)) for rsv in range(1, 8)]
    + [(1002, frame(opcode, b"", rsv=4)) for opcode in (CLOSE, PING, PONG)]
    + [(1002, START + frame(0, "hi", rsv=4))],
    "S-WS-3": [(1002, frame(opcode, "hi")) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
    "S-WS-4": [
        (1002, raw_length(TEXT, 127, 1 << 63, ">Q")),
        (1002, raw_length(TEXT, 127, (1 << 64) - 1, ">Q")),
        (1002, raw_length(TEXT, 126, 125, ">H")),
        (1002, raw_length(TEXT, 126, 0, ">H")),
        (1002, raw_length(TEXT, 127, 65535, ">Q")),
        (1002, raw_length(TEXT, 127, 0, ">Q")),
        (1009, raw_length(TEXT, 127, 1 << 62, ">Q")),
        (1009, raw_length(TEXT, 127, (1 << 63) - 1, ">Q")),
        (1009, raw_length(TEXT, 127, (1 << 20) + 1, ">Q")),
        (1009, START + raw_length(0, 127, (1 << 20) - 4, ">Q")),
        (1009, START + raw_length(0, 127, (1 << 63) - 1, ">Q")),
    ],
    "S-WS-5": [(1002, frame(opcode, b"\x03\xe8" + b"x" * 124)) for opcode in (CLOSE, PING, PONG)]
    + [(1002, frame(opcode, b"\x03\xe8", fin=False)) for opcode in (CLOSE, PING, PONG)]
    + [(1002, raw_length(PING, 127, 1 << 20, ">Q"))],
    "S-WS-6": [
        (1002, frame(0, "hi")),
        (1002, frame(0, "hi", fin=False)),
        (1002, START + frame(TEXT, "hi")),
        (1002, START + frame(BINARY, "hi")),
        (1002, START + frame(0, "hi") + frame(0, "hi")),
    ],
    "S-WS-7": [(1002, frame(CLOSE, b"x"))]
    + [(1002, close_frame(code)) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)]
    + [(1007, frame(CLOSE, b"\x03\xe8" + bad)) for bad in (b"\xff", b"ok\xe2\x82", b"\xed\xa0\x80")],
    "S-WS-8": [
        (1008, frame(TEXT, "", fin=False) + frame(0, "", fin=False) * 4096),
        (1008, START + (frame(0, "", fin=False) + frame(0, "x", fin=False)) * 4096 + frame(0, "", fin=False)),
        (1008, START + frame(0, "", fin=False) * 4096 + frame(0, "")),
    ],
    "S-WS-10": [
        (1007, frame(TEXT, b"\xff")),
        (1007, frame(TEXT, b"ok\xc0\x80")),
        (1007, frame(TEXT, b"\xe2\x82")),
        (1007, frame(TEXT, b"\xe2\x82", fin=False) + frame(0, b"")),
        (1007, frame(TEXT, b"\xe2\x82", fin=False) + frame(0, b"\x28")),
        (1007, frame(TEXT, b"x" * 60000 + b"\xed\xa0\x80")),
    ],
    "S-WS-12": [
        (1003, frame(BINARY, b"hi")),
        (1003, frame(BINARY, b"")),
        (1003, frame(BINARY, b"h", fin=False) + frame(0, b"i")),
    ],
}


@pytest.mark.parametrize("send", (send_whole, send_bytewise))
@pytest.mark.parametrize("name", FAULTS)
def test_fault(server, tmp_path, name, send):
    one = server(*RECORDER)
    for code, bad in FAULTS[name]:
        with one.websocket() as ws:
            send(ws, frame(TEXT, "whole") + frame(TEXT, "in ", fin=False) + frame(0, "pieces") + bad)
            assert ws.closed()[0] == code, bad[:100]
            done = b"starthi\n" if bad.startswith(START + frame(0, "hi") + frame(0, "hi")) else b""
            recorded(tmp_path, ws, b"whole\nin pieces\n" + done)


# What text may begin with, and a byte that can't come next.
IMPOSSIBLE = (
    (b"", b"\x80"),
    (b"", b"\xc0"),
    (b"", b"\xc1"),
    (b"", b"\xf5"),
    (b"", b"\xff"),
    (b"\xc3", b"a"),
    (b"\xc3", b"\xc3"),
    (b"\xe0", b"\x9f"),
    (b"\xe2\x82", b"\xc0"),
    (b"\xed", b"\xa0"),
    (b"\xf0", b"\x8f"),
    (b"\xf0\x9f\x98", b"a"),
    (b"\xf4", b"\x90"),
    (b"ok \xe2\x82\xac \xf0\x9f", b"\x7f"),
)


@pytest.mark.parametrize("send", (send_whole, send_bytewise))
def test_bad_text_fails_at_the_first_impossible_byte(server, send):
    one = server("cat")
    for good, bad in IMPOSSIBLE:
        with one.websocket() as ws:
            # All of the good bytes are taken in, and nothing is wrong yet.
            send(ws, frame(TEXT, good, fin=False) + frame(PING))
            assert ws.frame() == (PONG, True, b"")
            # The rest of this frame never comes.
            send(ws, frame(0, bad, length=1000))
            assert ws.closed() == (1007, "text is not UTF-8"), (good, bad)


def test_nothing_counts_after_a_fault(server, tmp_path):
    one = server(*RECORDER)
    with one.websocket() as ws:
        ws.send(frame(TEXT, "yes") + frame(3) + frame(TEXT, "no") + frame(PING) + close_frame(1000))
        assert ws.frame() == (CLOSE, True, b"\x03\xeareserved opcode")
        assert ws.read_to_end() == b""
        recorded(tmp_path, ws, b"yes\n")
