# SPDX-License-Identifier: BSD-2-Clause
"""Clients without a WebSocket: event streams and POST, polls, and what other pages may not do."""

import base64
import contextlib
import json
import os
import re
import signal
import ssl

import pytest
from conftest import DEADLINE, SCHEME, children, open_files, plain_only, wait_for
from test_admin import sessions
from test_vanish import drop_all
from probes import KIB, Clock, unsanitized
from wsraw import TEXT, frame

ACCEPT = "Accept: text/event-stream\r\n"
SECRET = re.compile(r'data: {"session":"([0-9a-f]{32})"}')


class Client:
    """Requests to a server, each on its own connection."""

    def __init__(self, one, path="/"):
        self.one = one
        self.path = path
        self.host = "localhost"
        self.sessions = {}  # the header fields that open them

    def leave(self):
        """Ends its sessions, which would wait for it to come back."""
        for session, fields in self.sessions.items():
            if not self.one.stopped:
                gone = fields + "Wspipe-Session: %s\r\n" % session
                # Connections that were closed may still count.
                wait_for(lambda gone=gone: self.ask("DELETE", None, gone)[0] != 429, "there is room for a request")

    def connect(self):
        return self.one.connect()

    def send(self, peer, method, path=None, fields="", body=b""):
        length = "Content-Length: %d\r\n" % len(body) if method == "POST" else ""
        text = "%s %s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n" % (method, path or self.path, self.host, fields, length)
        peer.send(text.encode() + body)

    def ask(self, method, path=None, fields="", body=b""):
        with self.connect() as peer:
            self.send(peer, method, path, fields, body)
            status, found = peer.response()
            found = dict(found)
            size = int(found.get("content-length", 0))
            return status, found, peer.read(size) if size else b""

    def post_if_connected(self, session):
        with contextlib.suppress(EOFError, ConnectionError):
            return self.post(session, b"x")

    def open_poll(self):
        status, fields, body = self.ask("POST", "/?poll")
        assert (status, fields["content-type"]) == (200, "application/json")
        session = json.loads(body)["session"]
        self.sessions[session] = ""
        return session

    def post(self, session, body, kind="text/plain", **kwargs):
        return self.ask("POST", None, "Wspipe-Session: %s\r\nContent-Type: %s\r\n" % (session, kind), body, **kwargs)[0]


@pytest.fixture
def serve(server):
    """serve("cat", path="/a"): a client of a server, or of that of OTHER. The sessions are ended after the test."""
    clients = []

    def start(*args, path="/", other=None, **kwargs):
        clients.append(Client(other.one if other else server(*args, **kwargs), path))
        return clients[-1]

    yield start
    for client in clients:
        client.leave()


def sockets(client):
    return sum(what.startswith("socket:") for what in open_files(client.one.pid).values())


class Stream:
    """A response that does not end."""

    def __init__(self, client, fields="", path=None):
        self.peer = client.connect()
        client.send(self.peer, "GET", path, ACCEPT + fields)
        self.status, found = self.peer.response()
        self.fields = dict(found)
        self.rest = b""
        if self.status == 200:
            assert self.fields["content-type"] == "text/event-stream"
            self.session = SECRET.search(self.event()).group(1)
            client.sessions.setdefault(self.session, fields)

    def event(self):
        """The next one, as text; comments are skipped."""
        while b"\n\n" not in self.rest:
            line = b""
            while not line.endswith(b"\r\n"):
                line += self.peer.read(1)
            size = int(line, 16)
            self.rest += self.peer.read(size)
            assert self.peer.read(2) == b"\r\n"
            if size == 0:
                return None
        event, self.rest = self.rest.split(b"\n\n", 1)
        return event.decode() if not event.startswith(b":") else self.event()

    def data(self):
        return self.event().split("\n", 1)[1]

    def close(self):
        self.peer.close()

    __enter__ = lambda self: self
    __exit__ = lambda self, *_: self.close()


def test_messages_go_both_ways(serve):
    c = serve("--framing=json", "--closems=20000", "cat", path="/a?b=c")
    with Stream(c) as s:
        assert s.fields["cache-control"] == "no-store, no-transform"
        assert c.post(s.session, "ä\nb".encode()) == 202
        assert c.post(s.session, b"\xff\0", "application/octet-stream") == 202
        lines = b'{"type":"text","data":"1"}\n{"type":"binary","data":"Mg=="}\n'
        assert c.post(s.session, lines, "application/x-ndjson; charset=utf-8") == 202
        expected = ["data: ä\ndata: b", "event: binary\ndata: /wA=", "data: 1", "event: binary\ndata: Mg=="]
        for number, event in enumerate(expected, 1):
            assert s.event() == "id: %s-%d\n%s" % (s.session, number, event)
        assert c.ask("DELETE", None, "Wspipe-Session: %s\r\n" % s.session)[0] == 204
        assert s.data() == 'event: close\ndata: {"code":1000,"reason":""}'
        assert s.event() is None
        assert c.post(s.session, b"late") == 404
    c.one.wait_log(r" close .*cause=client in_messages=4 .*out_messages=4 .*exit=0")


