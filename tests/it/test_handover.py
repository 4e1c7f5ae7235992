# SPDX-License-Identifier: BSD-2-Clause
"""SIGUSR2: a new binary takes the sockets over, or the old one goes on."""

import ctypes
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import HERE, WSPIPE, listening_addresses, plain_only, wait_for
from probes import Clock, is_alive, unsanitized
from redis import Redis
from test_bus import CHAT, say
from test_bus_workers import settle, spread
from test_systemd import Manager
from wsraw import DEADLINE, TEXT, Peer, close_frame, frame, free_port

both = pytest.mark.parametrize("workers", (1, 2))
PR_SET_CHILD_SUBREAPER = 36
PTRACE_SEIZE = 0x4206


@pytest.fixture(autouse=True)
def adopts():
    """A new server comes to us when the old one is gone, so that its status can be had."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    yield
    prctl(PR_SET_CHILD_SUBREAPER, 0)


class Adopted:
    """As far as conftest needs subprocess.Popen."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None

    def poll(self):
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # the old server is still its parent
                return None
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout=None):
        end = time.monotonic() + (timeout or DEADLINE)
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("adopted", timeout)
            time.sleep(0.005)
        return self.returncode

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


@pytest.fixture
def program(tmp_path):
    """A binary that can be replaced."""
    path = tmp_path / "bin" / "wspipe"
    path.parent.mkdir()
    install(path)
    return str(path)


def install(path):
    """As a package manager does it."""
    shutil.copy(WSPIPE, str(path) + ".new")
    os.rename(str(path) + ".new", path)


def install_script(path, text):
    os.unlink(path)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o755)


def hand_over(one):
    """Sends the signal, and makes ONE the new server; returns the process of the old one."""
    count = len(re.findall("is now serving", one.log()))
    one.process.send_signal(signal.SIGUSR2)
    pid = int(one.wait_log(r"SIGUSR2: process (\d+) is now serving", count + 1).group(1))
    old, one.process, one.pid = one.process, Adopted(pid), pid
    return old


def echo(ws, text="hello"):
    ws.send(frame(TEXT, text))
    assert ws.text() == text


def end(ws):
    ws.send(close_frame(1000))
    assert ws.closed()[0] == 1000
    ws.close()


def session(one, **kwargs):
    with one.websocket(**kwargs) as ws:
        echo(ws)
        end(ws)


@both
def test_a_new_binary_takes_over(server, program, workers):
    one = server("--workers=%d" % workers, "cat", program=program)
    before = set(listening_addresses(one.pid))
    with one.websocket() as old_session:
        echo(old_session)
        install(program)
        old = hand_over(one)
        assert os.path.samefile("/proc/%d/exe" % one.pid, program)
        assert not os.path.samefile("/proc/%d/exe" % old.pid, program)
        wait_for(lambda: not listening_addresses(old.pid), "the old server listens no more")
        for _ in range(4):
            session(one)
        echo(old_session)
        assert old.poll() is None
        end(old_session)
    assert old.wait(DEADLINE) == 0
    assert set(listening_addresses(one.pid)) == before
    # The new one is in the state of one that was started: its descriptors are checked at the end.
    second = hand_over(one)
    assert second.wait(DEADLINE) == 0
    session(one)


@both
@plain_only
@pytest.mark.parametrize("what", ("missing", "not executable", "exits", "killed", "another configuration", "no certificate"))
def test_a_new_binary_that_does_not_serve(server, program, tmp_path, workers, what):
    config = tmp_path / "c"
    config.write_text("[/]\ncommand = cat\n")
    one = server("--config=%s" % config, "--workers=%d" % workers, "--unixsocket=%s" % (tmp_path / "s"), "--port=0", program=program)
    if what == "another configuration":
        config.write_text("foo = 1\n")
    elif what == "no certificate":  # which is read after it listens
        config.write_text("ssl = true\nsslcert = /nonexistent\nsslkey = /nonexistent\n[/]\ncommand = cat\n")
    else:
        os.unlink(program)
    if what in ("exits", "killed"):
        with open(program, "w") as f:
            f.write("#!/bin/sh\n%s\n" % ("exit 3" if what == "exits" else "kill -SEGV $$"))
    if what in ("not executable", "exits", "killed"):
        os.chmod(program, 0o755 if what != "not executable" else 0o600) if os.path.exists(program) else open(program, "w").close()
    with one.websocket() as ws:
        one.process.send_signal(signal.SIGUSR2)
        one.wait_log(
            r" error server SIGUSR2: %s; this server keeps serving"
            % {
                "missing": "can't start %s: No such file or directory" % re.escape(program),
                "not executable": "can't start %s: Permission denied" % re.escape(program),
                "exits": r"process \d+ exited with status 3 before it served",
                "killed": r"process \d+ was killed by SIGSEGV before it served",
                "another configuration": r"process \d+ exited with status 78 before it served",
                "no certificate": r"process \d+ exited with status 78 before it served",
            }[what]
        )
        echo(ws)
        end(ws)
    session(one)
    with Peer(str(tmp_path / "s")) as peer:
        peer.upgrade()
        end(peer)
    # Another attempt is possible.
    config.write_text("[/]\ncommand = cat\n")
    install(program)
    assert hand_over(one).wait(DEADLINE) == 0
    session(one)


