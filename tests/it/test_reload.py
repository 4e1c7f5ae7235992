# SPDX-License-Identifier: BSD-2-Clause
"""SIGHUP with a configuration file: all of the new one, or all of the old one."""

import os
import re
import resource
import signal
import socket
import subprocess
import threading

import pytest
from conftest import WSPIPE, client_context, listening_addresses, make_certificate, open_files, plain_only, wait_for
from probes import unsanitized
from test_config import BAD
from test_tls import Allocator
from wsraw import DEADLINE, TEXT, Peer, close_frame, frame, free_port

pytestmark = plain_only


class Config:
    """The file of a running server."""

    def __init__(self, path):
        self.path = path
        self.reloads = 0

    def write(self, text):
        # As an editor does it, so that no reload sees a part.
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.rename(self.path)

    def reload(self, one, text=None, ok=True):
        """Reloads TEXT, and waits until all processes have."""
        if text is not None:
            self.write(text)
        before = one.log()
        one.process.send_signal(signal.SIGHUP)
        pattern = "SIGHUP: configuration reloaded" if ok else "SIGHUP: the old configuration stays in use"
        one.wait_log(pattern, count=before.count(pattern) + 1)
        one.settle()


@pytest.fixture
def config(tmp_path):
    return Config(tmp_path / "wspipe.conf")


@pytest.fixture(params=[1, 2], ids=["alone", "workers"])
def workers(request):
    return request.param


def start(server, config, workers, text, *args, **kwargs):
    config.write(text)
    return server("--config=%s" % config.path, "--workers=%d" % workers, *args, **kwargs)


def says(one, path, *args, **kwargs):
    """The first line of the program at a path; None: there is none."""
    with one.connect(*args, **kwargs) as peer:
        peer.send(peer.request_bytes(path))
        if peer.response()[0] != 101:
            return None
        text = peer.text()
        peer.send(close_frame(1000))
        return text


def eventually(one, path, text):
    """A worker reloads a moment after the parent."""
    for _ in range(4):
        wait_for(lambda: says(one, path) == text, lambda: "%s says %r: %s" % (path, text, one.log()))


SAYS = "[%s]\ncommand = sh -c 'echo %s; exec cat'\n"


def test_endpoints_are_replaced_and_sessions_keep_theirs(server, config, workers):
    one = start(server, config, workers, SAYS % ("/a", "old") + SAYS % ("/gone", "gone") + "maxframesize = 10\n")
    sessions = [one.websocket(path) for path in ("/a", "/gone") for _ in range(4)]
    assert [ws.text() for ws in sessions] == ["old"] * 4 + ["gone"] * 4
    config.reload(one, SAYS % ("/a", "new") + SAYS % ("/b", "b"))
    eventually(one, "/a", "new")
    eventually(one, "/b", "b")
    eventually(one, "/gone", None)
    for ws in sessions:
        ws.send(frame(TEXT, "still"))
        assert ws.text() == "still"
    sessions[-1].send(frame(TEXT, "x" * 11))
    assert sessions[-1].closed() == (1009, "message larger than 10 bytes (--maxframesize)")
    for ws in sessions[:-1]:
        ws.send(close_frame(1000))
        assert ws.closed()[0] == 1000
        ws.close()
    sessions[-1].close()


def test_what_outlives_its_endpoint_ends_as_usual(server, config, workers, script):
    """A program that ignores signals, a CGI script and a response that are under way."""
    script("cgi/slow", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; read x; echo \"$x\"\n")
    script("files/large", "x" * 4_000_000)
    stubborn = "command = sh -c 'trap \"\" INT TERM; echo up; while :; do read x || sleep 0.1; done'\n"
    text = "[/p]\n" + stubborn + "[/cgi]\ncgidir = cgi\n[/f]\nstaticdir = files\n"
    one = start(server, config, workers, text)
    sessions = [one.websocket("/p") for _ in range(3)]
    assert [ws.text() for ws in sessions] == ["up"] * 3
    sessions.pop().close()
    with one.connect() as cgi, one.connect() as file:
        cgi.send(cgi.request_bytes("/cgi/slow", {"Content-Length": "3", "Connection": "close"}, "POST", upgrade=False))
        assert cgi.response()[0] == 200
        file.send(file.request_bytes("/f/large", {"Connection": "close"}, upgrade=False))
        assert file.response()[0] == 200
        config.reload(one, SAYS % ("/a", "a"))
        eventually(one, "/p/", None)
        eventually(one, "/a", "a")
        cgi.send(b"ok\n")
        assert b"ok\n" in cgi.read_to_end()
        assert len(file.read_to_end()) == 4_000_000
    for ws in sessions:
        ws.close()
    config.reload(one, text)


