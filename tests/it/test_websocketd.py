# SPDX-License-Identifier: BSD-2-Clause
"""
What websocketd 0.5 does, row by row: "like" is compat mode, which follows it; "differs" is where wspipe does something
else on purpose, in its own mode and in compat mode. Rows that have a test elsewhere name it.
"""

import os
import pathlib
import re
import subprocess

import pytest
from conftest import SCHEME, TLS, WSPIPE, listening_addresses, make_certificate
from wsraw import BINARY, CLOSE, TEXT, close_frame, frame

TESTS = pathlib.Path(__file__).parent.parent

# Rows that are tested where their subject is.
ELSEWHERE = {
    # The command line.
    "-x is --x, --x=v is --x v": ("unit/test_options.c", "options_are_written_in_four_ways"),
    "booleans only --x and --x=true": ("unit/test_options.c", "booleans_take_a_value_only_after_equals"),
    "parsing stops at the first non-flag or --": ("unit/test_options.c", "parsing_stops_at_the_command"),
    "last wins, except --address --header --header-ws --header-http": ("unit/test_options.c", "repeatable_options_add_up"),
    "--port: 80, 443 with --ssl": ("unit/test_options.c", "defaults_of_compat_are_websocketds"),
    "--address: all interfaces, v4+v6": ("it/test_options.py", "test_compat_log_and_defaults"),
    "--unixsocket: alone no TCP": ("it/test_unixsocket.py", "test_compat_announces_it"),
    "--unixsocket: live: rc 3": ("it/test_unixsocket.py", "test_compat_says_that_it_is_in_use"),
    "--unixsocket: stale: unlinked": ("it/test_unixsocket.py", "test_a_stale_socket_is_replaced"),
    "--unixsocket: a non-socket file is never removed": ("it/test_unixsocket.py", "test_compat_fails_to_bind_to_a_file"),
    "--unixsocket: not unlinked at exit, mode = umask": (
        "it/test_unixsocket.py",
        "test_compat_has_the_mode_of_the_umask_and_keeps_the_file",
    ),
    "--ssl: TLS 1.2 or later, ALPN": ("it/test_tls.py", "test_alpn_answers_http_1_1"),
    "--sslca: requires and verifies a client certificate": ("it/test_tls_clients.py", "test_compat_says_wss"),
    "--sslca: without subject": ("it/test_tls_clients.py", "test_a_certificate_without_names_is_accepted_if_the_ca_has_signed_it"),
    "--redirport: 301 to the main port": ("it/test_redirport.py", "test_compat_announces_it"),
    "--redirport: rc 3 when in use": ("it/test_redirport.py", "test_compat_ends_with_status_3_when_the_port_is_in_use"),
    "--reverselookup": ("it/test_reverselookup.py", "test_compat"),
    "--header on all, -ws and -http scoped": ("it/test_options.py", "test_header_lines"),
    "--binary": ("it/test_framing_option.py", "test_compat_drops_messages_of_the_wrong_type"),
    "exit codes 1 and 2 and their texts": ("it/test_options.py", "test_compat_start_that_fails"),
    "--help and --version": ("it/test_options.py", "test_compat_texts_that_are_asked_for"),
    "the log line, CONNECT, DISCONNECT, stderr": ("it/test_options.py", "test_compat_log_and_defaults"),
    "STATIC, NOT FOUND": ("it/test_options.py", "test_compat_log_of_plain_requests"),
    "the lines at startup": ("it/test_announce.py", "test_compat_keeps_websocketd_s_lines"),
    "paths with .., . or //: 301": ("it/test_paths.py", "test_compat_redirects_to_the_path_that_is_clean"),
    "origin: everything allowed, an unparsable one refused": ("it/test_origin.py", "test_compat_lets_all_pages_in"),
    "--sameorigin": ("it/test_origin.py", "test_compat_same_origin"),
    "--origin a,b": ("it/test_origin.py", "test_compat_list"),
    "SERVER_SOFTWARE": ("it/test_env.py", "test_compat_names_websocketd"),
    "--passenv replaces the default": ("it/test_env.py", "test_default_of_passenv_in_compat"),
    # Connections.
    "which requests are handshakes, and their statuses": ("it/test_handshake.py", "test_every_row"),
    "header read timeout": ("it/test_http.py", "test_slow_heads_end_at_an_absolute_deadline"),
    "client close: the same code is echoed": ("it/test_close.py", "test_client_close_is_echoed"),
    "bad close code, unmasked, RSV: 1002": ("it/test_protocol_errors.py", "test_close_code_of_an_error"),
    "unlimited line length": ("it/test_lines.py", "test_lines_of_any_length"),
    "the termination sequence, and --closems": ("it/test_lifecycle.py", "test_termination_sequence"),
    "--loglevel": ("it/test_log.py", "test_levels"),
    # Where wspipe differs.
    "line on stdout that is not UTF-8": ("it/test_framing_option.py", "test_output_that_is_not_utf8"),
    "memory of an endless line": ("it/test_backpressure.py", "test_endless_line"),
    "script source below the static directory": ("it/test_paths.py", "test_text_of_a_program_is_never_served"),
    "stderr line over 4096 bytes": ("it/test_log.py", "test_long_line_of_stderr_does_not_stall_the_program"),
}


