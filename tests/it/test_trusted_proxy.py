# SPDX-License-Identifier: BSD-2-Clause
"""Whom wspipe believes about the client behind a proxy, and what depends on it."""

import os
import re
import signal

from conftest import SCHEME, wait_for
from forged import FIELDS
from test_cgi import read_response
from wsraw import Peer

# What a program gets of a client.
SHOW = """#!/bin/sh
printf 'Content-Type: text/plain\\n\\n'
echo "$REMOTE_ADDR $REMOTE_HOST ${REMOTE_PORT:-none} ${HTTPS:-off} $SERVER_NAME $SERVER_PORT"
"""
NAME = "ws.example.com"


def shown(one, peer, fields):
    """What a script gets with these fields, [(name, value)]."""
    lines = "".join("%s: %s\r\n" % field for field in fields)
    peer.send(("GET /show HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % lines).encode("latin-1"))
    status, _, body = read_response(peer)
    return (status, body.decode().split()) if status == 200 else (status, [])


def own(peer):
    """What it gets of PEER, whose fields are not believed."""
    host, port = peer.sock.getsockname()[:2]
    return [host, host, str(port), *(["on", "localhost", "443"] if SCHEME == "https" else ["off", "localhost", "80"])]


def test_fields_of_untrusted_peers_are_ignored(server, script, tmp_path):
    directory = os.path.dirname(script("cgi/show", SHOW))
    for rules in ([], ["--trusted-proxy=192.0.2.0/24,2001:db8::/32,unix", f"--unixsocket={tmp_path}/s", "--port=0"],
                  ["--trusted-proxy=127.0.0.2,::1", "--trusted-header=forwarded"]):
        one = server("--cgidir=" + directory, "--address=127.0.0.1", *rules)
        with one.connect() as peer:
            for fields in FIELDS if rules else FIELDS[:5]:
                assert shown(one, peer, fields) == (200, own(peer)), (rules, fields)
    assert len(FIELDS) >= 60


def test_a_trusted_proxy_reports_the_client(server, script):
    directory = os.path.dirname(script("cgi/show", SHOW))
    one = server("--cgidir=" + directory, "--address=127.0.0.1", "--trusted-proxy=127.0.0.0/8", "--host=" + NAME)
    other = server("--cgidir=" + directory, "--address=127.0.0.1", "--trusted-proxy=127.0.0.1",
                   "--trusted-header=forwarded", "--host=" + NAME)
    x_forwarded = [("X-Forwarded-For", "127.0.0.1, 192.0.2.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", NAME)]
    forwarded = [("Forwarded", 'for=127.0.0.1, for="[2001:db8::7]:4711";proto=http;host="%s:81"' % NAME)]
    with one.connect() as peer, other.connect() as second:
        assert shown(one, peer, x_forwarded) == (200, ["192.0.2.7", "192.0.2.7", "none", "on", NAME, "443"])
        assert shown(one, peer, forwarded) == (200, own(peer))
        assert shown(one, peer, x_forwarded[:1])[1][:3] == ["192.0.2.7", "192.0.2.7", "none"]
        assert shown(other, second, forwarded) == (200, ["2001:db8::7", "2001:db8::7", "4711", "off", NAME, "81"])
        assert shown(other, second, x_forwarded) == (200, own(second))
        assert shown(other, second, [("Forwarded", 'for="')]) == (400, [])
    other.wait_log(r'rejected status=400 remote=\S+ .*"the field Forwarded of the trusted proxy is malformed"')
    # The resulting Host is checked as any other.
    with one.connect() as peer:
        assert shown(one, peer, [("X-Forwarded-Host", "evil.example")])[0] == 421
    one.wait_log(r"rejected status=421 ")


def test_the_origin_is_compared_with_what_the_client_has_opened(server):
    one = server("--trusted-proxy=127.0.0.1,::1", "--host=" + NAME, "cat")
    fields = {"Origin": "https://" + NAME, "X-Forwarded-For": "192.0.2.7"}
    for more, status in [({"X-Forwarded-Proto": "https", "X-Forwarded-Host": NAME}, 101),
                         ({"X-Forwarded-Proto": "https", "Host": NAME}, 101),
                         # A proxy need not report TLS, nor the Host.
                         ({"X-Forwarded-Proto": "http", "Host": NAME}, 101),
                         ({"Origin": "https://evil.example", "X-Forwarded-Proto": "https", "Host": NAME}, 403),
                         ({"Origin": "http://" + NAME, "X-Forwarded-Proto": "https", "Host": NAME}, 403)]:
        with one.connect() as peer:
            peer.send(peer.request_bytes("/", dict(fields, **more)))
            assert peer.response()[0] == status, more
    # Log lines are about the client; its port is not known.
    one.wait_log(r"rejected status=403 remote=192\.0\.2\.7 ", 2)
    one.wait_log(r"session #\d+ open remote=192\.0\.2\.7 ", 3)


def test_the_limit_per_address_counts_clients(server):
    one = server("--trusted-proxy=127.0.0.1,::1", "--max-per-ip=2", "cat")

    def enter(client):
        peer = one.connect()
        peer.send(peer.request_bytes("/", {"X-Forwarded-For": client}))
        return peer, peer.response()[0]

    peers = [enter(client) for client in ["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2", "192.0.2.3"]]
    assert [status for _, status in peers] == [101] * 5
    rejected, status = enter("evil, 192.0.2.1")
    assert status == 429
    rejected.close()
    peers.pop(0)[0].close()

    def enters_again():
        peer, status = enter("192.0.2.1")
        peer.close()
        return status == 101

    wait_for(enters_again, "192.0.2.1 has room for another connection")
    for peer, _ in peers:
        peer.close()


def test_a_connection_of_a_proxy_serves_many_clients(server, script):
    directory = os.path.dirname(script("cgi/show", SHOW))
    one = server("--cgidir=" + directory, "--address=127.0.0.1", "--trusted-proxy=127.0.0.1", "--max-per-ip=1")
    with one.connect() as peer:
        for i in range(5):
            assert shown(one, peer, [("X-Forwarded-For", "192.0.2.%d" % i)])[1][0] == "192.0.2.%d" % i
        assert shown(one, peer, []) == (200, own(peer))


def test_a_proxy_gets_no_reasons(server):
    """Whoever its client is."""
    for rules, reason in (("192.0.2.1", True), ("127.0.0.1,::1", False)):
        one = server("--trusted-proxy=" + rules, "--devconsole=false", "cat")
        with one.connect() as peer:
            peer.send(peer.request_bytes("/", {"Origin": "https://evil.example"}))
            status, _, body = peer.answer()
            assert status == 403 and (b"evil.example" in body) == reason, body


def test_a_unix_socket_is_trusted_by_name(server, script, tmp_path):
    script("cgi/show", SHOW)
    for rules, address in [("127.0.0.0/8", "unix-socket"), ("127.0.0.0/8,unix", "192.0.2.7")]:
        path = str(tmp_path / ("socket%d" % len(rules)))
        one = server("--unixsocket=" + path, "--cgidir=" + str(tmp_path / "cgi"), "--trusted-proxy=" + rules)
        with one.connect() as peer:
            assert shown(one, peer, [("X-Forwarded-For", "192.0.2.7")])[1][0] == address


def test_a_reload_replaces_the_list(server, script, tmp_path):
    directory = os.path.dirname(script("cgi/show", SHOW))
    config = tmp_path / "wspipe.conf"
    fields = [("X-Forwarded-For", "192.0.2.7")]
    text = "port = 0\naddress = 127.0.0.1\ncgidir = %s\n" % directory
    config.write_text(text + "trusted-proxy = 127.0.0.1\n")
    one = server("--config=%s" % config)
    with one.connect() as peer:
        assert shown(one, peer, fields)[1][0] == "192.0.2.7"
        config.write_text(text + "trusted-proxy = 127.0.0.2\n")
        one.process.send_signal(signal.SIGHUP)
        one.wait_log(r"configuration reloaded")
        assert shown(one, peer, fields) == (200, own(peer))
    config.write_text(text + "trusted-proxy = localhost\n")
    one.process.send_signal(signal.SIGHUP)
    one.wait_log(re.escape("trusted-proxy: localhost must be an IP address or a block of them"))
    assert isinstance(one.connect(), Peer)
