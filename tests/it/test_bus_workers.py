# SPDX-License-Identifier: BSD-2-Clause
"""Shared programs of several servers, each with workers, on one Redis server (--bus and --workers)."""

import os
import re
import signal

import pytest
from conftest import TLS, fd_count, leave_out, wait_for
from probes import wait_still
from test_bus import CHAT, HEAD, SEND, metric, programs, ready, redis, say, texts  # noqa: F401 (redis is a fixture)
from wsraw import close_frame

WORKERS = 2
# Messages of its own, quickly: its process and their number.
COUNTS = HEAD + "import threading, time\ndef count():\n    n = 0\n    while True:\n        n += 1\n        print(os.getpid(), n)\n" \
    "        time.sleep(0.002)\nthreading.Thread(target=count, daemon=True).start()\nfor line in sys.stdin:\n    pass\n"

# What has nothing to do with the clients' connections.
between_servers = leave_out(TLS, "the same between servers")


@pytest.fixture
def join(redis, server):
    """Starts servers with workers on the bus, once all are connected. They end before it does."""

    joined = []

    def start(*args, wait=True, **kwargs):
        one = server("--admin=127.0.0.1:0", "--bus=" + redis.url(), "--workers=%d" % WORKERS, *args, **kwargs)
        if wait:
            settle(one)
            joined.append(one)
            redis.wait_subscribed(joined)
        return one

    return start


def settle(one):
    wait_for(lambda: ready(one) == (200, "ready\n"), "all workers are connected")
    # The requests are over in all of them.
    wait_for(lambda: len(set(wait_still(lambda: tuple(map(fd_count, one.workers())), "they"))) == 1, "they have the same descriptors")
    one.fds, one.worker_fds = fd_count(one.pid), fd_count(one.workers()[0])


def worker_of(one, ws):
    """The number of the worker that has a client."""
    return int(one.wait_log(r"session #\d+ open remote=127.0.0.1:%d .*worker=(\d+)" % ws.port)[1])


def spread(one, path="/"):
    """A client of each worker: {number: WebSocket}."""
    found = {}
    while len(found) < WORKERS:
        ws = one.websocket(path)
        if found.setdefault(worker_of(one, ws), ws) is not ws:
            ws.close()
    return found


def leader_of(one):
    """The worker that runs the program: its number, and its pid."""
    pid, number = re.findall(r"shared program started .*pid=(\d+) worker=(\d+)", one.log())[-1]
    with open("/proc/%s/stat" % pid) as f:
        return int(number), int(f.read().rsplit(")", 1)[1].split()[1])


def in_order(ws, counts):
    """Reads "SENDER NUMBER" until each sender's first COUNT numbers came: in order, and once. Events are skipped."""
    seen = {sender: 0 for sender in counts}
    while seen != counts:
        sender, number, *event = ws.text().split()
        if event:
            continue
        assert int(number) == seen[sender], (sender, number, seen)
        seen[sender] += 1


@pytest.mark.parametrize("program, history", [("each", 0), ("each", 10), ("one", 0), ("one", 10)])
def test_all_clients_get_each_message_once_and_in_order(join, script, program, history):
    chat = script("chat", CHAT)
    servers = [join("--shared", "--shared-program=" + program, "--history=%d" % history, chat) for _ in range(2)]
    clients = [ws for one in servers for ws in spread(one).values()]
    senders = {str(i): 50 for i in range(len(clients))}
    # Those that were there before others have left their lines in the history of none.
    for number in range(50):
        for i, ws in enumerate(clients):
            say(ws, "%d %d" % (i, number))
    for ws in clients:
        in_order(ws, senders)
    assert len(programs(servers)) == (2 if program == "each" else 1)
    for one in servers:
        assert metric(one, "dropped_messages_total") == metric(one, "missed_records_total") == 0


