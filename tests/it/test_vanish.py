# SPDX-License-Identifier: BSD-2-Clause
"""Clients that disconnect while nothing is read from them are found, however they go; those that live are kept."""

import ctypes
import re
import socket
import struct
import time

import pytest
from conftest import wait_for
from probes import bytes_read, wait_still
from wsraw import TEXT, frame

PING_MS = 500
SLACK = 1  # second, for a busy machine
SO_ATTACH_FILTER = 26
IDLE = ("sh", "-c", "exec 3>&1; exec sleep 3000")
# Reads nothing, and writes without end.
YES = ("sh", "-c", "exec yes")
REASONS = {
    "closed": r"connection (lost|reset)",
    "reset": r"connection (lost|reset)",
    "silent": "the client's system does not respond",
}


class Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def drop_all(sock):
    """From now on its system drops what comes for a socket, as if the network were cut: BPF_RET with 0 bytes."""
    code = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(Program(1, ctypes.addressof(code))))


def vanish(ws, how):
    if how == "silent":
        drop_all(ws.sock)
        return
    if how == "reset":
        ws.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ws.sock.close()


def pause(one, ws, program, fill=True):
    """Waits until nothing is read from the client. With FILL its FIN has no room any more; without, all that it sent has
    arrived, so that its system has no reason to send anything."""
    data = frame(TEXT, b"x" * 4000) * 45
    if program is IDLE:
        ws.send(data)
    if program is IDLE and fill:
        ws.sock.setblocking(False)
        wait_for(lambda: not sends(ws.sock, data), "the window is closed")
    wait_still(lambda: bytes_read(one.pid), "the server")  # it may write PINGs


def sends(sock, data):
    try:
        return sock.send(data)
    except BlockingIOError:
        return 0


@pytest.mark.parametrize("how", sorted(REASONS))
@pytest.mark.parametrize("program", (IDLE, YES), ids=("program-idle", "client-reads-nothing"))
def test_a_client_that_vanishes_while_nothing_is_read(server, program, how):
    """Within two ping intervals, except where no PING can leave because the window is closed: then by the write timeout,
    or when the system's next probe is not answered."""
    one = server("--pingms=%d" % PING_MS, *program)
    ws = one.websocket(rcvbuf=4096)
    pause(one, ws, program, fill=how != "silent")
    vanish(ws, how)
    begin = time.monotonic()
    assert re.search(REASONS[how], one.wait_log(r" close .*").group())
    if program is IDLE or how != "silent":
        assert time.monotonic() - begin < 2 * PING_MS / 1000 + SLACK
    ws.sock.close()


@pytest.mark.parametrize("program", (IDLE, YES), ids=("program-idle", "client-reads-nothing"))
def test_a_client_that_lives_is_kept_while_nothing_is_read(server, program):
    """Ten ping intervals pass."""
    one = server("--pingms=%d" % PING_MS, *program)
    with one.websocket(rcvbuf=4096) as ws:
        pause(one, ws, program)
        end = time.monotonic() + 10 * PING_MS / 1000
        wait_for(lambda: time.monotonic() > end, "ten intervals pass")
        assert " close " not in one.log()
