# SPDX-License-Identifier: BSD-2-Clause
"""--pty: a program in a terminal, from its size to the end of all its processes."""

import os
import re
import shlex
import signal
import threading

import pytest
from conftest import children, rss_kib, wait_for
from probes import bytes_read, is_alive, read_file, session, unsanitized, wait_settled
from wsraw import BINARY, DEADLINE, PING, PONG, TEXT, close_frame, frame

# Without the user's files, and with a prompt that nothing else prints.
BASH = ("--pty", "env", "PS1=<\\W>", "INPUTRC=/dev/null", "bash", "--norc", "--noprofile", "-i")


class Screen:
    """What a terminal shows to one client."""

    def __init__(self, ws):
        self.ws, self.text = ws, b""

    def type(self, keys, opcode=BINARY):
        self.ws.send(frame(opcode, keys))

    def until(self, pattern):
        """Waits for a match in what was not matched yet, and returns it."""
        while not (match := re.search(pattern, self.text, re.S)):
            opcode, payload = self.ws.message()
            assert opcode == BINARY
            self.text += payload
        self.text = self.text[match.end() :]
        return match

    def synchronize(self):
        """Waits until the server has seen all that was typed."""
        self.ws.send(frame(PING, b"?"))
        while (got := self.ws.frame())[0] != PONG:
            self.text += got[2] if got[0] == BINARY else b""


def shell(server, *args):
    one = server(*BASH, *args)
    screen = Screen(one.websocket())
    screen.until(rb"<.*?>")
    return one, screen


def foreground(pid):
    """The process group in the foreground of the terminal of a process."""
    with open("/proc/%d/stat" % pid) as f:
        return int(f.read().rsplit(")", 1)[1].split()[5])


def run(screen, command, pid):
    """Types a command, and waits until it is the program in the foreground: the child of a shell has its signals."""
    screen.type(command + b"\r")
    name = command.split()[0] + b"\n"
    wait_for(lambda: read_file("/proc/%d/comm" % foreground(pid)) == name, "the command is in the foreground")


@pytest.mark.parametrize("query, size", [("", "24 80"), ("?cols=132&rows=50", "50 132"), ("?x=1&rows=1", "1 80"),
                                         ("?cols=1000&rows=1000&y", "1000 1000")])
def test_the_size_is_that_of_the_query(server, query, size):
    one = server("--pty", "stty", "size")
    messages, code, _ = session(one.websocket("/" + query))
    assert b"".join(payload for m in messages for _, _, payload in m) == size.encode() + b"\r\n"
    assert code == 1000


@pytest.mark.parametrize("query", ["cols=0", "cols=1001", "rows=-1", "rows=", "cols=+80", "cols=8x", "rows=24&cols=0x10",
                                   "cols=99999999999999999999"])
def test_another_size_is_rejected_before_the_start(server, query):
    one = server("--pty", "sh")
    with one.connect() as peer:
        peer.send(peer.request_bytes("/?" + query))
        status, _, body = peer.answer()
        assert status == 400
        assert b"numbers from 1 to 1000" in body
    assert " open " not in one.log()


def test_what_a_shell_needs(server):
    """A prompt, job control, keys that are signals, and the exit status as the close code."""
    one, screen = shell(server)
    (bash, _), = children(one.pid)
    screen.type("test -t 0 && test -t 1 && test -t 2 && echo $TERM\r", TEXT)
    screen.until(rb"\rxterm-256color\r\n.*?<.*?>")
    run(screen, b"sleep 1000", bash)
    screen.type(b"\x03")
    screen.until(rb"\^C.*?<.*?>")
    run(screen, b"sleep 1001", bash)
    screen.type(b"\x1a")
    screen.until(rb"\^Z.*?Stopped.*?<.*?>")
    screen.type(b"fg\r")
    screen.until(rb"fg\r\n.*?sleep 1001\r\n")
    wait_for(lambda: foreground(bash) != bash, "the job is in the foreground")
    screen.type(b"\x03")
    screen.until(rb"<.*?>")
    screen.type(b"exit 7\r")
    assert screen.ws.closed() == (4007, "exit 7")


def test_the_terminal_type_is_an_option(server):
    one = server("--pty", "--term=vt100", "--passenv=PATH,TERM,WSPIPE_TEST_TAG", "printenv", "TERM", env={"TERM": "other"})
    messages, _, _ = session(one.websocket())
    assert messages[0][0][2] == b"vt100\r\n"


