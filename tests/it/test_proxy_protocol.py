# SPDX-License-Identifier: BSD-2-Clause
"""--proxy-protocol: the header that reports the client of a connection, before TLS and HTTP."""

import contextlib
import os
import socket
import struct

import pytest
from conftest import SCHEME, TLS, wait_for
from forged import FIELDS
from probes import Clock, unsanitized
from test_cgi import read_response
from wsraw import Peer, free_port

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n"
SHOW = """#!/bin/sh
printf 'Content-Type: text/plain\\n\\n'
echo "$REMOTE_ADDR $REMOTE_HOST ${REMOTE_PORT:-none} ${HTTPS:-off}"
env | grep ^SSL_CLIENT_ | sort
"""
HTTPS = "on" if TLS else "off"


def v2(client, family=socket.AF_INET, command=1, more=b""):
    addresses = socket.inet_pton(family, client) * 2 + struct.pack(">HH", 4711, 443)
    kind = 0x11 if family == socket.AF_INET else 0x21
    return SIGNATURE + struct.pack(">BBH", 0x20 | command, kind, len(addresses + more)) + addresses + more


def tls_facts(name, flags=7, verify=0):
    inner = b"\x22" + struct.pack(">H", len(name)) + name
    return b"\x20" + struct.pack(">HBI", 5 + len(inner), flags, verify) + inner


@pytest.fixture
def site(server, script):
    """A server of the script /show behind a proxy on 127.0.0.1."""
    directory = os.path.dirname(script("cgi/show", SHOW))
    return lambda *args, **kwargs: server("--cgidir=" + directory, "--address=127.0.0.1", "--proxy-protocol",
                                          "--trusted-proxy=127.0.0.1", *args, **kwargs)


