# SPDX-License-Identifier: BSD-2-Clause
"""Who may open and use an event stream: certificates, hooks, trusted proxies, limits; and a server that hands over."""

import contextlib
import json

import pytest
from conftest import DEADLINE, plain_only, wait_for
from test_handover import adopts, hand_over, install, program  # fixtures, too
from test_streams import Client, Stream, serve
from test_tls_clients import authority
from tlsprobes import V13, context_of, make_client

__all__ = ("adopts", "authority", "program", "serve")
HOOK = """#!/bin/sh
echo "$PATH_INFO|$SSL_CLIENT_SERIAL|$SSL_CLIENT_S_DN|$REMOTE_ADDR" >>%s
case $HTTP_X_WHO in
"") exit 1 ;;
none) exit 2 ;;
*) echo "REMOTE_USER=$HTTP_X_WHO" ;;
esac
"""


class Certified(Client):
    """Its requests come with a certificate."""

    def __init__(self, one, certificate):
        super().__init__(one)
        self.context = context_of(one, V13, client=certificate)

    def connect(self):
        return self.one.connect(context=self.context)


@pytest.fixture
def hook(script, tmp_path):
    return script("hook", HOOK % (tmp_path / "asked"))


@pytest.fixture
def several():
    """several(client): streams that are open, so many that workers have some each. They are closed at last."""
    with contextlib.ExitStack() as stack:
        yield lambda client, fields="": [stack.enter_context(Stream(client, fields)) for _ in range(6)]


def delete(client, streams, fields=""):
    for s in streams:
        assert client.ask("DELETE", None, fields + "Wspipe-Session: %s\r\n" % s.session)[0] == 204


@plain_only  # these clients use TLS whatever the scheme
@pytest.mark.parametrize("workers", (1, 2))
def test_a_session_is_that_of_a_certificate(secure, authority, several, script, tmp_path, workers):
    ca, certificate = authority
    asked = tmp_path / "asked"
    hook = script("hook", '#!/bin/sh\necho "$PATH_INFO|$SSL_CLIENT_SERIAL|$SSL_CLIENT_S_DN|$REMOTE_ADDR" >>%s\n' % asked)
    one = secure("--sslca", ca, "--auth-cert", "--auth-hook=" + hook, "--workers=%d" % workers, "sh", "-c", "echo $SSL_CLIENT_SERIAL; exec cat")
    c = Certified(one, certificate)
    other = Certified(one, make_client(tmp_path, "other", "0x1234", "/CN=other"))
    streams = several(c)
    for s in streams:
        assert s.data() == "data: 0BADC0DE"
        assert c.post(s.session, b"mine") == 202
        assert other.post(s.session, b"not mine") == 404
        assert s.data() == "data: mine"
    delete(c, streams)
    # A request is relayed with all that is known of its client, and checked once.
    lines = asked.read_text().splitlines()
    assert len(lines) == 6 * 4
    assert {line.split("|")[1] for line in lines} == {"0BADC0DE", "1234"}
    assert all(line.startswith("/|") and line.endswith("|127.0.0.1") for line in lines)
    assert {"CN=other" in line for line in lines} == {"|1234|" in line for line in lines}


@pytest.mark.parametrize("workers", (1, 2))
def test_a_hook_decides_about_each_request(serve, several, hook, tmp_path, workers):
    c = serve("--auth-hook=" + hook, "--workers=%d" % workers, "sh", "-c", "echo $REMOTE_USER; exec cat")
    eve, bob = ("X-Who: %s\r\n" % who for who in ("eve", "bob"))
    assert Stream(c).status == 401
    assert c.ask("POST", "/?poll")[0] == 401
    assert Stream(c, "X-Who: none\r\n").status == 403
    assert len((tmp_path / "asked").read_text().splitlines()) == 3
    streams = several(c, eve)
    for s in streams:
        told = "Wspipe-Session: %s\r\n" % s.session
        assert s.data() == "data: eve"
        assert [c.ask("POST", None, told + who, b"x")[0] for who in ("", "X-Who: none\r\n", bob, eve)] == [401, 403, 404, 202]
        assert s.data() == "data: x"
        assert Stream(c, "Last-Event-ID: %s-0\r\n" % s.session).status == 401
    delete(c, streams, eve)
    # A worker checks no request that another one serves.
    assert len((tmp_path / "asked").read_text().splitlines()) == 3 + 6 * 7


@pytest.mark.parametrize("workers", (1, 2))
def test_a_trusted_proxy_reports_the_client_of_each_request(serve, several, workers):
    c = serve("--trusted-proxy=127.0.0.1,::1", "--workers=%d" % workers, "--max-per-ip=6", "sh", "-c", "echo $REMOTE_ADDR; exec cat")
    one, two = ("X-Forwarded-For: 192.0.2.%d\r\n" % n for n in (1, 2))
    streams = several(c, one)
    for s in streams:
        assert s.data() == "data: 192.0.2.1"
        assert c.ask("POST", None, two + "Wspipe-Session: %s\r\n" % s.session, b"\xff")[0] == 400
    c.one.wait_log(r"rejected status=400 remote=192\.0\.2\.2\b", 6)
    # The limit is for each client, whoever connects for it.
    wait_for(lambda: Stream(c, one).status == 429, "the limit is in force")
    with Stream(c, two) as s:
        assert s.data() == "data: 192.0.2.2"
    delete(c, streams + [s])


def test_clients_of_a_shared_program_are_limited(serve):
    c = serve("--shared", "--max-clients=2", "cat")
    with Stream(c) as s, Stream(c):
        assert Stream(c).status == 503
        assert c.ask("POST", "/?poll")[0] == 503
        delete(c, [s])
        with wait_for(lambda: (s := Stream(c)).status == 200 and s, "there is room"):
            pass


@pytest.mark.parametrize("workers", (1, 2))
def test_sessions_end_when_another_server_takes_over(server, program, workers):
    """Their requests would reach the new one, which does not have them."""
    one = server("--workers=%d" % workers, "cat", program=program)
    c = Client(one)
    with Stream(c) as s:
        assert c.post(s.session, b"x") == 202
        assert s.data() == "data: x"
        install(program)
        old = hand_over(one)
        assert json.loads(s.event().rpartition("data: ")[2])["code"] == 1012
        assert s.event() is None
        assert old.wait(DEADLINE) == 0
        assert c.post(s.session, b"x") == 404
    with Stream(c) as s:
        assert c.post(s.session, b"x") == 202
        assert s.data() == "data: x"
        delete(c, [s])