@pytest.mark.parametrize("command, close", (("exit 0", (1000, "exit 0")), ("exit 3", (4003, "exit 3")),
                                            ("kill -TERM $$", (4271, "signal TERM"))))
def test_the_end_of_the_program_is_the_last_event(serve, command, close):
    c = serve("sh", "-c", "echo last; " + command)
    with Stream(c) as s:
        assert s.data() == "data: last"
        assert s.data() == 'event: close\ndata: {"code":%d,"reason":"%s"}' % close
        assert s.event() is None


def test_the_program_sees_the_request(serve):
    c = serve("sh", "-c", 'echo "$REQUEST_METHOD $PATH_INFO $QUERY_STRING $HTTP_X_A"; read -r x', path="/p?q=1")
    with Stream(c, "X-A: yes\r\n") as s:
        assert s.data() == "data: GET /p q=1 yes"


def test_a_client_that_comes_back_gets_what_it_has_missed(serve):
    c = serve("cat")
    with Stream(c) as s:
        for text in (b"1", b"2", b"3"):
            assert c.post(s.session, text) == 202
        assert [s.data() for _ in range(3)] == ["data: 1", "data: 2", "data: 3"]
    assert c.post(s.session, b"4") == 202
    with Stream(c, "Last-Event-ID: %s-2\r\n" % s.session) as again:
        assert again.session == s.session
        assert [again.data(), again.data()] == ["data: 3", "data: 4"]
        # A third connection takes over from the second.
        with Stream(c, "Wspipe-Session: %s\r\n" % s.session) as third:
            assert third.data() == "data: 1"
            with pytest.raises((EOFError, ConnectionError)):
                again.event()
    for bad in ("%s-9" % s.session, "%s-x" % s.session):
        assert Stream(c, "Last-Event-ID: %s\r\n" % bad).status in (400, 410)
    for unknown in ("0" * 32 + "-1", "x", "-", s.session[:-1] + "-1"):
        assert Stream(c, "Last-Event-ID: %s\r\n" % unknown).status == 404
    assert c.ask("DELETE", "/?session=" + s.session)[0] == 204


@pytest.mark.parametrize("workers", (1, 2))
def test_the_end_is_kept_for_a_client_that_has_missed_it(serve, workers):
    """What was sent may be lost with the connection, the last events too."""
    c = serve("--workers=%d" % workers, "sh", "-c", "echo a; echo b; read -r x; exit 3")
    with Stream(c) as s:
        assert [s.data(), s.data()] == ["data: a", "data: b"]
        assert c.post(s.session, b"end") == 202
        c.one.wait_log(r" close .*exit=3")
    last = "Last-Event-ID: " + s.session
    for _ in range(2):
        with Stream(c, last + "-1\r\n") as again:
            assert again.data() == "data: b"
            assert again.data() == 'event: close\ndata: {"code":4003,"reason":"exit 3"}'
            assert again.event() is None
    assert c.post(s.session, b"late") == 404
    # The client has received everything.
    assert Stream(c, last + "-3\r\n").status == 204
    assert Stream(c, last + "-3\r\n").status == 404


def test_a_session_that_has_ended_counts_for_no_limit_of_its_client(serve):
    c = serve("--max-per-ip=2", "--resume-wait=1h", "echo", "a")
    for _ in range(4):
        # The connection before may still be counted.
        with wait_for(lambda: (s := Stream(c)).status == 200 and s, "there is room") as s:
            assert s.data() == "data: a"
            assert s.data().startswith("event: close\n")


def test_the_end_of_a_poll_is_kept_until_it_is_acknowledged(serve):
    c = serve("sh", "-c", "echo a; exit 3")
    session = c.open_poll()
    c.one.wait_log(r" close .*exit=3")
    poll = "/?poll&session=%s&after=%%d" % session
    close = {"id": 2, "type": "close", "code": 4003, "reason": "exit 3"}
    for _ in range(2):
        assert json.loads(c.ask("GET", poll % 0)[2]) == [{"id": 1, "type": "text", "data": "a"}, close]
    assert json.loads(c.ask("GET", poll % 1)[2]) == [close]
    assert c.post(session, b"late") == 404
    assert c.ask("GET", poll % 2)[0] == 204
    assert c.ask("GET", poll % 2)[0] == 404


def test_what_is_kept_is_bounded(serve):
    c = serve("--resume-buffer=4k", "sh", "-c", "seq 1000; read -r x")
    with Stream(c) as s:
        for number in range(1, 1001):
            assert s.data() == "data: %d" % number
    assert Stream(c, "Last-Event-ID: %s-1\r\n" % s.session).status == 410
    with Stream(c, "Last-Event-ID: %s-990\r\n" % s.session) as again:
        assert again.data() == "data: 991"


