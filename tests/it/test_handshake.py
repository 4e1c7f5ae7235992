# SPDX-License-Identifier: BSD-2-Clause
"""The opening handshake (RFC 6455, section 4.2): a table of requests and their exact answers."""

import base64
import email.utils
import hashlib
import http
import re

import pytest
from wsraw import ACCEPT, CLOSE, KEY, PING, PONG, TEXT, close_frame, frame

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
FIELDS = {
    "host": "Host",
    "upgrade": "Upgrade",
    "connection": "Connection",
    "key": "Sec-WebSocket-Key",
    "version": "Sec-WebSocket-Version",
    "protocol": "Sec-WebSocket-Protocol",
    "extensions": "Sec-WebSocket-Extensions",
    "length": "Content-Length",
    "coding": "Transfer-Encoding",
}
USUAL = {"host": "localhost", "upgrade": "websocket", "connection": "Upgrade", "key": KEY, "version": "13"}


def ask(line="GET / HTTP/1.1", **changes):
    """A handshake with changed fields: None leaves one out, a list repeats it."""
    lines = [line]
    for name, value in {**USUAL, **changes}.items():
        values = value if isinstance(value, list) else [value]
        lines += ["%s: %s" % (FIELDS[name], v) for v in values if v is not None]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


# What is expected: 101; (status, further fields); "" for a close without an answer.
BAD = (400,)
ALLOW = (405, ("allow", "GET"))
VERSION = (400, ("sec-websocket-version", "13"))
OTHER_VERSION = (
    426,
    ("sec-websocket-version", "13"),
    ("upgrade", "websocket"),
    ("connection", "Upgrade"),
)
PLAIN = (426, ("upgrade", "websocket"), ("connection", "Upgrade"))
ODD_BITS = KEY[:21] + "R=="  # the last character's unused bits are not zero

