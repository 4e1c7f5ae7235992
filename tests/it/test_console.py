# SPDX-License-Identifier: BSD-2-Clause
"""The developer console: where it is, and where it is not; what is sent with it. tests/browser tests the page."""

import base64
import gzip
import hashlib
import json
import re
import subprocess

import pytest
from conftest import DEADLINE, TLS, WSPIPE
from wsraw import TEXT, frame

SCHEME = "https" if TLS else "http"


def ask(one, path="/", extra="", method="GET", host="localhost"):
    """(status, fields, body)"""
    with one.connect() as peer:
        peer.send(("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n" % (method, path, host, extra)).encode())
        return peer.answer()


def value(fields, name):
    (found,) = [v for k, v in fields if k == name]
    return found


def is_page(answer):
    return answer[0] == 200 and b'<main id="panes">' in answer[2]


def where(one, paths):
    """Those of PATHS that have the page."""
    return [path for path in paths if is_page(ask(one, path))]


def digest(element, page):
    (content,) = re.findall(b"<%s>(.*?)</%s>" % (element, element), page, re.S)
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(content).digest()).decode()


def test_page(server):
    status, fields, body = ask(server("cat"))
    assert status == 200
    assert value(fields, "content-type") == "text/html; charset=utf-8"
    assert value(fields, "content-length") == str(len(body))
    assert value(fields, "x-content-type-options") == "nosniff"
    assert value(fields, "referrer-policy") == "no-referrer"
    assert value(fields, "cross-origin-opener-policy") == "same-origin"
    assert value(fields, "cross-origin-resource-policy") == "same-origin"
    assert value(fields, "cache-control") == "no-cache"
    assert body.startswith(b"<!DOCTYPE html>\n")


def test_policy_is_strict(server):
    """Nothing runs but the one script, nothing is loaded, nothing is framed."""
    _, fields, body = ask(server("cat"))
    assert value(fields, "content-security-policy") == (
        "default-src 'none'; script-src %s; style-src %s; connect-src 'self'; worker-src blob:; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'" % (digest(b"script", body), digest(b"style", body))
    )
    assert not re.search(rb"""\son[a-z]+=|\sstyle=|(?:src|href)=["'](?!data:)|\binnerHTML\b|\beval\(|https?://(?!www\.w3\.org/2000/svg)""", body)


def test_page_is_compressed_for_those_who_accept_it(server):
    one = server("cat")
    _, fields, plain = ask(one)
    assert "content-encoding" not in dict(fields)
    status, fields, body = ask(one, extra="Accept-Encoding: br, gzip\r\n")
    assert (status, value(fields, "content-encoding")) == (200, "gzip")
    assert gzip.decompress(body) == plain
    assert len(body) < 32 * 1024
    assert "Accept-Encoding" in value(fields, "vary")


def test_head(server):
    one = server("cat")
    for path in ("/", "/-/console", "/-/programs"):
        status, fields, body = ask(one, path, method="HEAD")
        assert (status, body) == (200, b"")
        assert value(fields, "content-length") == str(len(ask(one, path)[2]))


@pytest.mark.parametrize("path", ("/", "/any", "/-/console", "/-/programs", "/-/other"))
def test_other_methods(server, path):
    one = server("cat")
    for method in ("POST", "PUT", "DELETE"):
        status, fields, _ = ask(one, path, method=method)
        assert (status, value(fields, "allow")) == (405, "GET, HEAD")


