"""Headers that every response has, whatever happened to its request."""

from __future__ import annotations

import re
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

CORRELATION = "X-Correlation-ID"
# It is copied into headers and logs, so not everything will do.
ACCEPTED = re.compile(r"[\w.:+/=-]{1,128}", re.ASCII)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


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
    given = request.headers.get(CORRELATION, "")
    name = given if ACCEPTED.fullmatch(given) else uuid4().hex
    g.correlation_id = name
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(correlation_id=name)
    return name


def _finish(response: Response) -> Response:
    response.headers.set(CORRELATION, correlation_id())
    for name, value in SECURITY.items():
        response.headers.set(name, value)
    if "Cache-Control" not in response.headers:
        response.headers.set("Cache-Control", "no-store")
    if request.is_secure:
        response.headers.set("Strict-Transport-Security", "max-age=31536000")
    return response
