# SPDX-License-Identifier: BSD-2-Clause
"""A socket in place of COMMAND: tcp:HOST:PORT and unix:PATH."""

import json

import random
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest
from conftest import TLS, WSPIPE, plain_only, wait_for
from probes import KIB, MIB, preload, private_kib, unsanitized, wait_settled
from wsraw import BINARY, CLOSE, DEADLINE, TEXT, close_frame, fd_count, frame, has_ipv6

PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n"


class Service:
    """What wspipe connects to."""

    def __init__(self, address, backlog=16):
        self.address = address
        unix = isinstance(address, str)
        family = socket.AF_UNIX if unix else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(address)
        self.sock.listen(backlog)
        self.sock.settimeout(DEADLINE)
        self.port = None if unix else self.sock.getsockname()[1]
        host = None if unix else "[%s]" % address[0] if ":" in address[0] else address[0]
        self.target = "unix:" + address if unix else "tcp:%s:%d" % (host, self.port)
        self.open = [self.sock]

    def accept(self):
        conn, _ = self.sock.accept()
        conn.settimeout(DEADLINE)
        self.open.append(conn)
        return conn

    def fill(self):
        """Fills the queue, so that nobody else can connect."""
        for _ in range(4):
            sock = socket.socket(self.sock.family, socket.SOCK_STREAM)
            sock.setblocking(False)
            sock.connect_ex(self.sock.getsockname())
            self.open.append(sock)

    def close(self):
        for sock in self.open:
            sock.close()


@pytest.fixture
def service():
    started = []

    def start(address=("127.0.0.1", 0), **kwargs):
        started.append(Service(address, **kwargs))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture(params=["tcp", "tcp6", "unix"])
def each(request, service, tmp_path):
    """A service of each family."""
    if request.param == "tcp6" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    return service({"tcp": ("127.0.0.1", 0), "tcp6": ("::1", 0), "unix": str(tmp_path / "s.sock")}[request.param])


def read(conn, n):
    data = bytearray()
    while len(data) < n:
        part = conn.recv(min(n - len(data), 65536))
        assert part, "the end came after %d of %d bytes" % (len(data), n)
        data += part
    return bytes(data)


def reset(conn):
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def status_of(one):
    with one.connect() as peer:
        peer.send(peer.request_bytes("/"))
        status, _, body = peer.answer()
        return status, body.decode()


