# SPDX-License-Identifier: BSD-2-Clause
"""
Starts a command as systemd does with a socket unit: activate.py NAME=ADDRESS... -- COMMAND...

ADDRESS is a port, 0 for a free one, of 127.0.0.1; the path of a Unix socket; or udp, which no server listens on.
"""

import os
import socket
import sys


def opened(address):
    if address == "udp":
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if address.startswith("/"):
        one = socket.socket(socket.AF_UNIX)
        one.bind(address)
    else:
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", int(address)))
    one.listen(128)
    return one


def main():
    split = sys.argv.index("--")
    pairs = [word.split("=", 1) for word in sys.argv[1:split]]
    # High, so that none is in the way of another.
    sockets = [opened(address) for _, address in pairs]
    fds = [os.dup2(one.fileno(), 100 + i) for i, one in enumerate(sockets)]
    for one in sockets:
        one.close()
    for i, fd in enumerate(fds):
        os.dup2(fd, 3 + i, inheritable=True)
        os.close(fd)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(pairs)), LISTEN_FDNAMES=":".join(name for name, _ in pairs))
    command = sys.argv[split + 1 :]
    os.execv(command[0], command)


main()