TABLE = [
    # The method
    (ALLOW, ask("POST / HTTP/1.1")),
    (ALLOW, ask("PUT / HTTP/1.1")),
    (ALLOW, ask("DELETE / HTTP/1.1")),
    (ALLOW, ask("OPTIONS / HTTP/1.1")),
    (ALLOW, ask("PATCH / HTTP/1.1")),
    (ALLOW, ask("TRACE / HTTP/1.1")),
    (ALLOW, ask("HEAD / HTTP/1.1")),
    (ALLOW, ask("get / HTTP/1.1")),
    (ALLOW, ask("POST / HTTP/1.1", length="5") + b"hello"),
    (BAD, ask("CONNECT localhost:80 HTTP/1.1")),
    (BAD, ask("G(T / HTTP/1.1")),
    (BAD, ask(" GET / HTTP/1.1")),
    # The version of HTTP
    (BAD, ask("GET / HTTP/1.0")),
    (BAD, b"GET /\r\n\r\n"),
    (BAD, ask("GET / HTTP/1.10")),
    (BAD, ask("GET / http/1.1")),
    (BAD, ask("GET / HTTP/1")),
    (BAD, ask("GET / HTTP/11")),
    (BAD, ask("GET / HTTP/1.1 ")),
    (BAD, ask("GET / HTTPS/1.1")),
    (BAD, ask("GET / HTTP/a.1")),
    (BAD, ask("GET / HTTP/1,1")),
    (BAD, ask("GET  / HTTP/1.1")),
    (BAD, ask("GET /  HTTP/1.1")),
    (BAD, ask("GET\t/ HTTP/1.1")),
    ((505,), ask("GET / HTTP/2.0")),
    ((505,), ask("GET / HTTP/3.0")),
    ((505,), ask("GET / HTTP/0.9")),
    ((505,), ask("PRI / HTTP/2.0")),
    ("", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
    (101, ask("GET / HTTP/1.2")),
    (101, b"\r\n" + ask()),
    (BAD, b"\r\n\r\n" + ask()),
    # Host
    (BAD, ask(host=None)),
    (BAD, ask(host=["localhost", "example.com"])),
    (BAD, ask(host=["localhost", "localhost"])),
    (BAD, ask(host="")),
    (BAD, ask(host="local host")),
    (BAD, ask(host="me@localhost")),
    (BAD, ask(host="http://localhost")),
    (BAD, ask(host="localhost/x")),
    (BAD, ask(host="localhost:65536")),
    (BAD, ask(host="localhost:0")),
    (BAD, ask(host="localhost:8o")),
    (BAD, ask(host="localhost:80:80")),
    (BAD, ask(host="[::1")),
    (BAD, ask(host="[::g]")),
    (BAD, ask(host="[::1]80")),
    (BAD, ask(host="::1")),
    (BAD, ask(host="b\xfccher.localhost")),
    (101, ask(host="localhost:")),
    (101, ask(host="localhost:1")),
    (101, ask(host="LocalHost")),
    (101, ask(host="127.0.0.1")),
    (101, ask(host="[::1]:8080")),
    # Upgrade
    (101, ask(upgrade="foo, WebSocket")),
    (101, ask(upgrade=["h2c", "websocket"])),
    (101, ask(upgrade="WEBSOCKET")),
    (101, ask(upgrade=", websocket ,")),
    (101, ask(upgrade=["", ",", "websocket"])),
    (PLAIN, ask(upgrade=None)),
    (PLAIN, ask(upgrade="")),
    (PLAIN, ask(upgrade="h2c")),
    (PLAIN, ask(upgrade="websockets")),
    (PLAIN, ask(upgrade="websocket/13")),
    (PLAIN, ask(upgrade="foo websocket")),
    (PLAIN, ask(upgrade='"websocket"')),
    (PLAIN, ask(upgrade='"foo, websocket"')),
    # Connection
    (101, ask(connection="keep-alive, Upgrade")),
    (101, ask(connection=["keep-alive", "upgrade"])),
    (101, ask(connection="UPGRADE")),
    (101, ask(connection=["Upgrade", "Upgrade"])),
    (101, ask(connection="\t ,Upgrade, keep-alive \t")),
    (101, ask(connection=",,Upgrade,,")),
    (101, ask(connection=["", "Upgrade"])),
    (BAD, ask(connection=None)),
    (BAD, ask(connection="")),
    (BAD, ask(connection="keep-alive")),
    (BAD, ask(connection="close")),
    (BAD, ask(connection="Upgraded")),
    (BAD, ask(connection="x-Upgrade")),
    (BAD, ask(connection="keep-alive Upgrade")),
    (BAD, ask(connection='"Upgrade"')),
    # The key
    (101, ask(key="  \t" + KEY + "\t ")),
    (101, ask(key=ODD_BITS)),
    (101, ask(key="+/+/+/+/+/+/+/+/+/+/+w==")),
    (BAD, ask(key=None)),
    (BAD, ask(key="")),
    (BAD, ask(key="==")),
    (BAD, ask(key=[KEY, KEY])),
    (BAD, ask(key=[KEY, ODD_BITS])),
    (BAD, ask(key=base64.b64encode(b"x" * 15).decode())),
    (BAD, ask(key=base64.b64encode(b"x" * 17).decode())),
    (BAD, ask(key=base64.b64encode(b"x" * 32).decode())),
    (BAD, ask(key=KEY[:-1])),
    (BAD, ask(key=KEY[:-2])),
    (BAD, ask(key=KEY + "=")),
    (BAD, ask(key="-_" + KEY[2:])),
    (BAD, ask(key="!" + KEY[1:])),
    (BAD, ask(key=KEY[:10] + " " + KEY[11:])),
    (BAD, ask(key=KEY[:10] + " " + KEY[10:])),
    (BAD, ask(key=KEY + ", " + KEY)),
    # The version of the protocol
    (VERSION, ask(version=None)),
    (VERSION, ask(version="")),
    (VERSION, ask(version="13, 13")),
    (VERSION, ask(version=["13", "13"])),
    (VERSION, ask(version="8, 13")),
    (VERSION, ask(version=["8", "13"])),
    (VERSION, ask(version="013")),
    (VERSION, ask(version="+13")),
    (VERSION, ask(version="-13")),
    (VERSION, ask(version="13.0")),
    (VERSION, ask(version="1 3")),
    (VERSION, ask(version="256")),
    (VERSION, ask(version="thirteen")),
    (OTHER_VERSION, ask(version="0")),
    (OTHER_VERSION, ask(version="7")),
    (OTHER_VERSION, ask(version="8")),
    (OTHER_VERSION, ask(version="14")),
    (OTHER_VERSION, ask(version="255")),
    (101, ask(version=" 13\t")),
    # Subprotocols; none is configured, so none is answered
    (101, ask(protocol="chat")),
    (101, ask(protocol="chat, superchat,v1.x")),
    (101, ask(protocol=["chat", "superchat"])),
    (101, ask(protocol="chat, CHAT")),
    (101, ask(protocol="\tchat\t,\tsuperchat ")),
    (101, ask(protocol="!#$%&'*+-.^_`|~")),
    (101, ask(protocol="x" * 4000)),
    (101, ask(protocol="")),
    (101, ask(protocol=",")),
    (101, ask(protocol=", ,\t,")),
    (101, ask(protocol="chat,,superchat")),
    (101, ask(protocol="chat,")),
    (101, ask(protocol=",chat")),
    (101, ask(protocol=["chat", ""])),
    (101, ask(protocol=["", "chat"])),
    (BAD, ask(protocol="chat,,chat")),
    (BAD, ask(protocol="chat superchat")),
    (BAD, ask(protocol="chat/1")),
    (BAD, ask(protocol='"chat"')),
    (BAD, ask(protocol="ch\xe4t")),
    (BAD, ask(protocol="chat, chat")),
    (BAD, ask(protocol=["chat", "chat"])),
    (BAD, ask(protocol="chat;v=1")),
    # Extensions; none is offered, so none is answered
    (101, ask(extensions="x-unknown")),
    (101, ask(extensions="")),
    (101, ask(extensions="permessage-deflate,, ")),
    (101, ask(extensions=[", x-a", ","])),
    (101, ask(extensions="permessage-deflate; client_max_window_bits")),
    (101, ask(extensions="permessage-deflate; server_max_window_bits=08")),
    (101, ask(extensions="permessage-deflate; server_max_window_bits=16")),
    (101, ask(extensions="permessage-deflate; server_max_window_bits=8")),
    (101, ask(extensions='permessage-deflate; server_max_window_bits="10"')),
    (101, ask(extensions="permessage-deflate; server_no_context_takeover; server_no_context_takeover")),
    (101, ask(extensions=["permessage-deflate", "permessage-deflate; client_no_context_takeover"])),
    (101, ask(extensions=", ".join(["x-a"] * 2500))),
    # A body
    (101, ask(length="0")),
    (BAD, ask(length="5") + b"hello"),
    (BAD, ask(coding="chunked") + b"0\r\n\r\n"),
    (BAD, ask(coding="chunked", length="5") + b"0\r\n\r\n"),
]


def accept_of(request):
    for line in request.decode("latin-1").split("\r\n"):
        if line.startswith(FIELDS["key"] + ":"):
            digest = hashlib.sha1((line.split(":")[1].strip() + GUID).encode()).digest()
            return base64.b64encode(digest).decode()
    return None


def expected(want, request):
    """What must come: (status, the sorted fields without Date and length, the first line of the body)."""
    if want == 101:
        fields = [("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-accept", accept_of(request))]
        return 101, sorted(fields), b""
    text = "%d %s\n" % (want[0], http.HTTPStatus(want[0]).phrase.replace("Request-URI", "URI"))
    fields = [
        ("content-type", "text/plain; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("connection", "close"),
    ]
    return want[0], sorted(fields + list(want[1:])), b"" if request.startswith(b"HEAD") else text.encode()


def exchange(peer, want):
    """The answer in the form of expected(); a WebSocket is used and closed."""
    if want == "":
        return peer.read_to_end()
    status, fields = peer.response()
    dates = [v for k, v in fields if k == "date"]
    fields = sorted(f for f in fields if f[0] != "date")
    if status == 101:
        peer.send(frame(TEXT, "hi"))
        assert peer.message() == (TEXT, b"hi")
        peer.send(close_frame(1000))
        assert peer.closed(answer=False) == (1000, "")
        assert peer.read_to_end() == b""
        return status, fields, b""
    assert len(dates) == 1 and email.utils.parsedate_to_datetime(dates[0]).tzinfo is not None
    (length,) = (int(v) for k, v in fields if k == "content-length")
    body = peer.read_to_end()
    # After the first line, an empty one and the reason.
    assert body == b"" or (len(body) == length and re.fullmatch(rb"[^\n]+\n\n[^\n].+\n", body, re.S)), body
    return status, [f for f in fields if f[0] != "content-length"], body.split(b"\n\n")[0] + b"\n" * (body != b"")


def run_table(server, table, how, behind=b""):
    one = server("cat")
    wrong = []
    for i, (want, request) in enumerate(table):
        with one.connect() as peer:
            wanted = expected(want, request) if want else b""
            try:
                peer.send_cut(request + behind, how, seed=i)
                got = exchange(peer, want)
            except (AssertionError, EOFError, OSError) as error:
                got = repr(error)
            if got != wanted:
                wrong.append((request, got, wanted))
    assert wrong == []


def test_table_is_large_and_has_no_row_twice():
    assert len(TABLE) >= 150
    assert len({request for _, request in TABLE}) == len(TABLE)
    assert accept_of(ask()) == ACCEPT


@pytest.mark.parametrize("how", ["whole", "bytes", "random"])
def test_every_row(server, how):
    run_table(server, TABLE, how)


def test_refusals_end_with_fin_though_more_was_sent(server):
    """A server that closes with unread bytes sends a reset, which may take the answer away."""
    run_table(server, [row for row in TABLE if row[0] != 101], "whole", behind=b"x" * 300000)


@pytest.mark.parametrize("how", ["whole", "bytes", "random"])
def test_frames_right_behind_the_request_are_used(server, how):
    """A client that does not wait for the 101 loses nothing."""
    one = server("cat")
    for seed in range(10):
        with one.connect() as peer:
            peer.send_cut(ask() + frame(TEXT, "first") + frame(PING, "p") + frame(TEXT, "second"), how, seed)
            assert peer.response()[0] == 101
            frames = [peer.frame() for _ in range(3)]
            assert [f for f in frames if f[0] == PONG] == [(PONG, True, b"p")]
            assert [f for f in frames if f[0] != PONG] == [(TEXT, True, b"first"), (TEXT, True, b"second")]
            peer.send(close_frame(4001, "bye"))
            assert peer.frame() == (CLOSE, True, b"\x0f\xa1")
            assert peer.read_to_end() == b""


@pytest.mark.parametrize("how", ["whole", "bytes", "random"])
def test_close_right_behind_the_request_is_answered(server, how):
    with server("cat").connect() as peer:
        peer.send_cut(ask() + close_frame(4001, "bye"), how)
        assert peer.response()[0] == 101
        assert peer.frame() == (CLOSE, True, b"\x0f\xa1")
        assert peer.read_to_end() == b""


def test_many_frames_behind_the_request(server):
    """More than a head may have: what is read with the request and what stays in the socket both count."""
    texts = ["%d " % i + "x" * 997 for i in range(300)]
    with server("cat").connect() as peer:
        peer.send(ask() + b"".join(frame(TEXT, t) for t in texts))
        assert peer.response()[0] == 101
        assert [peer.text() for _ in texts] == texts
        peer.send(close_frame(1000))
        assert peer.closed(answer=False) == (1000, "")


def test_message_behind_the_request_is_limited(server):
    with server("--maxframesize=100", "cat").connect() as peer:
        peer.send(ask() + frame(TEXT, "x" * 101))
        assert peer.response()[0] == 101
        assert peer.closed(answer=False)[0] == 1009


def test_second_request_behind_a_handshake_is_no_request(server):
    with server("cat").connect() as peer:
        peer.send(ask() + ask("GET /second HTTP/1.1"))
        assert peer.response()[0] == 101
        assert peer.closed(answer=False)[0] == 1002
