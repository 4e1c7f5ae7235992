# SPDX-License-Identifier: BSD-2-Clause
"""ttyd's protocol: the subprotocol "tty" of a terminal, byte for byte."""

import signal

import pytest
from conftest import children, wait_for
from probes import bytes_read, read_file, wait_settled
from wsraw import BINARY, CLOSE, PING, PONG, TEXT, close_frame, frame

FIRST = b'{"AuthToken":"","columns":100,"rows":30}'


def connect(one, path="/ws", first=FIRST):
    ws = one.websocket(path, {"Sec-WebSocket-Protocol": "tty"})
    if first is not None:
        ws.send(frame(BINARY, first))
    return ws


def message(ws):
    opcode, payload = ws.message()
    assert opcode == BINARY
    return payload


def shown(ws, end):
    """The output up to its END, after the two messages that come first."""
    text = b""
    while not text.endswith(end):
        payload = message(ws)
        assert payload[:1] == b"0"
        text += payload[1:]
    return text


def greeted(ws, title, preferences=b"2{}"):
    assert message(ws) == b"1" + title
    assert message(ws) == preferences
    return ws


def test_the_whole_dialogue(server):
    """The program starts with the first message; title and preferences precede its output."""
    one = server("--pty", "sh", "-c", "stty size; read x; echo got $x; exit 5")
    ws = one.connect()
    fields = ws.upgrade("/ws", {"Sec-WebSocket-Protocol": "other, tty"})
    assert dict(fields)["sec-websocket-protocol"] == "tty"
    ws.send(frame(PING, b"?"))
    assert ws.frame() == (PONG, True, b"?")
    assert children(one.pid) == []
    ws.send(frame(BINARY, FIRST))
    greeted(ws, b"sh")
    assert shown(ws, b"\n") == b"30 100\r\n"
    ws.send(frame(BINARY, b"0hello\r"))
    assert shown(ws, b"got hello\r\n") == b"hello\r\ngot hello\r\n"
    assert ws.closed() == (4005, "exit 5")
    one.wait_log(r"session #1 start program=\S+/sh pid=\d+")


def test_messages_may_be_text_fragments_and_large(server):
    one = server("--pty", "sh", "-c", "stty raw -echo; echo ready; head -c 200005 | cksum")
    ws = greeted(connect(one, first=b"{}"), b"sh")
    shown(ws, b"ready\n")
    ws.send(frame(TEXT, "0", fin=False) + frame(0, b"ab", fin=False) + frame(0, b"c") + frame(TEXT, "0") + frame(TEXT, "0de"))
    ws.send(frame(BINARY, b"0" + b"x" * 200000))
    assert shown(ws, b"\n").split()[1] == b"200005"
    assert ws.closed()[0] == 1000


@pytest.mark.parametrize("query, first, size", [("", "{}", "24 80"), ("?cols=90&rows=20", '{"AuthToken":"x"}', "20 90"),
                                                ("?cols=90&rows=20", '{"columns":1000,"rows":1}', "1 1000")])
def test_the_first_message_decides_on_the_size(server, query, first, size):
    ws = greeted(connect(server("--pty", "stty", "size"), "/ws" + query, first.encode()), b"stty")
    assert shown(ws, b"\n") == size.encode() + b"\r\n"


def test_resize(server):
    one = server("--pty", "sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 0.01; done")
    ws = greeted(connect(one), b"sh")
    shown(ws, b"ready\r\n")
    ws.send(frame(BINARY, b'1{"columns":91,"rows":21}'))
    assert shown(ws, b"\n") == b"21 91\r\n"
    ws.send(close_frame(1000))


def test_pause_and_resume(server):
    """A paused client gets nothing, and costs nothing; also one that disconnects then."""
    one = server("--pty", "yes")
    for ending in ("resume", "close"):
        ws = greeted(connect(one), b"yes")
        shown(ws, b"\n")
        ws.send(frame(BINARY, b"2") + frame(PING, b"?"))
        while (got := ws.frame())[0] != PONG:
            pass
        read = wait_settled(one)
        ws.send(frame(PING, b"!"))
        assert ws.frame() == (PONG, True, b"!")
        assert bytes_read(one.pid) - read < 1000
        if ending == "resume":
            ws.send(frame(BINARY, b"3"))
            assert len(message(ws)) > 1
        ws.close()


@pytest.mark.parametrize("first, reason", [
    ("", "the first message must be a JSON object with columns and rows"),
    ("0ls", "the first message must be a JSON object with columns and rows"),
    ('{"columns":0}', "columns and rows must be numbers from 1 to 1000"),
    ("{", "a size must be a JSON object"),
])
def test_a_wrong_first_message(server, first, reason):
    one = server("--pty", "sh")
    ws = connect(one, first=first.encode())
    assert ws.closed() == (1008, reason)
    one.wait_log('close .*end="not started" close_sent=1008')
    assert "start program" not in one.log()


@pytest.mark.parametrize("bad", [b"", b"4", b"{}", b'1{"columns":80}', b'1{"columns":1001,"rows":1}', b"1x"])
def test_what_came_before_a_wrong_message_is_not_lost(server, tmp_path, bad):
    """It reaches the program, which gets the usual time to end."""
    one = server("--closems=60000", "--pty", "sh", "-c", "echo ready; read x; echo got $x >%s/got" % tmp_path)
    ws = greeted(connect(one), b"sh")
    shown(ws, b"ready\r\n")
    ws.send(frame(BINARY, b"0hello\r") + frame(BINARY, bad) + frame(BINARY, b"0lost\r"))
    assert ws.closed()[0] == 1008
    wait_for(lambda: read_file(tmp_path / "got") == b"got hello\n", "the program reads it")


