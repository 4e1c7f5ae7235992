# SPDX-License-Identifier: BSD-2-Clause
"""
The harness of the tests of the real binary.

`server` starts wspipe on a port of the system's choice and knows it by its own
log. After each test the harness checks: no text of a sanitizer, no zombie, no
process left that carries the test's tag, the server's descriptors as many as
at its start; then it ends the server by SIGTERM and expects status 0.

With WSPIPE_TEST_SCHEME=wss in the environment the server has --ssl, and the
clients speak TLS: the same tests, over the other transport.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import uuid

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from wsraw import DEADLINE, Peer, fd_count  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
WSPIPE = os.environ.get("WSPIPE") or os.path.join(os.environ["top_builddir"], "wspipe")
TAG = "WSPIPE_TEST_TAG"
TLS = os.environ.get("WSPIPE_TEST_SCHEME") == "wss"

# The scheme of the server's own pages, the other one, and the port that each has when none is spelled out.
SCHEME, OTHER_SCHEME = ("https", "http") if TLS else ("http", "https")
PORT, OTHER_PORT = ("443", "80") if TLS else ("80", "443")


def leave_out(condition, reason):
    """Marks a test that a run over TLS or with sanitizers leaves out: it is not collected. A test that this machine
    can't run is skipped instead, so that it is seen."""
    return pytest.mark.leave_out(condition, reason=reason)


# For a test that is about TCP itself or a part of the server that knows no transport, or about messages without TLS.
plain_only = leave_out(TLS, "it is about plain connections")


def make_certificate(directory, name, subject="/CN=localhost", names="DNS:localhost,IP:127.0.0.1,IP:::1", issuer=None, days=30):
    """Makes NAME.crt and NAME.key in the directory, signed by itself or by the files of another name; returns their paths."""
    if not shutil.which("openssl"):
        pytest.skip("the program openssl is missing: install openssl")
    base = os.path.join(str(directory), name)
    sign = ["-CA", os.path.join(str(directory), issuer + ".crt"), "-CAkey", os.path.join(str(directory), issuer + ".key")] if issuer else []
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), *sign]
        + ["-subj", subject, "-keyout", base + ".key", "-out", base + ".crt"]
        + (["-addext", "subjectAltName=" + names] if names else []),
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    os.chmod(base + ".key", 0o600)
    return base + ".crt", base + ".key"


def client_context(ca):
    """A client that trusts the certificates of a file. An end without close_notify is an error to it."""
    context = ssl.create_default_context(cafile=ca)
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    context.set_alpn_protocols(["http/1.1"])
    return context


def wait_for(condition, what, deadline=DEADLINE):
    """Waits until condition() is true and returns its value; fails by name after the deadline. WHAT: words, or a
    function that says how it is by then."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail("not within %g s: %s" % (deadline, what() if callable(what) else what))
        time.sleep(0.005)


def tagged(tag):
    """The processes that have the tag in their environment: [(pid, command line)]."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as f:
                if ("%s=%s" % (TAG, tag)).encode() not in f.read():
                    continue
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                found.append((int(pid), f.read().replace(b"\0", b" ").decode(errors="replace")))
        except OSError:
            continue
    return found


def open_files(pid):
    """What the descriptors of a process are, as far as they last long enough to be asked."""
    found = {}
    for fd in os.listdir("/proc/%d/fd" % pid):
        with contextlib.suppress(FileNotFoundError):
            found[int(fd)] = os.readlink("/proc/%d/fd/%s" % (pid, fd))
    return found


def children(pid):
    """The direct children of a process: [(pid, state)]."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name) as f:
                rest = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(rest[1]) == pid:
            found.append((int(name), rest[0]))
    return found


def age_order(pid):
    """A key that sorts processes by their start: the numbers of processes begin again at some point."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return int(f.read().rsplit(")", 1)[1].split()[19]), pid
    except OSError:
        return 0, pid


