# SPDX-License-Identifier: BSD-2-Clause
"""How a session ends: who ends it, with what code, and that nothing is lost by it."""

import os
import socket
import threading
import time

import pytest
from conftest import TLS, plain_only, wait_for
from probes import RECORDER, Clock, recorded, session, texts, unsanitized, wait_settled, wait_still
from wsraw import BINARY, CLOSE, PING, PONG, TEXT, close_frame, frame


@pytest.mark.parametrize(
    "command, code, reason",
    (
        ("exit 0", 1000, "exit 0"),
        ("exit 1", 4001, "exit 1"),
        ("exit 3", 4003, "exit 3"),
        ("exit 255", 4255, "exit 255"),
        ("kill -TERM $$", 4256 + 15, "signal TERM"),
        ("kill -KILL $$", 4256 + 9, "signal KILL"),
        ("kill -SEGV $$", 4256 + 11, "signal SEGV"),
        ("kill -HUP $$", 4256 + 1, "signal HUP"),
        ("kill -40 $$", 4256 + 40, "signal 40"),
    ),
)
def test_end_of_the_program(server, command, code, reason):
    one = server("sh", "-c", "printf 'a\\nlast'; " + command)
    with one.websocket() as ws:
        messages, *end = session(ws)
        assert texts(messages) == [b"a", b"last"]
        assert end == [code, reason]
    found = one.wait_log(r"close .*close_sent=(\d+) close_received=(\d+)")
    assert (int(found.group(1)), int(found.group(2))) == (code, code)


@pytest.mark.parametrize("code", (1000, 1001, 1002, 1003, 1007, 1014, 3000, 4000, 4999, None))
def test_client_close_is_echoed(server, code):
    one = server("cat")
    for reason in ("", "words ä€", "x" * 123) if code else ("",):
        with one.websocket() as ws:
            ws.send(close_frame(code, reason))
            assert ws.frame() == (CLOSE, True, code.to_bytes(2, "big") if code else b"")
            assert ws.read_to_end() == b""
    found = one.wait_log(r"close .*close_sent=(\d+) close_received=(\d+)")
    assert (int(found.group(1)), int(found.group(2))) == (code or 1005, code or 1005)


@pytest.mark.parametrize("code", (1000, None))
def test_answers_precede_the_answer_to_a_normal_close(server, code):
    """The program works on its input as a whole: it has no answer before the end."""
    one = server("--closems=20000", "sort")
    with one.websocket() as ws:
        ws.send(frame(TEXT, "two") + frame(TEXT, "one") + close_frame(code))
        assert [ws.text(), ws.text()] == ["one", "two"]
        assert ws.closed(answer=False)[0] == code
        assert ws.read_to_end() == b""
    one.wait_log(" close .*out_messages=2 .*exit=0")


@pytest.mark.parametrize("code", (1001, 1008, 4000))
def test_no_answers_after_another_close(server, code):
    one = server("--closems=20000", "sh", "-c", "cat; echo late")
    with one.websocket() as ws:
        ws.send(close_frame(code))
        assert ws.frame() == (CLOSE, True, code.to_bytes(2, "big"))
    one.wait_log(" close .*out_messages=0 .*exit=0")


@unsanitized
def test_answers_after_a_close_have_a_time_limit(server, tmp_path):
    """The program goes on, and so does its output."""
    clock = Clock(tmp_path)
    one = server("--closems=3600000", "sh", "-c", "while echo more; do sleep 0.1; done", env=clock.env)
    with one.websocket() as ws:
        ws.send(close_frame(1000))
        for _ in range(3):
            assert ws.text() == "more"
        clock.put_forward(2.1)
        assert ws.closed(answer=False) == (1000, "")
    clock.put_forward(4000)
    clock.put_forward(8000)


def test_nothing_counts_after_the_client_close(server, tmp_path):
    with server(*RECORDER).websocket() as ws:
        ws.send(frame(TEXT, "yes") + close_frame(1000) + frame(TEXT, "no") + frame(PING) + frame(3))
        assert ws.closed(answer=False) == (1000, "")
        assert ws.read_to_end() == b""
        recorded(tmp_path, ws, b"yes\n")


def test_program_closes_stdout(server):
    """Its exit says the code; its stdin is closed, so it can end by itself."""
    with server("--closems=20000", "sh", "-c", "echo a; exec >&-; cat; exit 7").websocket() as ws:
        messages, *end = session(ws)
        assert (texts(messages), end) == ([b"a"], [4007, "exit 7"])
    # One that lives on is led to its end.
    with server("sh", "-c", "echo a; exec >&-; exec sleep 1000").websocket() as ws:
        messages, *end = session(ws)
        assert (texts(messages), end) == ([b"a"], [4256 + 2, "signal INT"])


