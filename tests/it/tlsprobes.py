# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of TLS have in common: clients with wishes, certificates, and what can be known of them."""

import hashlib
import os
import socket
import ssl
import subprocess

from conftest import client_context, make_certificate
from wsraw import DEADLINE, TEXT, close_frame, frame

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def context_of(one, version=None, ciphers=None, alpn=("http/1.1",), client=None):
    """The context of the server's client, with other wishes."""
    context = client_context(one.ca)
    if version:
        context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    if alpn is not None:
        context.set_alpn_protocols(alpn)
    if client:
        context.load_cert_chain(*client)
    return context


def echo(peer, text="hello"):
    peer.send(frame(TEXT, text))
    assert peer.text() == text


def end(peer):
    peer.send(close_frame(1000))
    assert peer.closed(answer=False) == (1000, "")
    assert peer.read_to_end() == b""


def fingerprint(peer):
    return hashlib.sha256(peer.sock.tls.getpeercert(binary_form=True)).hexdigest()


def file_fingerprint(path):
    with open(path) as f:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()


def s_client(one, *args, stdin=b"", timeout=DEADLINE):
    """What openssl's own client says."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", "%s:%d" % one.addresses[0], *args],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def resume(one, context, session=None, name="localhost"):
    """A whole session; returns the ticket that it got, and whether it began with one."""
    sock = socket.create_connection(one.addresses[0], timeout=DEADLINE)
    with context.wrap_socket(sock, server_hostname=name, session=session) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        while tls.recv(4096):
            pass
        return tls.session, tls.session_reused


def replace(pair, directory, *args, **kwargs):
    """Puts a fresh certificate in the place of another."""
    fresh = make_certificate(directory, "fresh", *args, **kwargs)
    for old, new in zip(pair, fresh):
        os.replace(new, old)


def start_failed(one, status):
    assert one.process.wait(DEADLINE) == status
    one.stopped = True
    return one.log()


def make_client(directory, name, serial, subject="/CN=client"):
    """A certificate that the CA in the directory has signed, and its key: their paths."""
    base = os.path.join(str(directory), name)
    subprocess.run(
        ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8"]
        + ["-subj", subject, "-multivalue-rdn", "-keyout", base + ".key", "-out", base + ".csr"],
        check=True, capture_output=True, stdin=subprocess.DEVNULL,
    )
    subprocess.run(
        ["openssl", "x509", "-req", "-in", base + ".csr", "-CA", os.path.join(str(directory), "ca.crt")]
        + ["-CAkey", os.path.join(str(directory), "ca.key"), "-set_serial", serial, "-days", "2", "-out", base + ".crt"],
        check=True, capture_output=True, stdin=subprocess.DEVNULL,
    )
    return base + ".crt", base + ".key"


def make_crl(directory, revoked, issuer="ca", until="20991231235959Z"):
    """The revocation list of an issuer in the directory, for serial numbers: its path. It replaces the last one."""
    base = os.path.join(str(directory), issuer)
    with open(base + ".index", "w") as f:
        for serial in revoked:
            f.write("R\t401231235959Z\t250101000000Z\t%s\tunknown\t/CN=client\n" % serial)
    with open(base + ".conf", "w") as f:
        f.write("[ca]\ndefault_ca=own\n[own]\ndatabase=%s.index\ndefault_md=sha256\n" % base)
    subprocess.run(
        ["openssl", "ca", "-gencrl", "-config", base + ".conf", "-cert", base + ".crt", "-keyfile", base + ".key"]
        + ["-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", until, "-out", base + ".crl.new"],
        check=True, capture_output=True, stdin=subprocess.DEVNULL,
    )
    os.replace(base + ".crl.new", base + ".crl")
    return base + ".crl"
