"""Pages of the console: their headers, and errors in words."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from ..api import errors

#: Nothing but what comes from here; forms lead back here, and no other page frames it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)


def page(template: str, status: int = 200, **facts: object) -> Response:
    """A page that is rendered here."""
    return Response(render_template(f"console/{template}", **facts), status=status)


def guarded(response: Response) -> Response:
    """*response* with what browsers may do with it."""
    response.headers["Content-Security-Policy"] = POLICY
    # Without any, forms would be sent with ``Origin: null``.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def in_words(error: Exception) -> Response:
    """The page that tells of *error* what the API would say."""
    answer = errors.of(error)
    problem = answer.get_json(silent=True)
    if problem is None:
        return answer  # a redirect
    said = page("notice.html", answer.status_code, title=problem["title"], text=problem["detail"])
    return with_pause_of(answer, said)


def with_pause_of(answer: Response, said: Response) -> Response:
    """*said* with the time after which the API would be asked again."""
    if "Retry-After" in answer.headers:
        said.headers["Retry-After"] = answer.headers["Retry-After"]
    return said


def blueprint(name: str) -> Blueprint:
    """Some routes whose answers are pages, also when something goes wrong."""
    made = Blueprint(name, __name__, url_prefix="/console")
    made.after_request(guarded)
    made.register_error_handler(Exception, in_words)
    return made
