# SPDX-License-Identifier: BSD-2-Clause
"""Several workers: the balance, the limit that they share, the death of one, and how all of them end."""

import collections
import contextlib
import http.client
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import threading
import time

import pytest
from conftest import TLS, children, client_context, make_certificate, tagged, wait_for
from probes import SANITIZED, cpu_seconds, preload, traced, unsanitized, wait_idle
from tlsprobes import context_of, fingerprint, make_client, make_crl
from wsraw import DEADLINE, TEXT, close_frame, fd_count, frame

# Says which worker it belongs to.
REPORT_PPID = ("sh", "-c", "echo $PPID; exec cat")
# It and its company outlive every gentle word; one of them has left the group, another has lost its parent.
IGNORES_SIGNALS = ("sh", "-c", "trap '' INT TERM HUP; echo $PPID; sleep 1000 & setsid sleep 1000 & (sleep 1000 &); cat; sleep 1000")


# A worker that is ahead of another leaves it a connection for some milliseconds.
LATE_MS = 10


def owner(ws):
    """The pid of the worker that serves it."""
    return int(ws.text())


def echo(ws, text="hello"):
    ws.send(frame(TEXT, text))
    assert ws.text() == text


def end(ws):
    ws.send(close_frame(1000))
    assert ws.closed(answer=False) == (1000, "")
    ws.close()


def spread(one, count=0, **kwargs):
    """Sessions: as many, and then more until each worker has one, as one may come late on a busy machine."""
    peers, owners = [], []

    def come():
        peers.append(one.websocket(**kwargs))
        owners.append(owner(peers[-1]))
        return len(peers) >= count and set(owners) == set(one.workers())

    wait_for(come, "each worker has a session")
    return peers, owners


def status(one):
    """What a handshake is answered with; the connection goes with it when it is a 101."""
    peer = one.connect()
    peer.send(peer.request_bytes())
    return peer.response()[0], peer


def all_at_once(count, work):
    """The results of work(), by threads that begin at the same time."""
    results = []
    start = threading.Barrier(count)

    def run():
        start.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == count
    return results


def test_one_worker_is_no_other_process(server):
    one = server("--workers=1", *REPORT_PPID)
    with one.websocket() as ws:
        assert owner(ws) == one.pid
        assert len(children(one.pid)) == 1


def late_ms(one):
    """How long the server and its programs, as far as they live, have waited for a CPU."""
    late = 0
    for pid, _ in tagged(one.tag):
        with contextlib.suppress(OSError), open("/proc/%d/schedstat" % pid) as f:
            late += int(f.read().split()[1]) / 1e6
    return late


@pytest.mark.parametrize("at_once", (False, True))
def test_few_connections_are_spread_evenly(server, at_once):
    one = server("--workers=2", *REPORT_PPID)
    workers = one.workers()

    def come():
        """Whether they are; a busy machine, on which a worker may come too late, has another try."""
        before = late_ms(one)
        peers = all_at_once(16, one.websocket) if at_once else [one.websocket() for _ in range(16)]
        spread = collections.Counter(owner(ws) for ws in peers)
        late = late_ms(one) - before
        even = set(spread) == set(workers) and max(spread.values()) <= (13 if at_once else 10)
        assert even or late > LATE_MS, (spread, late)
        for ws in peers:
            ws.close()
        # When those of one are gone, it gets the next ones.
        one.check_clean()
        return even

    wait_for(come, "the connections are spread evenly")


def test_the_worker_with_fewer_gets_the_next(server):
    one = server("--workers=2", *REPORT_PPID)
    with contextlib.ExitStack() as stack:
        peers, owners = spread(one, 16)
        for ws in peers:
            stack.enter_context(ws)
        full, empty = sorted(one.workers(), key=owners.count, reverse=True)
        for ws, pid in zip(peers, owners):
            if pid == empty:
                end(ws)
        news = collections.Counter()
        for _ in range(20):
            wait_for(lambda: not children(empty), "its programs are gone")
            with one.websocket() as ws:
                news[owner(ws)] += 1
                end(ws)
            wait_for(lambda: len(children(full)) == owners.count(full), "the new one is gone")
        # On a busy machine it may come too late for some.
        assert news[empty] >= 15, (full, empty, news)


