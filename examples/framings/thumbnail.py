#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Halves square grey pictures, one byte per pixel. A record can contain
# any bytes, so its length comes first: 4 bytes, big endian.
#
#     wspipe --framing=length examples/framings/thumbnail.py
#
# In a browser, ws.send(new Uint8Array(64)) sends 8 by 8 pixels, and
# event.data is a Blob with 4 by 4.
import math
import struct
import sys


def half(picture):
    """Each pixel is the mean of four; empty unless a square of even size."""
    size = math.isqrt(len(picture))
    if size * size != len(picture) or size % 2 == 1:
        return b""
    pixels = []
    for at in range(0, len(picture), 2 * size):
        for i in range(at, at + size, 2):
            below = i + size
            four = picture[i : i + 2] + picture[below : below + 2]
            pixels.append(sum(four) // 4)
    return bytes(pixels)


while prefix := sys.stdin.buffer.read(4):
    (length,) = struct.unpack(">I", prefix)
    thumbnail = half(sys.stdin.buffer.read(length))
    sys.stdout.buffer.write(struct.pack(">I", len(thumbnail)))
    sys.stdout.buffer.write(thumbnail)
    sys.stdout.buffer.flush()