def shown(peer, fields=(), host="ws.example.com"):
    lines = "".join("%s: %s\r\n" % field for field in fields)
    peer.send(("GET /show HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (host, lines)).encode("latin-1"))
    status, _, body = read_response(peer)
    return (status, body.decode().split("\n")[:-1])


def test_the_client_is_that_of_the_header(site):
    one = site()
    for first, line in [
        (V1, "192.0.2.7 192.0.2.7 4711 " + HTTPS),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", "2001:db8::7 2001:db8::7 4711 " + HTTPS),
        (v2("192.0.2.7"), "192.0.2.7 192.0.2.7 4711 " + HTTPS),
        (v2("2001:db8::7", socket.AF_INET6), "2001:db8::7 2001:db8::7 4711 " + HTTPS),
        (v2("192.0.2.7", more=b"\4" + struct.pack(">H", 3000) + bytes(3000)), "192.0.2.7 192.0.2.7 4711 " + HTTPS),
        (v2("192.0.2.7", more=tls_facts(b"", 1)), "192.0.2.7 192.0.2.7 4711 on"),
    ]:
        with one.connect(first=first) as peer:
            assert shown(peer) == (200, [line])
    # A proxy's own connection, for a health check, keeps its address.
    for first in [b"PROXY UNKNOWN\r\n", v2("192.0.2.7", command=0), SIGNATURE + b"\x20\0\0\0", SIGNATURE + b"\x21\0\0\0"]:
        with one.connect(first=first) as peer:
            assert shown(peer) == (200, ["127.0.0.1 127.0.0.1 %d %s" % (peer.port, HTTPS)])
            # A client without an address is not the proxy.
            is_client = first[:1] == b"P" or first[12] == 0x21
            name = "127.0.0.1" if is_client else "192.0.2.9"
            assert shown(peer, [("X-Forwarded-For", "192.0.2.9")])[1][0].startswith(name + " ")
    with one.connect(first=V1) as peer:
        peer.send(peer.request_bytes("/none", upgrade=False))
        assert peer.response()[0] == 404
    one.wait_log(r"rejected status=404 remote=192\.0\.2\.7:4711 ")


def test_the_certificate_that_a_proxy_has_verified(site):
    one = site()
    for facts, lines in [
        (tls_facts(b"joe"), ["SSL_CLIENT_S_DN=CN=joe", "SSL_CLIENT_VERIFY=SUCCESS"]),
        (tls_facts(b"joe,O=a\n\0"), ["SSL_CLIENT_S_DN=CN=joe\\,O=a\\0A\\00", "SSL_CLIENT_VERIFY=SUCCESS"]),
        (tls_facts(b"joe", flags=1), []),
        (tls_facts(b"joe", verify=1), []),
    ]:
        with one.connect(first=v2("192.0.2.7", more=facts)) as peer:
            fields = [("Ssl-Client-S-Dn", "CN=root"), ("SSL_CLIENT_S_DN", "CN=root")]
            assert shown(peer, fields) == (200, ["192.0.2.7 192.0.2.7 4711 on", *lines])


def test_a_client_without_an_address_is_in_no_block(site):
    """The address of its proxy is not its own."""
    one = site("--allow=127.0.0.1,192.0.2.7")
    for first, status in [(V1, 200), (v2("192.0.2.7", command=0), 200), (v2("192.0.2.8"), 403), (b"PROXY UNKNOWN\r\n", 403),
                          (SIGNATURE + b"\x21\0\0\0", 403)]:
        with one.connect(first=first) as peer:
            peer.send(b"GET /show HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_response(peer)[0] == status, first
    one.wait_log("rejected status=403 .*--allow")


@pytest.mark.parametrize("size", (1, 7))
def test_a_header_may_come_in_pieces(site, size):
    one = site()
    for first in (V1, v2("192.0.2.7", more=tls_facts(b"joe"))):
        peer = Peer(one.addresses[0])
        peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(0, len(first), size):
            peer.send(first[i : i + size])
        peer.send(b"GET /show HTTP/1.1\r\nHost: a\r\n\r\n" if not TLS else b"\x16\x03\x01\x00\x02\x01\x00")
        if not TLS:
            assert read_response(peer)[2].startswith(b"192.0.2.7 ")
        peer.close()


def test_a_connection_without_a_valid_header_is_closed(site):
    one = site()
    for first in [b"GET /show HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\n",
                  b"PROXY TCP4 a b c d\r\n", V1.replace(b"192.0.2.7", b"2001:db8::7"), b"PROXY " + b"x" * 101,
                  SIGNATURE + b"\x11\x11\0\x0c" + bytes(12), v2("192.0.2.7", more=b"\4\xff\xff"),
                  SIGNATURE + b"\x21\x11\xff\xff" + bytes(100), SIGNATURE + b"\x21\x12\0\x0c" + bytes(12), b"\r\n\r\n\r\n"]:
        with Peer(one.addresses[0], first=first) as peer:
            try:
                assert peer.read_to_end() == b"", first
            except ConnectionResetError:
                pass  # it has not read what was sent
    one.wait_log(r"closed the connection from 127\.0\.0\.1:\d+: no valid PROXY header, which --proxy-protocol requires")


def test_only_trusted_proxies_may_connect(server):
    one = server("--proxy-protocol", "--trusted-proxy=127.0.0.2", "--address=127.0.0.1", "cat")
    for first in (V1, v2("127.0.0.2"), b"PROXY UNKNOWN\r\n"):
        with Peer(one.addresses[0]) as peer:
            try:
                peer.send(first + peer.request_bytes("/"))
                assert peer.read_to_end() == b""
            except (ConnectionResetError, BrokenPipeError):
                pass
    one.wait_log(r"closed the connection from 127\.0\.0\.1:\d+: only proxies in --trusted-proxy can connect")
    with one.connect(source="127.0.0.2", first=V1) as peer:
        peer.upgrade()
    one.wait_log(r"session #1 open remote=192\.0\.2\.7:4711 ")


def test_a_client_behind_the_proxy_is_not_trusted(site):
    """Neither its fields, nor a second header."""
    one = site("--trusted-header=x-forwarded")
    with one.connect(first=V1) as peer:
        for fields in FIELDS:
            assert shown(peer, fields) == (200, ["192.0.2.7 192.0.2.7 4711 " + HTTPS]), fields
    for second in (V1.replace(b"192.0.2.7", b"127.0.0.1"), v2("127.0.0.1")):
        with one.connect(first=v2("192.0.2.7")) as peer:
            peer.send(second + b"GET /show HTTP/1.1\r\nHost: a\r\n\r\n")
            assert peer.response()[0] == 400
    one.wait_log(r"rejected status=400 remote=192\.0\.2\.7:4711 .*looks like the PROXY protocol", 2)
    # A second proxy that is trusted, too, is.
    with one.connect(first=v2("127.0.0.1")) as peer:
        assert shown(peer, [("X-Forwarded-For", "192.0.2.9"), ("X-Forwarded-Proto", "https")]) == (
            200, ["192.0.2.9 192.0.2.9 none on"])


def test_the_limit_per_address_counts_the_client(site):
    one = site("--max-per-ip=1", "cat")
    first = one.connect(first=V1)
    first.upgrade("/")
    with one.connect(first=v2("192.0.2.8")) as peer:
        peer.upgrade("/")
    with one.connect(first=V1) as peer:
        peer.send(peer.request_bytes("/"))
        assert peer.response()[0] == 429
    first.close()

    def enters_again():
        with one.connect(first=V1) as peer:
            peer.send(peer.request_bytes("/"))
            return peer.response()[0] == 101

    wait_for(enters_again, "the client has room for another connection")


def test_pages_may_connect_through_it(server):
    """No page can send the header, so the Host needs no check."""
    one = server("--proxy-protocol", "--trusted-proxy=127.0.0.1,::1", "cat")
    for facts in (b"", tls_facts(b"", 1)):
        scheme = "https" if facts else SCHEME
        with one.connect(first=v2("192.0.2.7", more=facts)) as peer:
            peer.upgrade("/", {"Host": "ws.example.com", "Origin": scheme + "://ws.example.com"})


def test_the_port_that_redirects_requires_it_too(site):
    port = free_port()
    site("--redirport=%d" % port)
    with Peer(("127.0.0.1", port), first=V1) as peer:
        peer.send(peer.request_bytes("/show", {"Host": "ws.example.com"}, upgrade=False))
        assert peer.response()[0] == 301
    with Peer(("127.0.0.1", port)) as peer:
        try:
            peer.send(peer.request_bytes("/show", upgrade=False))
            assert peer.read_to_end() == b""
        except ConnectionResetError:
            pass


@unsanitized
def test_a_slow_header_has_the_deadline_of_a_head(site, tmp_path):
    clock = Clock(tmp_path)
    one = site(env=clock.env)
    with Peer(one.addresses[0], first=V1[:20]) as slow, Peer(one.addresses[0]) as silent:
        silent.send(b"P")
        # Once both have been accepted.
        with one.connect(first=V1) as peer:
            assert shown(peer)[0] == 200
        clock.put_forward(9)
        with one.connect(first=V1) as peer:
            assert shown(peer)[0] == 200
        with contextlib.suppress(OSError):  # a second has passed meanwhile
            slow.send(V1[20:30])
        clock.put_forward(2)
        for peer in (slow, silent):
            try:
                assert peer.read_to_end() == b""
            except ConnectionResetError:
                pass


def test_it_needs_the_addresses_of_proxies(server):
    one = server("--proxy-protocol", "cat", ready=False)
    assert one.process.wait(60) == 64
    one.stopped = True
    assert "--proxy-protocol needs --trusted-proxy=LIST" in one.log()
