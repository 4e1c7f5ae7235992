# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of sessions have in common: figures of a process, and ways to read a whole session."""

import contextlib
import os
import re
import shutil
import struct
import subprocess
import time

import pytest
from conftest import WSPIPE, children, leave_out, wait_for
from wsraw import CLOSE, TEXT, frame

KIB = 1024
MIB = 1024 * KIB

with open(WSPIPE, "rb") as _binary:
    # Under a sanitizer memory and speed are the sanitizer's, not the program's.
    SANITIZED = b"__asan_init" in _binary.read()

# For a test of the program's own memory or time, or one that preloads a library, which a sanitizer does not allow.
# The command of a program that it starts. The search for leaks is not possible while another process traces.
STRACE = ("strace", "-qq", "-E", "ASAN_OPTIONS=detect_leaks=0")
unsanitized = leave_out(SANITIZED, "memory and speed are the sanitizer's")


def cpu_seconds(pid):
    """User and system time that a process has used."""
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_ms(pid):
    """As cpu_seconds(), but exact."""
    with open("/proc/%d/schedstat" % pid) as f:
        return int(f.read().split()[0]) / 1e6


def preload(tmp_path, source):
    """The path of a library made of a C file beside this one, for LD_PRELOAD."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        pytest.skip("no C compiler is installed")
    library = str(tmp_path / (source + ".so"))
    build = [compiler, "-O1", "-shared", "-fPIC", "-o", library, os.path.join(os.path.dirname(os.path.abspath(__file__)), source)]
    if subprocess.run(build, capture_output=True).returncode != 0:
        pytest.skip("%s does not fit this C library" % source)
    return library


@contextlib.contextmanager
def traced(one, trace, *options):
    """The system calls of the server go to a file."""
    command = ["strace", "-p", str(one.pid), "-o", str(trace), *options]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        line = tracer.stderr.readline().decode()
        if "attached" not in line:
            tracer.communicate()
            pytest.skip("strace can't attach: " + line.strip())
        yield tracer
    finally:
        tracer.terminate()
        tracer.communicate()


class Clock:
    """The monotonic clock of a server that is started with env=clock.env."""

    def __init__(self, tmp_path):
        self.file = tmp_path / "clock_shift"
        self.ms = 0
        self.file.write_bytes(bytes(8))
        self.env = {"LD_PRELOAD": preload(tmp_path, "clock_shift.c"), "CLOCK_SHIFT": str(self.file)}

    def put_forward(self, seconds):
        self.ms += int(seconds * 1000)
        with open(self.file, "r+b") as f:
            f.write(struct.pack("=q", self.ms))


def private_kib(pid):
    """The memory that is the process's own: what its files map is left out."""
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int(re.search(r"Private_Dirty:\s+(\d+)", f.read()).group(1))


def is_alive(pid):
    """Whether a process runs: a zombie does not."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def read_file(path):
    """What is in the file so far."""
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


def session(peer):
    """Reads to the CLOSE and answers it: ([message, a list of (opcode, fin, payload)], code, reason)."""
    messages, parts = [], []
    while True:
        opcode, fin, payload = peer.frame()
        if opcode == CLOSE:
            break
        assert (opcode == 0) == bool(parts), "only the first part of a message names its type"
        parts.append((opcode, fin, payload))
        if fin:
            messages.append(parts)
            parts = []
    assert not parts, "the CLOSE came within a message"
    peer.send(frame(CLOSE, payload))
    assert peer.read_to_end() == b""
    code = struct.unpack(">H", payload[:2])[0] if payload else None
    return messages, code, payload[2:].decode()


def texts(messages):
    """The payloads of session(), whole, as bytes."""
    assert all(parts[0][0] == TEXT for parts in messages)
    return [b"".join(payload for _, _, payload in parts) for parts in messages]


def send_whole(peer, data):
    peer.send(data)


def send_bytewise(peer, data):
    """Each byte by itself."""
    for i in range(len(data)):
        peer.send(data[i : i + 1])


# A program that keeps what it reads, and the time to do so; its stdout stays open, as that's end is a session's end.
RECORDER = ("--closems=20000", "sh", "-c", "exec 3>&1; exec cat >got$REMOTE_PORT")


def recorded(directory, peer, expected):
    """Waits until the recorder of this peer has got exactly what is expected."""
    path = os.path.join(str(directory), "got%d" % peer.port)
    wait_for(lambda: read_file(path) == expected, "%r is %r" % (path, expected[:1000]))


def wait_still(figure, what):
    """Waits until figure() is the same many looks in a row; returns it."""
    seen = []

    def still():
        seen.append(figure())
        return len(seen) > 40 and len(set(seen[-40:])) == 1

    wait_for(still, "%s stands still" % what)
    return seen[-1]


def wait_settled(one):
    """Waits until a server has nothing to do: it reads no more, and neither it nor its programs only wait for the CPU.
    Returns how many bytes it has read."""

    def settled():
        read = wait_still(lambda: bytes_read(one.pid), "the server")
        return one.waits() and all(state == "S" for _, state in children(one.pid)) and (read,)

    return wait_for(settled, "the server and its programs wait")[0]


def wait_idle(pids):
    """Waits for a second in which these processes use next to no time."""
    clock = used = None

    def idle():
        nonlocal clock, used
        if clock is None:
            clock, used = time.monotonic(), sum(map(cpu_seconds, pids))
        elif time.monotonic() - clock >= 1:
            if sum(map(cpu_seconds, pids)) - used <= 0.05:
                return True
            clock = None
        return False

    wait_for(idle, "they do nothing")


def bytes_read(pid):
    """How many bytes a process has read in its life."""
    with open("/proc/%d/io" % pid) as f:
        return int(f.readline().split()[1])


def bytes_written(pid):
    """How many bytes a process has written in its life."""
    with open("/proc/%d/io" % pid) as f:
        return int(f.readlines()[1].split()[1])
