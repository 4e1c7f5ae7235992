# SPDX-License-Identifier: BSD-2-Clause
"""
Runs the tables of conformance/ against the real binary, each case three times: sent whole, byte by
byte, and cut at random. A test is one table sent in one way; what fails in it is listed by name.

Many connections are open at a time and take turns: each sends one piece, then it is the next
one's turn. So the server has time to read a piece before the next one comes.
"""

import collections
import random
import re
import select
import socket

import pytest

from conformance import GROUPS, HANDSHAKES
from conformance.case import BINARY, CLOSE, PING, PONG, SERVERS, Step, body, close, ping
from conformance.clauses import MUSTS

CUTS = ("whole", "bytes", "random")
AT_A_TIME = 16
LONG = 2048  # of what is longer, only the first and the last BORDER bytes are sent one by one
BORDER = 256
PART = 65536  # a line of so many bytes or more may come in fragments

ALIVE = Step(ping("alive"), ((PONG, b"alive"),))

REASONS = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    426: "Upgrade Required",
    505: "HTTP Version Not Supported",
}


def pieces(data, cut, seed):
    if cut == "whole":
        return [data] if data else []
    if cut == "bytes" and len(data) <= LONG:
        return [data[i : i + 1] for i in range(len(data))]
    if cut == "bytes":
        middle = data[BORDER:-BORDER]
        steps = [middle[i : i + 4093] for i in range(0, len(middle), 4093)]
        return pieces(data[:BORDER], cut, seed) + steps + pieces(data[-BORDER:], cut, seed)
    rng = random.Random(seed)
    most = 7 if len(data) < 100 else max(40, len(data) // 16)
    found = []
    while data:
        n = rng.randint(1, most)
        found.append(data[:n])
        data = data[n:]
    return found


class Answers:
    """
    What the server sends, taken apart. A PONG is its own and a message goes through the program, so how
    the two mix is open; the order of each is certain. Peer.frame() asserts that each header is the only
    one that is right for its frame.
    """

    def __init__(self, peer):
        self.peer = peer
        self.control = []  # (opcode, payload)
        self.frames = []  # (opcode, fin, payload) of data

    def take(self):
        opcode, fin, payload = self.peer.frame()
        if opcode < CLOSE:
            self.frames.append((opcode, fin, payload))
            return
        assert fin, "a control frame in fragments"
        assert opcode in (PING, PONG), "a frame of opcode %d came: %r" % (opcode, payload)
        self.control.append((opcode, payload))

    def stream(self):
        """All frames are binary messages; their bytes."""
        assert all((opcode, fin) == (BINARY, True) for opcode, fin, _ in self.frames)
        return b"".join(payload for _, _, payload in self.frames)

    def messages(self):
        found, parts = [], []
        for opcode, fin, payload in self.frames:
            assert (opcode == 0) == bool(parts), "a frame of opcode %d is not in its place" % opcode
            parts.append((opcode, payload))
            if fin:
                whole = b"".join(part for _, part in parts)
                assert len(parts) == 1 or len(whole) >= PART, "a line of %d bytes came in fragments" % len(whole)
                found.append((parts[0][0], whole))
                parts = []
        return found


def expect(peer, step):
    """Waits for what answers STEP; it must be that, to the byte, and no more."""
    answers = Answers(peer)
    binary = bool(step.data) and step.data[0][0] == BINARY
    # What the program writes at once is a message of --binary, so only the bytes are certain.
    wanted = b"".join(payload for _, payload in step.data) if binary else list(step.data)
    while True:
        came = answers.stream() if binary else answers.messages()
        if len(came) >= len(wanted) and len(answers.control) >= len(step.control):
            break
        answers.take()
    assert came == wanted, "came %.200r, not %.200r" % (came, wanted)
    assert tuple(answers.control) == step.control


def expect_close(peer, payload):
    opcode, fin, came = peer.frame()
    assert (opcode, fin, came) == (CLOSE, True, payload)


def open_connection(server):
    peer = server.connect()
    peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def send_pieces(peer, found, last=False):
    """
    Sends a piece and yields. The LAST ones may get an answer that ends the connection before all of them
    went; the server takes them for two more seconds, so from then on they do not wait for their turn.
    """
    for i, piece in enumerate(found):
        if last and select.select([peer.sock], [], [], 0)[0]:
            peer.send(b"".join(found[i:]))
            return
        peer.send(piece)
        yield


def play(case, server, cut):
    """One case; yields where others may take their turn."""
    with open_connection(server) as peer:
        peer.send(peer.request_bytes(headers={"Sec-WebSocket-Extensions": case.offer}))
        yield
        status, _ = peer.response()
        assert status == 101
        steps = case.steps if case.close is not None else (*case.steps, ALIVE, Step(close(1000)))
        for i, step in enumerate(steps):
            yield from send_pieces(
                peer, pieces(step.send, cut, case.name + str(i)), case.close is not None and step is case.steps[-1]
            )
            expect(peer, step)
        expect_close(peer, body(1000) if case.close is None else case.close)
        # The server waits two seconds for it: no time for the turns of others.
        for _ in send_pieces(peer, pieces(case.answer or b"", cut, case.name)):
            pass
        assert peer.read_to_end() == b""


def expect_answer(peer, case):
    """The exact answer to a handshake, but for its Date. True when it is a 101."""
    came = b""
    while not came.endswith(b"\r\n\r\n"):
        came += peer.read(1)
    head = re.sub(r"\r\nDate: [^\r]*", "", came.decode("latin-1"))
    if case.status == 101:
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        lines += ["Sec-WebSocket-Accept: " + case.accept, *case.extra]
    else:
        status = "%d %s" % (case.status, REASONS[case.status])
        length = int(re.search(r"\r\nContent-Length: (\d+)\r\n", head)[1])
        lines = ["HTTP/1.1 " + status, "Content-Type: text/plain; charset=utf-8", "Content-Length: %d" % length]
        lines += [*case.extra, "X-Content-Type-Options: nosniff", "Connection: close"]
    assert head == "\r\n".join(lines) + "\r\n\r\n"
    if case.status != 101:
        # A client on this machine is told the reason.
        text = peer.read_to_end().decode("latin-1")
        assert len(text) == (length if case.body else 0)
        assert not case.body or re.match(re.escape(status) + r"\n\n[^\n]+\n", text)
    return case.status == 101


def play_handshake(case, server, cut):
    with open_connection(server) as peer:
        request = case.head or peer.request_bytes(case.path, case.fields, case.method, case.version)
        yield from send_pieces(peer, pieces(request, cut, case.name), True)
        if expect_answer(peer, case):
            peer.send(ALIVE.send)
            yield
            expect(peer, ALIVE)
            peer.send(close(1000))
            expect_close(peer, body(1000))
            assert peer.read_to_end() == b""


def play_all(plays):
    """Runs all of [(name, generator)]; returns what went wrong, by name."""
    waiting = collections.deque(plays)
    running = collections.deque()
    wrong = []
    while running or waiting:
        while waiting and len(running) < AT_A_TIME:
            running.append(waiting.popleft())
        name, turns = running.popleft()
        try:
            next(turns)
            running.append((name, turns))
        except StopIteration:
            pass
        except (AssertionError, OSError, EOFError) as error:
            wrong.append("%s: %s: %.500s" % (name, type(error).__name__, error))
    return wrong


def run_table(server, cases, arguments, turns):
    """Plays CASES, each on the server of its ARGUMENTS; all on one server go together."""
    groups = collections.defaultdict(list)
    for case in cases:
        groups[arguments(case)].append(case)
    wrong = []
    for args, group in groups.items():
        running = server(*args)
        wrong += play_all([(case.name, turns(case, running)) for case in group])
    assert not wrong, "%d of %d cases failed:\n%s" % (len(wrong), len(cases), "\n".join(wrong))


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("group", GROUPS)
def test_frames(server, group, cut):
    run_table(server, GROUPS[group], lambda case: SERVERS[case.server], lambda case, s: play(case, s, cut))


@pytest.mark.parametrize("cut", CUTS)
def test_handshakes(server, cut):
    run_table(server, HANDSHAKES, lambda case: case.server, lambda case, s: play_handshake(case, s, cut))


def all_names():
    return [case.name for cases in (*GROUPS.values(), HANDSHAKES) for case in cases]


def test_every_case_has_its_own_name():
    twice = [name for name, count in collections.Counter(all_names()).items() if count > 1]
    assert not twice


def test_every_case_is_named_after_a_clause():
    assert [name for name in all_names() if not re.match(r"((4|5|7|8|10|11)(\.\d+)+|7692-\d(\.\d+)*)-\S", name)] == []


@pytest.mark.parametrize("clause", [clause for clause, _ in MUSTS])
def test_clause_has_a_case(clause):
    assert any(name == clause or name.startswith(clause + "-") for name in all_names())


def test_there_are_enough_cases():
    assert len(all_names()) >= 300
