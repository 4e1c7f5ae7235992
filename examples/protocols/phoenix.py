#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# A Phoenix channel for the unmodified front end, the npm package phoenix:
# a room whose members see what the others say, and who joins and leaves.
#
#     wspipe --shared --framing=json --events examples/protocols/phoenix.py
#
#     const socket = new Phoenix.Socket("ws://localhost:8080/socket");
#     const room = socket.channel("room:lobby", { name: "Ada" });
#     room.on("say", ({ name, text }) => console.log(name, text));
#     socket.connect();
#     room.join().receive("ok", ({ members }) => console.log(members));
#     room.push("say", { text: "hello" });
#
# A message is [join_ref, ref, topic, event, payload].
import json
import re
import sys

clients = {}  # by ID: the client's name in each topic that it has joined


def send(to, *message):
    if to:
        data = json.dumps(message, allow_nan=False)
        print(json.dumps({"type": "text", "id": to, "data": data}), flush=True)


def broadcast(topic, event, payload, exclude=None):
    members = [who for who in clients if topic in clients[who] and who != exclude]
    send(members, None, None, topic, event, payload)


def leave(who, topic):
    name = clients[who].pop(topic)
    broadcast(topic, "left", {"name": name})


def handle(who, topic, event, payload):
    """Returns the status and the response for this event."""
    joined = clients[who]
    if topic == "phoenix" and event == "heartbeat":
        return "ok", {}
    if event == "phx_join" and re.fullmatch("room:[a-z]{1,20}", topic) and len(joined) < 10:
        joined[topic] = str(payload.get("name"))[:20]
        broadcast(topic, "joined", {"name": joined[topic]}, exclude=who)
        return "ok", {"members": [names[topic] for names in clients.values() if topic in names]}
    if topic not in joined:
        return "error", {"reason": "unmatched topic"}
    if event == "phx_leave":
        leave(who, topic)
    elif event == "say":
        broadcast(topic, "say", {"name": joined[topic], "text": str(payload["text"])[:1000]})
    else:
        return "error", {"reason": "unknown event"}
    return "ok", {}


for line in sys.stdin:
    record = json.loads(line)
    who = record["id"]
    if record["type"] == "open":
        clients[who] = {}
    elif record["type"] == "close":
        for topic in list(clients[who]):
            leave(who, topic)
        del clients[who]
    else:
        try:
            join_ref, ref, topic, event, payload = json.loads(record["data"])
            status, response = handle(who, topic, event, payload)
            send(who, join_ref, ref, topic, "phx_reply", {"status": status, "response": response})
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            # The mistake of one client must not end the program of all.
            print(json.dumps({"type": "close", "id": who, "code": 1008, "reason": "malformed message"}), flush=True)
