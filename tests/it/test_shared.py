# SPDX-License-Identifier: BSD-2-Clause
"""A program that all clients share: modes, addresses, the environment, its start and its end."""

import json
import os
import re
import shutil
import signal
import threading
import zlib

import pytest
from conftest import DEADLINE, wait_for
from probes import traced, wait_still
from wsraw import BINARY, PING, PONG, TEXT, close_frame, fd_count, frame

LINES = "#!/usr/bin/python3 -u\nimport sys\nsys.stdin.reconfigure(newline='\\n')\n"


@pytest.fixture
def program(script):
    """A Python program that reads and writes lines."""

    def make(text):
        return script("program", LINES + text)

    return make


def say(ws, text):
    ws.send(frame(TEXT, text))


def pids(log):
    return [int(pid) for pid in re.findall(r"shared program started .*pid=(\d+)", log)]


# Modes


def test_a_broadcast_reaches_all_in_order(server, program):
    one = server("--shared", program("for line in sys.stdin:\n    print('got', line, end='')\n"))
    clients = [one.websocket("/%d" % i) for i in range(5)]
    for i, ws in enumerate(clients):
        say(ws, "from %d" % i)
        for other in clients:
            assert other.text() == "got from %d" % i
    assert len(one.tagged()) == 1 and len(pids(one.log())) == 1
    for ws in clients:
        ws.close()
    one.check_clean()


@pytest.mark.parametrize("framing", ["lines", "stream", "text", "nul", "length"])
def test_each_framing_can_be_broadcast(any_server, framing):
    one = any_server("--shared", "--framing=" + framing, "cat")
    a, b = one.websocket(), one.websocket()
    binary = framing in ("stream", "length")
    say(a, "hello")
    for ws in (a, b):
        assert ws.message() == (BINARY if binary else TEXT, b"hello")
    a.close()
    b.close()


def test_parts_of_messages_of_several_clients_are_not_mixed(server):
    one = server("--shared", "--framing=stream", "cat")
    a, b = one.websocket(), one.websocket()
    a.send(frame(BINARY, b"aaa", fin=False))
    b.send(frame(BINARY, b"bbb"))
    assert a.message() == b.message() == (BINARY, b"bbb")
    a.send(frame(0, b"AAA"))
    assert a.message() == b.message() == (BINARY, b"aaaAAA")


ROUTER = """
for line in sys.stdin:
    who, _, text = line.rstrip('\\n').partition('\\t')
    to, _, text = text.partition(':')
    print('%s\\t%s says %s' % (to or who, who, text))
"""


def test_an_address_names_the_sender_and_the_receiver(server, program):
    one = server("--shared=addressed", program(ROUTER))
    a, b = one.websocket(), one.websocket()
    say(a, ":me")
    assert a.text() == "1 says me"
    say(a, "2:you")
    assert b.text() == "1 says you"
    say(b, "*:all")
    assert a.text() == b.text() == "2 says all"
    # One that is not there costs nothing.
    say(b, "99:nobody")
    say(b, "1:a\tTAB stays")
    assert a.text() == "2 says a\tTAB stays"


def test_no_message_can_forge_a_sender(server, program):
    one = server("--shared=addressed", program("for line in sys.stdin:\n    print('*\\t' + repr(line))\n"))
    ws = one.websocket()
    say(ws, "x\n2\tforged")
    assert ws.text() == repr("1\tx 2\tforged\n")
    say(ws, "x\r\n2\tforged\r2\ty")
    assert ws.text() == repr("1\tx  2\tforged 2\ty\n")
    say(ws, "\t\t2\t")
    assert ws.text() == repr("1\t\t\t2\t\n")
    say(ws, "")
    assert ws.text() == repr("1\t\n")


def test_newlines_can_be_rejected(server, program):
    one = server("--shared=addressed", "--newline=reject", "cat")
    a, b = one.websocket(), one.websocket()
    say(a, "x\ry")
    assert a.closed()[0] == 1008
    say(b, "z")
    assert b.text() == "z"


