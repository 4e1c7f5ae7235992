#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Python's interactive prompt, with line editing, history and completion:
#
#     wspipe --pty examples/terminal/python.sh
#
# Anyone who can connect can run any program with your privileges: do not let
# others reach it.
exec python3 -q
