# SPDX-License-Identifier: BSD-2-Clause
"""The form of a case, and the words that the tables are written in."""

import struct
from typing import NamedTuple, Optional

from wsraw import BINARY, CLOSE, PING, PONG, TEXT, frame

CONTINUATION = 0

# The servers that cases run against.
SERVERS = {
    "lines": ("cat",),
    "bytes": ("--binary", "cat"),
    "length": ("--framing=length", "cat"),
    "8 MiB": ("--maxframesize=8388608", "cat"),
    "1 MiB bytes": ("--maxframesize=1048576", "--binary", "cat"),
    "8 MiB bytes": ("--maxframesize=8388608", "--binary", "cat"),
    "1024": ("--maxframesize=1024", "cat"),
    "1024 bytes": ("--maxframesize=1024", "--binary", "cat"),
    "1 byte": ("--maxframesize=1", "cat"),
    "deflate": ("--deflate", "cat"),
    "exit": ("--", "sh", "-c", "read -r status; exit $status"),
    "last words": ("--", "sh", "-c", "read -r status; echo one; echo two; printf three; exit $status"),
    "kill": ("--", "sh", "-c", "read -r signal; kill -$signal $$"),
}


class Step(NamedTuple):
    """What is sent at once, and all that must come back before the next step."""

    send: bytes
    control: tuple = ()  # (opcode, payload) of control frames, in order
    data: tuple = ()  # (opcode, payload) of messages, in order


class Case(NamedTuple):
    name: str
    steps: tuple
    server: str = "lines"
    # The payload of the server's CLOSE, behind which its FIN must come and nothing else. None: the
    # connection is as good as before; that is tried with a PING and a CLOSE.
    close: Optional[bytes] = None
    # The server closes first, so what is sent behind its CLOSE ends the connection.
    answer: Optional[bytes] = None
    offer: Optional[str] = None  # of extensions


def body(code=None, reason=b""):
    """The payload of a CLOSE."""
    if isinstance(reason, str):
        reason = reason.encode()
    return b"" if code is None else struct.pack(">H", code) + reason


# What the server says when a connection fails. The reasons are part of what is compared.
RSV = body(1002, "reserved bit set")
OPCODE = body(1002, "reserved opcode")
CONTROL_FRAGMENT = body(1002, "fragmented control frame")
NO_MESSAGE = body(1002, "continuation without a message")
IN_MESSAGE = body(1002, "new message within a message")
EMPTY_FRAGMENTS = body(1008, "more than 4096 empty fragments (--max-empty-fragments)")
UNMASKED = body(1002, "frame not masked")
CONTROL_LEN = body(1002, "control frame too long")
LEN = body(1002, "invalid payload length")
TOO_BIG = "the message is above the limit of the server"  # its reason names the limit: too_big()
NOT_UTF8 = body(1007, "text is not UTF-8")
CLOSE_LEN = body(1002, "close frame with a payload of 1 byte")
CLOSE_CODE = body(1002, "invalid close code")
CLOSE_REASON = body(1007, "close reason is not UTF-8")
TYPE = body(1003, "binary messages are not accepted: the program reads text (see --binary, --framing)")


def too_big(server):
    sizes = [arg.partition("=")[2] for arg in SERVERS[server] if arg.startswith("--maxframesize=")]
    return body(1009, "message larger than %s bytes (--maxframesize)" % (sizes or ["1048576"])[0])


def text(payload=b"", **kwargs):
    return frame(TEXT, payload, **kwargs)


def binary(payload=b"", **kwargs):
    return frame(BINARY, payload, **kwargs)


def more(payload=b"", **kwargs):
    return frame(CONTINUATION, payload, **kwargs)


def ping(payload=b"", **kwargs):
    return frame(PING, payload, **kwargs)


def pong(payload=b"", **kwargs):
    return frame(PONG, payload, **kwargs)


def close(code=None, reason=b"", **kwargs):
    return frame(CLOSE, body(code, reason), **kwargs)


def _bytes(payload):
    return payload.encode() if isinstance(payload, str) else payload


def echoes(name, send, *payloads, pongs=(), server="lines"):
    """SEND is a row of frames; each of PAYLOADS comes back as a message, each of PONGS as a PONG."""
    opcode = BINARY if "bytes" in server else TEXT
    data = tuple((opcode, _bytes(payload)) for payload in payloads)
    return Case(name, (Step(send, tuple((PONG, p) for p in pongs), data),), server)


def fails(name, send, why, server="lines"):
    """SEND gets the CLOSE of WHY."""
    return Case(name, (Step(send),), server, too_big(server) if why is TOO_BIG else why)


def answered(name, send, why, server="lines"):
    """As fails(), where the fault is not one of the protocol: the client's CLOSE is waited for."""
    return Case(name, (Step(send),), server, why, frame(CLOSE, why))


def fails_after(name, before, send, why, payloads=(), pongs=(), server="lines"):
    """As fails(), when BEFORE was answered by PAYLOADS and PONGS."""
    first = echoes(name, before, *payloads, pongs=pongs, server=server)
    return Case(name, (*first.steps, Step(send)), server, too_big(server) if why is TOO_BIG else why)


def closes(name, send, answer, server="lines"):
    """SEND has a CLOSE in it, and ANSWER is the payload of the server's CLOSE."""
    return Case(name, (Step(send),), server, answer)


def pattern(n):
    """n characters that are not the same in any two places that a bug might mix up."""
    unit = b"".join(b"%07d " % i for i in range(n // 8 + 1))
    return unit[:n]
