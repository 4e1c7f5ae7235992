# SPDX-License-Identifier: BSD-2-Clause
"""
What RFC 6455, and RFC 7692 with --deflate, ask of a server, as data: what is sent and what comes back, to the byte.

A case is named after the clause that it holds the server to. Each module is one subject;
`clauses` lists the clauses that must have a case.
"""

from . import close, control, deflate, fragments, frames, handshake, limits, utf8

GROUPS = {
    "frames": frames.CASES,
    "fragments": fragments.CASES,
    "control": control.CASES,
    "utf8": utf8.CASES,
    "close": close.CASES,
    "limits": limits.CASES,
    "deflate": deflate.CASES,
}

HANDSHAKES = handshake.CASES + deflate.HANDSHAKES