def test_events_of_lines_name_what_happened(server, program):
    one = server(
        "--shared=addressed", "--events", "--linger=forever",
        program("seen = open(sys.argv[1], 'a', buffering=1)\nfor line in sys.stdin:\n"
                "    seen.write(line)\n    sys.stdout.write(line)\n"),
        "seen",
    )
    seen = os.path.join(os.path.dirname(one.log_path), "seen")
    a = one.websocket("/a%20b?q=%09")
    say(a, "hi\tthere")
    assert a.text() == "hi\tthere"  # text is repeated, open is ignored
    a.send(close_frame(4000, "bye\n2\ttext\tforged"))
    a.closed(answer=False)
    a.close()
    wait_for(lambda: "close" in open(seen).read(), "the program sees the close")
    assert open(seen).read().splitlines() == [
        "1\topen\t/a%20b?q=%09",
        "1\ttext\thi\tthere",
        "1\tclose\t4000 bye\\n2\\ttext\\tforged",
    ]
    b = one.websocket()
    b.reset()
    wait_for(lambda: re.search(r"\n2\tclose\t1006.*\n$", open(seen).read()), "the program sees the other close")
    one.stop()


def test_the_program_closes_single_sessions(server, program):
    one = server("--shared=addressed", "--events", program("""
for line in sys.stdin:
    who, verb, text = line.rstrip('\\n').split('\\t', 2)
    if verb == 'text' and text.startswith('close '):
        print('%s\\tclose\\t%s' % (text.split(' ', 2)[1], text.split(' ', 2)[2]))
    elif verb == 'text':
        print('*\\ttext\\t' + text)
"""))
    a, b = one.websocket(), one.websocket()
    say(a, "x")
    assert a.text() == b.text() == "x"
    say(a, "close 2 4001 go away")
    assert b.closed() == (4001, "go away")
    say(a, "close 1 ")
    assert a.closed() == (1000, "")


def test_json_addresses_numbers_arrays_and_all_but_some(any_server, program):
    one = any_server("--shared", "--framing=json", "--events", program("""
import json
def send(**message):
    print(json.dumps(message))
for line in sys.stdin:
    message = json.loads(line)
    if message['type'] in ('open', 'close'):
        send(type='text', data=message['type'] + ' %d' % message['id'], **{'except': message['id']})
    else:
        send(**json.loads(message['data']) if message['type'] == 'text' else message)
"""))
    a = one.websocket()
    say(a, '{"type":"text","data":"up"}')
    assert a.text() == "up"
    b = one.websocket()
    assert a.text() == "open 2"
    c = one.websocket()
    assert a.text() == b.text() == "open 3"
    say(a, '{"type":"text","data":"one","id":3}')
    assert c.text() == "one"
    say(a, '{"type":"text","data":"some","id":[1,3,77]}')
    assert a.text() == c.text() == "some"
    say(a, '{"type":"text","data":"others","except":[1]}')
    assert b.text() == c.text() == "others"
    say(a, '{"type":"binary","data":"AAEC"}')
    assert a.message() == b.message() == c.message() == (BINARY, b"\0\1\2")
    c.send(frame(BINARY, b"\xff\0"))
    assert c.message() == (BINARY, b"\xff\0")  # it has the ID of its sender
    say(a, '{"type":"close","id":2,"code":4002,"reason":"bye"}')
    assert b.closed() == (4002, "bye")
    assert a.text() == c.text() == "close 2"
    for ws in (a, b, c):
        ws.close()


def test_cat_is_an_echo_server_for_json_events(any_server):
    one = any_server("--shared", "--framing=json", "--events", "cat")
    with one.websocket() as a, one.websocket() as b:
        for ws, text in ((a, "x"), (b, "y")):
            say(ws, text)
            assert ws.text() == text


def test_the_open_event_has_the_headers_that_are_named(server, program):
    one = server("--shared", "--framing=json", "--events", "--event-headers=X-Room,Cookie,Missing", program("""
import json
for line in sys.stdin:
    print(json.dumps({'type': 'text', 'data': line}))
"""))
    ws = one.websocket("/a%20b?c", {"X-Room": ["1", "2"], "Cookie": "k=v", "X-Other": "x"})
    opened = json.loads(ws.text())
    assert opened.pop("remote").endswith(":%d" % ws.port)
    assert opened == {
        "type": "open", "id": 1, "path": "/a b", "query": "c", "user": None, "subprotocol": None,
        "headers": {"X-Room": "1, 2", "Cookie": "k=v"},
    }


