"""The HTTP side of the stand-ins: the standard library's server and one table of routes."""

from __future__ import annotations

import json
import re
import socket
import sys
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pipeline_engine.demo.peers.behaviour import Behaviour
from pipeline_engine.demo.peers.calls import Answer, Call
from pipeline_engine.demo.peers.routes import ROUTES
from pipeline_engine.demo.peers.services import Services

PATTERNS = tuple((method, re.compile(path), serve) for method, path, serve in ROUTES)


class PeersServer(ThreadingHTTPServer):
    """Serves budapp, budcluster and budsim under one address, each below its own name."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, behaviour: Behaviour, *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.services = Services(behaviour)

    @property
    def url(self) -> str:
        """Where the stand-ins are."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay calm when a caller is killed between two requests."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Stop sending events, then close."""
        self.services.stop()
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    server: PeersServer
    protocol_version = "HTTP/1.1"
    # Header and body leave as two writes: with Nagle's algorithm the second waits 40 ms.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as in the base class)
        """Stay silent: the journal tells more."""

    def _serve(self) -> None:
        call = self._read()
        answer = self._answer(call) if isinstance(call, Call) else call
        if isinstance(call, Call) and self._hangs_up(call):
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        body = json.dumps(answer.body).encode()
        try:
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:  # the caller was killed while it waited
            self.close_connection = True

    def _hangs_up(self, call: Call) -> bool:
        """Take as long as the stand-ins are told to, and tell whether there is an answer."""
        services = self.server.services
        services.delay(call)
        return services.hangs_up(call)

    def _read(self) -> Call | Answer:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = urlsplit(self.path)
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            return Answer(HTTPStatus.BAD_REQUEST, {"detail": "The body is not JSON"})
        return Call(
            method=self.command,
            path=target.path,
            body=body,
            query=dict(parse_qsl(target.query)),
            key=self.headers.get("Idempotency-Key"),
            execution_id=self.headers.get("X-Correlation-ID"),
        )

    def _answer(self, call: Call) -> Answer:
        services = self.server.services
        if call.writes:
            services.journal.wrote(call)
        if (failure := services.meant_to_fail(call)) is not None:
            return failure
        for method, pattern, serve in PATTERNS:
            if method == call.method and (found := pattern.fullmatch(call.path)):
                ids = tuple(unquote(part) for part in found.groups())
                return serve(services, replace(call, ids=ids))
        return Answer(HTTPStatus.NOT_FOUND, {"detail": f"No route {call.method} {call.path}"})
