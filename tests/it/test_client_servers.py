# SPDX-License-Identifier: BSD-2-Clause
"""wspipe as a client (--connect): servers that err, proxies, TLS, credentials, and connecting again."""

import base64
import os
import signal
import socket
import ssl
import struct
import subprocess
import threading

import pytest
from clientside import answer, close_frame
from conftest import make_certificate, wait_for
from probes import preload
from wsraw import DEADLINE


def text(data, first=0x81):
    head = bytes([first, len(data)]) if len(data) < 126 else bytes([first, 126]) + struct.pack(">H", len(data))
    return head + data


def after_upgrade(serve, **changes):
    def run(c):
        c.upgrade(**changes)
        serve(c)

    return run


# The opening handshake: what the server does with the request, and what the client reports.

HANDSHAKES = {
    "wrong accept": (lambda c: c.send(answer(c.head(), Sec_WebSocket_Accept="s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
        "the response's Sec-WebSocket-Accept does not answer the request"),
    "no upgrade": (lambda c: c.send(answer(c.head(), Upgrade=None)), "the response has no 'Upgrade: websocket'"),
    "no connection": (lambda c: c.send(answer(c.head(), Connection="close")),
        "the response has no 'Connection: Upgrade'"),
    "extension": (lambda c: c.send(answer(c.head(), Sec_WebSocket_Extensions="permessage-deflate")),
        "the server selected an extension that was not offered: permessage-deflate"),
    "subprotocol": (lambda c: c.send(answer(c.head(), Sec_WebSocket_Protocol="chat")),
        "the server selected a subprotocol that was not offered: chat"),
    "not http": (lambda c: (c.head(), c.send(b"SSH-2.0-x\r\n"), c.read_to_end()),
        "the response is not valid HTTP: invalid status line"),
    "endless head": (lambda c: (c.head(), c.send(b"HTTP/1.1 101 x\r\n"), [c.send(b"X: %4096d\r\n" % i) for i in range(99)]),
        "the response is not valid HTTP: response headers larger than 16384 bytes"),
    "no response": (lambda c: c.head(), "the server closed the connection without a response"),
    "end in the head": (lambda c: (c.head(), c.send(b"HTTP/1.1 101 Swi")),
        "the server closed the connection without a response"),
    "redirect": (lambda c: (c.head(), c.send(b"HTTP/1.1 301 Moved\r\nLocation: wss://a/\r\nContent-Length: 0\r\n\r\n")),
        "the server responded with HTTP 301 Moved; redirects are not followed: connect to wss://a/"),
    "text": (lambda c: (c.head(), c.send(b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n\r\nno \x1b[1m\nx"), c.read_to_end()),
        "the server responded with HTTP 403 Forbidden: no ?[1m"),
    "chunked": (lambda c: (c.head(), c.send(b"HTTP/1.1 403 No\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nnot\r\n5\r\n here\r\n0\r\n\r\n"), c.read_to_end()),
        "the server responded with HTTP 403 No: not here"),
    "text without an end": (lambda c: (c.head(), c.send(b"HTTP/1.1 403 No\r\nContent-Type: text/plain\r\n\r\nnot here"), c.read_to_end()),
        "the server responded with HTTP 403 No: not here"),
    "text that moves the head in memory": (lambda c: (c.head(), c.send(b"HTTP/1.1 403 No\r\nContent-Type: text/plain\r\nX: %3900d"
        b"\r\n\r\nnot here%9000d" % (1, 2)), c.read_to_end()), "the server responded with HTTP 403 No: not here"),
    "html": (lambda c: (c.head(), c.send(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<html>")),
        "the server responded with HTTP 404 Not Found"),
    "200": (lambda c: (c.head(), c.send(b"HTTP/1.1 200 OK\r\n\r\n")), "the server responded with HTTP 200 OK"),
}


@pytest.mark.parametrize("name", HANDSHAKES)
def test_a_handshake_that_fails_is_reported_in_one_line(raw_server, client, name):
    serve, reason = HANDSHAKES[name]
    assert client(raw_server(serve)).fails() == reason


def test_interim_responses_and_a_slow_head_are_accepted(raw_server, client):
    def serve(c):
        head = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(c.head())
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head + text(b"early"):
            c.send(bytes([byte]))
        c.send(close_frame(1000))
        c.close_code()

    c = client(raw_server(serve))
    assert c.line() == b"early\n"
    assert c.wait() == 0


def test_the_request_is_the_one_of_the_rfc(raw_server, client):
    heads = []

    def serve(c):
        heads.append(c.upgrade(Sec_WebSocket_Protocol="b"))
        c.send(close_frame(1000))
        c.close_code()

    one = raw_server(serve)
    for _ in range(2):
        c = client(one, "--subprotocol=a,b", "--header=X-One: 1", "--header=Origin: https://example.com", path="/p?q")
        assert c.wait() == 0
    first, second = heads
    assert first.startswith(b"GET /p?q HTTP/1.1\r\nHost: %s\r\n" % one.address.encode())
    for line in (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Protocol: a, b", b"X-One: 1", b"Origin: https://example.com",
                 b"Upgrade: websocket", b"Connection: Upgrade"):
        assert first.count(b"\r\n%s\r\n" % line) == 1, first
    assert first != second, "each request has a key of its own"


# Frames: what the server sends after the handshake, the code of the client's Close, and its report.

FRAMES = {
    "masked": (b"\x81\x81\0\0\0\0a", 1002),
    "reserved bit": (b"\xc1\x01a", 1002),
    "reserved opcode": (b"\x83\x00", 1002),
    "continuation of nothing": (b"\x80\x01a", 1002),
    "fragmented ping": (b"\x09\x00", 1002),
    "long ping": (b"\x89\x7e\x00\x7e" + bytes(126), 1002),
    "length not minimal": (b"\x81\x7e\x00\x01a", 1002),
    "text within text": (b"\x01\x01a\x01\x01b", 1002),
    "not utf-8": (b"\x81\x01\xff", 1007),
    "binary for lines": (b"\x82\x01a", 1003),
    "too big": (b"\x81\x7f" + struct.pack(">Q", 1 << 40), 1009),
    "close of one byte": (b"\x88\x01\x03", 1002),
    "close 1005": (close_frame(1005), 1002),
    "close 999": (close_frame(999), 1002),
    "close 2000": (close_frame(2000), 1002),
    "close reason not utf-8": (close_frame(1000, b"\xff"), 1007),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_protocol_error_of_the_server_closes_with_its_code(raw_server, client, name):
    frames, code = FRAMES[name]
    codes = []

    def serve(c):
        c.send(text(b"before") + frames)
        codes.append(c.close_code()[0])
        c.read_to_end()

    c = client(raw_server(after_upgrade(serve)))
    assert c.line() == b"before\n"
    assert c.fails().startswith("closed the connection with %d: " % code)
    wait_for(lambda: codes == [code], "the server has seen the code")


# A Close of the server, the exit status, and the report: the table of the manual.
CLOSES = [(1000, 0, ""), (4000, 0, ""), (4003, 3, ""), (4255, 255, ""), (4256 + 15, 128 + 15, ""), (1001, 1, None),
    (1005, 1, None), (1008, 1, None), (1011, 1, None), (3000, 1, None), (4999, 1, None)]


@pytest.mark.parametrize(("code", "status", "report"), CLOSES)
def test_the_exit_status_follows_from_the_close_code(raw_server, client, code, status, report):
    answers = []

    def serve(c):
        c.send(text(b"last") + (b"\x88\x00" if code == 1005 else close_frame(code, b"be\x07cause")))
        answers.append(c.close_code()[0])

    c = client(raw_server(after_upgrade(serve)))
    assert c.line() == b"last\n"
    assert c.wait() == status
    if report is None:
        report = "wspipe: the server closed the connection with %d%s\n" % (code, ": be?cause" if code != 1005 else "")
    assert c.process.stderr.read().decode() == report
    wait_for(lambda: answers == [code], "the server has seen the code")


def test_pings_are_answered_and_fragments_joined(raw_server, client):
    pongs = []

    def serve(c):
        c.send(b"\x89\x03abc" + b"\x01\x02fi" + b"\x89\x00" + b"\x80\x03rst")
        pongs.extend([c.frame()[:2], c.frame()[:2]])
        c.send(close_frame(1000))
        c.close_code()

    c = client(raw_server(after_upgrade(serve)))
    assert c.line() == b"first\n"
    assert c.wait() == 0
    assert pongs == [(0x8A, b"abc"), (0x8A, b"")]


def test_each_frame_has_a_mask_of_its_own(raw_server, client):
    masks = []

    def serve(c):
        for _ in range(100):
            masks.append(c.frame()[2])
        c.send(close_frame(1000))
        c.close_code()

    c = client(raw_server(after_upgrade(serve)))
    c.send(b"same\n" * 100)
    assert c.wait() == 0
    assert len(set(masks)) == 100


def test_a_close_of_ours_is_awaited_for_close_wait(raw_server, client):
    codes = []

    def serve(c):
        codes.append(c.close_code())
        c.send(text(b"late"))
        c.read_to_end()

    c = client(raw_server(after_upgrade(serve)), "--close-wait=2s")
    assert c.end(b"") == (1, b"late\n", "wspipe: the server did not answer our Close\n")
    assert codes == [(1000, b"")]


def test_an_empty_answer_to_our_close_is_an_answer(raw_server, client):
    one = raw_server(after_upgrade(lambda c: (c.close_code(), c.send(b"\x88\x00"))))
    assert client(one).end(b"x\n") == (0, b"", "")


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_a_connection_without_a_close_is_lost(raw_server, client, how):
    def serve(c):
        c.send(text(b"last"))
        c.frame()
        if how == "reset":
            c.reset()

    c = client(raw_server(after_upgrade(serve)))
    assert c.line() == b"last\n"
    c.send(b"x\n")
    assert c.fails().startswith("the connection was lost")


def test_a_response_is_awaited_for_a_limited_time(raw_server, client):
    end = threading.Event()
    c = client(raw_server(lambda c: end.wait(DEADLINE)), "--handshake-timeout=200ms")
    assert c.fails() == "the server did not respond within 0.2 s"
    end.set()


def test_idle_connections_are_closed_on_request(raw_server, client):
    one = raw_server(after_upgrade(lambda c: c.send(close_frame(*c.close_code()))))
    assert client(one, "--idle-timeout=200ms").fails() == "closed the connection with 1001: no message for --idle-timeout"


def test_a_server_that_vanishes_is_noticed_by_pings(raw_server, client):
    gone = threading.Event()
    c = client(raw_server(after_upgrade(lambda c: gone.wait(DEADLINE))), "--pingms=50")
    assert c.fails() == "the connection was lost: no answer to pings"
    gone.set()


def test_a_second_signal_ends_at_once(raw_server, client):
    """The first one awaits the server's Close."""
    asked, end = threading.Event(), threading.Event()

    def serve(c):
        c.send(text(b"ready"))
        assert c.close_code()[0] == 1001
        asked.set()
        end.wait(DEADLINE)

    c = client(raw_server(after_upgrade(serve)))
    assert c.line() == b"ready\n"
    c.process.send_signal(signal.SIGINT)
    assert asked.wait(DEADLINE)
    c.process.send_signal(signal.SIGTERM)
    assert c.wait() == -signal.SIGTERM
    end.set()


def test_a_signal_while_connecting_kills(raw_server, client):
    connected, end = threading.Event(), threading.Event()
    c = client(raw_server(lambda c: (c.head(), connected.set(), end.wait(DEADLINE))))
    assert connected.wait(DEADLINE)
    c.process.send_signal(signal.SIGINT)
    assert c.wait() == -signal.SIGINT
    end.set()


# Credentials

def authorization(head):
    found = [line[15:] for line in head.decode().split("\r\n") if line.startswith("Authorization: ")]
    assert len(found) == 1, head
    return found[0]


def send_credentials(raw_server, client, *args, user=""):
    heads = []

    def serve(c):
        heads.append(c.upgrade())
        c.send(close_frame(1000))
        c.close_code()

    one = raw_server(serve)
    c = client("ws://%s%s/" % (user, one.address), "--loglevel=debug", *args)
    with open("/proc/%d/cmdline" % c.process.pid, "rb") as f:
        command = f.read()
    assert c.wait() == 0
    return authorization(heads[0]), c.process.stderr.read().decode(), command


def test_credentials_come_from_a_file_and_appear_nowhere_else(raw_server, client, tmp_path):
    file = tmp_path / "secret"
    file.write_bytes("\u00fcser:pass word\nrest\n".encode())
    file.chmod(0o600)
    value, log, command = send_credentials(raw_server, client, "--basic-file=%s" % file)
    scheme, encoded = value.split()
    assert (scheme, base64.b64decode(encoded).decode()) == ("Basic", "\u00fcser:pass word")
    assert b"pass" not in command and "pass" not in log and encoded not in log
    file.write_text("t0ken.x-y_z~+/=\n")
    value, log, command = send_credentials(raw_server, client, "--bearer-file=%s" % file)
    assert value == "Bearer t0ken.x-y_z~+/="
    assert b"t0ken" not in command and "t0ken" not in log


def test_a_password_in_the_url_is_sent_with_a_warning_and_not_logged(raw_server, client):
    value, log, _ = send_credentials(raw_server, client, user="me:p%40ss@")
    assert base64.b64decode(value.split()[1]) == b"me:p@ss"
    assert "other users of this machine can see the password in the URL" in log
    assert "p%40ss" not in log and "p@ss" not in log


@pytest.mark.parametrize(("content", "option", "reason"), [
    (b"", "basic", "it is empty"),
    (b"\nx", "bearer", "its first line is empty"),
    (b"nocolon\n", "basic", "its first line must be USER:PASSWORD"),
    (b"a b\n", "bearer", "its first line is not a token"),
    (b"a:b\x01\n", "basic", "its first line has a control character"),
    (b"x" * 9000, "bearer", "its first line is too long"),
    (None, "bearer", "No such file or directory"),
])
def test_a_file_without_credentials_is_rejected(client, tmp_path, content, option, reason):
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
        file.chmod(0o600)
    status, _, err = client("ws://127.0.0.1:1/", "--%s-file=%s" % (option, file)).end()
    assert (status, err) == (78, "wspipe: can't use the credentials in %s: %s\n" % (file, reason))


# TLS

def tls_server(directory, name, raw_server, expired=False, **kwargs):
    files = make_certificate(directory, name, **kwargs)
    if expired:
        subprocess.run(["openssl", "x509", "-days", "-1", "-in", files[0], "-signkey", files[1], "-out", files[0]],
            check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    names = []
    context.sni_callback = lambda _, server_name, __: names.append(server_name)
    context.set_alpn_protocols(["h2", "http/1.1"])
    protocols = []

    def serve(c):
        protocols.append(c.sock.selected_alpn_protocol())
        c.upgrade()
        c.send(close_frame(1000))
        c.close_code()

    one = raw_server(serve, context=context)
    one.ca, one.names, one.protocols, one.tls = files[0], names, protocols, context
    return one


def test_a_certificate_must_name_the_host_and_be_trusted(raw_server, client, tmp_path):
    good = tls_server(tmp_path, "good", raw_server)
    assert client("wss://localhost:%d/" % good.port, ca=good.ca).wait() == 0
    assert client("wss://127.0.0.1:%d/" % good.port, ca=good.ca).wait() == 0
    assert good.names == ["localhost", None], "an address is no SNI name"
    assert good.protocols == ["http/1.1", "http/1.1"]
    # Not trusted; and trusted, with another name.
    assert client("wss://localhost:%d/" % good.port).fails() == (
        "TLS: certificate verify failed: self-signed certificate; if you trust it, give its CA with --cacert=FILE")
    other = tls_server(tmp_path, "other", raw_server, subject="/CN=other.example", names="DNS:other.example,DNS:*.sub.example")
    reason = "TLS: certificate verify failed: "
    assert client("wss://localhost:%d/" % other.port, ca=other.ca).fails() == reason + "hostname mismatch"
    assert client("wss://127.0.0.1:%d/" % other.port, ca=other.ca).fails() == reason + "IP address mismatch"
    # A certificate without names is not for its CN, if it has others.
    assert other.protocols == []


def test_a_certificate_that_has_expired_is_rejected(raw_server, client, tmp_path):
    one = tls_server(tmp_path, "old", raw_server, expired=True)
    assert client("wss://localhost:%d/" % one.port, ca=one.ca).fails() == "TLS: certificate verify failed: certificate has expired"


def test_insecure_accepts_all_with_a_loud_warning(raw_server, client, tmp_path):
    one = tls_server(tmp_path, "old", raw_server, expired=True, names="DNS:other.example")
    c = client("wss://localhost:%d/" % one.port, "--insecure")
    assert c.wait() == 0
    assert c.process.stderr.read().decode().startswith("wspipe: WARNING: --insecure: the server's certificate is not checked")


def make_crl(directory, issuer, revoked):
    """The CRL of an issuer, in which one of its certificates is."""
    (directory / "index").write_text("")
    (directory / "crlnumber").write_text("01\n")
    (directory / "ca.cnf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index\ncrlnumber=%s/crlnumber\ndefault_md=sha256\ndefault_crl_days=9\n" % (directory, directory))
    base = ["openssl", "ca", "-config", str(directory / "ca.cnf"), "-cert", "%s/%s.crt" % (directory, issuer),
        "-keyfile", "%s/%s.key" % (directory, issuer)]
    subprocess.run([*base, "-revoke", "%s/%s.crt" % (directory, revoked)], check=True, capture_output=True)
    subprocess.run([*base, "-gencrl", "-out", str(directory / "crl.pem")], check=True, capture_output=True)
    return str(directory / "crl.pem")


def test_a_certificate_that_is_revoked_is_rejected(raw_server, client, tmp_path):
    ca = make_certificate(tmp_path, "ca", subject="/CN=ca", names=None)[0]
    one = tls_server(tmp_path, "leaf", raw_server, issuer="ca")
    assert client("wss://localhost:%d/" % one.port, ca=ca).wait() == 0
    crl = make_crl(tmp_path, "ca", "leaf")
    assert client("wss://localhost:%d/" % one.port, "--sslcrl=" + crl, ca=ca).fails() == "TLS: certificate verify failed: certificate revoked"


def test_a_client_certificate_is_sent(raw_server, client, tmp_path):
    one = tls_server(tmp_path, "server", raw_server)
    mine = make_certificate(tmp_path, "mine", subject="/CN=me", names=None)
    one.tls.load_verify_locations(mine[0])
    one.tls.verify_mode = ssl.CERT_REQUIRED
    url = "wss://localhost:%d/" % one.port
    assert client(url, "--sslcert=" + mine[0], "--sslkey=" + mine[1], ca=one.ca).wait() == 0
    assert client(url, ca=one.ca).fails()


def test_a_server_without_tls_is_reported(raw_server, client):
    one = raw_server(lambda c: (c.sock.recv(1), c.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
    assert client("wss://" + one.address + "/").fails().startswith("TLS: ")


# Proxies

class Proxy:
    """Serves CONNECT for one connection."""

    def __init__(self, response=b"HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n"):
        self.response = response
        self.heads = []

    def __call__(self, c):
        self.heads.append(c.head())
        c.send(self.response)
        target = self.heads[-1].split()[1].decode().rsplit(":", 1)
        with socket.create_connection((target[0].strip("[]"), int(target[1])), DEADLINE) as other:
            back = threading.Thread(target=self.copy, args=(other, c.sock))
            back.start()
            self.copy(c.sock, other)
            back.join()

    @staticmethod
    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_a_proxy_of_the_environment_is_used(server, client, raw_server):
    one, proxy = server("cat"), Proxy()
    address = raw_server(proxy).address
    host = "%s:%d" % one.addresses[0]
    variable = "https_proxy" if one.ca else "http_proxy"
    c = client(one, env={variable: "http://u%3a:p@" + address})
    c.send(b"through\n")
    assert c.line() == b"through\n"
    assert c.end() == (0, b"", "")
    assert proxy.heads == [("CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic %s\r\n\r\n" % (
        host, host, base64.b64encode(b"u::p").decode())).encode()]
    # And not for a host that is left out.
    c = client(one, env={variable: "http://127.0.0.1:1", "no_proxy": "example.com, %s" % host})
    c.send(b"direct\n")
    assert c.line() == b"direct\n"


def test_an_error_of_a_proxy_is_reported(raw_server, client):
    one = raw_server(lambda c: (c.head(), c.send(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")))
    c = client("wss://example.invalid/", env={"HTTPS_PROXY": one.address})
    assert c.fails() == "the proxy responded with HTTP 407 Proxy Authentication Required"
    c = client("ws://example.invalid/", env={"all_proxy": "http://127.0.0.1:1"})
    assert c.fails() == "can't connect to the proxy 127.0.0.1 port 1: Connection refused"
    assert client("ws://h/", env={"http_proxy": "socks5://h"}).end()[::2] == (
        78, "wspipe: the proxy in the variable http_proxy needs http://, the only kind of proxy that is supported\n")


# Connecting again

def test_a_lost_connection_is_reopened_and_stdin_continues(raw_server, client):
    got = []

    def first(c):
        c.upgrade()
        got.append(c.frame()[1])

    def busy(c):
        c.head()
        c.send(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")

    def last(c):
        c.upgrade()
        c.send(text(b"again"))
        got.append(c.frame()[1])
        c.send(close_frame(*c.close_code()))

    one = raw_server(first, lambda c: c.reset(), busy, last)
    c = client(one, "--reconnect=20ms")
    c.send(b"one\n")
    assert c.line() == b"again\n"
    status, out, err = c.end(b"two\n")
    assert (status, out, got) == (0, b"", [b"one", b"two"])
    assert err.count("connecting again in 0.0 s") == 3, err
    assert one.accepted == 4


@pytest.mark.parametrize("code", [1001, 1011, 1012, 1013])
def test_a_restart_of_the_server_is_no_end(raw_server, client, code):
    closes = after_upgrade(lambda c: (c.send(close_frame(code)), c.close_code()))
    ends = after_upgrade(lambda c: (c.send(close_frame(4007)), c.close_code()))
    assert client(raw_server(closes, closes, ends), "--reconnect=5ms").wait() == 7


def test_a_feed_is_followed_without_input(raw_server, client):
    ends = after_upgrade(lambda c: (c.send(text(b"more") + close_frame(4007)), c.close_code()))
    one = raw_server(after_upgrade(lambda c: c.send(text(b"some"))), lambda c: c.reset(), ends)
    c = client(one, "--reconnect=5ms", "--no-close", stdin=subprocess.DEVNULL)
    assert (c.line(), c.line(), c.wait()) == (b"some\n", b"more\n", 7)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_two_connections_kills(raw_server, client, number):
    c = client(raw_server(lambda c: c.reset()), "--reconnect=1h")
    seen = b""
    while b"connecting again in" not in seen:
        seen += os.read(c.process.stderr.fileno(), 1024)
    c.process.send_signal(number)
    assert c.wait() == -number


@pytest.mark.parametrize("serve", [
    after_upgrade(lambda c: (c.send(close_frame(1000)), c.close_code())),
    after_upgrade(lambda c: (c.send(close_frame(1008)), c.close_code())),
    after_upgrade(lambda c: (c.send(b"\x83\x00"), c.close_code())),
    lambda c: (c.head(), c.send(b"HTTP/1.1 401 Unauthorized\r\n\r\n")),
    lambda c: c.send(answer(c.head(), Upgrade="h2c")),
])
def test_what_would_be_repeated_is_an_end(raw_server, client, serve):
    one = raw_server(serve)
    assert client(one, "--reconnect=1ms").wait() in (0, 1)
    assert one.accepted == 1


def test_a_message_that_the_loss_has_cut_is_dropped_as_a_whole(raw_server, client):
    """A line is sent in parts while it is read; what is left of it is no line."""
    begun = threading.Event()
    got = []

    def first(c):
        c.upgrade()
        assert c.frame()[0] == 0x01
        begun.set()

    def last(c):
        c.upgrade()
        c.send(text(b"again"))
        got.append(c.frame()[:2])
        c.send(close_frame(*c.close_code()))

    c = client(raw_server(first, last), "--reconnect=1ms")
    c.send(b"a" * 300000)
    assert begun.wait(DEADLINE)
    assert c.line() == b"again\n"
    assert c.end(b"tail\nnext\n")[0] == 0
    assert got == [(0x81, b"next")]


def test_a_command_is_started_again_with_the_connection(raw_server, client, tmp_path):
    runs = tmp_path / "runs"
    lost = after_upgrade(lambda c: c.frame())
    kept = after_upgrade(lambda c: (c.frame(), c.send(close_frame(*c.close_code()))))
    c = client(raw_server(lost, kept), "--reconnect=1ms", "sh", "-c",
        "echo run >>%s; echo run; [ $(wc -l <%s) = 2 ] || cat; exit 3" % (runs, runs), stdin=subprocess.DEVNULL)
    assert c.wait() == 3
    assert runs.read_text() == "run\nrun\n"


# Stdin, stdout and the program

def test_a_command_may_continue_after_the_end_of_its_input(raw_server, client, tmp_path):
    go, rest = tmp_path / "go", b"x" * 100 + b"\n"
    os.mkfifo(go)
    serve = after_upgrade(lambda c: (c.send(text(rest[:-1]) * 2000 + close_frame(1000)), c.close_code()))
    c = client(raw_server(serve), "sh", "-c", "read -r line <%s; cat >%s; exit 6" % (go, tmp_path / "got"), stdin=subprocess.DEVNULL)
    go.write_text("now\n")
    assert c.end() == (6, b"", "")
    assert (tmp_path / "got").read_bytes() == rest * 2000


def test_a_command_that_continues_is_terminated(raw_server, client):
    one = raw_server(after_upgrade(lambda c: (c.frame(), c.send(text(b"x") + close_frame(1000)), c.close_code())))
    c = client(one, "--close-wait=1ms", "sh", "-c", "trap '' INT; echo ignored; exec sleep 1000", stdin=subprocess.DEVNULL)
    assert c.wait() == 128 + signal.SIGTERM


def test_a_terminal_works_and_keeps_its_flags(server, client):
    """All three descriptors are the same open file, as in a shell."""
    master, slave = os.openpty()
    c = client(server("cat"), stdin=slave, stdout=slave)
    os.write(master, b"typed\n")
    seen = b""
    while seen.count(b"typed\r\n") < 2:  # the terminal's echo, and the server's
        seen += os.read(master, 1024)
    assert os.get_blocking(slave)
    os.write(master, b"\x04")
    assert c.wait() == 0
    os.close(master)
    os.close(slave)


def test_output_of_a_command_is_unbuffered_on_request(server, client, tmp_path):
    got = tmp_path / "got"
    one = server("sh", "-c", "read -r line; echo $line >%s; exit 3" % got)
    program = 'import sys, time; print("first"); time.sleep(1000)'
    c = client(one, "--close-wait=1ms", "--unbuffer", "python3", "-c", program, stdin=subprocess.DEVNULL)
    c.process.wait(DEADLINE)
    assert got.read_text() == "first\n"


def test_stderr_of_a_command_is_ours(raw_server, client):
    serve = after_upgrade(lambda c: c.send(close_frame(*c.close_code())))
    c = client(raw_server(serve), "sh", "-c", "echo as it is >&2", stdin=subprocess.DEVNULL)
    assert c.end() == (0, b"", "as it is\n")


def test_a_stdout_that_is_full_or_closed_is_reported(raw_server, client):
    serve = after_upgrade(lambda c: (c.send(text(b"x")), c.send(close_frame(*c.close_code()))))
    one = raw_server(serve)
    with open("/dev/full", "wb") as full:
        assert client(one, stdout=full).fails() == "can't write to standard output: No space left on device"
    c = client(one, wrapper=["sh", "-c", 'exec "$@" >&-', "sh"])
    assert (c.wait(), c.process.stderr.read()) == (74, b"wspipe: can't write to standard output: Bad file descriptor\n")


def test_a_stdin_that_can_not_be_read_is_reported(raw_server, client):
    one = raw_server(after_upgrade(lambda c: c.send(close_frame(*c.close_code()))))
    directory = os.open("/", os.O_RDONLY)
    assert client(one, stdin=directory).fails() == "can't read standard input: Is a directory"
    os.close(directory)


def test_each_address_of_a_name_is_tried(raw_server, client, tmp_path):
    """several.example is 127.0.0.21 to 127.0.0.23; somebody listens on the last one only."""
    serve = after_upgrade(lambda c: (c.send(close_frame(1000)), c.close_code()))
    env = {"LD_PRELOAD": preload(tmp_path, "fake_names.c"), "ASAN_OPTIONS": "verify_asan_link_order=0"}
    one = raw_server(serve, host="127.0.0.23")
    assert client("ws://several.example:%d/" % one.port, env=env).wait() == 0
    assert client("ws://unknown.example/", env=env).fails() == "can't connect to unknown.example port 80: Name or service not known"
    assert client(raw_server(serve, host="::1")).wait() == 0


# Roles

@pytest.mark.parametrize(("args", "status", "reason"), [
    (("--connect=ws://h/", "--port=1"), 64, "--port applies to a server only: leave it out, or leave out --connect"),
    (("--connect=ws://h/", "--config=x"), 64, "--config applies to a server only: leave it out, or leave out --connect"),
    (("--reconnect", "cat"), 64, "--reconnect applies to a client only: add --connect=URL, or leave it out"),
    (("--connect=ws://u:secret@h/#f",), 64, "--connect: the URL contains a fragment (#), which a WebSocket can't have"),
    (("--connect=ws://h/", "--insecure"), 64, "--cacert, --insecure, --sslcert and --sslcrl need a wss:// URL: give one, or leave them out"),
    (("--connect=wss://h/", "--insecure", "--cacert=x"), 64, "--insecure and --cacert can't be combined: leave out one of them"),
    (("--connect=wss://h/", "--cacert=/nonexistent"), 78, "--cacert /nonexistent can't be used: No such file or directory"),
    (("--connect=ws://h/", "tcp:localhost:1"), 64, "COMMAND must be a program with --connect, not a socket; give a program, or leave it out"),
    (("--connect=ws://h/", "--passstderr"), 64, "--passstderr needs a COMMAND: add one, or leave out --passstderr"),
    (("--connect=ws://h/", "--no-close", "cat"), 64, "--no-close and COMMAND can't be combined: leave out one of them"),
    (("--connect=ws://h/", "--basic-file=a", "--bearer-file=b"), 64, "--basic-file and --bearer-file can't be combined: leave out one of them"),
    (("--connect=ws://h/", "nosuchprogram"), 78,
        "COMMAND 'nosuchprogram' is not on PATH: install it, or write ./nosuchprogram for a file here"),
])
def test_options_that_do_not_fit_are_rejected(args, status, reason):
    from clientside import WSPIPE

    done = subprocess.run([WSPIPE, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "wspipe: %s\n" % reason)
