# SPDX-License-Identifier: BSD-2-Clause
"""A program that can't be started is an answer of HTTP, never a WebSocket behind which nothing runs."""

import os
import re
import resource
import shutil

import pytest
from test_handshake import ask, exchange, expected
from wsraw import TEXT, Peer, close_frame, frame, own_address


def refused(one, path, status, extra=()):
    """A handshake for PATH is refused with exactly that, and a FIN also when more bytes were sent."""
    for behind in (b"", frame(TEXT, "x" * 200000)):
        with one.connect() as peer:
            peer.send(ask("GET %s HTTP/1.1" % path) + behind)
            request = ask()
            assert exchange(peer, (status,)) == expected((status, *extra), request), one.log()


def test_program_below_a_directory(server, script, tmp_path):
    """What can't be started is an HTTP error; a 101 is sent only for a program that runs."""
    script("dir/ok", "#!/bin/sh\necho yes\n")
    script("dir/not-executable", "#!/bin/sh\n", mode=0o644)
    script("dir/no-interpreter", "#!/nonexistent/interpreter\n")
    script("dir/no-format", "neither a script nor a program\n")
    script("dir/broken-elf", "\x7fELF and nothing else")
    script("dir/empty", "")
    script("dir/windows", "#!/bin/sh\r\necho yes\r\n")
    one = server("--dir=%s" % (tmp_path / "dir"))
    refused(one, "/not-executable", 403)
    refused(one, "/missing", 404)
    refused(one, "/missing/below", 404)
    refused(one, "/no-interpreter", 500)
    refused(one, "/no-format", 500)
    refused(one, "/broken-elf", 500)
    refused(one, "/empty", 500)
    refused(one, "/windows", 500)
    shutil.copy("/bin/true", tmp_path / "dir" / "busy")
    with open(tmp_path / "dir" / "busy", "r+b"):
        refused(one, "/busy", 500)  # ETXTBSY
    with one.websocket("/ok") as ws:
        assert ws.text() == "yes"
        assert ws.closed() == (1000, "exit 0")


@pytest.mark.parametrize(
    "line, why",
    (
        ("#!/nonexistent/python\n", "its interpreter '/nonexistent/python' does not exist (first line of the script)"),
        ("#!/bin/sh\r\n", "its first line ends in CR-LF (Windows line endings); convert it with dos2unix"),
    ),
)
def test_command_whose_interpreter_is_missing(server, script, line, why):
    """Reported at startup; it may be installed later."""
    command = script("command", line)
    server(command).wait_log(" warn server can't start %s: %s\n" % (command, re.escape(why)))


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
        for spare in range(6, 11):
            # Five are for the session that is open; then the new connection, and 0 to 4 of the descriptors of its program.
            resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (used + spare, hard))
            refused(one, "/", 503, [("retry-after", "5")])
        before.send(frame(TEXT, "still there"))
        assert before.text() == "still there"
        resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (soft, hard))
        with one.websocket() as ws:
            ws.send(frame(TEXT, "and again"))
            assert ws.text() == "and again"
    assert re.search(r" error server can't start /\S*/cat now: Too many open files \(system limit\)\n", one.log())


NOT_A_PROGRAM = "not an executable for this machine; if it is a script, its first line must name the interpreter, e.g. #!/bin/sh"


@pytest.mark.parametrize(
    "text, status, why",
    [
        ("#!/nonexistent/interpreter\n", 500, "its interpreter '/nonexistent/interpreter' does not exist (first line of the script)"),
        ("#! \t/nonexistent/python3 -u\n", 500, "its interpreter '/nonexistent/python3' does not exist (first line of the script)"),
        ("#!/nonexistent", 500, "its interpreter '/nonexistent' does not exist (first line of the script)"),
        ("#!/bin/sh\r\necho\r\n", 500, "its first line ends in CR-LF (Windows line endings); convert it with dos2unix"),
        ("#!/bin/sh -e\r\necho\r\n", 101, None),
        ("neither a script nor a program\n", 500, NOT_A_PROGRAM),
        ("\x7fELF and nothing else", 500, NOT_A_PROGRAM),
        ("", 500, "the file is empty"),
    ],
)
def test_why_a_program_cannot_be_started(server, script, text, status, why):
    """The reason goes to the log, and to a client on this machine."""
    program = script("program", text)
    one = server("./program")
    with one.connect() as peer:
        peer.send(ask())
        if why is None:
            assert peer.response()[0] == status  # sh takes "-e\r" for its own option and says so
            return
        reason = "can't start %s: %s" % (program, why)
        assert peer.answer()[::2] == (status, b"500 Internal Server Error\n\n%s\n" % reason.encode())
    one.wait_log(" error server %s\n" % re.escape(reason))
    one.wait_log("status=500 .* reason=\"%s\"\n" % re.escape(reason))


def test_a_program_that_is_busy(server, tmp_path):
    shutil.copy("/bin/true", tmp_path / "busy")
    one = server("./busy")
    with open(tmp_path / "busy", "r+b"), one.connect() as peer:
        peer.send(ask())
        assert peer.answer()[2].endswith(b"/busy: a process has the file open for writing\n")


@pytest.mark.parametrize("field", ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=_a", "X-Real-IP: ::1", "Via: 1.1 a"])
def test_a_rejection_reveals_nothing_to_a_proxys_client(server, script, tmp_path, field):
    """Neither the path that was requested nor the program's, when the request was forwarded."""
    script("dir/secret-name", "neither a script nor a program\n")
    one = server("--dir=%s" % (tmp_path / "dir"))
    for path, body in (("/secret-name", b"500 Internal Server Error\n"), ("/<b>other</b>", b"404 Not Found\n")):
        with one.connect() as peer:
            peer.send(ask("GET %s HTTP/1.1" % path)[:-2] + b"%s\r\n\r\n" % field.encode())
            status, fields, got = peer.answer()
            assert (status, got) == (int(body[:3]), body)
            assert "secret" not in str(fields) and "other" not in str(fields)


def test_a_rejection_reveals_nothing_to_another_machine(server, script, tmp_path):
    script("dir/secret-name", "neither a script nor a program\n")
    one = server("--dir=%s" % (tmp_path / "dir"), "--address=*")
    if not own_address():
        pytest.skip("this machine has no address but loopback")
    with Peer((own_address(), one.addresses[0][1]), context=one.context) as peer:
        peer.send(ask("GET /secret-name HTTP/1.1"))
        assert peer.answer()[::2] == (500, b"500 Internal Server Error\n")
    one.wait_log("reason=\"can't start")
