# SPDX-License-Identifier: BSD-2-Clause
"""What an idle session costs, and what a message does not cost: the causes of speed, counted."""

import os
import re
import resource
import shutil
import struct
import subprocess

import pytest
from conftest import TLS, plain_only, wait_for
from probes import KIB, SANITIZED
from wsraw import TEXT, frame

HERE = os.path.dirname(os.path.abspath(__file__))
own_memory = pytest.mark.skipif(SANITIZED, reason="under a sanitizer memory is the sanitizer's")

# Bytes of private memory for a session in which nothing happens. OpenSSL 3.0 has 13.8 KiB of it.
IDLE_MAX = 15.5 * KIB if TLS else 1024


@pytest.fixture
def descriptors():
    """Room for a thousand sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip("the limit of descriptors is %d" % hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def private_kib(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int(re.search(r"Private_Dirty:\s+(\d+)", f.read()).group(1))


def echo(ws, payload):
    ws.send(frame(TEXT, payload))
    assert ws.message() == (TEXT, payload)


@own_memory
@pytest.mark.parametrize("messages", (0, 1))
def test_bytes_of_an_idle_session(server, descriptors, messages):
    """From 200 to 700 sessions: private memory, which pipes and sockets of the kernel are not."""
    one = server("--maxforks=0", "--pingms=30000", "cat")
    idle = []

    def grow(count):
        while len(idle) < count:
            ws = one.websocket()
            for _ in range(messages):
                echo(ws, b"x" * 64)
            idle.append(ws)
        return private_kib(one.pid)

    try:
        first = grow(200)
        each = (grow(700) - first) * KIB / 500
        assert each <= IDLE_MAX
    finally:
        for ws in idle:
            ws.close()


@own_memory
@plain_only
def test_no_allocation_for_a_message(server, tmp_path):
    """1,000 messages that come alone, and batches of 32 that fit in one read."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        pytest.skip("no C compiler is installed")
    library = str(tmp_path / "malloc_count.so")
    build = [compiler, "-O1", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "malloc_count.c")]
    if subprocess.run(build, capture_output=True).returncode != 0:
        pytest.skip("malloc() of this C library can't be counted")
    counted = tmp_path / "calls"
    counted.write_bytes(bytes(8))

    def calls():
        return struct.unpack("=Q", counted.read_bytes())[0]

    one = server("cat", env={"LD_PRELOAD": library, "MALLOC_COUNT": str(counted)})
    assert calls() > 0
    with one.websocket() as ws:

        def alone():
            for _ in range(1000):
                echo(ws, b"x" * 64)

        def batches():
            for _ in range(50):
                ws.send(frame(TEXT, b"y" * 64) * 32)
                for _ in range(32):
                    assert ws.message() == (TEXT, b"y" * 64)

        for pass_on in (alone, batches):
            for _ in range(20):
                echo(ws, b"busy")  # from now on its streams have what a busy one has
            before = calls()
            pass_on()
            assert calls() == before, pass_on.__name__


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@plain_only
def test_system_calls_of_a_message(server, tmp_path):
    """A message of 64 bytes that comes alone costs two waits, two reads, two writes, nothing else."""
    one = server("cat")
    trace = tmp_path / "trace"
    with one.websocket() as ws:
        echo(ws, b"first")
        command = ["strace", "-p", str(one.pid), "-o", str(trace)]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        try:
            line = tracer.stderr.readline().decode()
            if "attached" not in line:
                tracer.communicate()
                pytest.skip("strace can't attach: " + line.strip())
            for _ in range(20):
                echo(ws, b"busy")
            echo(ws, b"begin")
            for _ in range(100):
                echo(ws, b"x" * 64)
            echo(ws, b"end")
            wait_for(lambda: re.search(r'write\(\d+, "end\\n"', trace.read_text()), "the trace has the last message")
        finally:
            tracer.terminate()
            tracer.communicate()
    lines = trace.read_text().splitlines()
    at = [i for i, line in enumerate(lines) if re.match(r'write\(\d+, "(begin|end)\\n"', line)]
    assert len(at) == 2
    found = {}
    for line in lines[at[0] + 1 : at[1] + 1]:
        name = line.split("(", 1)[0]
        found[name] = found.get(name, 0) + 1
    assert found == {"epoll_wait": 202, "read": 202, "write": 202}, "\n".join(lines[at[0] : at[0] + 30])
