# SPDX-License-Identifier: BSD-2-Clause
"""A program that all clients share, with clients that read slowly or not at all, and many that come and go."""

import json
import os
import random
import re
import threading

import pytest
from conftest import wait_for
from probes import KIB, private_kib, unsanitized
from wsraw import TEXT, close_frame, frame

PYTHON = "#!/usr/bin/python3 -u\nimport os, sys\nsys.stdin.reconfigure(newline='\\n')\n"

# Writes as many numbered lines of 1,000 bytes as a client asks for, and then what it was asked.
WRITER = PYTHON + """
for line in sys.stdin:
    for i in range(int(line)):
        sys.stdout.write('%07d' % i + 'x' * 992 + '\\n')
    sys.stdout.write('end ' + line)
    sys.stdout.flush()
"""


@pytest.fixture
def writer(script):
    return script("writer", WRITER.replace("python3 -u", "python3"))


def say(ws, text):
    ws.send(frame(TEXT, text))


def read_all(ws, count):
    """The numbers of the lines up to the end; each line is whole."""
    seen = []
    while True:
        text = ws.text()
        if text == "end %d" % count:
            return seen
        if text.startswith("{"):
            seen.append(json.loads(text))
            continue
        assert len(text) == 999 and text[7:] == "x" * 992
        seen.append(int(text[:7]))


STEP = 500  # lines of 1,000 bytes that a client may lag behind without being slow


def pump(fast, until):
    """A client that keeps up gets lines, and all of them, until something has happened because of another one."""
    total = 0
    while not until():
        say(fast, "%d" % STEP)
        assert read_all(fast, STEP) == list(range(STEP))
        total += STEP + 1
    return total


def enough():
    """True after more than the system's buffers and a client's queue contain: 12 MB."""
    steps = iter(range(24))
    return lambda: next(steps, None) is None


def test_a_slow_client_is_closed_with_1013_and_reset(any_server, writer):
    one = any_server("--shared", writer)
    fast, slow = one.websocket(), one.websocket(rcvbuf=4096)
    pump(fast, enough())
    closed = one.wait_log(r"session #2 close .*")
    assert "cause=server" in closed.group(0) and "close_sent=1013" in closed.group(0)
    with pytest.raises(OSError):  # a RST
        while slow.sock.recv(65536):
            pass
    say(fast, "1")
    assert read_all(fast, 1) == [0]
    fast.close()


def test_whole_messages_are_dropped_for_a_slow_client(any_server, writer):
    one = any_server("--shared", "--slow=drop", writer)
    fast, slow = one.websocket(), one.websocket(rcvbuf=4096)
    total = pump(fast, enough())
    seen = []

    def read():
        while not seen or seen[-1] != "end 3":
            seen.append(slow.text())

    thread = threading.Thread(target=read)
    thread.start()

    def dropped():
        return sum(map(int, re.findall(r"messages dropped for a client .*client=2 messages=(\d+)", one.log())))

    # Its worker may still get messages while it reads, so that it is slow more than once.
    wait_for(lambda: len(seen) + dropped() == total, "it has got all that was not dropped")
    assert dropped() > 0
    say(fast, "3")
    assert read_all(fast, 3) == [0, 1, 2]
    thread.join()
    assert [text[:7] for text in seen[-4:]] == ["0000000", "0000001", "0000002", "end 3"]
    assert all(len(text) == 999 or text == "end %d" % STEP for text in seen[:-4])  # whole
    assert [int(text[:7]) for text in seen[:-4] if len(text) == 999] == [
        i % STEP for i in range(sum(len(text) == 999 for text in seen[:-4]))
    ]  # in order, none twice
    assert len(seen) - 4 + dropped() == total
    slow.close()
    fast.close()


def test_json_reports_how_many_were_dropped(any_server, script):
    program = script("program", PYTHON + """
import json
for line in sys.stdin:
    for i in range(%d):
        sys.stdout.write(json.dumps({'type': 'text', 'data': '%%07d' %% i + 'x' * 992}) + '\\n')
    print(json.dumps({'type': 'text', 'data': 'end %d'}))
""" % (STEP, STEP))
    one = any_server("--shared", "--framing=json", "--slow=drop", program)
    fast, slow = one.websocket(), one.websocket(rcvbuf=4096)
    total = pump(fast, enough())
    # Its worker may still get messages while it reads: then some are dropped later.
    count = dropped = 0
    while count + dropped < total:
        text = slow.text()
        if text.startswith("{"):
            report = json.loads(text)
            assert report == {"type": "dropped", "count": report["count"]}
            dropped += report["count"]
        else:
            count += 1
    assert dropped > 0 and count + dropped == total
    slow.close()
    fast.close()


def test_a_slow_client_blocks_the_program_until_it_reads(any_server, writer):
    one = any_server("--shared", "--client-queue=100k", "--slow=block", writer)
    fast, slow = one.websocket(), one.websocket(rcvbuf=4096)
    say(fast, "20000")
    numbers = []
    thread = threading.Thread(target=lambda: numbers.append(read_all(fast, 20000)))
    thread.start()
    assert read_all(slow, 20000) == list(range(20000))
    thread.join()
    assert numbers == [list(range(20000))]
    slow.close()
    fast.close()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_blocks_and_leaves_unblocks(any_server, writer, how):
    one = any_server("--shared", "--client-queue=100k", "--slow=block", writer)
    fast, slow = one.websocket(), one.websocket(rcvbuf=4096)
    say(fast, "20000")
    for i in range(100):
        assert int(fast.text()[:7]) == i
    getattr(slow, how)()
    assert read_all(fast, 20000) == list(range(100, 20000))
    fast.close()


