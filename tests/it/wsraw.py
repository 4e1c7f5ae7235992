# SPDX-License-Identifier: BSD-2-Clause
"""A raw client: HTTP requests and WebSocket frames as bytes, right or wrong."""

import contextlib
import os
import random
import socket
import ssl
import struct
import threading

DEADLINE = 60.0  # seconds that any single wait may take, also on a machine that has much else to do

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(opcode, payload=b"", fin=True, rsv=0, mask=b"\x01\x02\x03\x04", length=None):
    """A frame as a client sends it. mask=None leaves it unmasked; length lies about the payload's."""
    if isinstance(payload, str):
        payload = payload.encode()
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask is not None else 0
    n = len(payload) if length is None else length
    if n < 126:
        head += bytes([bit | n])
    elif n < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", n)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", n)
    if mask is not None:
        key = int.from_bytes((mask * (len(payload) // 4 + 1))[: len(payload)], "big")
        masked = int.from_bytes(payload, "big") ^ key
        return head + mask + masked.to_bytes(len(payload), "big")
    return head + payload


def close_frame(code=None, reason=""):
    body = b"" if code is None else struct.pack(">H", code) + reason.encode()
    return frame(CLOSE, body)


class TlsSocket:
    """TLS over a connected socket, with what the tests use of a socket. Unlike ssl.SSLSocket it may
    be read in one thread and written in another, and it shows the records that came."""

    def __init__(self, sock, context, server_name, wait=True):
        """Without WAIT only the first flight is sent; handshake() is for the rest then."""
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=server_name)
        self.lock, self.sending = threading.Lock(), threading.Lock()
        self.unsent = bytearray()  # ciphertext
        self.records = []  # the lengths of those of application data that came
        self._part = bytearray()  # of a record that is not whole
        self.early = bytearray()  # what came before notify()
        if wait:
            self.handshake()
            return
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            self.flush()

    def handshake(self):
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self._more()
            except ssl.SSLError:
                self.flush()  # the alert
                raise
        self.flush()

    def __getattr__(self, name):
        return getattr(self.sock, name)

    def _note_records(self, data):
        self._part += data
        while len(self._part) >= 5:
            kind, length = self._part[0], struct.unpack(">H", self._part[3:5])[0]
            if len(self._part) < 5 + length:
                break
            if kind == 23:
                self.records.append(length)
            del self._part[: 5 + length]

    def _more(self):
        data = self.sock.recv(65536)
        with self.lock:
            if data:
                self._note_records(data)
                self.incoming.write(data)
            else:
                self.incoming.write_eof()

    def flush(self):
        with self.lock:
            self.unsent += self.outgoing.read()
        while self.unsent:
            del self.unsent[: self.sock.send(self.unsent)]

    def send(self, data):
        with self.sending:
            self.flush()
            with self.lock:
                n = self.tls.write(memoryview(data)[:65536])
            try:
                self.flush()
            except BlockingIOError:
                pass  # it goes out before the next
            return n

    def sendall(self, data):
        with self.sending:
            self.flush()  # of an earlier send()
        view = memoryview(data)
        while len(view) > 0:
            view = view[self.send(view) :]

    def recv(self, n):
        while True:
            try:
                with self.lock:
                    if self.early:
                        data = bytes(self.early[:n])
                        del self.early[:n]
                        return data
                    return self.tls.read(n)
            except ssl.SSLWantReadError:
                self._more()
            except ssl.SSLZeroReturnError:
                return b""  # close_notify
            except ssl.SSLError as error:
                if error.reason == "UNEXPECTED_EOF_WHILE_READING":
                    raise ConnectionResetError("the end came without close_notify") from error
                raise

    def recv_into(self, view):
        data = self.recv(len(view))
        view[: len(data)] = data
        return len(data)

    def notify(self):
        """Sends close_notify. What has come is taken first: unwrap() also waits for the other one's, and any record
        that it meets before that ends the session for good."""
        with self.lock:
            with contextlib.suppress(ssl.SSLError):
                while data := self.tls.read(65536):
                    self.early += data
            with contextlib.suppress(ssl.SSLError):
                self.tls.unwrap()
        self.flush()

    def shutdown(self, how):
        """SHUT_WR: close_notify and a FIN. What comes is still read."""
        assert how == socket.SHUT_WR
        self.notify()
        self.sock.shutdown(how)

    def close(self):
        """As a client does that leaves in order: with close_notify, when there is room for it."""
        try:
            self.sock.setblocking(False)
            self.notify()
        except OSError:
            pass
        self.sock.close()


class Peer:
    """One connection to the server, over TLS when there is a context. The address of a Unix socket is its path; FIRST
    is sent before TLS begins."""

    def __init__(self, address, rcvbuf=None, context=None, server_name="localhost", wait=True, source=None, first=b""):
        unix = isinstance(address, str)
        family = socket.AF_UNIX if unix else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(DEADLINE)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect(address)
        self.port = None if unix else self.sock.getsockname()[1]
        self.host = "localhost" if unix else "[%s]:%d" % address[:2] if ":" in address[0] else "%s:%d" % address[:2]
        if first:
            self.sock.sendall(first)
        if context:
            try:
                self.sock = TlsSocket(self.sock, context, server_name, wait)
            except OSError:
                self.sock.close()
                raise
        self.buffer = bytearray()  # cheap to take from the front

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Ends the connection with a RST."""
        sock = self.sock.sock if isinstance(self.sock, TlsSocket) else self.sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def send_cut(self, data, how, seed=0):
        """Sends "whole", in single "bytes", or cut at "random"; each piece is a packet of its own."""
        if how == "whole":
            return self.send(data)
        rng = random.Random(seed)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data:
            n = 1 if how == "bytes" else rng.randint(1, 40)
            self.send(data[:n])
            data = data[n:]
        return None

    def _more(self):
        data = self.sock.recv(65536)
        self.buffer += data
        return bool(data)

    def read(self, n):
        """Exactly n bytes; EOFError when the stream ends before."""
        while len(self.buffer) < n:
            if not self._more():
                raise EOFError("the stream ended after %r" % self.buffer)
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def read_to_end(self):
        """All bytes up to the server's FIN (a RST is an error)."""
        while self._more():
            pass
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def request_bytes(self, path="/", headers=None, method="GET", version="HTTP/1.1", upgrade=True):
        """A request; headers is a dict that changes the usual ones (None removes, a list repeats)."""
        fields = {"Host": self.host}
        if upgrade:
            fields.update(
                {
                    "Upgrade": "websocket",
                    "Connection": "Upgrade",
                    "Sec-WebSocket-Key": KEY,
                    "Sec-WebSocket-Version": "13",
                }
            )
        fields.update(headers or {})
        lines = ["%s %s %s" % (method, path, version)]
        for name, value in fields.items():
            for v in value if isinstance(value, list) else [value]:
                if v is not None:
                    lines.append("%s: %s" % (name, v))
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"

    def response(self):
        """The head of an answer: (status, [(name in lower case, value)])."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                raise EOFError("no answer, only %r" % self.buffer)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        fields = [(k.lower(), v.strip()) for k, v in (line.split(":", 1) for line in lines[1:])]
        return int(lines[0].split(" ")[1]), fields

    def end(self, fields):
        """What follows the head of the last response, up to the server's FIN. A connection that persists is closed
        by this side."""
        if dict(fields).get("connection") != "close":
            with contextlib.suppress(OSError):  # it has closed, too
                self.sock.shutdown(socket.SHUT_WR)
        return self.read_to_end()

    def answer(self):
        """The last response, and the server's FIN: (status, [(name in lower case, value)], body)."""
        status, fields = self.response()
        return status, fields, self.end(fields)

    def upgrade(self, path="/", headers=None):
        """Opens a WebSocket; asserts the 101."""
        self.send(self.request_bytes(path, headers))
        status, fields = self.response()
        assert status == 101, (status, fields)
        assert dict(fields)["sec-websocket-accept"] == ACCEPT
        return fields

    def frame(self):
        """The next frame of the server: (opcode, fin, payload)."""
        first, second = self.read(2)
        assert second & 0x80 == 0, "a server's frame is not masked"
        assert first & 0x70 == 0, "a reserved bit is set"
        n = second & 0x7F
        if n == 126:
            (n,) = struct.unpack(">H", self.read(2))
            assert n >= 126
        elif n == 127:
            (n,) = struct.unpack(">Q", self.read(8))
            assert n >= 65536
        return first & 0xF, bool(first & 0x80), self.read(n)

    def message(self):
        """The next data message, whole: (opcode, payload). PINGs are answered."""
        opcode, payload = None, bytearray()
        while True:
            op, fin, part = self.frame()
            if op == PING:
                self.send(frame(PONG, part))
                continue
            if op == PONG:
                continue
            assert op != CLOSE, ("closed", part)
            assert (op == 0) == (opcode is not None)
            opcode = op if opcode is None else opcode
            payload += part
            if fin:
                return opcode, bytes(payload)

    def text(self):
        opcode, payload = self.message()
        assert opcode == TEXT
        return payload.decode()

    def closed(self, answer=True):
        """Waits for the server's CLOSE, discarding data; answers it; waits for the FIN. (code, reason)"""
        while True:
            op, _, payload = self.frame()
            if op == CLOSE:
                break
        code = struct.unpack(">H", payload[:2])[0] if payload else None
        if answer:
            self.send(frame(CLOSE, payload))
            assert self.read_to_end() == b""
        return code, payload[2:].decode()


def read_chunk(peer):
    """One chunk of a body; empty: the last one."""
    line = b""
    while not line.endswith(b"\r\n"):
        line += peer.read(1)
    size = int(line, 16)
    data = peer.read(size)
    assert peer.read(2) == b"\r\n"
    return data


def random_text(n, seed):
    """n characters that have no newline, the same for the same seed."""
    rng = random.Random(seed)
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyzäöü€😀 ") for _ in range(n))


reservations = []  # until this process ends


def free_port():
    """A port for an option that needs a number. The kernel assigns none of these to a test that runs beside it, and no
    other process that calls this gets it, though no socket has the port yet or for a while."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        first = int(f.read().split()[0])
    while True:
        port = random.randrange(10000, max(first, 20000))
        reservation = socket.socket(socket.AF_UNIX)
        with socket.socket() as probe:
            try:
                reservation.bind("\0wspipe-test-port-%d" % port)
                probe.bind(("", port))
            except OSError:
                reservation.close()
            else:
                reservations.append(reservation)
                return port


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def fd_count(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def own_address():
    """An address of this machine that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return None