def refused(*args):
    done = subprocess.run([WSPIPE, "--port=0", *args], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


def test_bytes_go_both_ways(server, each):
    """The default is a stream: binary messages, whatever the client's are."""
    one = server(each.target)
    with one.websocket() as ws:
        conn = each.accept()
        ws.send(frame(BINARY, b"a\0b\n") + frame(TEXT, "c"))
        assert read(conn, 5) == b"a\0b\nc"
        conn.sendall(b"x\0y\n")
        assert ws.message() == (BINARY, b"x\0y\n")
        ws.send(close_frame(1000))
        assert conn.recv(1) == b""
        conn.close()
        assert ws.closed(answer=False) == (1000, "")
    log = one.wait_log("session #1 close .*").group(0)
    assert " end=closed " in log and " close_sent=1000 close_received=1000" in log
    assert "backend=%s" % each.target in one.log() and "pid=" not in one.log()


@pytest.mark.parametrize("args, messages, stream, back", (
    (("--framing=lines",), frame(TEXT, "ab"), b"ab\n", [(TEXT, b"ab")]),
    (("--framing=nul",), frame(TEXT, "a\nb"), b"a\nb\0", [(TEXT, b"a\nb")]),
    (("--raw",), frame(TEXT, "ab"), b"ab", [(TEXT, b"ab")]),
    (("--binary",), frame(BINARY, "ab"), b"ab", [(BINARY, b"ab")]),
    (("--framing=length",), frame(BINARY, "ab"), b"\0\0\0\2ab", [(BINARY, b"ab")]),
    (("--framing=lsp",), frame(TEXT, "{}"), b"Content-Length: 2\r\n\r\n{}", [(TEXT, b"{}")]),
    (("--framing=json",), frame(TEXT, "ab"), b'{"type":"text","data":"ab"}\n', [(TEXT, b"ab")]),
))
def test_each_framing(server, service, args, messages, stream, back):
    backend = service()
    with server(*args, backend.target).websocket() as ws:
        conn = backend.accept()
        for _ in range(3):
            ws.send(messages)
            assert read(conn, len(stream)) == stream
            conn.sendall(stream)
            assert [ws.message() for _ in back] == back
        conn.close()
        assert ws.closed() == (1000, "the backend closed the connection")


def test_framings_of_both_directions_differ(server, service):
    backend = service()
    with server("--framing-in=lines", backend.target).websocket() as ws:
        conn = backend.accept()
        ws.send(frame(TEXT, "GET 1"))
        assert read(conn, 6) == b"GET 1\n"
        conn.sendall(b"a\nb")
        assert ws.message() == (BINARY, b"a\nb")


def test_events_name_the_client(server, service):
    backend = service()
    with server("--framing=json", "--events", backend.target).websocket("/a/../b?q=1") as ws:
        lines = backend.accept().makefile("rb")
        event = json.loads(lines.readline())
        assert event["type"] == "open" and event["path"] == "/a/../b" and event["query"] == "q=1"
        ws.send(close_frame(4001, "bye"))
        assert json.loads(lines.readline()) == {"type": "close", "code": 4001, "reason": "bye"}
        assert lines.readline() == b""


def test_large_messages_are_exact(server, each):
    """A megabyte at a time, both ways at once."""
    one = server("--framing=length", each.target)
    rng = random.Random(1)
    messages = [rng.randbytes(MIB) for _ in range(8)]
    with one.websocket() as ws:
        conn = each.accept()

        def echo():
            while data := conn.recv(65536):
                conn.sendall(data)

        echoer = threading.Thread(target=echo)
        echoer.start()
        sender = threading.Thread(target=lambda: [ws.send(frame(BINARY, m)) for m in messages])
        sender.start()
        for m in messages:
            assert ws.message() == (BINARY, m)
        sender.join()
        ws.send(close_frame(1000))
        ws.closed(answer=False)
        echoer.join()


def test_what_precedes_the_end_of_the_backend_is_delivered(server, each):
    one = server("--framing=lines", each.target)
    with one.websocket() as ws:
        conn = each.accept()
        conn.sendall(b"one\n" * 50000 + b"last")
        conn.close()
        for _ in range(50000):
            assert ws.message() == (TEXT, b"one")
        assert ws.message() == (TEXT, b"last")
        assert ws.closed() == (1000, "the backend closed the connection")


def test_after_its_end_the_backend_gets_what_was_sent_before(server, service):
    """Its FIN closes only its own direction: what is queued for it arrives, and then our FIN."""
    backend = service()
    one = server("--closems=20000", backend.target)
    data = random.Random(2).randbytes(4 * MIB)
    with one.websocket() as ws:
        conn = backend.accept()
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ws.sock.settimeout(DEADLINE)
        sent = frame(BINARY, data[: 256 * KIB])
        sender = threading.Thread(target=lambda: ws.send(sent))
        sender.start()
        read(conn, 1)
        sender.join()
        wait_settled(one)
        conn.shutdown(socket.SHUT_WR)
        assert read(conn, 256 * KIB - 1) == data[1 : 256 * KIB]
        assert conn.recv(1) == b""
        assert ws.closed() == (1000, "the backend closed the connection")


def test_after_the_clients_close_the_backend_may_go_on(server, each):
    """It gets all messages and our FIN; what it sends then is read, so that it can end by itself."""
    one = server("--closems=20000", each.target)
    with one.websocket() as ws:
        conn = each.accept()
        ws.send(frame(BINARY, b"x" * 100000) + close_frame(1001))
        assert ws.closed(answer=False) == (1001, "")
        assert len(read(conn, 100000)) == 100000 and conn.recv(1) == b""
        conn.sendall(b"y" * 4 * MIB)
        assert "session #1 close" not in one.log()
        conn.close()
    assert "end=closed" in one.wait_log("session #1 close .*").group(0)


def test_a_backend_that_does_not_end_is_cut_off(server, each):
    one = server(each.target)
    with one.websocket() as ws:
        conn = each.accept()
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")
        start = time.monotonic()
        assert "end=\"cut off\"" in one.wait_log("session #1 close .*").group(0)
        assert time.monotonic() - start < 10
        assert conn.recv(1) == b""


def test_a_reset_of_the_backend_is_an_error(server, service):
    backend = service()
    one = server(backend.target)
    with one.websocket() as ws:
        conn = backend.accept()
        conn.sendall(b"before")
        assert ws.message() == (BINARY, b"before")
        reset(conn)
        assert ws.closed() == (1011, "the connection to the backend was lost")
    assert 'end="Connection reset by peer"' in one.wait_log("session #1 close .*").group(0)


def test_a_reset_while_the_client_does_not_read(server, service):
    """What arrived before it is delivered."""
    backend = service()
    one = server(backend.target)
    with one.websocket(rcvbuf=4096) as ws:
        conn = backend.accept()
        conn.settimeout(1)
        total = 0
        try:
            while True:
                total += conn.send(b"x" * 65536)
        except socket.timeout:
            pass
        reset(conn)
        got = 0
        while True:
            opcode, _, payload = ws.frame()
            if opcode == CLOSE:
                break
            got += len(payload)
        assert payload[:2] == struct.pack(">H", 1011)
        assert 0 < got <= total


def test_a_reset_that_a_write_finds(server, service):
    backend = service()
    one = server(backend.target)
    with one.websocket() as ws:
        conn = backend.accept()
        ws.send(frame(BINARY, "x"))
        read(conn, 1)
        reset(conn)
        for _ in range(20):
            try:
                ws.send(frame(BINARY, b"y" * 65536))
            except OSError:
                break
        while ws.frame()[0] != CLOSE:
            pass
    assert "end=closed" not in one.wait_log("session #1 close .*").group(0)


def test_a_connection_that_is_refused(server, service, tmp_path):
    backend = service()
    backend.close()
    for target, why in ((backend.target, "Connection refused"), ("unix:%s/none" % tmp_path, "No such file or directory")):
        one = server(target)
        status, body = status_of(one)
        assert status == 502
        assert "can't connect to %s: %s" % (target, why) in body
        one.wait_log("error server can't connect to")


def test_a_name_that_does_not_exist(server, tmp_path):
    env = {"LD_PRELOAD": preload(tmp_path, "fake_names.c"), "FAKE_NAMES_GO": str(tmp_path / "go")}
    env["ASAN_OPTIONS"] = "verify_asan_link_order=0"
    one = server("--address=127.0.0.1", "tcp:missing.example:80", env=env)
    status, body = status_of(one)
    assert status == 502 and "Name or service not known" in body


@pytest.mark.parametrize("family", ("tcp", "unix"))
def test_a_connection_that_gets_no_response(server, service, tmp_path, family):
    """A queue that is full: of TCP the system drops the SYN."""
    backend = service(("127.0.0.1", 0) if family == "tcp" else str(tmp_path / "s.sock"), backlog=0)
    backend.fill()
    one = server("--connect-timeout=300", backend.target)
    start = time.monotonic()
    status, body = status_of(one)
    assert status == 504 and "--connect-timeout" in body
    assert 0.299 <= time.monotonic() - start < DEADLINE / 2  # the server counts whole milliseconds


def test_a_queue_that_was_full(server, service, tmp_path):
    backend = service(str(tmp_path / "s.sock"), backlog=0)
    backend.fill()
    one = server("--connect-timeout=60000", backend.target)
    with one.connect() as ws:
        ws.send(ws.request_bytes("/"))
        wait_for(lambda: fd_count(one.pid) > one.fds, "the request has come")
        backend.accept()  # what filled it
        conn = backend.accept()
        assert ws.response()[0] == 101
        conn.sendall(b"x")
        assert ws.message() == (BINARY, b"x")


@pytest.mark.parametrize("how", ("close", "reset"))
def test_a_client_that_leaves_during_the_connect(server, service, how):
    backend = service(backlog=0)
    backend.fill()
    one = server("--connect-timeout=3600000", backend.target)
    peers = [one.connect() for _ in range(3)]
    for peer in peers:
        peer.send(peer.request_bytes("/"))
    wait_for(lambda: fd_count(one.pid) == one.fds + 6, "three connections are attempted")
    for peer in peers:
        getattr(peer, how)()
    one.wait_log("the client disconnected before the response", count=3)
    one.check_clean()


def test_a_shutdown_during_the_connect(server, service):
    backend = service(backlog=0)
    backend.fill()
    one = server("--connect-timeout=3600000", backend.target)
    with one.connect() as peer:
        peer.send(peer.request_bytes("/"))
        wait_for(lambda: fd_count(one.pid) == one.fds + 2, "a connection is attempted")
        one.process.send_signal(signal.SIGTERM)
        status, fields, body = peer.answer()
        assert status == 503 and "retry-after" in dict(fields) and b"shutting down" in body
    one.stop()


def test_a_shutdown_closes_sessions(server, each):
    one = server(each.target)
    with one.websocket() as ws:
        conn = each.accept()
        one.process.send_signal(signal.SIGTERM)
        assert ws.closed()[0] == 1001
        assert conn.recv(1) == b""
        conn.close()
    one.stop()


def test_a_second_signal_cuts_backends_off(server, service):
    backend = service()
    one = server("--closems=3600000", backend.target)
    with one.websocket() as ws:
        backend.accept()
        one.process.send_signal(signal.SIGTERM)
        assert ws.closed()[0] == 1001
    one.stop_now()


def test_a_hangup_changes_nothing(server, service):
    backend = service()
    one = server(backend.target)
    with one.websocket() as ws:
        conn = backend.accept()
        one.process.send_signal(signal.SIGHUP)
        one.wait_log("SIGHUP")
        conn.sendall(b"x")
        assert ws.message() == (BINARY, b"x")


@unsanitized
def test_backpressure_to_the_backend(server, service):
    """What the backend does not read, the client keeps; then all of it arrives."""
    backend = service()
    one = server(backend.target)
    with one.websocket():
        backend.accept()
    before = private_kib(one.pid)
    chunk = random.Random(3).randbytes(64 * KIB)
    with one.websocket() as ws:
        conn = backend.accept()
        conn.settimeout(DEADLINE)
        count = 512
        data = frame(BINARY, chunk) * count

        def send():
            ws.send(data)

        sender = threading.Thread(target=send)
        sender.start()
        wait_settled(one)
        assert sender.is_alive()
        assert private_kib(one.pid) - before <= 512
        for _ in range(count):
            assert read(conn, len(chunk)) == chunk
        sender.join()
        ws.send(close_frame(1000))
        ws.closed(answer=False)


@unsanitized
def test_backpressure_to_the_client(server, service):
    backend = service()
    one = server(backend.target)
    with one.websocket():
        backend.accept()
    before = private_kib(one.pid)
    chunk = random.Random(4).randbytes(64 * KIB)
    count = 512
    with one.websocket(rcvbuf=4096) as ws:
        conn = backend.accept()

        def send():
            for _ in range(count):
                conn.sendall(chunk)
            conn.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        wait_settled(one)
        assert sender.is_alive()
        assert private_kib(one.pid) - before <= 512
        got = bytearray()
        while len(got) < count * len(chunk):
            got += ws.message()[1]
        assert got == chunk * count
        assert ws.closed() == (1000, "the backend closed the connection")
        sender.join()


def test_many_sessions(server, service):
    """--maxforks does not count them."""
    backend = service(backlog=128)
    one = server("--maxforks=1", "--workers=2", backend.target)
    peers = [one.websocket() for _ in range(40)]
    conns = [backend.accept() for _ in peers]
    for i, conn in enumerate(conns):
        conn.sendall(b"%d" % i)
    assert sorted(int(ws.message()[1]) for ws in peers) == list(range(40))
    for ws in peers:
        ws.close()


def test_the_limit_of_open_files_bounds_sessions(server, service):
    """Each counts as a session with a program does: 5 descriptors of what is not reserved for others."""

    def few():
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    backend = service(backlog=128)
    one = server(backend.target, preexec=few)
    allowed = int(one.wait_log(r"allows (\d+) session").group(1))
    peers = [one.websocket() for _ in range(allowed)]
    status, body = status_of(one)
    assert status == 503 and "no descriptors for another session" in body
    for ws in peers:
        ws.close()


def test_names_and_several_addresses(server, service, tmp_path):
    """The first address that accepts serves, within the time for all; names are resolved for each session."""
    env = {"LD_PRELOAD": preload(tmp_path, "fake_names.c"), "FAKE_NAMES_GO": str(tmp_path / "go")}
    env["ASAN_OPTIONS"] = "verify_asan_link_order=0"
    last = service(("127.0.0.23", 0))
    middle = service(("127.0.0.22", last.port), backlog=0)
    middle.fill()
    one = server("--address=127.0.0.1", "--connect-timeout=3000", "tcp:several.example:%d" % last.port, env=env)
    with one.websocket() as ws:
        last.accept().sendall(b"last")
        assert ws.message() == (BINARY, b"last")
    assert "backend=%s" % last.target in one.log()


def test_a_resolver_that_hangs_blocks_nobody(server, service, tmp_path):
    env = {"LD_PRELOAD": preload(tmp_path, "fake_names.c"), "FAKE_NAMES_GO": str(tmp_path / "go")}
    env["ASAN_OPTIONS"] = "verify_asan_link_order=0"
    backend = service()
    target = "tcp:later.example:%d" % backend.port
    one = server("--address=127.0.0.1", "--connect-timeout=1000", target, env=env)
    status, body = status_of(one)
    assert status == 504
    with one.connect() as peer:
        peer.send(peer.request_bytes("/", upgrade=False))
        assert peer.answer()[0] == 200
    (tmp_path / "go").write_text("")
    with one.websocket() as ws:
        backend.accept().sendall(b"x")
        assert ws.message() == (BINARY, b"x")


def test_the_name_of_this_machine(server, service):
    backend = service()
    with server("tcp:localhost:%d" % backend.port).websocket() as ws:
        backend.accept().sendall(b"x")
        assert ws.message() == (BINARY, b"x")


def test_the_proxy_protocol(server, service):
    backend = service()
    one = server("--address=127.0.0.1", "--address=::1", "--proxy-protocol-out", backend.target) if has_ipv6() else server(
        "--address=127.0.0.1", "--proxy-protocol-out", backend.target)
    for host, port in one.addresses:
        six = ":" in host
        family = socket.AF_INET6 if six else socket.AF_INET
        from wsraw import Peer

        with Peer((host, port), context=one.context) as ws:
            ws.upgrade("/")
            conn = backend.accept()
            address = socket.inet_pton(family, host)
            body = address + address + struct.pack(">HH", ws.port, port)
            expected = PROXY_V2 + bytes([0x21, 0x21 if six else 0x11, 0, len(body)]) + body
            ws.send(frame(BINARY, b"data"))
            assert read(conn, len(expected) + 4) == expected + b"data"


def test_the_proxy_protocol_of_a_client_without_address(server, service, tmp_path):
    backend = service()
    one = server("--unixsocket=%s/c.sock" % tmp_path, "--proxy-protocol-out", backend.target)
    with one.websocket() as ws:
        conn = backend.accept()
        ws.send(frame(BINARY, b"data"))
        assert read(conn, 20) == PROXY_V2 + b"\x20\0\0\0" + b"data"


def test_the_rules_for_clients_are_the_same(server, service):
    backend = service()
    one = server("--subprotocol=binary", "--require-subprotocol", backend.target)
    assert status_of(one)[0] == 400
    with one.connect() as ws:
        ws.upgrade("/any//path", {"Sec-WebSocket-Protocol": "binary"})
        backend.accept()
    with one.connect() as peer:
        peer.send(peer.request_bytes("/", {"Origin": "https://evil.example", "Sec-WebSocket-Protocol": "binary"}))
        assert peer.answer()[0] == 403
    with one.connect() as peer:
        peer.send(peer.request_bytes("/", upgrade=False))
        assert peer.answer()[0] == 200  # the console


@plain_only
@pytest.mark.parametrize("args, error", (
    (("tcp:localhost",), "needs a port"),
    (("tcp:localhost:0",), "needs a port"),
    (("tcp:localhost:65536",), "needs a port"),
    (("tcp::80",), "needs a host"),
    (("tcp:::1:80",), "needs brackets"),
    (("unix:",), "needs a path"),
    (("unix:" + "x" * 108,), "needs a path"),
    (("tcp:localhost:80", "more"), "no arguments can follow"),
    (("--passstderr", "--framing=lines", "tcp:localhost:80"), "--passstderr needs a program"),
    (("--proxy-protocol-out", "cat"), "--proxy-protocol-out needs a socket: give tcp:HOST:PORT or unix:PATH as COMMAND"),
    (("--connect-timeout=0", "tcp:localhost:80"), "--connect-timeout must be"),
    (("--newline=space", "tcp:localhost:80"), "--newline only applies to"),
    (("--dir=.", "tcp:localhost:80"), "can't be combined"),
))
def test_options_that_make_no_sense(args, error):
    status, text = refused(*args)
    assert status == 64 and error in text


def test_a_program_of_that_name(server, script):
    script("tcp:localhost:1", "#!/bin/sh\nexec cat\n")
    with server("./tcp:localhost:1").websocket() as ws:
        ws.send(frame(TEXT, "x"))
        assert ws.text() == "x"


def test_endpoints_of_a_configuration_file(server, service, tmp_path):
    """Each has its own socket and time limit."""
    first, second = service(), service(str(tmp_path / "s.sock"))
    config = tmp_path / "wspipe.conf"
    config.write_text("port = 0\n[/a]\ncommand = %s\nframing = lines\n[/b]\ncommand = %s\nconnect-timeout = 100\n[/c]\ncommand = cat\n" % (
        first.target, second.target))
    one = server("--config=%s" % config)
    with one.websocket("/a") as ws:
        first.accept().sendall(b"x\n")
        assert ws.message() == (TEXT, b"x")
    with one.websocket("/b/c") as ws:
        second.accept().sendall(b"x\n")
        assert ws.message() == (BINARY, b"x\n")
    with one.websocket("/c") as ws:
        ws.send(frame(TEXT, "x"))
        assert ws.text() == "x"


@pytest.mark.parametrize("workers", (1, 2))
def test_a_reload_that_brings_a_name(server, service, tmp_path, workers):
    """The threads that resolve it are started then. Sessions keep their socket."""
    backend = service()
    config = tmp_path / "wspipe.conf"
    config.write_text("port = 0\nworkers = %d\n[/]\ncommand = %s\n" % (workers, backend.target))
    one = server("--config=%s" % config, *(["--workers=2"] if workers == 2 else []))
    with one.websocket() as old:
        conn = backend.accept()
        config.write_text("port = 0\nworkers = %d\n[/]\ncommand = tcp:localhost:%d\n" % (workers, backend.port))
        one.process.send_signal(signal.SIGHUP)
        one.wait_log("SIGHUP: configuration reloaded", count=1)
        for _ in range(4):
            with one.websocket() as ws:
                backend.accept().sendall(b"x")
                assert ws.message() == (BINARY, b"x")
        conn.sendall(b"y")
        assert old.message() == (BINARY, b"y")
    one.stop()
