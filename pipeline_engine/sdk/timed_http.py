"""HTTP in which everything counts against one time: names, TLS, heads, bodies, trailers.

The time-outs of ``requests`` start again with every byte and cover no look-up of a name.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from pipeline_engine.sdk.deadlines import DEADLINES, Call
from pipeline_engine.sdk.errors import ActionError
from pipeline_engine.sdk.look_ups import Resolve, SocketAddress, addresses, resolved_within

#: What a call gets that does not say how long it may take.
DEFAULT_SECONDS = 30.0


@contextmanager
def timed(seconds: float) -> Iterator[Call]:
    """Hang up on every peer that the block talks to in this thread once *seconds* are over.

    Raises ``requests.Timeout`` then, whatever the cut connection looked like to the block.
    """
    with DEADLINES.within(seconds) as call:
        try:
            yield call
        except (ActionError, requests.Timeout):
            raise
        except Exception as error:  # libraries call a cut connection many names
            if call.has_expired:
                raise requests.Timeout(f"It took longer than {seconds:g} s") from error
            raise
        if call.has_expired:
            raise requests.Timeout(f"It took longer than {seconds:g} s")


def total_seconds(timeout: Any) -> float:
    """How long a whole exchange may take by a *timeout* in the form that ``requests`` takes."""
    parts = timeout if isinstance(timeout, tuple) else (timeout,)
    known = [float(part) for part in parts if isinstance(part, int | float)]
    return sum(known) or DEFAULT_SECONDS


class TimedConnection(HTTPConnection):
    """Shows its socket to the call of the thread that uses it, from before it is connected."""

    resolve: Resolve = staticmethod(addresses)

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request, over a connection that may have served another call before."""
        call = DEADLINES.current
        if call is not None and self.sock is not None:
            call.watch(self.sock)
        super().request(*args, **kwargs)

    def _new_conn(self) -> socket.socket:
        try:
            # Resolved once: a second look-up could answer something else.
            targets = resolved_within(self._seconds(), self.resolve, self._dns_host, self.port)
        except TimeoutError as error:
            message = f"The name {self.host} could not be looked up in time"
            raise ConnectTimeoutError(self, message) from error
        except (socket.gaierror, UnicodeError) as error:
            reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(self.host, self, reason) from error
        return self._first_connected(targets)

    def _first_connected(self, targets: Sequence[SocketAddress]) -> socket.socket:
        failure: OSError = OSError("the name has no address")
        for family, sockaddr in targets:
            try:
                return self._connected(family, sockaddr)
            except OSError as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, f"Connection to {self.host} timed out") from failure
        raise NewConnectionError(self, f"Cannot connect to {self.host}: {failure}") from failure

    def _connected(self, family: socket.AddressFamily, sockaddr: Any) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            for option in self.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(self._seconds())
            if DEADLINES.current is not None:
                DEADLINES.current.watch(sock)
            sock.connect(sockaddr)
            self._check_peer(sock)
        except BaseException:
            sock.close()
            raise
        return sock

    def _check_peer(self, sock: socket.socket) -> None:
        """Raise if this is not who was meant."""

    def _seconds(self) -> float:
        given = self.timeout if isinstance(self.timeout, int | float) else DEFAULT_SECONDS
        call = DEADLINES.current
        return float(given) if call is None else min(given, call.seconds_left)


class TimedTlsConnection(TimedConnection, HTTPSConnection):
    """The same, encrypted."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = TimedConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = TimedTlsConnection


class TimedAdapter(HTTPAdapter):
    """Makes timed connections; it is up to the session to open a call."""

    pools: Mapping[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TlsPool}

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools open timed connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = dict(self.pools)
