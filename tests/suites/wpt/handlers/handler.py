# SPDX-License-Identifier: BSD-2-Clause
"""A WebSocket as a program sees it with --framing=json: str is a text message, bytes a binary one."""
import base64
import json
import os
import sys
from urllib.parse import parse_qs


def receive():
    """The next message, or None after the last one."""
    line = sys.stdin.buffer.readline()
    if not line:
        return None
    record = json.loads(line)
    return record["data"] if record["type"] == "text" else base64.b64decode(record["data"])


def messages():
    return iter(receive, None)


def write(record):
    print(json.dumps(record), flush=True)


def send(message):
    if isinstance(message, str):
        write({"type": "text", "data": message})
    else:
        write({"type": "binary", "data": base64.b64encode(message).decode()})


def close(code, reason=""):
    write({"type": "close", "code": code, "reason": reason})


def query():
    return {name: values[0] for name, values in parse_qs(os.environ["QUERY_STRING"]).items()}


def stash():
    """The directory that all programs of a run share."""
    return os.environ["WPT_STASH"]


def stash_path(*names):
    """Where a value is kept; the names come from the client, so they are no part of the path as they are."""
    return os.path.join(stash(), "-".join(name.encode().hex() for name in names))


def stash_put(value, *names):
    path = stash_path(*names)
    with open("%s.%d" % (path, os.getpid()), "w") as f:
        json.dump(value, f)
    os.rename(f.name, path)


def stash_take(*names):
    """The value, for one taker only; None if there is none."""
    mine = os.path.join(stash(), "taken.%d" % os.getpid())
    try:
        os.rename(stash_path(*names), mine)
    except FileNotFoundError:
        return None
    with open(mine) as f:
        return json.load(f)