@pytest.mark.parametrize("mode", ["pty", "unbuffer"])
def test_the_modes_of_the_terminal(server, mode):
    """All of `stty -a`, and no process group in the foreground where it is not the controlling terminal."""
    one = server("--" + mode, "--framing-out=stream", "sh", "-c", "stty -a <&1")
    messages, _, _ = session(one.websocket())
    text = b"".join(payload for m in messages for _, _, payload in m).decode().split()
    with open(os.path.join(os.path.dirname(__file__), "stty-%s.golden" % mode)) as f:
        assert text == f.read().split()


def test_all_output_before_the_exit_is_delivered(server):
    """However slowly it is read."""
    one = server("--pty", "seq", "1", "30000")
    ws = one.websocket(rcvbuf=4096)
    messages, code, _ = session(ws)
    text = b"".join(payload for m in messages for _, _, payload in m)
    assert text == b"".join(b"%d\r\n" % i for i in range(1, 30001))
    assert code == 1000


def test_text_never_splits_a_character(server):
    one = server("--pty", "--framing=text", "sh", "-c", "stty raw; for i in $(seq 3000); do printf 'aé€😀%d' $i; done")
    messages, code, _ = session(one.websocket())
    text = ""
    for message in messages:
        assert message[0][0] == TEXT
        text += b"".join(payload for _, _, payload in message).decode()
    assert text == "".join("aé€😀%d" % i for i in range(1, 3001))
    assert code == 1000


def test_both_types_of_message_are_accepted(server):
    for framing in ("stream", "text"):
        one = server("--pty", "--framing=" + framing, "sh", "-c", "stty raw -echo; echo ready; exec head -c 8")
        ws = one.websocket()
        shown = b""
        while b"ready" not in shown:
            shown += ws.message()[1]
        ws.send(frame(TEXT, "é\r\n"))
        ws.send(frame(BINARY, b"\x03\xff\x00a"))
        if framing == "stream":
            while not shown.endswith("é\r\n".encode() + b"\x03\xff\x00a"):
                shown += ws.message()[1]
        assert ws.closed() == (1000, "exit 0")


def test_readonly_drops_what_clients_send(server):
    one = server("--pty", "--readonly", "sh", "-c", "echo ready; read x; echo no")
    screen = Screen(one.websocket())
    screen.until(rb"ready\r\n")
    screen.type(b"typed\r")
    screen.type("typed\r", TEXT)
    screen.synchronize()
    assert screen.text == b""
    screen.ws.send(close_frame(1000))
    one.wait_log("close .*in_messages=0 in_bytes=0 .*signal=HUP")


def test_what_came_before_a_violation_is_not_lost(server, tmp_path):
    """The terminal is not hung up before the program has had the time to read it."""
    one = server("--closems=60000", "--pty", "sh", "-c", "echo ready; read x; echo got $x >%s/got" % tmp_path)
    screen = Screen(one.websocket())
    screen.until(rb"ready\r\n")
    screen.ws.send(frame(TEXT, "hello\r") + frame(3, b""))
    assert screen.ws.closed()[0] == 1002
    wait_for(lambda: read_file(tmp_path / "got") == b"got hello\n", "the program reads it")


JOBS = """
sh -c 'trap "" HUP INT TERM; echo $$ >%(d)s/stubborn; while :; do sleep 1000; done' &
(nohup sleep 1000 >/dev/null 2>&1 </dev/null & echo $! >%(d)s/nohup)
sleep 1000 >/dev/null 2>&1 </dev/null & echo $! >%(d)s/quiet; disown
set +m; (trap "" HUP; sleep 1000 & echo $! >%(d)s/nested; exec sleep 1000) & set -m
"""


def jobs(screen, directory):
    """Starts processes that a shell does not end, and returns them."""
    screen.type((JOBS % {"d": shlex.quote(str(directory))}).replace("\n", "\r"))
    names = ("stubborn", "nohup", "quiet", "nested")
    wait_for(lambda: all(read_file(directory / n).endswith(b"\n") for n in names), "the jobs run")
    return [int(read_file(directory / n)) for n in names]


