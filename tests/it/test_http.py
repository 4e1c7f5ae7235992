# SPDX-License-Identifier: BSD-2-Clause
"""Plain HTTP: a strict reading of requests (RFC 9112), static files."""

import hashlib
import os
import socket
import time

import pytest
from conftest import plain_only, wait_for
from probes import cpu_seconds
from wsraw import DEADLINE, fd_count

HOST = "Host: localhost\r\n"
GET = "GET / HTTP/1.1\r\n" + HOST
POST = "POST / HTTP/1.1\r\n" + HOST
LIMIT = 16384  # bytes of a head

# What a client on this machine is told, as the log is.
MISSING = b"404 Not Found\n\nno such file in --staticdir\n"
NO_INDEX = b"404 Not Found\n\nno index.html in this directory\n"
METHOD = b"405 Method Not Allowed\n\nonly GET and HEAD are supported for static files\n"


def raw(text):
    return text.encode("latin-1") + b"\r\n"


# How long a body is must have one meaning.
BODY_LENGTHS = [
    POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    POST + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
    POST + "Content-Length: 5\r\nContent-Length: 6\r\n",
    POST + "Content-Length: 5\r\nContent-Length: 5\r\n",
    POST + "Content-Length: 5, 5\r\n",
    POST + "Content-Length: +5\r\n",
    POST + "Content-Length: -5\r\n",
    POST + "Content-Length: 5 5\r\n",
    POST + "Content-Length: 0x5\r\n",
    POST + "Content-Length: 5e1\r\n",
    POST + "Content-Length: 5.0\r\n",
    POST + "Content-Length: five\r\n",
    POST + "Content-Length:\r\n",
    POST + "Content-Length: 9223372036854775808\r\n",
    POST + "Content-Length: 18446744073709551621\r\n",
    POST + "Content-Length: 99999999999999999999999999\r\n",
    POST + "Transfer-Encoding : chunked\r\n",
    POST + "Transfer-Encoding: chunked, identity\r\n",
    POST + "Transfer-Encoding: identity\r\n",
    POST + "Transfer-Encoding: xchunked\r\n",
    POST + "Transfer-Encoding: chunked, chunked\r\n",
    POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    POST + "Transfer-Encoding: chunked;a=b\r\n",
    POST + "Transfer-Encoding: \x0bchunked\r\n",
    POST + "Transfer-Encoding:\r\n",
    "POST / HTTP/1.0\r\n" + HOST + "Transfer-Encoding: chunked\r\n",
]

# The grammar of a head.
FIELD_LINES = [
    "Host : localhost\r\n",
    "Host\t: localhost\r\n",
    HOST + "X-Name : a\r\n",
    HOST + "X-Name: a\r\n b\r\n",
    HOST + "X-Name: a\r\n\tb\r\n",
    " Host: localhost\r\n",
    HOST + "X-Name: a\rb\r\n",
    HOST + "X-Name: a\r\r\n",
    HOST + "X-Name: a\nX-Other: b\r\n",
    HOST + "X-Name: a\n\r\n",
    HOST + "X-Name: a\0b\r\n",
    HOST + "X-Name: \x01\r\n",
    HOST + "X-Name: \x1b[31m\r\n",
    HOST + "X-Name: \x7f\r\n",
    HOST + "X-Name\0: a\r\n",
    HOST + "X Name: a\r\n",
    HOST + "X(Name): a\r\n",
    HOST + 'X"Name": a\r\n',
    HOST + "X-N\xe4me: a\r\n",
    HOST + "X-Name\r\n",
    HOST + ": a\r\n",
    HOST + "\x80: a\r\n",
]

# The forms of a target, on a server on loopback with one file, /a.txt: (target, Host, status)
TARGETS = [
    ("/a.txt", "localhost", 200),
    ("/a.txt?query=1&../x", "localhost", 200),
    ("/a.txt?", "localhost", 200),
    ("http://localhost/a.txt", "localhost", 200),
    ("HTTP://127.0.0.1:8080/a.txt", "localhost", 200),
    ("https://localhost/a.txt", "localhost", 200),
    ("http://localhost/a.txt", "evil.example", 200),  # RFC 9112, section 3.2.2: Host is ignored
    ("http://evil.example/a.txt", "localhost", 421),
    ("http://evil.example", "localhost", 421),
    ("http://localhost", "localhost", 404),
    ("http://localhost?a.txt", "localhost", 404),
    ("http:///a.txt", "localhost", 400),
    ("http://me@localhost/a.txt", "localhost", 400),
    ("http://localhost:99999/a.txt", "localhost", 400),
    ("http://localhost\\@evil.example/a.txt", "localhost", 400),
    ("http:/a.txt", "localhost", 400),
    ("ftp://localhost/a.txt", "localhost", 400),
    ("file:///etc/passwd", "localhost", 400),
    ("localhost:80", "localhost", 400),
    ("localhost/a.txt", "localhost", 400),
    ("a.txt", "localhost", 400),
    ("?a.txt", "localhost", 400),
    ("*", "localhost", 400),
    ("/a.txt#fragment", "localhost", 400),
    ("/#/a.txt", "localhost", 400),
    ("//localhost/a.txt", "localhost", 400),
    ("//evil.example/%2e%2e", "localhost", 400),
    ("/\xe4", "localhost", 400),
    ("/a\x7f", "localhost", 400),
]


