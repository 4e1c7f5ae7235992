# SPDX-License-Identifier: BSD-2-Clause
"""A protocol error ends the session with its close code; what came before it is delivered and answered first."""

import signal
import socket
import struct
import time

import pytest
from conftest import wait_for
from probes import RECORDER, recorded, send_bytewise, send_whole
from wsraw import BINARY, CLOSE, DEADLINE, PING, PONG, TEXT, close_frame, frame

START = frame(TEXT, "start", fin=False)


def raw_length(opcode, code, size, fmt):
    """A header whose length stands in the wide form, and nothing after it."""
    return bytes([0x80 | opcode, 0x80 | code]) + struct.pack(fmt, size) + b"mask"


ERRORS = {
    "not masked": [
        (1002, frame(TEXT, "hi", mask=None)),
        (1002, frame(TEXT, "", mask=None)),
        (1002, frame(PING, "hi", mask=None)),
        (1002, frame(CLOSE, b"\x03\xe8", mask=None)),
        (1002, START + frame(0, "hi", mask=None)),
    ],
    "reserved bits": [(1002, frame(TEXT, "hi", rsv=rsv)) for rsv in range(1, 8)]
    + [(1002, frame(opcode, b"", rsv=4)) for opcode in (CLOSE, PING, PONG)]
    + [(1002, START + frame(0, "hi", rsv=4))],
    "reserved opcodes": [(1002, frame(opcode, "hi")) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
    "lengths": [
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
    "control frames": [(1002, frame(opcode, b"\x03\xe8" + b"x" * 124)) for opcode in (CLOSE, PING, PONG)]
    + [(1002, frame(opcode, b"\x03\xe8", fin=False)) for opcode in (CLOSE, PING, PONG)]
    + [(1002, raw_length(PING, 127, 1 << 20, ">Q"))],
    "order of fragments": [
        (1002, frame(0, "hi")),
        (1002, frame(0, "hi", fin=False)),
        (1002, START + frame(TEXT, "hi")),
        (1002, START + frame(BINARY, "hi")),
        (1002, START + frame(0, "hi") + frame(0, "hi")),
    ],
    "close payloads": [(1002, frame(CLOSE, b"x"))]
    + [(1002, close_frame(code)) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)]
    + [(1007, frame(CLOSE, b"\x03\xe8" + bad)) for bad in (b"\xff", b"ok\xe2\x82", b"\xed\xa0\x80")],
    "empty fragments": [
        (1008, frame(TEXT, "", fin=False) + frame(0, "", fin=False) * 4096),
        (1008, START + (frame(0, "", fin=False) + frame(0, "x", fin=False)) * 4096 + frame(0, "", fin=False)),
        (1008, START + frame(0, "", fin=False) * 4096 + frame(0, "")),
    ],
    "not UTF-8": [
        (1007, frame(TEXT, b"\xff")),
        (1007, frame(TEXT, b"ok\xc0\x80")),
        (1007, frame(TEXT, b"\xe2\x82")),
        (1007, frame(TEXT, b"\xe2\x82", fin=False) + frame(0, b"")),
        (1007, frame(TEXT, b"\xe2\x82", fin=False) + frame(0, b"\x28")),
        (1007, frame(TEXT, b"x" * 60000 + b"\xed\xa0\x80")),
    ],
    "binary": [
        (1003, frame(BINARY, b"hi")),
        (1003, frame(BINARY, b"")),
        (1003, frame(BINARY, b"h", fin=False) + frame(0, b"i")),
    ],
}


@pytest.mark.parametrize("send", (send_whole, send_bytewise))
@pytest.mark.parametrize("name", ERRORS)
def test_close_code_of_an_error(server, tmp_path, name, send):
    one = server(*RECORDER)
    for code, bad in ERRORS[name]:
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


def test_nothing_counts_after_an_error(server, tmp_path):
    one = server(*RECORDER)
    with one.websocket() as ws:
        ws.send(frame(TEXT, "yes") + frame(3) + frame(TEXT, "no") + frame(PING) + close_frame(1000))
        assert ws.frame() == (CLOSE, True, b"\x03\xeareserved opcode")
        assert ws.read_to_end() == b""
        recorded(tmp_path, ws, b"yes\n")


# One error of each kind, and its code.
ONE_EACH = {
    "reserved opcode": (1002, frame(3)),
    "not masked": (1002, frame(TEXT, "x", mask=None)),
    "reserved bit": (1002, frame(TEXT, "x", rsv=4)),
    "binary": (1003, frame(BINARY, "x")),
    "not utf-8": (1007, frame(TEXT, b"\xff")),
    "fragments": (1008, frame(TEXT, "", fin=False) + frame(0, "", fin=False) * 4096),
    "too big": (1009, frame(TEXT, "x", length=1 << 40)),
}
BAD = ONE_EACH["reserved opcode"][1]


def session(ws, send=b""):
    """Sends; the texts up to the CLOSE, its code, and the seconds that it took."""
    begun = time.monotonic()
    if send:
        ws.send(send)
    texts, part = [], b""
    while True:
        opcode, fin, payload = ws.frame()
        if opcode == CLOSE:
            return texts, int.from_bytes(payload[:2], "big"), time.monotonic() - begun
        part += payload
        if fin:
            texts.append(part.decode())
            part = b""


def answered(talk, expected):
    """
    talk() breaks a rule and returns what session() does. The program has 100 ms to answer; on a busy
    machine they may pass without its turn, but not each time.
    """
    end = time.monotonic() + DEADLINE
    while True:
        begun = time.monotonic()
        texts, code, _ = talk()
        if (texts, code) == expected or time.monotonic() - begun < 0.1 or begun > end:
            break
    assert (texts, code) == expected


@pytest.mark.parametrize("how", ("whole", "bytes"))
@pytest.mark.parametrize("name", ONE_EACH)
def test_what_came_before_is_answered(server, name, how):
    code, bad = ONE_EACH[name]
    if how == "bytes" and len(bad) > 100:
        how = "whole"
    one = server("cat")

    def talk():
        with one.websocket() as ws:
            ws.send_cut(frame(TEXT, "one") + frame(TEXT, "tw", fin=False) + frame(0, "o") + bad, how)
            return session(ws)

    answered(talk, (["one", "two"], code))


def test_answers_are_those_of_a_program_that_ends_with_its_input(server):
    """What is written at the end of the input goes out too; the exit status does not."""
    one = server("--closems=5000", "sh", "-c", "echo $(wc -l); exit 3")

    def talk():
        with one.websocket() as ws:
            ws.send(frame(TEXT, "a") * 7 + BAD)
            return session(ws)

    answered(talk, (["7"], 1002))
    one.wait_log(r" close .* exit=3 close_sent=1002")


def test_many_messages_and_a_long_answer(server):
    one = server("cat")
    text = "x" * 1000

    def talk():
        with one.websocket() as ws:
            ws.send(frame(TEXT, text) * 300 + BAD)
            return session(ws)

    answered(talk, ([text] * 300, 1002))


def test_close_does_not_wait_for_the_program_longer(server):
    """A program that stays and says nothing: 100 ms, however long it takes to end."""
    one = server("--closems=5000", "sleep", "30")
    with one.websocket() as ws:
        texts, code, seconds = session(ws, frame(TEXT, "one") + BAD)
        assert (texts, code) == ([], 1002)
        assert 0.08 <= seconds < 3
    one.stop_now()


def test_endless_output_does_not_keep_the_close(server):
    with server("yes").websocket() as ws:
        begun = time.monotonic()
        ws.send(BAD)
        output = bytearray(ws.buffer)
        while b"\x88" not in output[-65536:]:  # millions of messages, too many to read them one by one
            part = ws.sock.recv(65536)
            assert part, "no CLOSE"
            output += part
        assert time.monotonic() - begun < 15
        at = output.index(b"\x88")
        assert output[:at] == b"\x81\x01y" * (at // 3)
        ws.buffer[:] = output[at:]
        opcode, _, payload = ws.frame()
        assert (opcode, payload[:2]) == (CLOSE, b"\x03\xea")


@pytest.mark.parametrize("end", ("exit 0", "exec >&-; sleep 30"))
def test_close_is_at_once_when_no_answer_can_come(server, end):
    """The program is gone, or has closed its output. The first time that the machine is not busy shows it."""
    one = server("--closems=5000", "sh", "-c", "read -r line; echo got $line; " + end)

    def at_once():
        with one.websocket() as ws:
            texts, code, seconds = session(ws, frame(TEXT, "one") + BAD)
        if seconds >= 0.08:
            return False
        assert (texts, code) == (["got one"], 1002)
        return True

    wait_for(at_once, "the CLOSE comes at once")
    one.stop_now()


def test_nothing_after_the_error_is_read(server):
    one = server("sh", "-c", "cat; sleep 0.05")

    def talk():
        with one.websocket() as ws:
            ws.send(frame(TEXT, "yes") + BAD + frame(TEXT, "no") + frame(PING))
            first = ws.frame()
            if first[0] == CLOSE:
                return None, int.from_bytes(first[2][:2], "big"), 0
            assert first == (TEXT, True, b"yes")
            ws.send(frame(PING, "late") + frame(TEXT, "late"))
            got = session(ws)
            assert ws.read_to_end() == b""
            return got

    answered(talk, ([], 1002))


@pytest.mark.parametrize("cut", (False, True), ids=("in one write", "in two"))
def test_nothing_after_a_rejected_message_is_read(server, cut):
    """Also when it is the framing that rejects it, wherever reads cut the bytes."""
    with server("--newline=reject", "cat").websocket() as ws:
        parts = [frame(TEXT, "a\nb"), frame(PING, "p") + close_frame(1000)]
        for part in parts if cut else [b"".join(parts)]:
            ws.send(part)
        opcode, _, payload = ws.frame()
        assert (opcode, payload[:2]) == (CLOSE, b"\x03\xf0")
        assert ws.read_to_end() == b""


def test_ping_before_the_error_is_answered(server):
    with server("cat").websocket() as ws:
        ws.send(frame(PING, "p") + BAD)
        assert ws.frame() == (PONG, True, b"p")
        assert session(ws)[:2] == ([], 1002)


@pytest.mark.parametrize("name", ("reserved opcode", "binary"))
def test_half_closed_client_gets_its_answers(server, name):
    """All frames at once, followed by a FIN, as a pipe into a raw client does."""
    code, bad = ONE_EACH[name]
    one = server("sh", "-c", "sleep 0.03; cat")

    def talk():
        with one.websocket() as ws:
            ws.send(frame(TEXT, "one") + bad)
            ws.sock.shutdown(socket.SHUT_WR)
            got = session(ws)
            assert ws.read_to_end() == b""
            return got

    answered(talk, (["one"], code))


def test_client_that_is_gone_costs_nothing(server):
    one = server("sh", "-c", "sleep 0.05; cat")
    for _ in range(20):
        ws = one.websocket()
        ws.send(frame(TEXT, "one") + BAD)
        ws.reset()
    one.wait_log("close", 20)


def test_shutdown_is_reported_at_once(server):
    """1001 is no error of the client, which need not wait for a slow program."""
    one = server("--closems=500", "sh", "-c", "cat; echo late; sleep 30")
    with one.websocket() as ws:
        ws.send(frame(TEXT, "one"))
        assert ws.text() == "one"
        one.process.send_signal(signal.SIGTERM)
        assert session(ws)[:2] == ([], 1001)
        ws.send(frame(CLOSE, b"\x03\xe9"))
        assert ws.read_to_end() == b""
    one.stop_now()


def test_shutdown_during_an_error(server):
    """The CLOSE of the error leaves first; the shutdown waits for it."""
    one = server("sh", "-c", "sleep 30")
    with one.websocket() as ws:
        ws.send(BAD)
        one.process.send_signal(signal.SIGTERM)
        assert session(ws)[1] in (1001, 1002)
    one.stop_now()
