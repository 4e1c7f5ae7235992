# SPDX-License-Identifier: BSD-2-Clause
"""Plain HTTP requests to a server of WebSockets: the response explains how to connect."""

import re

import pytest
from conftest import TLS
from wsraw import KEY, TEXT, Peer, frame, own_address

WS = "wss" if TLS else "ws"
OFF = "--devconsole=false"  # which would be at the same paths


def ask(one, line="GET / HTTP/1.1", host="localhost:8080", extra=""):
    """(status, fields, body) of a request; HOST None leaves the field out."""
    with one.connect() as peer:
        field = "" if host is None else "Host: %s\r\n" % host
        peer.send(("%s\r\n%s%s\r\n" % (line, field, extra)).encode("latin-1"))
        return peer.answer()


def values(fields, name):
    return [v for k, v in fields if k == name]


def url_of(body):
    """The one URL of the text; what a user would paste."""
    (url,) = re.findall(r'new WebSocket\("([^"]*)"\)', body.decode())
    return url


def test_get_is_426_with_an_explanation(server):
    one = server(OFF, "cat")
    for line, host in (("GET / HTTP/1.1", "localhost:8080"), ("GET / HTTP/1.0", None), ("GET / HTTP/1.0", "localhost")):
        status, fields, body = ask(one, line, host)
        ends = ["close"] if "HTTP/1.0" in line else []
        assert (status, values(fields, "upgrade"), values(fields, "connection")) == (426, ["websocket"], ["Upgrade", *ends])
        assert values(fields, "content-type") == ["text/plain; charset=utf-8"]
        assert values(fields, "content-length") == [str(len(body))]
        assert body.startswith(b"426 Upgrade Required\n\nThis is a WebSocket server (wspipe), not a web page")
    status, fields, body = ask(one, "HEAD / HTTP/1.1")
    assert (status, values(fields, "upgrade"), body) == (426, ["websocket"], b"")
    assert values(fields, "content-length") == [str(len(ask(one)[2]))]
    one.wait_log(r'rejected status=426 .* host=localhost:8080 reason="plain HTTP request where only WebSocket is served')
    assert "session" not in one.log()


def test_the_text_names_the_url(server, script, tmp_path):
    one = server(OFF, "cat")
    for host in ("localhost:8080", "localhost", "127.0.0.1:1", "[::1]:8080", "a.localhost"):
        assert url_of(ask(one, host=host)[2]) == "%s://%s/" % (WS, host)
    assert url_of(ask(one, "GET /a/b.c-d_e?q HTTP/1.1")[2]) == "%s://localhost:8080/a/b.c-d_e" % WS
    # What would need escaping is left out.
    for path in ("/a%22b", "/a'b", "/a%20b", "/%3Cscript%3E", "/$(x)", "/\u00fc".encode().decode("latin-1"), "/" + "a" * 300):
        status, _, body = ask(one, "GET %s HTTP/1.1" % path)
        assert status in (400, 426)
        if status == 426:
            assert url_of(body) == "%s://localhost:8080/" % WS
    (tmp_path / "programs").mkdir()
    script("programs/a.sh", "#!/bin/sh\n")
    one = server(OFF, "--dir=programs", "--address=*")
    assert url_of(ask(one, "GET /a.sh/x HTTP/1.1", "ws.example.com:8080")[2]) == "%s://ws.example.com:8080/a.sh/x" % WS
    for host in ("a'b", "a$(b)", "a;b", "a&b", "a%22b", "a" * 300):
        assert b"new WebSocket" not in ask(one, "GET /a.sh HTTP/1.1", host)[2]


def test_every_client_gets_the_explanation(server):
    one = server(OFF, "--address=*", "cat")
    assert b"new WebSocket" in ask(one, extra="X-Forwarded-For: 192.0.2.1\r\n")[2]
    if own_address():
        with Peer((own_address(), one.addresses[0][1]), context=one.context) as peer:
            peer.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"new WebSocket" in peer.answer()[2]


@pytest.mark.parametrize("method", ("POST", "PUT", "DELETE", "get", "X" * 100))
def test_other_methods(server, method):
    one = server(OFF, "cat")
    status, fields, body = ask(one, "%s / HTTP/1.1" % method)
    assert (status, values(fields, "allow")) == (405, ["GET, HEAD, OPTIONS"])
    why = "is not supported: only WebSocket handshakes (and GET/HEAD with --staticdir)"
    if method in ("POST", "DELETE"):
        why = "needs the session of an event stream, in Wspipe-Session or ?session="
    assert body == b"405 Method Not Allowed\n\n%s %s\n" % (method[:32].encode(), why.encode())


@pytest.mark.parametrize("line, host", (("OPTIONS / HTTP/1.0", None), ("OPTIONS /a HTTP/1.1", "localhost")))
def test_health_check_of_haproxy(server, line, host):
    """Its default has no Host, and wants a 2xx or 3xx."""
    status, fields, _ = ask(server(OFF, "cat"), line, host)
    assert (status, values(fields, "allow")) == (204, ["GET, HEAD, OPTIONS"])


