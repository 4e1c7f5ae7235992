# SPDX-License-Identifier: BSD-2-Clause
"""The log: what each line says, and that nothing hostile gets through it as it is."""

import codecs
import json
import os
import re
import socket

import pytest
from conftest import SCHEME, listening_addresses, wait_for
from wsraw import TEXT, close_frame, frame

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
LINE_MAX = 8192

# What wants to move a terminal, as far as a field of HTTP can hold it.
ORIGIN = "http://\x9b31m\xc2\x9b\xff\\\"' x=\"y"

# Bytes that are not UTF-8 are shown one by one.
codecs.register_error("one-by-one", lambda e: (e.object[e.start : e.end].decode("latin-1"), e.end))


def lines_of(one, pattern):
    return [line for line in one.log().splitlines() if re.search(pattern, line)]


def closed_session(one, *frames, path="/", headers=None):
    """A session that sends these frames, gets one message for each, and closes; returns the peer's address."""
    with one.websocket(path, headers) as ws:
        for data in frames:
            ws.send(data)
        for _ in frames:
            ws.message()
        ws.send(close_frame(1000))
        assert ws.closed(answer=False)[0] == 1000
        one.wait_log(r"session[ \"].*close")
        return "%s:%d" % ws.sock.getsockname()


def test_lines_of_a_session(server):
    one = server("--closems=5000", "cat")  # a busy machine may not let it exit before a signal
    headers = {"Origin": "%s://%s:%d" % (SCHEME, *one.addresses[0])}
    remote = closed_session(one, frame(TEXT, "four"), frame(TEXT, "€"), path="/a%20b?x=y", headers=headers)
    opened, closed = lines_of(one, r" session ")
    match = re.fullmatch(
        r"%s access session #1 open remote=%s target=\"?/a%%20b\?x=y\"? origin=%s program=(/\S+/cat) pid=(\d+)"
        % (TIME, remote, headers["Origin"]),
        opened,
    )
    assert match, opened
    match = re.fullmatch(
        r"%s access session #1 close remote=%s duration_ms=(\d+) cause=client in_messages=2 in_bytes=7 "
        r"out_messages=2 out_bytes=7 exit=0 close_sent=1000 close_received=1000" % (TIME, remote),
        closed,
    )
    assert match, closed
    assert int(match.group(1)) < 15000


@pytest.mark.parametrize(
    "command, fields",
    [
        ("exit 3", "exit=3 close_sent=4003 close_received=4003"),
        ("kill -TERM $$", "signal=TERM close_sent=4271 close_received=4271"),
        ("kill -40 $$", "signal=40 close_sent=4296 close_received=4296"),
    ],
)
def test_close_line_tells_how_a_program_ended(server, command, fields):
    one = server("sh", "-c", command)
    with one.websocket() as ws:
        ws.closed()
    line = one.wait_log(r"session #1 close .*\n").group(0)
    assert re.search(r"in_messages=0 in_bytes=0 out_messages=0 out_bytes=0 %s\n" % fields, line), line


def test_close_line_of_a_peer_without_a_close(server):
    one = server("--closems=5000", "cat")
    one.websocket().close()
    assert re.search(r"exit=0 close_sent=1006 close_received=1006\b", one.wait_log(r"session #1 close .*\n").group(0))


def test_close_line_of_a_fault_has_its_reason(server):
    one = server("cat")
    with one.websocket() as ws:
        ws.send(frame(TEXT, "not masked", mask=None))
        code, reason = ws.closed(answer=False)
        assert code == 1002
    line = one.wait_log(r"session #1 close .*\n").group(0)
    assert re.search(r' close_sent=1002 close_received=1006 reason="(.*)"\n', line).group(1) == reason


def test_line_of_a_plain_answer_and_of_a_refusal(server, tmp_path):
    (tmp_path / "a.txt").write_text("a text\n")
    one = server("--staticdir=%s" % tmp_path)
    remotes = []
    for request in (
        b"GET /a.txt?q HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /b.txt HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"BAD\r\n\r\n",
    ):
        with one.connect() as peer:
            peer.send(request)
            peer.answer()
            remotes.append("%s:%d" % peer.sock.getsockname())
    got = [re.sub("^" + TIME, "TIME", line) for line in lines_of(one, " http ")]
    assert got == [
        'TIME access http reply status=200 remote=%s method=GET target="/a.txt?q"' % remotes[0],
        'TIME access http rejected status=404 remote=%s method=GET target=/b.txt host=localhost reason="no such file in --staticdir"' % remotes[1],
        'TIME access http rejected status=400 remote=%s reason="invalid method in the request line"'
        % remotes[2],
    ]


def test_line_of_a_plain_request_where_there_are_no_files(server):
    one = server("--devconsole=false", "cat")
    with one.connect() as peer:
        peer.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert peer.answer()[0] == 426
    one.wait_log('status=426 .* reason="plain HTTP request where only WebSocket is served [(]add --staticdir=DIR to serve files[)]"')


