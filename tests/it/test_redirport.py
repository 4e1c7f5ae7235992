# SPDX-License-Identifier: BSD-2-Clause
"""--redirport: a second port that redirects to the main one, always without TLS."""

import socket
import subprocess

import pytest
from conftest import SCHEME, WSPIPE, listening_addresses
from wsraw import Peer, free_port, has_ipv6


@pytest.fixture
def start(server):
    """start(options...): a server, and its redirect port."""

    def run(*args, **kwargs):
        port = free_port()
        return server("--redirport=%d" % port, *args, **kwargs), port

    return run


def ask(port, target="/", host="localhost", method="GET", fields=None, address="127.0.0.1", version="HTTP/1.1"):
    """The status and the Location of the response."""
    with Peer((address, port)) as peer:
        peer.send(peer.request_bytes(target, {"Host": host, **(fields or {})}, method=method, version=version, upgrade=False))
        status, answer, _ = peer.answer()
        return status, dict(answer).get("location")


def base(one, host="localhost"):
    return "%s://%s:%d" % (SCHEME, host, one.addresses[0][1])


@pytest.mark.parametrize("method, status", (("GET", 301), ("HEAD", 301), ("POST", 308), ("PUT", 308), ("DELETE", 308)))
def test_status_of_a_method(start, method, status):
    one, port = start("cat")
    length = {} if method in ("GET", "HEAD") else {"Content-Length": "0"}
    assert ask(port, method=method, fields=length) == (status, base(one) + "/")


@pytest.mark.parametrize("target, kept", (
    ("/", "/"),
    ("/a/b.html?x=1&y=%20z", "/a/b.html?x=1&y=%20z"),
    ("/?", "/?"),
    ("/%2e%2e/%0d%0aX", "/%2e%2e/%0d%0aX"),
    ("//evil.example/x", "//evil.example/x"),
    ("/\\evil.example", "/\\evil.example"),
    ("/@evil.example", "/@evil.example"),
    ("http://localhost/x?y", "/x?y"),
    ("http://localhost:1", "/"),
))
def test_path_and_query_are_kept(start, target, kept):
    one, port = start("cat")
    assert ask(port, target) == (301, base(one) + kept)


@pytest.mark.parametrize("host, sent", (
    ("localhost", "localhost"), ("localhost:1", "localhost"), ("127.0.0.1:80", "127.0.0.1"), ("[::1]", "[::1]"), ("[::1]:80", "[::1]"),
))
def test_host_is_kept_without_its_port(start, host, sent):
    one, port = start("cat")
    assert ask(port, host=host) == (301, base(one, sent) + "/")


@pytest.mark.parametrize("options, host, status", (
    ((), "evil.example", 421),
    (("--host=app.example",), "app.example", 301),
    (("--host=app.example",), "app.example:80", 301),
    (("--host=app.example",), "evil.example", 421),
    (("--host=app.example",), "app.example.evil.example", 421),
    (("--address=*",), "app.example", 301),
    ((), "localhost@evil.example", 400),
    ((), "local host", 400),
    ((), "", 400),
))
def test_only_a_host_that_is_allowed_is_copied(start, options, host, status):
    one, port = start(*options, "cat")
    got = ask(port, host=host)
    assert got == (status, base(one, host.partition(":")[0]) + "/" if status == 301 else None)


@pytest.mark.parametrize("target", ("*", "localhost:80", "/a#b", "ftp://localhost/"))
def test_other_targets_are_rejected(start, target):
    _, port = start("cat")
    assert ask(port, target) == (400, None)


def test_it_is_on_each_address(start):
    _, port = start("--address=127.0.0.1", "--address=127.0.0.2", "cat")
    for address in ("127.0.0.1", "127.0.0.2"):
        assert ask(port, address=address)[0] == 301


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_it_is_on_an_ipv6_address(start):
    one, port = start("--address=[::1]", "cat")
    assert ask(port, host="[::1]:%d" % port, address="::1") == (301, base(one, "[::1]") + "/")


def test_a_handshake_is_redirected_as_well(start):
    one, port = start("cat")
    with Peer(("127.0.0.1", port)) as peer:
        peer.send(peer.request_bytes("/x"))
        status, fields, _ = peer.answer()
    assert (status, dict(fields)["location"]) == (301, base(one, "127.0.0.1") + "/x")


def test_a_client_follows_it(start, tmp_path):
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "a b.txt").write_text("hello\n")
    one, port = start("--staticdir=www", "cat")
    secure = ["--cacert", one.ca] if one.ca else []
    done = subprocess.run(
        ["curl", "-sSL", "--noproxy", "*", *secure, "http://localhost:%d/a%%20b.txt?x" % port],
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert (done.stdout, done.stderr) == ("hello\n", "")


def test_workers_redirect(start):
    one, port = start("--workers=2", "cat")
    assert [ask(port)[0] for _ in range(4)] == [301] * 4
    one.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(port)


def test_with_a_unix_socket_there_is_tcp_too(start, tmp_path):
    one, port = start("--unixsocket=" + str(tmp_path / "s"), "--port=0", "cat")
    assert {p for _, p in listening_addresses(one.pid)} == {port, one.addresses[0][1]}
    assert ask(port)[0] == 301


def test_it_is_announced(start):
    one, port = start("cat")
    one.wait_log("redirecting plain HTTP from port %d to port %d" % (port, one.addresses[0][1]))


# As websocketd.


@pytest.mark.parametrize("option, text", (("127.0.0.1", "127.0.0.1"), ("*", ""), ("[::1]", "[::1]")))
def test_compat_announces_it(start, option, text):
    if option == "[::1]" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    one, port = start("--address=" + option, "cat", argv0="websocketd")
    one.wait_log(r"\| INFO   \| server     \|  \| Starting redirect server   : http://%s:%d/\n"
                 % (text.replace("[", r"\[").replace("]", r"\]"), port))
    assert ask(port, host="any.example", address="::1" if option == "[::1]" else "127.0.0.1") == (
        301, base(one, "any.example") + "/")


def test_compat_ends_with_status_3_when_the_port_is_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            ["websocketd", "--port=%d" % free_port(), "--address=127.0.0.1", "--redirport=%d" % port, "cat"],
            executable=WSPIPE, capture_output=True, text=True, timeout=60, check=False,
        )
    assert done.returncode == 3
    assert done.stdout.endswith("| FATAL  | server     |  | Can't start server: listen tcp 127.0.0.1:%d: bind: address already in use\n" % port)