def test_a_worker_that_stands_still_keeps_nobody_waiting(server):
    one = server("--workers=2", *REPORT_PPID)
    still, other = one.workers()
    os.kill(still, signal.SIGSTOP)
    try:
        with contextlib.ExitStack() as stack:
            started = time.monotonic()
            peers = [stack.enter_context(one.websocket()) for _ in range(8)]
            assert [owner(ws) for ws in peers] == [other] * 8
            assert time.monotonic() - started < 15
            used = cpu_seconds(other)
            for ws in peers:
                echo(ws)
            assert cpu_seconds(other) - used < 0.5
    finally:
        os.kill(still, signal.SIGCONT)


def test_one_address_and_unique_sessions(server):
    one = server("--workers=3", "--log-format=json", *REPORT_PPID)
    assert one.log().count("serving ") == 1
    count = 0

    def come():
        nonlocal count
        for ws in all_at_once(10, one.websocket):
            owner(ws)
            ws.close()
        count += 10
        opened = [line for line in one.json_log() if line["message"] == "open"]
        assert sorted(line["session"] for line in opened) == list(range(1, count + 1))
        return count >= 30 and {line["worker"] for line in opened} == {1, 2, 3}

    wait_for(come, "all workers have had sessions")


def test_programs_get_no_descriptor(server):
    one = server("--workers=2", "sh", "-c", "ls /proc/$$/fd; exec cat")
    with one.websocket() as ws:
        assert [ws.text() for _ in range(3)] == ["0", "1", "2"]
        echo(ws)


def few_descriptors(server, *args):
    """Two workers that may have 64 each, with what the log says of both: (server, sessions, other connections)."""
    one = server("--workers=2", *args, preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    line = one.wait_log(
        r"info server the limit of 64 open files of each worker allows (\d+) sessions and (\d+) other connections"
    )
    assert one.log().count("the limit of 64 open files") == 1
    return one, int(line[1]), int(line[2])


def test_each_worker_has_its_own_descriptors(server):
    """All programs that there is room for, in both; then a 503, which is not the 429 of --maxforks."""
    one, sessions, _ = few_descriptors(server, *REPORT_PPID)
    live = []

    # One that is full may still get what the other has room for.
    def come():
        code, peer = status(one)
        if code == 101:
            live.append(peer)
        else:
            assert code == 503
            peer.close()
        return len(live) == sessions

    wait_for(come, "all places are taken")
    assert collections.Counter(owner(ws) for ws in live) == dict.fromkeys(one.workers(), sessions // 2)
    code, peer = status(one)
    assert code == 503
    peer.close()
    for ws in live:
        echo(ws)
        end(ws)
    assert "can't accept" not in one.log() and "can't start" not in one.log()


def test_maxforks_holds_for_all_together(server):
    one = server("--workers=3", "--maxforks=5", *REPORT_PPID)
    for i in range(1, 4):
        answers = all_at_once(15, lambda: status(one))
        assert sorted(code for code, _ in answers) == [101] * 5 + [429] * 10
        for _, peer in answers:
            peer.close()
        one.wait_log(r"session #\d+ close ", count=5 * i)
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(one.websocket()) for _ in range(5)]
        for ws in peers:
            owner(ws)
        for count, ws in enumerate(peers[:2], 16):
            assert status(one)[0] == 429
            end(ws)
            # One comes free, and only one.
            one.wait_log(r"session #\d+ close ", count=count)
            stack.enter_context(one.websocket())


def take_all(one, count):
    """As many sessions as there are slots, once they are all free."""
    peers = []

    def come():
        code, peer = status(one)
        if code == 101:
            peers.append(peer)
        else:
            assert code == 429
            peer.close()
        return len(peers) == count

    wait_for(come, "all slots are free")
    assert status(one)[0] == 429
    return peers


DEATHS = [signal.SIGKILL, signal.SIGABRT] + ([] if SANITIZED else [signal.SIGSEGV])


@pytest.mark.parametrize("number", DEATHS)
def test_nothing_is_left_of_a_worker_that_died(server, number):
    one = server("--workers=2", "--maxforks=16", *IGNORES_SIGNALS)
    victim, other = one.workers()
    peers, owners = spread(one, 8)
    ours = owners.count(other)
    # Before it is the command of that name it may still be in the program's group.
    names = sorted(["sh", "sleep", "sleep", "sleep", "cat"] * len(peers))
    wait_for(lambda: sorted(command.split(" ")[0] for _, command in one.tagged()) == names, "all processes of all programs run")
    os.kill(victim, number)
    one.wait_log(
        r"error server worker \d \(pid %d\) was killed by %s; starting another\n" % (victim, number.name)
    )
    for ws, pid in zip(peers, owners):
        if pid == victim:
            with contextlib.suppress(ConnectionResetError):
                assert ws.read_to_end() == b""
    # For each session that continues the shell, three that sleep, and cat; of the others what left by setsid.
    left = len(peers) - ours
    wait_for(lambda: len(one.tagged()) == 5 * ours + left, lambda: "its programs are gone: %s" % one.tagged())
    wait_for(lambda: victim not in (one.workers() or [victim]), "there is a new worker")
    for ws, pid in zip(peers, owners):
        if pid == other:
            echo(ws, "untouched")
    # The new one serves, and has the share of the old one.
    new = take_all(one, 16 - ours)
    assert any(owner(ws) not in (victim, other) for ws in new)
    for ws in peers + new:
        ws.close()
    wait_for(lambda: all(command.startswith("sleep") for _, command in one.tagged()), "the programs are gone")
    kill_escaped(one)


@unsanitized
def test_nothing_is_left_where_a_program_dies_while_it_is_looked_at(server, tmp_path):
    """Its children come to the parent of the workers then, which has been past them already."""
    doomed = tmp_path / "doomed"
    doomed.touch()
    env = {"LD_PRELOAD": preload(tmp_path, "proc_backwards.c"), "PROC_DOOMED": str(doomed)}
    middle = "set -m; sleep 1000 & echo $$; sleep 1000; true"  # in groups of their own
    one = server("--workers=2", "sh", "-c", "echo $PPID; bash -c '%s' & wait" % middle, env=env)
    with one.websocket() as ws:
        worker, pid = int(ws.text()), ws.text()
        names = ["bash", "sh", "sleep", "sleep"]
        wait_for(lambda: sorted(command.split(" ")[0] for _, command in one.tagged()) == names, "all of it runs")
        if sum(other < int(pid) for other, _ in one.tagged()) != 1:
            pytest.skip("the numbers of processes have just begun anew")  # else it would not be met last
        doomed.write_text(pid)
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: doomed.read_text() == "", "it died while it was looked at")
        wait_for(lambda: not one.tagged(), lambda: "its children are gone: %s" % one.tagged())


