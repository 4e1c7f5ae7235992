#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# A SignalR hub for the unmodified front end, the npm package
# @microsoft/signalr, without negotiation: methods, a stream, and a method of
# the client that the hub calls.
#
#     wspipe examples/protocols/signalr.py
#
#     const hub = new signalR.HubConnectionBuilder().withUrl("http://localhost:8080/hub", {
#         skipNegotiation: true, transport: signalR.HttpTransportType.WebSockets }).build();
#     hub.on("Changed", (total) => console.log(total));
#     await hub.start();
#     console.log(await hub.invoke("Add", 5));
#     hub.stream("Countdown", 3).subscribe({ next: (n) => console.log(n), ... });
#
# A message is an object followed by the character U+001E; several can arrive at
# once. The numbers below are the types of messages.
import json
import sys

INVOCATION, STREAM_ITEM, COMPLETION, STREAM_INVOCATION, CANCEL, PING, CLOSE = range(1, 8)
END = "\x1e"
total = 0


def send(**message):
    print(json.dumps(message, allow_nan=False) + END, flush=True)


def add(number):
    global total
    total = max(-(10**9), min(total + int(number), 10**9))
    send(type=INVOCATION, target="Changed", arguments=[total])
    return total


def countdown(start):
    yield from range(min(int(start), 1000), 0, -1)


METHODS = {"Add": add}
STREAMS = {"Countdown": countdown}


def call(message):
    name, call_id, arguments = message["target"], message.get("invocationId"), message["arguments"]
    outcome = {}
    try:
        if message["type"] == STREAM_INVOCATION:
            for item in STREAMS[name](*arguments):
                send(type=STREAM_ITEM, invocationId=call_id, item=item)
        else:
            outcome["result"] = METHODS[name](*arguments)
    except (LookupError, TypeError, ValueError, OverflowError):
        outcome = {"error": "no such method, or its arguments are wrong"}
    if call_id is not None:
        send(type=COMPLETION, invocationId=call_id, **outcome)


def handle(message):
    kind = message.get("type")
    if "protocol" in message:
        send(**({} if message["protocol"] == "json" else {"error": "only the protocol json is supported"}))
    elif kind in (INVOCATION, STREAM_INVOCATION):
        call(message)
    elif kind == PING:
        send(type=PING)  # a client that gets none for 30 s disconnects
    elif kind == CLOSE:
        sys.exit()


for line in sys.stdin:
    try:
        for text in line.rstrip("\n").split(END)[:-1]:
            handle(json.loads(text))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        sys.exit("malformed message")
