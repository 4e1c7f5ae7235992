# SPDX-License-Identifier: BSD-2-Clause
"""Section 5.4: messages in fragments, and control frames between them."""

from .case import (
    EMPTY_FRAGMENTS,
    IN_MESSAGE,
    NO_MESSAGE,
    binary,
    body,
    close,
    closes,
    echoes,
    fails,
    fails_after,
    more,
    pattern,
    ping,
    pong,
    text,
)

WORDS = "f\u00fcr 5 \u20ac, \U0001f600"  # characters of one to four bytes
RAW = WORDS.encode()


def cut(raw, at):
    return text(raw[:at], fin=False) + more(raw[at:])


def each(raw, between=b""):
    """RAW in fragments of a byte each, with BETWEEN behind each but the last."""
    parts = [raw[i : i + 1] for i in range(len(raw))]
    frames = [text(parts[0], fin=False)] + [more(p, fin=False) for p in parts[1:-1]] + [more(parts[-1])]
    return between.join(frames)


def fragments(kind, size, n):
    """A message of SIZE bytes in fragments of N."""
    raw = pattern(size)
    frames = [kind(raw[:n], fin=False)] + [more(raw[i : i + n], fin=False) for i in range(n, size, n)]
    return b"".join(frames) + more()


def empty(n):
    """A message of n empty fragments."""
    return text(fin=False) + more(fin=False) * (n - 2) + more()


