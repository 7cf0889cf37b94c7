"""Headers that every response has, whoever makes it: its name, and what browsers must not do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

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


def correlation_id(given: str) -> str:
    """The name of a request: the caller's own, or one that we make."""
    return given if ACCEPTED.fullmatch(given) else uuid4().hex


def of_response(name: str, *, is_secure: bool) -> Iterator[tuple[str, str]]:
    """The marks of a response to the request called *name*; ``Cache-Control`` may differ."""
    yield CORRELATION, name
    yield from SECURITY.items()
    yield "Cache-Control", "no-store"
    if is_secure:
        yield "Strict-Transport-Security", "max-age=31536000"
