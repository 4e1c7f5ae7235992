# SPDX-License-Identifier: BSD-2-Clause
"""python3-aiohttp."""

import asyncio

import aiohttp

import interop


class Client:
    """Its PONGs are only shown when it does not answer PINGs by itself, so there are two ways to open it."""

    def __init__(self, session, ws):
        self.session = session
        self.ws = ws
        self.compressed = ws.compress > 0

    async def send(self, data):
        if isinstance(data, str):
            await self.ws.send_str(data)
        else:
            await self.ws.send_bytes(data)

    async def recv(self):
        message = await self.ws.receive()
        assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
        return message.data

    async def ping(self, payload):
        async with self.session.ws_connect(interop.url("TEXT"), autoping=False, ssl=interop.tls()) as ws:
            await ws.ping(payload)
            message = await ws.receive()
            assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, payload), message

    async def close(self, code, reason):
        await self.ws.close(code=code, message=reason.encode())
        await self.session.close()
        return self.ws.close_code

    async def closed(self):
        message = await self.ws.receive()
        assert message.type == aiohttp.WSMsgType.CLOSE, message
        await self.session.close()
        return message.data, message.extra


async def connect(url):
    session = aiohttp.ClientSession()
    compress = 15 if interop.DEFLATE else 0
    return Client(
        session, await session.ws_connect(url, ssl=interop.tls(), compress=compress, timeout=interop.DEADLINE)
    )


asyncio.run(interop.checks(connect))
