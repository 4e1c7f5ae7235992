# SPDX-License-Identifier: BSD-2-Clause
"""Section 4.2: the opening handshake, what is a 101 and what is refused, to the byte."""

import os
from typing import NamedTuple, Optional

from wsraw import ACCEPT, KEY


class Handshake(NamedTuple):
    """The usual request with changes; a field that is None is left out, one that is a list is repeated."""

    name: str
    status: int
    fields: dict = {}
    method: str = "GET"
    version: str = "HTTP/1.1"
    path: str = "/"
    accept: str = ACCEPT
    extra: tuple = ()  # lines of the answer besides the usual ones, in order
    server: tuple = ("cat",)
    head: Optional[bytes] = None  # in place of all that
    body: bool = True  # the answer has one


EXAMPLES = os.path.join(os.environ.get("top_srcdir", "."), "examples")
VERSION_13 = "Sec-WebSocket-Version: 13"
UPGRADE_REQUIRED = (VERSION_13, "Upgrade: websocket", "Connection: Upgrade")


def opens(name, fields=None, **kwargs):
    return Handshake(name, 101, fields or {}, **kwargs)


def refused(name, status, fields=None, **kwargs):
    return Handshake(name, status, fields or {}, **kwargs)


# Keys and what section 4.2.2, item 5.4, makes of them, computed with other tools.
KEYS = (
    ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),  # of section 1.3
    ("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
    ("AQIDBAUGBwgJCgsMDQ4PEA==", "C/0nmHhBztSRGR1CwL6Tf4ZjwpY="),  # the example of section 4.1
    ("AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
)

CASES = [
    # Item 5 of 4.2.2: the answer.
    *(opens("4.2.2-accept-of-%s" % key, {"Sec-WebSocket-Key": key}, accept=accept) for key, accept in KEYS),
    opens("4.2.2-101", {}),
    opens("4.2.2-key-with-blanks-around", {"Sec-WebSocket-Key": "  %s \t" % KEY}),
    # Item 1: GET, HTTP/1.1 or higher, a target.
    *(
        refused("4.2.1-method-%s" % method, 405, method=method, extra=("Allow: GET",), body=method != "HEAD")
        for method in ("POST", "PUT", "HEAD", "OPTIONS", "DELETE", "get", "GETS")
    ),
    refused("4.2.1-http-1.0", 400, version="HTTP/1.0"),
    opens("4.2.1-http-1.2-is-higher", version="HTTP/1.2"),
    refused("4.2.1-http-2.1", 505, version="HTTP/2.1"),
    refused("4.2.1-http-0.9", 505, version="HTTP/0.9"),
    refused("4.2.1-http-in-lower-case", 400, version="http/1.1"),
    refused("4.2.1-http-1.10", 400, version="HTTP/1.10"),
    refused("4.2.1-target-not-a-path", 400, path="chat"),
    refused("4.2.1-target-with-a-fragment", 400, path="/#chat"),
    refused("4.2.1-target-is-a-star", 400, path="*"),
    opens("4.2.1-target-with-a-query", path="/?a=b&c=%20"),
    opens("4.2.1-target-is-absolute", path="http://localhost/"),
    # Item 2: Host.
    refused("4.2.1-host-missing", 400, {"Host": None}),
    refused("4.2.1-host-twice", 400, {"Host": ["localhost", "localhost"]}),
    refused("4.2.1-host-empty", 400, {"Host": ""}),
    refused("4.2.1-host-invalid", 400, {"Host": "local host"}),
    refused("4.2.1-host-with-a-path", 400, {"Host": "localhost/"}),
    opens("4.2.1-host-without-port", {"Host": "localhost"}),
    opens("4.2.1-host-in-upper-case", {"Host": "LOCALHOST"}),
    # Item 4 of 4.2.2, /resource name/: a service that is not there.
    refused("4.2.2-resource-not-there", 404, path="/no-such.sh", server=("--dir=" + EXAMPLES,)),
    refused("4.2.2-resource-is-a-directory", 404, path="/framings", server=("--dir=" + EXAMPLES,)),
    refused("4.2.2-resource-not-executable", 403, path="/README.md", server=("--dir=" + EXAMPLES,)),
    opens("4.2.2-resource-there", path="/cat.sh", server=("--dir=" + EXAMPLES,)),
    # Section 8.1 holds for the handshake too.
    refused("8.1-handshake-path-not-utf8", 400, path="/%ff"),
    refused("8.1-handshake-path-cut-within-a-character", 400, path="/%e2%82"),
    opens("8.1-handshake-path-in-utf8", path="/%e2%82%ac"),
    # Item 3: Upgrade.
    *(opens("4.2.1-upgrade-is-%s" % value, {"Upgrade": value}) for value in ("WebSocket", "WEBSOCKET", "wEbSoCkEt")),
    opens("4.2.1-upgrade-in-a-list", {"Upgrade": "h2c, websocket"}),
    opens("4.2.1-upgrade-in-two-fields", {"Upgrade": ["h2c", "websocket"]}),
    refused("4.2.1-upgrade-missing", 426, {"Upgrade": None}, extra=UPGRADE_REQUIRED[1:]),
    refused("4.2.1-upgrade-to-another", 426, {"Upgrade": "h2c"}, extra=UPGRADE_REQUIRED[1:]),
    refused("4.2.1-upgrade-to-a-longer-name", 426, {"Upgrade": "websockets"}, extra=UPGRADE_REQUIRED[1:]),
    refused("4.2.1-upgrade-empty", 426, {"Upgrade": ""}, extra=UPGRADE_REQUIRED[1:]),
    # Item 4: Connection.
    *(
        opens("4.2.1-connection-is-%s" % value.replace(", ", "-"), {"Connection": value})
        for value in ("upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade, keep-alive", "keep-alive,upgrade,x")
    ),
    opens("4.2.1-connection-in-two-fields", {"Connection": ["keep-alive", "Upgrade"]}),
    refused("4.2.1-connection-missing", 400, {"Connection": None}),
    refused("4.2.1-connection-of-others", 400, {"Connection": "keep-alive"}),
    refused("4.2.1-connection-of-a-longer-name", 400, {"Connection": "upgraded"}),
    refused("4.2.1-connection-close", 400, {"Connection": "close"}),
    # Item 5: the key, 16 bytes.
    refused("4.2.1-key-missing", 400, {"Sec-WebSocket-Key": None}),
    refused("4.2.1-key-empty", 400, {"Sec-WebSocket-Key": ""}),
    refused("4.2.1-key-of-15-bytes", 400, {"Sec-WebSocket-Key": "AQIDBAUGBwgJCgsMDQ4P"}),
    refused("4.2.1-key-of-17-bytes", 400, {"Sec-WebSocket-Key": "AQIDBAUGBwgJCgsMDQ4PEBE="}),
    refused("4.2.1-key-without-padding", 400, {"Sec-WebSocket-Key": KEY[:22]}),
    refused("4.2.1-key-with-less-padding", 400, {"Sec-WebSocket-Key": KEY[:23]}),
    refused("4.2.1-key-with-more-padding", 400, {"Sec-WebSocket-Key": KEY + "="}),
    refused("4.2.1-key-of-other-characters", 400, {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j_-=="}),
    refused("4.2.1-key-with-a-blank-within", 400, {"Sec-WebSocket-Key": KEY[:10] + " " + KEY[11:]}),
    refused("4.2.1-key-not-ascii", 400, {"Sec-WebSocket-Key": "\xe4" + KEY[1:]}),
    refused("11.3.1-key-twice", 400, {"Sec-WebSocket-Key": [KEY, KEY]}),
    refused("11.3.1-key-as-a-list", 400, {"Sec-WebSocket-Key": KEY + ", " + KEY}),
    # Item 6: the version.
    refused("4.2.1-version-missing", 400, {"Sec-WebSocket-Version": None}, extra=(VERSION_13,)),
    refused("4.2.1-version-empty", 400, {"Sec-WebSocket-Version": ""}, extra=(VERSION_13,)),
    *(
        refused(
            "4.2.1-version-%s-malformed" % value.replace(" ", "-"),
            400,
            {"Sec-WebSocket-Version": value},
            extra=(VERSION_13,),
        )
        for value in ("013", "13.0", "+13", "thirteen", "13 13", "13, 13", "13, 8", "256", "1300")
    ),
    *(
        refused("4.4-version-%s" % value, 426, {"Sec-WebSocket-Version": value}, extra=UPGRADE_REQUIRED)
        for value in ("0", "7", "8", "12", "14", "25", "255")
    ),
    opens("4.4-version-13-after-a-refusal-of-another", {"Sec-WebSocket-Version": "13"}),
    refused("11.3.5-version-twice", 400, {"Sec-WebSocket-Version": ["13", "13"]}, extra=(VERSION_13,)),
    refused("11.3.5-version-twice-and-different", 400, {"Sec-WebSocket-Version": ["13", "8"]}, extra=(VERSION_13,)),
    # Item 7: the origin.
    opens("4.2.1-origin-missing", {}),
    refused("4.2.2-origin-of-another", 403, {"Origin": "http://example.com"}),
    refused("4.2.2-origin-null", 403, {"Origin": "null"}),
    refused("4.2.2-origin-empty", 403, {"Origin": ""}),
    refused("4.2.2-origin-twice", 403, {"Origin": ["http://example.com", "http://example.org"]}),
    refused(
        "4.2.2-origin-only-begins-alike",
        403,
        {"Origin": "http://example.com.example.org"},
        server=("--origin=example.com", "cat"),
    ),
    opens("4.2.2-origin-in-the-list", {"Origin": "http://example.com"}, server=("--origin=http://example.com", "cat")),
    # Item 8: subprotocols; none is spoken here, so none is in the answer.
    opens("4.2.2-subprotocol-not-spoken", {"Sec-WebSocket-Protocol": "chat"}),
    opens("4.2.2-subprotocols-not-spoken", {"Sec-WebSocket-Protocol": "chat, superchat"}),
    opens("4.2.2-subprotocols-in-two-fields", {"Sec-WebSocket-Protocol": ["chat", "superchat"]}),
    *(
        # RFC 9110, section 5.6.1.2: a recipient ignores empty elements.
        opens("4.1-subprotocol-%s" % name, {"Sec-WebSocket-Protocol": value})
        for name, value in (("empty", ""), ("empty-in-a-list", "chat,,superchat"), ("empty-first", ", chat"), ("empty-last", "chat ,"))
    ),
    refused("4.1-subprotocol-twice", 400, {"Sec-WebSocket-Protocol": "chat, chat"}),
    refused("4.1-subprotocol-twice-in-two-fields", 400, {"Sec-WebSocket-Protocol": ["chat", "chat"]}),
    refused("4.1-subprotocol-with-a-blank", 400, {"Sec-WebSocket-Protocol": "super chat"}),
    refused("4.1-subprotocol-with-a-separator", 400, {"Sec-WebSocket-Protocol": "chat@home"}),
    refused("4.1-subprotocol-not-ascii", 400, {"Sec-WebSocket-Protocol": "ch\xe4t"}),
    # Item 9: extensions; what is not known is not in the answer.
    opens("4.2.2-extension-unknown", {"Sec-WebSocket-Extensions": "x-unknown"}),
    opens("4.2.2-extension-unknown-with-parameters", {"Sec-WebSocket-Extensions": 'x-unknown; a; b=1; c="d"; e="\\f"'}),
    opens("4.2.2-extensions-unknown", {"Sec-WebSocket-Extensions": ["x-one, x-two", "x-three"]}),
    *(
        refused("4.2.1-extensions-%s" % name, 400, {"Sec-WebSocket-Extensions": value})
        for name, value in (
            ("with-a-value-that-is-no-token", 'x-unknown; a="b, c"'),
            ("with-an-open-quote", 'x-unknown; a="b'),
            ("with-a-parameter-without-a-name", "x-unknown;"),
            ("with-a-value-that-is-missing", "x-unknown; a="),
            ("with-a-blank-within", "x unknown"),
            ("with-a-separator", "x@unknown"),
            ("with-one-that-breaks-the-second-line", ["x-unknown", "x-other; =1"]),
        )
    ),
    # Item 10: other fields.
    opens(
        "4.2.1-fields-unknown", {"X-Unknown": "1", "Cookie": "a=b", "User-Agent": "none", "Authorization": "Basic eDp5"}
    ),
    opens(
        "4.2.1-names-in-lower-case",
        {"Upgrade": None, "upgrade": "websocket", "Connection": None, "connection": "upgrade"},
    ),
    opens("4.2.1-names-in-upper-case", {"Sec-WebSocket-Key": None, "SEC-WEBSOCKET-KEY": KEY}),
    # A request is the HTTP of section 4.1, item 1, to the letter.
    refused("4.2.1-body", 400, {"Content-Length": "1"}),
    opens("4.2.1-body-of-no-bytes", {"Content-Length": "0"}),
    refused("4.2.1-body-in-chunks", 400, {"Transfer-Encoding": "chunked"}),
    refused("4.2.1-field-with-a-blank-before-the-colon", 400, {"Sec-WebSocket-Key ": KEY}),
    refused("4.2.1-field-folded", 400, {"X-Folded": "a\r\n b"}),
    refused("4.2.1-field-with-nul", 400, {"X-Nul": "a\0b"}),
    refused("4.2.1-lines-without-cr", 400, head=b"GET / HTTP/1.1\nHost: localhost\n\n"),
    refused("4.2.1-noise", 400, head=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
]
