# SPDX-License-Identifier: BSD-2-Clause
"""RFC 7692: permessage-deflate, its parameters and how a compressed message may end."""

import zlib

from .case import IN_MESSAGE, RSV, body, echoes, fails, more, ping, text
from .handshake import opens

SERVER = ("--deflate", "cat")
WIDE = ("--deflate=window=15", "cat")
DAMAGED = body(1007, "corrupt compressed data")

WORDS = "grüße, 5 €, 😀"
RAW = WORDS.encode()


def raw(data, flush=zlib.Z_SYNC_FLUSH, level=6):
    """DEFLATE data with its end as zlib makes it."""
    z = zlib.compressobj(level, zlib.DEFLATED, -15)
    return z.compress(data) + z.flush(flush)


FLUSHED = raw(RAW)[:-4]
FINAL = raw(RAW, zlib.Z_FINISH)
STORED = raw(RAW, zlib.Z_FINISH, 0)
CLOSED = raw(RAW) + b"\x01\0\0\xff\xff"  # flushed, then closed, as by Go's compress/flate

# How a message of WORDS may end.
ENDS = (
    ("flush", FLUSHED),
    ("final-block-and-nothing", FINAL),
    ("final-block-and-an-empty-one", FINAL + b"\0"),
    ("final-block-and-an-empty-final-one", FINAL + b"\x01"),
    ("final-stored-block-and-nothing", STORED),
    ("final-stored-block-and-an-empty-one", STORED + b"\0"),
    ("flush-and-close", CLOSED[:-4]),
    ("flush-and-close-with-the-tail", CLOSED),
)


def compressed(payload, **kwargs):
    return text(payload, rsv=4, **kwargs)


def cut(payload, n):
    parts = [payload[i : i + n] for i in range(0, len(payload), n)]
    return compressed(parts[0], fin=False) + b"".join(more(part, fin=False) for part in parts[1:-1]) + more(parts[-1])


def with_offer(case, offer="permessage-deflate"):
    return case._replace(server="deflate", offer=offer)


def agrees(name, offer, answer, server=SERVER):
    extra = ("Sec-WebSocket-Extensions: " + answer,) if answer else ()
    return opens("7692-" + name, {"Sec-WebSocket-Extensions": offer}, extra=extra, server=server)


HANDSHAKES = [
    agrees("7.1.2.1-server-window-not-named-unasked", "permessage-deflate", "permessage-deflate"),
    agrees(
        "7.1.2.1-server-window-not-named-for-the-client's",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=11",
    ),
    *(
        agrees(
            "7.1.2.1-server-window-%d" % bits,
            "permessage-deflate; server_max_window_bits=%d" % bits,
            "permessage-deflate; server_max_window_bits=%d" % min(bits, 11),
        )
        for bits in range(9, 16)
    ),
    agrees("7.1.2.1-server-window-8-is-declined", "permessage-deflate; server_max_window_bits=8", None),
    agrees(
        "7.1.2.1-server-window-8-then-none",
        "permessage-deflate; server_max_window_bits=8, permessage-deflate",
        "permessage-deflate",
    ),
    agrees("7.1.2.1-server-window-without-a-value", "permessage-deflate; server_max_window_bits", None),
    agrees("7.1.2.2-client-window-not-named-unasked", "permessage-deflate", "permessage-deflate", WIDE),
    *(
        agrees(
            "7.1.2.2-client-window-%d" % bits,
            "permessage-deflate; client_max_window_bits=%d" % bits,
            "permessage-deflate; client_max_window_bits=%d" % min(bits, 11),
        )
        for bits in range(8, 16)
    ),
    agrees(
        "7.1.1.1-server-takeover",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover",
    ),
    agrees(
        "7.1.1.2-client-takeover",
        "permessage-deflate; client_no_context_takeover",
        "permessage-deflate; client_no_context_takeover",
    ),
    agrees("5.1-unknown-parameter-is-declined", "permessage-deflate; window=15", None),
    agrees("5.1-parameter-twice-is-declined", "permessage-deflate; client_max_window_bits=9; client_max_window_bits=9", None),
]

CASES = [
    with_offer(case, offer)
    for name, offer in (
        ("takeover", "permessage-deflate"),
        ("no-takeover", "permessage-deflate; client_no_context_takeover"),
    )
    for case in (
        *(echoes("7692-7.2.1-%s-%s" % (end, name), compressed(data), WORDS) for end, data in ENDS),
        *(
            echoes("7692-7.2.1-%s-in-fragments-of-%d-%s" % (end, n, name), cut(data, n), WORDS)
            for end, data in ENDS
            for n in (1, 7)
        ),
        # One message after the other, each with another end.
        echoes(
            "7692-7.2.1-all-ends-in-a-row-%s" % name,
            b"".join(compressed(data) + text("plain") for _, data in ENDS),
            *(word for _ in ENDS for word in (WORDS, "plain")),
        ),
        # As Go's compress/flate closes a stream: an empty final block whose header begins within a byte.
        echoes("7692-7.2.1-closed-by-go-%s" % name, compressed(b"\xf2\x48\xcd\xc9\xc9\x07\x04"), "Hello"),
        echoes("7692-7.2.3.4-final-block-of-the-rfc-%s" % name, compressed(b"\xf3\x48\xcd\xc9\xc9\x07\0\0"), "Hello"),
        echoes("7692-7.2.1-several-final-blocks-%s" % name, compressed(FINAL * 3), WORDS * 3),
        echoes("7692-7.2.1-several-final-blocks-and-an-empty-one-%s" % name, compressed(FINAL + STORED + b"\0"), WORDS * 2),
        echoes("7692-7.2.1-final-blocks-in-fragments-%s" % name, cut(FINAL + STORED + FINAL + b"\x01", 1), WORDS * 3),
        echoes("7692-7.2.1-empty-final-block-%s" % name, compressed(b"\x01") + compressed(b"\x03\0"), "", ""),
        fails("7692-7.2.2-cut-in-a-final-block-%s" % name, compressed(FINAL[:-1]), DAMAGED),
        fails("7692-7.2.2-cut-behind-a-final-block-%s" % name, compressed(FINAL + FINAL[:-2]), DAMAGED),
        fails("7692-7.2.2-no-deflate-data-behind-a-final-block-%s" % name, compressed(FINAL + b"\x06"), DAMAGED),
    )
]
CASES += [
    with_offer(case)
    for case in (
        # The window goes on behind a final block: 7.2.3.2.
        echoes(
            "7692-7.2.3.2-window-behind-a-final-block",
            compressed(b"\xf3\x48\xcd\xc9\xc9\x07\0") + compressed(b"\xf2\x00\x11\x00\x00"),
            "Hello",
            "Hello",
        ),
        echoes("7692-6.1-ping-between", compressed(FINAL[:4], fin=False) + ping("p") + more(FINAL[4:]), WORDS, pongs=(b"p",)),
        echoes("7692-6-plain-message", text("plain") + compressed(FLUSHED), "plain", WORDS),
        echoes("7692-7.2.3.6-empty-message", compressed(b"\0"), ""),
        fails("7692-6.1-rsv1-on-a-continuation", compressed(FINAL[:4], fin=False) + more(FINAL[4:], rsv=4), RSV),
        fails("7692-6.1-rsv1-on-a-ping", ping("p", rsv=4), RSV),
        fails("7692-6-compressed-within-a-message", text("a", fin=False) + compressed(FLUSHED), IN_MESSAGE),
    )
]
