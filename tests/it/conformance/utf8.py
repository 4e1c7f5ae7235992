# SPDX-License-Identifier: BSD-2-Clause
"""Sections 5.6 and 8.1: text is UTF-8 (RFC 3629), and what is not fails at its first wrong byte."""

from .case import CLOSE_REASON, NOT_UTF8, binary, body, close, closes, echoes, fails, fails_after, more, ping, text

# The first and the last character of each row of the table in RFC 3629, section 4, and others of note.
VALID = (
    ("U+0000", b"\x00"),
    ("U+0001", b"\x01"),
    ("U+007F", b"\x7f"),
    ("U+0080", b"\xc2\x80"),
    ("U+07FF", b"\xdf\xbf"),
    ("U+0800", b"\xe0\xa0\x80"),
    ("U+0FFF", b"\xe0\xbf\xbf"),
    ("U+1000", b"\xe1\x80\x80"),
    ("U+CFFF", b"\xec\xbf\xbf"),
    ("U+D000", b"\xed\x80\x80"),
    ("U+D7FF", b"\xed\x9f\xbf"),
    ("U+E000", b"\xee\x80\x80"),
    ("U+FFFF", b"\xef\xbf\xbf"),
    ("U+10000", b"\xf0\x90\x80\x80"),
    ("U+3FFFF", b"\xf0\xbf\xbf\xbf"),
    ("U+40000", b"\xf1\x80\x80\x80"),
    ("U+FFFFF", b"\xf3\xbf\xbf\xbf"),
    ("U+100000", b"\xf4\x80\x80\x80"),
    ("U+10FFFF", b"\xf4\x8f\xbf\xbf"),
    ("a-byte-order-mark", b"\xef\xbb\xbf"),
    ("U+FFFD", b"\xef\xbf\xbd"),
    ("a-noncharacter-FDD0", b"\xef\xb7\x90"),
    ("a-noncharacter-FFFE", b"\xef\xbf\xbe"),
    ("a-noncharacter-1FFFE", b"\xf0\x9f\xbf\xbe"),
    ("a-noncharacter-10FFFE", b"\xf4\x8f\xbf\xbe"),
    ("a-combining-mark", b"e\xcc\x81"),
    ("a-private-character", b"\xf4\x80\x80\x81"),
)

# What is never UTF-8, and which of its bytes is the first that can't be right.
INVALID = (
    ("a-continuation-80", b"\x80", 0),
    ("a-continuation-BF", b"\xbf", 0),
    ("two-continuations", b"\x80\xbf", 0),
    ("a-continuation-behind-a-character", b"\xc3\xbc\x80", 2),
    ("overlong-C0-80", b"\xc0\x80", 0),
    ("overlong-C0-AF", b"\xc0\xaf", 0),
    ("overlong-C1-BF", b"\xc1\xbf", 0),
    ("overlong-E0-80-80", b"\xe0\x80\x80", 1),
    ("overlong-E0-80-AF", b"\xe0\x80\xaf", 1),
    ("overlong-E0-9F-BF", b"\xe0\x9f\xbf", 1),
    ("overlong-F0-80-80-80", b"\xf0\x80\x80\x80", 1),
    ("overlong-F0-80-80-AF", b"\xf0\x80\x80\xaf", 1),
    ("overlong-F0-8F-BF-BF", b"\xf0\x8f\xbf\xbf", 1),
    ("surrogate-D800", b"\xed\xa0\x80", 1),
    ("surrogate-DBFF", b"\xed\xaf\xbf", 1),
    ("surrogate-DC00", b"\xed\xb0\x80", 1),
    ("surrogate-DFFF", b"\xed\xbf\xbf", 1),
    ("surrogate-pair", b"\xed\xa0\xbd\xed\xb8\x80", 1),
    ("above-10FFFF", b"\xf4\x90\x80\x80", 1),
    ("above-F4-BF", b"\xf4\xbf\xbf\xbf", 1),
    ("F5", b"\xf5\x80\x80\x80", 0),
    ("F7", b"\xf7\xbf\xbf\xbf", 0),
    ("five-bytes", b"\xf8\x88\x80\x80\x80", 0),
    ("six-bytes", b"\xfc\x84\x80\x80\x80\x80", 0),
    ("FE", b"\xfe", 0),
    ("FF", b"\xff", 0),
    ("UTF-16", b"\xff\xfeh\x00", 0),
    ("latin-1", b"caf\xe9!", 4),
    ("C2-and-a-letter", b"\xc2A", 1),
    ("C2-and-C2", b"\xc2\xc2\x80", 1),
    ("E2-and-a-letter", b"\xe2A", 1),
    ("E2-82-and-a-letter", b"\xe2\x82A", 2),
    ("E2-82-and-E2", b"\xe2\x82\xe2\x82\xac", 2),
    ("F0-and-a-letter", b"\xf0A", 1),
    ("F0-9F-and-a-letter", b"\xf0\x9fA", 2),
    ("F0-9F-98-and-a-letter", b"\xf0\x9f\x98A", 3),
    ("F0-9F-98-and-F0", b"\xf0\x9f\x98\xf0", 3),
    ("five-continuations-behind-F0", b"\xf0\x9f\x98\x80\x80", 4),
)

