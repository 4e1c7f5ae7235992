# SPDX-License-Identifier: BSD-2-Clause
"""--prespawn: programs that are started before clients need them."""

import json
import os
import signal
import subprocess
import time

import pytest
from conftest import WSPIPE, wait_for
from probes import Clock, unsanitized
from wsraw import DEADLINE, TEXT, frame

# Its first line is its process ID.
OWN_PID = ("sh", "-c", 'echo $$; while read -r x; do [ "$x" = end ] && exit 3; echo "$x"; done')
BLIND = "--prespawn-blind"


def parked(one):
    """The processes that have no client: of these servers, all that they have started."""
    return {pid for pid, _ in one.tagged()}


def settled(one, count, but=0):
    """The processes, once there are so many; a process that is being started has no environment for a moment."""

    def find():
        found = parked(one)
        return found if len(found) == count and but not in found else None

    return wait_for(find, lambda: "%d programs are parked: %s" % (count, one.tagged()))


@pytest.fixture
def ahead(server):
    """A server whose programs outlive their sessions' absence: at the end as many as COUNT are parked."""

    def start(count, *args, **kwargs):
        one = server("--prespawn=%d" % count, *args, **kwargs)
        baseline = one.fds + (0 if one.worker_count else 4 * count)

        def check():
            settled(one, count)
            if not one.worker_count:
                wait_for(lambda: len(os.listdir("/proc/%d/fd" % one.pid)) <= baseline, "no descriptor is left")

        one.check_clean = check
        check()
        return one

    return start


def test_parked_program_serves_one_client(ahead):
    """The oldest one, once; another takes its place."""
    one = ahead(2, BLIND, *OWN_PID)
    seen = set()
    for _ in range(6):
        ready = settled(one, 2)
        with one.websocket() as ws:
            pid = int(ws.text())
            assert pid in ready
            assert pid not in seen
            seen.add(pid)
            ws.send(frame(TEXT, "hello"))
            assert ws.text() == "hello"
            ws.send(frame(TEXT, "end"))
            assert ws.closed() == (4003, "exit 3")
    one.wait_log(r"session #6 close .* exit=3 ")


def test_more_clients_than_parked_programs(ahead):
    one = ahead(1, BLIND, *OWN_PID)
    clients = [one.websocket() for _ in range(5)]
    assert len({int(ws.text()) for ws in clients}) == 5
    for ws in clients:
        ws.close()


def test_client_is_described_by_an_event(ahead, script):
    """The environment does not know it, but is otherwise that of a program."""
    path = script("look", """#!/usr/bin/python3
import json, os, sys
print(json.dumps({"type": "text", "data": json.dumps(dict(os.environ))}), flush=True)
for line in sys.stdin:
    print(json.dumps({"type": "text", "data": line}), flush=True)
""")
    one = ahead(1, "--framing=json", "--events", "--event-headers=Cookie", "--passenv=PATH,WSPIPE_TEST_TAG", path)
    with one.websocket("/some/path?query=1", headers={"Cookie": "a=b", "Authorization": "Basic YTpi"}) as ws:
        environment = json.loads(ws.text())
        assert environment == {
            "SERVER_SOFTWARE": environment["SERVER_SOFTWARE"], "GATEWAY_INTERFACE": "CGI/1.1", "SCRIPT_NAME": "/", "PATH": os.environ["PATH"],
            "WSPIPE_TEST_TAG": one.tag, **{name: environment[name] for name in ("LC_CTYPE",) if name in environment},
        }
        event = json.loads(ws.text())
        assert (event["type"], event["id"], event["path"], event["query"]) == ("open", 1, "/some/path", "query=1")
        assert event["remote"].startswith("127.0.0.1:")
        assert event["headers"] == {"Cookie": "a=b"}


