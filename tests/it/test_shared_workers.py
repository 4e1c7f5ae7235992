# SPDX-License-Identifier: BSD-2-Clause
"""
One shared program for the clients of several workers.

WSPIPE_TEST_ROUNDS is how often a client comes as another one leaves (default: 60). 1,000 find nearly all races.
"""

import contextlib
import json
import os
import random
import re
import signal
import threading
import time

import pytest
from conftest import TLS, rss_kib, wait_for
from sharing import leader_of, starts
from wsraw import TEXT, close_frame, frame

WORKERS = 3
ROUNDS = int(os.environ.get("WSPIPE_TEST_ROUNDS", "60"))
LINES = "#!/usr/bin/python3 -u\nimport os, sys\nsys.stdin.reconfigure(newline='\\n')\n"
# It repeats each record for all, in a form that has no TAB.
REPEATS = "for line in sys.stdin:\n    print('*\\ttext\\t' + line.rstrip('\\n').replace('\\t', ' '))\n"


# What takes seconds, and has nothing to do with the clients' connections.
between_workers = pytest.mark.leave_out(TLS, "the same between workers")


@pytest.fixture
def program(script):
    return lambda text: script("program", LINES + text)


@pytest.fixture
def start(server):
    return lambda *args, **kwargs: server("--workers=%d" % WORKERS, *args, **kwargs)


def say(ws, text):
    ws.send(frame(TEXT, text))


def spread(one, least=2):
    """Clients of all workers, at least so many of each: {worker: [WebSocket]}, and {WebSocket: its ID}."""
    clients = {number: [] for number in range(1, WORKERS + 1)}
    ids = {}
    while min(map(len, clients.values())) < least:
        ws = one.websocket()
        number = len(ids) + 1
        opened = one.wait_log(r"session #%d open .*worker=(\d+)" % number)
        clients[int(opened[1])].append(ws)
        ids[ws] = number
    return clients, ids


def until(ws, last):
    """The messages up to one."""
    found = [ws.text()]
    while found[-1] != last:
        found.append(ws.text())
    return found


def close_all(sockets):
    for ws in sockets:
        ws.close()


def test_it_is_one_program_whichever_worker_a_client_is_on(start):
    one = start("--shared", "cat")
    clients, ids = spread(one)
    for ws, number in ids.items():
        say(ws, "from %d" % number)
        for other in ids:
            assert other.text() == "from %d" % number
    assert len(starts(one)) == 1 and len(one.tagged()) == 1
    assert one.log().count("shared program started") == 1
    close_all(ids)
    one.check_clean()


def test_records_of_each_client_are_in_order_and_come_once(start, program):
    one = start("--shared=addressed", "--events", program(REPEATS))
    observer = one.websocket("/observer")
    clients, ids = spread_beside(one, 1)
    count = 200

    def talk(ws):
        for i in range(count):
            say(ws, "message %d" % i)
        ws.send(close_frame(4000, "done"))

    threads = [threading.Thread(target=talk, args=(ws,)) for ws in ids]
    seen = {number: [] for number in ids.values()}
    for thread in threads:
        thread.start()
    while any(not records or not records[-1].startswith("close") for records in seen.values()):
        number, _, record = observer.text().partition(" ")
        if int(number) in seen:
            seen[int(number)].append(record)
    for thread in threads:
        thread.join()
    wanted = ["open /", *("text message %d" % i for i in range(count)), "close 4000 done"]
    for records in seen.values():
        assert records == wanted
    close_all([observer, *ids])
    one.check_clean()


def spread_beside(one, others):
    """As spread(), where there are others already."""
    clients = {number: [] for number in range(1, WORKERS + 1)}
    ids = {}
    while not all(clients.values()):
        ws = one.websocket()
        number = others + len(ids) + 1
        opened = one.wait_log(r"session #%d open .*worker=(\d+)" % number)
        clients[int(opened[1])].append(ws)
        ids[ws] = number
    return clients, ids


