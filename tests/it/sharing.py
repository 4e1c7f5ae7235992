# SPDX-License-Identifier: BSD-2-Clause
"""What is known of a program that the clients of several workers share."""

import re


def starts(one):
    """The processes of the program, as logged: [(pid, worker)]."""
    return [
        (int(pid), int(worker))
        for pid, worker in re.findall(r"shared program started .*pid=(\d+) worker=(\d+)", one.log())
    ]


def leader_of(one):
    """The pid of the worker that runs the program, and its number."""
    pid, number = starts(one)[-1]
    with open("/proc/%d/stat" % pid) as f:
        return int(f.read().rsplit(")", 1)[1].split()[1]), number
