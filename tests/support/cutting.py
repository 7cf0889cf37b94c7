"""A network between a client and PostgreSQL that breaks at the worst moment: at a commit."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock, Thread
from urllib.parse import urlsplit

PIECE = 65_536


@dataclass(frozen=True)
class Cut:
    """Which commit is cut: the first one after a statement that has *words* in it."""

    words: bytes
    forwarded: bool  #: the server gets the commit, and only its reply is lost


class CuttingProxy:
    """Passes on everything, except what it was told to cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = Lock()
        self._cut: Cut | None = None
        self.cuts_made = 0
        Thread(target=self._accept_for_ever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def cut_commit_after(self, words: str, *, forwarded: bool) -> None:
        """Break, once, the connection that commits a transaction with such a statement."""
        self._cut = Cut(words.encode(), forwarded)

    def close(self) -> None:
        self._listener.close()

    def _accept_for_ever(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                pair = _Pair(self, client, server)
                Thread(target=pair.pass_on_requests, daemon=True).start()
                Thread(target=pair.pass_on_replies, daemon=True).start()

    def take_cut(self, said: bytes) -> Cut | None:
        """The cut that is due on a connection over which *said* went, if there is one."""
        with self._lock:
            cut = self._cut
            if cut is None or cut.words not in said:
                return None
            self._cut = None
            self.cuts_made += 1
            return cut


class _Pair:
    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._is_deaf = False

    def pass_on_requests(self) -> None:
        said = b""
        with suppress(OSError):
            while piece := self._client.recv(PIECE):
                said += piece
                if b"COMMIT" in piece:
                    cut = self._proxy.take_cut(said)
                    said = b""
                    self._is_deaf = cut is not None
                    if cut is not None and not cut.forwarded:
                        break
                self._server.sendall(piece)
        self._hang_up()

    def pass_on_replies(self) -> None:
        with suppress(OSError):
            while piece := self._server.recv(PIECE):
                if self._is_deaf:
                    break
                self._client.sendall(piece)
        self._hang_up()

    def _hang_up(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def cutting_proxy(database_url: str) -> Iterator[tuple[CuttingProxy, str]]:
    """Stand between a client and its database; yields the proxy and the address behind it."""
    parts = urlsplit(database_url)
    assert parts.hostname is not None
    assert parts.port is not None
    proxy = CuttingProxy(parts.hostname, parts.port)
    address = parts.netloc.rpartition(":")[0] + f":{proxy.port}"
    try:
        yield proxy, parts._replace(netloc=address).geturl()
    finally:
        proxy.close()
