# SPDX-License-Identifier: BSD-2-Clause
"""CGI scripts below --cgidir: what RFC 3875 demands by name, streaming, limits, and what is left afterwards."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading

import pytest
from conftest import SCHEME, WSPIPE, children, rss_kib, wait_for
from probes import KIB, MIB, Clock, is_alive, read_file, unsanitized
from wsraw import DEADLINE, read_chunk

SH = "#!/bin/sh\n"
PY = "#!/usr/bin/python3\nimport os, sys, time\n"
PLAIN = SH + "printf 'Content-Type: text/plain\\n\\n'\n"


@pytest.fixture
def cgi(script):
    """cgi("a.sh", text): a script at /a.sh."""
    return lambda name, text, mode=0o755: script("cgi/" + name, text, mode)


@pytest.fixture
def site(server, tmp_path):
    """A server of these scripts."""
    (tmp_path / "cgi").mkdir(exist_ok=True)
    return lambda *args, **kwargs: server("--cgidir=%s" % (tmp_path / "cgi"), *args, **kwargs)


def request(path="/a.sh", method="GET", fields="", body=b"", version="HTTP/1.1", host="localhost"):
    return ("%s %s %s\r\nHost: %s\r\n%s\r\n" % (method, path, version, host, fields)).encode() + body


def post(body, path="/a.sh", fields=""):
    return request(path, "POST", "Content-Length: %d\r\n%s" % (len(body), fields), body)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = "Transfer-Encoding: chunked\r\n"


def read_body(peer, fields):
    if fields.get("transfer-encoding") != "chunked":
        return peer.read(int(fields["content-length"]))
    parts = []
    while not parts or parts[-1]:
        parts.append(read_chunk(peer))
    return b"".join(parts)


def read_response(peer, head_only=False):
    status, fields = peer.response()
    while status == 100:
        status, fields = peer.response()
    fields = dict(fields)
    return status, fields, b"" if head_only or status in (204, 304) else read_body(peer, fields)


def ask(one, what=None, **kwargs):
    with one.connect() as peer:
        peer.send(what or request(**kwargs))
        return read_response(peer, kwargs.get("method") == "HEAD")


def variables(one, what=None, **kwargs):
    status, _, body = ask(one, what, **kwargs)
    assert status == 200, body
    return dict(line.split("=", 1) for line in body.decode().splitlines() if "=" in line)


# Pages of other sites


@pytest.mark.parametrize("method", ("POST", "PUT", "DELETE", "PATCH", "X"))
@pytest.mark.parametrize("origin", ("https://evil.example", "null", ""))
def test_a_page_of_another_site_changes_nothing(cgi, site, tmp_path, method, origin):
    cgi("a.sh", PLAIN + "touch %s/ran\n" % tmp_path)
    status, _, body = ask(site(), method=method, fields="Origin: %s\r\n" % origin)
    assert status == 403 and b"rigin" in body
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("method", "origin", "options"),
    (
        ("POST", None, ()),
        ("POST", None, ("--require-origin",)),
        ("POST", "SELF", ()),
        ("POST", "https://shop.example", ("--origin=https://shop.example",)),
        ("POST", "https://evil.example", ("--origin=any",)),
        ("POST", "https://evil.example", ("--compat=websocketd", "--address=127.0.0.1")),
        ("GET", "https://evil.example", ()),
        ("HEAD", "https://evil.example", ()),
        ("OPTIONS", "https://evil.example", ()),
    ),
)
def test_a_script_runs_for(cgi, site, method, origin, options):
    cgi("a.sh", PLAIN)
    one = site(*options)
    host = "localhost:%d" % one.addresses[0][1]
    if origin == "SELF":
        origin = "%s://%s" % (SCHEME, host)
    fields = "Origin: %s\r\n" % origin if origin else ""
    with one.connect() as peer:
        peer.send(request("/a.sh", method, fields, host=host))
        assert read_response(peer, method == "HEAD")[0] == 200


# RFC 3875, section 4.1: meta-variables.


@pytest.fixture
def env(cgi, site):
    cgi("env.sh", PLAIN + "env\n")
    cgi("sub/env.sh", PLAIN + "env\n")
    return site


def test_4_1_2_content_length_is_the_length_of_the_body(env):
    one = env()
    assert variables(one, post(b"12345", "/env.sh"))["CONTENT_LENGTH"] == "5"
    assert variables(one, request("/env.sh", "POST", "Content-Length: 007\r\n", b"1234567"))["CONTENT_LENGTH"] == "7"
    assert "CONTENT_LENGTH" not in variables(one, path="/env.sh")
    found = variables(one, request("/env.sh", "POST", CHUNKED, chunk(b"abc") + chunk(b"")))
    assert "CONTENT_LENGTH" not in found and "HTTP_TRANSFER_ENCODING" not in found


def test_4_1_3_content_type_is_that_of_the_request(env):
    one = env()
    found = variables(one, post(b"a=1", "/env.sh", "Content-Type: application/x-www-form-urlencoded\r\n"))
    assert found["CONTENT_TYPE"] == "application/x-www-form-urlencoded"
    assert "HTTP_CONTENT_TYPE" not in found and "HTTP_CONTENT_LENGTH" not in found
    assert "CONTENT_TYPE" not in variables(one, path="/env.sh")


@pytest.mark.parametrize(
    "target, name, info, query",
    (
        ("/env.sh", "/env.sh", "", ""),
        ("/env.sh/", "/env.sh", "/", ""),
        ("/env.sh/a%20b/c?x=%20y", "/env.sh", "/a b/c", "x=%20y"),
        ("/sub/env.sh/%C3%A4?", "/sub/env.sh", "/ä", ""),
        ("/env%2Esh?-d+x", "/env.sh", "", "-d+x"),
    ),
)
def test_4_1_5_path_info_4_1_13_script_name_4_1_7_query_string(env, target, name, info, query):
    found = variables(env(), path=target)
    assert (found["SCRIPT_NAME"], found["PATH_INFO"], found["QUERY_STRING"]) == (name, info, query)
    assert found["REQUEST_URI"] == target


def test_4_1_6_path_translated_is_below_the_static_files(env, tmp_path):
    (tmp_path / "public").mkdir()
    one = env("--staticdir=public")
    assert variables(one, path="/env.sh/x/y%20z")["PATH_TRANSLATED"] == "%s/public/x/y z" % tmp_path
    assert "PATH_TRANSLATED" not in variables(one, path="/env.sh")
    assert "PATH_TRANSLATED" not in variables(env(), path="/env.sh/x")


@pytest.mark.parametrize("method", ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "x-own"))
def test_4_1_12_request_method_is_passed_as_it_is(env, method):
    assert variables(env(), path="/env.sh", method=method)["REQUEST_METHOD"] == method


def test_the_trace_of_the_request_has_variables(env):
    one = env()
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
    found = variables(one, request("/env.sh", "GET", "Traceparent: %s\r\nTracestate: a=1\r\n" % given))
    assert (found["TRACEPARENT"], found["TRACESTATE"]) == (given, "a=1")
    found = variables(one, path="/env.sh")
    assert found["TRACEPARENT"].endswith("-01") and "TRACESTATE" not in found


def test_4_1_14_to_4_1_17_server_variables_are_never_empty(env):
    one = env()
    found = variables(one, path="/env.sh")
    assert (found["SERVER_NAME"], found["SERVER_PORT"]) == ("localhost", {"http": "80", "https": "443"}[SCHEME])
    assert (found["SERVER_PROTOCOL"], found["GATEWAY_INTERFACE"]) == ("HTTP/1.1", "CGI/1.1")
    assert found["SERVER_SOFTWARE"].startswith("wspipe/") and found["REMOTE_ADDR"] == "127.0.0.1"
    assert ("HTTPS" in found) == (SCHEME == "https")
    with one.connect() as peer:
        peer.send(request("/env.sh", version="HTTP/1.0"))
        assert b"SERVER_PROTOCOL=HTTP/1.0\n" in peer.answer()[2]


def test_4_1_18_fields_become_variables(env):
    one = env()
    fields = (
        "X-A: 1\r\nx-a: 2\r\nCookie: a=1\r\nCookie: b=2\r\nProxy: evil\r\nX_B: spoof\r\nAuthorization: Basic eDp5\r\n"
    )
    found = variables(one, path="/env.sh", fields=fields)
    assert (found["HTTP_X_A"], found["HTTP_COOKIE"], found["HTTP_HOST"]) == ("1, 2", "a=1; b=2", "localhost")
    assert not {"HTTP_PROXY", "HTTP_X_B", "HTTP_AUTHORIZATION"} & set(found)
    assert variables(env("--pass-auth"), path="/env.sh", fields=fields)["HTTP_AUTHORIZATION"] == "Basic eDp5"


def test_4_2_the_body_is_the_input(cgi, site):
    cgi("a.sh", PLAIN + "cat\n")
    one = site()
    assert ask(one)[2] == b""
    assert ask(one, post(b"x" * 300000))[2] == b"x" * 300000
    pieces = [os.urandom(1 + i * 50) for i in range(100)]
    body = b"".join(map(chunk, pieces)) + b"0\r\nX-Trailer: dropped\r\n\r\n"
    assert ask(one, request("/a.sh", "POST", CHUNKED, body))[2] == b"".join(pieces)


def test_4_3_3_head_has_no_body(cgi, site):
    cgi("a.sh", SH + "printf 'Content-Type: text/plain\\nContent-Length: 5\\nX-M: %s\\n\\n12345' $REQUEST_METHOD\n")
    cgi("endless.sh", PLAIN + "while echo x; do :; done\n")
    with site().connect() as peer:
        peer.send(request(method="HEAD"))
        status, fields, _ = read_response(peer, head_only=True)
        assert (status, fields["content-length"], fields["x-m"]) == (200, "5", "HEAD")
        peer.send(request("/endless.sh", "HEAD"))
        assert read_response(peer, head_only=True)[0] == 200
        peer.send(request())
        assert read_response(peer)[2] == b"12345"


def test_4_4_a_query_is_no_argument(cgi, site):
    cgi("a.sh", PLAIN + 'echo "$#"\n')
    assert ask(site(), path="/a.sh?one+two")[2] == b"0\n"


def test_7_2_the_working_directory_is_that_of_the_script(cgi, site, tmp_path):
    cgi("sub/dir/a.sh", PLAIN + "pwd\n")
    assert ask(site(), path="/sub/dir/a.sh")[2].decode() == "%s/cgi/sub/dir\n" % tmp_path


# RFC 3875, section 6: the response.

TYPE = "Content-Type: text/plain"


@pytest.mark.parametrize(
    "output, status, fields, body",
    (
        (TYPE + "\n\nbody", 200, {"content-type": "text/plain"}, b"body"),
        (TYPE + "\r\n\r\nbody", 200, {"content-type": "text/plain"}, b"body"),
        ("content-TYPE:text/plain\nStatus: 404 Not Here\n\n", 404, {"content-type": "text/plain"}, b""),
        ("Status: 500\n\nx", 500, {}, b"x"),
        ("Status: 299 Own Phrase\n\nx", 299, {}, b"x"),
        (TYPE + "\nContent-Length: 4\n\nbody", 200, {"content-length": "4"}, b"body"),
        (TYPE + "\nContent-Length: 4\n\nbody and more", 200, {"content-length": "4"}, b"body"),
        (TYPE + "\nX-Own: a:b\nX-Own: c\nX-Empty:\n\n", 200, {"x-own": "c", "x-empty": ""}, b""),
        ("Status: 204 No Content\n\ndropped", 204, {}, b""),
        ("Status: 304\nETag: x\n\ndropped", 304, {"etag": "x"}, b""),
        ("Location: https://example.com/x?y\n\n", 302, {"location": "https://example.com/x?y"}, b""),
        ("Location: //example.com/x\n\n", 302, {"location": "//example.com/x"}, b""),
        ("Location: /x\nStatus: 303 See Other\n\n", 303, {"location": "/x"}, b""),
        ("Location: /x\nSet-Cookie: a=1\n\n", 302, {"location": "/x", "set-cookie": "a=1"}, b""),
        ("Location: http://a/\n" + TYPE + "\n\nmoved", 302, {"content-type": "text/plain"}, b"moved"),
    ),
)
def test_6_2_6_3_responses(cgi, site, output, status, fields, body):
    cgi("a.py", PY + "sys.stdout.write(%r)\n" % output)
    found = ask(site(), path="/a.py")
    assert (found[0], found[2]) == (status, body)
    assert {k: found[1].get(k) for k in fields} == fields


def test_6_3_3_the_reason_phrase_is_sent(cgi, site):
    cgi("a.sh", SH + "printf 'Status: 299 Own Phrase\\n\\n'\n")
    with site().connect() as peer:
        peer.send(request())
        assert peer.read(30) == b"HTTP/1.1 299 Own Phrase\r\nDate:"


def test_each_status_in_the_manual_has_a_reason_phrase(cgi, site):
    with open(os.path.join(os.environ.get("top_srcdir", ".."), "doc", "wspipe.1"), encoding="utf-8") as manual:
        section = re.search(r"^\.Sh HTTP STATUSES\n(.*?)^\.Sh ", manual.read(), re.M | re.S)[1]
    statuses = ["202", *re.findall(r"^\.It (\d+)$", section, re.M)]
    assert len(statuses) > 15
    cgi("a.sh", SH + "printf 'Status: %s\n\n' \"$QUERY_STRING\"\n")
    one = site()
    for status in statuses:
        with one.connect() as peer:
            peer.send(request("/a.sh?" + status, fields="Connection: close\r\n"))
            assert re.match(rb"HTTP/1.1 %s [A-Z]" % status.encode(), peer.read_to_end()), status


def test_6_3_4_fields_of_the_connection_are_dropped(cgi, site):
    dropped = "Connection: close\nKeep-Alive: x\nTransfer-Encoding: chunked\nUpgrade: x\nTE: x\nTrailer: x\nX-CGI-Own: x\n"
    cgi("a.py", PY + "sys.stdout.write(%r)\n" % (dropped + TYPE + "\nContent-Length: 2\nDate: yesterday\n\nab"))
    with site().connect() as peer:
        for _ in range(2):
            peer.send(request(path="/a.py"))
            status, fields = peer.response()
            assert status == 200 and peer.read(2) == b"ab"
            names = [name for name, _ in fields]
            assert sorted(names) == ["content-length", "content-type", "date", "x-content-type-options"]
            assert dict(fields)["date"] != "yesterday"


@pytest.mark.parametrize(
    "output, reason",
    (
        ("", "the CGI script wrote nothing (exit 7)"),
        (TYPE + "\n", "the CGI script did not finish its header (exit 7)"),
        ("hello\n\n", "line without a colon in the header"),
        ("\nbody", "the header has no Content-Type, Location or Status"),
        ("X-A: b\n\n", "the header has no Content-Type, Location or Status"),
        (TYPE + "\n" + TYPE + "\n\n", "repeated Content-Type"),
        ("Status: 200\nStatus: 200\n\n", "repeated Status"),
        ("Status: 99\n\n", "Status does not begin with a number from 200 to 599"),
        ("Status: OK\n\n", "Status does not begin with a number from 200 to 599"),
        (TYPE + "\n folded\n\n", "folded line in the header"),
        (TYPE + "\nX A: b\n\n", "invalid field name in the header"),
        (TYPE + "\nX-A : b\n\n", "invalid field name in the header"),
        (TYPE + "\nX-A: b\rX-B: c\n\n", "control character in the header"),
        (TYPE + "\nX-A: b\0\n\n", "control character in the header"),
        (TYPE + "\nContent-Length: -1\n\n", "Content-Length is not a number"),
        (TYPE + "\nX-A: " + 17000 * "x" + "\n\n", "the header is larger than 16 KiB"),
    ),
)
def test_malformed_headers_are_502_with_the_reason(cgi, site, output, reason):
    cgi("a.py", PY + "sys.stdout.write(%r)\nsys.stdout.flush()\nos._exit(7)\n" % output)
    one = site()
    status, _, body = ask(one, path="/a.py")
    assert status == 502 and reason.encode() in body
    one.wait_log(r"access http rejected status=502 .* target=/a\.py .*reason=\"?%s" % re.escape(reason))


def test_killed_without_output_is_502_with_the_signal(cgi, site):
    cgi("a.sh", SH + "kill -KILL $$\n")
    assert b"the CGI script wrote nothing (signal KILL)" in ask(site())[2]


def test_response_shorter_than_its_length_is_aborted(cgi, site):
    cgi("a.sh", SH + "printf 'Content-Type: text/plain\\nContent-Length: 10\\n\\n12345'\n")
    one = site()
    with one.connect() as peer:
        peer.send(request())
        assert peer.response()[0] == 200
        with pytest.raises((EOFError, ConnectionResetError)):
            peer.read(10)
    one.wait_log("the response is shorter than its Content-Length")


@pytest.mark.parametrize("text", ("12345678", "1234567", "12345"))
def test_response_longer_than_its_length_is_truncated(cgi, site, text):
    """At once, in two pieces, and without an excess."""
    cgi("a.sh", SH + "printf 'Content-Type: text/plain\\nContent-Length: 5\\n\\n%s'; sleep 0.1; printf %s\n" % (text[:6], text[6:] or "''"))
    one = site()
    assert ask(one)[2] == b"12345"
    assert ask(one)[2] == b"12345"
    if len(text) > 5:
        one.wait_log("the response is longer than its Content-Length", count=2)
    one.stop()
    assert one.log().count("the response is longer than its Content-Length") == (2 if len(text) > 5 else 0)


# Section 6.2.2: local redirects.


def test_local_redirect_is_served_as_if_requested(env, cgi, tmp_path):
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "file.txt").write_text("a file\n")
    cgi("to.sh", SH + 'printf "Location: %s\\n\\n" "$QUERY_STRING"\n')
    with env("--staticdir=public").connect() as peer:
        peer.send(request("/to.sh?/file.txt"))
        assert read_response(peer)[2] == b"a file\n"
        peer.send(request("/to.sh?/none"))
        assert read_response(peer)[0] == 404
        peer.send(request("/to.sh?/to.sh?/file.txt", fields="X-A: kept\r\n"))
        assert read_response(peer)[2] == b"a file\n"
        peer.send(request("/to.sh?/env.sh/info?q", "POST", "X-A: kept\r\nContent-Length: 3\r\n", b"abc"))
        status, _, body = read_response(peer)
        found = dict(line.split("=", 1) for line in body.decode().splitlines())
        assert (status, found["REQUEST_METHOD"], found["PATH_INFO"], found["QUERY_STRING"]) == (200, "GET", "/info", "q")
        assert found["HTTP_X_A"] == "kept" and "CONTENT_LENGTH" not in found


@pytest.mark.parametrize("location", ("/a.sh", "/a b", "/../etc", "/%zz", "/x#y"))
def test_local_redirects_are_bounded_and_checked(cgi, site, location):
    cgi("a.sh", SH + "printf 'Location: %s\\n\\n' '" + location + "'\n")
    assert ask(site("--maxforks=1"))[0] in (400, 502)


# Which request gets a script.


def test_dispatch_order(cgi, server, script, tmp_path):
    """WebSocket, console, CGI, static files, 404."""
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "a.sh").write_text("file\n")
    (tmp_path / "public" / "index.html").write_text("index\n")
    cgi("a.sh", PLAIN + "echo cgi\n")
    script("ws/a.sh", SH + "echo websocket\n")
    dirs = ["--cgidir=cgi", "--staticdir=public"]
    for args in (["--dir=ws"], []):
        one = server(*dirs, *args, *([] if args else ["echo", "websocket"]))
        assert one.websocket("/a.sh").text() == "websocket"
        assert ask(one)[2] == b"cgi\n"
        assert ask(one, path="/")[2] == b"index\n"
        assert ask(one, path="/none")[0] == 404
        assert b"<html" in ask(one, path="/-/console")[2]
    one = server("--cgidir=cgi", "--devconsole=false", "cat")
    assert ask(one)[2] == b"cgi\n"
    assert ask(one, path="/none")[0] == 426
    assert b"<html" in ask(server("--cgidir=cgi", "cat"), path="/")[2]
    one = server("--cgidir=cgi")
    assert b"no CGI script in --cgidir has this path" in ask(one, path="/none", method="POST")[2]
    assert ask(one, path="/")[0] == 404


def test_what_is_no_script(cgi, site, tmp_path):
    cgi("plain.txt", "secret", 0o644)
    cgi("sub/a.sh", PLAIN)
    cgi("broken.sh", "#!/nonexistent/interpreter\n")
    cgi(".hidden.sh", PLAIN)
    cgi("old.sh~", PLAIN)
    os.mkfifo(tmp_path / "cgi" / "fifo")
    outside = tmp_path / "outside.sh"
    outside.write_text(PLAIN)
    outside.chmod(0o755)
    (tmp_path / "cgi" / "link.sh").symlink_to(outside)
    (tmp_path / "cgi" / "inside.sh").symlink_to(tmp_path / "cgi" / "sub" / "a.sh")
    one = site()
    expected = {
        "/plain.txt": 403, "/sub": 404, "/sub/": 404, "/sub/a.sh": 200, "/broken.sh": 500, "/.hidden.sh": 404,
        "/old.sh~": 404, "/fifo": 404, "/link.sh": 404, "/inside.sh": 200, "/sub/../sub/a.sh": 400,
        "/sub//a.sh": 400, "/sub/a.sh/../x": 400, "/sub/a.sh%0ax": 400, "/sub%2fa.sh": 400, "/..%2foutside.sh": 400,
        "/%2e%2e/outside.sh": 400, "/sub/a.sh/%00": 400,
    }  # fmt: skip
    assert {path: ask(one, path=path)[0] for path in expected} == expected


@pytest.mark.parametrize("cgidir, static", (("s/cgi", "s"), ("s", "s"), ("s", "s/public")))
def test_scripts_are_never_among_the_static_files(tmp_path, cgidir, static):
    for name in (cgidir, static):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    args = [WSPIPE, "--port=0", "--cgidir=" + cgidir, "--staticdir=" + static]
    done = subprocess.run(args, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 78 and "overlap, so anyone could download the programs' source" in done.stderr


def test_an_endpoint_of_a_file_has_its_own_scripts(cgi, server, tmp_path):
    cgi("a.sh", PLAIN + "env\n")
    cgi("to.sh", SH + "printf 'Location: /app/a.sh/y\\n\\n'\n")
    (tmp_path / "wspipe.conf").write_text("port = 0\npassenv = +WSPIPE_TEST_TAG\n[/app]\ncgidir = cgi\nmax-body = 3\n[/ws]\ncommand = cat\n")
    one = server("--config=wspipe.conf", passenv=False)
    found = variables(one, path="/app/a.sh/x")
    assert (found["SCRIPT_NAME"], found["PATH_INFO"]) == ("/app/a.sh", "/x")
    assert variables(one, path="/app/to.sh")["PATH_INFO"] == "/y"
    assert ask(one, post(b"1234", "/app/a.sh"))[0] == 413
    assert ask(one, path="/a.sh")[0] == 404


# Limits.


def test_max_body(cgi, site):
    cgi("a.sh", SH + "cat >got; printf 'Content-Type: text/plain\\n\\n'; cat got\n")
    cgi("never.sh", SH + "trap '' INT; cat >never; touch done\n")
    one = site("--max-body=1k")
    assert ask(one, post(b"x" * 1024))[2] == b"x" * 1024
    status, fields, body = ask(one, post(b"x" * 1025))
    assert (status, fields["connection"]) == (413, "close") and b"--max-body" in body
    status, fields, _ = ask(one, request("/a.sh", "POST", CHUNKED, chunk(b"x" * 1000) + chunk(b"y" * 100)))
    assert (status, fields["connection"]) == (413, "close")
    assert ask(site("--max-body=0"), post(b"x" * MIB))[2] == b"x" * MIB


def test_input_that_is_cut_short_never_looks_complete(cgi, site, tmp_path):
    """A script that reads to the end of its input must not see an end in the middle."""
    cgi("a.sh", SH + "touch started; cat >/dev/null; touch complete\n")
    one = site("--max-body=1k")
    assert ask(one, request("/a.sh", "POST", CHUNKED, chunk(b"x" * 2000)))[0] == 413
    one.check_clean()
    assert ask(one, request("/a.sh", "POST", CHUNKED, chunk(b"x") + b"zz\r\n"))[0] == 400
    one.check_clean()
    with one.connect() as peer:
        peer.send(request("/a.sh", "POST", CHUNKED, chunk(b"x")))
        wait_for(lambda: one.tagged(), "it runs")
    one.check_clean()
    assert not (tmp_path / "cgi" / "complete").exists()


def test_body_limit_after_the_response_has_begun_aborts_it(cgi, site):
    cgi("a.sh", PLAIN + "echo early; cat >/dev/null\n")
    with site("--max-body=1k").connect() as peer:
        peer.send(request("/a.sh", "POST", CHUNKED, chunk(b"x")))
        assert peer.response()[0] == 200 and read_chunk(peer) == b"early\n"
        peer.send(chunk(b"x" * 2000))
        with pytest.raises((EOFError, ConnectionResetError)):
            read_chunk(peer)


def test_cgi_timeout_is_504(cgi, site):
    cgi("a.sh", SH + "printf 'Content-Type: text/plain\\n'; sleep 600\n")
    status, _, body = ask(site("--cgi-timeout=200ms"))
    assert status == 504 and b"--cgi-timeout" in body


@unsanitized
def test_cgi_timeout_does_not_concern_the_body(cgi, site, tmp_path):
    cgi("a.sh", PLAIN + "echo x; read go <go; echo y\n")
    clock = Clock(tmp_path)
    one = site("--cgi-timeout=20s", "--maxforks=2", env=clock.env)
    cgi("slow.sh", SH + "echo it runs >&2; sleep 600\n")
    os.mkfifo(os.path.join(os.path.dirname(cgi("x", "")), "go"))
    with one.connect() as peer:
        peer.send(request())
        assert peer.response()[0] == 200 and read_chunk(peer) == b"x\n"
        with one.connect() as other:
            other.send(request("/slow.sh"))
            one.wait_log("it runs")
            clock.put_forward(21)  # less than a client may take to confirm what it was sent
            assert read_response(other)[0] == 504
        with open(os.path.join(os.path.dirname(cgi("x", "")), "go"), "w") as go:
            go.write("on\n")
        assert read_chunk(peer) == b"y\n"


def test_maxforks_counts_sessions_and_scripts_together(cgi, site):
    cgi("a.sh", PLAIN + "echo x; cat; sleep 600\n")
    one = site("--maxforks=2", "cat")
    with one.websocket("/") as session, one.connect() as peer:
        peer.send(request())
        assert peer.response()[0] == 200 and read_chunk(peer) == b"x\n"
        status, fields, body = ask(one)
        assert status == 429 and b"--maxforks" in body and fields["retry-after"] == "5"
        with one.connect() as other:
            other.send(other.request_bytes("/"))
            assert other.response()[0] == 429
        session.close()
        wait_for(lambda: len(children(one.pid)) == 1, "the session's program has ended")
        cgi("b.sh", PLAIN)
        assert ask(one, path="/b.sh")[0] == 200


# Streaming and backpressure.


def test_events_reach_the_client_one_by_one(cgi, site, tmp_path):
    cgi("a.sh", SH + "printf 'Content-Type: text/event-stream\\n\\n'\nfor i in 1 2 3; do echo data: $i; echo; read go <go$i; done\n")
    for i in (1, 2, 3):
        os.mkfifo(tmp_path / "cgi" / ("go%d" % i))
    with site().connect() as peer:
        peer.send(request())
        status, fields = peer.response()
        assert (status, dict(fields)["content-type"]) == (200, "text/event-stream")
        for i in (1, 2, 3):
            event = b""
            while not event.endswith(b"\n\n"):
                event += read_chunk(peer)
            assert event == b"data: %d\n\n" % i
            with open(tmp_path / "cgi" / ("go%d" % i), "w") as go:
                go.write("on\n")
        assert read_chunk(peer) == b""


def test_both_directions_flow_at_once(cgi, site):
    cgi("a.sh", PLAIN + "exec cat\n")
    with site().connect() as peer:
        peer.send(request("/a.sh", "POST", CHUNKED, chunk(b"first\n")))
        assert peer.response()[0] == 200 and read_chunk(peer) == b"first\n"
        for _ in range(3):
            peer.send(chunk(b"next\n"))
            assert read_chunk(peer) == b"next\n"
        peer.send(b"0\r\n\r\n")
        assert read_chunk(peer) == b""


@pytest.mark.parametrize("size", (3 * MIB,))
def test_large_bodies_both_ways(cgi, site, size):
    cgi("a.sh", PLAIN + "exec cat\n")
    data = os.urandom(size)
    one = site()
    with one.connect() as peer:
        sender = threading.Thread(target=peer.send, args=(post(data),))
        sender.start()
        assert read_response(peer)[2] == data
        sender.join()


def server_memory_is_bounded(one, baseline, what, limit_kib=4 * KIB):
    assert rss_kib(one.pid) - baseline < limit_kib, what


@unsanitized
def test_client_that_does_not_read_stops_the_script(cgi, site, tmp_path):
    """1 GiB for it: a few buffers are filled, and the memory stays as it is."""
    cgi("a.py", PY + "os.write(1, b'Content-Type: x/y\\n\\n')\nfor i in range(1024):\n"
        "    for k in range(16): os.write(1, bytes(65536))\n    open('wrote', 'w').write(str(i))\n")  # fmt: skip
    one = site()
    assert ask(one, path="/none")[0] == 404
    baseline = rss_kib(one.pid)
    with one.connect(rcvbuf=4096) as peer:
        peer.send(request("/a.py"))
        assert peer.response()[0] == 200
        pid = wait_for(lambda: children(one.pid), "it runs")[0][0]

        def is_blocked():
            with open("/proc/%d/wchan" % pid) as f:
                return "pipe" in f.read()

        def stands_still():
            if not is_blocked():
                return False
            with open("/proc/%d/io" % pid) as f:
                before = f.read()
            threading.Event().wait(0.2)
            with open("/proc/%d/io" % pid) as f:
                return f.read() == before

        wait_for(stands_still, "the script is blocked")
        assert int(read_file(tmp_path / "cgi" / "wrote") or 0) < 32
        server_memory_is_bounded(one, baseline, "while the client does not read")
        peer.reset()
    one.check_clean()


@unsanitized
def test_script_that_does_not_read_stops_the_client(cgi, site):
    cgi("a.sh", SH + "sleep 600\n")
    one = site("--max-body=0", "--cgi-timeout=0")
    baseline = rss_kib(one.pid)
    with one.connect() as peer:
        peer.send(request("/a.sh", "POST", "Content-Length: %d\r\n" % (1 << 30)))
        peer.sock.setblocking(False)
        sent = 0
        stalled = 0
        while stalled < 20:
            try:
                sent += peer.sock.send(bytes(65536))
                stalled = 0
            except (BlockingIOError, OSError):
                stalled += 1
                threading.Event().wait(0.02)
        assert sent < 64 * MIB
        server_memory_is_bounded(one, baseline, "while the script does not read")
        assert one.tagged()
        peer.reset()
    one.check_clean()  # that the client is gone was noticed, although nothing is read


def test_client_that_disconnects_while_its_body_is_paused(cgi, site):
    cgi("a.sh", SH + "sleep 600\n")
    one = site("--cgi-timeout=0")
    with one.connect() as peer:
        peer.send(request("/a.sh", "POST", "Content-Length: 200000\r\n", bytes(100000)))
        wait_for(one.tagged, "it runs")
    one.check_clean()


# What is left afterwards: the fixture looks for processes and descriptors, too.

DETACHED = "sleep 600 & sleep 600 >/dev/null 2>&1 </dev/null &\n"


@pytest.mark.parametrize(
    "text",
    (
        PLAIN + "echo body\n",
        PLAIN + DETACHED + "echo body\n",
        PLAIN + "trap '' INT TERM HUP\necho body; exec >&-; sleep 600\n",
        PLAIN + "echo body; exec >&-; sleep 600\n",
        PLAIN + "echo body; exec >&- 2>&-; sleep 600 & wait\n",
        PLAIN + "echo body; kill -KILL $$\n",
        PLAIN + "exec <&-; echo body\n",
    ),
    ids=("exit", "background", "ignores-signals", "closes-stdout", "closes-all", "killed", "closes-stdin"),
)
def test_nothing_is_left_of_a_script(cgi, site, text):
    cgi("a.sh", text)
    one = site()
    assert ask(one)[2] == b"body\n"
    one.check_clean()
    assert ask(one, post(b"x" * 500000))[2] == b"body\n"


@pytest.mark.parametrize("how", ("closes", "resets", "half-closes"))
@pytest.mark.parametrize(
    "text", (SH + "sleep 600\n", PLAIN + "echo x; sleep 600\n", PLAIN + "trap '' INT TERM\nwhile echo x; do sleep 0.01; done\n"),
    ids=("silent", "waiting", "busy"),
)  # fmt: skip
def test_client_that_disconnects_ends_the_script(cgi, site, text, how):
    cgi("a.sh", text)
    one = site()
    with one.connect() as peer:
        peer.send(request())
        if text != SH + "sleep 600\n":
            assert peer.response()[0] == 200
        wait_for(one.tagged, "it runs")
        if how == "closes":
            peer.close()
        elif how == "resets":
            peer.reset()
        else:
            peer.sock.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                peer.read_to_end()
        one.check_clean()


def test_client_that_half_closes_gets_what_is_written_soon(cgi, site):
    cgi("a.sh", PLAIN + "read x; echo body\n")
    with site("--closems=20000").connect() as peer:
        peer.send(request(fields="Connection: close\r\n"))
        peer.sock.shutdown(socket.SHUT_WR)
        assert read_response(peer)[2] == b"body\n"


@pytest.mark.parametrize("size", (0, 1, 1000, 20000, 100000, 150000))
def test_a_body_before_a_half_close_is_complete(cgi, site, size):
    """It may be in the socket while the script does not read."""
    cgi("a.sh", SH + "sleep 0.3\nn=$(wc -c)\nprintf 'Content-Type: text/plain\\n\\n%s\\n' $n\n")
    with site("--closems=20000").connect() as peer:
        peer.send(request("/a.sh", "POST", "Connection: close\r\nContent-Length: %d\r\n" % size, b"x" * size))
        peer.sock.shutdown(socket.SHUT_WR)
        assert read_response(peer)[2] == b"%d\n" % size


@pytest.mark.parametrize("size", (1, 1000, 150000))
def test_a_body_that_a_half_close_cuts_is_no_body(cgi, site, tmp_path, size):
    cgi("a.sh", SH + "sleep 0.3\nwc -c >body\necho whole >>body\nsleep 600\n")
    one = site()
    with one.connect() as peer:
        peer.send(request("/a.sh", "POST", "Content-Length: %d\r\n" % (size + 1), b"x" * size))
        peer.sock.shutdown(socket.SHUT_WR)
        # Over TLS the end comes without close_notify.
        with contextlib.suppress(ConnectionResetError):
            assert peer.read_to_end() == b""
        assert not peer.buffer
        one.wait_log("the client disconnected within the request body")
        one.check_clean()
    assert not (tmp_path / "cgi" / "body").exists() or (tmp_path / "cgi" / "body").read_text() == ""


# The connection.


@pytest.mark.parametrize("how", ("whole", "bytes", "random"))
def test_keep_alive_and_pipelining(cgi, site, how):
    # The connection persists only if the body has arrived when the response begins.
    cgi("a.sh", SH + "body=$(cat); printf 'Content-Type: text/plain\\n\\n%s\\n%s' \"$QUERY_STRING\" \"$body\"\n")
    cgi("length.sh", SH + "printf 'Content-Type: text/plain\\nContent-Length: 3\\n\\nabc'\n")
    asked = [
        request("/a.sh?1"), request("/length.sh"), post(b"body", "/a.sh?2"), request("/none"), request("/length.sh", "HEAD"),
        request("/a.sh?3", "POST", CHUNKED, chunk(b"ch") + chunk(b"unk") + b"0\r\n\r\n"), request("/a.sh?4"),
    ]  # fmt: skip
    with site().connect() as peer:
        for one_by_one in (True, False):
            if not one_by_one:
                peer.send_cut(b"".join(asked[:2] + asked[3:5] + asked[6:]), how)
            expected = [b"1\n", b"abc", b"2\nbody", None, b"", b"3\nchunk", b"4\n"]
            for i, what in enumerate(asked):
                if one_by_one:
                    peer.send_cut(what, how)
                elif i in (2, 5):
                    continue
                status, fields, body = read_response(peer, head_only=i == 4)
                if i in (2, 5) and fields.get("connection") == "close":
                    pytest.fail("the body had been read")
                assert status == (404 if i == 3 else 200) and expected[i] in (None, body)


def test_http_1_0_gets_the_end_of_the_connection(cgi, site):
    cgi("a.sh", PLAIN + "echo body\n")
    with site().connect() as peer:
        peer.send(request(version="HTTP/1.0"))
        status, fields, body = peer.answer()
        assert (status, body, dict(fields)["connection"]) == (200, b"body\n", "close")
        assert "transfer-encoding" not in dict(fields)


def test_expect_100_continue(cgi, site):
    cgi("a.sh", PLAIN + "cat\n")
    one = site("--max-body=1k")
    with one.connect() as peer:
        peer.send(request("/a.sh", "POST", "Expect: 100-continue\r\nContent-Length: 4\r\n"))
        assert peer.response()[0] == 100
        peer.send(b"body")
        assert read_response(peer)[2] == b"body"
    with one.connect() as peer:
        peer.send(request("/a.sh", "POST", "Expect: 100-continue\r\nContent-Length: 4000\r\n"))
        assert peer.response()[0] == 413


def test_header_options_apply(cgi, site):
    cgi("a.sh", PLAIN)
    fields = ask(site("--header=X-All: 1", "--header-http=X-Http: 2", "--header-ws=X-Ws: 3"))[1]
    assert (fields["x-all"], fields["x-http"], fields.get("x-ws")) == ("1", "2", None)


# Log, shutdown, start.


def test_stderr_goes_to_the_log_and_is_rate_limited(cgi, site):
    cgi("a.sh", SH + "echo \"bad $QUERY_STRING\" >&2\nprintf 'Content-Type: text/plain\\n\\n'\n")
    cgi("many.py", PY + "for i in range(5000): sys.stderr.write('line %d\\n' % i)\nprint('Status: 200\\n')\n")
    one = site()
    assert ask(one, path="/a.sh?thing")[0] == 200
    one.wait_log(r" error stderr #\d+ \"?bad thing\"? program=\S+/cgi/a\.sh\n")
    assert ask(one, path="/many.py")[0] == 200
    one.check_clean()
    assert 0 < len(re.findall(r"line \d+", one.log())) < 1000


def test_graceful_shutdown_lets_a_request_finish(cgi, site, tmp_path):
    cgi("a.sh", PLAIN + "echo begun; read go <go; echo finished\n")
    os.mkfifo(tmp_path / "cgi" / "go")
    one = site()
    with one.connect() as peer:
        peer.send(request())
        status, fields = peer.response()
        assert status == 200 and read_chunk(peer) == b"begun\n"
        one.process.send_signal(signal.SIGTERM)
        one.wait_log("SIGTERM: waiting for 1 session to end")
        with open(tmp_path / "cgi" / "go", "w") as go:
            go.write("on\n")
        assert read_body(peer, dict(fields)) == b"finished\n"
        assert peer.read_to_end() == b""
    one.stopped = True
    assert one.process.wait(DEADLINE) == 0


@unsanitized
def test_graceful_shutdown_ends_what_does_not_finish(cgi, site, tmp_path):
    """With SIGINT and SIGTERM, before it is killed."""
    cgi("a.sh", PLAIN + "trap '' TERM\ntrap ': >interrupted; exit' INT\necho begun; while :; do sleep 0.05; done\n")
    clock = Clock(tmp_path)
    one = site(env=clock.env)
    with one.connect() as peer:
        peer.send(request())
        assert peer.response()[0] == 200 and read_chunk(peer) == b"begun\n"
        one.process.send_signal(signal.SIGTERM)
        one.wait_log("SIGTERM: waiting for 1 session to end")
        clock.put_forward(23.5)
        assert read_chunk(peer) == b""
        peer.close()
        one.stopped = True
        assert one.process.wait(DEADLINE) == 0
    assert (tmp_path / "cgi" / "interrupted").exists()
    assert "killing" not in one.log()


def test_second_signal_kills(cgi, site):
    cgi("a.sh", PLAIN + "trap '' INT TERM\necho begun; while :; do sleep 0.05; done\n")
    one = site()
    with one.connect() as peer:
        peer.send(request())
        assert peer.response()[0] == 200
        one.process.send_signal(signal.SIGTERM)
        one.wait_log("SIGTERM: waiting for 1 session to end")
        one.stop_now()


def test_startup_line(cgi, site, tmp_path):
    cgi("a.sh", PLAIN)
    one = site("--devconsole=false")
    one.wait_log(r"serving the CGI scripts in %s/cgi, for example %s://localhost:\d+/a\.sh " % (tmp_path, SCHEME))


def test_workers_share_the_limit(cgi, site):
    cgi("a.sh", PLAIN + "echo x; cat; sleep 600\n")
    one = site("--workers=2", "--maxforks=2")
    with one.connect() as a, one.connect() as b:
        for peer in (a, b):
            peer.send(request())
            assert peer.response()[0] == 200 and read_chunk(peer) == b"x\n"
        assert ask(one)[0] == 429


# Compat mode.

STAMP = r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} [+-]\d{4}"


@pytest.fixture
def compat(site):
    return lambda *args, **kwargs: site("--compat=websocketd", "--address=127.0.0.1", *args, **kwargs)


def test_compat_log_lines(cgi, compat, tmp_path):
    cgi("a.sh", PLAIN + "echo x; cat; sleep 600\n")
    cgi("plain.txt", "", 0o644)
    one = compat("--maxforks=1")
    one.wait_log(STAMP + r" \| INFO   \| server     \|  \| Serving CGI scripts from    : %s/cgi\n" % tmp_path)
    one.wait_log(STAMP + r" \| INFO   \| server     \|  \| Serving CGI or static files : %s://127\.0\.0\.1:\d+/\n" % SCHEME)
    url = r"url:'%s://localhost/a\.sh\?q'" % SCHEME
    with one.connect() as peer:
        peer.send(request("/a.sh?q"))
        assert peer.response()[0] == 200
        one.wait_log(STAMP + r" \| ACCESS \| http       \| %s cgiscript:'%s/cgi/a\.sh' \| CGI\n" % (url, tmp_path))
        assert ask(one, path="/a.sh?q")[0] == 429
        one.wait_log(
            r" \| ERROR  \| http       \| %s cgiscript:'\S+' \| "
            r"Fork not allowed since maxforks amount has been reached. CGI was not run.\n" % url
        )
        assert ask(one, path="/plain.txt")[0] == 500
        assert ask(one, path="/none")[0] == 404
        one.wait_log(r" \| ACCESS \| http       \| url:'%s://localhost/none' \| NOT FOUND\n" % SCHEME)


def test_compat_sends_a_local_redirect_to_the_client(cgi, compat):
    cgi("a.sh", SH + "printf 'Location: /x\\n\\n'\n")
    status, fields, _ = ask(compat())
    assert (status, fields["location"]) == (302, "/x")


def test_compat_environment(cgi, compat):
    cgi("a.sh", PLAIN + "env\n")
    found = variables(compat(), path="/a.sh/x", fields="Authorization: Basic eDp5\r\n")
    assert (found["PATH_TRANSLATED"], found["HTTP_AUTHORIZATION"]) == ("/a.sh/x", "Basic eDp5")
    assert found["SERVER_SOFTWARE"].startswith("websocketd/")


def start(cwd, *args):
    done = subprocess.run(
        [WSPIPE, "--compat=websocketd", "--port=0", *args], cwd=cwd, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_compat_errors_at_startup(tmp_path):
    (tmp_path / "cgi").mkdir()
    (tmp_path / "file").write_text("")
    for name in ("none", "file"):
        message = "your CGI dir '%s' is not pointing to an accessible directory\n" % name
        assert start(tmp_path, "--cgidir=" + name) == (1, "", message)
    status, out, err = start(tmp_path, "--devconsole", "--cgidir=cgi", "cat")
    assert (status, err) == (4, "")
    line = r" \| FATAL  \| server     \|  \| Invalid parameters: --devconsole cannot be used with --cgidir. Pick one.\n"
    assert re.fullmatch(STAMP + line, out)
