#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Takes grey pictures of 8 by 8 bytes and returns them at half the size: binary records, whose bytes
# may be any, so that only a length before each can tell where it ends.
#
#     wspipe --framing=length examples/framings/thumbnail.py
#
# In a browser: ws.send(new Uint8Array(64)), and event.data is a Blob of 16 bytes.
import struct
import sys

SIZE = 8


def half(picture):
    """Each byte is the mean of four."""
    def mean(x, y):
        at = 2 * y * SIZE + 2 * x
        return sum(picture[i] for i in (at, at + 1, at + SIZE, at + SIZE + 1)) // 4

    return bytes(mean(x, y) for y in range(SIZE // 2) for x in range(SIZE // 2))


while prefix := sys.stdin.buffer.read(4):
    picture = sys.stdin.buffer.read(*struct.unpack(">I", prefix))
    answer = half(picture) if len(picture) == SIZE * SIZE else b""
    sys.stdout.buffer.write(struct.pack(">I", len(answer)) + answer)
    sys.stdout.buffer.flush()
