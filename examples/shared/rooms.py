#!/usr/bin/python3 -u
# SPDX-License-Identifier: BSD-2-Clause
"""A game with rooms: wspipe --shared --framing=json --events examples/shared/rooms.py

Everybody at one path, such as ws://localhost:8080/red, is in one room, which guesses a number from 1 to 100 together.
Each object has the ID of its client; "id" of an object that is written is the clients that get it."""

import json
import random
import sys

rooms = {}  # by path: the secret, and who is there
place = {}  # of a client: its room


def send(to, text):
    if to:
        print(json.dumps({"type": "text", "id": sorted(to), "data": text}))


for line in sys.stdin:
    event = json.loads(line)
    who = event["id"]
    if event["type"] == "open":
        place[who] = room = rooms.setdefault(event["path"], {"secret": random.randint(1, 100), "players": set()})
        room["players"].add(who)
        send(room["players"], "player %d joins; %d in this room" % (who, len(room["players"])))
        continue
    room = place[who]
    if event["type"] == "close":
        room["players"].discard(who)
        del place[who]
        send(room["players"], "player %d leaves" % who)
    elif not event["data"].isdigit():
        send({who}, "guess a number from 1 to 100")
    elif int(event["data"]) == room["secret"]:
        send(room["players"], "player %d wins: it was %d" % (who, room["secret"]))
        room["secret"] = random.randint(1, 100)
    else:
        hint = "more" if int(event["data"]) < room["secret"] else "less"
        send(room["players"], "player %d guesses %s: %s" % (who, event["data"], hint))