@plain_only
@unsanitized
def test_a_new_binary_that_hangs(server, program, tmp_path):
    clock = Clock(tmp_path)
    one = server("cat", program=program, env=clock.env)
    install_script(program, "#!/bin/sh\nexec sleep 1000\n")
    one.process.send_signal(signal.SIGUSR2)
    one.wait_log("SIGUSR2: starting ")
    one.process.send_signal(signal.SIGUSR2)
    one.wait_log("SIGUSR2: a new server can't be started now")
    clock.put_forward(11)
    one.wait_log(r"SIGUSR2: process \d+ did not serve within 10 s and was killed; this server keeps serving")
    session(one)


@plain_only
@both
def test_a_new_binary_that_can_not_be_reaped_blocks_nothing(server, program, workers):
    """As one whose SIGKILL waits for a disk: here for a tracer, which its parent has to wait for."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    one = server("--workers=%d" % workers, "cat", program=program)
    script = "#!/usr/bin/python3\nimport os, time\nopen(%r).read()\nos.closerange(3, 1000)\ntime.sleep(1000)\n"
    install_script(program, script % (program + ".go"))
    os.mkfifo(program + ".go")
    one.process.send_signal(signal.SIGUSR2)
    pid = int(one.wait_log(r"SIGUSR2: starting .* as process (\d+)").group(1))
    with open(program + ".go", "w"):  # it runs
        seized = ptrace(PTRACE_SEIZE, pid, None, None)
    if seized == -1:
        pytest.skip("this system permits no tracing")
    wait_for(lambda: re.search(r"State:\s+Z", open("/proc/%d/status" % pid).read()), "it is dead")
    one.process.send_signal(signal.SIGUSR2)
    one.wait_log("SIGUSR2: a new server can't be started now")
    assert "before it served" not in one.log()
    session(one)
    os.waitpid(pid, 0)
    one.wait_log(r"SIGUSR2: process %d was killed by SIGKILL before it served; this server keeps serving" % pid)
    install(program)
    assert hand_over(one).wait(DEADLINE) == 0


@plain_only
@both
def test_a_shutdown_ends_a_new_binary_that_does_not_serve_yet(server, program, workers):
    one = server("--workers=%d" % workers, "cat", program=program)
    install_script(program, "#!/bin/sh\nexec sleep 1000\n")
    one.process.send_signal(signal.SIGUSR2)
    one.wait_log("SIGUSR2: starting ")
    one.stop()
    while True:  # what was adopted
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break


@plain_only
@pytest.mark.parametrize("value", ("", "0", "x:y", "1:o2", "99:o3:u4.5.6", "-1:::"))
def test_a_variable_that_no_server_has_set(server, value):
    one = server("cat", env={"WSPIPE_HANDOVER": value})
    session(one)


@both
def test_the_file_of_a_unix_socket_stays(server, program, tmp_path, workers):
    path = str(tmp_path / "s")
    one = server("--unixsocket=" + path, "--port=0", "--workers=%d" % workers, "cat", program=program)
    inode = os.stat(path).st_ino
    for _ in range(2):
        assert hand_over(one).wait(DEADLINE) == 0
        assert os.stat(path).st_ino == inode
        with Peer(path, context=one.context) as peer:
            peer.upgrade()
            echo(peer)
            end(peer)
    one.check_clean()
    one.stop()
    assert not os.path.exists(path)


@both
@plain_only
def test_a_new_configuration_comes_with_it(server, program, tmp_path, workers):
    """Addresses as with a reload: those that stay are not closed, others are opened or closed."""
    config, port, redirport = tmp_path / "c", free_port(), free_port()
    text = "address = 127.0.0.1\naddress = 127.0.0.%d\nunixsocket = %s\n[/]\ncommand = cat\n"
    config.write_text(text % (2, tmp_path / "s"))
    one = server("--config=%s" % config, "--port=%d" % port, "--workers=%d" % workers, program=program)
    config.write_text("redirport = %d\n" % redirport + text % (3, tmp_path / "t"))
    assert hand_over(one).wait(DEADLINE) == 0
    wanted = {("127.0.0.%d" % i, p) for i in (1, 3) for p in (port, redirport)}
    assert set(listening_addresses(one.pid)) == wanted
    assert os.path.exists(tmp_path / "t") and not os.path.exists(tmp_path / "s")
    assert hand_over(one).wait(DEADLINE) == 0
    assert set(listening_addresses(one.pid)) == wanted
    with Peer(("127.0.0.1", redirport)) as peer:
        peer.send(peer.request_bytes("/p", {"Host": "localhost", "Connection": "close"}, upgrade=False))
        assert dict(peer.answer()[1]).get("location") == "http://localhost:%d/p" % port
    one.addresses = [("127.0.0.1", port)]
    session(one)
    # As many descriptors as a server that was started with this configuration.
    one.check_clean = lambda: None


@both
def test_sockets_of_a_service_manager_are_handed_over(server, program, workers, tmp_path):
    path = str(tmp_path / "r")
    wrapper = [sys.executable, os.path.join(HERE, "activate.py"), "x=0", "redirect=" + path, "--"]
    one = server("--workers=%d" % workers, "cat", program=program, wrapper=wrapper)
    for _ in range(2):
        assert hand_over(one).wait(DEADLINE) == 0
        session(one)
        with Peer(path) as peer:
            peer.send(peer.request_bytes("/p", {"Host": "localhost", "Connection": "close"}, upgrade=False))
            assert peer.answer()[0] in (301, 308)


@both
def test_the_service_manager_is_notified_of_the_main_process(server, program, tmp_path, workers):
    boss = Manager(tmp_path / "notify", False)
    env = {"NOTIFY_SOCKET": boss.name, "WATCHDOG_USEC": "60000000"}
    one = server("--workers=%d" % workers, "cat", program=program, env=env)
    assert boss.next()["READY"] == "1"
    old = hand_over(one)
    assert boss.next() == {"MAINPID": str(one.pid), "STATUS": "upgrading"}
    assert boss.next() == {"READY": "1", "STATUS": "serving 1 endpoint"}
    assert old.wait(DEADLINE) == 0
    one.process.send_signal(signal.SIGTERM)
    # Of the old one there is nothing.
    assert boss.next()["STOPPING"] == "1"
    one.stop()
    boss.sock.close()


@both
@plain_only
@pytest.mark.parametrize("kind", ("tcp", "unix"))
def test_the_new_server_alone_answers_at_admin(server, program, tmp_path, workers, kind):
    path = str(tmp_path / "a")
    one = server("--admin=" + ("127.0.0.1:0" if kind == "tcp" else "unix:" + path), "--workers=%d" % workers, "cat", program=program)
    address = path
    if kind == "tcp":
        address = ("127.0.0.1", int(one.wait_log(r"administration on \S+?:(\d+)/").group(1)))

    def is_ready():
        with Peer(address) as peer:
            peer.send(peer.request_bytes("/-/ready", {"Host": "localhost", "Connection": "close"}, upgrade=False))
            return peer.answer()[0] == 200

    with one.websocket() as ws:
        echo(ws)
        old = []
        for _ in range(2):
            old.append(hand_over(one))
            wait_for(is_ready, "the new one answers")
            for _ in range(8):
                assert is_ready()
        end(ws)
    wait_for(lambda: not any(is_alive(process.pid) for process in old), "the old servers are gone")


@both
@plain_only
def test_the_state_of_the_start_is_kept(server, program, workers):
    """The limit of open files and the signals that a shell ignores are those of the user, for the programs, too."""
    import resource

    def prepare():
        resource.setrlimit(resource.RLIMIT_NOFILE, (500, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGQUIT, signal.SIG_IGN)

    one = server("--workers=%d" % workers, "sh", "-c", "ulimit -Sn; cat", program=program, preexec=prepare)
    for _ in range(2):
        assert hand_over(one).wait(DEADLINE) == 0
        for number in (signal.SIGINT, signal.SIGQUIT):
            one.process.send_signal(number)
        with one.websocket() as ws:
            assert ws.text() == "500"
            end(ws)


@plain_only
@both
@pytest.mark.skipif(os.getuid() != 0, reason="only root can drop its privileges")
def test_a_server_that_dropped_its_privileges(server, open_place, workers):
    """It can reopen its log, and the new server has no more privileges than it."""
    logs = open_place / "logs"
    logs.mkdir()
    program = open_place / "wspipe"
    install(program)
    one = server("--user=nobody", "--log-file=%s" % (logs / "log"), "--workers=%d" % workers, "/bin/cat", program=str(program))
    one.process.send_signal(signal.SIGUSR1)
    one.wait_log("SIGUSR1: log reopened")
    assert hand_over(one).wait(DEADLINE) == 0
    with open("/proc/%d/status" % one.pid) as f:
        assert re.search(r"Uid:\t(\d+)", f.read()).group(1) == str(pwd.getpwnam("nobody").pw_uid)
    session(one)
    assert not one.errors()


@plain_only
@both
def test_no_connection_is_refused_or_reset(server, program, workers):
    """Five new binaries and ten reloads, while clients connect without a pause; no session is interrupted."""
    one = server("--workers=%d" % workers, "cat", program=program)
    address = one.addresses[0]
    sessions = [one.websocket() for _ in range(8)]
    stop = threading.Event()
    failures, counts = [], [0, 0]

    def connect(index):
        while not stop.is_set():
            try:
                with Peer(address) as ws:
                    ws.upgrade()
                    echo(ws, "x")
                    end(ws)
                counts[index] += 1
            except Exception as error:  # whatever it is, it is a lost connection
                failures.append(repr(error))

    threads = [threading.Thread(target=connect, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    old = []
    try:
        for _ in range(5):
            for _ in range(2):
                before = sum(counts)
                one.process.send_signal(signal.SIGHUP)
                wait_for(lambda: sum(counts) > before + 5 or failures, "clients go on")
            old.append(hand_over(one))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    for ws in sessions:
        echo(ws, "still")
        end(ws)
    # Each is a child of the one before it, which may reap it.
    wait_for(lambda: not any(is_alive(process.pid) for process in old), "the old servers are gone")
    assert old[0].wait(DEADLINE) == 0


@plain_only
def test_a_storm_of_reloads_and_new_binaries():
    """The measurement of bench/storm, in short."""
    storm = os.path.join(os.environ["top_srcdir"], "bench", "storm")
    args = ["--program=" + os.path.abspath(WSPIPE), "--seconds=5", "--rate=300", "--clients=1", "--hups=8", "--upgrades=2", "--workers=2"]
    done = subprocess.run([sys.executable, storm, *args], capture_output=True, text=True, timeout=3 * DEADLINE)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout)
    assert figures["connects"] == figures["answered"] == 1500
    assert (figures["reloads"], figures["reloads_of_a_bad_file"], figures["upgrades"]) == (8, 2, 2)
    assert (figures["refused"], figures["reset"], figures["sessions_dropped"]) == (0, 0, 0)


@plain_only
def test_the_workers_of_both_servers_are_on_the_bus(server, script, tmp_path):
    redis = Redis(tmp_path)
    try:
        one = server("--admin=127.0.0.1:0", "--bus=" + redis.url(), "--workers=2", "--shared", "--history=5", script("chat", CHAT))
        settle(one)
        old = spread(one)
        say(old[1], "old")
        assert {ws.text() for ws in old.values()} == {"old"}
        before = hand_over(one)
        settle(one)
        new = spread(one)
        assert {ws.text() for ws in new.values()} == {"old"}
        for own in (old, new):
            say(own[2], "both")
            assert {ws.text() for each in (old, new) for ws in each.values()} == {"both"}
        for ws in [*old.values(), *new.values()]:
            end(ws)
        assert before.wait(DEADLINE) == 0
        one.stop()
    finally:
        redis.stop()
