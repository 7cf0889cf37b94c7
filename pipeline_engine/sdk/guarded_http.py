"""A ``requests`` session that cannot be talked into the private network."""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from pipeline_engine.sdk.addresses import AddressGuard
from pipeline_engine.sdk.errors import RequestBlocked
from pipeline_engine.sdk.timed_http import (
    DEFAULT_SECONDS,
    TimedAdapter,
    TimedConnection,
    timed,
    total_seconds,
)

USER_AGENT = "pipeline-engine"
MAX_REDIRECTS = 3

#: What may follow a redirect to another host; everything else could be a secret.
HARMLESS_HEADERS = frozenset(
    {"accept", "accept-encoding", "accept-language", "content-length", "content-type", "user-agent"}
)


class GuardedSession(requests.Session):
    """A session that checks the address of every connection, also after a redirect."""

    def __init__(self, guard: AddressGuard) -> None:
        super().__init__()
        self._guard = guard
        self.trust_env = False  # no proxies, no .netrc
        self.max_redirects = MAX_REDIRECTS
        self.headers["User-Agent"] = USER_AGENT
        self.adapters.clear()
        self.mount("https://", GuardedAdapter(guard))
        self.mount("http://", GuardedAdapter(guard))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request, redirects included, in the time of its ``timeout`` altogether.

        A streamed body is read afterwards: ``read_body`` bounds that.
        """
        with timed(total_seconds(kwargs.get("timeout"))):
            return super().send(request, **kwargs)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Check the URL as it was written, before anybody tidies it up."""
        self._guard.check_url(str(request.url))
        return super().prepare_request(request)

    def resolve_redirects(self, *args: Any, **kwargs: Any) -> Any:
        """Follow redirects; nothing follows when the caller only wants to know the next one.

        For that, ``requests`` would read the whole body of the redirect, however long it is.
        """
        return (
            iter(()) if kwargs.get("yield_requests") else super().resolve_redirects(*args, **kwargs)
        )

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where a redirect leads, and drop its body, which nobody wants."""
        target = super().get_redirect_target(resp)
        if target is not None:
            resp._content = b""
            resp.close()
        return target

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Drop every header that may be a secret when a redirect leaves the host."""
        if _origin(response.request.url) != _origin(prepared_request.url):
            for name in list(prepared_request.headers):
                if name.lower() not in HARMLESS_HEADERS:
                    del prepared_request.headers[name]


class GuardedAdapter(TimedAdapter):
    """Checks each URL, redirects included, and connects through the guard."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self.pools = _guarded_pools(guard)
        super().__init__(max_retries=0)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send one request of a chain of redirects; without a timeout it gets 30 seconds."""
        self._guard.check_url(str(request.url))
        if proxies:
            raise RequestBlocked("a proxy would connect past the guard")
        return super().send(request, stream, timeout or DEFAULT_SECONDS, verify, cert)


class _GuardedConnection(TimedConnection):
    guard: AddressGuard

    def _check_peer(self, sock: socket.socket) -> None:
        self.guard.check_address(self._dns_host, str(sock.getpeername()[0]), self.port)


def _origin(url: str | None) -> tuple[str, str]:
    parts = urlsplit(url or "")
    return parts.scheme, parts.netloc


@lru_cache(maxsize=8)
def _guarded_pools(
    guard: AddressGuard,
) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(_GuardedConnection):
        pass

    class Encrypted(_GuardedConnection, HTTPSConnection):
        pass

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    Plain.guard = Encrypted.guard = guard
    Plain.resolve = Encrypted.resolve = staticmethod(guard.resolve)
    return {"http": PlainPool, "https": EncryptedPool}
