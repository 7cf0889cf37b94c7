"""A client of JSON over HTTP whose connections stay open, one for each thread that asks."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from threading import local
from typing import Any

TIMEOUT_SECONDS = 120.0
JSON = "application/json"


class Http:
    """One server on this machine."""

    def __init__(self, port: int, **headers: str) -> None:
        self._port = port
        self._headers = headers
        self._of_this_thread = local()

    def ask(self, path: str, body: Any = None, *, method: str = "POST") -> Any:
        """Send one request and return what the answer holds, if anything.

        Raises ``OSError`` if nobody listens and ``RuntimeError`` for an answer that is no success.
        """
        connection = self._connection()
        payload, headers = None, self._headers
        if body is not None:
            payload, headers = json.dumps(body).encode(), {**headers, "Content-Type": JSON}
        try:
            connection.request(method, path, payload, headers)
            answer = connection.getresponse()
            said = answer.read()
        except OSError:
            connection.close()  # or the next request would find it half used
            raise
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {said[:300]!r}")
        return json.loads(said) if said else None

    def _connection(self) -> HTTPConnection:
        if not hasattr(self._of_this_thread, "connection"):
            self._of_this_thread.connection = HTTPConnection(
                "127.0.0.1", self._port, timeout=TIMEOUT_SECONDS
            )
        connection: HTTPConnection = self._of_this_thread.connection
        return connection