def test_children_from_before_are_let_alone(server):
    """A shell starts a helper, as a reader of the log, and becomes the server: the helper is no worker's."""
    helper = "env -u WSPIPE_TEST_TAG sleep 1000 & exec \"$@\""
    one = server("--workers=2", *IGNORES_SIGNALS, wrapper=("sh", "-c", helper, "sh"))
    (before,) = {pid for pid, _ in children(one.pid)} - set(one.workers())
    for _ in range(2):
        victim = one.workers()[0]
        peers, _ = spread(one)
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: victim not in (one.workers() or [victim]), "there is a new worker")
        for ws in peers:
            ws.close()
        wait_for(lambda: all(command.startswith("sleep") for _, command in one.tagged()), "the programs are gone")
        kill_escaped(one)
        assert before in {pid for pid, _ in children(one.pid)}
    os.kill(before, signal.SIGTERM)


def kill_escaped(one):
    """Those who left their program's group by setsid outlive a session, also without workers."""
    for pid, _ in one.tagged():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_deaths_among_many_comers(server):
    """Whatever they interrupt, in the end each slot is free, and nobody is left."""
    one = server("--workers=3", "--maxforks=6", *REPORT_PPID)
    stop = threading.Event()
    sessions = []

    def come():
        while not stop.is_set():
            # It may be cut off anywhere.
            with contextlib.suppress(OSError, EOFError, AssertionError, ValueError), one.connect() as peer:
                peer.send(peer.request_bytes())
                if peer.response()[0] == 101:
                    owner(peer)
                    sessions.append(peer.port)

    threads = [threading.Thread(target=come) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        for i in range(6):
            seen = len(sessions)
            wait_for(lambda: len(sessions) > seen + 20, "sessions come and go")
            os.kill(wait_for(one.workers, "all workers are there")[i % 3], signal.SIGKILL)
            one.wait_log(r"was killed by SIGKILL", count=i + 1)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    wait_for(one.workers, "all workers are there")
    for peer in take_all(one, 6):
        owner(peer)
        peer.close()


def start_time(pid):
    """When a process was started, in seconds since the machine was."""
    with open("/proc/%d/stat" % pid) as f:
        return int(f.read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")


def test_a_worker_is_started_at_most_once_a_second(server):
    one = server("--workers=2", *REPORT_PPID)
    victim, other = one.workers()
    for _ in range(3):
        started = start_time(victim)
        os.kill(victim, signal.SIGKILL)
        both = wait_for(lambda: victim not in (one.workers() or [victim]) and one.workers(), "there is a new worker")
        (victim,) = set(both) - {other}
        assert start_time(victim) - started >= 0.98
    with one.websocket() as ws:
        assert owner(ws) in both


def test_a_worker_that_is_told_to_stop_is_replaced(server):
    one = server("--workers=2", *REPORT_PPID)
    told, other = one.workers()
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(one.websocket()) for _ in range(4)]
        owners = [owner(ws) for ws in peers]
        os.kill(told, signal.SIGTERM)
        for ws, pid in zip(peers, owners):
            if pid == told:
                assert ws.closed() == (1001, "the server is shutting down")
        one.wait_log(r"info server worker \d \(pid %d\) exited with status 0; starting another" % told)
        for ws, pid in zip(peers, owners):
            if pid == other:
                echo(ws)
        wait_for(lambda: one.workers() and told not in one.workers(), "there is a new worker")


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_drain(server, number):
    one = server("--workers=2", "sh", "-c", "trap '' INT TERM; echo $PPID; cat; exec sleep 1000")
    peers, _ = spread(one, 12)
    one.process.send_signal(number)
    for ws in peers:
        assert ws.closed() == (1001, "the server is shutting down")
        ws.close()
    assert one.process.wait(DEADLINE) == 0
    one.stopped = True
    one.check_log()
    assert not tagged(one.tag)
    assert one.log().count("server stopped") == 1
    assert one.log().count("%s: waiting for %d sessions to end; " % (number.name, len(peers))) == 1
    with pytest.raises(ConnectionRefusedError):
        one.connect()


def test_a_signal_to_all_processes_is_one_signal(server):
    """A terminal sends SIGINT to the whole group, a service manager SIGTERM to each process."""
    one = server(
        "--workers=2", "--closems=20000", "sh", "-c", "echo $PPID; cat; sleep 0.5; exit 3", preexec=os.setsid
    )
    peers, _ = spread(one, 6)
    workers = one.workers()
    os.killpg(one.pid, signal.SIGINT)
    for pid in workers:  # at once: a later one would be a second signal
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    for ws in peers:
        assert ws.closed() == (1001, "the server is shutting down")
        ws.close()
    assert one.process.wait(DEADLINE) == 0
    one.stopped = True
    # All programs had the time for their own end.
    assert len(re.findall(r"session #\d+ close .*exit=3 ", one.log() + " ")) == len(peers), one.log()


def test_second_signal_kills_at_once(server):
    one = server("--workers=2", "--closems=3600000", "sh", "-c", "trap '' INT TERM; echo up; cat; sleep 1000")
    peers = [one.websocket() for _ in range(6)]
    for ws in peers:
        assert ws.text() == "up"
    one.process.send_signal(signal.SIGTERM)
    for ws in peers:
        assert ws.closed(answer=False) == (1001, "the server is shutting down")
    assert len(one.tagged()) >= 6
    one.stop_now()
    for ws in peers:
        ws.close()


def test_a_worker_dies_in_the_drain(server):
    """What is left of it goes too, and the exit status tells."""
    one = server("--workers=2", "--closems=3600000", "sh", "-c", "trap '' INT TERM; echo $PPID; cat; sleep 1000")
    peers = [one.websocket() for _ in range(6)]
    victim = [owner(ws) for ws in peers][0]
    one.process.send_signal(signal.SIGTERM)
    for ws in peers:
        assert ws.closed(answer=False) == (1001, "the server is shutting down")
    os.kill(victim, signal.SIGKILL)
    one.wait_log(r"worker \d \(pid %d\) was killed by SIGKILL\n" % victim)
    one.stop_now(status=70)
    for ws in peers:
        ws.close()


def strangers(one):
    """The children of the parent that are no workers, zombies among them."""
    return {pid for pid, _ in children(one.pid)} - set(one.workers() or [])


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_signals_that_come_without_pause_hide_no_death(server, tmp_path):
    """The next one is pending when the one before it has been handled, as /proc is slow, and its number is below
    SIGCHLD's: the programs that are killed for the dead worker are reaped all the same."""
    one = server("--workers=2", *REPORT_PPID)
    over = threading.Event()

    def send():
        while not over.is_set():
            os.kill(one.pid, signal.SIGUSR1)
            time.sleep(0.001)

    sender = threading.Thread(target=send)
    with one.websocket() as ws, traced(one, tmp_path / "trace", "-e", "inject=getdents64:delay_enter=100000"):
        victim = owner(ws)
        sender.start()
        try:
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda: victim not in (one.workers() or [victim]), "there is a new worker")
            wait_for(lambda: not strangers(one), "nothing is left of the old one")
        finally:
            over.set()
            sender.join()
    assert "did not exit after SIGKILL" not in one.log()