@unsanitized
def test_slow_clients_share_one_copy(server, writer):
    one = server("--shared", "--client-queue=8m", "--slow=drop", writer)
    fast = one.websocket()
    pump(fast, enough())
    before = private_kib(one.pid)
    slow = [one.websocket(rcvbuf=4096) for _ in range(30)]
    pump(fast, enough())
    pump(fast, enough())
    grown = private_kib(one.pid) - before
    # A copy for each would be 240 MiB. The rest is for each what its peer could not send.
    assert grown < 8 * KIB + 30 * 300 + 4 * KIB, grown
    for ws in slow:
        ws.close()
    fast.close()


@unsanitized
def test_a_program_that_does_not_read_pauses_its_clients(server, script):
    one = server("--shared", script("program", PYTHON + "print('up')\nwhile not os.path.exists(sys.argv[1]):\n    os.system('sleep 0.05')\n"
                                              "n = 0\nfor line in sys.stdin:\n    n += len(line)\n    if 'end' in line:\n        print(n)\n"), "flag")
    flag = os.path.join(os.path.dirname(one.log_path), "flag")
    clients = [one.websocket() for _ in range(10)]
    for ws in clients:
        assert ws.text() == "up" if ws is clients[0] else True
    before = private_kib(one.pid)
    message = frame(TEXT, "y" * 999)
    sent = [0] * len(clients)

    def send(i):
        for _ in range(4000):
            clients[i].send(message)
            sent[i] += 1
        clients[i].send(frame(TEXT, "end"))

    threads = [threading.Thread(target=send, args=(i,)) for i in range(len(clients))]
    for thread in threads:
        thread.start()
    last = [None]

    def still():
        now = list(sent)
        same, last[0] = now == last[0], now
        return same

    wait_for(lambda: sum(sent) > 500 and still() and still(), "the clients are paused")
    assert private_kib(one.pid) - before < 10 * 130 + 2 * KIB
    open(flag, "w").close()
    for thread in threads:
        thread.join()
    total = 10 * (4000 * 1000 + 4)
    for ws in clients:
        while int(ws.text().replace("up", "0")) != total:
            pass
        ws.close()


STORM = PYTHON + """
seen = open(sys.argv[1], 'a', buffering=1 << 20)
for line in sys.stdin:
    seen.write(line)
    who, verb, text = line.rstrip('\\n').split('\\t', 2)
    if verb == 'text':
        print(who + '\\ttext\\t' + text)
    if verb == 'text' and text == 'flush':
        seen.flush()
"""


def test_the_order_of_events_holds_in_a_storm(server, script):
    """Each ID: one open, its messages in order, one close, and nothing after that."""
    one = server("--shared=addressed", "--events", "--linger=forever", script("program", STORM), "seen")
    seen = os.path.join(os.path.dirname(one.log_path), "seen")

    def run(seed):
        rng = random.Random(seed)
        for _ in range(40):
            ws = one.websocket("/%d" % seed)
            count = rng.randrange(4)
            for i in range(count):
                say(ws, "%d" % i)
            for i in range(rng.randrange(count + 1)):
                assert ws.text() == "%d" % i
            how = rng.randrange(3)
            if how == 0:
                ws.send(close_frame(4000, "done"))
                assert ws.closed(answer=False)[0] == 4000
            if how == 1:
                ws.reset()
            else:
                ws.close()

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: len(re.findall(r" session #\d+ close ", one.log())) == 8 * 40, "all are over")
    last = one.websocket()
    say(last, "flush")
    assert last.text() == "flush"
    events = {}
    with open(seen) as f:
        for line in f.read().splitlines():
            who, verb, text = line.split("\t", 2)
            events.setdefault(int(who), []).append((verb, text))
    ids = sorted(events)
    assert ids == list(range(1, 8 * 40 + 2))
    for who in ids[:-1]:
        verbs = [verb for verb, _ in events[who]]
        assert verbs[0] == "open" and verbs.count("open") == 1, (who, events[who])
        assert verbs[-1] == "close" and verbs.count("close") == 1, (who, events[who])
        texts = [text for verb, text in events[who] if verb == "text"]
        assert texts == ["%d" % i for i in range(len(texts))]
    last.close()
    one.stop()


def test_clients_survive_a_program_that_is_killed_again_and_again(server, script):
    program = script("program", PYTHON + """
for line in sys.stdin:
    who, verb, text = line.rstrip('\\n').split('\\t', 2)
    if verb == 'text':
        print(who + '\\ttext\\t%d ' % os.getpid() + text)
""")
    one = server("--shared=addressed", "--events", "--on-exit=keep", program)
    clients = [one.websocket() for _ in range(20)]
    for round_ in range(3):
        for i, ws in enumerate(clients):
            say(ws, "%d %d" % (round_, i))
        answers = []
        for i, ws in enumerate(clients):
            pid, _, text = ws.text().partition(" ")
            assert text == "%d %d" % (round_, i)  # once, in order
            answers.append(pid)
        assert len(set(answers)) == 1
        os.kill(int(answers[0]), 9)
        one.wait_log("shared program exited", count=round_ + 1)
    assert len(re.findall("shared program exited", one.log())) == 3
    for ws in clients:
        ws.close()
