# SPDX-License-Identifier: BSD-2-Clause
"""Signals: what the server does on each, and in which state programs find theirs."""

import contextlib
import fcntl
import os
import pty
import re
import shutil
import signal
import subprocess
import termios
import time

import pytest
from conftest import WSPIPE, children, plain_only, tagged, wait_for
from probes import unsanitized
from test_env import ignored_by_make, pid_of, set_of, started, status_of
from wsraw import DEADLINE, TEXT, close_frame, frame

both = pytest.mark.parametrize("workers", (1, 2))
# A program that the kernel alone can end; what it prints first is the pid of the process that serves it.
IGNORES_SIGNALS = ("sh", "-c", "trap '' INT TERM HUP; echo $PPID; cat; while :; do sleep 0.2; done")


def echo(ws, text="hello"):
    ws.send(frame(TEXT, text))
    assert ws.text() == text


def signals_of(pid):
    status = status_of(pid)
    return [set_of(status[key]) - ignored_by_make() for key in ("SigIgn", "SigBlk", "SigCgt")]


# What programs inherit

EVERY = sorted(set(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33})


@both
@pytest.mark.parametrize("state", ("ignored", "blocked", "ignored but for HUP"))
def test_a_program_starts_with_default_signals(server, workers, state):
    """Whatever the server inherited, as SIGPIPE from systemd and SIGINT from a shell's background. Only nohup's
    wish is passed on."""

    def prepare():
        if state == "blocked":
            signal.pthread_sigmask(signal.SIG_BLOCK, EVERY)
            return
        for number in EVERY:
            if number != signal.SIGHUP or state == "ignored":
                signal.signal(number, signal.SIG_IGN)

    one = server("--workers=%d" % workers, "cat", preexec=prepare)
    with one.websocket() as ws:
        started(ws)
        ignored = {signal.SIGHUP} if state == "ignored" else set()
        assert signals_of(pid_of(one)) == [ignored, set(), set()]


@both
def test_a_pipeline_of_a_program_ends(server, workers):
    """Its first part gets SIGPIPE."""
    script = "(while :; do echo tick; done) 2>/dev/null | head -n 3; echo end"
    one = server(
        "--workers=%d" % workers, "sh", "-c", script, preexec=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    )
    with one.websocket() as ws:
        assert [ws.text() for _ in range(4)] == ["tick", "tick", "tick", "end"]
        assert ws.closed() == (1000, "exit 0")


@both
def test_a_program_of_a_background_server_hears_sigint(server, workers):
    """The second step of the termination sequence works, though the server itself ignores SIGINT."""
    script = "trap 'exit 9' INT; echo up; while :; do read line || sleep 0.01; done"
    one = server(
        "--workers=%d" % workers, "--closems=500", "bash", "-c", script, preexec=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
    )
    with one.websocket() as ws:
        assert ws.text() == "up"
        one.process.send_signal(signal.SIGINT)
    one.wait_log(r"close .*exit=9\b")


# HUP, USR1 and USR2


def processes(one):
    return [one.pid, *(one.workers() or [])]


@both
def test_signals_that_do_not_stop(server, workers):
    """Sent to each process of the server; with TLS SIGHUP reloads. What USR2 does is in test_handover."""
    one = server("--workers=%d" % workers, "cat")
    everybody = processes(one)
    with one.websocket() as ws:
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
            for pid in everybody:
                if number != signal.SIGUSR2 or pid != one.pid:
                    os.kill(pid, number)
        one.wait_log(" info server SIGHUP: %s" % ("certificates reloaded" if one.context else "nothing to reload without --config or --ssl\n"))
        echo(ws)
    assert processes(one) == everybody


def test_signals_that_do_not_stop_at_the_start(server):
    """Neither before there are handlers, nor between the fork of a worker and its own."""

    def storm(pid):
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
            if number != signal.SIGUSR2 or pid != one.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def is_settled(pid):
        with contextlib.suppress(OSError, KeyError):
            return signal.SIGUSR2 in set_of(status_of(pid)["SigIgn"])
        return False

    for _ in range(5):
        one = server("--workers=2", "cat", ready=False)
        wait_for(lambda: is_settled(one.pid), "it is past its first instructions")

        def is_up():
            storm(one.pid)
            for pid, _ in children(one.pid):
                storm(pid)
            return one.workers()

        wait_for(is_up, "all workers are there")
        one.stop()
        assert "was killed" not in one.log() and "starting another" not in one.log()


@plain_only
def test_signals_that_do_not_stop_before_the_options_are_read():
    """The help is written to a pipe that is full, so that the process stays where it reads its options."""
    names = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    os.set_blocking(writer, True)
    process = subprocess.Popen([WSPIPE, "--help"], stdout=writer, preexec_fn=lambda: [signal.signal(n, signal.SIG_DFL) for n in names])
    os.close(writer)
    try:
        wait_for(lambda: set_of(status_of(process.pid)["SigBlk"]).issuperset(names), "the signals are blocked")
        for number in names:
            process.send_signal(number)
        with open(reader, "rb") as pipe:
            pipe.read()
        assert process.wait(DEADLINE) == 0
    finally:
        process.kill()
        process.wait()


