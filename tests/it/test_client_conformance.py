# SPDX-License-Identifier: BSD-2-Clause
"""
Runs the tables of conformance/ with the roles exchanged: wspipe is the client, with the program of a case as its
COMMAND, and the frames of a case come from a server, so they are not masked, but for those that break this rule.
"""

import importlib
import socket
import subprocess
import sys

import pytest
import wsraw
from clientside import Client, Connection, answer
from wsraw import CLOSE, DEADLINE


def swapped():
    """The tables, and their harness, with frames that are masked where those of a client are not."""
    names = [name for name in sys.modules if name.split(".")[0] in ("conformance", "test_conformance")]
    kept = {name: sys.modules.pop(name) for name in names}
    frame = wsraw.frame
    wsraw.frame = lambda *args, mask=b"", **kwargs: frame(*args, mask=None if mask is not None else b"\x01\x02\x03\x04", **kwargs)
    try:
        return importlib.import_module("test_conformance"), importlib.import_module("conformance.case")
    finally:
        wsraw.frame = frame
        for name in [name for name in sys.modules if name.split(".")[0] in ("conformance", "test_conformance")]:
            del sys.modules[name]
        sys.modules.update(kept)


harness, words = swapped()

LONG = 256 * 1024
# Compression is agreed on by the other side here (tests/unit/test_handshake_client, test_client_interop), and UTF-8
# is the same in either role.
SHARED = {"deflate", "utf8"}


class Peer:
    """What the harness knows of a connection, at the side of the server."""

    def __init__(self, connection):
        self.connection = connection
        self.sock = connection.sock

    def send(self, data):
        self.connection.send(data)

    def frame(self):
        first, payload, _ = self.connection.frame()
        assert first & 0x70 == 0, "a reserved bit is set"
        return first & 0xF, bool(first & 0x80), payload

    def read_to_end(self):
        data = self.connection.buffer
        while more := self.sock.recv(65536):
            data += more
        return data


def play(case, listener, cut):
    url = "ws://127.0.0.1:%d/" % listener.getsockname()[1]
    client = Client(url, *words.SERVERS[case.server], stdin=subprocess.DEVNULL)
    try:
        with listener.accept()[0] as sock:
            connection = Connection(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.send(answer(connection.head()))
            peer = Peer(connection)
            steps = case.steps if case.close is not None else (*case.steps, harness.ALIVE, harness.Step(harness.close(1000)))
            for i, step in enumerate(steps):
                last = case.close is not None and step is case.steps[-1]
                for _ in harness.send_pieces(peer, harness.pieces(step.send, cut, case.name + str(i)), last):
                    pass
                harness.expect(peer, step)
            # The rule that is broken is the other one.
            wanted = harness.body(1000) if case.close is None else case.close
            harness.expect_close(peer, wanted.replace(b"frame not masked", b"frame masked"))
            peer.send(case.answer or b"")
            assert peer.read_to_end() == b""
        client.process.wait(DEADLINE)
    finally:
        client.kill()


def is_swapped(case):
    """Not where the tables have bytes as they are, such as the examples of the RFC. What is long, or waits for
    --close-wait, only takes time."""
    if "-no-second-close-" in case.name:
        return False
    sent = [step.send for step in case.steps if len(step.send) > 1]
    return sum(map(len, sent)) <= LONG and all(bool(data[1] & 0x80) == (case.close == words.UNMASKED) for data in sent)


@pytest.mark.parametrize("group", [group for group in harness.GROUPS if group not in SHARED])
def test_frames(client, group):  # with the fixture, as this is the same over TLS
    wrong = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        cases = list(filter(is_swapped, harness.GROUPS[group]))
        assert len(cases) >= 10
        for case in cases:
            try:
                play(case, listener, "whole")
            except (AssertionError, OSError, EOFError) as error:
                wrong.append("%s: %s: %.300s" % (case.name, type(error).__name__, error))
    assert not wrong, "%d of %d cases failed:\n%s" % (len(wrong), len(cases), "\n".join(wrong))