BUFFERS = (
    r" info session #(\d+) the program printed nothing; if it should have, it probably buffers its output: "
    r"let it flush after each line \(python3 -u, fflush\), or use --unbuffer\n"
)


def test_hint_at_buffering(server, script):
    """Of the first session in which a program reads and prints nothing while its client waits."""
    program = script("buffers.py", "#!/usr/bin/env python3\nimport sys\nfor line in sys.stdin:\n    print(line)\n")
    one = server(program)
    with one.websocket() as ws:
        wait_for(lambda: one.tagged(), "the program runs")
    one.wait_log("session #1 close ")
    for number in (2, 3):
        with one.websocket() as ws:
            ws.send(frame(TEXT, "hi"))
            ws.sock.settimeout(0.3)
            with pytest.raises((TimeoutError, socket.timeout)):
                ws.sock.recv(1)
        one.wait_log("session #%d close " % number)
    one.stop()
    assert re.findall(BUFFERS, one.log()) == ["2"]


def test_no_hint_at_buffering(server):
    one = server("cat")
    with one.websocket() as ws:
        ws.send(frame(TEXT, "hi"))
        assert ws.text() == "hi"
    one.wait_log("session #1 close ")
    one.stop()
    assert not re.search(BUFFERS, one.log())


def test_lines_of_stderr(server, script):
    talk = script("talk", "#!/bin/sh\nprintf 'one\\n\\ntwo three\\r\\nlast' >&2\n")
    one = server(talk)
    with one.websocket() as ws:
        assert ws.closed() == (1000, "exit 0")
    one.wait_log(r"session #1 close ")
    got = [re.sub("^" + TIME, "TIME", line) for line in lines_of(one, " stderr ")]
    assert [line.rstrip() for line in got] == [
        "TIME error stderr #1 one",
        "TIME error stderr #1",
        "TIME error stderr #1 two three",
        "TIME error stderr #1 last",
    ]


def test_a_flood_of_stderr_is_logged_in_part(server):
    """A burst, then some lines a second; how many are missing is counted. The client may have them all."""
    count = 3000
    command = "seq %d >&2; read line; sleep 1.1; echo last >&2; echo done" % count
    one = server("--passstderr", "sh", "-c", command)
    with one.websocket() as ws:
        for i in range(1, count + 1):
            assert json.loads(ws.text()) == {"stream": "stderr", "data": str(i)}
        ws.send(frame(TEXT, "go on"))
        while json.loads(ws.text())["data"] != "done":
            pass
        assert ws.closed() == (1000, "exit 0")
    one.wait_log(r"session #1 close ")
    shown = [line.split(" stderr #1 ")[1] for line in lines_of(one, " error stderr ")]
    suppressed = [int(n) for n in re.findall(r" warn session #1 (\d+) lines of stderr suppressed\n", one.log())]
    assert shown[:200] == [str(i) for i in range(1, 201)]
    assert shown[-1] == "last"
    assert len(shown) + sum(suppressed) == count + 1
    assert len(shown) < 1000
    assert 1 <= len(suppressed) < 20


def test_suppressed_lines_are_counted_at_the_end(server):
    one = server("sh", "-c", "seq 1000 >&2")
    with one.websocket() as ws:
        ws.closed()
    one.wait_log(r"session #1 close ")
    shown = len(lines_of(one, " error stderr #1 "))
    *before, after = lines_of(one, r" #1 (\d+ lines of stderr suppressed|close)")
    # Once, if the machine does not need a second for them.
    suppressed = [int(line.split(" warn session #1 ")[1].split()[0]) for line in before]
    assert suppressed and shown + sum(suppressed) == 1000
    assert " session #1 close " in after


def hostile_session(one):
    """Hostile bytes in the target, in the Origin, in the head and on stderr."""
    requests = [
        b"\x1b[2J\x00\nforged line\n\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Name: \x1b]0;owned\x07\r\n\r\n",
        b"GET /%1b%0a\\\"'=\" HTTP/1.1\r\nHost: localhost\r\nOrigin: \x9b31m\r\n\r\n",
    ]
    for request in requests:
        with one.connect() as peer:
            peer.send(request)
            assert peer.answer()[0] == 400
    with one.websocket("/'x%22=%5B", {"Origin": ORIGIN}) as ws:
        ws.closed()
    one.wait_log(r"session[ \"].*close")


