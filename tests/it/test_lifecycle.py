# SPDX-License-Identifier: BSD-2-Clause
"""From the start of a program until nothing of it is left, whatever it does and whoever ends it."""

import os
import signal
import socket
import subprocess
import time

import pytest
from conftest import children, wait_for
from probes import cpu_seconds, is_alive, read_file, wait_settled
from test_memory import calls_of, needs_strace, traced
from wsraw import DEADLINE, TEXT, close_frame, frame


def pids(path, count):
    """The pids that a program wrote into a file."""
    return [
        int(pid) for pid in wait_for(lambda: len(read_file(path).split()) == count and read_file(path).split(), path)
    ]


GROUPS = {
    "background": "sleep 1000 & sleep 1000 & exec cat",
    "double fork": "(sleep 1000 & sleep 1000 &) & exec cat",
    "stubborn": "trap '' INT TERM HUP; sleep 1000 & cat; sleep 1000",
    "pipes closed": "sleep 1000 <&- >&- 2>&- & exec cat",
    "leader dead": "sleep 1000 & exit 0",
}


@pytest.mark.parametrize("how", ("close", "fin", "reset"))
@pytest.mark.parametrize("name", GROUPS)
def test_group_goes_with_the_session(server, name, how):
    one = server("sh", "-c", GROUPS[name])
    ws = one.websocket()
    if name != "leader dead":
        ws.send(frame(TEXT, "up"))
        assert ws.text() == "up"
    if how == "close":
        ws.send(close_frame(1000))
        ws.closed(answer=False)
    if how == "reset":
        ws.reset()
    ws.close()
    one.check_clean()


ESCAPED = "setsid sh -c 'echo $$ >escaped; exec yes' & until test -s escaped; do sleep 0.01; done; exec cat"


@pytest.mark.parametrize("how", ("client", "program"))
def test_one_who_left_the_group_keeps_no_session(server, tmp_path, how):
    """It holds stdout and writes for ever; it can't be reached, but it costs nothing and keeps nobody."""
    one = server("--binary", "sh", "-c", ESCAPED if how == "client" else ESCAPED.replace("exec cat", "exit 3"))
    with one.websocket() as ws:
        (escaped,) = pids(tmp_path / "escaped", 1)
        try:
            if how == "client":
                ws.send(close_frame(1000))
                assert ws.closed(answer=False) == (1000, "")
            else:
                assert ws.closed() == (4003, "exit 3")
            one.wait_log(r"session.* close ")
            used = cpu_seconds(one.pid)
            wait_for(lambda: not is_alive(escaped), "its pipe is closed, so it ends")
            assert cpu_seconds(one.pid) - used <= 0.1
        finally:
            if is_alive(escaped):
                os.kill(escaped, signal.SIGKILL)


def test_one_who_left_the_group_and_never_writes(server, tmp_path):
    one = server("sh", "-c", ESCAPED.replace("exec yes", "exec sleep 1000").replace("exec cat", "exit 0"))
    with one.websocket() as ws:
        (escaped,) = pids(tmp_path / "escaped", 1)
        try:
            assert ws.closed() == (1000, "exit 0")
            one.wait_log(r"session.* close ")
            assert is_alive(escaped)
        finally:
            os.kill(escaped, signal.SIGKILL)


TERMINATION = """
import os, signal, sys, time
def note(what):
    os.write(out, b"%s %d\\n" % (what, 1000 * time.monotonic()))
out = os.open("steps", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
signal.signal(signal.SIGINT, lambda *_: note(b"INT"))
signal.signal(signal.SIGTERM, lambda *_: note(b"TERM"))
print("up", flush=True)
sys.stdin.read()
note(b"EOF")
while True:
    signal.pause()
"""


