#!/usr/bin/python3 -u
# SPDX-License-Identifier: BSD-2-Clause
"""A counter that all clients share: wspipe --shared --history=1 --linger=forever examples/shared/counter.py

Messages are numbers to add. -u flushes each line; --history=1 shows the current value to a new client."""

import sys

total = 0
for line in sys.stdin:
    try:
        total += int(line)
    except ValueError:
        print("not a number:", line.strip(), file=sys.stderr)  # to the log of wspipe
        continue
    print(total)