def test_a_killed_parent_leaves_nothing(server):
    one = server("--workers=2", "sh", "-c", "trap '' INT TERM; echo up; cat; exec sleep 1000")
    peers = [one.websocket() for _ in range(6)]
    for ws in peers:
        assert ws.text() == "up"
    one.process.kill()
    assert one.process.wait() == -signal.SIGKILL
    one.stopped = True
    for ws in peers:
        assert ws.closed() == (1001, "the server is shutting down")
        ws.close()
    wait_for(lambda: not tagged(one.tag), "all workers and programs are gone: %s" % tagged(one.tag))


def test_orphans_of_a_program_are_reaped(server):
    """They come to the worker, and the parent gets none of them."""
    one = server("--workers=2", "sh", "-c", "(setsid sleep 0.05 &) ; (sleep 0.05 &) ; exec cat")
    with contextlib.ExitStack() as stack:
        for _ in range(6):
            stack.enter_context(one.websocket())
        wait_for(lambda: len(one.tagged()) == 6, "the orphans are gone")
        assert sorted(pid for pid, _ in children(one.pid)) == one.workers()
        for pid in one.workers():
            wait_for(lambda: all(state != "Z" for _, state in children(pid)), "no zombie is left")


def test_auto_is_one_for_each_cpu(server):
    cpus = sorted(os.sched_getaffinity(0))
    one = server("--workers=auto", *REPORT_PPID, preexec=lambda: os.sched_setaffinity(0, cpus[:1]))
    with one.websocket() as ws:
        assert owner(ws) == one.pid
    if len(cpus) > 1:
        many = server("--workers=auto", *REPORT_PPID, ready=False)
        many.worker_count = len(cpus)
        many.addresses = wait_for(many._addresses, "it listens")
        assert wait_for(many.workers, "a worker for each CPU")
        many.stop()


