# SPDX-License-Identifier: BSD-2-Clause
"""Framings without boundaries: what has come of a message is passed on at once, whatever its size."""

import zlib

import pytest
from conftest import wait_for
from probes import KIB, MIB, RECORDER, SANITIZED, private_kib, read_file, recorded, unsanitized
from wsraw import BINARY, TEXT, close_frame, frame

OFFER = {"Sec-WebSocket-Extensions": "permessage-deflate"}


def pieces(kind, data, opcode, cut):
    """DATA as one message, so that its first CUT bytes can be sent alone."""
    if kind == "frame":
        whole = frame(opcode, data)
        cut += len(whole) - len(data)
        return whole[:cut], whole[cut:]
    if kind == "fragments":
        return frame(opcode, data[:cut], fin=False), frame(0, data[cut:])
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = deflater.compress(data[:cut]) + deflater.flush(zlib.Z_SYNC_FLUSH)
    rest = deflater.compress(data[cut:]) + deflater.flush(zlib.Z_SYNC_FLUSH)
    return frame(opcode, first, fin=False, rsv=4), frame(0, rest[:-4])


@pytest.mark.parametrize("kind", ("frame", "fragments", "compressed"))
@pytest.mark.parametrize("framing, opcode", (("stream", BINARY), ("stream", TEXT), ("text", TEXT)))
def test_part_of_a_message_is_passed_on(server, tmp_path, kind, framing, opcode):
    """Also where it ends in the middle of a character."""
    one = server("--deflate", "--framing=" + framing, *RECORDER)
    data, cut = ("aä" * 3000).encode(), 3 * 1500 + 2
    with one.websocket(headers=OFFER if kind == "compressed" else None) as ws:
        first, rest = pieces(kind, data, opcode, cut)
        ws.send(first)
        recorded(tmp_path, ws, data[:cut])
        ws.send(rest)
        recorded(tmp_path, ws, data)
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")


@pytest.mark.parametrize("kind", ("frame", "fragments"))
def test_a_message_that_breaks_off_is_delivered_in_part(server, tmp_path, kind):
    one = server("--binary", *RECORDER)
    with one.websocket() as ws:
        first, _ = pieces(kind, b"x" * 1000, BINARY, 500)
        ws.send(frame(TEXT, "whole ") + first)
        recorded(tmp_path, ws, b"whole " + b"x" * 500)
    one.wait_log(" close .* in_messages=1 in_bytes=506 ")


def test_text_is_validated_before_it_is_passed_on(server, tmp_path):
    with server("--binary", *RECORDER).websocket() as ws:
        ws.send(frame(TEXT, b"good", fin=False) + frame(0, b"bad \xff"))
        assert ws.closed()[0] == 1007
        recorded(tmp_path, ws, b"good")


def test_a_limit_that_is_given_applies(server, tmp_path):
    one = server("--binary", "--maxframesize=1000", *RECORDER)
    for data, kept in (
        (frame(BINARY, b"x" * 1001), b""),  # the header shows it
        (frame(BINARY, b"x" * 600, fin=False) + frame(0, b"y" * 401), b"x" * 600),
    ):
        with one.websocket() as ws:
            ws.send(data)
            assert ws.closed() == (1009, "message larger than 1000 bytes (--maxframesize)")
            recorded(tmp_path, ws, kept)


@pytest.mark.parametrize("options", (("--binary",), ("--framing=text",), ("--raw",)))
def test_a_message_may_have_any_size(server, tmp_path, options):
    """96 MiB in one message, and the memory of a batch."""
    one = server(*options, "--closems=20000", "sh", "-c", "exec 3>&1; exec wc -c >size")
    before, peak = private_kib(one.pid), 0
    with one.websocket() as ws:
        piece = b"y" * MIB
        for i in range(96):
            ws.send(frame(TEXT if i == 0 else 0, piece, fin=i == 95))
            peak = max(peak, private_kib(one.pid))
        ws.send(close_frame(1000))
        ws.closed(answer=False)
    wait_for(lambda: read_file(tmp_path / "size") == b"%d\n" % (96 * MIB), "the program has all of it")
    if not SANITIZED:
        assert peak - before <= 512, (before, peak)


@unsanitized
def test_memory_of_a_message_that_the_program_does_not_read(server):
    one = server("--binary", "sh", "-c", "exec 3>&1; exec sleep 3000")
    before = private_kib(one.pid)
    with one.websocket() as ws:
        ws.sock.setblocking(False)
        ws.send(frame(BINARY, length=1 << 40))
        sent = [1]

        def blocked():
            try:
                sent[0] = ws.sock.send(bytes(64 * KIB))
            except BlockingIOError:
                return True

        wait_for(blocked, "nothing is taken any more")
        assert private_kib(one.pid) - before <= 256
        ws.reset()  # its FIN would wait for the window
