# SPDX-License-Identifier: BSD-2-Clause
"""Sections 5.5.1 and 7: the close handshake."""

from .case import (
    CLOSE,
    CLOSE_CODE,
    CLOSE_LEN,
    CLOSE_REASON,
    CONTROL_LEN,
    NO_MESSAGE,
    NOT_UTF8,
    OPCODE,
    RSV,
    TEXT,
    UNMASKED,
    Case,
    Step,
    binary,
    body,
    close,
    closes,
    fails,
    fails_after,
    frame,
    more,
    ping,
    pong,
    text,
)

VALID = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000, 4001, 4999)
# 0 to 999 are not used; 1004 is reserved; 1005, 1006 and 1015 never stand in a frame; 1016 to 2999
# are the protocol's own and not defined; nothing is said of what is above 4999.
INVALID = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 5001, 9999, 32768, 65535)


def ended(name, server, send, payloads, code, reason, answer=None):
    """The program of SERVER ends when it gets SEND, behind PAYLOADS; ANSWER is sent when its CLOSE was seen."""
    data = tuple((TEXT, p) for p in payloads)
    return Case(
        name, (Step(send, data=data),), server, body(code, reason), close(code, reason) if answer is None else answer
    )


CASES = [
    # Bodies.
    closes("5.5.1-empty", close(), b""),
    *(closes("7.4-code-%d" % code, close(code), body(code)) for code in VALID),
    *(closes("7.4-code-%d-with-a-reason" % code, close(code, "a reason"), body(code)) for code in VALID),
    *(fails("7.4-code-%d-is-invalid" % code, close(code), CLOSE_CODE) for code in INVALID),
    *(fails("7.4-code-%d-with-a-reason-is-invalid" % code, close(code, "a reason"), CLOSE_CODE) for code in INVALID),
    fails("5.5.1-half-a-code", frame(CLOSE, b"\x03"), CLOSE_LEN),
    fails("5.5.1-half-a-code-seen-in-the-header", b"\x88\x81", CLOSE_LEN),
    closes("5.5.1-reason-of-1", close(1000, "x"), body(1000)),
    closes("5.5.1-reason-of-122", close(1000, "x" * 122), body(1000)),
    closes("5.5.1-reason-of-123", close(1000, "x" * 123), body(1000)),
    fails("5.5.1-reason-of-124", close(1000, "x" * 124), CONTROL_LEN),
    closes("5.5.1-reason-with-control-characters", close(1000, "a\n\r\x00b"), body(1000)),
    closes("5.5.1-reason-not-ascii", close(1000, "f\u00fcr 5 \u20ac \U0001f600"), body(1000)),
    fails("5.5.1-reason-not-utf8", close(1000, b"\xff"), CLOSE_REASON),
    fails("5.5.1-reason-cut-within-a-character", close(1000, ("\u20ac" * 41).encode()[:-1]), CLOSE_REASON),
    fails("5.5.1-code-is-judged-before-the-reason", close(1005, b"\xff"), CLOSE_CODE),
    closes("5.5.1-masked-by-zeros", close(1000, "x", mask=b"\0\0\0\0"), body(1000)),
    fails("5.5.1-unmasked", close(1000, mask=None), UNMASKED),
    fails("5.5.1-unmasked-empty", close(mask=None), UNMASKED),
    fails("5.5.1-rsv1", close(1000, rsv=4), RSV),
    # Where it comes.
    Case("7.1.2-after-a-message", (Step(text("a"), data=((TEXT, b"a"),)), Step(close(1000))), close=body(1000)),
    Case("7.1.2-after-a-ping", (Step(ping("p"), control=((10, b"p"),)), Step(close(1000))), close=body(1000)),
    closes("5.5.1-in-a-message", text("a", fin=False) + more("b", fin=False) + close(1000), body(1000)),
    closes("5.5.1-empty-in-a-message", text("a", fin=False) + close(), b""),
    closes("5.5.1-behind-a-pong", pong("p") + close(3000), body(3000)),
    # The server answers with its CLOSE and closes TCP, whatever comes behind theirs.
    closes("5.5.1-answered-and-closed", close(1000), body(1000)),
    closes("7.1.1-server-closes-first", close(1001), body(1001)),
    closes("5.5.1-text-behind-it-is-ignored", close(1000) + text("a"), body(1000)),
    closes("5.5.1-binary-behind-it-is-ignored", close(1000) + binary("a"), body(1000)),
    closes("5.5.1-ping-behind-it-is-ignored", close(1000) + ping("a"), body(1000)),
    closes("5.5.1-pong-behind-it-is-ignored", close(1000) + pong("a"), body(1000)),
    closes("5.5.1-second-close-is-ignored", close(1000) + close(1001), body(1000)),
    closes("5.5.1-invalid-close-behind-it-is-ignored", close(1000) + close(1005), body(1000)),
    closes("5.5.1-end-of-message-behind-it-is-ignored", text("a", fin=False) + close(1000) + more("b"), body(1000)),
    closes("5.5.1-unmasked-behind-it-is-ignored", close(1000) + text("a", mask=None), body(1000)),
    closes("5.5.1-reserved-opcode-behind-it-is-ignored", close(1000) + frame(3), body(1000)),
    closes("5.5.1-half-a-header-behind-it-is-ignored", close(1000) + b"\x81", body(1000)),
    closes("5.5.1-half-a-frame-behind-it-is-ignored", close(1000) + text("abc")[:-1], body(1000)),
    closes("5.5.1-noise-behind-it-is-ignored", close(1000) + bytes(range(255, 0, -1)), body(1000)),
    closes("5.5.1-much-behind-it-is-ignored", close(1000) + text("x" * 60000), body(1000)),
    # Failing: a CLOSE with the code, then nothing is heard and TCP is closed.
    fails("7.1.7-text-behind-a-failure-is-ignored", more("a") + text("b"), NO_MESSAGE),
    fails("7.1.7-close-behind-a-failure-is-ignored", more("a") + close(1000), NO_MESSAGE),
    fails("7.1.7-ping-behind-a-failure-is-ignored", frame(3) + ping("p"), OPCODE),
    fails("7.1.7-second-failure-is-ignored", text("a", rsv=1) + text("b", mask=None) + close(1005), RSV),
    fails("7.1.7-noise-behind-a-failure-is-ignored", frame(15) + bytes(range(255, 0, -1)), OPCODE),
    fails("7.1.7-much-behind-a-failure-is-ignored", text(b"\xff") + text("x" * 60000), NOT_UTF8),
    fails_after("7.1.7-after-messages", text("a") + text("b"), text("c", rsv=4), RSV, ("a", "b")),
    # The server begins: what it had to say goes before; nothing but their CLOSE counts behind.
    ended("7.1.5-exit-0", "exit", text("0"), (), 1000, "exit 0"),
    ended("7.1.5-exit-1", "exit", text("1"), (), 4001, "exit 1"),
    ended("7.1.5-exit-3", "exit", text("3"), (), 4003, "exit 3"),
    ended("7.1.5-exit-255", "exit", text("255"), (), 4255, "exit 255"),
    ended("7.1.5-signal-TERM", "kill", text("TERM"), (), 4271, "signal TERM"),
    ended("7.1.5-signal-KILL", "kill", text("KILL"), (), 4265, "signal KILL"),
    ended("7.1.6-last-words-before-the-close", "last words", text("5"), (b"one", b"two", b"three"), 4005, "exit 5"),
    ended("7.1.2-answered-with-another-code", "exit", text("0"), (), 1000, "exit 0", close(4999, "bye")),
    ended("7.1.2-answered-with-nothing", "exit", text("0"), (), 1000, "exit 0", close()),
    ended("5.5.1-no-pong-behind-our-close", "exit", text("0"), (), 1000, "exit 0", ping("p") + close(1000)),
    ended("5.5.1-no-echo-behind-our-close", "exit", text("0"), (), 1000, "exit 0", text("a") + text("b") + close(1000)),
    ended("5.5.1-no-second-close-when-theirs-is-invalid", "exit", text("0"), (), 1000, "exit 0", close(1005)),
    ended(
        "5.5.1-no-second-close-when-theirs-is-unmasked", "exit", text("0"), (), 1000, "exit 0", close(1000, mask=None)
    ),
    ended("5.5.1-no-second-close-at-a-failure", "exit", text("0"), (), 1000, "exit 0", frame(3) + close(1000)),
]