@pytest.mark.parametrize(
    "text, error",
    [
        ("[/a]\ncommand = nosuchprogram\n", "{FILE}:2: command 'nosuchprogram' is not on PATH"),
        (SAYS % ("/a", "new") + "port = 1\n", "{FILE}:3: port: applies to the whole server"),
        ("foo = 1\n" + SAYS % ("/a", "new"), "{FILE}:1: unknown key foo"),
        ("address = 192.0.2.1\n" + SAYS % ("/a", "new"), "{FILE}:1: can't listen on 192.0.2.1"),
        ("unixsocket = /nonexistent/socket\n" + SAYS % ("/a", "new"), "{FILE}:1: can't listen on /nonexistent/socket"),
        ("sslcert = /nonexistent\nsslkey = /nonexistent\nssl = true\n" + SAYS % ("/a", "new"), "{FILE}:1: the certificate"),
        ("max-per-ip = 3\n" + SAYS % ("/a", "new"), "{FILE}:1: a reload can't change max-per-ip: restart the server"),
        ("include = nosuch\n" + SAYS % ("/a", "new"), "{FILE}:1: can't read "),
    ],
)
def test_a_bad_file_changes_nothing(server, config, workers, text, error):
    one = start(server, config, workers, SAYS % ("/a", "old"))
    before = listening_addresses(one.pid)
    config.reload(one, text, ok=False)
    assert "SIGHUP: " + error.replace("{FILE}", str(config.path)) in one.log()
    for _ in range(4):
        assert says(one, "/a") == "old"
    assert set(listening_addresses(one.pid)) == set(before)
    config.path.unlink()
    config.reload(one, ok=False)
    assert says(one, "/a") == "old"
    config.reload(one, SAYS % ("/a", "new"))
    eventually(one, "/a", "new")


def test_no_bad_file_is_applied_in_part(server, config, workers, tmp_path, script):
    """Each file of test_config that has an error, in a running server."""
    script("program", "#!/bin/sh\n")
    one = start(server, config, workers, SAYS % ("/a", "old"))
    before = listening_addresses(one.pid)
    for text, line, message in BAD:
        # Where the command line's port, or the addresses that are open, make it another error.
        if "redirport" in text or "0.0.0.0" in text:
            continue
        config.reload(one, text.replace("{DIR}", str(tmp_path)), ok=False)
        message = message.replace("{FILE}", str(config.path)).replace("{DIR}", str(tmp_path))
        assert "SIGHUP: %s:%d: %s" % (config.path, line, message.partition(":")[0]) in one.log().replace("\\\\", "\\")
    for _ in range(4):
        assert says(one, "/a") == "old"
    assert set(listening_addresses(one.pid)) == set(before)
    assert "configuration reloaded" not in one.log()
    config.reload(one, SAYS % ("/a", "old"))


def refuses(address):
    try:
        socket.create_connection(address, DEADLINE).close()
    except ConnectionRefusedError:
        return True
    return False


def test_addresses_are_opened_and_closed(server, config, workers):
    text = SAYS % ("/", "x")
    port = free_port()
    one = start(server, config, workers, "address = 127.0.0.1\naddress = 127.0.0.2\n" + text, "--port=%d" % port)
    assert not refuses(("127.0.0.2", port))
    config.reload(one, "address = 127.0.0.1\naddress = 127.0.0.3\n" + text)
    wait_for(lambda: refuses(("127.0.0.2", port)), "the removed address is closed")
    one.addresses = [("127.0.0.3", port)]
    eventually(one, "/", "x")
    one.addresses = [("127.0.0.1", port)]
    eventually(one, "/", "x")
    assert set(listening_addresses(one.pid)) == {("127.0.0.1", port), ("127.0.0.3", port)}
    config.reload(one, "address = 127.0.0.1\naddress = 127.0.0.2\n" + text)


def test_a_connection_to_a_removed_address_is_not_reset(server, config):
    text = "address = 127.0.0.1\n[/]\ncommand = cat\n"
    port = free_port()
    one = start(server, config, 1, "address = 127.0.0.2\n" + text, "--port=%d" % port)
    os.kill(one.pid, signal.SIGSTOP)
    peers = [Peer(("127.0.0.2", port)) for _ in range(100)]
    for peer in peers:
        peer.send(peer.request_bytes("/") + close_frame(1000))
    config.write(text)
    os.kill(one.pid, signal.SIGHUP)
    os.kill(one.pid, signal.SIGCONT)
    for peer in peers:
        assert peer.response()[0] == 101
        assert peer.closed()[0] == 1000
        peer.close()
    wait_for(lambda: refuses(("127.0.0.2", port)), "the removed address is closed")
    config.reload(one, "address = 127.0.0.2\n" + text)


def test_a_free_port_stays(server, config, workers):
    one = start(server, config, workers, SAYS % ("/", "x"))
    before = listening_addresses(one.pid)
    config.reload(one, SAYS % ("/", "y"))
    eventually(one, "/", "y")
    assert set(listening_addresses(one.pid)) == set(before)


