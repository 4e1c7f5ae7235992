# SPDX-License-Identifier: BSD-2-Clause
"""Sections 5.1 to 5.3 and 5.6: headers, reserved bits, opcodes, lengths, masking, types."""

import struct

from .case import (
    BINARY,
    CLOSE,
    CONTINUATION,
    IN_MESSAGE,
    LEN,
    NO_MESSAGE,
    OPCODE,
    PING,
    PONG,
    RSV,
    TEXT,
    TYPE,
    UNMASKED,
    answered,
    binary,
    body,
    close,
    echoes,
    fails,
    fails_after,
    frame,
    more,
    pattern,
    ping,
    text,
)

KINDS = (
    ("text", TEXT, b"x"),
    ("binary", BINARY, b"x"),
    ("close", CLOSE, body(1000)),
    ("ping", PING, b"x"),
    ("pong", PONG, b"x"),
)

# Both sides of each border between two forms of the length, and some between.
LENGTHS = (
    0,
    1,
    2,
    3,
    7,
    8,
    63,
    64,
    124,
    125,
    126,
    127,
    128,
    255,
    256,
    1000,
    4095,
    4096,
    4097,
    32768,
    65534,
    65535,
    65536,
    65537,
    131072,
    1048575,
    1048576,
)

MASKS = (
    ("zero", b"\0\0\0\0"),
    ("ones", b"\xff\xff\xff\xff"),
    ("high-bits", b"\x80\x80\x80\x80"),
    ("four-bytes", b"\x37\xfa\x21\x3d"),  # that of section 5.7
    ("first-byte", b"\xff\0\0\0"),
    ("second-byte", b"\0\xff\0\0"),
    ("third-byte", b"\0\0\xff\0"),
    ("last-byte", b"\0\0\0\xff"),
    ("payload", b"mask"),
)


def wide(bits, length, opcode=TEXT, payload=b"", mask=b"\x01\x02\x03\x04"):
    """A header whose length is LENGTH in 16 or 64 BITS, whatever would do."""
    first = bytes([0x80 | opcode, 0x80 | (126 if bits == 16 else 127)])
    number = struct.pack(">H" if bits == 16 else ">Q", length)
    masked = bytes(b ^ mask[i & 3] for i, b in enumerate(payload))
    return first + number + mask + masked