def test_workers_stand_in_for_websocketd(server):
    one = server("--compat=websocketd", "--workers=2", "--address=127.0.0.1", *REPORT_PPID)
    for ws in spread(one, 4)[0]:
        ws.close()
    one.check_clean()
    assert one.log().count("Starting WebSocket server   : ws") == 1
    assert "worker" not in re.sub("stopped|waiting for .*", "", one.log())


# TLS


def replied(one):
    """The workers that have answered a plain request so far."""
    return re.findall(r" http reply status=200 .* worker=(\d)", one.log())


def ask(one, stack, context, session=None):
    """A request on a connection that stays open, so that the next one goes to the other worker: (the ticket, whether
    it began with one)."""
    sock = stack.enter_context(socket.create_connection(one.addresses[0], timeout=DEADLINE))
    tls = stack.enter_context(context.wrap_socket(sock, server_hostname="localhost", session=session))
    tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    response = http.client.HTTPResponse(tls)
    response.begin()
    response.read()
    return tls.session, tls.session_reused


@pytest.mark.parametrize("version", (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3))
def test_a_ticket_of_one_is_opened_by_all(secure, version):
    one = secure("--workers=2", *REPORT_PPID)
    context = client_context(one.ca)
    context.minimum_version = context.maximum_version = version
    with contextlib.ExitStack() as stack:
        ticket, reused = ask(one, stack, context)
        assert ticket.has_ticket and not reused

        def both():
            assert ask(one, stack, context, ticket)[1]
            return set(replied(one)) == {"1", "2"}

        wait_for(both, "both workers have opened it")
        one.process.send_signal(signal.SIGHUP)
        one.wait_log("SIGHUP: certificates reloaded worker=", count=2)
        assert not ask(one, stack, context, ticket)[1]
        ticket, _ = ask(one, stack, context)
        seen = len(replied(one))

        def again():
            assert ask(one, stack, context, ticket)[1]
            return set(replied(one)[seen:]) == {"1", "2"}

        wait_for(again, "both workers have opened the new one")


