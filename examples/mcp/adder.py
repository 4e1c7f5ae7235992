#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# A server of the Model Context Protocol with one tool, for clients of both versions of the transport: serve it by --mcp.
import json
import sys

INFO = {"serverInfo": {"name": "adder", "version": "1"}, "capabilities": {"tools": {}}}
NUMBERS = {"type": "array", "items": {"type": "number"}}
ADD = {
    "name": "add",
    "description": "Adds numbers.",
    "inputSchema": {"type": "object", "properties": {"numbers": NUMBERS}, "required": ["numbers"]},
}


class Error(Exception):
    """A code of JSON-RPC, and a sentence."""


def add(arguments):
    try:
        return str(sum(arguments["numbers"])), False
    except (KeyError, TypeError):
        return "numbers must be a list of numbers", True


def respond(method, params):
    if method == "initialize":  # versions with sessions
        return {"protocolVersion": "2025-11-25", **INFO}
    if method == "server/discover":  # the version without them
        return {"resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0, "cacheScope": "public", **INFO}
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"resultType": "complete", "tools": [ADD], "ttlMs": 0, "cacheScope": "public"}
    if method != "tools/call":
        raise Error(-32601, "there is no such method")
    if params.get("name") != "add":
        raise Error(-32602, "there is no such tool")
    text, failed = add(params.get("arguments", {}))
    return {"resultType": "complete", "content": [{"type": "text", "text": text}], "isError": failed}


for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue  # a notification
    response = {"jsonrpc": "2.0", "id": message["id"]}
    try:
        response["result"] = respond(message.get("method"), message.get("params", {}))
    except Error as error:
        response["error"] = dict(zip(("code", "message"), error.args))
    print(json.dumps(response), flush=True)