def test_where_it_is(server, script, tmp_path):
    """At / and the paths of programs; with static files only at /-/console."""
    (tmp_path / "page").mkdir()
    (tmp_path / "programs").mkdir()
    (tmp_path / "page" / "index.html").write_text("a page\n")
    script("programs/a.sh", "#!/bin/sh\n")
    script("programs/b.sh", "#!/bin/sh\n", mode=0o644)
    paths = ["/", "/?q", "/any/path", "/a.sh", "/a.sh/more", "/b.sh", "/-/console", "/-/console?q", "/-/console/", "/-/", "/-/other"]
    console = ["/-/console", "/-/console?q"]
    for args, expected in (
        (["cat"], ["/", "/?q", "/any/path", "/a.sh", "/a.sh/more", "/b.sh", *console]),
        (["--dir=programs"], ["/", "/?q", "/a.sh", "/a.sh/more", *console]),
        (["--staticdir=page", "cat"], console),
        (["--staticdir=page", "--dir=programs"], console),
        (["--staticdir=page"], []),
    ):
        one = server(*args)
        assert where(one, paths) == expected, args
        statuses = {path: ask(one, path)[0] for path in ("/-/", "/-/other", "/-/console/")}
        assert set(statuses.values()) == {404}, args
    assert ask(server("--dir=programs"), "/b.sh")[0] == 403
    assert ask(server("--dir=programs"), "/none")[0] == 404


def test_reserved_paths_shadow_files(server, tmp_path):
    (tmp_path / "-").mkdir()
    (tmp_path / "-" / "console").write_text("a file\n")
    assert is_page(ask(server("--staticdir=.", "/bin/cat"), "/-/console"))
    assert ask(server("--staticdir=.", "--devconsole=false", "/bin/cat"), "/-/console")[2] == b"a file\n"


@pytest.mark.parametrize(
    "args, on",
    (
        ([], True),
        (["--devconsole=auto"], True),
        (["--address=127.0.0.1"], True),
        (["--address=127.0.0.1", "--address=::1"], True),
        (["--address=*"], False),
        (["--address=0.0.0.0", "--devconsole=auto"], False),
        (["--address=*", "--devconsole"], True),
        (["--address=*", "--devconsole=true"], True),
        (["--devconsole=false"], False),
        (["--devconsole=0"], False),
        (["--compat=websocketd", "--address=127.0.0.1"], False),
        (["--compat=websocketd", "--address=127.0.0.1", "--devconsole"], True),
    ),
)
def test_when_it_is_on(server, args, on):
    """auto: only while no other machine can connect, and not in compat."""
    one = server(*args, "cat")
    assert bool(where(one, ["/"])) == on
    assert bool(where(one, ["/-/console"])) == on
    assert (ask(one, "/-/programs")[0] == 200) == on


def test_a_client_that_does_not_ask_for_html_gets_a_short_explanation(server):
    """curl, for example; the page has an address of its own for it."""
    one = server("cat")
    for accepted, status in (("*/*", 426), ("application/json, */*", 426), ("text/html, */*;q=0.8", 200), (None, 200)):
        extra = "" if accepted is None else "Accept: %s\r\n" % accepted
        assert ask(one, "/any", extra)[0] == status, accepted
        assert is_page(ask(one, "/-/console", extra)), accepted
        for path in ("/-/programs", "/any/-/programs"):
            assert value(ask(one, path, extra)[1], "content-type") == "application/json", accepted
    assert "Accept" in value(ask(one)[1], "vary").split(", ")


def test_without_a_program_it_is_an_error(server):
    one = server("--devconsole", "--staticdir=.", ready=False)
    assert one.process.wait(DEADLINE) == 64
    one.stopped = True
    assert "--devconsole needs a program to try: give a COMMAND or --dir=DIR" in one.log()


def test_where_it_is_off_the_response_explains_how_to_connect(server):
    for path in ("/", "/-/console", "/-/programs"):
        assert ask(server("--devconsole=false", "cat"), path)[0] == 426


def test_handshakes_are_not_affected(server):
    for path in ("/", "/-/console", "/-/programs"):
        with server("cat").websocket(path) as ws:
            ws.send(frame(TEXT, "hi"))
            assert ws.text() == "hi"


def test_a_mangled_handshake_is_no_visitor(server):
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    assert ask(server("cat"), extra=key)[0] == 426


def test_host_is_checked(server):
    """A page that rebinds its name to loopback gets nothing."""
    for path in ("/", "/-/console", "/-/programs"):
        assert ask(server("cat"), path, host="evil.example")[0] == 421