def test_binary_messages_of_one_request_are_joined_for_the_program(serve):
    c = serve("--binary", "sh", "-c", "head -c 64004 | cksum")
    with Stream(c) as s:
        lines = b'{"type":"binary","data":"AA=="}\n' * 2
        assert c.post(s.session, lines, "application/x-ndjson") == 202
        assert c.post(s.session, b"\1" * 64000, "application/octet-stream") == 202
        assert c.post(s.session, lines, "application/x-ndjson") == 202
        assert base64.b64decode(s.data().split("data: ")[1]) == b"1694345960 64004\n"


def test_the_limit_is_that_of_a_message(server):
    c = Client(server("--maxframesize=1000", "cat"))
    with Stream(c) as s:
        line = b'{"type":"text","data":"%s"}\n' % (b"x" * 1000)
        assert c.post(s.session, line * 20, "application/x-ndjson") == 202
        assert c.post(s.session, line * 1100, "application/x-ndjson") == 413
        for _ in range(20):
            assert s.data() == "data: " + "x" * 1000
        assert c.ask("DELETE", "/?session=" + s.session)[0] == 204


def test_a_request_that_is_sent_again_counts_once(server):
    c = Client(server("--maxframesize=1000", "cat"))
    with Stream(c) as s:
        told = "Wspipe-Session: %s\r\nWspipe-Post: %%s\r\n" % s.session
        statuses = [
            c.ask("POST", None, told % number, body)[0]
            for number, body in ((1, b"a"), (1, b"a"), (2, b"x" * 1001), (2, b"b"), (2, b"b"), (1, b"a"), (3, b"c"), ("x", b"d"))
        ]
        assert statuses == [202, 202, 413, 202, 202, 202, 202, 202]
        assert [s.data() for _ in range(4)] == ["data: a", "data: b", "data: c", "data: d"]
        assert c.ask("DELETE", "/?session=" + s.session)[0] == 204


@unsanitized
def test_a_client_that_stays_away_ends_its_session(serve, tmp_path):
    clock = Clock(tmp_path)
    c = serve("--closems=1h", "sh", "-c", "echo up; exec cat", env=clock.env)
    before = sockets(c)
    with Stream(c) as s:
        assert s.data() == "data: up"
    wait_for(lambda: sockets(c) == before, "the server has noticed it")
    clock.put_forward(29)
    assert c.post(s.session, b"still") == 202
    clock.put_forward(2)
    c.one.wait_log(r" close .*exit=0 .*reason=\"the client did not reconnect in time \(--resume-wait\)\"")
    assert c.post(s.session, b"gone") == 404
    wait_for(lambda: not children(c.one.pid), "no process is left")


@unsanitized
def test_a_client_that_vanishes_is_found_by_the_next_comment(serve, tmp_path):
    """Its system confirms nothing: what is sent to it is lost, and --resume-wait begins."""
    clock = Clock(tmp_path)
    c = serve("sh", "-c", "echo up; exec cat", env=dict(clock.env, CLOCK_USER_TIMEOUT="500"))
    before = sockets(c)
    with Stream(c) as s:
        assert s.data() == "data: up"
        drop_all(s.peer.sock)
        clock.put_forward(16)
        wait_for(lambda: sockets(c) == before, "the server has noticed it")
        clock.put_forward(31)
        c.one.wait_log(r" close .*reason=\"the client did not reconnect in time \(--resume-wait\)\"")
    c.sessions.clear()


@pytest.mark.parametrize(
    "kind, body, status",
    (
        ("text/plain", b"\xff", 400),
        ("application/x-ndjson", b'{"type":"text"}', 400),
        ("application/x-ndjson", b'{"type":"text","data":"1"}\nx', 400),
        ("application/octet-stream", b"1", 415),
        ("application/json", b"{}", 415),
        ("text/plain", b"x" * 1001, 413),
        ("application/x-ndjson", b'{"type":"text","data":"1"}\n{"type":"text","data":"%s"}' % (b"x" * 1001), 413),
    ),
)
def test_what_can_not_be_a_message_is_rejected_and_nothing_is_lost(serve, kind, body, status):
    c = serve("--maxframesize=1000", "cat")
    with Stream(c) as s:
        assert c.post(s.session, body, kind) == status
        assert c.post(s.session, b"next") == 202
        assert s.data() == "data: next"


def test_backpressure_is_429(serve, tmp_path):
    go = tmp_path / "go"
    c = serve("sh", "-c", "while [ ! -e %s ]; do sleep 0.01; done; cat" % go)
    with Stream(c) as s:
        text = b"x" * 60000
        sent = 0
        while (status := c.post(s.session, text)) == 202:
            sent += 1
            assert sent < 20
        assert status == 429
        assert c.ask("POST", None, "Wspipe-Session: %s\r\n" % s.session, text)[1]["retry-after"] == "1"
        go.touch()
        for _ in range(sent):
            assert len(s.data()) == len(text) + 6
        assert c.post(s.session, b"last") == 202
        assert s.data() == "data: last"


