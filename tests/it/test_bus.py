# SPDX-License-Identifier: BSD-2-Clause
"""Shared programs of several servers on one Redis server (--bus)."""

import contextlib
import os
import re
import shutil
import signal
import socketserver
import struct
import subprocess
import threading
import time

import pytest
from conftest import WSPIPE, fd_count, plain_only, wait_for
from redis import Redis
from test_admin import ask, text_of
from wsraw import TEXT, frame

HEAD = "#!/usr/bin/python3 -u\nimport os, sys\nsys.stdin.reconfigure(newline='\\n')\n"
CHAT = HEAD + "for line in sys.stdin:\n    print(line, end='')\n"
PIDS = HEAD + "for line in sys.stdin:\n    print(os.getpid(), line, end='')\n"
# Writes by itself, too: the number of a line, and who writes it.
TICKS = HEAD + "import threading\nn = 0\ndef tick():\n    global n\n    while True:\n        n += 1\n        print('tick', os.getpid(), n)\n" \
    "        time.sleep(0.02)\nimport time\nthreading.Thread(target=tick, daemon=True).start()\nfor line in sys.stdin:\n    pass\n"
# ID TAB RECIPIENT TEXT, and events: ID TAB open TAB PATH.
SEND = HEAD + "for line in sys.stdin:\n    who, kind, rest = line.rstrip('\\n').split('\\t', 2)\n" \
    "    if kind == 'text' and rest == 'who':\n        print(who, 'text', who, sep='\\t')\n" \
    "    elif kind == 'text':\n        to, text = rest.split(' ', 1)\n        print(to, 'text', text, sep='\\t')\n" \
    "    else:\n        print('*', 'text', '%d %s %s' % (os.getpid(), kind, rest.split('?')[0]), sep='\\t')\n"

HAS_REDIS = b"built without Redis" not in subprocess.run(
    [WSPIPE, "--check-config", "--shared", "--bus=redis://localhost", "cat"], capture_output=True, check=False).stderr
pytestmark = pytest.mark.skipif(not HAS_REDIS, reason="built without hiredis")


@pytest.fixture
def redis(tmp_path):
    one = Redis(tmp_path)
    yield one
    one.stop()


@pytest.fixture
def join(redis, server):
    """Starts servers on the bus, once each is connected. They end before it does."""

    joined = []

    def start(*args, url=None, wait=True):
        one = server("--admin=127.0.0.1:0", "--bus=" + (url or redis.url()), *args)
        if wait:
            one.wait_log("connected to the bus")
            one.fds = fd_count(one.pid)
            joined.append(one)
            redis.wait_subscribed(joined)
        return one

    return start


def ready(one):
    status, _, body = ask(one, "/-/ready")
    return status, body.decode()


def metric(one, name):
    return float(re.search(r"^wspipe_bus_%s (\S+)$" % name, text_of(one, "/metrics"), re.M)[1])


def say(ws, text):
    ws.send(frame(TEXT, text))


def texts(ws, count):
    return [ws.text() for _ in range(count)]


def test_clients_of_all_servers_get_what_each_program_writes(join, redis, script):
    program = script("chat", CHAT)
    servers = [join("--shared", program) for _ in range(3)]
    wait_for(lambda: redis.subscribers() == 3, "all servers subscribe")
    clients = [one.websocket() for one in servers]
    for i, ws in enumerate(clients):
        say(ws, "from %d" % i)
        assert [other.text() for other in clients] == ["from %d" % i] * 3
    assert [metric(one, "published_messages_total") for one in servers] == [1, 1, 1]
    assert [metric(one, "received_messages_total") for one in servers] == [2, 2, 2]
    for one in servers:
        assert metric(one, "missed_records_total") == 0


def test_a_message_for_one_client_reaches_it_on_any_server(join, redis, script):
    program = script("send", SEND)
    a, b = [join("--shared=addressed", "--events", program).websocket("/%d" % i) for i in range(2)]
    wait_for(lambda: redis.subscribers() == 2, "all servers subscribe")
    ids = []
    for ws in (a, b):
        say(ws, "who")
        while not (text := ws.text()).isdigit():
            assert " open " in text
        ids.append(int(text))
    assert len(set(ids)) == 2 and all(2**40 < number < 2**53 for number in ids)
    say(a, "%d hello" % ids[1])
    while (text := b.text()) != "hello":
        assert " open " in text
    say(b, "%d you too" % ids[0])
    while (text := a.text()) != "you too":
        assert " open " in text


