# SPDX-License-Identifier: BSD-2-Clause
"""The lines that a server logs when it starts: every address in them can be opened."""

import os
import re
import shutil

import pytest
from conftest import SCHEME, TLS, WSPIPE, plain_only
from wsraw import has_ipv6

WS = "wss" if TLS else "ws"
EVERYWHERE = " (this machine only; use --address='*' for all interfaces)"


def announced(one):
    """The startup lines without their stamps, the port as @."""
    port = one.addresses[0][1]
    lines = re.findall(r" server (serving .*)\n", one.log())
    assert one.log().splitlines()[0].endswith(lines[0])
    return [re.sub(r"\b%d\b" % port, "@", line) for line in lines]


def check_addresses(one):
    """Each address of the startup lines responds as its scheme promises."""
    found = re.findall(r"(wss?|https?)://localhost:\d+(/\S*)", one.log())
    assert found
    for scheme, path in found:
        with one.connect() as peer:
            upgrade = scheme.startswith("ws")
            peer.send(peer.request_bytes(path, upgrade=upgrade))
            assert peer.response()[0] == (101 if upgrade else 200)


def test_an_mcp_server(server):
    one = server("--mcp", "cat")
    assert announced(one) == ["serving cat to MCP clients on %s://localhost:@/%s" % ("https" if TLS else "http", EVERYWHERE)]
    one.wait_log('server add this URL to an MCP client as a server of type "http"')


def test_a_command(server):
    one = server("cat")
    assert announced(one) == ["serving cat on %s://localhost:@/%s" % (WS, EVERYWHERE)]
    check_addresses(one)


def test_a_command_as_it_was_given(server, script):
    script("count.sh", "#!/bin/sh\ncat\n")
    assert announced(server("./count.sh", "-n", "1"))[0].startswith("serving ./count.sh -n 1 on ")
    long = announced(server("cat", "-", "x" * 80, "y"))[0]
    assert long.startswith("serving cat - ... on ")
    # Nothing in it can forge a line of the log.
    assert announced(server("sh", "-c", "cat\n"))[0].startswith("serving sh -c cat\\x0a on ")


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6")
@pytest.mark.parametrize(
    "options, urls",
    [
        (["--address=127.0.0.1"], "WS://127.0.0.1:@/ (this machine only)"),
        (["--address=::1"], "WS://[::1]:@/ (this machine only)"),
        (["--address=localhost"], "WS://localhost:@/ (this machine only)"),
        (["--address=127.0.0.1", "--address=[::1]"], "WS://127.0.0.1:@/, WS://[::1]:@/ (this machine only)"),
        (["--address=*"], "WS://localhost:@/ (all interfaces, port @)"),
        (["--address=0.0.0.0"], "WS://localhost:@/ (all interfaces, port @)"),
        (["--address=0.0.0.0", "--address=::"], "WS://localhost:@/ (all interfaces, port @)"),
        (["--address=::"], "WS://localhost:@/ (all interfaces, port @)"),
    ],
)
def test_addresses_that_can_be_opened(server, options, urls):
    one = server(*options, "cat")
    assert announced(one) == ["serving cat on " + urls.replace("WS", WS)]


def test_a_page(server, tmp_path):
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("hi\n")
    page = "serving the files in %s on %s://localhost:@/" % (tmp_path / "page", SCHEME)
    one = server("--staticdir=page", "cat")
    assert announced(one) == ["serving cat on %s://localhost:@/%s" % (WS, EVERYWHERE), page]
    check_addresses(one)
    one = server("--staticdir=page")
    assert announced(one) == [page + EVERYWHERE]
    check_addresses(one)
    one = server("--staticdir=page", "--health-path=/")
    assert announced(one) == [page + "index.html" + EVERYWHERE]
    check_addresses(one)


def test_a_page_without_an_index(server, tmp_path):
    (tmp_path / "page").mkdir()
    line = "serving the files in %s, without an index.html" % (tmp_path / "page")
    assert announced(server("--staticdir=page", "cat"))[1] == "%s, on %s://localhost:@/FILE" % (line, SCHEME)
    for name in ("b.txt", "a.txt", ".hidden", "a file"):
        (tmp_path / "page" / name).write_text("hi\n")
    one = server("--staticdir=page", "cat")
    assert announced(one)[1] == "%s, for example %s://localhost:@/a.txt" % (line, SCHEME)
    check_addresses(one)