CASES = [
    # The examples of section 5.7, byte by byte as they are printed there.
    echoes("5.7-masked-hello", b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "Hello"),
    fails("5.7-unmasked-hello", b"\x81\x05\x48\x65\x6c\x6c\x6f", UNMASKED),
    echoes("5.7-masked-pong", b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
    # Section 5.1.
    *(fails("5.1-unmasked-%s" % name, frame(opcode, payload, mask=None), UNMASKED) for name, opcode, payload in KINDS),
    *(fails("5.1-unmasked-empty-%s" % name, frame(opcode, mask=None), UNMASKED) for name, opcode, _ in KINDS),
    *(fails("5.1-unmasked-text-of-%d" % n, text(b"x" * n, mask=None), UNMASKED) for n in (125, 126, 65535, 65536)),
    fails("5.1-unmasked-seen-in-the-second-byte", b"\x81\x05", UNMASKED),
    fails("5.1-unmasked-seen-before-the-length", b"\x81\x7f", UNMASKED),
    fails_after("5.1-unmasked-after-a-masked-one", text("a"), text("b", mask=None), UNMASKED, ("a",)),
    fails_after("5.1-unmasked-continuation", text("a", fin=False), more("b", mask=None), UNMASKED),
    fails_after("5.1-unmasked-ping-in-a-message", text("a", fin=False), ping(mask=None), UNMASKED),
    echoes("5.1-server-frames-are-not-masked", text("a") + ping("b"), "a", pongs=(b"b",)),
    # Section 5.2: the reserved bits.
    *(
        fails("5.2-rsv%d-on-%s" % (rsv, name), frame(opcode, payload, rsv=rsv), RSV)
        for name, opcode, payload in KINDS
        for rsv in range(1, 8)
    ),
    *(
        fails_after("5.2-rsv%d-on-continuation" % rsv, text("a", fin=False), more("b", rsv=rsv), RSV)
        for rsv in range(1, 8)
    ),
    fails("5.2-rsv1-without-extension", b"\xc1\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", RSV),
    *(fails("5.2-rsv%d-seen-in-the-first-byte" % rsv, bytes([0x81 | rsv << 4]), RSV) for rsv in (1, 2, 4)),
    fails_after("5.2-rsv1-after-a-message", text("a"), text("b", rsv=4), RSV, ("a",)),
    # Section 5.2: the opcodes.
    *(fails("5.2-opcode-%d-is-reserved" % op, frame(op, b"x"), OPCODE) for op in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    *(fails("5.2-opcode-%d-empty" % op, frame(op), OPCODE) for op in (3, 7, 11, 15)),
    *(fails("5.2-opcode-%d-not-final" % op, frame(op, b"x", fin=False), OPCODE) for op in (3, 7, 11, 15)),
    *(fails("5.2-opcode-%d-seen-in-the-first-byte" % op, bytes([0x80 | op]), OPCODE) for op in (3, 7, 11, 15)),
    *(
        fails_after("5.2-opcode-%d-in-a-message" % op, text("a", fin=False), frame(op, b"x"), OPCODE)
        for op in (3, 7, 11, 15)
    ),
    fails_after("5.2-opcode-3-after-a-message", text("a"), frame(3), OPCODE, ("a",)),
    # Section 5.2: the length.
    *(echoes("5.2-length-%d-text" % n, text(pattern(n)), pattern(n)) for n in LENGTHS),
    *(echoes("5.2-length-%d-binary" % n, binary(pattern(n)), pattern(n), server="bytes") for n in LENGTHS),
    *(fails("5.2-length-%d-in-16-bits" % n, wide(16, n, payload=b"x" * n), LEN) for n in (0, 1, 124, 125)),
    *(fails("5.2-length-%d-in-64-bits" % n, wide(64, n, payload=b"x" * n), LEN) for n in (0, 1, 125, 126, 65535)),
    *(fails("5.2-length-%d-in-16-bits-binary" % n, wide(16, n, BINARY), LEN, "bytes") for n in (0, 125)),
    *(fails("5.2-length-%d-in-64-bits-binary" % n, wide(64, n, BINARY), LEN, "bytes") for n in (0, 65535)),
    fails("5.2-length-125-in-16-bits-seen-in-the-header", b"\x81\xfe\x00\x7d", LEN),
    fails("5.2-length-65535-in-64-bits-seen-in-the-header", b"\x81\xff" + struct.pack(">Q", 65535), LEN),
    *(
        fails("5.2-length-%s-has-the-top-bit" % name, wide(64, n), LEN)
        for name, n in (("2^63", 1 << 63), ("2^64-1", (1 << 64) - 1), ("2^63+5", (1 << 63) + 5))
    ),
    fails("5.2-length-top-bit-seen-in-its-byte", b"\x81\xff\x80", LEN),
    fails_after("5.2-length-not-minimal-in-a-continuation", text("a", fin=False), b"\x80\xfe\x00\x01", LEN),
    echoes("5.2-length-126-of-a-fragment", text(b"a" * 126, fin=False) + more(b"b" * 126), b"a" * 126 + b"b" * 126),
    echoes(
        "5.2-several-frames-in-a-packet", b"".join(text("%d" % i) for i in range(20)), *("%d" % i for i in range(20))
    ),
    echoes(
        "5.2-several-sizes-in-a-packet",
        b"".join(text(pattern(n)) for n in (0, 125, 126, 1, 4000, 0, 127)),
        *(pattern(n) for n in (0, 125, 126, 1, 4000, 0, 127)),
    ),
    # Section 5.3.
    *(echoes("5.3-mask-of-%s" % name, text("masked text", mask=mask), "masked text") for name, mask in MASKS),
    *(
        echoes(
            "5.3-mask-of-%s-on-all-bytes" % name,
            binary(bytes(range(256)), mask=mask),
            bytes(range(256)),
            server="bytes",
        )
        for name, mask in MASKS
    ),
    *(
        echoes("5.3-masked-length-%d" % n, text(pattern(n), mask=b"\x37\xfa\x21\x3d"), pattern(n))
        for n in (*range(1, 20), 31, 32, 33, 63, 65)
    ),
    echoes(
        "5.3-each-frame-has-its-mask",
        text("one", mask=b"\x11\x22\x33\x44") + text("two", mask=b"\xaa\xbb\xcc\xdd") + text("three", mask=b"\0\0\0\0"),
        "one",
        "two",
        "three",
    ),
    echoes(
        "5.3-each-fragment-begins-its-mask-anew",
        text("abcde", fin=False, mask=b"\x11\x22\x33\x44")
        + more("fgh", fin=False, mask=b"\xaa\xbb\xcc\xdd")
        + more("ijklmno", mask=b"\x01\x80\xff\x7f"),
        "abcdefghijklmno",
    ),
    echoes(
        "5.3-a-ping-between-has-its-mask",
        text("abcde", fin=False, mask=b"\x11\x22\x33\x44")
        + ping("xyz", mask=b"\xff\xfe\xfd\xfc")
        + more("fgh", mask=b"\xaa\xbb\xcc\xdd"),
        "abcdefgh",
        pongs=(b"xyz",),
    ),
    # Section 5.6.
    echoes("5.6-text", text("text"), "text"),
    echoes("5.6-text-with-nul", text(b"a\0b"), b"a\0b"),
    echoes("5.6-binary", binary(b"\x00\xff\x80"), b"\x00\xff\x80", server="bytes"),
    echoes(
        "5.6-binary-is-any-bytes", binary(bytes(range(255, -1, -1)) * 4), bytes(range(255, -1, -1)) * 4, server="bytes"
    ),
    echoes("5.6-text-to-a-program-of-bytes", text("text"), "text", server="bytes"),
    answered("5.6-binary-to-a-program-of-lines", binary("x"), TYPE),
    answered("5.6-binary-empty-to-a-program-of-lines", binary(), TYPE),
    answered("5.6-binary-in-fragments-to-a-program-of-lines", binary("a", fin=False) + more("b"), TYPE),
    # Sections 5.2 and 5.4, on the borders of the two.
    fails("5.2-continuation-is-no-first-frame", frame(CONTINUATION, b"x"), NO_MESSAGE),
    fails("5.2-text-opcode-only-begins", text("a", fin=False) + text("b"), IN_MESSAGE),
    echoes("5.2-fin-of-every-kind", text("a", fin=False) + ping() + more("b") + text("c"), "ab", "c", pongs=(b"",)),
    fails("5.2-judged-before-what-follows", text("a", rsv=2) + close(1000), RSV),
]