def test_below_a_directory(server, script, tmp_path):
    script("programs/a.sh", "#!/bin/sh\n")
    script("programs/b.sh", "#!/bin/sh\n", mode=0o644)
    script("programs/sub/c.sh", "#!/bin/sh\n")
    one = server(OFF, "--dir=programs")
    missing = b"404 Not Found\n\nno program in --dir=%s has this path\n" % str(tmp_path / "programs").encode()
    for path, status in (("/a.sh", 426), ("/a.sh/more", 426), ("/sub/c.sh", 426), ("/b.sh", 403), ("/", 404), ("/sub", 404), ("/x", 404)):
        got, _, body = ask(one, "GET %s HTTP/1.1" % path)
        assert got == status, path
        assert status != 404 or body == missing


def test_header_lines_of_the_user(server):
    one = server(OFF, "--header=X-All: a", "--header-http=X-Http: b", "--header-ws=X-Ws: c", "cat")
    for line in ("GET / HTTP/1.1", "POST / HTTP/1.1"):
        _, fields, _ = ask(one, line)
        assert [f for f in fields if f[0] in ("x-all", "x-http", "x-ws")] == [("x-all", "a"), ("x-http", "b")]


def test_compat_answers_as_websocketd(server):
    assert ask(server("--compat=websocketd", "cat"))[0] == 404


LOST = {"Connection": "Upgrade", "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}


@pytest.mark.parametrize("static", (True, False))
def test_a_handshake_that_a_proxy_has_mangled(server, tmp_path, static):
    (tmp_path / "index.html").write_text("hi\n")
    one = server(*["--staticdir=."] * static, "/bin/cat")
    lost = "".join("%s: %s\r\n" % field for field in LOST.items())
    for line, extra, status, reason in (
        ("GET / HTTP/1.1", lost, 426, "WebSocket handshake without 'Upgrade: websocket'; a proxy may have removed it (nginx: proxy_set_header Upgrade $http_upgrade)"),
        ("GET / HTTP/1.0", lost, 426, "WebSocket handshake without 'Upgrade: websocket'; a proxy may have removed it (nginx: proxy_set_header Upgrade $http_upgrade)"),
        ("GET / HTTP/1.0", lost + "Upgrade: websocket\r\n", 400, "Upgrade requires HTTP/1.1; a proxy may use HTTP/1.0 (nginx: proxy_http_version 1.1)"),
        ("GET / HTTP/1.1", lost.replace("Connection: Upgrade", "Connection: close") + "Upgrade: websocket\r\n", 400,
         "missing 'Connection: Upgrade'; a proxy may have removed it (nginx: proxy_set_header Connection upgrade)"),
    ):
        assert ask(one, line, "localhost", extra)[0] == status
        one.wait_log(" status=%d .* reason=\"%s\"\n" % (status, re.escape(reason)))


def test_the_host_is_checked_first(server):
    one = server(OFF, "cat")
    status, _, body = ask(one, host="evil.example")
    assert (status, body) == (
        421,
        b"421 Misdirected Request\n\nHost 'evil.example' is rejected because the server only listens on loopback; "
        b"allow it with --host=evil.example\n",
    )


def test_health_path(server, script, tmp_path):
    """A load balancer sends any Host, or none, and no program is started."""
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "health").write_text("a file\n")
    for options in (["cat"], ["--dir=/"], ["--staticdir=page"], ["--host=ws.example", "--address=*", "cat"], ["--compat=websocketd", "cat"]):
        one = server(OFF, "--health-path=/health", *options)
        for line, host in (
            ("GET /health HTTP/1.1", "10.0.0.5:8080"),
            ("GET /health?full HTTP/1.1", "evil.example"),
            ("GET http://evil.example/health HTTP/1.1", "localhost"),
            ("GET /health HTTP/1.0", None),
        ):
            status, fields, body = ask(one, line, host, "Origin: http://evil.example\r\n")
            assert (status, body) == (200, b"200 OK\n")
            assert values(fields, "cache-control") == ["no-store"]
        assert ask(one, "HEAD /health HTTP/1.1")[::2] == (200, b"")
        assert ask(one, "POST /health HTTP/1.1")[0] == 405
        for path in ("/healthy", "/health/", "/Health", "//health", "/"):
            assert ask(one, "GET %s HTTP/1.1" % path)[0] in (301, 400, 404, 426), path
        assert "status=200" not in one.log()
        assert "session #" not in one.log()


def test_health_path_and_handshakes(server):
    with server("--health-path=/health", "cat").websocket("/health") as ws:
        ws.send(frame(TEXT, "hi"))
        assert ws.text() == "hi"


def test_no_health_path_without_the_option(server):
    assert ask(server(OFF, "cat"), "GET /health HTTP/1.1", "evil.example")[0] == 421