@pytest.mark.parametrize("options", ((), ("--framing=nul",), ("--framing=json",)))
def test_lines_arrive_in_order_at_a_program_that_is_slow(serve, tmp_path, options):
    go = tmp_path / "go"
    c = serve(*options, "sh", "-c", "while [ ! -e %s ]; do sleep 0.01; done; exec 3>&1 cat >%s" % (go, tmp_path / "got"))
    with Stream(c) as s:
        sent, status = 0, 202
        while status == 202:
            lines = b"".join(b'{"type":"text","data":"%06d%s"}\n' % (sent + i, b"x" * (i % 100)) for i in range(1000))
            status = c.post(s.session, lines, "application/x-ndjson")
            sent += 1000 * (status == 202)
            assert sent < 20000
        assert status == 429
        go.touch()
        wait_for(lambda: c.post(s.session, b"last") == 202, "the program reads again")
        wait_for(lambda: b"last" in (tmp_path / "got").read_bytes(), "everything has arrived")
    found = re.findall(rb"(?<!\d)(\d{6})(x*)(?!x)", (tmp_path / "got").read_bytes())
    assert [(int(n), len(xs)) for n, xs in found] == [(n, n % 100) for n in range(sent)]


def test_a_program_waits_for_a_client_that_does_not_read(serve):
    c = serve("sh", "-c", "yes")
    with Stream(c):
        wait_for(lambda: children(c.one.pid), "it runs")
        before = c.one.log()
        assert "yes" in before or before
    # It is away: what the program wrote is bounded, too.
    c.one.stop()


def test_a_session_that_has_ended_can_be_deleted(serve, tmp_path):
    c = serve("--admin=unix:%s/admin" % tmp_path, "sh", "-c", "echo a; exit 0")
    session = c.open_poll()
    c.one.wait_log(r"#1 close ")
    assert len(json.loads(c.ask("GET", "/?poll&session=%s" % session)[2])) == 2
    assert c.ask("DELETE", "/?session=%s" % session)[0] == 204
    assert c.ask("GET", "/?poll&session=%s" % session)[0] == 404


def test_polls(serve):
    c = serve("--framing=json", "cat")
    session = c.open_poll()
    poll = "/?poll&session=%s&after=%%d" % session
    with c.one.connect() as waiting:
        c.send(waiting, "GET", poll % 0)
        assert c.post(session, b"one") == 202
        status, fields = waiting.response()
        assert status == 200
        got = json.loads(waiting.read(int(dict(fields)["content-length"])))
    assert got == [{"id": 1, "type": "text", "data": "one"}]
    assert c.post(session, b"\0", "application/octet-stream") == 202
    assert json.loads(c.ask("GET", poll % 1)[2]) == [{"id": 2, "type": "binary", "data": "AA=="}]
    assert json.loads(c.ask("GET", poll % 1)[2]) == [{"id": 2, "type": "binary", "data": "AA=="}]
    assert c.ask("GET", poll % 0)[0] == 410
    assert c.ask("GET", "/?poll&session=%s&after=x" % session)[0] == 400
    assert c.ask("GET", "/?poll")[0] == 400
    close = b'{"type":"close","code":4001,"reason":"bye"}'
    assert c.post(session, close, "application/x-ndjson") == 202
    assert c.ask("GET", poll % 2)[0] == 404
    c.one.wait_log(r" close .*close_received=4001")


def test_the_end_of_the_program_is_an_object(serve):
    c = serve("sh", "-c", "echo a; exit 5")
    session = c.open_poll()
    got = []
    while not got or got[-1]["type"] != "close":
        status, _, body = c.ask("GET", "/?poll&session=%s&after=%d" % (session, len(got)))
        got += json.loads(body) if status == 200 else []
    assert got == [{"id": 1, "type": "text", "data": "a"}, {"id": 2, "type": "close", "code": 4005, "reason": "exit 5"}]
    assert c.ask("GET", "/?poll&session=%s&after=2" % session)[0] == 204


# Other pages



@pytest.mark.parametrize(
    "fields",
    (
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Referer: https://evil.example/x\r\nUser-Agent: Mozilla/5.0\r\n",
        "User-Agent: Mozilla/5.0 (X11)\r\n",
    ),
)
@pytest.mark.parametrize("method, path", (("GET", "/"), ("POST", "/?poll"), ("GET", "/?poll&session=0")))
def test_a_page_of_another_site_starts_nothing(serve, tmp_path, fields, method, path):
    c = serve("sh", "-c", "touch %s/ran; cat" % tmp_path)
    status, found, _ = c.ask(method, path, ACCEPT + fields)
    assert status == 403 and "access-control-allow-origin" not in found
    assert c.ask("GET", "/", "Accept: */*\r\n")[0] == 426
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "fields",
    (
        "",
        "User-Agent: curl/8\r\n",
        "Sec-Fetch-Site: same-origin\r\nUser-Agent: Mozilla/5.0\r\n",
        "Sec-Fetch-Site: none\r\nUser-Agent: Mozilla/5.0\r\n",
        "Origin: OWN\r\n",
        "Referer: OWN/page?x\r\nUser-Agent: Mozilla/5.0\r\n",
    ),
)
def test_clients_that_may(serve, fields):
    c = serve("cat")
    c.host = "localhost:%d" % c.one.addresses[0][1]
    with Stream(c, fields.replace("OWN", "%s://%s" % (SCHEME, c.host))) as s:
        assert s.status == 200


