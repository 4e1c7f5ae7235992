# SPDX-License-Identifier: BSD-2-Clause
"""python3-websockets."""

import asyncio

import websockets

import interop


class Client:
    def __init__(self, ws):
        self.ws = ws
        self.compressed = any(e.name == "permessage-deflate" for e in ws.extensions)

    async def send(self, data):
        await self.ws.send(data)

    async def recv(self):
        return await self.ws.recv()

    async def ping(self, payload):
        await (await self.ws.ping(payload))

    async def close(self, code, reason):
        await self.ws.close(code, reason)
        return self.ws.close_code

    async def closed(self):
        await self.ws.wait_closed()
        return self.ws.close_code, self.ws.close_reason


async def connect(url):
    # With compression, its default limit of 1 MiB refuses fragments that are exactly that in all.
    ws = await websockets.connect(
        url,
        ssl=interop.tls(),
        compression="deflate" if interop.DEFLATE else None,
        max_size=None,
        close_timeout=interop.DEADLINE,
    )
    return Client(ws)


asyncio.run(interop.checks(connect))