@pytest.mark.parametrize("closems", (0, 300))
def test_termination_sequence(server, tmp_path, script, closems):
    """The waits are the least times, from the client's CLOSE on. The program sees each step when it gets the CPU: if that
    is after the next step, it sees them in another order, or is killed before it sees one."""
    script("termination.py", TERMINATION)
    one = server("--closems=%d" % closems, "/usr/bin/python3", "termination.py")
    # 5: the clock of the server has milliseconds, and each step is counted from the last.
    least = {"EOF": -1, "INT": 100 + closems - 5, "TERM": 350 + 2 * closems - 5}
    ended = []

    def sees_each_step():
        (tmp_path / "steps").unlink(missing_ok=True)
        with one.websocket() as ws:
            assert ws.text() == "up"
            sent = 1000 * time.monotonic()
            ws.send(close_frame(1000))
            assert ws.closed(answer=False) == (1000, "")
        ended.append(one.wait_log(r"close .*duration_ms=(\d+) .*signal=(\w+)", len(ended) + 1))
        assert ended[-1].group(2) == "KILL"
        assert int(ended[-1].group(1)) >= 850 + 3 * closems
        steps = [line.split() for line in read_file(tmp_path / "steps").decode().splitlines()]
        assert all(int(ms) - sent >= least[name] for name, ms in steps), (sent, steps)
        return [name for name, _ in steps] == [*least]

    wait_for(sees_each_step, "the program sees each step")


def test_gentle_end_needs_no_signal(server, tmp_path):
    """With --closems a program that ends at the end of its input has the time for it."""
    script = "trap 'echo signal >>end' INT TERM; while read line; do :; done; echo eof >>end; exit 5"
    one = server("--closems=20000", "sh", "-c", script)
    with one.websocket() as ws:
        ws.send(frame(TEXT, "a") + close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")
    assert one.wait_log(r"close .*exit=(\d+)").group(1) == "5"
    assert read_file(tmp_path / "end") == b"eof\n"


@pytest.mark.parametrize("how", ("fin", "reset"))
def test_death_is_seen_while_input_is_paused(server, how):
    """The program reads nothing, so we don't either: the pause costs no time, and the end is seen in it."""
    one = server("--pingms=0", "sleep", "1000")
    with one.websocket() as ws:
        # More than the pipe and the queue's mark (64 KiB each), and not more than the socket: behind that no FIN comes.
        ws.send(frame(TEXT, "x" * 50000) * 3)
        wait_settled(one)
        used = cpu_seconds(one.pid)
        assert children(one.pid) and is_alive(children(one.pid)[0][0])
        if how == "fin":
            ws.sock.shutdown(socket.SHUT_WR)
        else:
            ws.reset()
        wait_for(lambda: not one.tagged(), "the program is gone")
        one.wait_log(r"session.* close ")
        if how == "fin":
            assert ws.read_to_end() == b""
        assert cpu_seconds(one.pid) - used <= 0.1


def test_silent_program_and_dead_client(server):
    """The client dies while the program says nothing (nothing is written that could fail)."""
    one = server("sleep", "1000")
    one.websocket().close()
    one.check_clean()


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_drain(server, number):
    """Half of the programs ignore what is asked of them."""
    one = server("sh", "-c", 'case "$QUERY_STRING" in stubborn) trap "" INT TERM;; esac; echo up; cat; exec sleep 1000')
    peers = [one.websocket("/?stubborn" if i % 2 else "/?good") for i in range(50)]
    for ws in peers:
        assert ws.text() == "up"
    started = time.monotonic()
    one.process.send_signal(number)
    for ws in peers:
        assert ws.closed() == (1001, "the server is shutting down")
        ws.close()
    assert one.process.wait(20) == 0
    # The stubborn are killed by the termination sequence, not by the deadline of the drain.
    assert time.monotonic() - started < 20
    one.stopped = True
    one.check_log()
    # Killed with their group; the system may still be at it.
    wait_for(lambda: not one.tagged(), "nothing survives the server")
    assert "stopped" in one.log()


def test_drain_refuses_newcomers_and_ends_handshakes(server):
    one = server("--closems=20000", "sh", "-c", "echo up; exec 3>&1; cat; sleep 1; exit 3")
    ws = one.websocket()
    assert ws.text() == "up"
    begun = one.connect()
    begun.send(b"GET / HTTP/1.1\r\n")
    one.process.send_signal(signal.SIGTERM)
    assert ws.closed() == (1001, "the server is shutting down")
    try:
        assert begun.sock.recv(1) == b""
    except ConnectionResetError:
        pass  # what it has sent was not read yet
    with pytest.raises(ConnectionRefusedError):
        one.connect()
    assert one.process.wait(20) == 0
    one.stopped = True
    # The drain waited for the program, which ended by itself.
    assert one.wait_log(r"close .*exit=(\d+)").group(1) == "3"
    ws.close()
    begun.close()


def test_second_signal_kills_at_once(server):
    one = server("--closems=3600000", "sh", "-c", "trap '' INT TERM; echo up; cat; while :; do sleep 1000; done")
    peers = [one.websocket() for _ in range(10)]
    for ws in peers:
        assert ws.text() == "up"
    one.process.send_signal(signal.SIGTERM)
    for ws in peers:
        assert ws.closed(answer=False) == (1001, "the server is shutting down")
    assert len(one.tagged()) >= 10
    one.stop_now()
    for ws in peers:
        ws.close()


@pytest.mark.parametrize("workers", (1, 2))
@pytest.mark.parametrize("state", ("ignored", "blocked"))
def test_signals_as_a_careless_parent_leaves_them(server, workers, state):
    """Ends of programs are seen all the same, and SIGTERM is heard."""

    def leave_signals():
        if state == "ignored":
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        else:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, signal.SIGTERM, signal.SIGINT])

    one = server("--workers=%d" % workers, "sh", "-c", "exit 3", preexec=leave_signals)
    with one.websocket() as ws:
        assert ws.closed() == (4003, "exit 3")
    one.check_clean()
    started = time.monotonic()
    one.stop()
    # It has nothing to wait for; what hears no signal waits for a deadline of 25 seconds.
    assert time.monotonic() - started < 20


