# SPDX-License-Identifier: BSD-2-Clause
"""--reverselookup: REMOTE_HOST is the client's name, and nobody else waits for it."""

import os
import socket
import time

import pytest
from conftest import open_files, plain_only, wait_for
from probes import preload
from wsraw import Peer

SHOW = ("sh", "-c", 'echo "$REMOTE_HOST $REMOTE_ADDR"; exec cat')


@pytest.fixture
def named(server, tmp_path):
    """A server with the names of fake_names.c."""

    def start(*args, **kwargs):
        env = {"LD_PRELOAD": preload(tmp_path, "fake_names.c"), "FAKE_NAMES_GO": str(tmp_path / "go")}
        env["ASAN_OPTIONS"] = "verify_asan_link_order=0"
        return server("--reverselookup", "--address=127.0.0.1", *args, env=env, **kwargs)

    return start


def host(one, source=None):
    with one.connect(source=source) as ws:
        ws.upgrade("/")
        return ws.text()


def thread_count(pid):
    return len(os.listdir("/proc/%d/task" % pid))


def test_without_it_the_address_is_the_host(server):
    one = server("--address=127.0.0.1", *SHOW)
    assert host(one) == "127.0.0.1 127.0.0.1"
    assert thread_count(one.pid) == 1


def test_the_client_of_a_proxy(named):
    """It is looked up if it is known before the request."""
    one = named("--proxy-protocol", "--trusted-proxy=127.0.0.1", *SHOW)
    with one.connect(first=b"PROXY TCP4 127.0.0.2 127.0.0.1 1 2\r\n") as ws:
        ws.upgrade("/")
        assert ws.text() == "two.example 127.0.0.2"
    one = named("--trusted-proxy=127.0.0.1", *SHOW)
    with one.connect() as ws:
        ws.upgrade("/", {"X-Forwarded-For": "127.0.0.2"})
        assert ws.text() == "127.0.0.2 127.0.0.2"


def test_names_are_those_of_the_system(server):
    """/etc/hosts and the rest of /etc/nsswitch.conf."""
    one = server("--reverselookup", "--address=127.0.0.1", *SHOW)
    try:
        name = socket.getnameinfo(("127.0.0.1", 0), socket.NI_NAMEREQD)[0]
        if "127.0.0.1" not in [a[4][0] for a in socket.getaddrinfo(name, None, socket.AF_INET)]:
            name = "127.0.0.1"
    except socket.gaierror:
        name = "127.0.0.1"
    assert host(one) == name + " 127.0.0.1"


@pytest.mark.parametrize("number, name", (
    (2, "two.example"),
    (3, None),  # a newline would forge a variable
    (4, None),  # its name leads elsewhere
    (5, "dot.example"),
    (6, None),  # its name leads nowhere
    (7, None),
    (8, None),
    (9, None),
    (10, None),
    (11, "UPPER-case1.example"),
    (12, None),  # it has none
))
def test_a_name_is_used_if_it_is_valid_and_leads_back(named, number, name):
    address = "127.0.0.%d" % number
    assert host(named(*SHOW), address) == "%s %s" % (name or address, address)


def test_each_connection_has_its_own_name(named):
    one = named("--workers=2", *SHOW)
    for _ in range(3):
        for number, name in ((2, "two.example"), (5, "dot.example"), (12, "127.0.0.12")):
            assert host(one, "127.0.0.%d" % number) == "%s 127.0.0.%d" % (name, number)


@plain_only  # the handshake of TLS waits for the name
def test_a_lookup_takes_two_seconds_at_most_and_delays_nobody(named):
    one = named(*SHOW)

    def nobody_is_delayed():
        start = time.monotonic()
        with one.connect(source="127.0.0.101") as slow:
            slow.send(slow.request_bytes())
            assert host(one, "127.0.0.2") == "two.example 127.0.0.2"
            took = time.monotonic() - start
            assert slow.response()[0] == 101
            assert slow.text() == "127.0.0.101 127.0.0.101"
            assert time.monotonic() - start > 1.9
        return took < 1.9

    wait_for(nobody_is_delayed, "the other client does not wait")


@plain_only  # the handshake of TLS waits for the name
def test_a_name_that_comes_in_time(named, tmp_path):
    one = named(*SHOW)
    with one.connect(source="127.0.0.101") as peer:
        peer.send(peer.request_bytes())
        (tmp_path / "go").touch()
        assert peer.response()[0] == 101
        assert peer.text() == "slow.example 127.0.0.101"


@plain_only  # the handshake of TLS waits for the name
def test_more_lookups_than_threads_let_clients_pass(named, tmp_path):
    """Those that find all slots taken wait for nothing, and the others for two seconds."""
    one = named(*SHOW)
    stuck = [one.connect(source="127.0.0.101") for _ in range(70)]
    for peer in stuck:
        peer.send(peer.request_bytes())
    try:
        assert [(peer.response()[0], peer.text()) for peer in stuck] == [(101, "127.0.0.101 127.0.0.101")] * 70
        # The threads still wait: of 64 queries none is free.
        def passes():
            start = time.monotonic()
            assert host(one, "127.0.0.2") == "127.0.0.2 127.0.0.2"
            return time.monotonic() - start < 1.9

        wait_for(passes, "a client passes")
        (tmp_path / "go").touch()
        wait_for(lambda: host(one, "127.0.0.2") == "two.example 127.0.0.2", "there are threads again")
    finally:
        for peer in stuck:
            peer.close()


def test_a_client_that_leaves_while_its_name_is_looked_up(named, tmp_path):
    one = named(*SHOW)
    with socket.create_connection(one.addresses[0], source_address=("127.0.0.101", 0)) as sock:
        sock.send(b"\x16" if one.context else b"G")
    with socket.create_connection(one.addresses[0], source_address=("127.0.0.101", 0)) as sock:
        sock.send(b"\x16" if one.context else b"G")
        (tmp_path / "go").touch()
    assert host(one, "127.0.0.2") == "two.example 127.0.0.2"


def test_a_shutdown_does_not_wait_for_names(named):
    one = named(*SHOW)
    with socket.create_connection(one.addresses[0], source_address=("127.0.0.101", 0)) as sock:
        sock.send(b"\x16" if one.context else b"G")
        wait_for(lambda: sum("socket" in name for name in open_files(one.pid).values()) > 1, "it is accepted")
        start = time.monotonic()
        one.stop()
        assert time.monotonic() - start < 1.9


def test_programs_get_no_descriptors_of_it(named):
    one = named("sh", "-c", "ls /proc/self/fd; exec cat")
    with one.connect(source="127.0.0.2") as ws:
        ws.upgrade("/")
        assert [ws.text() for _ in range(4)] == ["0", "1", "2", "3"]  # 3: ls itself reads the directory


def test_a_unix_socket_has_no_name(server, tmp_path):
    one = server("--reverselookup", "--port=0", "--unixsocket=%s" % (tmp_path / "s"), *SHOW)
    with Peer(one.addresses[-1], context=one.context) as ws:
        ws.upgrade("/")
        assert ws.text() == "unix-socket unix-socket"


def test_compat(named):
    assert host(named("--compat=websocketd", *SHOW), "127.0.0.2") == "two.example 127.0.0.2"