def test_a_unix_socket_stays_or_moves(server, config, workers, tmp_path):
    text = SAYS % ("/", "x")
    path, other = str(tmp_path / "s"), str(tmp_path / "t")
    one = start(server, config, workers, "unixsocket = %s\n" % path + text, "--port=0")
    inode = os.stat(path).st_ino
    config.reload(one, "unixsocket = %s\n" % path + SAYS % ("/", "y"))
    eventually(one, "/", "y")
    assert os.stat(path).st_ino == inode
    with Peer(path) as peer:
        peer.upgrade()
        peer.send(close_frame(1000))
    config.reload(one, "unixsocket = %s\n" % other + text)
    eventually(one, "/", "x")
    assert not os.path.exists(path) and os.path.exists(other)
    config.reload(one, "foo = 1\nunixsocket = %s\n" % other + text, ok=False)
    assert os.path.exists(other)
    config.reload(one, "unixsocket = %s\n" % path + text)


def test_the_redirect_leads_to_the_port_that_is_listened_on(server, config, workers, tmp_path):
    text = SAYS % ("/", "x") + "devconsole = false\n"
    port, redirport, other = free_port(), free_port(), free_port()
    socket_path = "unixsocket = %s\n" % (tmp_path / "s")
    one = start(server, config, workers, socket_path + "redirport = %d\n" % redirport + text, "--port=%d" % port)

    def location(at):
        try:
            with Peer(("127.0.0.1", at)) as peer:
                peer.send(peer.request_bytes("/p", {"Host": "localhost", "Connection": "close"}, upgrade=False))
                return dict(peer.answer()[1]).get("location")
        except ConnectionRefusedError:
            return None

    def is_closed(at):
        try:
            return location(at) is None
        except ConnectionResetError:  # it was in the queue of a worker that has just closed it
            return False

    wanted = "http://localhost:%d/p" % port
    assert location(redirport) == wanted
    config.reload(one, socket_path + "redirport = %d\n" % redirport + text)
    for _ in range(4):
        assert location(redirport) == wanted
    config.reload(one, socket_path + "redirport = %d\n" % other + text)
    for _ in range(4):
        wait_for(lambda: location(other) == wanted and is_closed(redirport), "the new port redirects")


def test_certificates_are_reloaded_with_the_file(server, config, workers, tmp_path):
    first = make_certificate(tmp_path, "first")
    second = make_certificate(tmp_path, "second")
    text = "ssl = true\nsslcert = %s\nsslkey = %s\n" + SAYS % ("/", "x")
    one = start(server, config, workers, text % first)
    with one.connect(context=client_context(first[0])) as peer:
        peer.upgrade()
        peer.send(close_frame(1000))
    config.reload(one, text % second)
    one.context = client_context(second[0])

    def accepts():
        try:
            return says(one, "/") == "x"
        except OSError:
            return False

    for _ in range(4):
        wait_for(accepts, "the new certificate is served")
    config.reload(one, SAYS % ("/", "plain"))
    one.context = None

    def plain():
        try:
            return says(one, "/") == "plain"
        except (OSError, EOFError):
            return False

    for _ in range(4):
        wait_for(plain, "TLS is off")


def test_values_of_the_server_change(server, config, workers):
    text = "maxforks = %d\nloglevel = %s\nhealth-path = %s\ndevconsole = false\n[/]\ncommand = cat\n"
    one = start(server, config, workers, text % (1, "access", "/up"))
    with one.websocket() as ws:
        with one.connect() as peer:
            peer.send(peer.request_bytes("/"))
            assert peer.response()[0] == 429
        config.reload(one, text % (2, "debug", "/healthy"))

        def status(path):
            with one.connect() as peer:
                peer.send(peer.request_bytes(path, {"Connection": "close"}, upgrade=False))
                return peer.answer()[0]

        for _ in range(4):
            wait_for(lambda: status("/healthy") == 200 and status("/up") != 200, "the new path is served")
        with one.websocket() as second:
            second.send(close_frame(1000))
        ws.send(close_frame(1000))


def test_included_files_are_reloaded(server, config, workers, tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a.conf").write_text(SAYS % ("/a", "a"))
    one = start(server, config, workers, "include = conf.d/*.conf\n")
    (tmp_path / "conf.d" / "b.conf").write_text(SAYS % ("/b", "b"))
    config.reload(one)
    eventually(one, "/b", "b")
    eventually(one, "/a", "a")


def test_a_new_worker_has_the_new_configuration(server, config):
    one = start(server, config, 2, SAYS % ("/", "old"))
    config.reload(one, SAYS % ("/", "new"))
    eventually(one, "/", "new")
    config.write("foo = 1\n")
    for pid in one.workers():
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: pid not in (one.workers() or [pid]), "another worker starts")
    eventually(one, "/", "new")


