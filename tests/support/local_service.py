"""A real HTTP server on the loopback address that answers what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pipeline_engine.sdk import PeerApi, Peers


@dataclass(frozen=True)
class Received:
    """One request as it came over the wire."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]  #: names in lower case
    body: Any  #: as JSON if it is JSON
    raw: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What to say to a request."""

    status: int = 200
    body: Any = None  #: bytes as they are, anything else as JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    missing: int = 0  #: bytes that are promised and never come

    @property
    def raw(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


class LocalService(ThreadingHTTPServer):
    """Remembers every request; what it was not told about is 404."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[tuple[str, str], Answer] = {}
        self.turns: dict[tuple[str, str], list[Answer]] = {}
        self.received: list[Received] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, route: str, body: Any = None, *, status: int = 200, **headers: str) -> None:
        """Answer ``"GET /path"`` with *body* from now on."""
        method, _, path = route.partition(" ")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[method, path] = Answer(status, body, named)

    def answer_in_turn(self, route: str, *answers: Answer) -> None:
        """Answer ``"GET /path"`` with each of these once, in their order."""
        method, _, path = route.partition(" ")
        self.turns[method, path] = list(answers)


class _Handler(BaseHTTPRequestHandler):
    server: LocalService
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_any(self) -> None:
        target = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append(
            Received(self.command, target.path, parse_qs(target.query), headers, _read(raw), raw)
        )
        missing = Answer(404, {"detail": f"No {self.command} {target.path}"})
        route = (self.command, target.path)
        turns = self.server.turns.get(route)
        self._send(turns.pop(0) if turns else self.server.answers.get(route, missing))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.do_any
        raise AttributeError(name)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        for cookie in answer.cookies:
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", str(len(answer.raw) + answer.missing))
        self.end_headers()
        self.wfile.write(answer.raw)
        self.close_connection = answer.missing > 0

    def log_message(self, *args: Any) -> None:
        """Stay silent: the test looks at what was received."""


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw


@contextmanager
def local_service() -> Iterator[LocalService]:
    """Serve until the test is over."""
    with LocalService() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class SomeSettings:
    """The part of the settings that peers need."""

    service_urls: Mapping[str, str] = field(default_factory=dict)
    dapr_http_endpoint: str | None = None
    dapr_api_token: str | None = None
    app_api_token: str | None = None
    pubsub_name: str = "pubsub"
    notify_service_topic: str | None = None
    notification_webhook_url: str | None = None
    http_allowed_hosts: tuple[str, ...] = ()
    http_allowed_ports: tuple[str, ...] = ()


@contextmanager
def door_to(service: LocalService, **settings: Any) -> Iterator[PeerApi]:
    """Open a door behind which every peer is *service*."""
    names = ("budapp", "budcluster", "budsim")
    given = {"service_urls": dict.fromkeys(names, service.url), "app_api_token": "app-token"}
    peers = Peers(SomeSettings(**(given | settings)))
    try:
        yield PeerApi(peers)
    finally:
        peers.close()