def test_lines_without_an_address_are_dropped_and_logged_once(server, program):
    one = server("--shared=addressed", program("""
for line in sys.stdin:
    print('no tab')
    print('x\\tno number')
    print('0\\tno client')
    print('*\\tend')
"""))
    with one.websocket() as ws:
        for _ in range(3):
            say(ws, "go")
            assert ws.text() == "end"
    one.wait_log(r"shared program exited .*dropped=9")
    assert one.log().count("a message of the shared program is dropped") == 1
    assert "a line without a TAB" in one.log()


def test_malformed_json_closes_no_client(server, program):
    one = server("--shared", "--framing=json", program("""
for line in sys.stdin:
    print('{"type":"text"')
    print('')
    print('{"type":"text","data":"x","id":[1],"except":2}')
    print('{"type":"text","data":"end"}')
"""))
    with one.websocket() as ws:
        say(ws, "go")
        assert ws.text() == "end"
    one.wait_log(r"shared program exited .*dropped=2")


def test_a_message_larger_than_the_limit_is_dropped(server, program):
    one = server("--shared", "--max-output-message=100000", program("""
print('x' * 100000)
print('y' * 100001)
print('end')
sys.stdin.read()
"""))
    with one.websocket() as ws:
        assert ws.text() == "x" * 100000
        assert ws.text() == "end"
    one.wait_log(r"larger than --max-output-message allows")


def test_output_that_is_not_utf8_is_repaired_for_all(server, script):
    one = server("--shared", script("program", "#!/bin/sh\nprintf 'good\\nbad\\377\\nlast\\n'\nexec cat >/dev/null\n"))
    with one.websocket() as ws:
        assert [ws.text() for _ in range(3)] == ["good", "bad\ufffd", "last"]
    one = server("--shared", "--invalid-utf8=binary", script("program", "#!/bin/sh\nprintf 'bad\\377\\n'\nexec cat >/dev/null\n"))
    with one.websocket() as ws:
        assert ws.message() == (BINARY, b"bad\xff")


# The program


def test_the_environment_has_nothing_of_a_client(server):
    one = server("--shared=addressed", "--passenv=PATH,WSPIPE_TEST_TAG", "sh", "-c", "sleep 1000")
    with one.websocket("/path?query", {"X-Secret": "x", "Authorization": "Basic eDp5"}):
        ((pid, _),) = wait_for(lambda: one.tagged()[:1], "the program runs")
        with open("/proc/%d/environ" % pid) as f:
            names = dict(line.split("=", 1) for line in f.read().split("\0")[:-1])
    host, port = one.addresses[0]
    assert set(names) == {
        "PATH", "WSPIPE_TEST_TAG", "SERVER_SOFTWARE", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "WSPIPE_SHARED",
    }
    assert (names["SERVER_NAME"], names["SERVER_PORT"]) == (host, str(port))
    assert names["WSPIPE_SHARED"] == "addressed"


def test_stderr_is_logged_once_with_the_endpoint(server, program):
    one = server("--shared", program("for line in sys.stdin:\n    print('problem', file=sys.stderr)\n    print('x')\n"))
    with one.websocket() as a, one.websocket() as b:
        say(a, "go")
        assert a.text() == b.text() == "x"
        one.wait_log(r"error stderr problem endpoint=/")
        assert one.log().count("problem") == 1


def test_it_starts_with_the_first_client_and_ends_with_the_last(server):
    one = server("--shared", "cat")
    assert not one.tagged()
    a = one.websocket()
    b = one.websocket()
    (first,) = pids(one.log())
    a.close()
    say(b, "x")
    assert b.text() == "x"
    b.close()
    one.wait_log(r"shared program exited")
    with one.websocket() as c:
        say(c, "y")
        assert c.text() == "y"
        assert len(pids(one.log())) == 2 and pids(one.log())[1] != first


def test_it_lingers(any_server):
    one = any_server("--shared", "--linger=forever", "cat")
    for _ in range(3):
        with one.websocket() as ws:
            say(ws, "x")
            assert ws.text() == "x"
    wait_for(lambda: one.log().count(" close ") == 3, "the sessions are over")
    assert len(pids(one.log())) == 1
    one.stop()
    one = any_server("--shared", "--linger=200ms", "cat")
    with one.websocket():
        pass
    one.wait_log(r"shared program exited")