@pytest.mark.parametrize("linger", ["0", "1ms"])
@pytest.mark.parametrize("framing", ["lines", "json"])
def test_a_client_that_comes_as_the_last_one_leaves_is_answered(start, tmp_path, framing, linger):
    mode = ["--shared=addressed"] if framing == "lines" else ["--shared", "--framing=json"]
    records = tmp_path / "records"
    # On a loaded machine tee is not interrupted between its two writes.
    one = start(*mode, "--events", "--linger=" + linger, "--closems=20000", "tee", "-a", str(records))
    rng = random.Random(1)
    old = one.websocket()
    say(old, "0")
    assert old.text() == "0"
    for i in range(1, ROUNDS + 1):
        new = one.connect()
        both = [lambda: new.send(new.request_bytes()), lambda: old.send(close_frame(1000))]
        rng.shuffle(both)
        both[0]()
        moment = time.perf_counter() + rng.uniform(0, 0.002)
        while time.perf_counter() < moment:
            pass
        both[1]()
        assert new.response()[0] == 101
        say(new, "%d" % i)
        assert new.text() == "%d" % i
        old.read_to_end()
        old.close()
        old = new
    old.close()
    one.check_clean()
    seen = {}
    for line in records.read_text().splitlines():
        number, kind = line.split("\t")[:2] if framing == "lines" else [json.loads(line)[key] for key in ("id", "type")]
        seen.setdefault(int(number), []).append(kind)
    assert seen == {number: ["open", "text", "close"] for number in range(1, ROUNDS + 2)}


def test_messages_reach_the_client_that_they_name(start, program):
    one = start("--shared=addressed", program("""
for line in sys.stdin:
    who, _, text = line.rstrip('\\n').partition('\\t')
    to, _, text = text.partition(':')
    print('%s\\t%s says %s' % (to or who, who, text))
"""))
    clients, ids = spread(one, 1)
    for ws, number in ids.items():
        for other in ids.values():
            say(ws, "%d:hello" % other)
    for ws in ids:
        assert sorted(ws.text() for _ in ids) == sorted("%d says hello" % n for n in ids.values())
    first = next(iter(ids))
    say(first, "999999:nobody")
    say(first, "1:last")
    assert first.text() == "1 says last"
    close_all(ids)
    # One that no worker has, and it is counted once.
    one.wait_log("shared program exited .*dropped=1")
    assert one.log().count("dropped=") == 1


def test_history_reaches_clients_of_all_workers(start):
    one = start("--shared", "--history=2", "--linger=forever", "cat")
    with one.websocket() as ws:
        for text in ("one", "two", "three"):
            say(ws, text)
            assert ws.text() == text
    clients, ids = spread_beside(one, 1)
    for ws in ids:
        assert [ws.text(), ws.text()] == ["two", "three"]
    close_all(ids)
    one.stop()


