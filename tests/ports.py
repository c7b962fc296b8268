"""Loopback ports for programs that a test starts, stops and starts again.

Not from the range of which the system gives outgoing connections theirs: there a client that tries to reach a server that
is down may be given the server's own port, connects to itself, and the server cannot come back.
"""

import itertools
import os
import socket

LOWEST, COUNT = 10240, 22000
_next = itertools.count(os.getpid() * 97)


def free_port():
    """A port nobody listens at, and that this process has not given before."""
    for step in itertools.islice(_next, COUNT):
        port = LOWEST + step % COUNT
        with socket.socket() as it:
            try:
                it.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise OSError(f"no port from {LOWEST} on is free")