@pytest.mark.parametrize("row", ELSEWHERE)
def test_row_is_tested_elsewhere(row):
    file, name = ELSEWHERE[row]
    assert re.search(r"^(def )?%s\b" % name, (TESTS / file).read_text(encoding="utf-8"), re.M)


@pytest.fixture
def like(server):
    """A server in compat mode, on loopback."""

    def start(*args, **kwargs):
        return server("--address=127.0.0.1", *args, argv0="websocketd", **kwargs)

    return start


@pytest.fixture(params=("wspipe", "compat"))
def both(server, like, request):
    """both(args): a server; both.compat: whether it is in compat mode."""

    class Both:
        compat = request.param == "compat"

        def __call__(self, *args, **kwargs):
            return like(*args, **kwargs) if self.compat else server("--address=127.0.0.1", *args, **kwargs)

    return Both()


def ask(one, path="/", headers=None, upgrade=True, method="GET"):
    """The status, the fields and the body of the response."""
    with one.connect() as peer:
        peer.send(peer.request_bytes(path, headers, method=method, upgrade=upgrade))
        status, fields = peer.response()
        return status, dict(fields), b"" if status == 101 else peer.end(fields)


def environment(one, headers=None, path="/"):
    """What env(1) prints."""
    with one.websocket(path, headers) as ws:
        variables = {}
        while True:
            opcode, _, payload = ws.frame()
            if opcode == CLOSE:
                return variables
            name, _, value = payload.decode().partition("=")
            variables[name] = value


