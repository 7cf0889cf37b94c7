"""Peers for the checks: real HTTP on the loopback address, in good health and in bad."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from socketserver import ThreadingMixIn
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from pipeline_engine.contract_kit.table import Table, Wsgi

LOOPBACK = "127.0.0.1"
#: Answers that no client asked for, each a text of JSON.
SENSELESS = (b"{}", b"[]", b'"?"', b'{"data": 7, "id": {}, "workflow_id": []}')
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

#: What a peer answers: a table by route, a WSGI application, or the address of a real one.
Peer = Mapping[str, Any] | Wsgi | str


class Health(Enum):
    """How peers do."""

    WELL = "well"
    DOWN = "down"  #: nobody listens
    SILENT = "silent"  #: they take a request and never answer
    SENSELESS = "senseless"  #: they answer with 200, and not what was asked for


@dataclass(frozen=True)
class Arrival:
    """One request that changes something, as a peer has seen it."""

    peer: str
    call: str  #: method and path
    key: str | None


@dataclass(frozen=True)
class _Answer:
    status: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class StandIns:
    """All peers of an action, until ``close``.

    They answer a repeated ``Idempotency-Key`` with what the first call came to, as peers have to.
    """

    peers: Mapping[str, Peer]
    arrivals: list[Arrival] = field(default_factory=list, repr=False)
    _answers: dict[tuple[str, str, str], _Answer] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __enter__(self) -> Self:
        self._apps = {n: _application(p) for n, p in self.peers.items() if not isinstance(p, str)}
        self._server = _Server((LOOPBACK, 0), _Silent)
        self._server.set_app(self)
        poll = {"poll_interval": 0.01}
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs=poll, daemon=True)
        self._thread.start()
        self._closed, self._silent = (_bound(), _bound())
        self._silent.listen(64)  # the system takes connections, and nobody reads them
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._closed.close()
        self._silent.close()

    def urls(self, health: Health = Health.WELL, number: int = 0) -> dict[str, str]:
        """Where the peers are, by name; *number* chooses among senseless answers."""
        own = self._server.server_port
        if health is Health.WELL:
            return {
                name: peer if isinstance(peer, str) else f"http://{LOOPBACK}:{own}/well/{name}"
                for name, peer in self.peers.items()
            }
        ports = {Health.DOWN: _port(self._closed), Health.SILENT: _port(self._silent)}
        base = f"http://{LOOPBACK}:{ports.get(health, own)}"
        return {name: f"{base}/{health.value}-{number}/{name}" for name in self.peers}

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Serve one request: a WSGI application in front of those of the peers."""
        _, health, name, *path = environ["PATH_INFO"].split("/", 3)
        environ["PATH_INFO"] = "/" + "".join(path)
        if health != Health.WELL.value:
            body = SENSELESS[int(health.rpartition("-")[2]) % len(SENSELESS)]
            answer = _Answer("200 OK", [("Content-Type", "application/json")], body)
        else:
            answer = self._answer(name, environ)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _answer(self, name: str, environ: dict[str, Any]) -> _Answer:
        method, key = environ["REQUEST_METHOD"], environ.get("HTTP_IDEMPOTENCY_KEY")
        call = f"{method} {environ['PATH_INFO']}"
        if method in SAFE_METHODS:
            return _asked(self._apps[name], environ)
        with self._lock:  # the second of two calls with one key has to wait for the first
            self.arrivals.append(Arrival(name, call, key))
            known = self._answers.get((name, call, key or ""))
            if known is None or key is None:
                known = _asked(self._apps[name], environ)
                self._answers[name, call, key or ""] = known
            return known


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64

    def server_bind(self) -> None:
        """Bind without a look-up of the own name, which can take seconds."""
        # As HTTPServer does, but for ``socket.getfqdn``.
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]
        self.setup_environ()


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as in the base class)
        """Say nothing."""


def _application(peer: Mapping[str, Any] | Wsgi) -> Wsgi:
    return Table(peer) if isinstance(peer, Mapping) else peer


def _asked(app: Wsgi, environ: dict[str, Any]) -> _Answer:
    told: list[Any] = []
    body = b"".join(app(environ, lambda *given: told.append(given)))
    status, headers = told[-1][:2]
    return _Answer(status, headers, body)


def _bound() -> socket.socket:
    bound = socket.socket()
    bound.bind((LOOPBACK, 0))
    return bound


def _port(bound: socket.socket) -> int:
    return int(bound.getsockname()[1])
