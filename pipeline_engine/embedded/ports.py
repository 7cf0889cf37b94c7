"""Free ports that stay free until the server that was promised one binds it."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a loopback port that the kernel will not give to anybody else for a minute.

    A connection that we accept and close leaves the port in TIME_WAIT: the kernel no longer
    picks it for others, and servers, which all set SO_REUSEADDR, can still bind it.
    """
    with socket.socket() as listener, socket.socket() as client:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, 0))
        listener.listen(1)
        client.connect(listener.getsockname())
        accepted, _ = listener.accept()
        accepted.close()
        return int(listener.getsockname()[1])
