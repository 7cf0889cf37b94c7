"""The ports of a stack: the same in every run, because others were told of them."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Callable
from pathlib import Path

from pipeline_engine.embedded.credentials import write_private
from pipeline_engine.embedded.errors import PortTaken

LOOPBACK = "127.0.0.1"
#: Port number that stands for any free port, another one in every run.
ANY = 0


class Ports:
    """The ports that a stack has had, kept in a file beside its data."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say
        self._known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}

    def of(
        self, name: str, *, wish: int | None = None, usual: int | None = None, host: str = LOOPBACK
    ) -> int:
        """Return the port of *name*: the one wished for, that of the last run, the usual or any.

        Says so if it is not the one that others expect.  Raises ``PortTaken`` for a wish.
        """
        if wish == ANY:
            return free_port()
        if wish is not None:
            if not is_free(wish, host):
                raise PortTaken(
                    f"Port {wish} is taken by another program. "
                    "Choose another with --port, or leave it out."
                )
            return self._keep(name, wish)
        expected = self._known.get(name, usual)
        if expected is None:
            return self._keep(name, free_port())
        if is_free(expected, host):
            return self._keep(name, expected)
        instead = self._keep(name, free_port())
        self._say(
            f"port {expected} is taken by another program; {name} is on {instead} from now on"
        )
        return instead

    def _keep(self, name: str, port: int) -> int:
        if self._known.get(name) != port:
            self._known[name] = port
            write_private(self._path, json.dumps(self._known, indent=2))
        return port


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether a server could listen there now; it says itself what else is wrong."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True


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