def ask(one, request):
    """(status, fields as a dict, body) of a raw request; no field but Connection may come twice."""
    with one.connect() as peer:
        peer.send(request)
        status, fields, body = peer.answer()
        names = [name for name, _ in fields if name != "connection"]
        assert len(set(names)) == len(names), fields
        return status, dict(fields), body


def statuses(one, requests):
    return [(request, ask(one, request)[0]) for request in requests]


@pytest.fixture
def files(tmp_path):
    root = tmp_path / "public"
    root.mkdir()
    (root / "a.txt").write_text("a text\n")
    (root / "index.html").write_text("<p>start</p>\n")
    (root / "empty.css").write_text("")
    (root / "sub").mkdir()
    (root / "sub" / "index.html").write_text("<p>sub</p>\n")
    (root / "sub" / "app.js").write_text("1\n")
    (root / "no-index").mkdir()
    (root / "noending").write_text("<script>alert(1)</script>")
    return root


def test_body_lengths_that_have_two_meanings(server):
    requests = [raw(r) + b"0\r\n\r\n" for r in BODY_LENGTHS]
    assert statuses(server("cat"), requests) == [(r, 400) for r in requests]


def test_lines_that_are_no_fields(server):
    requests = [raw("GET / HTTP/1.1\r\n" + lines) for lines in FIELD_LINES]
    requests += [r.replace(b"\r\n", b"\n", 1) for r in requests[:1]] + [b"GET / HTTP/1.1\nHost: localhost\n\n"]
    assert statuses(server("cat"), requests) == [(r, 400) for r in requests]


def test_odd_fields_that_are_allowed(server):
    requests = [
        raw(GET + "X-Name:\r\n"),
        raw(GET + "X-Name:\ta\tb \r\n"),
        raw(GET + "X-Name: \x80\xff\r\n"),
        raw(GET + "!#$%&'*+-.^_`|~09azAZ: a\r\n"),
        raw("GET / HTTP/1.0\r\n"),
    ]
    assert statuses(server("cat"), requests) == [(r, 200) for r in requests]


def test_limits_of_a_head(server):
    """8 KiB of request line, 100 fields and 16 KiB in all are accepted, one more is an error."""
    one = server("cat")

    def line(n):
        return raw("GET /" + "a" * (n - 14) + " HTTP/1.1\r\n" + HOST)

    def fields(n):
        return raw(GET + "X-Name: a\r\n" * (n - 1))

    def head(n):
        return raw(GET + "X-Name: " + "a" * (n - len(GET) - 12) + "\r\n")

    assert (len(line(8192).split(b"\r\n")[0]), fields(100).count(b": "), len(head(LIMIT))) == (8192, 100, LIMIT)
    table = [
        (line(8192), 200),
        (line(8193), 414),
        (b"G" * 8193, 414),
        (line(20000), 414),
        (fields(100), 200),
        (fields(101), 431),
        (fields(1000), 431),
        (head(LIMIT), 200),
        (head(LIMIT + 1), 431),
        (head(100000), 431),
        (raw(GET + "X" * 20000), 431),
        (raw(GET + "X-Name: \r\n" * 20000), 431),
    ]
    assert [(r, ask(one, r)[0]) for r, _ in table] == table


def test_largest_head_in_single_bytes(server):
    """The parser goes on where it stopped: 16384 reads cost no more than a fraction of the usual deadline."""
    one = server("--handshake-timeout=%d" % DEADLINE, "cat")
    used = cpu_seconds(one.pid)
    with one.connect() as peer:
        peer.send_cut(raw(GET + "X-Name: " + "a" * (LIMIT - len(GET) - 12) + "\r\n"), "bytes")
        assert peer.answer()[0] == 200
    assert cpu_seconds(one.pid) - used < 5