@pytest.mark.parametrize("program", ["each", "one"])
def test_a_message_for_one_client_reaches_it_on_any_worker(join, script, program):
    send = script("send", SEND)
    servers = [join("--shared=addressed", "--events", "--shared-program=" + program, send) for _ in range(2)]
    clients = [ws for one in servers for ws in spread(one).values()]

    def digits(ws):
        while not (text := ws.text()).isdigit():
            pass
        return int(text)

    ids = []
    for ws in clients:
        say(ws, "who")
        ids.append(digits(ws))
    assert len(set(ids)) == 4
    numbers = [i // 10**12 for i in ids]
    # The number is that of the server.
    assert numbers[0] == numbers[1] != numbers[2] == numbers[3]
    for ws in clients:
        for i, to in enumerate(ids):
            say(ws, "%d %d" % (to, i))
    for i, ws in enumerate(clients):
        assert [digits(ws) for _ in clients] == [i] * len(clients)
    # A client that has left, and an ID that was none: they are counted where the program runs, once.
    first = clients[0] if program == "each" else clients[servers.index(next(s for s in servers if programs([s]))) * 2]
    say(first, "%d nobody" % (ids[clients.index(first)] + 500000))
    say(first, "5 nobody")
    say(first, "%d 77" % ids[3])
    assert digits(clients[3]) == 77
    for ws in clients:
        ws.close()
    for one in servers:
        wait_for(lambda: not programs([one]), "its program exits")
    dropped = [re.findall(r"shared program exited .*dropped=(\d+)", one.log()) for one in servers]
    assert dropped[clients.index(first) // 2] == ["2"] and not dropped[1 - clients.index(first) // 2]


@between_servers
def test_nothing_is_lost_or_doubled_when_the_bus_restarts(join, redis, script):
    """With a history; the clients of a server get the lines of its own program meanwhile."""
    chat = script("chat", CHAT)
    servers = [join("--shared", "--history=10", chat) for _ in range(2)]
    clients = [list(spread(one).values()) for one in servers]
    count = 0
    for _ in range(2):
        redis.kill()
        wait_for(lambda: all("the bus is unavailable" in ready(one)[1] for one in servers), "the outage is reported")
        for i in range(20):
            for k, own in enumerate(clients):
                say(own[count // 20 % WORKERS], "%d %d" % (k, count + i))
        count += 20
        for k, own in enumerate(clients):
            for ws in own:
                assert texts(ws, 20) == ["%d %d" % (k, i) for i in range(count - 20, count)]
        # A client of the outage gets the history of its server.
        late = spread(servers[0])
        assert all(texts(ws, 10)[-1] == "0 %d" % (count - 1) for ws in late.values())
        redis.start()
        for k, own in enumerate(clients):
            for ws in own:
                assert texts(ws, 20) == ["%d %d" % (1 - k, i) for i in range(count - 20, count)]
        for ws in late.values():
            assert texts(ws, 20)[-1] == "1 %d" % (count - 1)
            ws.close()
    for one in servers:
        wait_for(lambda: ready(one) == (200, "ready\n") and metric(one, "queue_bytes") == 0, "it is connected again")
        assert metric(one, "dropped_messages_total") == 0


@between_servers
@pytest.mark.parametrize("history", [0, 10])
def test_a_worker_that_a_client_comes_to_misses_nothing(join, script, history):
    """Each worker without a client gets its program's output from Redis alone, until it has one."""
    counts = script("counts", COUNTS)
    servers = [join("--shared", "--history=%d" % history, counts) for _ in range(2)]
    watchers = [one.websocket() for one in servers]
    for i in range(24):
        ws = servers[i % 2].websocket()
        last = {}
        for _ in range(history + 40):
            pid, number = ws.text().split()
            assert int(number) == last.get(pid, int(number) - 1) + 1
            last[pid] = int(number)
        ws.send(close_frame(1000))
        ws.close()
    for ws in watchers:
        ws.close()


@between_servers
@pytest.mark.parametrize("program", ["each", "one"])
def test_a_leading_worker_is_killed(join, script, program):
    send = script("send", SEND)
    servers = [
        join("--shared=addressed", "--events", "--shared-program=" + program, "--history=10", send) for _ in range(2)
    ]
    clients = [spread(one) for one in servers]
    everybody = [ws for own in clients for ws in own.values()]
    say(everybody[0], "* before")
    for ws in everybody:
        while ws.text() != "before":
            pass
    victim = next(one for one in servers if programs([one]))
    number, pid = leader_of(victim)
    before = programs(servers)
    os.kill(pid, signal.SIGKILL)
    clients[servers.index(victim)].pop(number).close()
    left = [ws for own in clients for ws in own.values()]
    heir = wait_for(lambda: set(programs(servers)) - set(before), "the program is started by another worker").pop()
    # It knows those who are present: what was sent to a program that has gone may be lost.
    known = len(left) if program == "one" else 1
    for ws in left:
        for _ in range(known):
            while not ws.text().startswith("%d open" % heir):
                pass
    for i, ws in enumerate(left):
        for k in range(20):
            say(ws, "* %d %d" % (i, k))
    for ws in left:
        in_order(ws, {str(i): 20 for i in range(len(left))})
    # The worker in its place has the history, and gets what follows.
    wait_for(victim.workers, "the worker is replaced")
    wait_for(lambda: ready(victim) == (200, "ready\n"), "it is connected")
    for i, ws in enumerate(spread(victim).values()):
        texts(ws, 10)
        say(left[-1], "* after %d" % i)
        while ws.text() != "after %d" % i:
            pass
        ws.close()


@between_servers
def test_a_server_that_comes_late_gets_the_history_in_each_worker(join, script):
    chat = script("chat", CHAT)
    first = join("--shared", "--history=3", chat)
    ws = first.websocket()
    for i in range(6):
        say(ws, "line %d" % i)
    texts(ws, 6)
    wait_for(lambda: metric(first, "queue_bytes") == 0, "the bus has all")
    late = spread(join("--shared", "--history=3", chat))
    for other in late.values():
        assert texts(other, 3) == ["line 3", "line 4", "line 5"]
    say(next(iter(late.values())), "late")
    assert ws.text() == "late" and {other.text() for other in late.values()} == {"late"}


@between_servers
def test_servers_start_without_their_bus(join, redis, script):
    redis.kill()
    one = join("--shared", script("chat", CHAT), wait=False)
    one.wait_log("the bus is unavailable")
    clients = spread(one)
    for ws in clients.values():
        say(ws, "alone")
        assert {other.text() for other in clients.values()} == {"alone"}
    assert ready(one) == (200, "ready, but the bus is unavailable\n")
    redis.start()
    for ws in clients.values():
        ws.close()
    wait_for(lambda: not programs([one]), "the program exits")
    settle(one)


@between_servers
def test_endpoints_are_reloaded_and_the_program_is_replaced(join, script, tmp_path):
    chat = script("chat", CHAT)
    config = tmp_path / "c"
    config.write_text("[/]\ncommand = %s\nshared = true\nhistory = 5\n" % chat)
    one, two = join("--config=%s" % config), join("--shared", "--history=5", chat)
    old, other = spread(one), spread(two)
    say(old[1], "old")
    assert {ws.text() for own in (old, other) for ws in own.values()} == {"old"}
    config.write_text("[/]\ncommand = %s\nshared = true\nhistory = 5\n" % script("other", CHAT))
    one.process.send_signal(signal.SIGHUP)
    new = {}
    while len(new) < WORKERS:
        ws = one.websocket()
        opened = one.wait_log(r"session #\d+ open remote=127.0.0.1:%d .*program=(\S+) .*worker=(\d+)" % ws.port)
        if not opened[1].endswith("/other") or new.setdefault(opened[2], ws) is not ws:
            ws.close()
    assert {ws.text() for ws in new.values()} == {"old"}
    say(new["2"], "new")
    # Two programs of this server, and one of the other.
    for ws in [*old.values(), *new.values(), *other.values()]:
        assert ws.text() == "new"
    say(other[1], "other")
    for ws in [*old.values(), *new.values(), *other.values()]:
        assert ws.text() == "other"
        ws.close()
