# SPDX-License-Identifier: BSD-2-Clause
"""libsoup 3, the HTTP library of GNOME."""

import asyncio

import gi

gi.require_version("Soup", "3.0")
from gi.repository import Gio, GLib, Soup  # noqa: E402

import interop  # noqa: E402


class Client:
    """Its methods wait by running the main loop of GLib, so nothing else goes on meanwhile."""

    def __init__(self, ws):
        self.ws = ws
        self.came = []
        self.pongs = []
        self.compressed = any(isinstance(e, Soup.WebsocketExtensionDeflate) for e in ws.get_extensions())
        ws.set_max_incoming_payload_size(0)
        ws.connect("message", self.on_message)
        ws.connect("pong", lambda _, payload: self.pongs.append(payload.get_data() or b""))

    def on_message(self, _, kind, data):
        raw = data.get_data() or b""
        self.came.append(raw.decode() if kind == Soup.WebsocketDataType.TEXT else raw)

    def wait(self, condition):
        late = []
        timer = GLib.timeout_add_seconds(interop.DEADLINE, lambda: late.append(True) or GLib.SOURCE_CONTINUE)
        while not condition() and not late:
            GLib.MainContext.default().iteration(True)
        GLib.source_remove(timer)
        assert condition(), "nothing came in time"

    def is_closed(self):
        return self.ws.get_state() == Soup.WebsocketState.CLOSED

    async def send(self, data):
        kind = Soup.WebsocketDataType.TEXT if isinstance(data, str) else Soup.WebsocketDataType.BINARY
        self.ws.send_message(kind, GLib.Bytes.new(data.encode() if isinstance(data, str) else data))

    async def recv(self):
        self.wait(lambda: self.came or self.is_closed())
        return self.came.pop(0)

    async def ping(self, _):
        # The only PINGs that it sends are to keep the connection alive, once a second or less; their
        # payload is its own.
        if self.pongs:
            return
        self.ws.set_keepalive_interval(1)
        self.wait(lambda: self.pongs)
        self.ws.set_keepalive_interval(0)

    async def close(self, code, reason):
        self.ws.close(code, reason)
        self.wait(self.is_closed)
        return self.ws.get_close_code()

    async def closed(self):
        self.wait(self.is_closed)
        return self.ws.get_close_code(), self.ws.get_close_data()


async def connect(url):
    session = Soup.Session()
    if interop.CA:
        session.set_tls_database(Gio.TlsFileDatabase.new(interop.CA))
    if interop.DEFLATE:
        session.add_feature_by_type(Soup.WebsocketExtensionManager)
    found = []

    def on_connected(_, result):
        try:
            found.append(session.websocket_connect_finish(result))
        except GLib.Error as error:
            found.append(error)

    session.websocket_connect_async(Soup.Message.new("GET", url), None, None, GLib.PRIORITY_DEFAULT, None, on_connected)
    while not found:
        GLib.MainContext.default().iteration(True)
    if isinstance(found[0], GLib.Error):
        raise found[0]
    client = Client(found[0])
    client.session = session
    return client


asyncio.run(interop.checks(connect))