@plain_only  # test_tls spends these ten seconds on heads and handshakes
def test_slow_heads_end_at_an_absolute_deadline(server):
    """It takes the 10 seconds of the deadline."""
    one = server("cat")
    begin = time.monotonic()
    end = begin + DEADLINE
    with one.connect() as silent, one.connect() as half, one.connect() as slow:
        half.send(b"GET / HT")
        slow.send(b"GET / HTTP/1.1\r\nX: ")
        slow.sock.settimeout(0.5)
        answer = b""
        while not answer and time.monotonic() < end:
            try:
                answer = slow.sock.recv(65536)
            except socket.timeout:
                slow.send(b"x")
        assert 9.5 < time.monotonic() - begin < 20
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        status, fields, body = half.answer()
        assert (status, body.split(b"\n")[0]) == (408, b"408 Request Timeout")
        assert dict(fields)["connection"] == "close"
        assert silent.read_to_end() == b""


def test_forms_of_a_target(server, files):
    one = server("--staticdir=%s" % files)
    (files / "index.html").unlink()
    got = []
    for target, host, _ in TARGETS:
        got.append((target, host, ask(one, raw("GET %s HTTP/1.1\r\nHost: %s\r\n" % (target, host)))[0]))
    assert got == TARGETS
    for request in ("CONNECT localhost:80 HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n"):
        assert ask(one, raw(request + HOST))[0] == 400


def test_preface_of_http2_is_closed(server):
    with server("cat").connect() as peer:
        peer.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\x12\4" + b"\0" * 23)
        assert peer.read_to_end() == b""


def test_client_that_only_half_closes_gets_its_answer(server, files):
    with server("--staticdir=%s" % files).connect() as peer:
        peer.send(raw("GET /a.txt HTTP/1.1\r\n" + HOST))
        peer.sock.shutdown(socket.SHUT_WR)
        assert peer.answer()[2] == b"a text\n"


def test_static_files(server, files):
    one = server("--staticdir=%s" % files)

    def get(path):
        status, fields, body = ask(one, raw("GET %s HTTP/1.1\r\n%s" % (path, HOST)))
        assert fields.pop("date")
        assert fields.pop("x-content-type-options") == "nosniff"
        assert int(fields.pop("content-length")) == len(body)
        assert {"etag", "last-modified", "accept-ranges"} == set(fields) - {"content-type", "location"} or status >= 300
        return status, fields["content-type"], body

    assert get("/") == (200, "text/html; charset=utf-8", b"<p>start</p>\n")
    assert get("/index.html") == (200, "text/html; charset=utf-8", b"<p>start</p>\n")
    assert get("/a.txt") == (200, "text/plain; charset=utf-8", b"a text\n")
    assert get("/%61.txt") == (200, "text/plain; charset=utf-8", b"a text\n")
    assert get("/empty.css") == (200, "text/css; charset=utf-8", b"")
    assert get("/sub/") == (200, "text/html; charset=utf-8", b"<p>sub</p>\n")
    assert get("/sub/app.js") == (200, "text/javascript; charset=utf-8", b"1\n")
    assert get("/noending") == (200, "application/octet-stream", b"<script>alert(1)</script>")
    for path in ("/missing", "/a.txt/x", "/A.TXT"):
        assert get(path) == (404, "text/plain; charset=utf-8", MISSING), path
    for path in ("/no-index/", "/a.txt/"):
        assert get(path) == (404, "text/plain; charset=utf-8", NO_INDEX), path


@pytest.mark.parametrize("seconds", (0, -1, -10**10, 10**10))
def test_files_of_any_date(server, files, seconds):
    os.utime(files / "a.txt", (seconds, seconds))
    status, fields, body = ask(server("--staticdir=%s" % files), raw("GET /a.txt HTTP/1.1\r\n" + HOST))
    assert (status, body) == (200, b"a text\n")
    assert len(fields["last-modified"]) == len("Thu, 01 Jan 1970 00:00:00 GMT")


def test_head_is_get_without_the_body(server, files):
    one = server("--staticdir=%s" % files)
    for path, status, length in (("/a.txt", 200, "7"), ("/empty.css", 200, "0"), ("/missing", 404, str(len(MISSING)))):
        got, fields, body = ask(one, raw("HEAD %s HTTP/1.1\r\n%s" % (path, HOST)))
        assert (got, fields["content-length"], body) == (status, length, b"")


def test_methods_of_static_files(server, files):
    one = server("--staticdir=%s" % files)
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get"):
        for path in ("/a.txt", "/missing"):
            status, fields, body = ask(one, raw("%s %s HTTP/1.1\r\n%s" % (method, path, HOST)))
            assert (status, fields["allow"], body) == (405, "GET, HEAD, OPTIONS", METHOD)
    assert (files / "a.txt").read_text() == "a text\n"