def test_endpoints_and_prefixes_are_apart(join, redis, script):
    program = script("chat", CHAT)
    servers = [join("--shared", "--bus-prefix=" + prefix, program) for prefix in ("one:", "one:", "two:")]
    wait_for(lambda: redis.subscribers("one:/") == 2 and redis.subscribers("two:/") == 1, "all servers subscribe")
    clients = [one.websocket() for one in servers]
    say(clients[0], "first")
    say(clients[2], "other")
    assert texts(clients[0], 1) == texts(clients[1], 1) == ["first"]
    assert texts(clients[2], 1) == ["other"]


def test_a_late_server_gets_the_history(join, redis, script):
    program = script("chat", CHAT)
    first = join("--shared", "--history=3", program)
    ws = first.websocket()
    for i in range(6):
        say(ws, "line %d" % i)
    assert texts(ws, 6) == ["line %d" % i for i in range(6)]
    wait_for(lambda: metric(first, "queue_bytes") == 0, "the bus has all")
    late = join("--shared", "--history=3", program)
    other = late.websocket()
    assert texts(other, 3) == ["line 3", "line 4", "line 5"]
    say(other, "late")
    assert ws.text() == other.text() == "late"


def test_nothing_is_lost_or_doubled_when_the_bus_restarts(join, redis, script):
    """With a history; each server's lines in its own order, for all clients."""
    program = script("chat", CHAT)
    servers = [join("--shared", "--history=10", program) for _ in range(2)]
    clients = [one.websocket() for one in servers]
    count = [0, 0]
    seen = [{0: [], 1: []}, {0: [], 1: []}]

    def send(lines):
        for i, ws in enumerate(clients):
            for _ in range(lines):
                say(ws, "%d %d" % (i, count[i]))
                count[i] += 1

    def all_came():
        for i, ws in enumerate(clients):
            while sum(map(len, seen[i].values())) < sum(count):
                who, number = ws.text().split()
                seen[i][int(who)].append(int(number))
        return True

    for _ in range(3):
        send(20)
        redis.kill()
        send(20)
        wait_for(lambda: all(ready(one)[1] == "ready, but the bus is unavailable\n" for one in servers), "the outage is reported")
        redis.start()
        send(20)
        all_came()
    for i in range(2):
        assert seen[i] == {0: list(range(count[0])), 1: list(range(count[1]))}
    for one in servers:
        wait_for(lambda: ready(one) == (200, "ready\n") and metric(one, "queue_bytes") == 0, "it is connected again")
        assert metric(one, "dropped_messages_total") == 0 and metric(one, "reconnects_total") == 3


def test_local_clients_go_on_while_the_bus_is_away(join, redis, script):
    program = script("chat", CHAT)
    one, two = [join("--shared", "--bus-queue=64k", program) for _ in range(2)]
    wait_for(lambda: redis.subscribers() == 2, "all servers subscribe")
    a, b = one.websocket(), two.websocket()
    redis.kill()
    wait_for(lambda: metric(one, "connected") == 0, "the outage is noticed")
    line = "x" * 1000
    for i in range(100):
        say(a, "%03d %s" % (i, line))
        assert a.text().startswith("%03d " % i)
    assert metric(one, "queue_bytes") <= 65536
    dropped = metric(one, "dropped_messages_total")
    assert 30 <= dropped < 100
    one.wait_log("the queue for the bus is full")
    redis.start()
    # What is published before the other one has subscribed again does not reach it.
    wait_for(lambda: redis.subscribers() == 2 and metric(one, "queue_bytes") == 0, "all servers subscribe again")
    say(a, "fresh")
    while b.text() != "fresh":
        pass


def test_a_server_starts_without_its_bus(join, redis, script):
    redis.kill()
    one = join("--shared", script("chat", CHAT), wait=False)
    one.wait_log("the bus is unavailable")
    ws = one.websocket()
    say(ws, "alone")
    assert ws.text() == "alone"
    assert ready(one) == (200, "ready, but the bus is unavailable\n")
    redis.start()
    one.wait_log("the bus is available again")
    ws.close()
    one.stop()


