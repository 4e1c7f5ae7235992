# SPDX-License-Identifier: BSD-2-Clause
"""Section 5.5: what all control frames have in common, PING and PONG."""

from .case import (
    CLOSE,
    CONTROL_FRAGMENT,
    CONTROL_LEN,
    NO_MESSAGE,
    PING,
    PONG,
    body,
    close,
    closes,
    echoes,
    fails,
    fails_after,
    frame,
    more,
    ping,
    pong,
    text,
)

KINDS = (("close", CLOSE), ("ping", PING), ("pong", PONG))
ALL_BYTES = bytes(range(256))

CASES = [
    # All of them.
    *(fails("5.5-fragmented-%s" % name, frame(op, body(1000), fin=False), CONTROL_FRAGMENT) for name, op in KINDS),
    *(fails("5.5-fragmented-empty-%s" % name, frame(op, fin=False), CONTROL_FRAGMENT) for name, op in KINDS),
    *(fails("5.5-fragmented-%s-seen-in-the-first-byte" % name, bytes([op]), CONTROL_FRAGMENT) for name, op in KINDS),
    *(
        fails("5.5-fragmented-%s-and-its-end" % name, frame(op, body(1000), fin=False) + more("b"), CONTROL_FRAGMENT)
        for name, op in KINDS
    ),
    *(
        fails_after(
            "5.5-fragmented-%s-in-a-message" % name, text("a", fin=False), frame(op, fin=False), CONTROL_FRAGMENT
        )
        for name, op in KINDS
    ),
    *(fails("5.5-%s-of-126" % name, frame(op, body(1000) + b"x" * 124), CONTROL_LEN) for name, op in KINDS),
    *(fails("5.5-%s-of-65536" % name, frame(op, body(1000) + b"x" * 65534), CONTROL_LEN) for name, op in KINDS),
    *(
        fails("5.5-%s-of-%s-seen-in-the-second-byte" % (name, words), bytes([0x80 | op, 0x80 | bits]), CONTROL_LEN)
        for name, op in KINDS
        for words, bits in (("16-bits", 126), ("64-bits", 127))
    ),
    *(
        fails("5.5-%s-of-5-in-16-bits" % name, bytes([0x80 | op, 0xFE, 0, 5, 0, 0, 0, 0]) + b"\x03\xe8xyz", CONTROL_LEN)
        for name, op in KINDS
    ),
    *(
        fails_after("5.5-%s-of-126-in-a-message" % name, text("a", fin=False), frame(op, b"x" * 126), CONTROL_LEN)
        for name, op in KINDS
    ),
    # PING.
    *(echoes("5.5.2-ping-of-%d" % n, ping(b"p" * n), pongs=(b"p" * n,)) for n in (0, 1, 2, 3, 4, 5, 8, 64, 124, 125)),
    echoes(
        "5.5.2-ping-of-all-bytes",
        b"".join(ping(ALL_BYTES[i : i + 64]) for i in (0, 64, 128, 192)),
        pongs=tuple(ALL_BYTES[i : i + 64] for i in (0, 64, 128, 192)),
    ),
    echoes("5.5.2-ping-need-not-be-text", ping(b"\xff\xfe\xc0\x80"), pongs=(b"\xff\xfe\xc0\x80",)),
    echoes("5.5.2-pings-in-order", ping("1") + ping("2") + ping("3"), pongs=(b"1", b"2", b"3")),
    echoes("5.5.2-ping-before-a-message", ping("p") + text("a"), "a", pongs=(b"p",)),
    echoes("5.5.2-ping-behind-a-message", text("a") + ping("p"), "a", pongs=(b"p",)),
    echoes("5.5.2-ping-between-messages", text("a") + ping("p") + text("b") + ping("q"), "a", "b", pongs=(b"p", b"q")),
    echoes(
        "5.5.2-ping-with-masks",
        ping("abcd", mask=b"\xff\xff\xff\xff") + ping("abcd", mask=b"\0\0\0\0"),
        pongs=(b"abcd", b"abcd"),
    ),
    echoes("5.5.2-ping-is-answered-in-a-message", text("a", fin=False) + ping("p") + ping("q"), pongs=(b"p", b"q")),
    closes("5.5.2-ping-behind-a-close-is-not-answered", close(1000) + ping("p"), body(1000)),
    fails("5.5.2-ping-behind-a-failure-is-not-answered", more("a") + ping("p"), NO_MESSAGE),
    # PONG.
    echoes("5.5.3-pong-has-the-payload-of-the-ping", ping(ALL_BYTES[131:]), pongs=(ALL_BYTES[131:],)),
    *(echoes("5.5.3-pong-of-%d-unasked" % n, pong(b"p" * n)) for n in (0, 1, 124, 125)),
    echoes("5.5.3-pong-need-not-be-text", pong(b"\xff\xfe\xc0\x80")),
    echoes("5.5.3-pongs-unasked", pong("1") + pong("2") + pong("3")),
    echoes("5.5.3-pong-unasked-and-a-message", pong("1") + text("a"), "a"),
    echoes("5.5.3-pong-unasked-and-a-ping", pong("1") + ping("2"), pongs=(b"2",)),
    echoes("5.5.3-ping-and-a-pong-of-another-payload", ping("1") + pong("2"), pongs=(b"1",)),
]