def test_killed_server_leaves_no_cat(server):
    """The end of stdin is what a program sees of it."""
    one = server("cat")
    peers = [one.websocket() for _ in range(20)]
    one.process.kill()
    assert one.process.wait() == -signal.SIGKILL
    one.stopped = True
    wait_for(lambda: not one.tagged(), "all programs are gone")
    for ws in peers:
        ws.close()


@needs_strace
def test_an_exit_costs_the_same_whatever_there_is(server, tmp_path):
    """Many programs that run, and zombies that are kept because their group may still write, are not looked at."""
    trace = tmp_path / "trace"
    script = 'case "$QUERY_STRING" in keep) sleep 1000 & exit 0;; esac; echo up; read line'
    one = server("sh", "-c", script)
    idle = [one.websocket() for _ in range(80)]
    for ws in idle:
        assert ws.text() == "up"
    with traced(one, trace):
        for ws in idle[:40]:
            kept = one.websocket("/?keep")
            ws.send(frame(TEXT, "end"))
            assert ws.closed() == (1000, "exit 0")
            kept.close()
        # Those that were kept, too.
        wait_for(lambda: len(children(one.pid)) == 40, "half of them have ended")
    calls = calls_of(trace.read_text().splitlines())
    assert calls["waitid"] <= 80 + 4, calls
    assert calls["wait4"] <= 80 + 4, calls
    for ws in idle:
        ws.close()


def can_unshare():
    return (
        subprocess.run(("unshare", "--pid", "--fork", "--mount-proc", "true"), stderr=subprocess.DEVNULL, check=False).returncode == 0
    )


@pytest.mark.skipif(not can_unshare(), reason="no right to make a PID namespace")
def test_orphans_are_reaped_as_process_1(server):
    """An orphan of a program comes to process 1, which the server is here; also while a dead leader is kept."""
    wrapper = ("unshare", "--pid", "--fork", "--kill-child")
    # One orphan holds the leader's stdout, the other ends in the time that the leader is kept for that.
    script = "setsid sleep 1000 & setsid sleep 0.05 >&- & echo up"
    one = server("sh", "-c", script, wrapper=wrapper, ready=False)
    one.addresses = wait_for(one._addresses, "the server listens")
    ((pid, _),) = children(one.pid)
    for _ in range(10):
        with one.websocket() as ws:
            assert ws.text() == "up"
            assert ws.closed() == (1000, "exit 0")
    sleepers = wait_for(lambda: len(children(pid)) == 10 and children(pid), "the zombies are reaped")
    for sleeper, _ in sleepers:
        os.kill(sleeper, signal.SIGKILL)
    wait_for(lambda: not children(pid), "all are reaped")
    one.stopped = True
    os.kill(pid, signal.SIGTERM)
    assert one.process.wait(DEADLINE) == 0
