# SPDX-License-Identifier: BSD-2-Clause
"""permessage-deflate (RFC 7692) on the real binary, against zlib as Python has it and a real client."""

import asyncio
import json
import os
import random
import struct
import zlib

import pytest
import websockets
from conftest import rss_kib, wait_for
from probes import KIB, MIB, SANITIZED, bytes_read, cpu_ms, private_kib, read_file, unsanitized, wait_still
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from wsraw import BINARY, DEADLINE, PING, PONG, TEXT, close_frame, frame

TAIL = b"\0\0\xff\xff"
RSV1 = 4
OFFER = "permessage-deflate; client_max_window_bits"


class Client:
    """The other side of the extension, on a Peer."""

    def __init__(self, server, offer=OFFER):
        self.peer = server.connect()
        fields = self.peer.upgrade(headers={"Sec-WebSocket-Extensions": offer})
        answers = [v for k, v in fields if k == "sec-websocket-extensions"]
        assert len(answers) <= 1
        self.answer = answers[0] if answers else None
        given = dict(p.strip().partition("=")[::2] for p in (self.answer or "").split(";")[1:])
        self.bits = int(given.get("client_max_window_bits", 15))
        self.fresh = "client_no_context_takeover" in given
        self.server_fresh = "server_no_context_takeover" in given
        self.server_bits = int(given.get("server_max_window_bits", 15))
        self.deflater = self.inflater = None
        self.wire = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()

    def compress(self, data, level=6):
        if self.fresh or not self.deflater:
            # zlib can't compress with 8; what fits in 256 bytes does not show it.
            self.deflater = zlib.compressobj(level, zlib.DEFLATED, -max(self.bits, 9))
        out = self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        assert out.endswith(TAIL)
        return out[:-4]

    def send(self, data, opcode=TEXT):
        self.peer.send(frame(opcode, self.compress(data.encode() if isinstance(data, str) else data), rsv=RSV1))

    def frame(self):
        """(opcode, fin, rsv, payload)"""
        first, second = self.peer.read(2)
        n = second & 0x7F
        if n == 126:
            (n,) = struct.unpack(">H", self.peer.read(2))
        elif n == 127:
            (n,) = struct.unpack(">Q", self.peer.read(8))
        return first & 0xF, bool(first & 0x80), first >> 4 & 7, self.peer.read(n)

    def message(self):
        """(opcode, whether it was compressed, payload)"""
        opcode, fin, rsv, data = self.frame()
        assert rsv in (0, RSV1) and opcode in (TEXT, BINARY)
        while not fin:
            more, fin, more_rsv, part = self.frame()
            assert (more, more_rsv) == (0, 0)
            data += part
        self.wire += len(data)
        if rsv:
            if self.server_fresh or not self.inflater:
                self.inflater = zlib.decompressobj(-self.server_bits)
            data = self.inflater.decompress(data + TAIL)
        return opcode, rsv == RSV1, data

    def finish(self):
        self.peer.send(close_frame(1000))
        assert self.peer.closed(answer=False) == (1000, "")


@pytest.mark.parametrize(
    "args, offer, answer",
    (
        ((), OFFER, None),
        (("--deflate=false",), OFFER, None),
        (("--deflate",), None, None),
        (("--deflate",), OFFER, "permessage-deflate; client_max_window_bits=11"),
        (("--deflate=window=15",), "permessage-deflate", "permessage-deflate"),
        (("--deflate",), ["x-unknown", "permessage-deflate; server_max_window_bits=8", "permessage-deflate"],
         "permessage-deflate"),
        (("--deflate",), 'permessage-deflate; server_max_window_bits="10"', "permessage-deflate; server_max_window_bits=10"),
        (("--deflate",), "permessage-deflate; server_max_window_bits=08", None),
        (("--deflate",), "permessage-deflate; what", None),
        (("--deflate",), ", ".join(["x-a"] * 2500) + ", permessage-deflate", None),
    ),
)
def test_answer(server, args, offer, answer):
    one = server(*args, "cat")
    with Client(one, offer) as ws:
        assert ws.answer == answer
        ws.peer.send(frame(TEXT, "x" * 100))
        assert ws.message() == (TEXT, answer is not None, b"x" * 100)
        ws.finish()
    line = one.wait_log(r".* open .*").group(0)
    assert ('extensions="%s"' % answer in line or "extensions=%s " % answer in line) if answer else "extensions" not in line


