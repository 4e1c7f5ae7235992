#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Greets whoever a message names. The loop ends when the client leaves.
import sys

for line in sys.stdin:
    # Into a pipe Python collects its output: flush, or nothing is seen until the end.
    print(f"Hello, {line.strip() or 'stranger'}!", flush=True)