CASES = [
    *(echoes("5.4-two-fragments-cut-at-%d" % at, cut(RAW, at), WORDS) for at in range(len(RAW) + 1)),
    *(
        echoes(
            "5.4-three-fragments-of-%d-bytes" % n,
            text(RAW[:n], fin=False) + more(RAW[n : 2 * n], fin=False) + more(RAW[2 * n :]),
            WORDS,
        )
        for n in (1, 2, 3, 5)
    ),
    echoes("5.4-fragments-of-a-byte", each(RAW), WORDS),
    echoes(
        "5.4-in-order", b"".join((text("1", fin=False), more("2", fin=False), more("3", fin=False), more("4"))), "1234"
    ),
    echoes("5.4-empty-first", text(fin=False) + more("abc"), "abc"),
    echoes("5.4-empty-last", text("abc", fin=False) + more(), "abc"),
    echoes("5.4-empty-middle", text("ab", fin=False) + more(fin=False) + more("c"), "abc"),
    echoes("5.4-all-empty", empty(3), ""),
    echoes("5.4-one-then-fragments", text("one") + cut(b"two", 1), "one", "two"),
    echoes("5.4-fragments-then-one", cut(b"one", 1) + text("two"), "one", "two"),
    echoes("5.4-messages-in-fragments", cut(b"one", 1) + cut(b"two", 2) + cut(b"three", 0), "one", "two", "three"),
    echoes(
        "5.4-fragments-of-126",
        text(pattern(126), fin=False) + more(pattern(126), fin=False) + more(pattern(126)),
        pattern(126) * 3,
    ),
    echoes("5.4-fragments-of-65536", text(pattern(65536), fin=False) + more(pattern(65536)), pattern(65536) * 2),
    echoes("5.4-binary-in-two", binary(b"\xff\x00", fin=False) + more(b"\x80"), b"\xff\x00\x80", server="bytes"),
    echoes(
        "5.4-binary-all-in-fragments",
        b"".join([binary(fin=False)] + [more(bytes([i]), fin=False) for i in range(256)] + [more()]),
        bytes(range(256)),
        server="bytes",
    ),
    echoes("5.4-text-in-two-to-a-program-of-bytes", cut(b"abc", 1), "abc", server="bytes"),
    # Control frames between.
    echoes("5.4-ping-between", text("a", fin=False) + ping("p") + more("b"), "ab", pongs=(b"p",)),
    echoes("5.4-ping-within-a-character", text(RAW[:2], fin=False) + ping("p") + more(RAW[2:]), WORDS, pongs=(b"p",)),
    echoes("5.4-ping-between-each", each(RAW, ping("p")), WORDS, pongs=(b"p",) * (len(RAW) - 1)),
    echoes("5.4-pong-between", text("a", fin=False) + pong("p") + more("b"), "ab"),
    echoes("5.4-pong-between-each", each(RAW, pong("p" * 125)), WORDS),
    echoes("5.4-ping-of-125-between", text("a", fin=False) + ping("p" * 125) + more("b"), "ab", pongs=(b"p" * 125,)),
    echoes("5.4-ping-before-the-end-is-answered-at-once", text("a", fin=False) + ping("p"), pongs=(b"p",)),
    echoes(
        "5.4-ping-between-of-binary",
        binary("a", fin=False) + ping("p") + more("b"),
        "ab",
        pongs=(b"p",),
        server="bytes",
    ),
    closes("5.4-close-between", text("a", fin=False) + close(1000), body(1000)),
    closes("5.4-close-within-a-character", text(RAW[:2], fin=False) + close(1001), body(1001)),
    # Continuations of nothing.
    fails("5.4-continuation-first", more("a"), NO_MESSAGE),
    fails("5.4-continuation-first-empty", more(), NO_MESSAGE),
    fails("5.4-continuation-first-not-final", more("a", fin=False), NO_MESSAGE),
    fails("5.4-continuation-seen-in-the-first-byte", b"\x80", NO_MESSAGE),
    fails("5.4-continuation-not-final-seen-in-the-first-byte", b"\x00", NO_MESSAGE),
    fails_after("5.4-continuation-after-a-message", text("a"), more("b"), NO_MESSAGE, ("a",)),
    fails_after("5.4-continuation-after-fragments", cut(b"ab", 1), more("c"), NO_MESSAGE, ("ab",)),
    fails_after("5.4-continuation-after-a-ping", ping("p"), more("a"), NO_MESSAGE, pongs=(b"p",)),
    fails_after("5.4-continuation-after-binary", binary("a"), more("b"), NO_MESSAGE, ("a",), server="bytes"),
    # Messages within messages.
    fails("5.4-text-within-text", text("a", fin=False) + text("b"), IN_MESSAGE),
    fails("5.4-text-within-text-not-final", text("a", fin=False) + text("b", fin=False), IN_MESSAGE),
    fails("5.4-binary-within-text", text("a", fin=False) + binary("b"), IN_MESSAGE),
    fails("5.4-text-within-binary", binary("a", fin=False) + text("b"), IN_MESSAGE, "length"),
    fails("5.4-binary-within-binary", binary("a", fin=False) + binary("b", fin=False), IN_MESSAGE, "length"),
    fails("5.4-text-within-empty-fragments", text(fin=False) + more(fin=False) + text(), IN_MESSAGE),
    fails("5.4-text-within-text-behind-a-ping", text("a", fin=False) + pong("p") + text("b"), IN_MESSAGE),
    fails("5.4-text-within-text-seen-in-the-first-byte", text("a", fin=False) + b"\x81", IN_MESSAGE),
    fails_after(
        "5.4-interleaved-messages", text("a", fin=False), text("b", fin=False) + more("c") + more("d"), IN_MESSAGE
    ),
    # How many.
    echoes("5.4-4096-empty-fragments", empty(4096), ""),
    echoes("5.4-4096-empty-fragments-twice", empty(4096) + cut(b"ab", 1) + empty(4096), "", "ab", ""),
    echoes("5.4-4096-empty-fragments-among-others", (text("a", fin=False) + (more(fin=False) + more("b", fin=False)) * 4095) + more(), b"a" + b"b" * 4095),
    fails("5.4-4097-empty-fragments", empty(4097), EMPTY_FRAGMENTS),
    fails("5.4-empty-fragments-without-end", text("a", fin=False) + more(fin=False) * 5000, EMPTY_FRAGMENTS),
    echoes("5.4-100000-fragments-of-a-byte", text("a", fin=False) + more("b", fin=False) * 99998 + more("c"), b"a" + b"b" * 99998 + b"c"),
    # Public suites send 4 MiB in frames of these sizes.
    *(
        echoes("5.4-4-MiB-in-fragments-of-%d%s" % (n, name), fragments(kind, 1 << 22, n), pattern(1 << 22), server=server)
        for n in (64, 4096, 1 << 20)
        for kind, name, server in ((text, "", "8 MiB"), (binary, "-binary", "8 MiB bytes"))
    ),
]