@plain_only
def test_a_server_that_rejects_commands_is_reported_once(join, redis, script):
    """It accepts each connection."""

    def connections():
        return int(re.search(rb"total_connections_received:(\d+)", redis.ask("INFO", "stats"))[1])

    redis.ask("ACL", "SETUSER", "default", "-xadd", "-xrevrange")
    one = join("--shared", "--history=5", script("chat", CHAT), wait=False)
    one.wait_log("the bus is unavailable.*NOPERM.*allow the user")
    ws = one.websocket()
    say(ws, "kept")
    assert ws.text() == "kept"
    before, asked = connections(), 0
    while connections() - before - asked < 6:
        asked += 1
    assert one.log().count("the bus is unavailable") == 1 and "available again" not in one.log()
    redis.ask("ACL", "SETUSER", "default", "+xadd", "+xrevrange")
    one.wait_log("the bus is available again")
    assert b"kept" in redis.ask("XRANGE", "wspipe:/", "-", "+")
    ws.close()
    one.stop()


@plain_only
@pytest.mark.parametrize("program", ["each", "one"])
def test_a_key_in_the_place_of_a_history_is_reported_and_stops_no_message(join, redis, script, program):
    """Before the servers start and while they run; the connection to the bus is kept."""

    def pass_on(first, text):
        say(first, text)
        assert [ws.text() for ws in clients] == [text] * 2

    args = ["--shared", "--history=5", "--shared-program=" + program, script("chat", CHAT)]
    redis.ask("SET", "wspipe:/", "x")
    servers = [join(*args) for _ in range(2)]
    for one in servers:
        one.wait_log("no history is kept.*key=wspipe:/ .*not a stream.*delete it")
    wait_for(lambda: redis.subscribers() == 2, "all servers subscribe")
    clients = [one.websocket() for one in servers]
    for i in range(4):
        pass_on(clients[i % 2], "without %d" % i)
    redis.ask("DEL", "wspipe:/")
    for i in range(4):
        pass_on(clients[i % 2], "with %d" % i)
    assert texts(join(*args).websocket(), 4) == ["with %d" % i for i in range(4)]
    wait_for(lambda: b"blocked_clients:3\r" in redis.ask("INFO", "clients"), "all servers read the history")
    redis.ask("SET", "wspipe:/", "x")
    for i in range(4):
        pass_on(clients[i % 2], "again without %d" % i)
    for one in servers:
        wait_for(lambda: one.log().count("no history is kept") == 2, "it is reported again")
        assert metric(one, "reconnects_total") == 0 and "the bus is unavailable" not in one.log()