def test_a_page_that_is_allowed_may_read_the_responses(serve):
    c = serve("--origin=https://app.example", "cat")
    origin = "Origin: https://app.example\r\n"
    status, fields, _ = c.ask(
        "OPTIONS", "/", origin + "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: wspipe-session\r\n"
    )
    assert status == 204 and "Wspipe-Session" in fields["access-control-allow-headers"]
    with Stream(c, origin) as s:
        allowed = (s.fields["access-control-allow-origin"], s.fields["access-control-allow-credentials"], s.fields["vary"])
        assert allowed == ("https://app.example", "true", "Origin")
    assert c.ask("POST", "/?session=x", origin, b"")[1]["access-control-allow-origin"] == "https://app.example"


def test_a_session_is_that_of_its_user_and_of_its_endpoint(serve, tmp_path):
    (tmp_path / "tokens").write_text("%s alice\n%s bob\n" % ("a" * 40, "b" * 40))
    (tmp_path / "conf").write_text(
        "[/a]\ncommand = cat\nauth-token = %s/tokens\n[/b]\ncommand = cat\nauth-token = %s/tokens\n" % (tmp_path, tmp_path)
    )
    alice, bob = ("Authorization: Bearer %s\r\n" % (name * 40) for name in "ab")
    a = serve("--config=%s/conf" % tmp_path, path="/a")
    b = serve(path="/b", other=a)
    assert Stream(a).status == 401
    with Stream(a, alice) as s:
        told = "Wspipe-Session: %s\r\n" % s.session
        assert a.ask("POST", None, told, b"x")[0] == 401
        assert a.ask("POST", None, told + bob, b"x")[0] == 404
        assert b.ask("POST", None, told + alice, b"x")[0] == 404
        assert a.ask("POST", None, told + alice, b"x")[0] == 202
        assert s.data() == "data: x"


@pytest.mark.parametrize("options", (("--sse=false",), ("--compat=websocketd", "--address=127.0.0.1")))
def test_it_can_be_turned_off(serve, options):
    c = serve(*options, "cat")
    assert c.ask("GET", "/", ACCEPT)[0] in (404, 426)
    assert c.ask("GET", "/-/wspipe.js")[0] in (404, 426)


def test_a_request_reaches_the_worker_of_its_session(serve):
    c = serve("--workers=3", "cat")
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(Stream(c)) for _ in range(6)]
        polls = [c.open_poll() for _ in range(3)]
        for text in (b"1", b"2" * 300000, b"3"):
            for s in streams:
                assert c.post(s.session, text) == 202
                assert s.data() == "data: " + text.decode()
        for session in polls:
            for text in (b"1", b"2", b"3"):
                assert c.post(session, text) == 202
        for session in polls:
            got = []
            while len(got) < 3:
                status, _, body = c.ask("GET", "/?poll&session=%s&after=%d" % (session, len(got)))
                assert status == 200
                got += json.loads(body)
            assert [m["data"] for m in got] == ["1", "2", "3"]
        for s in streams:
            with Stream(c, "Last-Event-ID: %s-2\r\n" % s.session) as again:
                assert again.session == s.session and again.data() == "data: 3"
                assert c.ask("DELETE", None, "Wspipe-Session: %s\r\n" % s.session)[0] == 204
                assert again.data().startswith("event: close\n")
    for unknown in ("0" * 31 + digit for digit in "0123"):
        assert c.post(unknown, b"x") == 404


def test_a_relayed_client_has_the_address_that_it_has(serve, tmp_path):
    c = serve("--workers=2", "--max-per-ip=100", "--admin=unix:%s/admin" % tmp_path, "cat")
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(Stream(c)) for _ in range(4)]
        for s in streams:
            assert c.post(s.session, b"\xff") == 400
        remotes = re.findall(r"status=400 remote=(\S+):\d+ method=POST", c.one.log())
        assert remotes == ["127.0.0.1"] * 4
        assert {s["via"] for s in sessions(c.one)} == {"events"}


def test_a_worker_that_dies_takes_its_sessions_with_it(serve):
    c = serve("--workers=2", "cat")
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(Stream(c)) for _ in range(4)]
        for pid in c.one.workers():
            os.kill(pid, signal.SIGKILL)
        for s in streams:
            with contextlib.suppress(EOFError, ConnectionError):
                assert s.event() is None
            wait_for(lambda s=s: c.post_if_connected(s.session) == 404, "a new worker responds")
    c.sessions.clear()