def test_options_names_the_methods(server, files):
    one = server("--staticdir=%s" % files)
    status, fields, body = ask(one, raw("OPTIONS /a.txt HTTP/1.1\r\n" + HOST))
    assert (status, fields["allow"], body) == (204, "GET, HEAD, OPTIONS", b"")
    assert "content-length" not in fields


def test_directory_without_its_slash(server, files):
    one = server("--staticdir=%s" % files)
    for target, location in (("/sub", "/sub/"), ("/no-index?a=/b", "/no-index/?a=/b"), ("/s%75b", "/s%75b/")):
        for method in ("GET", "HEAD"):
            status, fields, _ = ask(one, raw("%s %s HTTP/1.1\r\n%s" % (method, target, HOST)))
            assert (status, fields["location"]) == (301, location)


def test_parts_and_validators_of_a_file(server, files):
    """The tables of RFC 9110 are in tests/unit/test_conditional.c."""
    one = server("--staticdir=%s" % files)

    def get(fields, method="GET"):
        return ask(one, raw("%s /a.txt HTTP/1.1\r\n%s%s" % (method, HOST, fields)))

    status, fields, body = get("")
    tag, date = fields["etag"], fields["last-modified"]
    assert (status, body, fields["accept-ranges"]) == (200, b"a text\n", "bytes")
    for condition in ("If-None-Match: " + tag, "If-Modified-Since: " + date):
        for method in ("GET", "HEAD"):
            status, fields, body = get(condition + "\r\n", method)
            assert (status, fields["etag"], body) == (304, tag, b"")
            assert "content-length" not in fields and "connection" not in fields
    status, fields, body = get("Range: bytes=2-4\r\nIf-Range: %s\r\n" % tag)
    assert (status, fields["content-range"], body) == (206, "bytes 2-4/7", b"tex")
    status, fields, _ = get("Range: bytes=7-\r\n")
    assert (status, fields["content-range"]) == (416, "bytes */7")
    assert get("Range: bytes=0-1,3-4\r\n")[::2] == (200, b"a text\n")
    assert get("If-Match: \"x\"\r\n")[0] == 412
    (files / "a.txt").write_text("other\n")
    assert get("If-None-Match: %s\r\n" % tag)[::2] == (200, b"other\n")


def test_large_file_arrives_whole(server, files):
    data = bytes(range(256)) * 40000
    (files / "large.bin").write_bytes(data)
    one = server("--staticdir=%s" % files)
    status, fields, body = ask(one, raw("GET /large.bin HTTP/1.1\r\n" + HOST))
    assert (status, fields["content-length"]) == (200, str(len(data)))
    assert hashlib.sha256(body).digest() == hashlib.sha256(data).digest()


def test_client_that_leaves_during_a_large_file(server, files):
    (files / "large.bin").write_bytes(b"x" * 20000000)
    one = server("--staticdir=%s" % files)
    for leave in ("close", "reset"):
        peer = one.connect(rcvbuf=4096)
        peer.send(raw("GET /large.bin HTTP/1.1\r\n" + HOST))
        assert peer.response()[0] == 200
        getattr(peer, leave)()


CLOSE_WAIT = "08"  # as in /proc/net/tcp


def tcp_state(one, peer):
    """The state of the server's socket for a client."""
    ports = ["%04X" % address[1] for address in (one.addresses[0], peer.sock.getsockname())]
    with open("/proc/%d/net/tcp" % one.pid) as f:
        for fields in map(str.split, f):
            if [text.rpartition(":")[2] for text in fields[1:3]] == ports:
                return fields[3]
    return None


@plain_only
def test_client_that_half_closes_and_then_leaves_during_a_large_file(server, files):
    """Both are detected, each once."""
    (files / "large.bin").write_bytes(b"x" * 20000000)
    one = server("--staticdir=%s" % files)
    with one.connect(rcvbuf=4096) as peer:
        peer.send(raw("GET /large.bin HTTP/1.1\r\n" + HOST))
        assert peer.response()[0] == 200
        peer.sock.shutdown(socket.SHUT_WR)
        wait_for(lambda: tcp_state(one, peer) == CLOSE_WAIT, "the server's system has the FIN")
        assert ask(one, raw("GET /a.txt HTTP/1.1\r\n" + HOST))[0] == 200  # and so does the server
        peer.read(65536)
        peer.reset()
        # Long before it is too slow.
        wait_for(lambda: fd_count(one.pid) == one.fds, "its descriptors are closed", deadline=20)