def test_max_clients_counts_those_of_all_workers(start):
    limit = 5
    one = start("--shared", "--max-clients=%d" % limit, "cat")
    results = []

    def come():
        ws = one.connect()
        ws.send(ws.request_bytes("/"))
        results.append((ws, ws.response()[0]))

    threads = [threading.Thread(target=come) for _ in range(4 * limit)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    accepted = [status for _, status in results if status == 101]
    assert 1 <= len(accepted) <= limit and {status for _, status in results} <= {101, 503}
    # Two that come at once at the limit may both fail; one after the other none does.
    extra = [one.websocket() for _ in range(limit - len(accepted))]
    with one.connect() as ws:
        ws.send(ws.request_bytes("/"))
        assert ws.response()[0] == 503
    close_all([ws for ws, _ in results] + extra)
    one.check_clean()


def test_it_counts_once_against_maxforks_and_its_stderr_is_logged_once(start, program):
    one = start("--shared", "--maxforks=1", program(
        "for line in sys.stdin:\n    print('problem', file=sys.stderr)\n    print('x')\n"))
    clients, ids = spread(one, 1)
    say(next(iter(ids)), "go")
    assert [ws.text() for ws in ids] == ["x"] * len(ids)
    one.wait_log("error stderr problem endpoint=/")
    assert one.log().count("stderr problem") == 1
    close_all(ids)


@pytest.mark.parametrize("on_exit", ["close", "keep"])
def test_an_exit_concerns_the_clients_of_all_workers(start, program, on_exit):
    one = start("--shared=addressed", "--events", "--on-exit=" + on_exit, program("""
for line in sys.stdin:
    if line.endswith('die\\n'):
        os._exit(3)
    print('*\\ttext\\t' + line.rstrip('\\n').replace('\\t', ' '))
"""))
    clients, ids = spread(one, 1)
    for ws, number in ids.items():
        say(ws, "hello %d" % number)
    for ws in ids:
        for number in ids.values():
            until_member(ws, "%d text hello %d" % (number, number))
    say(next(iter(ids)), "die")
    one.wait_log('shared program exited .*end="exit 3"')
    if on_exit == "close":
        for ws in ids:
            assert ws.closed() == (1012, "exit 3")
    else:
        wait_for(lambda: len(starts(one)) == 2, "it is started again")
        say(next(iter(ids)), "last")
        # The clients of different workers have no order.
        wanted = sorted(["1 text last", *("%d open /" % n for n in ids.values())])
        for ws in ids:
            assert sorted(ws.text() for _ in wanted) == wanted
    assert one.log().count("shared program exited") == 1
    close_all(ids)
    one.check_clean()


def until_member(ws, wanted):
    """Reads until each wanted message has come; others are kept on the socket's list."""
    seen = ws.__dict__.setdefault("seen", set())
    while wanted not in seen:
        seen.add(ws.text())


@pytest.mark.parametrize("on_exit", ["close", "keep"])
def test_another_worker_takes_over_from_one_that_died(start, program, on_exit):
    one = start("--shared=addressed", "--events", "--on-exit=" + on_exit, program(REPEATS))
    clients, ids = spread(one, 1)
    victim, number = leader_of(one)
    lost = clients.pop(number)
    left = [ws for some in clients.values() for ws in some]
    (first,) = starts(one)
    os.kill(victim, signal.SIGKILL)
    for ws in lost:
        with contextlib.suppress(ConnectionResetError):
            ws.read_to_end()
    wait_for(lambda: len(starts(one)) == 2, lambda: "it is started again:\n" + one.log())
    for ws in left:
        say(ws, "still here")
    last = {"%d text still here" % ids[ws] for ws in left}
    for ws in left:
        got = [ws.text()]
        while not last <= set(got):
            got.append(ws.text())
        # What the first one sent comes first: the clients of the dead worker are not opened again.
        again = got[max(i for i, text in enumerate(got) if text == "%d open /" % ids[left[0]]) :]
        assert all("%d open /" % ids[other] not in again for other in lost)
        for other in left:
            assert got.index("%d text still here" % ids[other]) > max(
                i for i, text in enumerate(got) if text == "%d open /" % ids[other])
    assert [pid for pid, _ in one.tagged()] == [starts(one)[1][0]] != [first[0]]
    assert not one.log().count("shared program exited")
    close_all(left)
    one.wait_log("shared program exited")


def test_the_program_gets_a_close_for_the_clients_of_a_worker_that_died(start, program):
    one = start("--shared=addressed", "--events", program(REPEATS))
    clients, ids = spread(one)
    _, leader = leader_of(one)
    number = next(n for n in clients if n != leader)
    watcher = clients[leader][0]
    victim = worker_of(one, number)
    os.kill(victim, signal.SIGKILL)
    wanted = {"%d close 1006" % ids[ws] for ws in clients[number]}
    got = set()
    while not wanted <= got:
        got.add(watcher.text())
    assert not {"%d close 1006" % n for ws, n in ids.items() if ws not in clients[number]} & got
    assert len(starts(one)) == 1
    for ws in ids:
        with contextlib.suppress(OSError):
            ws.close()


def worker_of(one, number):
    """The pid of a worker by its number, which is that of the sockets of its clients."""
    ports = {
        int(port) for port in re.findall(r"session #\d+ open remote=127.0.0.1:(\d+) .* worker=%d\n" % number, one.log())
    }
    listening = one.addresses[0][1]
    inodes = set()
    with open("/proc/net/tcp") as f:
        for fields in map(str.split, f.read().splitlines()[1:]):
            local, remote = (int(x.split(":")[1], 16) for x in fields[1:3])
            if local == listening and remote in ports:
                inodes.add("socket:[%s]" % fields[9])
    for pid in one.workers():
        names = set()
        for fd in os.listdir("/proc/%d/fd" % pid):
            with contextlib.suppress(FileNotFoundError):
                names.add(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
        if inodes & names:
            return pid
    return pytest.fail("no worker has the clients of number %d" % number)


def test_a_program_that_reads_nothing_throttles_the_clients_of_all_workers(start, program, tmp_path):
    flag, each, size = tmp_path / "go", 2000, 10000
    one = start("--shared", program("""
import time
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
for _ in range(int(sys.argv[2])):
    sys.stdin.readline()
print('all')
sys.stdin.read()
"""), str(flag), str(WORKERS * each))
    clients, ids = spread(one, 1)
    sockets = [some[0] for some in clients.values()]
    sent = [0] * WORKERS
    before = [rss_kib(pid) for pid in one.workers()]

    def talk(i):
        for _ in range(each):
            sockets[i].send(frame(TEXT, "x" * size))
            sent[i] += 1

    threads = [threading.Thread(target=talk, args=(i,)) for i in range(WORKERS)]
    for thread in threads:
        thread.start()
    # What the system's buffers of a client, two workers and a pipe have; none gets all of it.
    wait_for(lambda: all(count > 10 for count in sent), "all have begun")
    seen = [[]]

    def stalled():
        seen.append(list(sent))
        return len(seen) > 100 and seen[-100] == seen[-1]

    wait_for(stalled, "all wait")
    assert max(sent) < each
    assert all(rss_kib(pid) - rss < 16 * 1024 for pid, rss in zip(one.workers(), before))
    flag.touch()
    for thread in threads:
        thread.join()
    for ws in ids:
        assert ws.text() == "all"
    close_all(ids)


@between_workers
def test_a_worker_that_stands_still_does_not_block_the_others(start, program):
    one = start("--shared=addressed", "--events", "--client-queue=64M", program("""
for line in sys.stdin:
    if line.endswith('flood\\n'):
        for i in range(6000):
            print('*\\ttext\\t' + 'x' * 1000)
        print('*\\ttext\\tend')
"""))
    clients, ids = spread(one, 1)
    _, leader = leader_of(one)
    number = next(n for n in clients if n != leader)
    still = worker_of(one, number)
    os.kill(still, signal.SIGSTOP)
    try:
        watchers = [ws for n, some in clients.items() if n != number for ws in some]
        say(watchers[0], "flood")
        for ws in watchers:
            until(ws, "end")
        one.wait_log("a worker does not read the output of a shared program")
    finally:
        os.kill(still, signal.SIGCONT)
    # It is told that its clients are not known any more.
    for ws in clients[number]:
        ws.closed()
    close_all(ids)
    one.check_clean()


@between_workers
def test_a_leader_that_stands_still_is_replaced(start, program):
    one = start("--shared=addressed", "--events", program(REPEATS))
    clients, ids = spread(one, 1)
    victim, leader = leader_of(one)
    others = [ws for n, some in clients.items() if n != leader for ws in some]
    os.kill(victim, signal.SIGSTOP)
    try:
        stop = threading.Event()

        def talk():
            with contextlib.suppress(OSError):
                while not stop.is_set():
                    others[0].send(frame(TEXT, "y" * 10000))

        thread = threading.Thread(target=talk)
        thread.start()
        one.wait_log(r"killing worker process %d" % victim)
        wait_for(lambda: len(starts(one)) == 2, "another worker has started the program")
        stop.set()
        thread.join()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGCONT)
    for ws in ids:
        with contextlib.suppress(OSError):
            ws.close()


def test_it_runs_always_wherever_workers_die(start):
    one = start("--shared", "--shared-start=always", "cat")
    for i in range(3):
        wait_for(lambda: len(starts(one)) == i + 1, "it runs")
        victim, _ = leader_of(one)
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: victim not in (one.workers() or [victim]), "there is a new worker")
    wait_for(lambda: len(starts(one)) == 4, "it runs")
    assert len(one.tagged()) == 1
    one.stop()


