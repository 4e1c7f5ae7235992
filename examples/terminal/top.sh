#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The processes of this machine, as in any terminal:
#
#     wspipe --pty --readonly examples/terminal/top.sh
#
# Who watches can't type: top could be made to kill a process.
exec top -d 2
