# SPDX-License-Identifier: BSD-2-Clause
"""When a client breaks a rule, what it sent before is delivered and answered, and then comes the CLOSE."""

import signal
import socket
import time

import pytest
from conftest import wait_for
from wsraw import BINARY, CLOSE, DEADLINE, PING, PONG, TEXT, close_frame, frame

# A fault, and its code.
FAULTS = {
    "reserved opcode": (1002, frame(3)),
    "not masked": (1002, frame(TEXT, "x", mask=None)),
    "reserved bit": (1002, frame(TEXT, "x", rsv=4)),
    "binary": (1003, frame(BINARY, "x")),
    "not utf-8": (1007, frame(TEXT, b"\xff")),
    "fragments": (1008, frame(TEXT, "", fin=False) + frame(0, "", fin=False) * 4096),
    "too big": (1009, frame(TEXT, "x", length=1 << 40)),
}
BAD = FAULTS["reserved opcode"][1]


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


def kill(one):
    """Ends a server whose programs take their time."""
    one.stop_now()


@pytest.mark.parametrize("how", ("whole", "bytes"))
@pytest.mark.parametrize("name", FAULTS)
def test_what_came_before_is_answered(server, name, how):
    code, bad = FAULTS[name]
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
    one = server("sh", "-c", "echo $(wc -l); exit 3")

    def talk():
        with one.websocket() as ws:
            ws.send(frame(TEXT, "a") * 7 + BAD)
            return session(ws)

    answered(talk, (["7"], 1002))
    assert "exit=3 close_sent=1002" in one.wait_log(r".* close .*").group(0)


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
    kill(one)


def test_endless_output_does_not_keep_the_close(server):
    with server("yes").websocket() as ws:
        texts, code, seconds = session(ws, BAD)
        assert set(texts) == {"y"} and code == 1002 and seconds < 15


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
    kill(one)


def test_nothing_behind_the_fault_is_read(server):
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
def test_nothing_behind_a_refused_message_is_heard(server, cut):
    """Also when it is the framing that refuses, wherever reads cut the bytes."""
    with server("--newline=reject", "cat").websocket() as ws:
        parts = [frame(TEXT, "a\nb"), frame(PING, "p") + close_frame(1000)]
        for part in parts if cut else [b"".join(parts)]:
            ws.send(part)
        opcode, _, payload = ws.frame()
        assert (opcode, payload[:2]) == (CLOSE, b"\x03\xf0")
        assert ws.read_to_end() == b""


def test_ping_before_the_fault_is_answered(server):
    with server("cat").websocket() as ws:
        ws.send(frame(PING, "p") + BAD)
        assert ws.frame() == (PONG, True, b"p")
        assert session(ws)[:2] == ([], 1002)


@pytest.mark.parametrize("name", ("reserved opcode", "binary"))
def test_half_closed_client_gets_its_answers(server, name):
    """All frames at once and a FIN behind them, as a pipe into a raw client does."""
    code, bad = FAULTS[name]
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


def test_drain_is_told_at_once(server):
    """1001 is nobody's fault; the client need not wait for a program that takes its time."""
    one = server("--closems=500", "sh", "-c", "cat; echo late; sleep 30")
    with one.websocket() as ws:
        ws.send(frame(TEXT, "one"))
        assert ws.text() == "one"
        one.process.send_signal(signal.SIGTERM)
        assert session(ws)[:2] == ([], 1001)
        ws.send(frame(CLOSE, b"\x03\xe9"))
        assert ws.read_to_end() == b""
    kill(one)


def test_drain_within_a_fault(server):
    """The fault's CLOSE leaves first; the drain waits for it."""
    one = server("sh", "-c", "sleep 30")
    with one.websocket() as ws:
        ws.send(BAD)
        one.process.send_signal(signal.SIGTERM)
        assert session(ws)[1] in (1001, 1002)
    kill(one)