def test_what_waits_for_a_worker_that_dies_while_the_server_finishes_ends(serve):
    c = serve("--workers=2", "cat")
    stopped, other = c.one.workers()
    before = len(open_files(other))
    with contextlib.ExitStack() as stack:
        os.kill(stopped, signal.SIGSTOP)
        peers = [stack.enter_context(c.connect()) for _ in range(2)]
        for peer, session in zip(peers, ("0" * 32, "0" * 31 + "1")):
            c.send(peer, "POST", None, "Wspipe-Session: %s\r\nContent-Type: text/plain\r\n" % session, b"x")
        wait_for(lambda: len(open_files(other)) == before + 3, "one request is relayed")
        c.one.process.send_signal(signal.SIGQUIT)
        wait_for(lambda: "SIGQUIT" in c.one.log(), "the server finishes")
        os.kill(stopped, signal.SIGKILL)
        assert sorted(peer.response()[0] for peer in peers) == [404, 502]
    assert c.one.process.wait(DEADLINE) != 0
    c.one.stopped = True


def test_shutdown_with_workers_closes_streams(serve):
    c = serve("--workers=2", "cat")
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(Stream(c)) for _ in range(3)]
        streams += [stack.enter_context(Stream(c, "Wspipe-Session: %s\r\n" % s.session)) for s in streams]
        c.one.process.terminate()
        for s in streams[3:]:
            assert s.data() == 'event: close\ndata: {"code":1001,"reason":"the server is shutting down"}'
            assert s.event() is None
    c.one.stop()


def test_a_program_that_can_not_be_started(serve, script):
    c = serve("--dir=%s" % script("dir/bad", "#!/no/such\n").rpartition("/")[0], path="/bad")
    assert Stream(c).status == 500
    assert Stream(c, path="/missing").status == 404


def test_shared_programs_have_such_clients_too(serve):
    c = serve("--shared", "cat")
    with Stream(c) as s, c.one.websocket() as ws:
        ws.send(frame(TEXT, "to all"))
        assert (ws.text(), s.data()) == ("to all", "data: to all")
        assert c.post(s.session, b"from one") == 202
        assert (ws.text(), s.data()) == ("from one", "data: from one")


def test_shutdown_closes_streams(serve):
    c = serve("cat")
    with Stream(c) as s:
        c.one.process.terminate()
        assert s.data() == 'event: close\ndata: {"code":1001,"reason":"the server is shutting down"}'
        assert s.event() is None
    c.one.stop()


def test_a_server_that_goes_away_closes_streams_and_polls(serve):
    c = serve("cat")
    session = c.open_poll()
    with Stream(c) as s, c.one.connect() as poll:
        c.send(poll, "GET", "/?poll&session=%s&after=0" % session)
        c.one.process.send_signal(signal.SIGQUIT)
        close = {"code": 1012, "reason": "the server accepts no more connections"}
        assert json.loads(s.event().rpartition("data: ")[2]) == close
        assert s.event() is None
        size = int(dict(poll.response()[1])["content-length"])
        assert json.loads(poll.read(size)) == [dict({"id": 1, "type": "close"}, **close)]
    c.one.stopped = True
    assert c.one.process.wait(DEADLINE) == 0


@pytest.mark.parametrize("option, reason", (("--idle-timeout=200ms", "no message for --idle-timeout"),
                                            ("--max-lifetime=200ms", "open for --max-lifetime")))
def test_limits_of_time_are_those_of_a_websocket(serve, option, reason):
    c = serve(option, "cat")
    with Stream(c) as s:
        assert s.data() == 'event: close\ndata: {"code":1001,"reason":"%s"}' % reason
    session = c.open_poll()
    c.one.wait_log(r'session #2 close .*reason="%s"' % reason)
    assert json.loads(c.ask("GET", "/?poll&session=%s" % session)[2])[0]["reason"] == reason


def test_a_session_counts_as_a_connection_of_its_client(serve):
    c = serve("--max-per-ip=2", "cat")
    with Stream(c) as one:
        assert c.post(one.session, b"x") == 202
        # The connection of the request may still be counted.
        with wait_for(lambda: (s := Stream(c)).status == 200 and s, "there is room"):
            assert c.post(one.session, b"x") == 429
    # They may come back, so they still count.
    wait_for(lambda: c.post(one.session, b"x") == 429, "the limit is in force")
    c.one.stop()


def test_programs_are_limited(serve):
    c = serve("--maxforks=1", "cat")
    with Stream(c):
        assert Stream(c).status == 429
        assert c.ask("POST", "/?poll")[0] == 429


