# SPDX-License-Identifier: BSD-2-Clause
"""Processes that can't be ended, and those that are nobody's: which are killed, and which are not."""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest
from conftest import WSPIPE, children, plain_only, tagged, wait_for
from probes import is_alive, read_file
from test_lifecycle import can_unshare, pids
from wsraw import DEADLINE, TEXT, frame

pytestmark = plain_only  # only the processes matter

both = pytest.mark.parametrize("workers", (1, 2))
PR_SET_CHILD_SUBREAPER = 36


def echo(ws, text="hello"):
    ws.send(frame(TEXT, text))
    assert ws.text() == text


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


# A program of another user

BECOME_ROOT = """
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char byte;

	if (setresgid(0, 0, 0) == -1 || setresuid(0, 0, 0) == -1)
		return 1;
	if (argc > 1 && fork() != 0)
		return 0;
	printf("%d\\n", (int)getpid());
	fflush(stdout);
	fclose(stdout);
	while (argc == 1 && read(0, &byte, 1) == 1)
		continue;
	for (;;)
		pause();
}
"""


@pytest.fixture
def privileged():
    """A directory that everybody may enter, with this program, and one that becomes root's like sudo."""
    if os.getuid() != 0:
        pytest.skip("only root can make a set-user-ID program")
    if not shutil.which("gcc") or not shutil.which("setpriv"):
        pytest.skip("gcc or setpriv is missing")
    own = tempfile.mkdtemp()
    try:
        os.chmod(own, 0o755)
        if os.statvfs(own).f_flag & os.ST_NOSUID:
            pytest.skip("set-user-ID has no effect below " + own)
        shutil.copy(WSPIPE, own + "/wspipe")
        os.chmod(own + "/wspipe", 0o755)
        subprocess.run(("gcc", "-x", "c", "-", "-o", own + "/become"), input=BECOME_ROOT.encode(), check=True)
        os.chmod(own + "/become", 0o4755)
        yield own
    finally:
        shutil.rmtree(own)


NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")


@both
def test_a_program_that_cannot_be_signalled(server, privileged, workers):
    """Logged once with the cause; it keeps its slot; the server does not wait for it, and its exit status tells."""
    one = server(
        "--workers=%d" % workers, "--maxforks=1", privileged + "/become", wrapper=NOBODY, argv0=privileged + "/wspipe"
    )
    with one.websocket() as ws:
        pid = int(ws.text())
        assert ws.closed() == (1011, "the program can't be terminated")
    try:
        one.wait_log(r" error server can't signal process %d: it runs as another user \(uid 0\)" % pid)
        with one.connect() as peer:
            peer.send(peer.request_bytes())
            assert peer.response()[0] == 429
        begun = time.monotonic()
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(DEADLINE) == 77
        one.stopped = True
        assert time.monotonic() - begun < 10
        assert is_alive(pid)
        assert len(re.findall("can't signal process", one.log())) == 1
        assert "SIGKILL" not in one.log()
        assert re.search(" error server 1 program is left running", one.log())
        one.check_log()
    finally:
        kill(pid)


@both
def test_a_process_of_a_group_that_cannot_be_signalled(server, privileged, workers):
    """The program has exited; what it left behind is reported, and nothing waits for it."""
    one = server(
        "--workers=%d" % workers, privileged + "/become", "fork", wrapper=NOBODY, argv0=privileged + "/wspipe"
    )
    with one.websocket() as ws:
        pid = int(ws.text())
        try:
            assert ws.closed() == (1000, "exit 0")
            one.wait_log(
                r" error server process \d+ has exited, but a process of its group can't be signalled: it runs as another user"
            )
            one.process.send_signal(signal.SIGTERM)
            assert one.process.wait(DEADLINE) == 77
            one.stopped = True
            assert is_alive(pid)
        finally:
            kill(pid)


def test_a_worker_that_dies_leaves_what_cannot_be_killed(server, privileged):
    one = server("--workers=2", privileged + "/become", wrapper=NOBODY, argv0=privileged + "/wspipe")
    with one.websocket() as ws:
        pid = int(ws.text())
        try:
            (worker,) = (owner for owner in one.workers() if pid in dict(children(owner)))
            os.kill(worker, signal.SIGKILL)
            one.wait_log(r" error server can't kill 1 process of a worker that died: it runs as another user\n")
            wait_for(one.workers, "there is a new worker")
            with one.websocket() as other:
                kill(int(other.text()))
            one.process.send_signal(signal.SIGTERM)
            assert one.process.wait(DEADLINE) == 77
            one.stopped = True
            assert is_alive(pid)
        finally:
            kill(pid)


# A worker that dies, and processes that are nobody's


def become_subreaper():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


# Leaves an orphan before the server starts, and another one when it is asked to.
HELPER = (
    "(env -u WSPIPE_TEST_TAG sh -c 'echo $$ >>unrelated; exec sleep 1000' &)\n"
    "env -u WSPIPE_TEST_TAG sh -c 'until test -e go; do sleep 0.02; done\n"
    "  (sh -c \"echo \\$\\$ >>unrelated; exec sleep 1000\" &)' &\n"
    'exec "$@"'
)


