# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/1.1 keep-alive: pipelining, deadlines, limits, shutdown, and requests with two meanings."""

import signal

import pytest
from conftest import wait_for
from probes import Clock, unsanitized
from wsraw import ACCEPT, TEXT, close_frame, frame

HOST = "Host: localhost\r\n"


def request(path="/a.txt", method="GET", fields="", body=b"", version="HTTP/1.1"):
    return ("%s %s %s\r\n%s%s\r\n" % (method, path, version, HOST, fields)).encode() + body


def read_response(peer, head_only=False):
    """One response by its Content-Length; the connection may persist."""
    status, fields = peer.response()
    fields = dict(fields)
    has_body = not head_only and status not in (204, 304)
    return status, fields, peer.read(int(fields["content-length"])) if has_body else b""


def closes(peer):
    return peer.read_to_end() == b""


@pytest.fixture
def site(server, tmp_path):
    """A server of a few files."""
    root = tmp_path / "public"
    root.mkdir()
    for name in ("a", "b", "c"):
        (root / (name + ".txt")).write_text("file %s\n" % name)
    (root / "big").write_bytes(bytes(range(256)) * 4096)
    return lambda *args, **kwargs: server("--staticdir=%s" % root, *(args or ("cat",)), **kwargs)


@pytest.mark.parametrize("how", ("whole", "bytes", "random"))
def test_pipelined_requests_are_answered_in_order(site, how):
    paths = ["/a.txt", "/missing", "/b.txt", "/a.txt", "/big", "/c.txt"]
    with site().connect() as peer:
        peer.send_cut(b"".join(map(request, paths)), how)
        for path in paths:
            status, fields, body = read_response(peer)
            assert "connection" not in fields
            if path == "/missing":
                assert status == 404
            elif path == "/big":
                assert body == bytes(range(256)) * 4096
            else:
                assert body == b"file %s\n" % path[1:2].encode()


@pytest.mark.parametrize("first", ("/a.txt", "/missing"))
def test_connection_persists_after(site, first):
    with site().connect() as peer:
        for path in (first, "/b.txt"):
            for method in ("GET", "HEAD"):
                peer.send(request(path, method))
                assert read_response(peer, method == "HEAD")[0] == (404 if path == "/missing" else 200)


@pytest.mark.parametrize(
    "asked",
    (
        request(fields="Connection: close\r\n"),
        request(fields="Connection: x, CLOSE\r\n"),
        request(version="HTTP/1.0"),
        request(version="HTTP/1.0", fields="Connection: keep-alive\r\n"),
        request(fields="Content-Length: 5\r\n", body=b"GET /"),
        request(method="POST", fields="Transfer-Encoding: chunked\r\n", body=b"0\r\n\r\n"),
        request(fields="Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: a\r\n"),
    ),
)
def test_connection_closes_after(site, asked):
    with site().connect() as peer:
        peer.send(asked + request("/b.txt"))
        assert read_response(peer)[1]["connection"] == "close"
        assert closes(peer)


SMUGGLING = (
    (400, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    (400, "Content-Length: 5\r\nContent-Length: 6\r\n"),
    (400, "Content-Length: 5, 5\r\n"),
    (400, "Transfer-Encoding: chunked, identity\r\n"),
    (400, "Transfer-Encoding: xchunked\r\n"),
    (400, "Transfer-Encoding : chunked\r\n"),
    (400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    (501, "Transfer-Encoding: gzip, chunked\r\n"),
)


@pytest.mark.parametrize("status, fields", SMUGGLING)
def test_length_with_two_meanings_ends_the_connection(site, status, fields):
    """Also for a request that is not the first."""
    with site().connect() as peer:
        peer.send(request() + request(method="POST", fields=fields, body=b"0\r\n\r\n") + request("/b.txt"))
        assert read_response(peer)[2] == b"file a\n"
        got, fields, _ = read_response(peer)
        assert (got, fields["connection"]) == (status, "close")
        assert closes(peer)


def test_upgrade_after_other_requests(site):
    """What follows it is frames, whatever it looks like."""
    one = site()
    with one.connect() as peer:
        peer.send(request() + peer.request_bytes("/") + frame(TEXT, request("/b.txt")))
        assert read_response(peer)[2] == b"file a\n"
        status, fields = peer.response()
        assert (status, dict(fields)["sec-websocket-accept"]) == (101, ACCEPT)
        assert b"GET /b.txt HTTP/1.1" in peer.message()[1]
        peer.send(close_frame(1000))
        peer.read_to_end()
    assert one.log().count("http reply") == 1


def test_requests_of_a_connection_are_limited(site):
    with site().connect() as peer:
        for i in range(1000):
            peer.send(request())
            assert (read_response(peer)[1].get("connection") == "close") == (i == 999)
        assert closes(peer)


@unsanitized
def test_deadlines_between_requests(site, tmp_path):
    """60 seconds without a request, 10 for the rest of one that has begun."""
    clock = Clock(tmp_path)
    one = site(env=clock.env)

    def put_forward(seconds):
        """Once the server has done all that comes from what it got."""
        with one.connect() as last:
            last.send(request(fields="Connection: close\r\n"))
            assert read_response(last)[0] == 200
        clock.put_forward(seconds)

    with one.connect() as idle, one.connect() as partial:
        for peer in (idle, partial):
            peer.send(request())
            assert read_response(peer)[0] == 200
        put_forward(55)
        for peer in (idle, partial):
            peer.send(request())
            assert read_response(peer)[0] == 200
        partial.send(b"GET /")
        put_forward(11)
        assert read_response(partial)[0] == 408
        assert closes(partial)
        idle.send(request())
        assert read_response(idle)[0] == 200
        put_forward(61)
        assert closes(idle)


def test_shutdown_closes_idle_connections(site, tmp_path):
    one = site()
    with open(tmp_path / "public" / "huge", "wb") as f:
        f.truncate(32 << 20)  # more than the system buffers
    with one.connect() as idle, one.connect(rcvbuf=4096) as busy:
        idle.send(request())
        assert read_response(idle)[0] == 200
        busy.send(request("/huge") + request("/b.txt"))
        assert busy.response()[0] == 200
        one.process.send_signal(signal.SIGTERM)
        assert closes(idle)
        idle.close()
        assert busy.read(32 << 20) == bytes(32 << 20)
        assert closes(busy)
        busy.close()
        wait_for(lambda: one.process.poll() is not None, "the server ends")
    one.stopped = True


def test_slow_reader_delays_only_itself(site):
    one = site()
    with one.connect(rcvbuf=4096) as slow, one.connect() as other:
        slow.send(request("/big") * 3)
        assert slow.response()[0] == 200
        for _ in range(50):
            other.send(request())
            assert read_response(other)[2] == b"file a\n"
        assert slow.read(1 << 20) == bytes(range(256)) * 4096
        assert read_response(slow)[0] == 200
