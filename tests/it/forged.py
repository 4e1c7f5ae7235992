# SPDX-License-Identifier: BSD-2-Clause
"""Header fields by which a client may pretend to be another one: [[(name, value), ...], ...]."""

NODES = [
    "127.0.0.1", "::1", "[::1]", "10.0.0.1", "192.0.2.7", "192.0.2.7:80", "[2001:db8::7]:80", "unix", "unix:", "localhost",
    "unknown", "_hidden", "", ",", ",,,", '"', "192.0.2.7, 127.0.0.1", "127.0.0.1, 192.0.2.7", '"127.0.0.1', "0x7f000001",
    "2130706433", "127.1", "127.0.0.1%00", "127.0.0.1 ", "::ffff:127.0.0.1", "fe80::1%lo", "[", "[]", ":", "<script>",
    "\xff\xfe", "127.0.0.1;proto=https", "1" * 200, ", ".join(["10.0.0.1"] * 100),
]
FORWARDED = [
    "for=192.0.2.7", 'for="[::1]"', 'for="[2001:db8::7]:80"', "for=unknown", "for=_hidden", 'for="', "for=", "=", ";", "for",
    "for=192.0.2.7;for=127.0.0.1", "for=192.0.2.7;proto=https;host=evil.example;by=127.0.0.1", "proto=https",
    "host=evil.example", 'for="192.0.2.7', 'for="\\"", for=127.0.0.1', "for=192.0.2.7, for=127.0.0.1", "FOR=192.0.2.7",
    "for = 192.0.2.7", "for=[::1]", "for=192.0.2.7:80",
]
OTHERS = [
    ("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Proto", "wss"),
    ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Host", "evil.example:81"), ("X-Forwarded-Host", "a b"),
    ("X-Forwarded-Server", "evil.example"), ("X-Forwarded-Port", "1"), ("X-Forwarded-Ssl", "on"),
    ("Front-End-Https", "on"), ("X-Real-IP", "192.0.2.7"), ("X-Client-IP", "192.0.2.7"), ("True-Client-IP", "192.0.2.7"),
    ("CF-Connecting-IP", "192.0.2.7"), ("Client-IP", "192.0.2.7"), ("Via", "1.1 192.0.2.7"), ("Remote-Addr", "192.0.2.7"),
    ("Https", "on"), ("Server-Name", "evil.example"), ("Server-Port", "1"), ("X-Forwarded_For", "192.0.2.7"),
    ("X_Forwarded_For", "192.0.2.7"), ("Remote-User", "admin"), ("Ssl-Client-S-Dn", "CN=admin"),
]
FIELDS = (
    [[("X-Forwarded-For", node)] for node in NODES]
    + [[("Forwarded", value)] for value in FORWARDED]
    + [[field] for field in OTHERS]
    + [
        [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example")],
        [("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", "192.0.2.7")],
        [("Forwarded", "for=192.0.2.7"), ("X-Forwarded-For", "192.0.2.8")],
    ]
)
