#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Python's own prompt, in a browser. A prompt does not end with a newline, so the framing is text:
#
#     wspipe --framing=text examples/framings/repl.sh
#
# The client sends whole lines, each with its newline. Python writes its prompt to stderr. Who may
# connect may do what you may do: keep it on loopback, or behind somebody who asks for a password.
exec python3 -i -q -u 2>&1
