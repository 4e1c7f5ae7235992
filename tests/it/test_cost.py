# SPDX-License-Identifier: BSD-2-Clause
"""A request head costs time in proportion to its length, whatever is in it."""

import pytest
from conftest import plain_only
from probes import cpu_ms, unsanitized
from wsraw import frame

pytestmark = plain_only  # the head is parsed in the same way

SIZE = 14000  # bytes that are the client's choice; the limit is 16 KiB
REQUESTS = 50
TRIES = 5
ROUNDS = 5


def fields(n, name, value="b"):
    return [(name(i), value) for i in range(n)]


# The fields besides those of a handshake; {} stands for the rest of the room.
HEADS = {
    "list of nothing behind many fields": fields(80, lambda i: "A%d" % i) + [("Connection", ",", "")],
    "list behind many fields": fields(80, lambda i: "A%d" % i) + [("Upgrade", "a,", "websocket")],
    "many lists": fields(90, lambda i: "Upgrade", "a," * 70),
    "blanks in a list": [("Connection", " ,\t", "")],
    "quoted strings": [("Connection", '"\\",', '"')],
    "subprotocols": [("Sec-WebSocket-Protocol", ", ".join("a" * 210 + "%02d" % i for i in range(64)))],
    "no subprotocols behind many fields": fields(80, lambda i: "A%d" % i) + [("Sec-WebSocket-Protocol", ",", "")],
    "no extensions": [("Sec-WebSocket-Extensions", ",", "")],
    "extensions": [("Sec-WebSocket-Extensions", "a;b=c,", "d")],
    "parameters": [("Sec-WebSocket-Extensions", "", "a"), ("Sec-WebSocket-Extensions", "a;b=c;d=e;f=g,", "h")],
    "equal fields": fields(90, lambda i: "A" * 150),
    "fields that are nearly equal": fields(90, lambda i: "A" * 150 + "%02d" % i),
    "cookies": fields(90, lambda i: "Cookie", "c" * 140),
    "origin": [("Origin", "", "http://localhost"), ("X-Labels", "a.", "")],
}
TARGETS = {
    "escaped path": "/" + "%41" * 2600,
    "segments": "/" + "a/" * 3900,
    "query": "/?" + "a=b&" * 1900,
}


def request(peer, extra=(), target="/"):
    head = peer.request_bytes(target)[:-2]
    for name, value, *end in extra:
        if end:
            value = value * ((SIZE - len(head)) // len(value) if value else 1) + end[0]
        head += ("%s: %s\r\n" % (name, value)).encode()
    assert len(head) < 16384 - 2
    return head + b"\r\n"


def cost(one, extra, target="/"):
    """The least CPU time of a request, in us."""
    least = float("inf")
    for _ in range(TRIES):
        begun = cpu_ms(one.pid)
        for _ in range(REQUESTS):
            with one.connect() as peer:
                peer.send(request(peer, extra, target))
                peer.response()
                peer.reset()
        least = min(least, (cpu_ms(one.pid) - begun) / REQUESTS * 1000)
    return least


@unsanitized
@pytest.mark.parametrize("args", (("--dir=.",), ("true",)), ids=("no program", "a program"))
def test_cost_of_a_head(server, args):
    """
    None costs many times what one field of the same length costs. What grows with the square, as comparing
    all with all, cost seven to twenty times as much. Other processes of the machine can add to a cost, so one that is
    too high is measured again.
    """
    one = server("--loglevel=info", *args)
    heads = {name: (extra, "/") for name, extra in HEADS.items()}
    heads.update({name: ((), target) for name, target in TARGETS.items()})
    for _ in range(ROUNDS):
        plain = cost(one, [("X", "a", "")])
        costs = {name: cost(one, *head) for name, head in heads.items()}
        print("plain: %.0f us; %s" % (plain, ", ".join("%s: %.0f" % pair for pair in costs.items())))
        heads = {name: heads[name] for name, us in costs.items() if us > 6 * plain + 50}
        if not heads:
            break
    assert list(heads) == []