def test_it_starts_with_the_server(server, program):
    one = server("--shared", "--shared-start=always", "--history=3", program("print('first')\nsys.stdin.read()\n"))
    wait_for(lambda: one.tagged(), "it runs")
    for _ in range(2):
        with one.websocket() as ws:
            assert ws.text() == "first"
    assert len(pids(one.log())) == 1
    one.stop()


def test_the_first_client_gets_the_first_line(server):
    one = server("--shared", "sh", "-c", "echo first; exec cat")
    with one.websocket() as ws:
        assert ws.text() == "first"


def test_it_counts_once_against_maxforks(server):
    one = server("--shared", "--maxforks=1", "cat")
    clients = [one.websocket() for _ in range(5)]
    say(clients[0], "x")
    assert [ws.text() for ws in clients] == ["x"] * 5
    for ws in clients:
        ws.close()


def test_max_clients(server):
    one = server("--shared", "--max-clients=2", "cat")
    a, b = one.websocket(), one.websocket()
    c = one.connect()
    c.send(c.request_bytes())
    status, fields, _ = c.answer()
    assert status == 503 and "retry-after" in dict(fields)
    a.close()

    def again():
        d = one.connect()
        d.send(d.request_bytes())
        return d.response()[0] == 101

    wait_for(again, "there is room again")
    b.close()


@pytest.mark.parametrize("how, code, reason", [
    ("exit 0", 1000, "exit 0"), ("exit 3", 1012, "exit 3"), ("kill -KILL $$", 1012, "signal KILL"),
])
def test_an_exit_closes_all_after_the_last_line(server, how, code, reason):
    one = server("--shared", "sh", "-c", "read line; echo last; " + how)
    a, b = one.websocket(), one.websocket()
    say(a, "go")
    for ws in (a, b):
        assert ws.text() == "last"
        assert ws.closed() == (code, reason)
        ws.close()
    one.check_clean()


def test_a_program_that_can_not_start_is_503(server, tmp_path):
    missing = tmp_path / "gone"
    missing.write_text("#!/bin/sh\nexec cat\n")
    missing.chmod(0o755)
    one = server("--shared", str(missing))
    missing.unlink()
    for _ in range(2):  # the second one waits for the back-off
        ws = one.connect()
        ws.send(ws.request_bytes())
        assert ws.answer()[0] == 503


def test_an_exit_delays_the_next_start_more_and_more(server):
    one = server("--shared", "sh", "-c", "date +%s%N; exit 1")
    times = []
    for _ in range(4):
        with one.websocket() as ws:  # it waits for its response
            times.append(int(ws.text()) / 1e6)
            assert ws.closed() == (1012, "exit 1")
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert gaps[0] >= 95 and gaps[1] >= 195 and gaps[2] >= 395, gaps


def test_clients_are_kept_over_exits(server, program):
    one = server("--shared=addressed", "--events", "--on-exit=keep", program("""
import os
for line in sys.stdin:
    if line.endswith('die\\n'):
        os._exit(0)
    print('*\\ttext\\t' + line.rstrip('\\n').replace('\\t', ' '))
"""))
    a = one.websocket("/a")
    assert a.text() == "1 open /a"
    b = one.websocket("/b")
    assert a.text() == b.text() == "2 open /b"
    say(a, "die")
    one.wait_log("shared program exited")
    say(b, "kept for the next one")
    for ws in (a, b):
        got = []
        while not got or not got[-1].endswith("kept for the next one"):
            got.append(ws.text())
        assert got == ["1 open /a", "2 open /b", "2 text kept for the next one"]
    assert len(pids(one.log())) == 2
    a.close()
    assert b.text() == "1 close 1006"
    b.close()
    one.check_clean()


# Makes the next starts fail, which lose nothing, until the file is back: a program that starts reads what it can't keep.
HIDES = "os.rename(sys.argv[0], sys.argv[0] + '.hidden')"


def show_again(path):
    os.rename(path + ".hidden", path)


def test_a_client_that_left_in_the_gap_is_opened_and_closed(server, program, tmp_path):
    path = program("""
import os
for line in sys.stdin:
    if line.startswith('2\\topen') and not os.path.exists(sys.argv[1]):
        open(sys.argv[1], 'w').close()
        %s
        os._exit(1)
    print('*\\ttext\\t' + line.rstrip('\\n').replace('\\t', ' '))
""" % HIDES)
    one = server("--shared=addressed", "--events", "--on-exit=keep", path, str(tmp_path / "flag"))
    a, b = one.websocket("/a"), one.websocket("/b")
    one.wait_log("shared program exited")
    say(b, "last words")
    b.send(close_frame(4000, "bye"))
    b.closed(answer=False)
    show_again(path)
    got = []
    while not got or "close" not in got[-1]:
        got.append(a.text())
    # The first one comes from before the gap.
    assert got == ["1 open /a", "1 open /a", "2 open /b", "2 text last words", "2 close 4000 bye"]
    a.close()