@pytest.mark.parametrize("ending", ["close", "reset", "exit", "kill", "shutdown", "second signal"])
def test_no_process_of_the_session_is_left(server, tmp_path, ending):
    """Jobs in process groups of their own, which ignore signals, whose parent has exited, or that have left the
    terminal: all of them end with every kind of ending."""
    one, screen = shell(server)
    (bash, _), = children(one.pid)
    pids = jobs(screen, tmp_path)
    assert all(map(is_alive, pids))
    if ending == "close":
        screen.ws.send(close_frame(1000))
    elif ending == "reset":
        screen.ws.reset()
    elif ending == "exit":
        screen.type(b"exit\rexit\r")
        assert screen.ws.closed()[0] == 1000
    elif ending == "kill":
        os.kill(bash, signal.SIGKILL)
        assert screen.ws.closed()[0] == 4256 + signal.SIGKILL
    elif ending == "shutdown":
        one.process.send_signal(signal.SIGTERM)
        assert screen.ws.closed()[0] == 1001
        assert one.process.wait(DEADLINE) == 0
        one.stopped = True
    else:
        one.stop_now()
    wait_for(lambda: not any(map(is_alive, pids)), lambda: "they end: %s" % [p for p in pids if is_alive(p)])


def test_no_process_is_left_of_a_worker_that_died(server, tmp_path):
    one = server("--workers=2", *BASH)
    screen = Screen(one.websocket())
    screen.until(rb"<.*?>")
    pids = jobs(screen, tmp_path)
    worker = next(pid for pid in one.workers() if children(pid))
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not any(map(is_alive, pids)), lambda: "they end: %s" % [p for p in pids if is_alive(p)])
    screen.ws.close()
    wait_for(one.workers, "the worker is replaced")


def test_the_foreground_is_hung_up(server, tmp_path):
    """SIGHUP, as when a terminal closes; a background job only gets what follows."""
    one = server("--closems=500", *BASH)
    screen = Screen(one.websocket())
    screen.until(rb"<.*?>")
    notes = tmp_path / "notes"
    note = "trap '' TERM; trap 'echo $0 HUP >>%s' HUP; trap 'echo $0 INT >>%s; exit' INT; " % (notes, notes)
    for name, end in (("background", "& disown"), ("foreground", "")):
        loop = "echo >%s/$0; while :; do sleep 0.01; done" % tmp_path
        screen.type("sh -c %s %s %s\r" % (shlex.quote(note + loop), name, end))
        wait_for((tmp_path / name).exists, name)
    screen.ws.reset()
    one.wait_log("session #1 close")
    # The shell may signal its job, too.
    assert set(read_file(notes).decode().splitlines()) == {"background INT", "foreground HUP", "foreground INT"}


@unsanitized
def test_a_client_that_does_not_read_stops_the_program(server):
    """`yes` waits for its terminal, and the server for its client: no memory, no time."""
    one = server("--pty", "yes")
    one.websocket().close()
    one.check_clean()
    before = rss_kib(one.pid)
    peers = [one.websocket(rcvbuf=4096) for _ in range(4)]
    wait_settled(one)
    assert (rss_kib(one.pid) - before) / 4 <= 256 + 8
    read = bytes_read(one.pid)
    text = bytearray()
    while bytes_read(one.pid) == read:
        text += peers[0].message()[1]
    assert text == (b"y\r\n" * (len(text) // 3 + 1))[: len(text)]
    for ws in peers:
        ws.close()


def test_a_program_that_does_not_read_stops_the_client(server):
    """The queue of the terminal is full: the rest waits, and arrives."""
    total = 1000000
    one = server("--pty", "sh", "-c", "stty raw -echo; echo ready; read go <%s; head -c %d | cksum" % ("fifo", total))
    os.mkfifo(os.path.join(os.path.dirname(one.log_path), "fifo"))
    ws = one.websocket()
    shown = b""
    while b"ready" not in shown:
        shown += ws.message()[1]
    data = frame(BINARY, b"x" * 1000) * (total // 1000)
    sender = threading.Thread(target=ws.send, args=(data,))
    sender.start()
    wait_settled(one)
    with open(os.path.join(os.path.dirname(one.log_path), "fifo"), "w") as f:
        f.write("\n")
    sender.join()
    messages, code, _ = session(ws)
    assert b" %d" % total in b"".join(payload for m in messages for _, _, payload in m)
    assert code == 1000
