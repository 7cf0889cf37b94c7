"""Headers that every response has, whatever happened to its request."""

from __future__ import annotations

import structlog
from flask import Flask, Response, g, request

from .. import marks
from ..marks import CORRELATION

#: What a page may say otherwise than all the others.
MAY_DIFFER = ("Cache-Control", "Content-Security-Policy", "Referrer-Policy")


def install(app: Flask) -> None:
    """Name each request before anything else looks at it; mark each response after."""
    app.before_request(_correlate)
    app.after_request(_finish)


def correlation_id() -> str:
    """The name of this request: the caller's own, or one that we made."""
    found: str = g.setdefault("correlation_id", "") or _correlate_now()
    return found


def _correlate() -> None:
    _correlate_now()


def _correlate_now() -> str:
    name = marks.correlation_id(request.headers.get(CORRELATION, ""))
    g.correlation_id = name
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(correlation_id=name)
    return name


def _finish(response: Response) -> Response:
    kept = {name: response.headers[name] for name in MAY_DIFFER if name in response.headers}
    for name, value in marks.of_response(correlation_id(), is_secure=request.is_secure):
        response.headers.set(name, value)
    for name, value in kept.items():
        response.headers.set(name, value)
    return response