# Where a signal may come between two steps of the start. The many others are calls of libraries, and alike.
STEPS = (
    "rt_sigprocmask", "prctl", "clone", "clone3", "socketpair", "pipe2", "epoll_create1", "epoll_ctl", "timerfd_create", "listen",
    "write",
)  # fmt: skip


@both
@plain_only
@unsanitized
def test_no_signal_to_stop_is_lost_at_the_start(tmp_path, workers):
    """SIGTERM at each of these system calls ends the server: before there are handlers at once, later gracefully."""
    trace = tmp_path / "trace"
    # Where it waits for the first time.
    last = "epoll_wait" if workers == 1 else "rt_sigtimedwait"

    def run(name, number):
        """The exit status, with the signal at the call of that name and number."""
        inject = "inject=%s:signal=TERM:when=%d" % (name, number)
        command = ["strace", "-qq", "-o", str(trace), "-e", "trace=%s,%s" % (",".join(STEPS), last), "-e", inject]
        process = subprocess.Popen(
            [*command, WSPIPE, "--port=0", "--workers=%d" % workers, "cat"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            errors = process.communicate(timeout=DEADLINE)[1]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            pytest.fail("SIGTERM was lost at %s, call %d:\n%s" % (name, number, trace.read_text()))
        if "strace: " in errors:
            pytest.skip(errors)
        return process.returncode

    if not shutil.which("strace"):
        pytest.skip("the program strace is missing: install strace")
    assert run(last, 1) == 0
    steps = re.findall(r"(?m)^(\w+)\(", trace.read_text().partition(last)[0])
    ends = [run(name, number) for name in sorted(set(steps)) for number in range(1, steps.count(name) + 1)]
    assert len(ends) >= 10 and set(ends) == {0, -signal.SIGTERM}


@both
@plain_only
def test_the_end_of_its_terminal_stops_the_server(server, workers):
    """SIGHUP comes from there; by itself it means a reload, and nohup(1) outlives the terminal."""
    for how in ("plain", "nohup"):
        master, slave = pty.openpty()

        def prepare():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            if how == "nohup":
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        one = server("--workers=%d" % workers, "cat", preexec=prepare)
        os.close(slave)
        one.process.send_signal(signal.SIGHUP)
        one.wait_log("SIGHUP: nothing to reload")
        with one.websocket() as ws:
            echo(ws)
            os.close(master)
            if how == "plain":
                assert ws.closed() == (1001, "the server is shutting down")
                assert one.process.wait(DEADLINE) == 0
                one.stopped = True
                assert "SIGHUP: waiting for 1 session to end" in one.log()
            else:
                one.wait_log("SIGHUP: nothing to reload", count=2)
                echo(ws)


# TERM

LAST_WORDS = ("sh", "-c", "echo up; cat >/dev/null; sleep 0.3; exit 7")


@both
def test_two_signals_at_once_are_one(server, workers):
    """timeout(1) sends one to its command and one to its group. A later one kills."""
    one = server("--workers=%d" % workers, "--closems=20000", *LAST_WORDS)
    with one.websocket() as ws:
        assert ws.text() == "up"
        begun = time.monotonic()
        one.process.send_signal(signal.SIGTERM)
        one.wait_log("SIGTERM: waiting for 1 session to end; send it again to kill the program\n")
        one.process.send_signal(signal.SIGTERM)
        in_time = time.monotonic() - begun < 0.15
        assert ws.closed() == (1001, "the server is shutting down")
        status = one.process.wait(DEADLINE)
    one.stopped = True
    if in_time:  # else this machine is too busy for a statement
        assert status == 0
        assert "exit=7" in one.log()


@both
def test_a_later_second_signal_kills(server, workers):
    one = server("--workers=%d" % workers, "--closems=3600000", *IGNORES_SIGNALS)
    with one.websocket() as ws, one.websocket() as other:
        assert ws.text() and other.text()
        one.process.send_signal(signal.SIGTERM)
        assert ws.closed(answer=False) == (1001, "the server is shutting down")
        one.stop_now()
    assert "SIGTERM: waiting for 2 sessions to end; send it again to kill the programs" in one.log()


@both
def test_nothing_to_wait_for(server, workers):
    one = server("--workers=%d" % workers, "cat")
    one.stop()
    assert " info server SIGTERM: shutting down\n" in one.log()


@both
def test_the_shutdown_has_a_time_limit(server, workers):
    one = server("--workers=%d" % workers, "--closems=3600000", "--shutdown-timeout=300ms", *IGNORES_SIGNALS)
    with one.websocket() as ws:
        assert ws.text()
        one.process.send_signal(signal.SIGTERM)
        assert ws.closed(answer=False) == (1001, "the server is shutting down")
        one.stop()
    assert " info server killing 1 program" in one.log()


# QUIT


def refuses(one):
    try:
        one.connect().close()
    except OSError:
        return True
    return False


def is_accepted(port):
    """Whether the server's end of the connection from that port has an owner; before, its inode is 0."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError), open("/proc/net/" + table) as f:
            for fields in map(str.split, f.read().splitlines()[1:]):
                if fields[2].endswith(":%04X" % port) and fields[3] == "01" and fields[9] != "0":
                    return True
    return False


def quits(one):
    one.process.send_signal(signal.SIGQUIT)
    one.wait_log("SIGQUIT: accepting no more connections")
    wait_for(lambda: refuses(one), "nobody listens")


@both
def test_quit_lets_sessions_end_by_themselves(server, workers):
    one = server("--workers=%d" % workers, "--shutdown-timeout=1ms", "cat")
    with one.websocket() as first, one.websocket() as second:
        quits(one)
        assert "; 2 sessions may end by themselves\n" in one.log()
        one.process.send_signal(signal.SIGQUIT)
        one.process.send_signal(signal.SIGHUP)
        for ws in (first, second):
            echo(ws)
            ws.send(close_frame(1000))
            assert ws.closed() == (1000, "")
    assert one.process.wait(DEADLINE) == 0
    one.stopped = True
    assert " info server stopped\n" in one.log()


@both
def test_term_after_quit(server, workers):
    one = server("--workers=%d" % workers, "cat")
    with one.websocket() as ws:
        quits(one)
        one.process.send_signal(signal.SIGTERM)
        assert ws.closed() == (1001, "the server is shutting down")
    one.stop()


@both
def test_quit_completes_what_has_begun(server, workers, script, tmp_path):
    """A response, a request of which a part has arrived, and a handshake that is queued; an idle connection ends."""
    script("cgi/slow", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; read x; echo \"$x\"\n")
    one = server("--workers=%d" % workers, "--cgidir=%s" % (tmp_path / "cgi"), "--health-path=/up", "cat")
    with one.connect() as cgi, one.connect() as partial, one.connect() as idle:
        cgi.send(cgi.request_bytes("/slow", {"Content-Length": "3"}, "POST", upgrade=False))
        assert cgi.response()[0] == 200
        idle.send(idle.request_bytes("/up", upgrade=False))
        assert idle.answer()[0] == 200
        handshake = partial.request_bytes()
        partial.send(handshake[:20])
        port = partial.sock.getsockname()[1]
        wait_for(lambda: is_accepted(port), "the part has been accepted")
        quits(one)
        assert idle.read_to_end() == b""
        partial.send(handshake[20:])
        assert partial.response()[0] == 101
        echo(partial)
        cgi.send(b"ok\n")
        assert b"ok\n" in cgi.read_to_end()
        partial.send(close_frame(1000))
        assert partial.closed() == (1000, "")
    assert one.process.wait(DEADLINE) == 0
    one.stopped = True


@plain_only
def test_quit_serves_connections_that_are_queued(server):
    one = server("cat")
    os.kill(one.pid, signal.SIGSTOP)
    peers = [one.connect() for _ in range(20)]
    for peer in peers:
        peer.send(peer.request_bytes() + close_frame(1000))
    os.kill(one.pid, signal.SIGQUIT)
    os.kill(one.pid, signal.SIGCONT)
    for peer in peers:
        assert peer.response()[0] == 101
        assert peer.closed() == (1000, "")
        peer.close()
    assert one.process.wait(DEADLINE) == 0
    one.stopped = True


# KILL


@both
def test_programs_of_a_killed_process_end(server, workers):
    """Also those that read nothing and ignore every signal that can be ignored."""
    one = server("--workers=%d" % workers, *IGNORES_SIGNALS)
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(one.websocket()) for _ in range(10)]
        owners = {int(ws.text()) for ws in peers}
        programs = [pid for pid in owners for pid, _ in children(pid)]
        assert len(programs) == 10
        begun = time.monotonic()
        for pid in owners:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not any(os.path.exists("/proc/%d" % pid) for pid in programs), "all programs are gone")
        assert time.monotonic() - begun < 5
    if workers == 1:
        assert one.process.wait(DEADLINE) == -signal.SIGKILL
        one.stopped = True
    else:
        wait_for(one.workers, "there are new workers")
    # Their sleep(1) ends by itself, or with its group where there is a parent.
    wait_for(lambda: not [1 for pid, _ in tagged(one.tag) if pid not in processes(one)], "nothing is left")


def test_a_program_that_starts_as_its_server_dies(server):
    """Whatever the moment is, none is left."""
    for _ in range(10):
        one = server("sh", "-c", "while :; do sleep 0.1; done")
        peers = [one.connect() for _ in range(8)]
        for peer in peers:
            peer.send(peer.request_bytes())
        wait_for(lambda: children(one.pid), "the first one runs")
        one.process.kill()
        one.process.wait()
        one.stopped = True
        wait_for(lambda: not tagged(one.tag), lambda: "nothing is left: %s" % tagged(one.tag))
        for peer in peers:
            peer.close()


def test_log_of_a_kill(server):
    one = server("--closems=3600000", *IGNORES_SIGNALS)
    with one.websocket() as ws:
        assert ws.text()
        one.process.send_signal(signal.SIGTERM)
        assert ws.closed(answer=False)[0] == 1001
        one.stop_now()
    assert re.search(r" info server killing 1 program\n", one.log())