# What is right so far when the message ends.
CUT = (
    ("C2", b"\xc2"),
    ("DF", b"\xdf"),
    ("E0", b"\xe0"),
    ("E0-A0", b"\xe0\xa0"),
    ("ED", b"\xed"),
    ("ED-9F", b"\xed\x9f"),
    ("EF-BF", b"\xef\xbf"),
    ("F0", b"\xf0"),
    ("F0-90", b"\xf0\x90"),
    ("F0-90-80", b"\xf0\x90\x80"),
    ("F4-8F-BF", b"\xf4\x8f\xbf"),
)


def begun(payload, length=100):
    """A text frame that announces LENGTH bytes, of which only PAYLOAD was sent so far."""
    return text(payload, length=length)


def inner_cuts(raw):
    return range(1, len(raw))


CASES = [
    *(echoes("5.6-utf8-valid-%s" % name, text(raw), raw) for name, raw in VALID),
    *(
        echoes("5.6-utf8-valid-%s-in-words" % name, text(b"ab" + raw + b"cd"), b"ab" + raw + b"cd")
        for name, raw in VALID
        if len(raw) > 1
    ),
    *(
        echoes("5.6-utf8-fragments-cut-%s-at-%d" % (name, at), text(raw[:at], fin=False) + more(raw[at:]), raw)
        for name, raw in VALID
        for at in inner_cuts(raw)
    ),
    echoes(
        "5.6-utf8-fragments-of-a-byte",
        text(b"\xf0", fin=False) + more(b"\x9f", fin=False) + more(b"\x98", fin=False) + more(b"\x80"),
        "\U0001f600",
    ),
    echoes(
        "5.6-utf8-empty-fragments-within-a-character",
        text(b"\xf0\x9f", fin=False) + more(fin=False) + more(b"\x98\x80"),
        "\U0001f600",
    ),
    echoes(
        "5.6-utf8-ping-within-a-character",
        text(b"\xe2", fin=False) + ping(b"\xff") + more(b"\x82\xac"),
        "\u20ac",
        pongs=(b"\xff",),
    ),
    echoes("5.6-utf8-all-rows-in-one", text(b" ".join(raw for _, raw in VALID)), b" ".join(raw for _, raw in VALID)),
    echoes("5.6-utf8-long", text("\u20ac" * 20000), "\u20ac" * 20000),
    # A message as a whole.
    *(fails("8.1-invalid-%s" % name, text(raw), NOT_UTF8) for name, raw, _ in INVALID),
    *(
        fails("8.1-invalid-%s-in-words" % name, text(b"some words before " + raw + b" and behind"), NOT_UTF8)
        for name, raw, _ in INVALID
    ),
    *(fails("8.1-cut-%s" % name, text(raw), NOT_UTF8) for name, raw in CUT),
    *(fails("8.1-cut-%s-behind-words" % name, text(b"0123456789abcdef" + raw), NOT_UTF8) for name, raw in CUT),
    # At the first wrong byte: what is behind it is never sent.
    *(fails("8.1-at-once-%s" % name, begun(raw[: wrong + 1]), NOT_UTF8) for name, raw, wrong in INVALID),
    *(
        fails(
            "8.1-at-once-%s-behind-words" % name,
            begun(b"0123456789abcdef0123456789abcdef" + raw[: wrong + 1]),
            NOT_UTF8,
        )
        for name, raw, wrong in INVALID
    ),
    # Between fragments.
    *(
        fails("8.1-fragments-cut-%s-at-%d" % (name, at), text(raw[:at], fin=False) + more(raw[at:]), NOT_UTF8)
        for name, raw, wrong in INVALID
        for at in inner_cuts(raw)
        if at <= wrong
    ),
    *(
        fails("8.1-at-once-in-a-fragment-%s" % name, text(raw[: wrong + 1], fin=False), NOT_UTF8)
        for name, raw, wrong in INVALID
    ),
    *(
        fails("8.1-cut-%s-by-the-last-fragment" % name, text(b"a", fin=False) + more(raw), NOT_UTF8)
        for name, raw in CUT
    ),
    *(
        fails("8.1-cut-%s-by-an-empty-last-fragment" % name, text(raw, fin=False) + more(), NOT_UTF8)
        for name, raw in CUT
    ),
    fails("8.1-invalid-behind-64-kib", text(b"x" * 65536 + b"\xff"), NOT_UTF8),
    fails("8.1-invalid-in-the-last-fragment", text("ok", fin=False) + more("ok", fin=False) + more(b"\xc0"), NOT_UTF8),
    fails("8.1-invalid-with-a-ping-between", text(b"\xe2", fin=False) + more(b"A"), NOT_UTF8),
    fails_after("8.1-invalid-after-a-valid-one", text("\u20ac"), text(b"\xe2\x82"), NOT_UTF8, ("\u20ac",)),
    fails_after("8.1-no-state-is-left-by-a-message", text("\u20ac"), text(b"\x82\xac"), NOT_UTF8, ("\u20ac",)),
    fails("8.1-text-to-a-program-of-bytes", text(b"\xff"), NOT_UTF8, "bytes"),
    *(echoes("8.1-binary-is-not-checked-%s" % name, binary(raw), raw, server="bytes") for name, raw, _ in INVALID[::4]),
    # The reason of a CLOSE.
    *(fails("8.1-close-reason-%s" % name, close(1000, raw), CLOSE_REASON) for name, raw, _ in INVALID),
    *(fails("8.1-close-reason-cut-%s" % name, close(1000, raw), CLOSE_REASON) for name, raw in CUT),
    *(closes("8.1-close-reason-valid-%s" % name, close(1000, raw), body(1000)) for name, raw in VALID[3::3]),
]
