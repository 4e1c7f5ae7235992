#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Greets the name in each message. The loop ends when the client
# disconnects.
import sys

for line in sys.stdin:
    # Python buffers output to a pipe: without flush, nothing arrives
    # until the program exits.
    print(f"Hello, {line.strip() or 'stranger'}!", flush=True)
