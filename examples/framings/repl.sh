#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Python's interactive prompt in a browser. A prompt does not end with a
# newline, so the framing is text:
#
#     wspipe --framing=text examples/framings/repl.sh
#
# The client sends whole lines, each with its newline. Python writes its
# prompt to stderr. Anyone who can connect can run any program with your
# privileges: do not let others reach it.
exec python3 -i -q -u 2>&1
