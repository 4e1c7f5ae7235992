# SPDX-License-Identifier: BSD-2-Clause
"""python3-tornado."""

import asyncio

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

import interop


class Client:
    def __init__(self, ws, pongs):
        self.ws = ws
        self.pongs = pongs
        self.compressed = "permessage-deflate" in ws.headers.get("Sec-WebSocket-Extensions", "")

    async def send(self, data):
        await self.ws.write_message(data, binary=isinstance(data, bytes))

    async def recv(self):
        data = await self.ws.read_message()
        assert data is not None, "closed with %s %s" % (self.ws.close_code, self.ws.close_reason)
        return data

    async def ping(self, payload):
        self.ws.ping(payload)
        interop.same(await self.pongs.get(), payload, "the payload")

    async def close(self, code, reason):
        self.ws.close(code, reason)
        assert await self.ws.read_message() is None
        return self.ws.close_code

    async def closed(self):
        assert await self.ws.read_message() is None
        return self.ws.close_code, self.ws.close_reason


async def connect(url):
    request = HTTPRequest(url, ca_certs=interop.CA)
    pongs = asyncio.Queue()
    ws = await websocket_connect(request, compression_options={} if interop.DEFLATE else None)
    ws.on_pong = pongs.put_nowait
    return Client(ws, pongs)


asyncio.run(interop.checks(connect))
