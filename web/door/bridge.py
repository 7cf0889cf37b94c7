"""From ASGI to WSGI (PEP 3333) and back, for a request and a response that are whole."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from types import TracebackType
from typing import Any
from urllib.parse import unquote_to_bytes

from .answers import Answer, Headers, Scope, length_of

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
StartResponse = Callable[..., Callable[[bytes], object]]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]

#: The two that WSGI knows by names of its own; the body is whole, so its framing is history.
OWN_NAMES = {b"content-type": "CONTENT_TYPE", b"content-length": "", b"transfer-encoding": ""}
WITHOUT_BODY = (204, 304)


def environ_of(scope: Scope, body: bytes) -> Environ:
    """The environ of the request that *scope* describes."""
    client, server = scope.get("client") or ("", 0), scope.get("server") or ("", 0)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        _add(environ, name, value.decode("latin-1"))
    return environ


def _add(environ: Environ, name: bytes, value: str) -> None:
    if b"_" in name:
        return  # X_User_ID and X-User-ID would be one name: only the latter is believed
    key = OWN_NAMES.get(name)
    if key is None:
        key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
    if not key:
        return
    if key in environ:
        value = environ[key] + ("; " if name == b"cookie" else ",") + value
    environ[key] = value


def call(app: WsgiApp, environ: Environ) -> Answer:
    """Run *app* to its end, and return its whole response; what it raises comes through."""
    response = _Response()
    result = app(environ, response.start)
    try:
        for chunk in result:
            response.write(chunk)
    finally:
        if hasattr(result, "close"):
            result.close()
    return response.whole(environ["REQUEST_METHOD"])


class _Response:
    """What an application has said so far."""

    def __init__(self) -> None:
        self._status = ""
        self._headers: Headers = []
        self._chunks: list[bytes] = []

    def start(
        self,
        status: str,
        headers: Sequence[tuple[str, str]],
        exc_info: ExcInfo | None = None,
    ) -> Callable[[bytes], object]:
        """``start_response`` of PEP 3333."""
        if self._status and exc_info is None:
            raise AssertionError("The response was started already.")
        # Nothing has been sent yet, so with exc_info all of it is replaced.
        self._status, self._chunks = status, []
        self._headers = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers]
        return self.write

    def write(self, chunk: bytes) -> None:
        """``write`` of PEP 3333, and each part of the iterable."""
        if not self._status:
            raise AssertionError("A body came before start_response.")
        self._chunks.append(chunk)

    def whole(self, method: str) -> Answer:
        """All of it."""
        if not self._status:
            raise AssertionError("The application did not call start_response.")
        status, body = int(self._status[:3]), b"".join(self._chunks)
        sized = any(name == b"content-length" for name, _ in self._headers)
        if not sized and method != "HEAD" and status not in WITHOUT_BODY:
            self._headers.append(length_of(body))
        return Answer(status, self._headers, body)