@pytest.mark.parametrize("how", ("process 1", "subreaper", "child"))
def test_orphans_of_others_survive_a_worker(server, tmp_path, how):
    """They come to process 1, to a subreaper, and to a shell that became the server, and are no worker's."""
    wrapper = ("sh", "-c", HELPER, "sh")
    if how == "process 1":
        if not can_unshare():
            pytest.skip("no right to make a PID namespace")
        wrapper = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child") + wrapper
    program = ("sh", "-c", "echo up; sleep 1000 & (sleep 1000 &); exec cat")
    one = server(
        "--workers=2", *program, wrapper=wrapper, ready=False, preexec=become_subreaper if how == "subreaper" else None
    )
    one.addresses = wait_for(one._addresses, "the server listens")
    parent = one.pid
    if how == "process 1":
        ((parent, _),) = children(one.pid)

    def workers():
        found = [pid for pid, _ in children(parent) if one._takes_signals(pid) and one._is_ours(pid)]
        return len(found) == 2 and found

    def programs():
        return [pid for pid, command in tagged(one.tag) if re.match("cat|sleep", command)]

    def same(pid):
        with contextlib.suppress(OSError):
            return os.readlink("/proc/%d/exe" % pid) == os.readlink("/proc/%d/exe" % parent)
        return False

    one._is_ours = same
    (tmp_path / "go").touch()
    pids(tmp_path / "unrelated", 2)

    def orphans():
        found = [pid for pid, command in all_processes() if command == "sleep 1000 " and ppid(pid) == parent]
        # The first one has gone to process 1 where nobody was a subreaper at that time.
        return len(found) == (1 if how == "child" else 2) and found

    unrelated = wait_for(orphans, "they have come to the server")
    try:
        for _ in range(2):
            victims = wait_for(workers, "both workers serve")
            peers = [one.websocket() for _ in range(6)]
            for ws in peers:
                assert ws.text() == "up"
            wait_for(lambda: len(programs()) == 18, "all of them run")
            for pid in victims:
                os.kill(pid, signal.SIGKILL)
            wait_for(lambda: not programs(), lambda: "the programs are gone: %s" % tagged(one.tag))
            for ws in peers:
                ws.close()
            wait_for(lambda: not set(victims) & set(workers() or victims), "there are new workers")
        assert all(is_alive(pid) for pid in unrelated)
        # When they end they are reaped.
        for pid in unrelated:
            os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not set(unrelated) & {pid for pid, _ in children(parent)}, "no zombie is left")
        os.kill(parent, signal.SIGTERM)
        assert one.process.wait(DEADLINE) == 0
        one.stopped = True
    finally:
        for pid in read_file(tmp_path / "unrelated").split() if how != "process 1" else unrelated:
            kill(int(pid))


def all_processes():
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open("/proc/%s/cmdline" % name, "rb") as f:
            yield int(name), f.read().replace(b"\0", b" ").decode(errors="replace")


def ppid(pid):
    with contextlib.suppress(OSError), open("/proc/%d/stat" % pid) as f:
        return int(f.read().rsplit(")", 1)[1].split()[1])
    return 0


def replaced(one, pid):
    wait_for(lambda: pid not in (one.workers() or [pid]), "the worker is replaced")


def test_what_left_an_ended_session_survives_another_worker(server, tmp_path):
    """Its worker ended well and let it be; the death of another one is no reason to kill it."""
    script = "setsid sh -c 'echo $$ >left; exec sleep 1000' >/dev/null 2>&1 </dev/null & until test -s left; do sleep 0.01; done; echo $PPID"
    one = server("--workers=2", "sh", "-c", script)
    with one.websocket() as ws:
        worker = int(ws.text())
        assert ws.closed() == (1000, "exit 0")
    (left,) = pids(tmp_path / "left", 1)
    try:
        (other,) = set(one.workers()) - {worker}
        os.kill(worker, signal.SIGTERM)
        replaced(one, worker)
        assert ppid(left) == one.pid
        os.kill(other, signal.SIGKILL)
        replaced(one, other)
        one.wait_log("was killed by SIGKILL")
        assert is_alive(left)
    finally:
        kill(left)
    wait_for(lambda: left not in dict(children(one.pid)), "it is reaped")


# A worker that was stopped


@pytest.mark.parametrize("now", (False, True))
def test_a_stopped_worker_does_not_delay_the_end(server, now):
    one = server("--workers=2", "--closems=%d" % (3600000 if now else 0), "sh", "-c", "echo $PPID; cat; exec sleep 1000")
    peers = [one.websocket() for _ in range(6)]
    for ws in peers:
        assert int(ws.text()) in one.workers()
    for pid in one.workers():
        os.kill(pid, signal.SIGSTOP)
    begun = time.monotonic()
    one.process.send_signal(signal.SIGTERM)
    for ws in peers:
        assert ws.closed() == (1001, "the server is shutting down")
        ws.close()
    if now:
        for pid in one.workers():
            os.kill(pid, signal.SIGSTOP)
        one.stop_now()
    else:
        one.stopped = True
        assert one.process.wait(DEADLINE) == 0
    assert time.monotonic() - begun < 15
    wait_for(lambda: not tagged(one.tag), "nothing survives the server")  # killed, the system may still be at it