@plain_only
def test_a_key_in_the_place_of_a_server_s_number_is_reported(join, redis, script):
    """It gets another number, and keeps its connection."""

    def numbers():
        return re.findall(rb"wspipe:server:\d+", redis.ask("KEYS", "wspipe:server:*"))

    one = join("--shared=addressed", "--events", script("send", SEND))
    wait_for(numbers, "it has a number")
    (foreign,) = numbers()
    redis.replace(foreign, "RPUSH", "x")
    # So that it looks at once.
    redis.ask("CLIENT", "KILL", "TYPE", "normal")
    one.wait_log("gets another number.*key=%s .*not a string.*delete it" % foreign.decode())
    wait_for(lambda: len(numbers()) == 2, "it has another number")
    ws = one.websocket()
    assert " open " in ws.text()
    say(ws, "who")
    assert b"wspipe:server:%d" % (int(ws.text()) // 10**12) in set(numbers()) - {foreign}
    assert metric(one, "connected") == 1 and one.log().count("gets another number") == 1


@contextlib.contextmanager
def fake_bus(path, reply):
    """Yields the commands that have come."""
    seen = []

    class Fake(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                while part := self.request.recv(65536):
                    commands = re.findall(rb"\*\d+\r\n\$\d+\r\n([A-Z]+)\r\n", part)
                    self.request.sendall(reply * len(commands))
                    seen.extend(commands)

    with socketserver.ThreadingUnixStreamServer(path, Fake) as fake:
        fake.daemon_threads, fake.block_on_close = True, False
        threading.Thread(target=fake.serve_forever).start()
        try:
            yield seen
        finally:
            fake.shutdown()


@plain_only
@pytest.mark.parametrize("history", [0, 5])
@pytest.mark.parametrize("reply", [b":-1\r\n", b"$1\r\nx\r\n", b"$-1\r\n", b"*0\r\n"])
def test_a_server_that_replies_the_same_to_all_does_no_harm(server, script, tmp_path, history, reply):
    with fake_bus(str(tmp_path / "fake"), reply) as seen:
        one = server("--bus=redis+unix://%s/fake" % tmp_path, "--shared", "--history=%d" % history, script("chat", CHAT))
        one.wait_log("connected to the bus|the bus is unavailable")
        ws = one.websocket()
        for i in range(3):
            count = len(seen)
            say(ws, str(i))
            assert ws.text() == str(i)
            wait_for(lambda: b"XADD" in seen[count:] or b"PUBLISH" in seen[count:] or b"PING" in seen[count:], "it is sent")
        # An unlucky number is not replaced without a pause.
        assert len(seen) < 2000
        ws.close()
        one.fds = None
        one.stop()


@plain_only
@pytest.mark.parametrize("reply", [b":-1\r\n", b"$1\r\nx\r\n"])
def test_a_reply_without_an_epoch_is_no_lease(server, script, tmp_path, reply):
    with fake_bus(str(tmp_path / "fake"), reply) as seen:
        one = server(
            "--bus=redis+unix://%s/fake" % tmp_path, "--shared", "--shared-program=one", "--shared-start=always",
            script("chat", CHAT),
        )
        one.wait_log("the bus is unavailable")
        count = len(seen)
        wait_for(lambda: b"EVAL" in seen[count:], "it tries again")
        assert "runs the shared program" not in one.log()
        one.fds = None
        one.stop()


def test_a_bus_that_stops_is_noticed(join, redis, script):
    one = join("--shared", script("chat", CHAT))
    redis.process.send_signal(signal.SIGSTOP)
    wait_for(lambda: metric(one, "connected") == 0, "the bus does not respond")
    redis.process.send_signal(signal.SIGCONT)
    wait_for(lambda: metric(one, "connected") == 1, "the bus responds again")


def test_a_password_is_used_and_not_shown(join, redis, script, tmp_path):
    redis.ask("ACL", "SETUSER", "me", "on", ">s3cr%t", "~*", "&*", "+@all")
    redis.ask("CONFIG", "SET", "requirepass", "other")
    one = join("--shared", script("chat", CHAT), url=redis.url("me:s3cr%25t@"), wait=False)
    wait_for(lambda: ready(one) == (200, "ready\n"), "it is connected")
    one.wait_log("the password in --bus is visible to all users")
    wrong = join("--shared", script("chat", CHAT), url=redis.url("me:wr0ng@"), wait=False)
    wrong.wait_log("the bus is unavailable.*WRONGPASS.*check the user and the password")
    none = join("--shared", script("chat", CHAT), wait=False)
    none.wait_log("the bus is unavailable.*NOAUTH.*give a password")
    for server in (one, wrong, none):
        shown = server.log() + text_of(server, "/metrics") + text_of(server, "/sessions")
        assert "s3cr" not in shown and "wr0ng" not in shown
        server.stop()


def test_what_is_no_record_is_dropped(join, redis, script):
    program = script("chat", CHAT)
    one = join("--shared", program)
    wait_for(lambda: redis.subscribers() == 1, "it subscribes")
    ws = one.websocket()
    for text in (b"", b"hello", b"wsb1", b"\0" * 100, b"wsb1\1\0\0\0" + b"\xff" * 60):
        redis.ask("PUBLISH", "wspipe:/", text)
    wait_for(lambda: metric(one, "malformed_records_total") == 5, "they are counted")
    say(ws, "still here")
    assert ws.text() == "still here"
    assert one.log().count("dropped a malformed record from the bus") == 1


# One program for all.


def programs(servers):
    """The pids of shared programs that run, by the servers' logs."""
    pids = []
    for one in servers:
        started = re.findall(r"shared program started .*pid=(\d+)", one.log())
        ended = re.findall(r"shared program exited .*pid=(\d+)", one.log())
        pids += [int(pid) for pid in started if pid not in ended]
    return pids


def leader_of(servers):
    return next(one for one in servers if programs([one]))


def test_one_program_serves_all(join, redis, script):
    program = script("send", SEND)
    servers = [join("--shared=addressed", "--events", "--shared-program=one", program) for _ in range(3)]
    clients = [one.websocket("/%d" % i) for i, one in enumerate(servers)]
    ids = []
    for ws in clients:
        say(ws, "who")
        while not (text := ws.text()).isdigit():
            assert " open " in text
        ids.append(int(text))
    assert len(programs(servers)) == 1
    for i in range(50):
        say(clients[i % 3], "%d %d" % (ids[(i + 1) % 3], i))
    for k, ws in enumerate(clients):
        expected = [str(i) for i in range(50) if (i + 1) % 3 == k]
        while expected:
            text = ws.text()
            if text.isdigit():
                assert text == expected.pop(0)
    clients[0].close()
    # 1006: it closed without a Close frame.
    for ws in clients[1:]:
        while " close 1006" not in (text := ws.text()):
            assert " open " in text


@pytest.mark.parametrize("history", [0, 10])
def test_another_server_takes_the_program_over(join, redis, script, history):
    """Within 3 s; the machine may have other things to do, so a time that is too long is measured again."""
    program = script("send", SEND)
    clients = {}  # of each server

    def add(path):
        one = join("--shared=addressed", "--events", "--shared-program=one", "--history=%d" % history, program)
        clients[one] = one.websocket(path)
        clients[one].path = path

    def take_over():
        """Kills the server that has the program, and returns how long there is none."""
        (first,) = programs(clients)
        gone = leader_of(clients)
        gone.kill()
        gone.stopped = True
        began = time.monotonic()
        clients.pop(gone).close()
        wait_for(lambda: programs(clients), "another server runs the program")
        took = time.monotonic() - began
        (second,) = programs(clients)
        assert second != first
        # The new one is told of all who are present.
        for ws in clients.values():
            opened = set()
            while len(opened) < 2:
                text = ws.text()
                if text.startswith("%d open " % second):
                    opened.add(text.split()[2])
            assert opened == {ws.path for ws in clients.values()}
        assert programs(clients) == [second]
        return took

    for i in range(3):
        add("/%d" % i)
    wait_for(lambda: len(programs(clients)) == 1, "one program runs")
    times = [take_over()]
    while times[-1] >= 3 and len(times) < 5:
        add("/again%d" % len(times))
        times.append(take_over())
    assert times[-1] < 3, times


def test_a_program_that_was_taken_over_is_not_heard(join, redis, script):
    program = script("ticks", TICKS)
    servers = [join("--shared", "--shared-program=one", program) for _ in range(3)]
    clients = [one.websocket() for one in servers]
    wait_for(lambda: len(programs(servers)) == 1, "one program runs")
    stale = programs(servers)[0]
    frozen = leader_of(servers)
    others = [one for one in servers if one is not frozen]
    frozen.process.send_signal(signal.SIGSTOP)
    try:
        heir = wait_for(lambda: programs(others), "another server runs the program")[0]
        for one in others:
            while clients[servers.index(one)].text().split()[1] != str(heir):
                pass
    finally:
        frozen.process.send_signal(signal.SIGCONT)
    woken = time.monotonic()
    wait_for(lambda: str(stale) in re.findall(r"exited .*pid=(\d+)", frozen.log()), "the stale program is ended")
    assert time.monotonic() - woken < 5
    # From the first line of the heir on, there is no other's.
    for ws in clients:
        while ws.text().split()[1] != str(heir):
            pass
        assert {ws.text().split()[1] for _ in range(30)} == {str(heir)}
    assert not os.path.exists("/proc/%d" % stale)


def test_an_epoch_that_no_lease_has_does_not_fence_the_program(join, redis, script):
    servers = [join("--shared", "--shared-program=one", script("pids", PIDS)) for _ in range(2)]
    clients = [one.websocket() for one in servers]
    wait_for(lambda: len(programs(servers)) == 1, "one program runs")
    # Of a leader: node 7, connection 0, epoch 2**63, number 1.
    report = struct.pack(">4sIIIQQQQ", b"wsb1", 2 << 24, 23, 0, 7, 0, 2**63, 1) + bytes(23)
    redis.ask("PUBLISH", "wspipe:/", report)
    wait_for(lambda: all(metric(one, "malformed_records_total") == 1 for one in servers), "it is found out")
    leader = clients[servers.index(leader_of(servers))]
    say(leader, "still here")
    assert {ws.text() for ws in clients} == {"%d still here" % programs(servers)[0]}


@plain_only
@pytest.mark.parametrize(
    "command, kind, reason",
    [
        ("SET x", "lease", "does not expire soon"),
        ("SET x EX 9999", "lease", "does not expire soon"),
        ("RPUSH x", "lease", "does not expire soon"),
        ("SET x", "epoch", "not a valid epoch"),
        ("SET inf", "epoch", "not a valid epoch"),
        ("RPUSH x", "epoch", "not a valid epoch"),
    ],
)
def test_a_key_that_keeps_all_from_the_lease_is_reported(join, redis, script, command, kind, reason):
    """Before a program runs and while it does; the connection to the bus is kept."""
    key = "wspipe:%s:/" % kind
    name, *rest = command.split()
    text = (503, "a key on the bus keeps a shared program from running: see the log\n")
    redis.replace(key, name, *rest)
    one = join("--shared", "--shared-program=one", "--shared-start=always", script("pids", PIDS))
    wait_for(lambda: ready(one) == text, "it is not ready")
    one.wait_log("no server can run the shared program.*key=%s .*%s.*delete it" % (key, reason))
    redis.ask("DEL", key)
    wait_for(lambda: ready(one) == (200, "ready\n"), "it is ready")
    redis.replace(key, name, *rest)
    if kind == "lease":
        wait_for(lambda: ready(one) == text, "it has lost the lease")
        redis.ask("DEL", key)
        wait_for(lambda: ready(one) == (200, "ready\n"), "it has the lease again")
    else:
        wait_for(lambda: redis.ask("GET", key)[5:15].isdigit(), "the holder writes the epoch again")
    assert one.log().count("no server can run the shared program") == 1
    assert metric(one, "reconnects_total") == 0 and "the bus is unavailable" not in one.log()
    one.fds = None
    one.stop()


def test_a_server_is_not_ready_without_the_bus_that_it_needs(join, redis, script):
    one = join("--shared", "--shared-program=one", script("pids", PIDS))
    ws = one.websocket()
    say(ws, "first")
    first = ws.text().split()[0]
    redis.kill()
    wait_for(lambda: ready(one)[0] == 503, "it is not ready")
    assert "the bus is unavailable" in ready(one)[1]
    wait_for(lambda: not programs([one]), "the program is ended: it might be another server's")
    say(ws, "second")
    redis.start()
    pid, text = ws.text().split()
    assert text == "second" and pid != first
    wait_for(lambda: ready(one) == (200, "ready\n"), "it is ready again")


HAPROXY = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")


@pytest.mark.skipif(not HAPROXY, reason="HAProxy is not installed")
def test_the_example_for_haproxy_is_valid():
    example = os.path.join(os.environ["top_srcdir"], "doc", "haproxy.cfg")
    done = subprocess.run([HAPROXY, "-c", "-f", example], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "args, error",
    [
        (["--bus=redis://h", "cat"], "--bus needs --shared"),
        (["--shared", "--shared-program=one", "cat"], "--shared-program=one needs --bus"),
        (["--shared", "--bus-prefix=x", "cat"], "--bus-prefix needs --bus"),
        (["--shared", "--bus=redis://h", "--bus-queue=1k", "cat"], "--bus-queue must be at least 64k"),
        (["--shared", "--bus=redis://u:s3cret@", "cat"], "--bus: the address has no host"),
        (["--shared", "--bus=tcp:s3cret", "cat"], "--bus: the address must start with redis://"),
    ],
)
def test_options_that_make_no_sense_are_rejected(server, args, error):
    one = server(*args, ready=False)
    one.stopped = True
    assert one.process.wait(60) == 64
    assert error in one.errors() and "s3cret" not in one.errors()