# As the program writes them to stderr, and as a text line shows them.
STDERR = [
    (b"\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
    (b"bell\x07 back\x08 tab\t del\x7f nul\x00", r"bell\x07 back\x08 tab\x09 del\x7f nul\x00"),
    (b"c1 \xc2\x9b31m", r"c1 \x9b31m"),
    (b"not utf-8 \xff\xc3( \xed\xa0\x80", r"not utf-8 \xff\xc3( \xed\xa0\x80"),
    (b"carriage\rreturn", r"carriage\x0dreturn"),
    (b"quote \" ' back\\slash", r"quote " + "\" ' back\\\\slash"),
    ("fine: ä€😀".encode(), "fine: ä€😀"),
]


@pytest.fixture
def hostile(script, tmp_path):
    (tmp_path / "stderr").write_bytes(b"".join(line + b"\n" for line, _ in STDERR))
    return script("hostile", "#!/bin/sh\nexec cat %s >&2\n" % (tmp_path / "stderr"))


def check_printable(one):
    with open(one.log_path, "rb") as f:
        text = f.read().decode()  # fails when it is not UTF-8
    assert [c for c in text if ord(c) < 32 and c != "\n" or 0x7F <= ord(c) < 0xA0] == []


def test_hostile_bytes_are_escaped(server, hostile):
    one = server("--origin=any", hostile)
    hostile_session(one)
    check_printable(one)
    got = [line.split(" stderr #1 ", 1)[1] for line in lines_of(one, " stderr ")]
    assert got == [shown for _, shown in STDERR]
    assert re.fullmatch(
        TIME + r" access session #1 open remote=\S+ target=\"/'x%22=%5B\" "
        r"origin=\"http://\\x9b31m\\x9b\\xff\\\\\\\"' x=\\\"y\" program=/\S+ pid=\d+",
        lines_of(one, "#1 open")[0],
    )
    assert [line for line in one.log().splitlines() if not re.match(TIME + " (access|info|error) ", line)] == []


def test_every_json_line_parses(server, hostile):
    one = server("--log-format=json", "--loglevel=debug", "--origin=any", hostile)
    hostile_session(one)
    check_printable(one)
    lines = [json.loads(line) for line in one.log().splitlines()]
    for line in lines:
        assert re.fullmatch(TIME, line["time"])
        assert line["level"] in ("debug", "access", "info", "error")
        assert line["category"] in ("server", "http", "session", "stderr")
    assert [(line["level"], line["session"], line["message"]) for line in lines if line["category"] == "stderr"] == [
        ("error", 1, raw.decode("utf-8", "one-by-one")) for raw, _ in STDERR
    ]
    (opened,) = [line for line in lines if line["message"] == "open"]
    assert list(opened) == "time level category session message remote target origin program pid traceparent".split()
    assert (opened["target"], opened["origin"]) == ("/'x%22=%5B", "http://\x9b31m\x9b\xff\\\"' x=\"y")
    (closed,) = [line for line in lines if line["message"] == "close"]
    wanted = {"in_messages": 0, "in_bytes": 0, "out_messages": 0, "out_bytes": 0, "exit": 0, "close_sent": 1000}
    assert {key: closed[key] for key in wanted} == wanted
    assert isinstance(closed["duration_ms"], int)
    assert {line["status"] for line in lines if line["message"] == "rejected"} == {400}


@pytest.mark.parametrize("form", ["text", "json", "compat"])
def test_long_line_of_stderr_does_not_stall_the_program(server, script, form):
    """websocketd's reader stops there; here the line is cut in the log, and the program goes on."""
    talk = script(
        "talk",
        "#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' 'x' >&2\necho >&2\n"
        "head -c 5000 /dev/zero | tr '\\0' '\\033' >&2\necho >&2\n"
        "echo 'the next line' >&2\necho done\n",
    )
    args = {"text": [], "json": ["--log-format=json"], "compat": ["--compat=websocketd"]}[form]
    one = server(*args, talk)
    with one.websocket() as ws:
        assert ws.text() == "done"
        assert ws.closed() == (1000, "exit 0")
    one.wait_log("the next line")
    lines = one.log().splitlines()
    long = [line for line in lines if "xxxx" in line]
    assert len(long) == 1
    assert LINE_MAX - 400 < len(long[0]) < LINE_MAX
    mark = {"text": r" truncated=1$", "json": r',"truncated":1\}$', "compat": r" truncated:'1' \| x+$"}[form]
    assert re.search(mark, long[0]), long[0][-40:]
    assert max(len(line) for line in lines) < LINE_MAX


@pytest.mark.parametrize(
    "level, shown",
    [
        ("debug", {"debug", "access", "info", "error"}),
        ("trace", {"access", "info", "error"}),
        ("access", {"access", "info", "error"}),
        ("info", {"info", "error"}),
        ("warn", {"error"}),
        ("error", {"error"}),
        ("fatal", set()),
        ("none", set()),
    ],
)
def test_levels(server, script, level, shown):
    talk = script("talk", "#!/bin/sh\necho oops >&2\nread line\n")
    one = server("--loglevel=" + level, "--address=127.0.0.1", talk, ready=False)
    one.addresses = wait_for(lambda: listening_addresses(one.pid), "the server listens")
    one.take_baseline()
    with one.websocket() as ws:
        ws.send(frame(TEXT, "end"))
        assert ws.closed() == (1000, "exit 0")
    one.check_clean()
    assert {line.split(" ")[1] for line in one.log().splitlines()} == shown