@pytest.mark.parametrize("offer", ("permessage-deflate;", 'permessage-deflate; x="', "@", "a b"))
def test_what_is_no_list_is_refused(server, offer):
    """RFC 6455, section 9.1."""
    with server("--deflate", "cat").connect() as peer:
        peer.send(peer.request_bytes(headers={"Sec-WebSocket-Extensions": offer}))
        assert peer.response()[0] == 400


@pytest.mark.parametrize("takeover", ("yes", "no"))
@pytest.mark.parametrize("window", (9, 11, 15))
def test_messages_of_all_sizes(server, window, takeover):
    one = server("--deflate=window=%d,takeover=%s" % (window, takeover), "cat")
    rng = random.Random(window)
    with Client(one) as ws:
        for size in (0, 1, 63, 64, 65, 125, 126, 300, 4095, 5000, 65535, 65536, 65537, 300000, 10):
            text = "".join(rng.choice("abcdefä€😀") for _ in range(size)).encode() if size < 9000 else b"{\"n\": %d} " % size * (size // 12)
            ws.send(text)
            opcode, compressed, got = ws.message()
            assert (opcode, got) == (TEXT, text)
            assert compressed == (len(text) >= 64)
        ws.finish()


def test_incompressible_binary(server):
    data = random.Random(1).randbytes(200000)
    for args in ("--deflate", "--deflate=takeover=no"):
        with Client(server(args, "--binary", "cat")) as ws:
            ws.send(data, BINARY)
            got = b""
            while len(got) < len(data):
                opcode, _, part = ws.message()
                assert opcode == BINARY
                got += part
            assert got == data
            assert ws.wire < len(data) * 1.02
            ws.finish()


def test_min(server):
    with Client(server("--deflate=min=0", "cat")) as ws:
        for text in (b"", b"a", b"hello"):
            ws.send(text)
            assert ws.message() == (TEXT, True, text)
        ws.finish()
    with Client(server("--deflate=min=1000", "cat")) as ws:
        for size in (999, 1000):
            ws.send(b"a" * size)
            assert ws.message() == (TEXT, size == 1000, b"a" * size)
        ws.finish()


def test_plain_and_compressed_messages_in_one_batch(server):
    """Each kind keeps its place among the others, however the bytes are cut."""
    for how in ("whole", "bytes", "random"):
        with Client(server("--deflate", "cat")) as ws:
            data, wanted = b"", []
            for i in range(30):
                text = b"message %d " % i * (1 + i % 9)
                data += frame(TEXT, text) if i % 3 else frame(TEXT, ws.compress(text), rsv=RSV1)
                wanted.append(text)
            ws.peer.send_cut(data, how)
            assert [ws.message()[2] for _ in wanted] == wanted
            ws.finish()


def test_fragments_with_control_frames_between(server):
    with Client(server("--deflate", "cat")) as ws:
        text = "grüße ".encode() * 20
        data = ws.compress(text)
        ws.peer.send(frame(TEXT, data[:5], fin=False, rsv=RSV1) + frame(PING, "p"))
        assert ws.frame() == (PONG, True, 0, b"p")
        ws.peer.send(frame(0, b"", fin=False) + frame(0, data[5:9], fin=False) + frame(PONG) + frame(0, data[9:]))
        assert ws.message()[2] == text
        ws.finish()


def test_long_line_leaves_in_fragments(server, script):
    """Bounded memory: a line of 3 MB is never whole in the server; RSV1 stands on its first frame only."""
    line = script("line", "#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' a; echo; cat")
    with Client(server("--deflate", line)) as ws:
        assert ws.message() == (TEXT, True, b"a" * 3000000)
        ws.send(b"still there " * 9)
        assert ws.message()[2] == b"still there " * 9
        ws.finish()


def test_repaired_output(server, script):
    bad = script("bad", "#!/bin/sh\nhead -c 200000 /dev/zero | tr '\\0' '\\377'; echo; printf '%0100d\\377\\n' 0; cat")
    with Client(server("--deflate", bad)) as ws:
        assert ws.message() == (TEXT, True, "\ufffd".encode() * 200000)
        assert ws.message() == (TEXT, True, b"0" * 100 + "\ufffd".encode())
        ws.finish()


DAMAGED = {
    "rsv1 on a continuation": (1002, lambda c: frame(TEXT, b"\0", fin=False, rsv=RSV1) + frame(0, b"\0", rsv=RSV1)),
    "rsv1 on a ping": (1002, lambda c: frame(PING, b"x", rsv=RSV1)),
    "rsv2": (1002, lambda c: frame(TEXT, c.compress(b"x"), rsv=6)),
    "no deflate data": (1007, lambda c: frame(TEXT, b"\x06\x07", rsv=RSV1)),
    "cut deflate data": (1007, lambda c: frame(TEXT, c.compress(b"hello" * 9)[:-2], rsv=RSV1)),
    "nothing": (1007, lambda c: frame(TEXT, b"", rsv=RSV1)),
    "not utf-8": (1007, lambda c: frame(TEXT, c.compress(b"ok\xff"), rsv=RSV1)),
    "half a character": (1007, lambda c: frame(TEXT, c.compress(b"ok\xe2\x82"), rsv=RSV1)),
    "too big": (1009, lambda c: frame(TEXT, c.compress(b"a" * 1048577), rsv=RSV1)),
    "too big on the wire": (1009, lambda c: frame(TEXT, b"\0", rsv=RSV1, length=1 << 40)),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged(server, name):
    code, make = DAMAGED[name]
    with Client(server("--deflate", "cat")) as ws:
        ws.peer.send(make(ws))
        assert ws.peer.closed(answer=False)[0] == code


def test_rsv1_without_the_extension(server):
    for args, offer in (((), OFFER), (("--deflate",), None)):
        with Client(server(*args, "cat"), offer) as ws:
            assert ws.answer is None
            ws.peer.send(frame(TEXT, ws.compress(b"x"), rsv=RSV1))
            assert ws.peer.closed(answer=False)[0] == 1002


def test_message_of_exactly_the_limit(server):
    with Client(server("--deflate", "--maxframesize=100000", "cat")) as ws:
        ws.send(b"a" * 100000)
        assert ws.message()[2] == b"a" * 100000
        ws.finish()


def test_bomb(server):
    """1 MB that would become 1 GB: 1009, and hardly more memory than the limit, while it comes or is over."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = (bomb.compress(b"\0" * 1000000) + bomb.flush(zlib.Z_FULL_FLUSH)) * 1000  # each part stands alone
    one = server("--deflate=window=15", "--framing=length", "cat")
    with Client(one) as ws:  # what a session needs anyway
        ws.send(b"a" * 100, BINARY)
        ws.message()
        ws.finish()
    before = rss_kib(one.pid)
    peak = 0
    with Client(one) as ws:
        ws.peer.send(frame(BINARY, data[:400], fin=False, rsv=RSV1))
        ws.peer.send(frame(PING))
        assert ws.frame()[0] == PONG
        peak = rss_kib(one.pid)
        ws.peer.send(frame(0, data[400:900000], fin=False))
        assert ws.peer.closed(answer=False)[0] == 1009
        peak = max(peak, rss_kib(one.pid))
    if not SANITIZED:
        assert peak - before <= 2048, (before, peak)


def diluted_bomb():
    """6 MB that would become 1 GB: zeros, 1 MB of them in 1 KB, between empty stored blocks of 5 bytes each."""
    zeros = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = zeros.compress(b"\0" * 1000000) + zeros.flush(zlib.Z_FULL_FLUSH)
    data = (piece + b"\0\0\0\xff\xff" * ((6000 - len(piece)) // 5)) * 1000
    assert 5990000 <= len(data) <= 6000000
    return data


@pytest.mark.parametrize("size", (6000000, 65536, 4000), ids="fragments-of-{}".format)
@pytest.mark.parametrize("order", ("zeros first", "nothing first"))
def test_diluted_bomb(server, size, order):
    """6 MB to 1 GB, whole or in fragments: 1009, and hardly more memory than the limit."""
    data = diluted_bomb()
    if order == "nothing first":  # as many empty blocks as the limit of compressed bytes lets through
        data = b"\0\0\0\xff\xff" * 419000 + data[: 6000000 - 5 * 419000]
    one = server("--deflate=window=15", "--framing=length", "cat")
    with Client(one) as ws:  # what a session needs anyway
        ws.send(b"a" * 100, BINARY)
        ws.message()
        ws.finish()
    before, cpu = rss_kib(one.pid), cpu_ms(one.pid)
    peak = 0
    with Client(one) as ws:
        parts = [data[i : i + size] for i in range(0, len(data), size)]
        head = frame(BINARY, parts[0], fin=len(parts) == 1, rsv=RSV1, mask=bytes(4))
        rest = [frame(0, part, fin=part is parts[-1], mask=bytes(4)) for part in parts[1:]]
        ended = False
        for piece in [head] + rest:
            try:
                ws.peer.send(piece)
            except OSError:  # who does not listen to the CLOSE is cut off after a while
                ended = True
                break
            peak = max(peak, rss_kib(one.pid))
        if not ended:
            assert ws.peer.closed(answer=False)[0] == 1009
    wait_for(lambda: " close_sent=1009 " in one.log(), "1009")
    peak = max(peak, rss_kib(one.pid))
    print("CPU: %.1f ms, memory: %d KiB" % (cpu_ms(one.pid) - cpu, peak - before))
    if not SANITIZED:
        assert peak - before <= 2048, (before, peak)


# What a message of 1 MiB is to the program, and what a session may hold: one of them and a batch, or in parts a batch.
BURST = {
    "--framing=length": (MIB + 4, 1536),
    "--framing=json": (-(-MIB // 3) * 4 + len('{"type":"binary","data":""}\n'), 3 * KIB),
    "--binary": (MIB, 320),
}


@unsanitized
@pytest.mark.parametrize("framing", sorted(BURST))
def test_memory_of_what_little_input_becomes(server, tmp_path, framing):
    """Many messages of 1 MiB, each 1 KiB on the wire, and a program that does not read: the rest of what was read waits,
    compressed. When the program goes on, all of it comes."""
    zeros = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = zeros.compress(b"a" * MIB) + zeros.flush(zlib.Z_FULL_FLUSH)[:-4]
    count = 100
    os.mkfifo(tmp_path / "go")
    one = server("--deflate=window=15", framing, "--closems=20000", "sh", "-c", "exec 3>&1; read -r go <go; exec wc -c >size")
    before = private_kib(one.pid)
    with Client(one) as ws:
        data = memoryview(frame(BINARY, piece, rsv=RSV1) * count)
        ws.peer.sock.setblocking(False)
        sent = 0

        def fill():
            nonlocal sent
            try:
                sent += ws.peer.sock.send(data[sent:])
            except BlockingIOError:
                pass
            return sent, bytes_read(one.pid)

        wait_still(fill, "what the server and the kernel take")
        after = private_kib(one.pid)
        assert after - before <= BURST[framing][1], (before, after)
        (tmp_path / "go").write_text("\n")
        ws.peer.sock.settimeout(DEADLINE)
        ws.peer.send(data[sent:])
        ws.peer.send(close_frame(1000))
        ws.peer.closed(answer=False)
    size = tmp_path / "size"
    wait_for(lambda: read_file(size) == b"%d\n" % (count * BURST[framing][0]), lambda: "all came, not %r" % read_file(size))


def json_lines(count):
    rng = random.Random(7)
    for i in range(count):
        yield json.dumps({"time": round(1.7e9 + i + rng.random(), 3), "id": i, "side": rng.choice(["buy", "sell"]),
                          "symbol": rng.choice(["AAPL", "MSFT", "GOOG", "TSLA"]), "venue": "XNAS",
                          "price": round(rng.uniform(50, 900), 2), "volume": rng.randint(1, 9000)})


def test_bytes_on_the_wire_are_in_the_log(server, script, tmp_path):
    lines = list(json_lines(2000))
    (tmp_path / "lines").write_text("\n".join(lines) + "\n")
    one = server("--deflate", script("show", "#!/bin/sh\ncat lines\nread -r line\n"))
    with Client(one) as ws:
        for line in lines:
            assert ws.message()[2] == line.encode()
        ws.send(b"x" * 200)
        assert ws.peer.closed() == (1000, "exit 0")
    found = one.wait_log(r"in_bytes=(\d+) .*out_bytes=(\d+) in_wire_bytes=(\d+) out_wire_bytes=(\d+)")
    in_bytes, out_bytes, in_wire, out_wire = map(int, found.groups())
    assert out_bytes == sum(map(len, lines))
    assert out_wire == ws.wire
    assert in_bytes == 200 and 0 < in_wire < 20
    assert out_bytes / out_wire > 3, out_bytes / out_wire


@unsanitized
def test_memory_of_a_connection(server):
    """The figures of doc/design.md, section 3: idle sessions after a message each way."""
    def cost(args):
        one = server(*args, "--maxforks=0", "cat")
        clients = []

        def grow(n):
            for _ in range(n):
                clients.append(Client(one))
                clients[-1].send(b"%d hello " % len(clients) * 40) if clients[-1].answer else clients[-1].peer.send(frame(TEXT, "x" * 300))
                clients[-1].message()
            return rss_kib(one.pid)

        before = grow(10)
        after = grow(100)
        for client in clients:
            client.finish()
            client.peer.close()
        return (after - before) / 100

    plain = cost(())
    kept = cost(("--deflate",))
    fresh = cost(("--deflate=takeover=no",))
    print("KiB for a connection: %.1f, kept %.1f, fresh %.1f" % (plain, kept, fresh))
    assert kept - plain <= 44, (plain, kept)
    assert fresh - plain <= 4, (plain, fresh)


@pytest.mark.parametrize("settings", ({}, {"server_no_context_takeover": True, "client_no_context_takeover": True},
                                      {"server_max_window_bits": 9, "client_max_window_bits": 10}))
@pytest.mark.parametrize("args", ("--deflate", "--deflate=takeover=no,level=9,min=0", "--deflate=window=15"))
def test_a_real_client(server, args, settings):
    one = server(args, "cat")
    texts = ["", "hello", "ä€😀" * 50, "x" * 100000] + list(json_lines(50))

    async def talk():
        factory = ClientPerMessageDeflateFactory(**settings)
        async with websockets.connect(one.url(), ssl=one.context, compression=None, extensions=[factory], max_size=None) as ws:
            assert [e.name for e in ws.extensions] == ["permessage-deflate"]
            for text in texts:
                await ws.send(text)
                assert await ws.recv() == text
            await ws.send(["fragments ", "of ", "one " * 30, "message"])
            assert await ws.recv() == "fragments of " + "one " * 30 + "message"

    asyncio.run(talk())
    assert "close_sent=1000 close_received=1000" in one.wait_log(r".* close .*").group(0)
