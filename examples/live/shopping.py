#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# A web page in the manner of Phoenix LiveView: this program holds the state
# and renders the HTML, and www/index.html only sends events and shows output.
#
#     wspipe --staticdir=examples/live/www examples/live/shopping.py
#
# An event is {"event": "add", "value": "milk"}. Each line of output contains
# the parts of the page that have changed: {"count": "1 to buy"}.
import html
import json
import sys

items = {}  # what to buy, and whether it is in the basket
search = ""
shown = {}  # the parts as the page has them


def render():
    rows = ""
    for item, bought in items.items():
        if search in item.lower():
            text = html.escape(item)  # clients write what they like
            mark = "☑" if bought else "☐"
            rows += f'<li><button live-click="toggle" value="{text}">{mark} {text}</button>'
            rows += f' <button live-click="remove" value="{text}" aria-label="Remove {text}">×</button></li>'
    return {"items": rows, "count": f"{len(items) - sum(items.values())} to buy"}


def handle(event, value):
    global search
    if event == "add" and value and len(items) < 100:
        items.setdefault(value, False)
    elif event == "toggle" and value in items:
        items[value] = not items[value]
    elif event == "remove":
        items.pop(value, None)
    elif event == "search":
        search = value.lower()


while True:
    parts = render()
    changed = {name: part for name, part in parts.items() if shown.get(name) != part}
    if changed:
        print(json.dumps(changed), flush=True)
    shown = parts
    line = sys.stdin.readline()
    if not line:
        break
    try:
        message = json.loads(line)
        handle(message["event"], str(message["value"]).strip()[:80])
    except (ValueError, LookupError, TypeError, RecursionError):
        sys.exit("not an event")