def on_both(one, context):
    """Sessions on both workers, and the fingerprints of the certificates that they show."""
    peers, _ = spread(one, 8, context=context)
    seen = {fingerprint(ws) for ws in peers}
    for ws in peers:
        ws.close()
    return seen


def test_sighup_reaches_all_and_those_to_come(secure, tmp_path):
    pair = make_certificate(tmp_path, "own")
    one = secure("--workers=2", *REPORT_PPID, tls=pair)
    with contextlib.ExitStack() as stack:
        old = [stack.enter_context(ws) for ws in spread(one)[0]]
        (before,) = on_both(one, client_context(pair[0]))
        for path, fresh in zip(pair, make_certificate(tmp_path, "fresh")):
            os.replace(fresh, path)
        one.process.send_signal(signal.SIGHUP)
        one.wait_log("info server SIGHUP: certificates reloaded worker=", count=2)
        (after,) = on_both(one, client_context(pair[0]))
        assert after != before
        for ws in old:
            echo(ws)
        # A file that is wrong: each says so, and each keeps what it had; also one that comes later.
        with open(pair[0], encoding="ascii") as f:
            good = f.read()
        with open(pair[0], "w", encoding="ascii") as f:
            f.write("no certificate")
        one.process.send_signal(signal.SIGHUP)
        one.wait_log("error server SIGHUP: .*; the old certificates stay.* worker=", count=2)
        with open(str(tmp_path / "trusted"), "w", encoding="ascii") as f:
            f.write(good)
        context = client_context(str(tmp_path / "trusted"))
        assert on_both(one, context) == {after}
        victim = one.workers()[1]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: victim not in (one.workers() or [victim]), "there is a new worker")
        assert on_both(one, context) == {after}


def refused_by_both(one, held, why, **kwargs):
    """A client is refused until each worker has done so once more; HELD is the context of one that is not."""

    def by():
        return re.findall(r'http rejected .*reason="TLS: %s" worker=(\d)' % why, one.log())

    def come():
        # One session makes its worker the one that is ahead, two neither.
        with contextlib.ExitStack() as stack:
            for _ in range(1 + len(by()) % 2):
                owner(stack.enter_context(one.websocket(context=held)))
            seen = len(by())
            with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME|CERTIFICATE_REVOKED"):
                with one.connect(**kwargs) as peer:
                    peer.send(peer.request_bytes())
                    peer.response()
            wait_for(lambda: len(by()) > seen, "the log says why")
        return set(by()[before:]) == {"1", "2"}

    before = len(by())
    wait_for(come, "both workers have refused it")


def test_all_refuse_who_was_revoked_and_who_asks_for_another_name(secure, tmp_path):
    """From the start, after SIGHUP, and in a worker that comes later."""
    ca, _ = make_certificate(tmp_path, "ca", "/CN=Test CA", None)
    good, bad = make_client(tmp_path, "good", "0x2"), make_client(tmp_path, "bad", "0x3")
    crl = make_crl(tmp_path, [])
    one = secure("--workers=2", "--strict-sni", "--sslca", ca, "--sslcrl", crl, *REPORT_PPID)
    good, bad = context_of(one, client=good), context_of(one, client=bad)
    on_both(one, good)
    on_both(one, bad)
    stranger = context_of(one)
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    unnamed = {"context": stranger, "server_name": "unknown.example"}
    refused_by_both(one, good, "no certificate for the server name unknown.example", **unnamed)

    make_crl(tmp_path, ["03"])
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("info server SIGHUP: certificates reloaded worker=", count=2)
    refused_by_both(one, good, "certificate verify failed: certificate revoked", context=bad)
    victim = one.workers()[0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in (one.workers() or [victim]), "there is a new worker")
    on_both(one, good)
    refused_by_both(one, good, "certificate verify failed: certificate revoked", context=bad)
    refused_by_both(one, good, "no certificate for the server name unknown.example", **unnamed)