def test_program_closes_stdin(server, tmp_path):
    """It may go on writing, whatever the client sends."""
    one = server(
        "--binary", "sh", "-c", "exec <&-; echo closed; until test -e go; do echo on; sleep 0.01; done; echo end"
    )
    with one.websocket() as ws:
        assert ws.message()[0] == BINARY
        for _ in range(200):
            ws.send(frame(BINARY, b"x" * 20000))
        ws.send(frame(PING, b"all sent"))
        while ws.frame() != (PONG, True, b"all sent"):
            pass
        (tmp_path / "go").touch()
        messages, *end = session(ws)
        assert messages[-1][0][2].endswith(b"end\n")
        assert end == [1000, "exit 0"]


def test_grandchild_keeps_stdout(server):
    """What its group writes shortly after the exit counts; then the group is gone and the session ends."""
    one = server("sh", "-c", "echo a; (sleep 0.05; echo late; exec sleep 1000) & exit 3")
    with one.websocket() as ws:
        messages, *end = session(ws)
        assert texts(messages)[0] == b"a"
        assert end == [4003, "exit 3"]
    one.check_clean()


@pytest.mark.parametrize("rcvbuf", (None, 4096))
def test_all_output_comes_before_the_close(server, tmp_path, rcvbuf):
    data = bytes(range(256)) * 3 * 4096
    (tmp_path / "data").write_bytes(data)
    one = server("--binary", "sh", "-c", "cat data; exit 5")
    with one.websocket(rcvbuf=rcvbuf) as ws:
        if rcvbuf:
            # Nothing is read until the server has all that it takes: the program waits.
            wait_settled(one)
        messages, *end = session(ws)
        assert b"".join(payload for parts in messages for _, _, payload in parts) == data
        assert end == [4005, "exit 5"]


def test_last_output_of_a_dead_program_waits_for_a_slow_reader(server, tmp_path):
    """The exit is long known when the reader takes what the program left in the pipe."""
    one = server("--binary", "--loglevel=debug", "sh", "-c", "yes | head -c 40000; kill -KILL $$")
    with one.websocket(rcvbuf=4096) as ws:
        one.wait_log("backend .* -> gone")
        messages, *end = session(ws)
        assert b"".join(payload for parts in messages for _, _, payload in parts) == b"y\n" * 20000
        assert end == [4256 + 9, "signal KILL"]


def test_output_waits_for_a_slow_reader_that_goes_on_sending(server, tmp_path):
    """What is still in the system's queue would be lost if the connection were closed before that is empty."""
    data = bytes(range(256)) * 4096
    (tmp_path / "data").write_bytes(data)
    one = server("--binary", "sh", "-c", "cat data; exit 5")
    with one.websocket(rcvbuf=4096) as ws:
        one.wait_log(r"session.* close ")  # that is two seconds later; then the connection lingers
        end = time.monotonic() + 3
        wait_for(lambda: ws.send(frame(PONG)) or time.monotonic() > end, "three more")
        messages, *end = session(ws)
        assert b"".join(payload for parts in messages for _, _, payload in parts) == data
        assert end == [4005, "exit 5"]


def flood(ws, stop):
    """Sends without end and reads nothing."""
    data = frame(TEXT, "x" * 1000) * 64
    try:
        while not stop.is_set():
            ws.send(data)
    except OSError:
        pass


@pytest.mark.parametrize(
    "command, first, code",
    (("exit 3", b"", 4003), ("kill -KILL $$", b"", 4265), ("cat", frame(TEXT, "x", length=1 << 40), 1009)),
)
def test_close_is_delivered_while_the_client_floods(server, command, first, code):
    one = server("sh", "-c", command)
    for _ in range(100):
        with one.websocket() as ws:
            ws.send(first)
            stop = threading.Event()
            sender = threading.Thread(target=flood, args=(ws, stop))
            sender.start()
            try:
                assert ws.closed(answer=False)[0] == code
            finally:
                stop.set()
                sender.join()


def test_half_close(server, tmp_path):
    """A FIN without a CLOSE ends the session; what was sent before it counts."""
    with server(*RECORDER).websocket() as ws:
        ws.send(frame(TEXT, "a") + frame(TEXT, "cut off", length=100))
        ws.sock.shutdown(socket.SHUT_WR)
        assert ws.read_to_end() == b""
        recorded(tmp_path, ws, b"a\n")


@plain_only
def test_what_stands_before_a_fin_counts_also_while_nothing_is_read(server, tmp_path):
    """The FIN comes while the program does not read and input is paused; all was sent before it."""
    os.mkfifo(tmp_path / "start")
    one = server("--closems=10000", "sh", "-c", "read x <start; wc -l >&2; echo counted")
    for count in (198, 200, 202):
        with one.websocket() as ws:
            ws.send(frame(TEXT, "x" * 1000) * count + close_frame(1000))
            ws.sock.shutdown(socket.SHUT_WR)
            # Mostly beyond FIN_WAIT1: the server's system has the FIN. Where reads cut the bytes so that
            # the window is too small for that, all the same must come out of it.
            wait_still(lambda: ws.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0], "the FIN")
            with open(tmp_path / "start", "w") as start:
                start.write("go\n")
            assert ws.closed(answer=False) == (1000, "")
        one.wait_log(r"stderr #\d+ %d\n" % count)


