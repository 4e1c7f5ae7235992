# SPDX-License-Identifier: BSD-2-Clause
"""TLS, before a session begins: the name that is asked for, certificates of clients, and handshakes that do not end."""

import re
import signal
import socket
import ssl
import struct
import subprocess
import time

import pytest
from conftest import make_certificate
from tlsprobes import V12, V13, context_of, echo, end, file_fingerprint, fingerprint, make_client, make_crl, resume, start_failed
from wsraw import DEADLINE, Peer

# Several certificates


def unnamed(version):
    """A client that looks at no name, and so can ask for any."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    return context


def test_the_name_that_is_asked_for_picks_the_certificate(secure, tmp_path):
    first = make_certificate(tmp_path, "first", "/CN=a.example", "DNS:a.example,DNS:localhost")
    second = make_certificate(tmp_path, "second", "/CN=b.example", "DNS:b.example")
    third = make_certificate(tmp_path, "third", "/CN=c.example", "DNS:*.c.example")
    one = secure("--sslcert", second[0], "--sslkey", second[1], "--sslcert", third[0], "--sslkey", third[1], "cat", tls=first)
    for version in (V12, V13):
        context = unnamed(version)
        for name, pair in (
            ("a.example", first),
            ("b.example", second),
            ("B.Example", second),
            ("x.c.example", third),
            ("c.example", first),
            ("x.y.c.example", first),
            ("unknown.example", first),
            (None, first),
        ):
            with one.connect(context=context, server_name=name) as peer:
                assert fingerprint(peer) == file_fingerprint(pair[0]), name
                peer.upgrade()
                echo(peer)


@pytest.mark.parametrize("version", [V12, V13])
def test_strict_names_refuse_who_asks_for_another(secure, tmp_path, version):
    first = make_certificate(tmp_path, "first", "/CN=a.example", "DNS:a.example,DNS:*.c.example")
    second = make_certificate(tmp_path, "second", "/CN=b.example", "DNS:b.example")
    alone = secure("--strict-sni", "cat", tls=first)
    both = secure("--strict-sni", "--sslcert", second[0], "--sslkey", second[1], "cat", tls=first)
    for one, names in ((alone, {"a.example": first, "x.c.example": first}), (both, {"a.example": first, "B.example": second})):
        for name, pair in names.items():
            with one.connect(context=unnamed(version), server_name=name) as peer:
                assert fingerprint(peer) == file_fingerprint(pair[0])
                peer.upgrade()
                echo(peer)
        for name in ("c.example", "localhost", "x.a.example", None):
            with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
                one.connect(context=unnamed(version), server_name=name)
            why = "no certificate for the server name " + name if name else "the client sent no server name"
            one.wait_log('access http rejected remote=\\S+ reason="TLS: %s"' % why)


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("strict", [True, False])
def test_a_ticket_is_of_use_under_its_own_name_only(secure, tmp_path, version, strict):
    """RFC 6066, section 3."""
    first = make_certificate(tmp_path, "first", "/CN=a.example", "DNS:a.example,DNS:*.c.example")
    second = make_certificate(tmp_path, "second", "/CN=b.example", "DNS:b.example")
    alone = secure("--strict-sni", "cat", tls=first) if strict else None
    both = secure(*["--strict-sni"] * strict, "--sslcert", second[0], "--sslkey", second[1], "cat", tls=first)
    known, unknown = ["a.example", "x.c.example", "b.example"], ["c.example", "localhost", None]
    for one, names in [(both, known)] + ([(alone, known[:2])] if strict else []):
        context = unnamed(version)
        for name in names + unknown * (not strict):
            ticket, reused = resume(one, context, name=name)
            assert not reused
            for other in names:
                assert resume(one, context, ticket, other)[1] == (other == name)
            if name in names:
                assert resume(one, context, ticket, name.upper())[1]
            for other in unknown:
                if strict:
                    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
                        resume(one, context, ticket, other)
                    one.wait_log("the server name %s\"" % other if other else "the client sent no server name")
                else:
                    # To those that are none of ours all names are alike.
                    assert resume(one, context, ticket, other)[1] == (name in unknown)


# Certificates of clients


@pytest.fixture
def authority(tmp_path):
    """Who signs: (its certificate, a client's certificate and key)."""
    ca = make_certificate(tmp_path, "ca", "/CN=Test CA", None)
    return ca[0], make_client(tmp_path, "client", "0xBADC0DE", "/O=Täst, \"Inc\"/CN=robert\nHTTP_X=1")


SHOW = "env | grep -a SSL_ | sort; echo end; cat"


def variables(peer):
    lines = []
    while not lines or lines[-1] != "end":
        lines.append(peer.text())
    return lines[:-1]


@pytest.mark.parametrize("version", [V12, V13])
def test_the_program_sees_who_the_client_is(secure, authority, version):
    ca, client = authority
    one = secure("--sslca", ca, "--passenv=PATH,SSL_CLIENT_VERIFY,SSL_CLIENT_S_DN,SSL_CLIENT_SERIAL,WSPIPE_TEST_TAG", "sh", "-c", SHOW,
                 env={"SSL_CLIENT_S_DN": "CN=evil"})
    context = context_of(one, version, client=client)
    forged = {"SSL_CLIENT_S_DN": "CN=evil", "SSL-Client-S-DN": "CN=evil", "Ssl-Client-Verify": "NONE"}
    with one.connect(context=context) as peer:
        peer.upgrade(headers=forged)
        assert variables(peer) == [
            "HTTP_SSL_CLIENT_S_DN=CN=evil",
            "HTTP_SSL_CLIENT_VERIFY=NONE",
            "SSL_CLIENT_SERIAL=0BADC0DE",
            'SSL_CLIENT_S_DN=CN=robert\\0AHTTP_X=1,O=T\\C3\\A4st\\, \\"Inc\\"',
            "SSL_CLIENT_VERIFY=SUCCESS",
        ]
        end(peer)


@pytest.mark.parametrize("version", [V12, V13])
def test_who_the_client_is_survives_a_ticket(secure, authority, version):
    ca, client = authority
    one = secure("--sslca", ca, "sh", "-c", SHOW)
    context = context_of(one, version, client=client)
    session, _ = resume(one, context)
    sock = socket.create_connection(one.addresses[0], timeout=DEADLINE)
    with context.wrap_socket(sock, server_hostname="localhost", session=session) as tls:
        peer = Peer.__new__(Peer)
        peer.sock, peer.buffer, peer.host = tls, bytearray(), "localhost"
        peer.upgrade()
        assert tls.session_reused
        assert variables(peer)[-1] == "SSL_CLIENT_VERIFY=SUCCESS"


def refused(one, context):
    """In TLS 1.3 a client hears of it with its first read only."""
    with pytest.raises(ssl.SSLError) as error:
        with one.connect(context=context) as peer:
            peer.send(peer.request_bytes())
            peer.response()
    return str(error.value)


@pytest.mark.parametrize("version", [V12, V13])
def test_clients_without_a_valid_certificate_are_refused(secure, authority, certificate, version):
    ca, _ = authority
    one = secure("--sslca", ca, "sh", "-c", "echo started >&2; cat")
    said = refused(one, context_of(one, version))
    assert re.search("CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE", said), said
    one.wait_log('http rejected remote=.* reason="TLS: the client sent no certificate, which --sslca requires"')
    said = refused(one, context_of(one, version, client=certificate))
    assert re.search("UNKNOWN_CA|BAD_CERTIFICATE", said), said
    one.wait_log('http rejected remote=.* reason="TLS: certificate verify failed: self.signed certificate"')
    assert "stderr" not in one.log()


class Nameless:
    """Certificates without any name, as small tools make them: make(NAME, ...) is a certificate and its key."""

    def __init__(self, directory):
        self.directory = directory
        self.curve = "P-256"
        self.digest = "-sha256"

    def __call__(self, name, issuer=None, expired=False, *extensions):
        crt, key = (str(self.directory / (name + end)) for end in (".crt", ".key"))
        sign = ["-CA", self.directory / (issuer + ".crt"), "-CAkey", self.directory / (issuer + ".key")] if issuer else []
        # With identifiers of keys that differ, a certificate would not count as self-signed.
        extensions = (*extensions, "subjectKeyIdentifier=none", "authorityKeyIdentifier=none")
        with open(self.directory / "empty.cnf", "w", encoding="utf-8") as f:
            f.write("[req]\ndistinguished_name=dn\n[dn]\n")
        subprocess.run(
            ["openssl", "req", "-x509", "-config", self.directory / "empty.cnf", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:" + self.curve, self.digest, "-nodes", *sign, "-subj", "/", "-keyout", key, "-out", crt]
            + [word for text in extensions for word in ("-addext", text)],
            check=True, capture_output=True, stdin=subprocess.DEVNULL,
        )
        if expired:
            resign = ["openssl", "x509", "-days", "-1", "-set_serial", "7", "-out", crt]
            if issuer:
                request = subprocess.run(["openssl", "x509", "-x509toreq", "-in", crt, "-signkey", key], check=True, capture_output=True)
                subprocess.run([*resign, "-req", *sign], check=True, capture_output=True, input=request.stdout)
            else:
                subprocess.run([*resign, "-in", crt, "-signkey", key], check=True, capture_output=True)
        return crt, key


CA = ("basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign")


@pytest.fixture
def nameless(tmp_path):
    return Nameless(tmp_path)


@pytest.mark.parametrize("version", [V12, V13])
def test_a_certificate_without_names_is_accepted_if_the_ca_has_signed_it(secure, nameless, version):
    ca, _ = nameless("ca", None, False, *CA)
    client = nameless("client", "ca")
    one = secure("--sslca", ca, "sh", "-c", SHOW)
    with one.connect(context=context_of(one, version, client=client)) as peer:
        peer.upgrade()
        assert variables(peer)[-2:] == ["SSL_CLIENT_S_DN=", "SSL_CLIENT_VERIFY=SUCCESS"]
        end(peer)


@pytest.mark.parametrize("version", [V12, V13])
def test_a_certificate_without_subject_is_accepted_if_the_ca_has_signed_it(secure, authority, nameless, version):
    ca, _ = authority
    client = nameless("client", "ca")
    one = secure("--sslca", ca, "cat")
    with one.connect(context=context_of(one, version, client=client)) as peer:
        peer.upgrade()
        echo(peer)
        end(peer)


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize(
    "kind",
    ["self-signed", "another CA", "signed by a client", "expired", "for servers", "of an expired CA", "of a CA that may not", "of a CA for servers",
     "of a CA with an unknown rule", "of a CA with a weak key", "with a weak digest"],
)
def test_other_certificates_without_names_are_rejected(secure, nameless, kind, version):
    rules = {
        "of a CA that may not": (CA[0], "keyUsage=digitalSignature"),
        "of a CA for servers": (*CA, "extendedKeyUsage=serverAuth"),
        "of a CA with an unknown rule": (*CA, "1.2.3.4=critical,ASN1:NULL"),
    }.get(kind, CA)
    nameless.curve = "secp112r1" if kind == "of a CA with a weak key" else "P-256"
    ca, _ = nameless("ca", None, kind == "of an expired CA", *rules)
    nameless.curve = "P-256"
    nameless.digest = "-sha1" if kind == "with a weak digest" else "-sha256"
    nameless("other", None, False, *CA)
    nameless("first", "ca")
    client = {
        "self-signed": ("client",),
        "another CA": ("client", "other"),
        "signed by a client": ("client", "first"),
        "expired": ("client", "ca", True),
        "for servers": ("client", "ca", False, "extendedKeyUsage=serverAuth"),
    }.get(kind, ("client", "ca"))
    one = secure("--sslca", ca, "cat")
    refused(one, context_of(one, version, client=nameless(*client)))
    one.wait_log("TLS: certificate verify failed: ")


@pytest.mark.parametrize("version", [V12, V13])
def test_clients_that_were_revoked_are_refused(secure, authority, tmp_path, version):
    ca, client = authority
    second = make_client(tmp_path, "second", "0x2")
    named = make_certificate(tmp_path, "named", "/CN=b.example", "DNS:b.example")
    crl = make_crl(tmp_path, ["02"])
    # The second certificate has rules of its own, and they must be the same.
    one = secure("--sslca", ca, "--sslcrl", crl, "--sslcert", named[0], "--sslkey", named[1], "sh", "-c", "echo started >&2; cat")
    for name in ("localhost", "b.example"):
        context = context_of(one, version, client=second)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_REVOKED"):
            with one.connect(context=context, server_name=name) as peer:
                peer.send(peer.request_bytes())
                peer.response()
    one.wait_log('http rejected remote=.* reason="TLS: certificate verify failed: certificate revoked"', count=2)
    assert "stderr" not in one.log()
    with one.websocket(context=context_of(one, version, client=client)) as ws:
        echo(ws)
        end(ws)


@pytest.mark.parametrize("version", [V12, V13])
def test_sighup_takes_new_revocations_and_they_beat_tickets(secure, authority, tmp_path, version):
    ca, client = authority
    crl = make_crl(tmp_path, [])
    one = secure("--sslca", ca, "--sslcrl", crl, "cat")
    context = context_of(one, version, client=client)
    session, _ = resume(one, context)
    assert resume(one, context, session)[1]
    live = one.websocket(context=context_of(one, version, client=client))

    # A file that is bad changes nothing.
    with open(crl) as f:
        good = f.read()
    with open(crl, "w") as f:
        f.write(good[: len(good) // 2])
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("error server SIGHUP: --sslcrl %s can't be used: bad end line; the old certificates stay" % re.escape(crl))
    assert resume(one, context, session)[1]

    make_crl(tmp_path, ["0BADC0DE"])
    one.process.send_signal(signal.SIGHUP)
    one.wait_log("SIGHUP: certificates reloaded")
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REVOKED"):
        resume(one, context, session)
    # Who is there already stays, as with a new certificate of the server.
    echo(live)
    end(live)
    live.close()


def test_without_a_list_that_is_valid_nobody_is_let_in(secure, authority, tmp_path):
    """Neither with the list of another authority, nor with one that was to be replaced long ago."""
    ca, client = authority
    make_certificate(tmp_path, "other", "/CN=Other CA", None)
    for crl, why in (
        (make_crl(tmp_path, [], "other"), "unable to get certificate CRL"),
        (make_crl(tmp_path, [], until="20200102000000Z"), "CRL has expired"),
    ):
        one = secure("--sslca", ca, "--sslcrl", crl, "cat")
        refused(one, context_of(one, client=client))
        one.wait_log('http rejected remote=.* reason="TLS: certificate verify failed: %s"' % why)


def test_lists_of_several_authorities_stand_in_one_file(secure, authority, tmp_path):
    ca, client = authority
    make_certificate(tmp_path, "other", "/CN=Other CA", None)
    with open(tmp_path / "all.crl", "w") as f:
        for path in (make_crl(tmp_path, ["0BADC0DE"], "other"), make_crl(tmp_path, ["02"])):
            f.write("Text is no matter.\n" + open(path).read())
    one = secure("--sslca", ca, "--sslcrl", "all.crl", "cat")
    with one.websocket(context=context_of(one, client=client)) as ws:
        echo(ws)
        end(ws)
    said = refused(one, context_of(one, client=make_client(tmp_path, "second", "0x2")))
    assert "CERTIFICATE_REVOKED" in said


@pytest.mark.parametrize("text, why", [(None, "can't be read: No such file or directory"), ("", "contains no CRL in PEM")])
def test_a_revocation_list_that_does_not_do_is_told_at_the_start(secure, authority, tmp_path, certificate, text, why):
    if text is not None:
        (tmp_path / "crl").write_text(text)
    one = secure("--ssl", "--sslcert", certificate[0], "--sslkey", certificate[1], "--sslca", authority[0], "--sslcrl=crl", "cat",
                 tls=None, ready=False)
    assert start_failed(one, 78) == "wspipe: --sslcrl crl %s\n" % why


def test_without_sslca_nothing_is_said_of_clients(secure, authority):
    _, client = authority
    one = secure("sh", "-c", SHOW)
    with one.connect(context=context_of(one, client=client)) as peer:
        peer.upgrade(headers={"SSL-Client-Verify": "SUCCESS"})
        assert variables(peer) == ["HTTP_SSL_CLIENT_VERIFY=SUCCESS"]


def test_compat_says_wss(secure, authority):
    ca, client = authority
    one = secure("--address=127.0.0.1", "--sslca", ca, "cat", argv0="websocketd")
    assert "| Starting WebSocket server   : wss://127.0.0.1:%d/" % one.addresses[0][1] in one.log()
    one.wait_log(r"\| Mutual TLS enabled \(client certs verified against %s\)" % re.escape(ca))
    with one.connect(context=context_of(one, client=client)) as peer:
        peer.upgrade("/a?b")
        echo(peer)
        one.wait_log(r"url:'https://%s/a\?b'.* CONNECT" % re.escape(peer.host))
        end(peer)


# Deadlines, and handshakes that end


def client_hello(one):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context_of(one).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def test_the_deadline_of_the_head_covers_the_handshake(secure):
    one = secure("cat")
    hello = client_hello(one)
    begun = time.monotonic()
    socks = []
    for text in (b"", hello[:1], hello[:40], hello):
        sock = socket.create_connection(one.addresses[0], timeout=DEADLINE)
        sock.sendall(text)
        socks.append(sock)
    with one.connect() as silent, one.connect() as slow:
        slow.send(b"GET / HTTP/1.1\r\n")
        for sock in socks:
            try:
                while sock.recv(65536):
                    pass
            except ConnectionResetError:
                pass
            sock.close()
        assert 9 < time.monotonic() - begun < 20
        with pytest.raises(ConnectionResetError):
            silent.read_to_end()
        assert slow.response()[0] == 408


def test_handshakes_that_are_cut_leave_nothing(secure):
    one = secure("cat")
    hello = client_hello(one)
    for how in ("fin", "reset", "close"):
        for cut in (0, 1, 5, 6, 50, len(hello) - 1, len(hello)):
            sock = socket.create_connection(one.addresses[0], timeout=DEADLINE)
            sock.sendall(hello[:cut])
            if how == "fin":
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
            elif how == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
    one.check_clean()
    for garbage in (b"\0" * 100, b"\xff" * 100, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\1" * 70000):
        sock = socket.create_connection(one.addresses[0], timeout=DEADLINE)
        try:
            sock.sendall(garbage)
            while sock.recv(65536):
                pass
        except ConnectionError:
            pass
        sock.close()
    one.check_clean()
    one.wait_log("plain HTTP on the TLS port")
    with one.websocket() as ws:
        echo(ws)


# What arrives where something else is expected: the log names the remedy, and so does the response.

NOT_TLS = "plain HTTP on the TLS port: connect with https:// or wss://"
NOT_PLAIN = "TLS on a plain port: connect with ws://, or start wspipe with --ssl"
PROXY = "not HTTP; looks like the PROXY protocol: start wspipe with --proxy-protocol, or remove send-proxy"


def answer_to(one, data):
    with Peer(one.addresses[0]) as peer:
        peer.send(data)
        return peer.answer()


@pytest.mark.parametrize("request_line", ("GET / HTTP/1.1", "GET /x HTTP/1.0", "POST / HTTP/1.1", "OPTIONS * HTTP/1.1"))
def test_plain_http_on_the_tls_port(secure, request_line):
    one = secure("cat")
    status, fields, body = answer_to(one, request_line.encode() + b"\r\nHost: localhost\r\n\r\n")
    assert (status, dict(fields)["connection"]) == (400, "close")
    assert body.decode() == "400 Bad Request\n\n%s\n" % NOT_TLS
    one.wait_log('http rejected status=400 remote=.* reason="%s"' % NOT_TLS)


def test_plain_http_on_the_tls_port_by_head(secure):
    status, _, body = answer_to(secure("cat"), b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (status, body) == (400, b"")


def test_tls_on_a_plain_port(server, secure):
    hello = client_hello(secure("cat"))
    one = server("cat", tls=None)
    for sent in (hello, hello[:3], b"\x16\x03\x00"):
        status, _, body = answer_to(one, sent)
        assert status == 400 and NOT_PLAIN in body.decode()
    one.wait_log('http rejected status=400 remote=.* reason="%s"' % NOT_PLAIN, count=3)


@pytest.mark.parametrize("tls", (False, True))
def test_the_proxy_protocol(server, secure, tls):
    one = secure("cat") if tls else server("cat", tls=None)
    first = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12) + first[36:]
    for sent, more in ((first, ""), (second, "-v2")):
        status, _, body = answer_to(one, sent)
        assert status == 400 and PROXY + more + "\n" in body.decode()
        one.wait_log('reason="%s"' % (PROXY + more))


def test_an_end_without_close_notify_ends_the_session(secure):
    one = secure("cat")
    for how in (socket.SHUT_WR, None):
        ws = one.websocket()
        echo(ws)
        if how is None:
            ws.reset()
        else:
            ws.sock.sock.shutdown(how)
            with pytest.raises(OSError):
                ws.read_to_end()
        ws.close()
    one.wait_log("session #2 close .*close_received=1006")
    one.check_clean()
