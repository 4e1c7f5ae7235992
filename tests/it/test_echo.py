# SPDX-License-Identifier: BSD-2-Clause
"""The straight road: messages become lines and lines become messages."""

from wsraw import BINARY, TEXT, close_frame, frame


def test_line_comes_back_as_message(server):
    with server("cat").websocket() as ws:
        for text in ("hello", "", "ä€😀", "x" * 125, "y" * 126, "z" * 65536):
            ws.send(frame(TEXT, text))
            assert ws.message() == (TEXT, text.encode())
        ws.send(close_frame(1000))
        assert ws.closed(answer=False) == (1000, "")


def test_binary_bytes_come_back(server):
    data = bytes(range(256)) * 16
    with server("--binary", "cat").websocket() as ws:
        ws.send(frame(BINARY, data))
        got = b""
        while len(got) < len(data):
            opcode, part = ws.message()
            assert opcode == BINARY
            got += part
        assert got == data