def test_half_close_after_close(server):
    with server("cat").websocket() as ws:
        ws.send(close_frame(4321))
        ws.sock.shutdown(socket.SHUT_WR)
        assert ws.closed(answer=False) == (4321, "")
        assert ws.read_to_end() == b""


@pytest.mark.parametrize("command", ("exec cat", "exec sleep 1000", "exec yes"))
def test_reset(server, command):
    one = server("sh", "-c", command)
    ws = one.websocket()
    ws.reset()
    one.check_clean()
    assert one.wait_log(r"close .*close_received=(\d+)").group(1) == "1006"


def test_client_that_never_answers_our_close(server):
    """It has two seconds; then the connection ends without it."""
    one = server("--log-format=json", "sh", "-c", "exit 3")
    with one.websocket() as ws:
        assert ws.closed(answer=False) == (4003, "exit 3")
        assert ws.read_to_end() == b""
        one.wait_log('"close"')
        (line,) = [line for line in one.json_log() if line["message"] == "close"]
        assert (line["close_sent"], line["close_received"]) == (4003, 1006)
        assert 2000 <= line["duration_ms"] < 2000 + 5000


def test_silent_client_is_dropped(server):
    one = server("--pingms=100", "cat")
    with one.websocket() as ws:
        assert [ws.frame(), ws.frame()] == [(PING, True, b"")] * 2
        try:
            assert ws.sock.recv(1) == b""
        except ConnectionResetError:
            assert TLS  # whoever is dropped gets no close_notify
    one.wait_log("no answer to pings")


def test_any_sign_of_life_counts(server):
    """A silent client gets two PINGs; these get more."""
    one = server("--pingms=1000", "sh", "-c", "exec 3>&1; exec cat >/dev/null")
    cut = frame(TEXT, "data")
    signs = [[sign] * 4 for sign in (frame(PONG), frame(PONG, b"another"), frame(PING), frame(TEXT, "data"))]
    signs.append([cut[i : i + 1] for i in range(3)] + [cut[3:]])
    peers = [one.websocket() for _ in signs]
    for i in range(4):
        for ws, sign in zip(peers, signs):
            while ws.frame() != (PING, True, b""):
                pass
            ws.send(sign[i])
    for ws in peers:
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")
        ws.close()


# Preloaded libraries come before the sanitizer's, which it does not bear.
@unsanitized
@pytest.mark.parametrize("whole", (frame(TEXT, "x" * 1000), frame(TEXT, "x" * 500, fin=False) + frame(0, "x" * 500)), ids=("frame", "fragments"))
@pytest.mark.parametrize("first", (1, 4, 300, 507))
def test_message_that_does_not_come(server, tmp_path, whole, first):
    """A minute, and a millisecond for each byte, PINGs or not."""
    clock = Clock(tmp_path)
    one = server("--pingms=0", "cat", env=clock.env)
    with one.websocket() as ws:
        for late in (False, True):
            ws.send(frame(TEXT, "before") + whole[:first])
            assert ws.text() == "before"
            clock.put_forward(61 if late else 59.5)
            ws.send(whole[first : first + 1])
            if late:
                assert ws.closed() == (1008, "message timeout")
            else:
                ws.send(whole[first + 1 :])
                assert ws.text() == "x" * 1000
    one.wait_log(r"session #1 close .* close_sent=1008 .*reason=\"message timeout\"")


@unsanitized
def test_long_message_may_take_longer(server, tmp_path):
    clock = Clock(tmp_path)
    one = server("--pingms=0", "cat", env=clock.env)
    with one.websocket() as ws:
        ws.send(frame(TEXT, "x" * 70000, fin=False) + frame(PING))
        assert ws.frame() == (PONG, True, b"")
        clock.put_forward(125)
        for _ in range(3):
            ws.send(frame(PING))
            assert ws.frame() == (PONG, True, b"")
        clock.put_forward(6)
        ws.send(frame(PING))
        if (found := ws.frame()) == (PONG, True, b""):
            found = ws.frame()
        assert found == (CLOSE, True, b"\x03\xf0message timeout")


def test_no_blame_while_the_program_does_not_read(server):
    """While we do not read we can't hear: ten of the client's deadlines pass."""
    one = server("--pingms=300", "sh", "-c", "exec 3>&1; sleep 3; exec cat >/dev/null")
    with one.websocket() as ws:
        ws.send(frame(TEXT, "x" * 60000) * 200 + frame(PING, b"alive"))
        while ws.frame() != (PONG, True, b"alive"):
            pass
        ws.send(close_frame(1000))
        while ws.frame() != (CLOSE, True, b"\x03\xe8"):
            pass