def test_a_reload_keeps_or_replaces_it_in_all_workers(start, tmp_path):
    config = tmp_path / "config"
    text = "[/same]\nshared = broadcast\ncommand = cat\n[/other]\nshared = broadcast\ncommand = sed -u s/^/%s-/\n"
    config.write_text(text % "old")
    one = start("--config=%s" % config)
    same = [one.websocket("/same") for _ in range(6)]
    other = [one.websocket("/other") for _ in range(6)]
    say(same[0], "x")
    say(other[0], "x")
    assert [ws.text() for ws in same] == ["x"] * 6
    assert [ws.text() for ws in other] == ["old-x"] * 6
    config.write_text(text % "new")
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("configuration reloaded")

    reloaded, firsts = set(), []

    def are_reloaded():
        ws = one.websocket("/other")
        say(ws, "y")
        if ws.text() == "new-y":
            opened = one.wait_log(r"session #\d+ open remote=127.0.0.1:%d .*worker=(\d+)" % ws.port)
            reloaded.add(opened[1])
            firsts.append(ws)  # so that the next one goes to another worker
        else:
            ws.close()
        return len(reloaded) == WORKERS

    wait_for(are_reloaded, "all workers have the new configuration")
    news = [one.websocket("/other") for _ in range(6)]
    close_all(firsts)
    say(news[0], "z")
    say(other[1], "z")
    say(same[1], "z")
    assert [ws.text() for ws in news] == ["new-z"] * 6
    for ws in other:
        # A worker that had not reloaded yet let a client of are_reloaded() join them.
        while (line := ws.text()) == "old-y":
            pass
        assert line == "old-z"
    assert [ws.text() for ws in same] == ["z"] * 6
    same.append(one.websocket("/same"))
    say(same[-1], "both")
    assert [ws.text() for ws in same] == ["both"] * 7
    close_all(same + other + news)
    one.stop()


def test_a_shutdown_closes_the_clients_of_all_workers(start):
    one = start("--shared", "--on-exit=keep", "cat")
    clients, ids = spread(one)
    one.process.send_signal(signal.SIGTERM)
    for ws in ids:
        assert ws.closed()[0] == 1001
    one.process.wait(60)
    assert len(starts(one)) == 1
    one.stop()