def test_only_a_page_that_the_user_asked_for_connects_by_itself(server):
    """A link on another site starts no program."""
    one = server("cat")
    for site, typed in (("none", True), ("same-origin", True), ("same-site", False), ("cross-site", False), ("NONE", False), (None, False)):
        fields = dict(ask(one, extra="" if site is None else "Sec-Fetch-Site: %s\r\n" % site)[1])
        assert fields.get("server-timing") == ("typed" if typed else None), site
    assert "Sec-Fetch-Site" in fields["vary"]


def test_programs(server, script, tmp_path):
    for name in ("a.sh", "sub/deep/b.sh", "sub/<i>&\"'", ".hidden", "c.sh~", ".git/d.sh"):
        (tmp_path / "programs" / name).parent.mkdir(parents=True, exist_ok=True)
        script("programs/" + name, "#!/bin/sh\n")
    script("programs/data.txt", "", mode=0o644)
    (tmp_path / "programs" / "loop").symlink_to("..")
    one = server("--dir=programs")
    status, fields, body = ask(one, "/-/programs")
    assert (status, value(fields, "content-type")) == (200, "application/json")
    assert b"<" not in body and b"&" not in body
    answer = json.loads(body)
    assert sorted(answer.pop("programs")) == ["/a.sh", "/sub/<i>&\"'", "/sub/deep/b.sh"]
    assert answer == {"command": None, "unterminated": False, "scripts": []}


def test_programs_of_a_command(server, script):
    path = script("a.sh", "#!/bin/sh\ncat\n")
    for args, unterminated in (([], False), (["--framing=text"], True), (["--binary"], True), (["--framing=json"], False)):
        body = ask(server(*args, path, "an argument"), "/-/programs")[2]
        assert json.loads(body) == {"command": "a.sh", "unterminated": unterminated, "programs": [], "scripts": []}


def test_cgi_scripts(server, script):
    """Beside the programs, and only for clients on this machine."""
    script("programs/a.sh", "#!/bin/sh\n")
    for name in ("b.cgi", "sub/c.cgi", ".hidden"):
        script("cgi/" + name, "#!/bin/sh\n")
    script("cgi/data.txt", "", mode=0o644)
    for args, programs in ((["--dir=programs"], ["/a.sh"]), (["cat"], [])):
        one = server("--cgidir=cgi", *args)
        answer = json.loads(ask(one, "/-/programs")[2])
        assert (answer["programs"], sorted(answer["scripts"])) == (programs, ["/b.cgi", "/sub/c.cgi"]), args
        assert json.loads(ask(one, "/-/programs", "Via: 1.1 proxy\r\n")[2])["scripts"] == []
    one = server("--cgidir=cgi", "--address=*", "--devconsole", "cat")
    assert json.loads(ask(one, "/-/programs")[2])["scripts"] == []


def test_many_programs_are_listed_in_part(server, tmp_path):
    (tmp_path / "programs").mkdir()
    for i in range(600):
        (tmp_path / "programs" / ("%d.sh" % i)).touch(mode=0o755)
    assert len(json.loads(ask(server("--dir=programs"), "/-/programs")[2])["programs"]) == 500


def test_many_files_are_read_in_part(server, tmp_path):
    """So that nobody else waits for long."""
    for i in range(40):
        directory = tmp_path / "programs" / str(i)
        directory.mkdir(parents=True)
        (directory / "a.sh").touch(mode=0o755)
        for k in range(300):
            (directory / str(k)).touch()
    assert 30 <= len(json.loads(ask(server("--dir=programs"), "/-/programs")[2])["programs"]) <= 35