@plain_only
def test_requests_of_one_connection_are_answered_in_order(serve):
    c = serve("cat")
    with Stream(c) as s, c.one.connect() as peer:
        for i in range(3):
            c.send(peer, "POST", None, "Wspipe-Session: %s\r\n" % s.session, b"%d" % i)
        c.send(peer, "POST", None, "Wspipe-Session: %s\r\n" % s.session, b"\xff")
        statuses = []
        for _ in range(4):
            status, found = peer.response()
            peer.read(int(dict(found)["content-length"]))
            statuses.append(status)
        assert statuses == [202, 202, 202, 400]
        assert [s.data() for _ in range(3)] == ["data: 0", "data: 1", "data: 2"]


def test_http_1_0(serve):
    c = serve("sh", "-c", "echo a; exit 0")
    with c.one.connect() as peer:
        peer.send(("GET / HTTP/1.0\r\nHost: localhost\r\n%s\r\n" % ACCEPT).encode())
        status, found = peer.response()
        assert status == 200 and "transfer-encoding" not in dict(found)
        assert b"\ndata: a\n\n" in peer.read_to_end()


@pytest.mark.parametrize("method", ("HEAD", "PUT", "PATCH"))
def test_other_methods_open_nothing(serve, tmp_path, method):
    c = serve("sh", "-c", "touch %s/ran; cat" % tmp_path)
    with c.one.connect() as peer:
        c.send(peer, method, "/", ACCEPT)
        assert peer.response()[0] in (405, 426)
    assert not (tmp_path / "ran").exists()


@unsanitized
def test_a_stream_that_was_silent_is_not_slow(serve, tmp_path):
    """The minimum rate is that of what is queued, whatever comes first when the time is over."""
    clock = Clock(tmp_path)
    c = serve("cat", env=clock.env)
    with Stream(c) as s:
        for number in range(4):
            assert c.post(s.session, b"%d" % number) == 202
            assert s.data() == "data: %d" % number
            clock.put_forward(40)


@unsanitized
def test_a_body_that_does_not_come_is_not_awaited(serve, tmp_path):
    clock = Clock(tmp_path)
    c = serve("--resume-wait=1h", "cat", env=clock.env)
    session = c.open_poll()
    with c.one.connect() as peer:
        text = "POST / HTTP/1.1\r\nHost: localhost\r\nWspipe-Session: %s\r\nContent-Length: 9\r\n\r\n1" % session
        peer.send(text.encode())
        assert c.post(session, b"1") == 202  # after it was read
        clock.put_forward(40)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert peer.read_to_end()[:12] in (b"", b"HTTP/1.1 408")
    assert c.post(session, b"2") == 202
    got = []
    while len(got) < 2:
        got += json.loads(c.ask("GET", "/?poll&session=%s&after=%d" % (session, len(got)))[2])
    assert [m["data"] for m in got] == ["1", "2"]


@pytest.mark.parametrize("number", ("-1", "9" * 19, "9" * 400, "18446744073709551616", "0x1", "1;", "%00", "1-1"))
def test_numbers_of_events_that_are_hostile(serve, number):
    c = serve("cat")
    with Stream(c) as s:
        with Stream(c, "Last-Event-ID: %s-%s\r\n" % (s.session, number)) as other:
            assert other.status in (400, 410)
        poll = c.open_poll()
        assert c.ask("GET", "/?poll&session=%s&after=%s" % (poll, number))[0] in (400, 410)
        assert "session=***" in c.one.wait_log(r"rejected status=4.. .*poll&session=.*").group()
        assert c.post(s.session, b"alive") == 202
        assert s.data() == "data: alive"


@pytest.mark.parametrize("body", (b"[" * 100000, b'{"type":"text","data":' + b"[" * 100000, b'{"type":"binary","data":"*"}',
                                  b'{"type":"text","data":"\\ud800"}', b"\n" * 100000 + b"{}", b"\xff\n", b"{" * 1000000), ids=range(7))
def test_lines_that_are_hostile(serve, body):
    c = serve("--framing=json", "cat")
    with Stream(c) as s:
        assert c.post(s.session, body, "application/x-ndjson") == 400
        assert c.post(s.session, b"alive") == 202
        assert s.data() == "data: alive"


def test_a_program_can_not_split_the_stream(serve):
    c = serve("--framing=json", "cat")
    with Stream(c) as s:
        for text in ("a\n\nevent: close\ndata: {}", "a\r\revent: close", "id: 9\n"):
            line = json.dumps({"type": "text", "data": text}).encode()
            assert c.post(s.session, line, "application/x-ndjson") == 202
        assert s.data() == "data: a\ndata: \ndata: event: close\ndata: data: {}"
        assert s.data() == "event: text-base64\ndata: YQ0NZXZlbnQ6IGNsb3Nl"
        assert s.data() == "data: id: 9\ndata: "


def test_a_session_that_ends_while_a_request_for_it_is_read(serve):
    c = serve("cat")
    with Stream(c) as s, c.connect() as peer:
        fields = "Wspipe-Session: %s\r\n" % s.session
        peer.send(("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\n%s\r\n" % fields).encode())
        assert peer.response()[0] == 100
        assert c.ask("DELETE", None, fields)[0] == 204
        peer.send(b"x")
        assert peer.response()[0] == 404
        assert s.data() == 'event: close\ndata: {"code":1000,"reason":""}'
        assert s.event() is None


