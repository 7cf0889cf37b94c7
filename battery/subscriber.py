"""Somebody who has subscribed to everything, and what he was told, in the order of that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from battery.evidence import Told

PATH = "/told"
UNWILLING = 7  #: every so many messages are refused once, as by a receiver that is busy
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class _Ears:
    """What the threads of the server share."""

    told: list[Told]
    lock: Lock


class Subscriber:
    """Listens on this machine until it is closed."""

    def __init__(self) -> None:
        self._ears = _Ears([], Lock())
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _handler(self._ears))
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, daemon=True, name="subscriber").start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._server.server_port}{PATH}"

    @property
    def told(self) -> list[Told]:
        """What it has accepted so far."""
        with self._ears.lock:
            return list(self._ears.told)

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


def _handler(ears: _Ears) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        heard = 0

        def do_POST(self) -> None:
            """Take a message, or say that one is busy."""
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with ears.lock:
                Handler.heard += 1
                is_busy = Handler.heard % UNWILLING == 0
                if not is_busy:
                    ears.told.append(_told(event))
            self.send_response(503 if is_busy else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: what counts is what was heard."""

    return Handler


def _told(event: dict[str, object]) -> Told:
    data = event["data"]
    assert isinstance(data, dict), event
    return Told(
        message_id=str(event["id"]),
        execution_id=str(data["execution_id"]),
        sequence_number=int(data["sequence_number"]),
        event_type=str(event["type"]),
    )
