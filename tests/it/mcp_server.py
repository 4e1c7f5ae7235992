#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A small MCP server over stdio of both versions. What a tool does is its name; see call()."""

import json
import os
import sys
import threading
import time

MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"
lock = threading.Lock()


def send(**message):
    with lock:
        print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def raw(line):
    with lock:
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()


def note(method, **params):
    send(method=method, params=params)


def text(what):
    return {"content": [{"type": "text", "text": what}]}


held = {}  # calls of "hold" by their argument
seen = []  # what came but requests
marked = ["echo"]  # tools with an argument that the header repeats


def call(id, name, arguments, params):
    token = params.get("_meta", {}).get("progressToken")
    if name == "echo":
        return text(json.dumps(arguments))
    if name == "received":
        return text(json.dumps(params))
    if name == "seen":
        return text(json.dumps(seen))
    if name == "env":
        return text(json.dumps(dict(os.environ)))
    if name == "pid":
        return text(str(os.getpid()))
    if name == "progress":
        for i in range(arguments["n"]):
            note("notifications/progress", progressToken=token, progress=i)
        return text("done")
    if name == "mark":
        marked.append(arguments["tool"])
        return text("done")
    if name == "log":
        note("notifications/message", level="info", data="a message")
        return text("done")
    if name == "change":
        note("notifications/tools/list_changed")
        return text("done")
    if name == "ask":
        held[77] = id
        send(id=77, method="sampling/createMessage", params={"maxTokens": 1})
        return None
    if name == "hold":
        held[arguments["key"]] = id
        note("notifications/progress", progressToken=token, progress=0)
        return None
    if name == "holds":
        return text(str(len(held)))
    if name == "release":
        send(id=held.pop(arguments["key"]), result=text(arguments.get("text", "released")))
        return text("done")
    if name == "never":
        return None
    if name == "garbage":
        for line in (b"not JSON", b"[]", b'{"jsonrpc":"1.0"}', b"\xff\xfe", b'{"jsonrpc":"2.0","id":{},"result":1}', b"[" * 100000):
            raw(line)
        send(id=987654321, result={})
        send(id="a", result={})
        return text("done")
    if name == "big":
        return text("x" * arguments["n"])
    if name == "exit":
        os._exit(arguments["status"])
    return {"error": {"code": -32602, "message": "no such tool"}}


def listen(id, params):
    meta = {META + "subscriptionId": id}
    held["listen"] = id
    note("notifications/subscriptions/acknowledged", _meta=meta, notifications=params.get("notifications"))
    note("notifications/tools/list_changed", _meta=meta)


def main():
    for line in sys.stdin:
        message = json.loads(line)
        id, method, params = message.get("id"), message.get("method"), message.get("params", {})
        if method is None and id in held:
            send(id=held.pop(id), result=text(json.dumps(message.get("result"))))
        elif id is None or method is None:
            seen.append(message)
        elif method == "initialize":
            time.sleep(params.get("delay", 0))
            if params.get("fail"):
                send(id=id, error={"code": -32602, "message": "no"})
                continue
            send(id=id, result={"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": {"name": "test", "version": "1"}})
        elif method == "server/discover" and "--legacy" not in sys.argv:
            send(id=id, result={"resultType": "complete", "supportedVersions": [MODERN], "capabilities": {"tools": {"listChanged": True}}})
        elif method == "ping":
            send(id=id, result={})
        elif method == "tools/list":
            schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
            send(id=id, result={"tools": [{"name": name, "inputSchema": schema} for name in marked]})
        elif method == "subscriptions/listen":
            listen(id, params)
        elif method == "tools/call":
            result = call(id, params["name"], params.get("arguments", {}), params)
            if result is not None:
                send(id=id, **(result if "error" in result else {"result": result}))
        else:
            send(id=id, error={"code": -32601, "message": "Method not found"})


main()