def test_messages_in_the_gap_are_limited(server, program):
    path = program("""
import os
line = sys.stdin.readline()
if line == 'die\\n':
    %s
    os._exit(1)
while line:
    print(line, end='')
    line = sys.stdin.readline()
""" % HIDES)
    one = server("--shared", "--on-exit=keep", "--client-queue=1000", path)
    ws = one.websocket()
    say(ws, "die")
    one.wait_log("shared program exited")
    for i in range(100):
        say(ws, "%099d" % i)
    ws.send(frame(PING, "all"))
    assert ws.frame() == (PONG, True, b"all")  # the server has read them
    show_again(path)
    got = [ws.text()]
    say(ws, "end")
    while got[-1] != "end":
        got.append(ws.text())
    lost = int(one.wait_log(r"messages of clients were lost .* messages=(\d+)").group(1))
    assert len(got) - 1 + lost == 100 and got[:-1] == ["%099d" % i for i in range(len(got) - 1)]
    ws.close()


# After the last client it runs until it may end.
STUBBORN = "#!/bin/sh\ntrap '' INT\necho start\nwhile read line; do :; done\nwhile [ ! -e $1 ]; do sleep 0.01; done\n"


def waiting_client(one):
    """A client that the server has accepted, and that has sent its handshake."""
    before = wait_still(lambda: fd_count(one.pid), "the number of descriptors")
    ws = one.connect()
    ws.send(ws.request_bytes())
    wait_for(lambda: fd_count(one.pid) == before + 1, "it is accepted")
    return ws


def test_a_client_waits_while_the_program_is_terminated(server, script, tmp_path):
    one = server("--closems=20000", "--shared", script("program", STUBBORN), str(tmp_path / "go"))
    with one.websocket() as a:
        assert a.text() == "start"
    one.wait_log("session #1 close")
    with waiting_client(one) as b:
        (tmp_path / "go").touch()
        assert b.response()[0] == 101
        assert b.text() == "start"
        assert len(pids(one.log())) == 2
    one.check_clean()


def test_a_client_that_disconnects_while_it_waits_is_removed(server, script, tmp_path):
    one = server("--closems=20000", "--shared", script("program", STUBBORN), str(tmp_path / "go"))
    with one.websocket() as a:
        assert a.text() == "start"
    one.wait_log("session #1 close")
    b = waiting_client(one)
    before = fd_count(one.pid)
    b.close()
    wait_for(lambda: fd_count(one.pid) == before - 1, "its connection is closed")
    (tmp_path / "go").touch()
    one.check_clean()
    assert len(pids(one.log())) == 1


def test_a_shutdown_closes_all_and_ends_the_program(server):
    one = server("--shared", "--linger=forever", "--on-exit=keep", "cat")
    clients = [one.websocket() for _ in range(3)]
    stop = threading.Thread(target=one.stop)
    stop.start()
    for ws in clients:
        assert ws.closed()[0] == 1001
        ws.close()
    stop.join()


def test_a_shutdown_delivers_what_was_read(server, program):
    """A delivery to many takes long, so the line that follows it waits; the signal comes once the server has read it."""
    one = server("--max-clients=0", "--shared", program("""import fcntl, os, signal, struct, termios
for line in sys.stdin:
    os.write(1, b"x" * 60000 + b"\\n")
    for text in (b"first\\n", b"last\\n"):
        os.write(1, text)
        while struct.unpack("i", fcntl.ioctl(1, termios.FIONREAD, bytes(4)))[0] > 0:
            pass
    os.kill(os.getppid(), signal.SIGTERM)
"""))
    clients = [one.websocket() for _ in range(128)]
    say(clients[0], "go")
    for ws in clients:
        assert [ws.text(), ws.text(), ws.text()] == ["x" * 60000, "first", "last"]
        assert ws.closed()[0] == 1001
        ws.close()
    one.process.wait(DEADLINE)
    one.stop()