def test_programs_of_a_directory(server, script, tmp_path):
    """One of them is the example; it is one that a request can start and whose name needs no encoding."""
    (tmp_path / "programs").mkdir()
    line = "serving the programs in %s" % (tmp_path / "programs")
    assert announced(server("--dir=programs")) == ["%s on %s://localhost:@/PROGRAM%s" % (line, WS, EVERYWHERE)]
    script("programs/a file", "#!/bin/sh\n")
    script("programs/a.txt", "none", mode=0o644)
    script("programs/a.bak", "#!/bin/sh\n")
    script("programs/below/a.sh", "#!/bin/sh\n")
    (tmp_path / "programs" / "a-link").symlink_to("/bin/sh")
    script("programs/c.sh", "#!/bin/sh\n")
    script("programs/b.sh", "#!/bin/sh\n")
    one = server("--dir=programs")
    assert announced(one) == ["%s, for example %s://localhost:@/b.sh%s" % (line, WS, EVERYWHERE)]
    check_addresses(one)


def test_several_workers_announce_once(server):
    assert len(announced(server("--workers=2", "cat"))) == 1


REBINDING = (
    "the Host of requests is not checked: a web page can connect through a domain name of its own that resolves to this "
    "machine (DNS rebinding); prevent it with --host=NAME, the name that clients use"
)


@pytest.mark.parametrize(
    "options, warned",
    [
        (["--address=*"], not TLS),
        (["--address=0.0.0.0", "--sameorigin"], not TLS),
        (["--address=*", "--host=ws.example"], False),
        (["--address=*", "--origin=http://127.0.0.1"], False),
        (["--address=*", "--origin=any"], False),
        (["--address=*", "--compat=websocketd", "--log-format=text"], False),
        ([], False),
        (["--address=127.0.0.1", "--address=127.0.0.2"], False),
    ],
)
def test_dns_rebinding_is_explained(server, options, warned):
    one = server(*options, "cat")
    origin = "%s://localhost:%d" % (SCHEME, one.addresses[0][1])
    with one.connect() as peer:
        peer.send(peer.request_bytes(headers={"Origin": origin, "Host": "localhost:%d" % one.addresses[0][1]}))
        peer.response()
    assert re.findall(r" warn server (the Host .*)\n", one.log()) == [REBINDING] * warned


@pytest.mark.parametrize("options, warned", [
    (["--address=*"], True), (["--address=*", "--readonly"], False), (["--address=*", "--deny=192.0.2.0/24"], True),
    (["--address=*", "--allow=127.0.0.0/8"], False), ([], False)])
def test_an_open_terminal_causes_a_warning(server, options, warned):
    one = server(*options, "--pty", "cat")
    with one.connect() as peer:
        peer.send(peer.request_bytes("/none", upgrade=False))
        peer.response()
    assert ("can type into the terminals of --pty, without a password" in one.log()) == warned


@plain_only  # a key that another user can't read would be in the way
@pytest.mark.skipif(os.geteuid() != 0, reason="it needs root")
def test_root_and_other_machines(server, open_place):
    line = " warn server anyone who can connect from another machine runs programs as root; choose a user with --user or --child-user\n"
    server("--address=*", "cat").wait_log(line)
    binary = shutil.copy(WSPIPE, open_place)  # the build directory may be closed to others
    one = server("--address=*", "/bin/cat", wrapper=("setpriv", "--reuid=65534", "--clear-groups"), argv0=binary, passenv=False)
    local = server("--address=127.0.0.1", "--workers=2", "cat")
    local.wait_log(" info server programs run as root; choose a user for them with --user or --child-user\n")
    assert local.log().count("as root") == 1
    socket = server("--address=127.0.0.1", "--staticdir=%s" % open_place)
    for quiet in (one, socket, server("--address=*", "--child-user=nobody", "cat")):
        with quiet.connect() as peer:
            peer.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            peer.answer()
        assert "root" not in quiet.log()


def test_compat_keeps_websocketd_s_lines(server, script, tmp_path):
    script("programs/a.sh", "#!/bin/sh\n")
    (tmp_path / "page").mkdir()
    one = server("--compat=websocketd", "--dir=programs", "--staticdir=page", "--address=127.0.0.2", "--address=127.0.0.1")
    one.wait_log(r"files : \S+://127.0.0.1:")
    port = one.addresses[0][1]
    hosts = ["127.0.0.2", "127.0.0.1"]
    assert [line.split("|  | ")[1] for line in one.log().splitlines()] == [
        "Serving from directory      : %s" % (tmp_path / "programs"),
        "Serving static content from : %s" % (tmp_path / "page"),
    ] + [
        line % (scheme, host, port)
        for host in hosts
        for line, scheme in (("Starting WebSocket server   : %s://%s:%d/", WS), ("Serving CGI or static files : %s://%s:%d/", SCHEME))
    ]
