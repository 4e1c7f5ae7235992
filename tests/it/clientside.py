# SPDX-License-Identifier: BSD-2-Clause
"""For tests of wspipe as a client (--connect): the client, and servers that do what a test wants."""

import base64
import contextlib
import hashlib
import os
import re
import socket
import struct
import subprocess
import threading

from conftest import WSPIPE
from wsraw import DEADLINE

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Client:
    """A running client, whose stdin is a pipe."""

    def __init__(self, url, *args, ca=None, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=None, wrapper=(), **kwargs):
        trust = ["--cacert=" + ca] if ca and url.startswith("wss:") else []
        clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.process = subprocess.Popen(
            [*wrapper, WSPIPE, "--connect=" + url, *trust, *args],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=dict(clean, **(env or {})),
            **kwargs,
        )

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def read(self, n):
        return self.process.stdout.read(n)

    def line(self):
        return self.process.stdout.readline()

    def wait(self):
        """The exit status; stdin stays open."""
        return self.process.wait(DEADLINE)

    def end(self, data=b""):
        """Ends stdin after DATA: (exit status, what is left of stdout, stderr)."""
        out, err = self.process.communicate(data, DEADLINE)
        return self.process.returncode, out, err.decode()

    def fails(self):
        """Exits with 1 while stdin is open: its one line on stderr."""
        assert self.wait() == 1
        err = self.process.stderr.read().decode()
        assert err.startswith("wspipe: ") and err.endswith("\n") and err.count("\n") == 1, err
        return err[8:-1]

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()


def answer(head, **changes):
    """The response to a request: a 101 with changed fields; None leaves one out."""
    key = re.search(rb"\r\nSec-WebSocket-Key: (\S+)\r\n", head)[1]
    fields = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": base64.b64encode(hashlib.sha1(key + GUID).digest()).decode(),
    }
    fields.update({k.replace("_", "-"): v for k, v in changes.items()})
    lines = ["%s: %s\r\n" % (k, v) for k, v in fields.items() if v is not None]
    return ("HTTP/1.1 101 Switching Protocols\r\n" + "".join(lines) + "\r\n").encode()


def close_frame(code, reason=b""):
    body = struct.pack(">H", code) + reason
    return bytes([0x88, len(body)]) + body


class Connection:
    """One connection that a raw server has accepted."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(DEADLINE)
        self.buffer = b""

    def head(self):
        """A request, with its empty line."""
        while b"\r\n\r\n" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError("the client disconnected after %r" % self.buffer)
            self.buffer += data
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        return head + b"\r\n\r\n"

    def send(self, data):
        self.sock.sendall(data)

    def upgrade(self, **changes):
        head = self.head()
        self.send(answer(head, **changes))
        return head

    def read(self, n):
        while len(self.buffer) < n:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError("the client disconnected after %r" % self.buffer)
            self.buffer += data
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def frame(self):
        """The next frame of the client: (first byte, payload); it must be masked."""
        first, second = self.read(2)
        assert second & 0x80, "a client's frame is masked"
        n = second & 0x7F
        if n == 126:
            (n,) = struct.unpack(">H", self.read(2))
        elif n == 127:
            (n,) = struct.unpack(">Q", self.read(8))
        mask = self.read(4)
        return first, bytes(b ^ mask[i % 4] for i, b in enumerate(self.read(n))), mask

    def close_code(self):
        """Reads up to the client's Close: (code, reason)."""
        while True:
            first, body, _ = self.frame()
            if first == 0x88:
                return (struct.unpack(">H", body[:2])[0] if body else 1005), body[2:]

    def read_to_end(self):
        with contextlib.suppress(OSError):
            while self.sock.recv(65536):
                pass

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class RawServer:
    """Serves connections one after the other, each by the next function; the last one repeats."""

    def __init__(self, *serve, context=None, host="127.0.0.1"):
        self.listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self.listener.getsockname()[1]
        self.address = "%s:%d" % ("[%s]" % host if ":" in host else host, self.port)
        self.context = context
        self.serve = list(serve)
        self.errors = []
        self.accepted = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def url(self, path="/"):
        return "%s://%s%s" % ("wss" if self.context else "ws", self.address, path)

    def _run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            serve = self.serve[min(self.accepted, len(self.serve) - 1)]
            self.accepted += 1
            try:
                if self.context:
                    sock = self.context.wrap_socket(sock, server_side=True)
                serve(Connection(sock))
            except (OSError, EOFError):
                pass  # the client's side reports what it was
            except Exception as error:  # pylint: disable=broad-except
                self.errors.append(error)
            finally:
                sock.close()

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        assert not self.errors, self.errors