def test_a_program_that_cannot_be_started(server, script, tmp_path):
    """It is found before the 101, and fails after it: 1011 with the reason."""
    script("programs/broken", "#!/no/such/interpreter\n")
    one = server("--pty", "--dir=" + str(tmp_path / "programs"))
    ws = connect(one, "/broken/ws")
    code, reason = ws.closed()
    assert code == 1011
    assert "can't start" in reason
    one.wait_log("can't start .*/no/such/interpreter")
    with one.connect() as peer:
        peer.send(peer.request_bytes("/missing/ws", {"Sec-WebSocket-Protocol": "tty"}))
        assert peer.answer()[0] == 404


def test_the_limit_on_programs(server):
    """A client that waits has no program; if the last slot is gone when it sends its size, it is told."""
    one = server("--maxforks=1", "--pty", "cat")
    first, second = connect(one, first=None), connect(one, first=None)
    first.send(frame(BINARY, FIRST))
    greeted(first, b"cat")
    second.send(frame(BINARY, FIRST))
    assert second.closed()[0] == 1011
    with one.connect() as peer:
        peer.send(peer.request_bytes("/ws", {"Sec-WebSocket-Protocol": "tty"}))
        assert peer.answer()[0] == 429
    first.send(close_frame(1000))
    one.wait_log("session #1 close")


def test_subprotocol_can_remove_it(server):
    for option, selected in (("--subprotocol=", None), ("--subprotocol=raw", "raw"), ("--subprotocol=raw,tty", "tty")):
        one = server("--pty", option, "echo", "hello")
        ws = one.connect()
        fields = dict(ws.upgrade("/ws", {"Sec-WebSocket-Protocol": "tty, raw"}))
        assert fields.get("sec-websocket-protocol") == selected
        if selected != "tty":
            assert ws.message() == (BINARY, b"hello\r\n")
            assert ws.closed()[0] == 1000
        ws.close()


def test_token(server):
    """ttyd's page asks for a token first; none is needed, and no other endpoint has one."""
    one = server("--pty", "cat")
    for method in ("GET", "HEAD"):
        with one.connect() as peer:
            peer.send(peer.request_bytes("/token", {"Accept": "*/*"}, method=method, upgrade=False))
            status, fields, body = peer.answer()
            assert status == 200
            assert dict(fields)["content-type"] == "application/json"
            assert body == (b'{"token":""}' if method == "GET" else b"")
    for args in (("cat",), ("--pty", "--subprotocol=", "cat")):
        other = server(*args)
        with other.connect() as peer:
            peer.send(peer.request_bytes("/token", {"Accept": "*/*"}, upgrade=False))
            assert peer.answer()[0] == 426


def test_the_page_of_ttyd_is_served_beside_it(server, tmp_path):
    """Its files by --staticdir, the token and the WebSocket where it expects them."""
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("ttyd")
    one = server("--pty", "--staticdir=" + str(tmp_path / "page"), "echo", "hello")
    for path, body in (("/", b"ttyd"), ("/token", b'{"token":""}')):
        with one.connect() as peer:
            peer.send(peer.request_bytes(path, upgrade=False))
            assert peer.answer()[2] == body
    assert shown(greeted(connect(one), b"echo"), b"\n") == b"hello\r\n"


@pytest.mark.parametrize("headers, status", [({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Host": "evil.example"}, 421)])
def test_a_terminal_has_the_rules_of_every_endpoint(server, headers, status):
    """Another site's page, or one that DNS rebinding leads here, gets no terminal: a terminal is a remote shell."""
    one = server("--pty", "cat")
    for protocol in ("tty", None):
        with one.connect() as peer:
            peer.send(peer.request_bytes("/ws", dict(headers, **{"Sec-WebSocket-Protocol": protocol})))
            assert peer.answer()[0] == status
    assert " open " not in one.log()


@pytest.mark.parametrize("ending", ["close", "reset", "shutdown", "second signal"])
def test_a_client_that_waits_can_end(server, ending):
    one = server("--pty", "cat")
    ws = connect(one, first=None)
    if ending == "close":
        ws.send(close_frame(1000))
        assert ws.frame()[0] == CLOSE
    elif ending == "reset":
        ws.reset()
    elif ending == "shutdown":
        one.process.send_signal(signal.SIGTERM)
        assert ws.closed()[0] == 1001
        assert one.process.wait(60) == 0
        one.stopped = True
    else:
        one.stop_now()
    one.wait_log('session #1 close .*end="not started"')


def test_readonly(server):
    """The client is told not to read keys; what it sends is dropped, but for its size."""
    one = server("--pty", "--readonly", "sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 0.01; done")
    ws = greeted(connect(one), b"sh", b'2{"disableStdin":true}')
    shown(ws, b"ready\r\n")
    ws.send(frame(BINARY, b"0\x03") + frame(BINARY, b'1{"columns":91,"rows":21}'))
    assert shown(ws, b"\n") == b"21 91\r\n"
    ws.send(close_frame(1000))