@pytest.mark.parametrize("args,reason", [
    (["--dir=."], "--prespawn needs a program as COMMAND, not --dir or a socket: give one, or leave out --prespawn"),
    ([BLIND, "tcp:127.0.0.1:9"], "--prespawn needs a program as COMMAND, not --dir or a socket: give one, or leave out --prespawn"),
    ([BLIND, "--pty", "cat"], "--prespawn and --pty can't be combined: the client sets the size of its terminal; leave out one of them"),
    ([BLIND, "--shared=broadcast", "cat"], "--prespawn and --shared can't be combined: all clients have one program"),
    (["cat"], "--prespawn starts programs before their clients are known: add --framing=json and --events, whose open event "
     "describes the client, or --prespawn-blind if the program does not need this"),
    (["--framing=json", "cat"], "--prespawn starts programs before their clients are known"),
])
def test_programs_that_can_not_be_started_ahead(args, reason):
    done = subprocess.run(
        [os.path.abspath(WSPIPE), "--port=0", "--prespawn=1", *args], capture_output=True, text=True, timeout=DEADLINE, check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 64
    assert done.stderr.startswith("wspipe: " + reason)


def status_of(one, path):
    peer = one.connect()
    peer.send(peer.request_bytes(path))
    return peer.response()[0], peer


def test_parked_programs_count_and_are_ended_for_others(server, tmp_path):
    config = tmp_path / "wspipe.conf"
    config.write_text("maxforks = 2\n[/ahead]\ncommand = cat\nprespawn = 5\nprespawn-blind = true\n[/other]\ncommand = cat\n")
    one = server("--config=%s" % config)
    one.check_clean = lambda: None

    def are_two():
        # A process has no environment at first.
        assert len(parked(one)) <= 2
        return len(parked(one)) == 2

    wait_for(are_two, "two are parked")
    peers = []

    def comes():
        """The killed one may take longer to die than a client waits."""
        status, peer = status_of(one, "/other")
        peers.append(peer) if status == 101 else peer.close()
        return status == 101

    for _ in range(2):
        wait_for(comes, "one gives way")
        wait_for(are_two, "one has given way")
        peers[-1].send(frame(TEXT, "hello"))
        assert peers[-1].text() == "hello"
    for path in ("/other", "/ahead"):
        status, peer = status_of(one, path)
        assert status == 429
        peer.close()
    # A slot that becomes free is used for one that is parked, which then serves a client.
    before = parked(one)
    peers.pop().close()
    wait_for(lambda: are_two() and parked(one) != before, "one is parked again")
    status, peer = status_of(one, "/ahead")
    assert status == 101
    for each in (peer, *peers):
        each.close()


def test_parked_programs_of_another_worker_are_ended(server, tmp_path):
    """The client that finds no slot makes room for the next one."""
    config = tmp_path / "wspipe.conf"
    config.write_text("maxforks = 2\n[/ahead]\ncommand = cat\nprespawn = 2\nprespawn-blind = true\n[/other]\ncommand = cat\n")
    one = server("--config=%s" % config, "--workers=2")
    one.check_clean = lambda: None
    settled(one, 2)
    peers = []

    def comes():
        status, peer = status_of(one, "/other")
        if status == 101:
            peers.append(peer)
        else:
            peer.close()
        return status == 101

    for _ in range(2):
        wait_for(comes, "a slot is free")
    assert status_of(one, "/other")[0] == 429
    for peer in peers:
        peer.close()


def test_clients_may_use_all_slots(ahead):
    one = ahead(3, BLIND, "--maxforks=3", *OWN_PID)
    clients = [one.websocket() for _ in range(3)]
    assert len({ws.text() for ws in clients}) == 3
    status, peer = status_of(one, "/")
    assert status == 429
    for each in (peer, *clients):
        each.close()


@unsanitized
def test_program_that_dies_is_replaced_later_each_time(ahead, tmp_path):
    clock = Clock(tmp_path)
    one = ahead(1, BLIND, "--pingms=0", *OWN_PID, env=clock.env)
    for wait in (1, 2, 4):
        victim = settled(one, 1).pop()
        begun = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        one.wait_log(r"sh, started by --prespawn, exited before a client connected \(signal 9\); starting another in %d s" % wait)
        assert not parked(one) or time.monotonic() - begun >= wait
        clock.put_forward(wait + 1)
        # Any event lets it look at the clock.
        with one.connect() as peer:
            peer.send(peer.request_bytes(upgrade=False))
            peer.answer()
    settled(one, 1)
    # A client is served in any case, and then the waits begin again.
    with one.websocket() as ws:
        used = int(ws.text())
    os.kill(settled(one, 1, used).pop(), signal.SIGKILL)
    one.wait_log("starting another in 1 s", 2)


def test_client_of_a_program_that_can_not_be_parked(server):
    """It exits at once; each client has its own all the same."""
    one = server("--prespawn=2", BLIND, "echo", "hello")
    one.check_clean = lambda: None
    one.wait_log(r"echo, started by --prespawn, exited before a client connected \(status 0\)")
    for _ in range(3):
        with one.websocket() as ws:
            assert ws.text() == "hello"
            assert ws.closed() == (1000, "exit 0")


def test_stderr_of_a_parked_program_is_logged(ahead):
    one = ahead(1, BLIND, "sh", "-c", "echo complaint >&2; exec cat")
    one.wait_log(r"error stderr complaint program=\S*sh")


def test_several_workers_share_them(ahead):
    one = ahead(3, BLIND, "--workers=2", *OWN_PID)
    ready = settled(one, 3)
    with one.websocket() as ws:
        assert int(ws.text()) in ready
    dead = one.workers()[0]
    os.kill(dead, signal.SIGKILL)
    wait_for(lambda: dead not in (one.workers() or [dead]), "the worker is replaced")


@pytest.mark.parametrize("workers", [1, 2])
def test_reload_replaces_them(server, tmp_path, workers):
    config = tmp_path / "wspipe.conf"
    text = "[/]\ncommand = sh -c 'echo %s; exec cat'\nprespawn = %d\nprespawn-blind = true\n"
    config.write_text(text % ("old", 2))
    one = server("--config=%s" % config, "--workers=%d" % workers)
    one.check_clean = lambda: None
    settled(one, 2)
    old = one.websocket()
    assert old.text() == "old"
    before = settled(one, 3)
    config.write_text(text % ("new", 1))
    one.process.send_signal(signal.SIGHUP)
    wait_for(lambda: [len(found) == 2 and len(found & before) == 1 for found in [parked(one)]][0], "one is parked beside the session")
    with one.websocket() as new:
        assert new.text() == "new"
    old.send(frame(TEXT, "still here"))
    assert old.text() == "still here"
    old.close()
    config.write_text("[/]\ncommand = cat\n")
    one.process.send_signal(signal.SIGHUP)
    wait_for(lambda: not parked(one), "none is parked")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
@pytest.mark.parametrize("workers", [1, 2])
def test_they_end_with_the_server(ahead, number, workers):
    """And are no sessions that it waits for."""
    one = ahead(4, BLIND, "--workers=%d" % workers, "cat")
    one.stop(number)
    assert "waiting for" not in one.log()


def test_they_are_killed_with_the_server(ahead):
    """Also when they ignore all signals that can be ignored."""
    one = ahead(2, BLIND, "sh", "-c", "trap '' INT TERM HUP; exec sleep 1000")
    one.stop()
