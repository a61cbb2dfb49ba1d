"""Sends what it reads from its input to the host and port of its arguments, says so, and waits to be killed."""

from __future__ import annotations

import signal
import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as connection:
    connection.sendall(sys.stdin.buffer.read())
    print("sent", flush=True)
    signal.pause()