def test_programs_are_not_listed_through_a_proxy(server, script):
    """The Host may still be that of the proxy's target."""
    script("programs/a.sh", "#!/bin/sh\n")
    one = server("--dir=programs")
    for field in ("X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "Via: 1.1 proxy", "X-Real-IP: 192.0.2.1"):
        assert json.loads(ask(one, "/-/programs", field + "\r\n")[2])["programs"] == []
    assert json.loads(ask(one, "/-/programs")[2])["programs"] == ["/a.sh"]


def test_header_lines_of_the_user(server):
    one = server("--header=X-All: a", "--header-http=X-Http: b", "--header-ws=X-Ws: c", "cat")
    for path in ("/", "/-/programs"):
        fields = ask(one, path)[1]
        assert [f for f in fields if f[0].startswith("x-") and f[0] != "x-content-type-options"] == [("x-all", "a"), ("x-http", "b")]


def test_it_is_announced(server):
    for args, text in (
        (["cat"], "info server try it in a browser: %s://localhost:PORT/\n"),
        (["--staticdir=.", "/bin/cat"], "info server try it in a browser: %s://localhost:PORT/-/console\n"),
        (["--health-path=/", "cat"], "info server try it in a browser: %s://localhost:PORT/-/console\n"),
    ):
        one = server(*args)
        one.wait_log(text.replace("PORT", str(one.addresses[0][1])) % SCHEME)
    assert "try it" not in server("--devconsole=false", "cat").log()


def start(*args):
    done = subprocess.run([WSPIPE, "--port=0", *args], capture_output=True, text=True, timeout=DEADLINE, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_directory_of_programs_is_not_shown_to_other_machines(tmp_path):
    """Refused at the start."""
    assert start("--address=*", "--devconsole", "--dir=%s" % tmp_path) == (
        78,
        "",
        "wspipe: --devconsole and --dir can't be combined while other machines can connect: leave out one of them, or "
        "--address\n",
    )


def test_compat_excludes_static_files(tmp_path):
    status, out, err = start("--compat=websocketd", "--devconsole", "--staticdir=%s" % tmp_path, "cat")
    assert (status, err) == (4, "")
    assert re.fullmatch(
        r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} [+-]\d{4} \| FATAL  \| server     \|  \| "
        r"Invalid parameters: --devconsole cannot be used with --staticdir. Pick one.\n",
        out,
    )


def test_compat_has_it_at_every_path(server, tmp_path):
    one = server("--compat=websocketd", "--devconsole", "--address=127.0.0.1", "cat")
    paths = ["/", "/any/path", "/-/console", "/-/other"]
    assert where(one, paths) == paths
    one.wait_log(r" \| INFO   \| server     \|  \| Developer console enabled   : %s://127\.0\.0\.1:\d+/\n" % SCHEME)
    one.wait_log(r" \| ACCESS \| http       \| url:'%s://localhost/any/path' \| DEVCONSOLE\n" % SCHEME)
    (tmp_path / "programs").mkdir()
    one = server("--compat=websocketd", "--devconsole", "--address=127.0.0.1", "--dir=programs")
    assert where(one, ["/", "/none"]) == ["/", "/none"]


def test_compat_puts_the_escaped_address_into_the_page(server):
    """Scripts look for it there; what a link makes of the path is text in the page, never markup or part of a command."""
    one = server("--compat=websocketd", "--devconsole", "--address=127.0.0.1", "cat")
    ws = "wss" if TLS else "ws"
    for host, path, expected in (
        ("localhost:81", "/any/path?a=1&b=2", "localhost:81/any/path?a=1&amp;b=2"),
        ("localhost", '/"><script>alert(1)</script>', "localhost/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("localhost", "/'x'", "localhost/&#39;x&#39;"),
        ("localhost", "http://other:81?", "other:81/?"),
    ):
        for extra in ("", "Accept-Encoding: gzip\r\n"):
            status, fields, body = ask(one, path, extra, host=host)
            assert (status, is_page((status, fields, body))) == (200, True)
            assert b"This page connects to <code>%s://%s</code>.</p></noscript>" % (ws.encode(), expected.encode()) in body
            assert b"alert(1)<" not in body
            assert not [name for name, _ in fields if name == "content-encoding"]
            assert digest(b"script", body) in value(fields, "content-security-policy")