def rss_kib(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def logged_addresses(log):
    """The addresses of the startup lines, [(host, port)] for a client that resolves no names, and the paths of Unix sockets."""
    found = []
    for line in re.findall(r".*(?: serving |\"serving |Starting WebSocket server ).*", log):
        for host, port in re.findall(r"(?:wss?|https?)://([^\s/]+):(\d+)/", line):
            host = "127.0.0.1" if host in ("localhost", socket.gethostname()) else host.strip("[]")
            if (host, int(port)) not in found:
                found.append((host, int(port)))
        found += re.findall(r"(?:\+unix:|unix socket at )(/[^\s:]+)", line)
    return found


def listening_addresses(pid):
    """The addresses that a process listens on according to the system, [(host, port)]. Its table is no snapshot: a row may
    be missing, or come twice, while other sockets come and go."""
    seen, found = None, listening_rows(pid)
    while found != seen:
        seen, found = found, listening_rows(pid)
    return list(dict.fromkeys(found))


def listening_rows(pid):
    inodes = {name[8:-1] for name in open_files(pid).values() if name.startswith("socket:[")}
    found = []
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        with contextlib.suppress(FileNotFoundError), open("/proc/%d/net/%s" % (pid, table)) as f:
            for fields in map(str.split, f.read().splitlines()[1:]):
                if fields[3] == "0A" and fields[9] in inodes:
                    digits, port = fields[1].split(":")
                    words = [struct.pack("=I", int(digits[i : i + 8], 16)) for i in range(0, len(digits), 8)]
                    found.append((socket.inet_ntop(family, b"".join(words)), int(port, 16)))
    return found


class Server:
    """One running wspipe."""

    def __init__(
        self, directory, args, env=None, stdout=None, preexec=None, wrapper=(), ready=True, argv0=None, passenv=True,
        tls=None, program=WSPIPE
    ):
        self.tag = uuid.uuid4().hex
        self.log_path = os.path.join(str(directory), "server-%s.log" % self.tag[:8])
        environ = dict(os.environ, **(env or {}))
        environ[TAG] = self.tag
        passenv = ["--passenv=PATH,%s" % TAG] if passenv and not any("--passenv" in a for a in args) else []
        port = ["--port=0"] if not any(a.startswith(("--port", "--unixsocket=")) for a in args) else []
        # TLS: a certificate and its key.
        self.ca = tls[0] if tls else None
        self.context = client_context(self.ca) if tls else None
        secure = ["--ssl", "--sslcert=" + tls[0], "--sslkey=" + tls[1]] if tls else []
        self.args = [*wrapper, argv0 or program, *port, *passenv, *secure, *args]
        # With --log-file, standard error has only what can't be written there.
        self.error_path = self.log_path
        files = [a.partition("=")[2] for a in self.args if a.startswith("--log-file=")]
        with open(self.error_path, "wb") as log:
            self.process = subprocess.Popen(
                self.args,
                executable=None if wrapper else program,
                stdin=subprocess.DEVNULL,
                stdout=stdout if stdout is not None else log,
                stderr=log,
                env=environ,
                cwd=str(directory),
                preexec_fn=preexec,
            )
        if files:
            self.log_path = os.path.join(str(directory), files[-1])
        self.pid = self.process.pid
        self.stopped = False
        found = [int(a[10:]) for a in self.args if re.fullmatch(r"--workers=[0-9]+", a)]
        self.worker_count = found[-1] if found and found[-1] > 1 else 0
        if ready:
            self.addresses = wait_for(self._addresses, "the server listens:\n" + self.log())
            self.take_baseline()
            self.addresses = self._addresses()  # all of them have been announced by now

    @staticmethod
    def _status(pid, name):
        """A word of /proc/PID/status; "0" of a process that does not exist."""
        try:
            with open("/proc/%d/status" % pid) as f:
                return re.search(name + r":\s+(\w+)", f.read()).group(1)
        except OSError:
            return "0"

    def _takes_signals(self, pid=None):
        return int(self._status(pid or self.pid, "SigCgt"), 16) & (1 << (signal.SIGTERM - 1))

    def settle(self):
        """Waits until the server, and then each worker, waits for events: it has handled all that it was sent."""
        for pid in [self.pid, *(self.workers() or [])]:
            wait_for(lambda: self._status(pid, "State") == "S", "process %d waits for events" % pid)

    def take_baseline(self):
        """Counts the descriptors of a server that listens. While it starts it has others: the time zone, for its log."""
        # A parent has no handlers, it waits for its signals, and does so before it has workers.
        wait_for(self.workers if self.worker_count else self._takes_signals, "the server takes signals")
        self.settle()
        self.fds = fd_count(self.pid)
        if self.worker_count:
            self.worker_fds = fd_count(self.workers()[0])

    def waits(self):
        """Whether it sleeps: it does so for events only."""
        return self._status(self.pid, "State") == "S"

    def workers(self):
        """The pids of the workers, in their order of age, once all are there and serve."""
        found = sorted((pid for pid, _ in children(self.pid) if self._takes_signals(pid) and self._is_ours(pid)), key=age_order)
        return found if len(found) == self.worker_count else None

    def _is_ours(self, pid):
        """Whether it runs this program: a worker does, its programs don't."""
        try:
            return os.path.samefile("/proc/%d/exe" % pid, "/proc/%d/exe" % self.pid)
        except OSError:
            return False

    def _addresses(self):
        if self.process.poll() is not None:
            pytest.fail("the server exited with status %s:\n%s" % (self.process.returncode, self.log()))
        return logged_addresses(self.log())

    def log(self):
        """The whole lines; one that is being written may be seen in part."""
        try:
            with open(self.log_path, encoding="utf-8", errors="surrogateescape") as f:
                text = f.read()
        except FileNotFoundError:  # a --log-file
            return ""
        return text[: text.rfind("\n") + 1]

    def errors(self):
        """Standard error, without the log if it goes to a file."""
        with open(self.error_path, encoding="utf-8", errors="surrogateescape") as f:
            return f.read()

    def wait_log(self, pattern, count=1):
        """Waits until the log matches; returns the last match."""

        def find():
            found = list(re.finditer(pattern, self.log()))
            return found[-1] if len(found) >= count else None

        return wait_for(find, lambda: "the log says %r; it says:\n%s" % (pattern, self.log()))

    def json_log(self):
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def connect(self, **kwargs):
        return Peer(self.addresses[0], **dict({"context": self.context}, **kwargs))

    def websocket(self, path="/", headers=None, **kwargs):
        peer = self.connect(**kwargs)
        try:
            peer.upgrade(path, headers)
        except BaseException:
            peer.close()
            raise
        return peer

    def url(self, path="/"):
        host, port = self.addresses[0]
        scheme = "wss" if self.context else "ws"
        return "%s://%s:%d%s" % (scheme, "[%s]" % host if ":" in host else host, port, path)

    def tagged(self):
        return [p for p in tagged(self.tag) if p[0] != self.pid and not (self.worker_count and self._is_ours(p[0]))]

    def check_clean(self):
        """Nothing of the sessions is left."""
        wait_for(lambda: not self.tagged(), lambda: "no process is left: %s\n%s" % (self.tagged(), self.log()))
        pids = [self.pid]
        if self.worker_count:
            workers = wait_for(self.workers, "all workers are there")
            wait_for(lambda: {p for p, _ in children(self.pid)} == set(workers), "the parent has workers and nobody else")
            for pid in workers:
                wait_for(
                    lambda: fd_count(pid) == self.worker_fds,
                    lambda: "descriptors of worker %d are at their baseline of %d: %s\n%s"
                    % (pid, self.worker_fds, open_files(pid), self.log()),
                )
            pids = workers
        for pid in pids:
            wait_for(lambda: not children(pid), lambda: "no child or zombie is left: %s" % children(pid))
        wait_for(
            lambda: fd_count(self.pid) == self.fds,
            lambda: "descriptors are at their baseline of %d: %s\n%s" % (self.fds, open_files(self.pid), self.log()),
        )

    def stop(self, number=signal.SIGTERM, status=0, deadline=DEADLINE):
        self.stopped = True
        self.process.send_signal(number)
        try:
            code = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail("the server did not stop:\n" + self.log())
        assert code == status, self.log()
        self.check_log()
        wait_for(lambda: not tagged(self.tag), "nothing survives the server")

    def stop_now(self, status=0):
        """A second signal, which counts once 200 ms have passed since the first: the programs are killed."""

        def is_gone():
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            return self.process.poll() is not None

        wait_for(is_gone, lambda: "the server kills its programs:\n" + self.log())
        self.stop(status=status)

    def kill(self):
        """After a test that failed: nothing is left, for the tests behind it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid, _ in tagged(self.tag):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def check_log(self):
        log = self.log() + self.errors()
        for text in ("AddressSanitizer", "LeakSanitizer", "runtime error:", "Assertion", "[warn]", "[err]"):
            assert text not in log, log


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for this machine, and its key: their paths."""
    return make_certificate(tmp_path_factory.mktemp("certificate"), "server")


@pytest.fixture
def server(tmp_path, request):
    """server("--binary", "cat"): a running Server. All of them are checked and ended after the test, but for a test that
    has failed: its clients may still be connected."""
    started = request.node.servers = []

    def start(*args, **kwargs):
        if TLS:
            kwargs.setdefault("tls", request.getfixturevalue("certificate"))
        started.append(Server(tmp_path, args, **kwargs))
        return started[-1]

    yield start
    try:
        for one in started:
            if not one.stopped and not getattr(request.node, "failed", False):
                if one.process.poll() is not None:
                    pytest.fail("the server exited with status %s:\n%s" % (one.process.returncode, one.log()))
                one.check_clean()
                one.stop()
    finally:
        for one in started:
            one.kill()


@pytest.fixture(params=[1, 3], ids=["alone", "workers"])
def any_server(server, request):
    """As `server`, once with one process and once with several workers."""
    return lambda *args, **kwargs: server("--workers=%d" % request.param, *args, **kwargs)


@pytest.fixture
def secure(server, certificate):
    """secure("cat"): a server with TLS, whatever the other tests run over."""
    return lambda *args, **kwargs: server(*args, **dict({"tls": certificate}, **kwargs))


@pytest.fixture
def client():
    """client(server, "--binary"): a running client of a server, or of a URL. All of them are ended after the test."""
    started = []

    def start(target, *args, path="/", **kwargs):
        from clientside import Client  # which needs this module

        url = target if isinstance(target, str) else target.url(path)
        ca = getattr(target, "ca", None)
        started.append(Client(url, *args, **dict({"ca": ca}, **kwargs)))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def raw_server():
    """raw_server(serve, ...): a server for wspipe as a client, whose connections are served by functions."""
    started = []

    def start(*serve, **kwargs):
        from clientside import RawServer  # which needs this module

        started.append(RawServer(*serve, **kwargs))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def script(tmp_path):
    """script("name", "#!/bin/sh\\n..."): an executable file in the test's directory; returns its path."""

    def write(name, text, mode=0o755):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    return write


@pytest.fixture
def open_place():
    """A directory that every user can enter."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        yield pathlib.Path(place)


def pytest_addoption(parser):
    parser.addoption("--tap", action="store_true", help="print the results as TAP")


class Tap:
    """One line a test, for automake's harness; tests/it/run adds numbers and the plan."""

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.split("::", 1)[-1].replace("#", "") + (" over TLS" if TLS else "")
        line = None
        if report.when == "call" or (report.when == "setup" and not report.passed):
            line = "%s - %s" % ("not ok" if report.failed else "ok", name)
            if report.skipped:
                reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
                line += " # SKIP " + reason.replace("Skipped: ", "")
        elif report.when == "teardown" and report.failed:
            line = "not ok - %s (after the test)" % name
        if line:
            print("\n" + line, flush=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the state and the log of each server to the report of a test that fails."""
    report = (yield).get_result()
    if report.when != "call" or not report.failed:
        return
    item.failed = True
    for one in getattr(item, "servers", []):
        status = one.process.poll()
        title = "server %d %s" % (one.pid, "runs" if status is None else "exited with status %d" % status)
        report.sections.append((title, " ".join(map(str, one.args)) + "\n" + one.log()[-100000:]))


def pytest_configure(config):
    # Ignored in a shell's background, and a server would take that for its user's wish.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    config.addinivalue_line("markers", "leave_out(condition, reason): not collected where the condition is true")
    if config.getoption("--tap"):
        config.pluginmanager.register(Tap())


def pytest_collection_modifyitems(config, items):
    def is_left_out(item):
        # A test that connects to no server, or always over TLS, is the same in both runs.
        alike = TLS and ("server" not in item.fixturenames or "secure" in item.fixturenames)
        return alike or any(mark.args[0] for mark in item.iter_markers("leave_out"))

    left_out = [item for item in items if is_left_out(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]

