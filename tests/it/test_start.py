# SPDX-License-Identifier: BSD-2-Clause
"""A program that can't be started is an answer of HTTP, never a WebSocket behind which nothing runs."""

import os
import re
import resource
import shutil

from test_handshake import ask, exchange, expected
from wsraw import TEXT, close_frame, frame


def refused(one, path, status, extra=()):
    """A handshake for PATH is refused with exactly that, and a FIN also when more bytes were sent."""
    for behind in (b"", frame(TEXT, "x" * 200000)):
        with one.connect() as peer:
            peer.send(ask("GET %s HTTP/1.1" % path) + behind)
            request = ask()
            assert exchange(peer, (status,)) == expected((status, *extra), request), one.log()


def test_program_below_a_directory(server, script, tmp_path):
    """S-HS-12."""
    script("dir/ok", "#!/bin/sh\necho yes\n")
    script("dir/not-executable", "#!/bin/sh\n", mode=0o644)
    script("dir/no-interpreter", "#!/nonexistent/interpreter\n")
    script("dir/no-format", "neither a script nor a program\n")
    script("dir/broken-elf", "\x7fELF and nothing else")
    script("dir/empty", "")
    one = server("--dir=%s" % (tmp_path / "dir"))
    refused(one, "/not-executable", 403)
    refused(one, "/missing", 404)
    refused(one, "/missing/below", 404)
    refused(one, "/no-interpreter", 500)
    refused(one, "/no-format", 500)
    refused(one, "/broken-elf", 500)
    refused(one, "/empty", 500)
    shutil.copy("/bin/true", tmp_path / "dir" / "busy")
    with open(tmp_path / "dir" / "busy", "r+b"):
        refused(one, "/busy", 500)  # ETXTBSY
    interpreter = r"it is there, but not what starts it: see its #! line, which a carriage return may end"
    one.wait_log(r" error server can't start /\S*/no-interpreter \(%s\): No such file or directory\n" % interpreter)
    form = r"neither a program of this machine nor a script with a #! line"
    one.wait_log(r" error server can't start /\S*/no-format \(%s\): Exec format error\n" % form)
    one.wait_log(r" error server can't start /\S*/busy: Text file busy\n")
    with one.websocket("/ok") as ws:
        assert ws.text() == "yes"
        assert ws.closed() == (1000, "exit 0")


def test_command_that_disappears(server, script, tmp_path):
    command = script("command", "#!/bin/sh\necho yes\n")
    one = server(command)
    (tmp_path / "command").chmod(0o644)
    refused(one, "/", 403)
    (tmp_path / "command").unlink()
    refused(one, "/", 500)
    script("command", "#!/bin/sh\necho yes\n")
    with one.websocket() as ws:
        assert ws.text() == "yes"


def test_limit_of_programs(server):
    one = server("--maxforks=2", "cat")
    with one.websocket() as first, one.websocket():
        refused(one, "/", 429, [("retry-after", "5")])
        first.send(close_frame(1000))
        assert first.closed(answer=False) == (1000, "")
        one.wait_log(r"session #\d+ close ")
        with one.websocket() as third:
            third.send(frame(TEXT, "there is room again"))
            assert third.text() == "there is room again"


def test_limit_of_the_system(server):
    """No descriptors for the pipes of a program: the client is told to come back, and can."""
    one = server("cat")
    soft, hard = resource.prlimit(one.pid, resource.RLIMIT_NOFILE)
    used = max(int(fd) for fd in os.listdir("/proc/%d/fd" % one.pid)) + 1
    with one.websocket() as before:
        for spare in range(5, 9):
            # Four are for the session that is open; then the new connection, and 0 to 3 of the four pipe ends that are there at once.
            resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (used + spare, hard))
            refused(one, "/", 503, [("retry-after", "5")])
        before.send(frame(TEXT, "still there"))
        assert before.text() == "still there"
        resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (soft, hard))
        with one.websocket() as ws:
            ws.send(frame(TEXT, "and again"))
            assert ws.text() == "and again"
    assert re.search(r" error server can't start /\S*/cat: Too many open files\n", one.log())


def test_a_refusal_says_nothing_about_the_system(server, script, tmp_path):
    """S-PATH-6: neither the path that was asked for nor the program's."""
    script("dir/secret-name", "neither a script nor a program\n")
    one = server("--dir=%s" % (tmp_path / "dir"))
    for path, body in (("/secret-name", b"500 Internal Server Error\n"), ("/<b>other</b>", b"404 Not Found\n")):
        with one.connect() as peer:
            peer.send(ask("GET %s HTTP/1.1" % path))
            status, fields, got = peer.answer()
            assert (status, got) == (int(body[:3]), body)
            assert "secret" not in str(fields) and "other" not in str(fields)
