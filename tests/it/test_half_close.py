# SPDX-License-Identifier: BSD-2-Clause
"""A client that sends no more while a response or messages are on their way still gets all of them."""

import socket

import pytest
from conftest import TLS
from probes import wait_still
from tlsprobes import V12, V13, context_of
from wsraw import CLOSE, TEXT, close_frame, frame

SIZES = (100, 64 << 10, 2 << 20, 16 << 20)
VERSIONS = (V12, V13) if TLS else (None,)
WAYS = ("close_notify", "FIN", "close_notify and FIN") if TLS else ("FIN",)
WHEN = ("with the request", "after the head", "after a part")


def half_close(peer, way):
    if "close_notify" in way:
        peer.sock.notify()
    if "FIN" in way:
        (peer.sock.sock if TLS else peer.sock).shutdown(socket.SHUT_WR)


def connect(one, version, **kwargs):
    return one.connect(context=context_of(one, version), **kwargs) if version else one.connect(**kwargs)


@pytest.fixture(params=VERSIONS, ids=str)
def version(request):
    return request.param


@pytest.mark.parametrize("rcvbuf", (None, 4096))
@pytest.mark.parametrize("keep", ("keep-alive", "close"))
@pytest.mark.parametrize("way", WAYS)
def test_response_to_a_client_that_half_closes(server, tmp_path, version, way, keep, rcvbuf):
    (tmp_path / "site").mkdir()
    one = server("--staticdir=site", "cat")
    for size in SIZES:
        data = bytes(range(256)) * (size // 256) + bytes(size % 256)
        (tmp_path / "site" / "file").write_bytes(data)
        for when in WHEN:
            with connect(one, version, rcvbuf=rcvbuf) as peer:
                peer.send(peer.request_bytes("/file", {"Connection": keep}, upgrade=False))
                if when == "with the request":
                    half_close(peer, way)
                assert peer.response()[0] == 200
                if when == "after the head":
                    half_close(peer, way)
                part = peer.read(size // 2)
                if when == "after a part":
                    half_close(peer, way)
                assert part + peer.read_to_end() == data, (size, when)
    assert "aborted" not in one.log()


@pytest.mark.parametrize("way", WAYS)
def test_last_response_is_queued_when_the_client_half_closes(server, tmp_path, version, way):
    """Its connection lingers, and reads the end."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "file").write_bytes(bytes(64 << 10))
    one = server("--staticdir=site", "cat")
    with connect(one, version, rcvbuf=4096) as peer:
        peer.send(peer.request_bytes("/file", upgrade=False) * 200)
        one.wait_log("http reply")
        count = wait_still(lambda: one.log().count("http reply"), "the responses until one is queued")
    assert 0 < count < 200
    with connect(one, version, rcvbuf=4096) as peer:
        peer.send(peer.request_bytes("/file", upgrade=False) * (count - 1))
        peer.send(peer.request_bytes("/file", {"Connection": "close"}, upgrade=False))
        half_close(peer, way)
        wait_still(lambda: one.log().count("http reply"), "all responses")
        for _ in range(count):
            assert peer.response()[0] == 200
            assert peer.read(64 << 10) == bytes(64 << 10)
        assert peer.read_to_end() == b""


@pytest.mark.parametrize("way", [way for way in WAYS if not TLS or "close_notify" in way])
def test_websocket_that_half_closes_after_its_close(server, tmp_path, version, way):
    """The frames that are on their way, and the Close."""
    one = server("sh", "-c", "read line; head -c 4000000 /dev/zero | tr '\\0' x; echo; cat")
    with connect(one, version) as ws:
        ws.upgrade()
        ws.send(frame(TEXT, "go"))
        first = ws.read(100)
        ws.send(close_frame(1000))
        half_close(ws, way)
        ws.buffer[:0] = first
        frames = 0
        while (found := ws.frame())[0] != CLOSE:
            assert found[2] == b"x" * len(found[2])
            frames += 1
        assert frames > 0 and found[2][:2] == b"\x03\xe8"
        assert ws.read_to_end() == b""
