# SPDX-License-Identifier: BSD-2-Clause
"""Section 10.4: limits of what a client may send, judged from the header alone."""

import struct

from .case import TOO_BIG, UNMASKED, binary, close, echoes, fails, fails_after, more, pattern, ping, text

HUGE = ((1 << 20) + 1, 1 << 24, (1 << 31) - 1, 1 << 31, 1 << 32, (1 << 32) + 1, 1 << 48, 1 << 62, (1 << 63) - 1)


def header(length, first=0x81, mask=b"\x01\x02\x03\x04"):
    return bytes([first, 0xFF]) + struct.pack(">Q", length) + mask


CASES = [
    *(fails("10.4-length-%d-from-the-header" % n, header(n), TOO_BIG) for n in HUGE),
    *(fails("10.4-length-%d-of-binary" % n, header(n, 0x82), TOO_BIG, "1 MiB bytes") for n in HUGE[::4]),
    *(fails("10.4-length-%d-of-a-fragment" % n, header(n, 0x01), TOO_BIG) for n in HUGE[::4]),
    *(
        fails_after("10.4-length-%d-of-a-continuation" % n, text("a", fin=False), header(n, 0x80), TOO_BIG)
        for n in HUGE[::4]
    ),
    fails_after("10.4-sum-does-not-overflow", text("ab", fin=False), header((1 << 63) - 1, 0x80), TOO_BIG),
    fails("10.4-unmasked-is-judged-first", b"\x81\x7f" + struct.pack(">Q", 1 << 40), UNMASKED),
    echoes("10.4-at-the-limit", text(pattern(1024)), pattern(1024), server="1024"),
    echoes("10.4-below-the-limit", text(pattern(1023)), pattern(1023), server="1024"),
    fails("10.4-above-the-limit", text(pattern(1025)), TOO_BIG, "1024"),
    fails("10.4-above-the-limit-from-the-header", text(b"", length=1025), TOO_BIG, "1024"),
    echoes("10.4-at-the-limit-binary", binary(pattern(1024)), pattern(1024), server="1024 bytes"),
    fails("10.4-above-the-limit-binary", binary(pattern(1025)), TOO_BIG, "1024 bytes"),
    echoes(
        "10.4-fragments-at-the-limit",
        text(pattern(1000), fin=False) + more(b"x" * 24),
        pattern(1000) + b"x" * 24,
        server="1024",
    ),
    fails("10.4-fragments-above-the-limit", text(pattern(1000), fin=False) + more(b"x" * 25), TOO_BIG, "1024"),
    fails(
        "10.4-fragments-above-the-limit-from-the-header",
        text(pattern(1000), fin=False) + more(b"", length=25),
        TOO_BIG,
        "1024",
    ),
    fails(
        "10.4-many-fragments-above-the-limit",
        text(b"x" * 125, fin=False) + more(b"x" * 125, fin=False) * 9,
        TOO_BIG,
        "1024",
    ),
    echoes("10.4-empty-fragment-at-the-limit", text(pattern(1024), fin=False) + more(), pattern(1024), server="1024"),
    echoes(
        "10.4-the-next-message-begins-anew",
        text(pattern(1024)) + text(pattern(1024)),
        pattern(1024),
        pattern(1024),
        server="1024",
    ),
    echoes(
        "10.4-control-frames-do-not-count",
        text(pattern(1000), fin=False) + ping(b"p" * 125) + more(b"x" * 24),
        pattern(1000) + b"x" * 24,
        pongs=(b"p" * 125,),
        server="1024",
    ),
    echoes("10.4-bytes-count-not-characters", text("\u20ac" * 341), "\u20ac" * 341, server="1024"),
    fails("10.4-bytes-count-not-characters-above", text("\u20ac" * 342), TOO_BIG, "1024"),
    fails_after("10.4-after-a-message", text("a"), text(b"", length=1025), TOO_BIG, ("a",), server="1024"),
    fails("10.4-close-behind-it-is-ignored", text(b"", length=1025) + close(1000), TOO_BIG, "1024"),
    echoes("10.4-limit-of-1", text("a") + text("") + text("b"), "a", "", "b", server="1 byte"),
    fails("10.4-limit-of-1-above", text("ab"), TOO_BIG, "1 byte"),
    echoes("10.4-ping-above-the-limit-of-messages", ping(b"p" * 125), pongs=(b"p" * 125,), server="1 byte"),
]
