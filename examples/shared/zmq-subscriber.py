#!/usr/bin/python3 -u
# SPDX-License-Identifier: BSD-2-Clause
"""What a ZeroMQ publisher sends, for every web page:

    wspipe --shared --linger=forever examples/shared/zmq-subscriber.py tcp://127.0.0.1:5556

It needs the package python3-zmq."""

import sys

import zmq

socket = zmq.Context.instance().socket(zmq.SUB)
socket.setsockopt(zmq.SUBSCRIBE, b"")
socket.connect(sys.argv[1])
while True:
    print(b" ".join(socket.recv_multipart()).decode(errors="replace").replace("\n", " "))
