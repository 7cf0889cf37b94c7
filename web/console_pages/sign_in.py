"""``/console/sign-in``, ``/console/sign-out`` and ``/console/session``."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, Response, jsonify, redirect, request

from pipeline_engine.services import Act
from pipeline_engine.services.console_sessions import (
    BegunSession,
    InvalidSignInLink,
    SessionEnded,
    SignedIn,
)
from pipeline_engine.services.credentials import InvalidToken

from ..api import errors
from ..api.auth import AuthenticationRequired, console_sessions, open_to_everybody
from ..api.cookies import SESSION, cookie_of, csrf_token, keep, require_own_page, session_of
from ..api.origins import origin
from ..api.rate_limits import strangers_counted
from .answers import blueprint, in_words, page, with_pause_of
from .goals import SIGN_IN, goal_of

#: Marks the browser that was given a form, so that nobody signs in with the form of another.
FORM = "pipeline_sign_in"
FORM_SECONDS = 12 * 3600


def install(app: Flask) -> None:
    """Let people in and out."""
    door = blueprint("console_door")
    door.register_error_handler(Exception, _in_words)
    door.add_url_rule("/sign-in", view_func=show)
    door.add_url_rule("/sign-in", view_func=sign_in, methods=["POST"])
    door.add_url_rule("/sign-out", view_func=sign_out, methods=["POST"])
    app.register_blueprint(door)
    app.add_url_rule("/console/session", view_func=session, endpoint="console_session")


def signed_in() -> SignedIn | None:
    """Who is signed in in the browser that asks; null if nobody is, any more. It is seen."""
    secret = cookie_of(request.headers, SESSION)
    try:
        return None if secret is None else console_sessions().find(secret)
    except SessionEnded:
        return None


@open_to_everybody
def show() -> Any:
    """Ask for a token; whoever is signed in goes on, unless a link has brought him."""
    if "code" not in request.args and signed_in() is not None:
        return redirect(goal_of(request.args.get("next")))
    return _form(code=request.args.get("code"))


@open_to_everybody
def sign_in() -> Any:
    """Let in whose token is right, or who comes by a link that was not used yet."""
    require_own_page(request, cookie_of(request.headers, FORM))
    with strangers_counted(InvalidToken, InvalidSignInLink):
        begun = _begun()
    response = redirect(goal_of(request.form.get("next")), 303)
    keep(request, response, SESSION, begun.secret, path="/", expires=begun.expires_at)
    response.delete_cookie(FORM, path=SIGN_IN)
    return response


sign_in.act = Act.SESSION_BEGIN  # type: ignore[attr-defined]


@open_to_everybody
def sign_out() -> Any:
    """End the session; where there is none any more, there is nothing to protect."""
    secret, known = cookie_of(request.headers, SESSION), signed_in()
    if secret is not None and known is not None:
        require_own_page(request, secret)
        console_sessions().end(secret, known.caller_from(origin()))
    response = redirect(SIGN_IN, 303)
    response.delete_cookie(SESSION, path="/")
    return response


sign_out.act = Act.SESSION_END  # type: ignore[attr-defined]


def session() -> Any:
    """What the pages have to know of who is signed in. Only the cookie is asked."""
    secret = session_of(request.headers)
    known = signed_in()
    if secret is None or known is None:
        raise AuthenticationRequired
    return jsonify(
        subject=known.caller.user_id or known.caller.principal,
        principal=known.caller.principal,
        owners=sorted(known.caller.owners),
        scopes=sorted(known.caller.rights),
        expires_at=known.expires_at.isoformat(),
        csrf_token=csrf_token(secret),
        zone=None,  # nobody has chosen one: that of the browser
    )


def _begun() -> BegunSession:
    before = cookie_of(request.headers, SESSION)
    code = request.form.get("code")
    if code:
        return console_sessions().begin_by_link(code, origin(), before=before)
    token = request.form.get("token", "").strip()
    return console_sessions().begin(token, origin(), before=before)


def _in_words(error: Exception) -> Response:
    """What goes wrong with a sign-in is said above the form, to try again at once."""
    answer = errors.of(error)
    problem = answer.get_json(silent=True)
    if request.method != "POST" or request.path != SIGN_IN or problem is None:
        return in_words(error)
    return with_pause_of(answer, _form(answer.status_code, alert=problem["title"]))


def _form(status: int = 200, *, code: str | None = None, alert: str | None = None) -> Response:
    mark = cookie_of(request.headers, FORM) or secrets.token_urlsafe(32)
    response = page(
        "sign_in.html",
        status,
        goal=goal_of(request.values.get("next")),
        csrf=csrf_token(mark),
        code=code,
        alert=alert,
    )
    keep(request, response, FORM, mark, path=SIGN_IN, max_age=FORM_SECONDS)
    return response