@unsanitized
def test_without_memory_a_reload_fails_and_the_server_goes_on(server, config, tmp_path):
    allocator = Allocator(tmp_path)
    (tmp_path / "token").write_text("0123456789abcdef\n")
    for name in "123":
        (tmp_path / ("more" + name)).write_text(SAYS % ("/" + name, name))
    text = "include = %s/more*\n%sauth-hook = /bin/true\nchild-read = %s\n[/b]\ncommand = cat\nauth-token = token\n" % (
        tmp_path, SAYS % ("/a", "old"), tmp_path)
    one = start(server, config, 1, text, env=allocator.env)
    files = sorted(open_files(one.pid).values())
    ends = "SIGHUP: (the old configuration stays in use|configuration reloaded)"
    reloads, is_left = 0, False
    while not is_left:
        allocator.fail(reloads)
        one.process.send_signal(signal.SIGHUP)
        one.wait_log(ends, count=reloads + 1)
        is_left = allocator.left() > 0
        reloads += 1
    allocator.fail(0, 0)
    assert reloads > 100
    assert sorted(open_files(one.pid).values()) == files
    assert says(one, "/a") == "old"


@unsanitized
def test_a_worker_without_memory_reloads_later(server, config, tmp_path):
    allocator = Allocator(tmp_path)
    one = start(server, config, 2, SAYS % ("/", "old"), env=allocator.env)
    again, reloaded = "SIGHUP: this worker retries in 1 s", "SIGHUP: configuration reloaded"

    def is_served(text):
        try:
            return says(one, "/") == text
        except (OSError, EOFError, AssertionError):  # it may also be the connection's memory
            return False

    for after in range(0, 4000, 20):
        # Of the parent or of a worker.
        before = one.log()
        config.write(SAYS % ("/", "new%d" % after))
        allocator.fail(after)
        one.process.send_signal(signal.SIGHUP)
        wait_for(lambda: re.search("SIGHUP: .*configuration", one.log()[len(before):]), "the parent has tried")
        if reloaded in one.log()[len(before):]:
            wait_for(lambda: is_served("new%d" % after), "a worker has reloaded")
        if again in one.log():
            allocator.fail(0, 0)
            eventually(one, "/", "new%d" % after)
            return
    pytest.fail("no worker failed")


def test_no_connection_is_lost_and_no_session_ends(server, config, workers):
    """20 reloads, each with another address and other endpoints, while clients connect without a pause."""
    text = "address = 127.0.0.1\naddress = 127.0.0.%d\n[/]\ncommand = cat\n[/%d]\ncommand = cat\n"
    one = start(server, config, workers, text % (2, 0), "--port=%d" % free_port())
    one.addresses = [a for a in one.addresses if a[0] == "127.0.0.1"]
    sessions = [one.websocket() for _ in range(8)]
    stop = threading.Event()
    failures, counts = [], [0, 0]

    def connect(index):
        while not stop.is_set():
            try:
                with one.websocket() as ws:
                    ws.send(frame(TEXT, "x"))
                    assert ws.text() == "x"
                    ws.send(close_frame(1000))
                    assert ws.closed()[0] == 1000
                counts[index] += 1
            except Exception as error:  # whatever it is, it is a lost connection
                failures.append(repr(error))

    threads = [threading.Thread(target=connect, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    try:
        for i in range(20):
            before = sum(counts)
            if i % 5 == 4:
                config.reload(one, "foo = 1\n", ok=False)
            else:
                config.reload(one, text % (2 + i % 7, i))
            wait_for(lambda: sum(counts) > before or failures, "clients go on")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert sum(counts) >= 20
    for ws in sessions:
        ws.send(frame(TEXT, "still"))
        assert ws.text() == "still"
        ws.send(close_frame(1000))
        assert ws.closed()[0] == 1000
        ws.close()
    config.reload(one, text % (2, 0))


def test_thousand_endpoints_are_loaded_at_once(server, config, tmp_path):
    text = "pingms = 0\n" + "".join("[/e%d]\ncommand = cat -n\nmaxframesize = %d\n" % (i, i + 1) for i in range(1000))
    one = start(server, config, 1, text)
    with one.websocket("/e999") as ws:
        ws.send(frame(TEXT, "x" * 1000))
        assert ws.text().endswith("x" * 1000)
        ws.send(close_frame(1000))

    def used():
        with open("/proc/%d/stat" % one.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before, count = used(), 10
    for _ in range(count):
        config.reload(one)
    # 50 ms is the aim; sanitizers and a busy machine need more.
    assert (used() - before) / count < 0.5
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([WSPIPE, "--config=%s" % config.path, "--check-config"], check=True, timeout=DEADLINE)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 0.5
