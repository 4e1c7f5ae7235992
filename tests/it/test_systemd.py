# SPDX-License-Identifier: BSD-2-Clause
"""Under a service manager: notifications, the watchdog, sockets that it opened, and the units."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest
from conftest import HERE, TLS, WSPIPE, plain_only, wait_for
from wsraw import DEADLINE, TEXT, Peer, close_frame, frame

both = pytest.mark.parametrize("workers", (1, 2))


class Manager:
    """The socket of a service manager."""

    def __init__(self, path, abstract):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.name = "@wspipe-test-%d-%x" % (os.getpid(), time.monotonic_ns()) if abstract else str(path)
        self.sock.bind("\0" + self.name[1:] if abstract else self.name)
        self.sock.settimeout(DEADLINE)

    def next(self):
        """The next message, a dict, other than a sign of life."""
        while True:
            message = dict(line.split("=", 1) for line in self.sock.recv(4096).decode().split("\n"))
            if message != {"WATCHDOG": "1"}:
                return message

    def signs(self):
        """How many signs of life have come since the last call."""
        count = 0
        self.sock.setblocking(False)
        try:
            while True:
                count += self.sock.recv(4096) == b"WATCHDOG=1"
        except BlockingIOError:
            return count
        finally:
            self.sock.settimeout(DEADLINE)


@pytest.fixture
def manager(tmp_path):
    managers = []

    def make(abstract=False):
        managers.append(Manager(tmp_path / "notify", abstract))
        return managers[-1]

    yield make
    for one in managers:
        one.sock.close()


def echo(ws, text="hello"):
    ws.send(frame(TEXT, text))
    assert ws.text() == text


# Notifications


@both
@pytest.mark.parametrize("abstract", (False, True), ids=["path", "abstract"])
def test_states_are_notified(server, manager, workers, abstract):
    boss = manager(abstract)
    one = server("--workers=%d" % workers, "cat", env={"NOTIFY_SOCKET": boss.name})
    assert boss.next() == {"READY": "1", "STATUS": "serving 1 endpoint"}
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    one.process.send_signal(signal.SIGHUP)
    reloading = boss.next()
    assert before <= int(reloading.pop("MONOTONIC_USEC")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert reloading == {"RELOADING": "1", "STATUS": "reloading"}
    assert boss.next() == {"READY": "1", "STATUS": "serving 1 endpoint"}
    with one.websocket() as ws:
        echo(ws)
        one.process.send_signal(signal.SIGTERM)
        assert boss.next() == {"STOPPING": "1", "STATUS": "waiting for 1 session to end"}
        assert ws.closed()[0] == 1001
    one.stop()
    boss.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        boss.sock.recv(1)


@both
@plain_only
def test_ready_means_that_it_serves(server, manager, workers):
    """Of several workers all do, and no signal ends them."""
    boss = manager()
    one = server("--workers=%d" % workers, "--unixsocket=s", "cat", env={"NOTIFY_SOCKET": boss.name}, ready=False)
    assert boss.next()["READY"] == "1"
    assert workers == 1 or one.workers()
    with Peer(os.path.join(os.path.dirname(one.log_path), "s")) as peer:
        peer.upgrade()
        echo(peer)
        peer.send(close_frame(1000))
        assert peer.closed()[0] == 1000
    one.stop()


def test_a_failed_reload_is_over_as_well(server, manager, tmp_path):
    boss = manager()
    (tmp_path / "c").write_text("[/]\ncommand = cat\n")
    one = server("--config=c", env={"NOTIFY_SOCKET": boss.name})
    assert boss.next()["READY"] == "1"
    (tmp_path / "c").write_text("foo = 1\n")
    one.process.send_signal(signal.SIGHUP)
    assert boss.next()["RELOADING"] == "1"
    assert boss.next()["READY"] == "1"
    assert "the old configuration stays in use" in one.log()


@both
def test_the_watchdog_gets_keep_alives(server, manager, workers):
    """From the event loop: none while a process of the server stands still."""
    boss = manager()
    one = server("--workers=%d" % workers, "cat", env={"NOTIFY_SOCKET": boss.name, "WATCHDOG_USEC": "400000"})
    assert boss.next()["READY"] == "1"
    for _ in range(4):
        assert boss.sock.recv(100) == b"WATCHDOG=1"
    if workers > 1:
        still = one.workers()[0]
        os.kill(still, signal.SIGSTOP)
        boss.sock.settimeout(1.5)
        with pytest.raises(socket.timeout):
            while True:
                boss.sock.recv(100)
        boss.sock.settimeout(DEADLINE)
        os.kill(still, signal.SIGCONT)
        assert boss.sock.recv(100) == b"WATCHDOG=1"


@plain_only
def test_the_watchdog_of_another_process(server, manager):
    boss = manager()
    server("cat", env={"NOTIFY_SOCKET": boss.name, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"})
    assert boss.next()["READY"] == "1"
    assert boss.signs() == 0


@plain_only
@pytest.mark.parametrize("name", ("/nonexistent/notify", "relative", "@" + "x" * 200, "vsock:1:2"))
def test_a_notification_socket_that_does_not_exist(server, name):
    one = server("cat", env={"NOTIFY_SOCKET": name})
    one.wait_log(" warn server can't notify the service manager at NOTIFY_SOCKET=%s: " % re.escape(name))
    with one.websocket() as ws:
        echo(ws)


# The journal


@plain_only
@pytest.mark.parametrize("args, status", ((["--prot=1", "cat"], 64), (["--port=1", "--address=192.0.2.1", "cat"], 71)), ids=["options", "start"])
def test_errors_at_the_start_have_a_priority(tmp_path, args, status):
    with open(tmp_path / "journal", "w+") as journal:
        st = os.fstat(journal.fileno())
        env = dict(os.environ, JOURNAL_STREAM="%d:%d" % (st.st_dev, st.st_ino))
        assert subprocess.run([WSPIPE, *args], stderr=journal, env=env, timeout=DEADLINE, check=False).returncode == status
        journal.seek(0)
        assert re.fullmatch(r"<3>wspipe: .*\n", journal.read())
        env["JOURNAL_STREAM"] = "1:1"
        done = subprocess.run([WSPIPE, *args], stderr=subprocess.PIPE, env=env, timeout=DEADLINE, check=False, text=True)
        assert re.fullmatch(r"wspipe: .*\n", done.stderr)


@both
@plain_only
def test_lines_for_the_journal_have_a_priority(server, tmp_path, workers):
    """The log of a server, whose standard error is a file that stands for the journal."""
    path = tmp_path / "journal"
    path.touch()
    st = os.stat(path)

    def prepare():
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), 2)

    one = server("--workers=%d" % workers, "sh", "-c", "echo oops >&2", preexec=prepare, ready=False, env={"JOURNAL_STREAM": "%d:%d" % (st.st_dev, st.st_ino)})
    one.log_path = str(path)
    one.addresses = wait_for(one._addresses, "it listens")
    with one.websocket() as ws:
        ws.closed()
    one.wait_log(r"<3>\S+ error stderr #1 oops")
    one.wait_log(r"<6>\S+ access session #1 close ")
    one.stop()
    assert all(re.match("<[0-7]>20", line) for line in one.log().splitlines())


# Sockets


def activated(server, workers, sockets, *args, **kwargs):
    wrapper = [sys.executable, os.path.join(HERE, "activate.py"), *sockets, "--"]
    return server("--workers=%d" % workers, *args, "cat", wrapper=wrapper, **kwargs)


@both
def test_sockets_of_the_service_manager_replace_the_options(server, workers, tmp_path):
    path = str(tmp_path / "s")
    args = ("--port=1", "--address=192.0.2.1", "--redirport=2", "--unixsocket=/nonexistent/s")
    one = activated(server, workers, ["web=0", "unix=" + path], *args)
    assert " info server listening on 2 sockets passed by the service manager, not on those of the options" in one.log()
    with one.websocket() as ws:
        echo(ws)
    with Peer(path, context=one.context) as peer:
        peer.upgrade()
        echo(peer)
    # They are another program's: the file stays.
    one.check_clean()
    one.stop()
    assert os.path.exists(path)


@both
def test_a_socket_called_redirect(server, workers, tmp_path):
    path = str(tmp_path / "r")
    one = activated(server, workers, ["redirect=" + path, "x=0"])
    with Peer(path) as peer:
        peer.send(peer.request_bytes("/p", {"Host": "localhost", "Connection": "close"}, upgrade=False))
        wanted = "%s://localhost:%d/p" % ("https" if one.context else "http", one.addresses[0][1])
        assert dict(peer.answer()[1]).get("location") == wanted


@both
def test_a_reload_keeps_the_sockets(server, workers, tmp_path):
    config = tmp_path / "c"
    config.write_text("[/]\ncommand = cat\n")
    wrapper = [sys.executable, os.path.join(HERE, "activate.py"), "x=0", "--"]
    one = server("--config=c", "--workers=%d" % workers, wrapper=wrapper)
    config.write_text("port = 1\n[/]\ncommand = cat -n\n")
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("SIGHUP: configuration reloaded")

    def is_new():
        with one.websocket() as ws:
            ws.send(frame(TEXT, "x"))
            return ws.text() == "     1\tx"

    for _ in range(4):
        wait_for(is_new, "the new program runs")


@plain_only
@pytest.mark.parametrize(
    "sockets, error",
    [
        (["x=udp"], "descriptor 3, passed by the service manager, is not a TCP or Unix stream socket; name it in ListenStream="),
        (["redirect=0"], "all sockets are called redirect"),
    ],
)
def test_sockets_that_cannot_be_used(tmp_path, sockets, error):
    done = subprocess.run(
        [sys.executable, os.path.join(HERE, "activate.py"), *sockets, "--", WSPIPE, "cat"],
        stderr=subprocess.PIPE, text=True, timeout=DEADLINE,
    )
    assert done.returncode == 78
    assert error in done.stderr


@plain_only
def test_sockets_for_another_process(server):
    """A program that inherited the variables without being meant."""
    one = server("cat", env={"LISTEN_PID": "1", "LISTEN_FDS": "3"})
    with one.websocket() as ws:
        echo(ws)


@plain_only
def test_systemd_socket_activate(server, tmp_path):
    """The real protocol; a client connects before the server runs."""
    path = str(tmp_path / "s")
    wrapper = ["systemd-socket-activate", "--listen=" + path, "--fdname=x"]
    one = server("--passenv=PATH,LISTEN_FDS,LISTEN_PID,LISTEN_FDNAMES,WSPIPE_TEST_TAG", "cat", wrapper=wrapper, ready=False)

    def connected():
        try:
            return Peer(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return None

    with wait_for(connected, "it listens") as peer:
        peer.upgrade()
        echo(peer)
        one.wait_log("listening on 1 socket passed by the service manager")
        peer.send(close_frame(1000))
        assert peer.closed()[0] == 1000
    one.stop()


# Units

UNITS = ("wspipe.service", "wspipe@.service", "wspipe.socket")


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """The units as `make install` writes them, with the program of this build."""
    directory = tmp_path_factory.mktemp("units")
    for name in UNITS:
        with open(os.path.join(os.environ["top_srcdir"], "systemd", name + ".in")) as f:
            text = f.read().replace("@bindir@/wspipe", os.path.abspath(WSPIPE)).replace("@sysconfdir@", "/etc")
        (directory / name).write_text(text)
    return directory


def needs(program):
    if not shutil.which(program):
        pytest.skip("the program %s is missing: install systemd" % program)


@plain_only
@pytest.mark.parametrize("unit", UNITS)
def test_units_are_valid(units, unit):
    needs("systemd-analyze")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit.replace("@", "@chat")], cwd=units,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEADLINE, env=dict(os.environ, SYSTEMD_UNIT_PATH="%s:" % units),
    )
    assert (done.returncode, done.stdout) == (0, "")


@plain_only
@pytest.mark.parametrize("unit", [name for name in UNITS if name.endswith(".service")])
def test_units_expose_little(units, unit):
    needs("systemd-analyze")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", str(units / unit.replace("@", "@chat"))]
        if "@" not in unit else
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", unit],
        cwd=units, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEADLINE,
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+) ", done.stdout)
    assert found and float(found.group(1)) <= 3.0, done.stdout
    assert done.returncode == 0