def test_many_connections_for_one_session(serve):
    c = serve("cat")
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(Stream(c))]
        fields = "Wspipe-Session: %s\r\n" % streams[0].session
        streams += [stack.enter_context(Stream(c, fields)) for _ in range(30)]
        assert c.post(streams[0].session, b"x") == 202
        assert streams[-1].data() == "data: x"
        for s in streams[:-1]:
            with contextlib.suppress(ConnectionError, EOFError):
                assert s.event() is None


@pytest.mark.parametrize("query", ("", "&token=" + "a" * 40))
def test_a_page_of_another_origin_asks_without_credentials(serve, tmp_path, query):
    (tmp_path / "tokens").write_text("%s alice\n" % ("a" * 40))
    c = serve("--auth-token=%s/tokens" % tmp_path, "--origin=https://app.example", "cat")
    origin = "Origin: https://app.example\r\n"
    asks = "Access-Control-Request-Method: POST\r\n"
    assert c.ask("OPTIONS", "/", origin + asks)[0] == 204
    assert c.ask("OPTIONS", "/", "Origin: https://evil.example\r\n" + asks)[0] == 403
    assert c.ask("OPTIONS", "/", origin)[0] == 401
    with Stream(c, origin, "/?x" + query) as s:
        assert s.status == (200 if query else 401)
        if query:
            c.sessions[s.session] = "Authorization: Bearer %s\r\n" % ("a" * 40)
            path = "/?session=%s%s" % (s.session, query)
            assert c.ask("POST", path, origin, b"x")[0] == 202
            assert s.data() == "data: x"
            assert "a" * 40 not in c.one.log()


@pytest.mark.parametrize("options, sent, event", (
    (("--binary",), b"\0\n", "event: binary\ndata: AAo="),
    (("--framing=length",), b"\0\n", "event: binary\ndata: AAo="),
))
def test_framings(serve, options, sent, event):
    c = serve(*options, "cat")
    with Stream(c) as s:
        assert c.post(s.session, sent, "application/octet-stream") == 202
        assert s.data() == event


def test_a_terminal(serve):
    c = serve("--pty", "--framing=text", "sh", "-c", "stty -echo -onlcr; echo ready; cat")
    with Stream(c) as s:
        assert s.data() == "data: ready\ndata: "
        assert c.post(s.session, b"x\n") == 202
        assert s.data() == "data: x\ndata: "


def test_the_log_and_the_list_of_sessions_show_how_clients_are_connected(serve, tmp_path):
    c = serve("--admin=unix:%s/admin" % tmp_path, "cat")
    c.open_poll()
    with Stream(c), c.one.websocket() as ws:
        ws.send(frame(TEXT, "a"))
        assert ws.text() == "a"
        assert [s["via"] for s in sorted(sessions(c.one), key=lambda s: s["id"])] == ["polls", "events", "websocket"]
    c.one.wait_log(r"#1 open .* via=polls ")
    c.one.wait_log(r"#2 open .* via=events ")


def test_a_reload_that_removes_the_endpoint(serve, tmp_path):
    conf = tmp_path / "conf"
    conf.write_text("[/a]\ncommand = cat\n[/b]\ncommand = cat\n")
    c = serve("--config=%s" % conf, path="/a")
    with Stream(c) as s:
        conf.write_text("[/b]\ncommand = cat\n")
        c.one.process.send_signal(signal.SIGHUP)
        wait_for(lambda: c.post(s.session, b"x") == 404, "the endpoint is removed")
        assert Stream(c, "Last-Event-ID: %s-0\r\n" % s.session).status == 404
        assert serve(path="/b", other=c).post(s.session, b"x") == 404
    c.one.stop()


@unsanitized
@plain_only
def test_nothing_is_left_of_abandoned_sessions(serve, tmp_path):
    clock = Clock(tmp_path)
    c = serve("--maxforks=0", "cat", env=clock.env)
    before = sockets(c)

    def memory():
        with open("/proc/%d/smaps_rollup" % c.one.pid) as f:
            return int(re.search(r"Private_Dirty:\s+(\d+)", f.read()).group(1))

    def abandon(count):
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                s = stack.enter_context(Stream(c))
                assert c.post(s.session, b"x" * 1000) == 202
                s.data()
        wait_for(lambda: sockets(c) == before, "the server has noticed it")
        assert len(children(c.one.pid)) == count
        clock.put_forward(31)
        wait_for(lambda: not children(c.one.pid), "no process is left")
        return memory()

    # What is freed need not go back to the system; but a leak grows each time.
    grown = [abandon(60)]
    while len(grown) < 2 or grown[-1] - grown[-2] >= 60 * 2048 // KIB:
        assert len(grown) < 12, grown
        grown.append(abandon(60))