def run(*args):
    done = subprocess.run(["websocketd", *args], executable=WSPIPE, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


# Like websocketd.


def test_like_maxforks_0_or_less_is_unlimited_and_above_it_429(like):
    for options in (["--maxforks=0"], ["--maxforks=-3"]):
        assert ask(like(*options, "cat"))[0] == 101
    one = like("--maxforks=1", "cat")
    with one.websocket():
        status, _, body = ask(one)
        assert (status, body.split(b"\n")[0]) == (429, b"429 Too Many Requests")
    one.wait_log(r"\| ERROR  \| http       \| url:'%s://.*' .*origin:'file:' \| Max of possible forks already active, upgrade rejected\n" % SCHEME)


@pytest.mark.parametrize("limit, size, fits", ((100, 100, True), (100, 101, False), (0, 2000000, True), (-1, 2000000, True), (2**63 - 1, 9, True)))
def test_like_maxframesize_is_of_a_message_and_0_or_less_is_unlimited(like, limit, size, fits):
    with like("--maxframesize=%d" % limit, "sh", "-c", "head -c %d >/dev/null; echo done" % size).websocket() as ws:
        ws.send(frame(TEXT, "x" * (size - 1), fin=False) + frame(0, "x"))
        if fits:
            assert ws.text() == "done"
        else:
            assert ws.closed()[0] == 1009


def test_like_passstderr_is_json(like):
    with like("--passstderr", "sh", "-c", "echo out; echo '<e&>' >&2; exec cat").websocket() as ws:
        texts = sorted(ws.text() for _ in range(2))
        assert texts == ['{"stream":"stderr","data":"\\u003ce\\u0026\\u003e"}', '{"stream":"stdout","data":"out"}']


def test_like_no_ping_by_default_and_pingms(like):
    with like("--pingms=50", "cat").websocket() as ws:
        assert ws.frame()[0] == 9


def test_like_messages_are_lines(like):
    """Newlines in a message make several lines, CR stays, an empty message is an empty line; a lone CR of output stays."""
    with like("cat").websocket() as ws:
        ws.send(frame(TEXT, "a\nb\rc") + frame(TEXT, "") + frame(TEXT, "end\r"))
        assert [ws.text() for _ in range(4)] == ["a", "b\rc", "", "end"]


def test_like_one_newline_or_crlf_is_removed(like):
    with like("printf", "a\\r\\nb\\n\\nc\\rd\\r\\r\\n").websocket() as ws:
        assert [ws.text() for _ in range(4)] == ["a", "b", "", "c\rd\r"]


def test_like_the_environment(like):
    one = like("env")
    found = environment(one, {"X-Multi": ["a", "b"], "Cookie": "c=d", "Host": "h.example:81"}, "/a%20b?q=%20")
    for name in ("AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "REMOTE_IDENT", "REMOTE_USER"):
        assert found[name] == ""
    wanted = {
        "REMOTE_ADDR": "127.0.0.1", "REMOTE_HOST": "127.0.0.1", "SERVER_NAME": "h.example", "SERVER_PORT": "81",
        "SERVER_PROTOCOL": "HTTP/1.1", "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "SCRIPT_NAME": "/",
        "PATH_INFO": "/a b", "PATH_TRANSLATED": "/a b", "QUERY_STRING": "q=%20", "REQUEST_URI": "/a%20b?q=%20",
        "SERVER_SOFTWARE": "websocketd/0.5.0", "HTTP_X_MULTI": "a, b", "HTTP_COOKIE": "c=d",
    }
    assert {name: found.get(name) for name in wanted} == wanted
    assert found.get("HTTPS") == ("on" if TLS else None)
    assert found["REMOTE_PORT"].isdigit() and found["UNIQUE_ID"]


def test_like_a_program_of_a_directory(like, tmp_path):
    script = tmp_path / "d" / "a" / "b.sh"
    script.parent.mkdir(parents=True)
    script.write_text('#!/bin/sh\necho "$SCRIPT_NAME $PATH_INFO $(pwd)"\n')
    script.chmod(0o755)
    one = like("--dir=d")
    for path, seen in (("/a/b.sh", "/a/b.sh "), ("/a/b.sh/", "/a/b.sh /"), ("/a/b.sh/x/y", "/a/b.sh /x/y")):
        with one.websocket(path) as ws:
            assert ws.text() == "%s %s" % (seen, tmp_path)
    for path in ("/a", "/none", "/a/"):
        assert ask(one, path)[0] == 404
    one.wait_log(r"\| ACCESS \| session    \| url:'.*/none' .*command:'.*/d' origin:'file:' \| NOT FOUND: script not found\n", count=2)


def test_like_links_that_stay_inside(like, tmp_path):
    (tmp_path / "d" / "sub").mkdir(parents=True)
    for path in ("d/a.sh", "d/sub/b.sh", "out.sh"):
        (tmp_path / path).write_text("#!/bin/sh\necho up\n")
        (tmp_path / path).chmod(0o755)
    links = {"rel": "a.sh", "abs": tmp_path / "d/a.sh", "dir": tmp_path / "d/sub", "out": tmp_path / "out.sh", "up": "../out.sh"}
    for name, target in links.items():
        (tmp_path / "d" / name).symlink_to(target)
    one = like("--dir=d")
    wanted = {"/rel": 101, "/abs": 101, "/dir/b.sh": 101, "/out": 404, "/up": 404}
    assert {path: ask(one, path)[0] for path in wanted} == wanted


def test_like_refused_origins_are_logged(like):
    for option, text in (("--sameorigin", "Same origin policy mismatch"), ("--origin=a.example", "Origin is not listed in allowed list")):
        one = like(option, "cat")
        assert ask(one, headers={"Origin": "http://b.example"})[0] == 403
        one.wait_log(r"\| ACCESS \| session    \| url:'.*' .*remote:'127\.0\.0\.1:\d+' .*origin:'http://b\.example' \| %s\n" % text)


@pytest.mark.parametrize("headers, method, status", (
    ({}, "POST", 405),
    ({"Sec-WebSocket-Key": None}, "GET", 400),
    ({"Connection": "close"}, "GET", 400),
))
def test_like_a_bad_handshake(like, headers, method, status):
    one = like("cat")
    assert ask(one, headers=headers, method=method)[0] == status
    one.wait_log(r"\| ACCESS \| session    \| .* \| Unable to Upgrade: ")


def test_like_dispatch_of_plain_requests(like, tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "index.html").write_text("page")
    one = like("--staticdir=s", "cat")
    assert ask(one)[0] == 101
    assert ask(one, upgrade=False)[::2] == (200, b"page")
    assert ask(one, "/none", upgrade=False)[0] == 404
    assert ask(like("cat"), upgrade=False)[0] == 404


def test_like_a_port_in_use_is_fatal_with_status_3(like):
    one = like("cat")
    port = one.addresses[0][1]
    status, out, err = run("--port=%d" % port, "--address=127.0.0.1", "cat")
    assert (status, err) == (3, "")
    assert re.search(r"\| FATAL  \| server     \|  \| Can't start server: listen tcp 127\.0\.0\.1:%d: bind: address already in use\n$" % port, out)


@pytest.mark.parametrize("args, text", (
    (("--ssl", "cat"), "please specify both --sslcert and --sslkey when requesting --ssl"),
    (("--sslcert=x", "cat"), "you should not be using --ssl* flags when there is no --ssl option"),
    (("--binary", "--passstderr", "cat"), "please only specify one of --binary and --passstderr"),
))
def test_like_errors_with_status_1(args, text):
    assert run(*args) == (1, "", text + "\n")


def test_like_the_line_of_a_command_without_arguments(like):
    like("cat").wait_log(r"\| INFO   \| server     \|  \| Serving using application   : /\S+/cat \n")


def test_like_all_interfaces(server):
    one = server("cat", argv0="websocketd")
    assert "0.0.0.0" in {host for host, _ in listening_addresses(one.pid)}


# Where wspipe differs: in its own mode, and in compat mode.


def test_differs_origin(both):
    assert ask(both("cat"), headers={"Origin": "http://evil.example"})[0] == (101 if both.compat else 403)


def test_differs_address(server, both):
    one = server("cat", **({"argv0": "websocketd"} if both.compat else {}))
    hosts = {host for host, _ in listening_addresses(one.pid)}
    assert hosts & {"0.0.0.0", "::"} if both.compat else hosts <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("program, code", (("exit 0", 1000), ("exit 3", 4003), ("kill -9 $$", 4256 + 9)))
def test_differs_end_of_the_program(both, program, code):
    with both("sh", "-c", program).websocket() as ws:
        assert ws.closed()[0] == code


def test_differs_last_line_without_newline(both):
    with both("printf", "a\\nb").websocket() as ws:
        assert [ws.text(), ws.text()] == ["a", "b"]


def test_differs_sigterm_to_the_server(both):
    one = both("cat")
    with one.websocket() as ws:
        one.process.terminate()
        assert ws.closed()[0] == 1001
        one.stop()


def test_differs_the_whole_group_is_signalled(both):
    """What the program has started ends with it: the harness finds no process left."""
    with both("sh", "-c", "sleep 1000 & echo up; cat").websocket() as ws:
        assert ws.text() == "up"
        ws.send(close_frame(1000))


def test_differs_start_of_the_program(both, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_text("no program\n")
    assert ask(both("--dir=d"), "/x")[0] == 403


def test_differs_incoming_text_that_is_not_utf8(both):
    with both("cat").websocket() as ws:
        ws.send(frame(TEXT, b"\xff"))
        assert ws.closed()[0] == 1007


def test_differs_binary_message_in_text_mode(both):
    with both("cat").websocket() as ws:
        ws.send(frame(BINARY, b"x") + frame(TEXT, "y"))
        if both.compat:
            assert ws.text() == "y"
        else:
            assert ws.closed()[0] == 1003


def test_differs_text_message_in_binary_mode(both):
    with both("--binary", "cat").websocket() as ws:
        ws.send(frame(TEXT, "x") + frame(BINARY, b"y"))
        got = b""
        while not got.endswith(b"y"):
            got += ws.message()[1]
        assert got == (b"y" if both.compat else b"xy")


def test_differs_wrong_version(both):
    status, fields, _ = ask(both("cat"), headers={"Sec-WebSocket-Version": "12"})
    assert (status, fields["sec-websocket-version"], fields["upgrade"]) == (426, "13", "websocket")


def test_differs_proxy_authorization_host_and_id(both):
    found = environment(both("env"), {"Proxy": "http://evil.example", "Authorization": "Basic eDp5"})
    assert "HTTP_PROXY" not in found and found["HTTP_HOST"]
    assert found.get("HTTP_AUTHORIZATION") == ("Basic eDp5" if both.compat else None)
    assert re.fullmatch("[0-9a-f]{32}", found["UNIQUE_ID"])


def test_differs_static_files(both, tmp_path):
    (tmp_path / "s" / "sub").mkdir(parents=True)
    (tmp_path / "s" / ".hidden").write_text("x")
    (tmp_path / "s" / "a.txt").write_text("x")
    one = both("--staticdir=s")
    assert [ask(one, path, upgrade=False)[0] for path in ("/sub/", "/.hidden", "/a.txt")] == [404, 404, 200]
    assert ask(one, "/a.txt", {"Content-Length": "0"}, upgrade=False, method="PUT")[0] == 405


def test_differs_the_log(both):
    one = both("--closems=20000", "cat")
    with one.websocket("/a'b\\c") as ws:
        ws.send(close_frame(1000))
        ws.closed(answer=False)
    if both.compat:
        one.wait_log(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4} \| ACCESS \| session    \| url:'.*/a\\'b.*' id:'1' .* \| CONNECT\n")
    else:
        one.wait_log(r"session #1 close .*exit=0 close_sent=1000")


def test_differs_sslca_without_ssl(both, tmp_path):
    ca, _ = make_certificate(tmp_path, "ca")
    args = ["wspipe", *(["--compat=websocketd"] if both.compat else []), "--sslca=" + ca, "cat"]
    done = subprocess.run(args, executable=WSPIPE, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == (1 if both.compat else 64)