# Reloads


def test_a_reload_keeps_the_program_unless_it_has_changed(server, script, tmp_path):
    config = tmp_path / "wspipe.conf"
    program = script("program", "#!/bin/sh\nexec cat\n")
    config.write_text("shared = broadcast\nhistory = 1\ncommand = %s\n" % program)
    one = server("--config=%s" % config)
    a = one.websocket()
    say(a, "before")
    assert a.text() == "before"
    config.write_text("shared = broadcast\nhistory = 1\norigin = any\ncommand = %s\n" % program)
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("configuration reloaded")
    b = one.websocket()
    assert b.text() == "before"
    say(b, "after")
    assert a.text() == b.text() == "after"
    assert len(pids(one.log())) == 1
    # Another argument is another program; the old one goes on for its clients.
    config.write_text("shared = broadcast\nhistory = 1\ncommand = %s x\n" % program)
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("configuration reloaded", count=2)
    c = one.websocket()
    say(c, "new")
    assert c.text() == "new"
    say(a, "old")
    assert a.text() == b.text() == "old"
    assert len(pids(one.log())) == 2
    a.close()
    b.close()
    one.wait_log("shared program exited")
    say(c, "still")
    assert c.text() == "still"
    c.close()


# History


def test_history_comes_first(server, program):
    one = server("--shared", "--history=3", "--linger=forever", "cat")
    a = one.websocket()
    for i in range(5):
        say(a, "%d" % i)
        assert a.text() == "%d" % i
    b = one.websocket()
    assert [b.text() for _ in range(3)] == ["2", "3", "4"]
    say(a, "next")
    assert a.text() == b.text() == "next"
    a.close()
    b.close()
    c = one.websocket()
    assert [c.text() for _ in range(3)] == ["3", "4", "next"]
    c.close()
    one.stop()


def test_history_has_binary_messages_and_long_ones_but_no_addressed_ones(server, program):
    one = server("--shared", "--framing=json", "--history=3", program("""
import json, base64
def send(**message):
    print(json.dumps(message))
sys.stdin.readline()
send(type='text', data='old')
send(type='binary', data=base64.b64encode(bytes(200000)).decode())
send(type='text', data='for one', id=1)
send(type='text', data='not for 2', **{'except': 2})
send(type='text', data='y' * 70000)
send(type='text', data='new')
sys.stdin.readline()
"""))
    a = one.websocket()
    say(a, "go")
    while a.message() != (TEXT, b"new"):
        pass
    b = one.websocket()
    assert b.message() == (BINARY, bytes(200000))
    assert b.text() == "y" * 70000
    assert b.text() == "new"
    a.close()
    b.close()


def test_compression_is_the_same_for_all(server):
    one = server("--shared", "--deflate", "--history=1", "cat")
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    a, plain = one.connect(), one.websocket()
    fields = dict(a.upgrade("/", offer))
    assert "server_no_context_takeover" in fields["sec-websocket-extensions"]
    say(plain, "x" * 1000)
    assert plain.text() == "x" * 1000
    late = one.connect()
    late.upgrade("/", offer)
    raws = []
    for ws in (a, late):
        head = ws.read(2)
        assert head[0] == 0xC1 and head[1] < 126  # RSV1: compressed
        raws.append(ws.read(head[1]))
    assert raws[0] == raws[1]
    assert zlib.decompressobj(-15).decompress(raws[0] + b"\0\0\xff\xff") == b"x" * 1000


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_many_clients_get_what_came_meanwhile_with_one_write(server, program, tmp_path):
    """A delivery to a hundred clients takes long while strace looks on, so messages that come fast leave together."""
    clients, lines = 100, 300
    fast = program("import time\nsys.stdin.readline()\nfor i in range(%d):\n    print(i)\n    time.sleep(0.001)\n" % lines)
    trace = tmp_path / "trace"
    one = server("--max-clients=0", "--shared", fast)
    sockets = [one.websocket() for _ in range(clients)]
    with traced(one, trace, "-e", "trace=write,writev"):
        say(sockets[0], "go")
        for ws in sockets:
            assert [int(ws.text()) for _ in range(lines)] == list(range(lines))
    assert clients < trace.read_text().count("\n") < clients * lines / 3
    for ws in sockets:
        ws.close()
