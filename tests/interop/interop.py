# SPDX-License-Identifier: BSD-2-Clause
"""
The checks for clients in Python. A client is a coroutine that connects to a URL and returns an object with

    send(data)           str is a text message, bytes a binary one
    recv()               the next message
    ping(payload)        returns when its PONG came
    close(code, reason)  returns the code that came back
    closed()             waits until the server has closed: (code, reason)
    compressed           whether permessage-deflate was agreed on

and whose methods are coroutines.
"""

import asyncio
import os
import ssl

DEADLINE = 30
SIZES = (0, 1, 125, 126, 65535, 65536, 1 << 20)
DEFLATE = bool(os.environ.get("INTEROP_DEFLATE"))
CA = os.environ.get("INTEROP_CA")


def url(name):
    return os.environ["INTEROP_" + name]


def tls():
    """None for a plain connection."""
    return ssl.create_default_context(cafile=CA) if CA else None


def text(n):
    return "\u20ac01234567890123" * (n // 17) + "x" * (n % 17)


def binary(n):
    return bytes((i * 31 + (i >> 8)) & 255 for i in range(n))


def same(got, wanted, what):
    if got != wanted:
        raise AssertionError("%s is %.60r, not %.60r" % (what, got, wanted))


async def check(name, coroutine):
    try:
        await asyncio.wait_for(coroutine, DEADLINE)
        print("ok " + name, flush=True)
    except Exception as error:
        print("not ok %s: %s %s" % (name, type(error).__name__, str(error).replace("\n", " ")), flush=True)


async def echo_text(ws, n):
    await ws.send(text(n))
    same(await ws.recv(), text(n), "the text")


async def echo_binary(ws, n):
    wanted = binary(n or 1)
    got = b""
    if n == 0:
        await ws.send(b"")
    await ws.send(wanted)
    while len(got) < len(wanted):
        got += await ws.recv()
    same(got, wanted, "what came back")


async def ping(ws):
    for payload in (b"\x00\xff\x80\n", b"", b"p" * 125):
        await ws.ping(payload)


async def close_client(ws):
    same(await ws.close(4001, "bye"), 4001, "the code")


async def close_server(connect):
    ws = await connect(url("EXIT"))
    await ws.send("3")
    same(await ws.closed(), (4003, "exit 3"), "the end")


async def pong(connect):
    ws = await connect(url("IDLE"))
    same(await ws.recv(), "awake", "the message")
    await ws.send("still here")
    same(await ws.recv(), "still here", "the message")
    await ws.close(1000, "")


async def checks(connect):
    ws = await connect(url("TEXT"))
    if DEFLATE:
        print("ok deflate" if ws.compressed else "not ok deflate: it was not agreed on")
    for n in SIZES:
        await check("text-%d" % n, echo_text(ws, n))
    await check("ping", ping(ws))
    await check("close-client", close_client(ws))
    ws = await connect(url("BYTES"))
    for n in SIZES:
        await check("binary-%d" % n, echo_binary(ws, n))
    await ws.close(1000, "")
    await check("close-server", close_server(connect))
    await check("pong", pong(connect))
