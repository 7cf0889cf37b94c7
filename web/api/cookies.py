"""The session cookie of the console, and what shows that a request comes from its own pages.

``SameSite`` keeps other sites out, but not what listens on another port of the same host. So a
write with the cookie brings a text that only our own pages are told, from our own origin.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode

from flask import Request
from werkzeug.datastructures import Headers
from werkzeug.http import parse_cookie
from werkzeug.wrappers import Response

from pipeline_engine.errors import PipelineEngineError

SESSION = "pipeline_session"
CSRF_HEADER, CSRF_FIELD = "X-CSRF-Token", "csrf"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class CsrfFailed(PipelineEngineError):
    """This request does not come from a page of the console: load the page again."""

    code = "csrf_failed"


def session_of(headers: Headers) -> str | None:
    """The secret of the session that a request comes with, unless it says who it is otherwise."""
    if "Authorization" in headers:
        return None
    return cookie_of(headers, SESSION)


def cookie_of(headers: Headers, name: str) -> str | None:
    """The value of one cookie."""
    return parse_cookie(headers.get("Cookie", "")).get(name) or None


def keep(request: Request, response: Response, name: str, value: str, **kept: object) -> None:
    """Let the browser keep a cookie that no script reads, and that other sites do not send."""
    response.set_cookie(
        name,
        value,
        secure=request.is_secure,  # a browser takes none that is secure from http://
        httponly=True,
        samesite="Strict",
        **kept,  # type: ignore[arg-type]
    )


def csrf_token(secret: str) -> str:
    """What pages are told that belong to the cookie with this *secret*; it does not say that."""
    digest = hmac.digest(secret.encode("utf-8", "surrogateescape"), b"csrf", "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def require_own_page(request: Request, secret: str | None) -> None:
    """Raise ``CsrfFailed`` unless a page that belongs to the cookie has sent this request."""
    given = request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD, "")
    known = csrf_token(secret) if secret else ""
    is_right = hmac.compare_digest(known.encode(), given.encode("utf-8", "surrogateescape"))
    if not (secret and is_right and _is_of_own_origin(request)):
        raise CsrfFailed


def _is_of_own_origin(request: Request) -> bool:
    """Whether the browser says so. Over plain http, to other hosts, it tells ``Origin`` only."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == f"{request.scheme}://{request.host}"
