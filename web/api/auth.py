"""Who is calling, and may he. A route that says nothing about it is closed without a token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask, current_app, g, request
from werkzeug.datastructures import Headers

from pipeline_engine.errors import IdentityUnavailable, InvalidUserId, PipelineEngineError
from pipeline_engine.services import OWNER_ID, USER_ID, Caller, Runtime, Scope
from pipeline_engine.services.console_sessions import ConsoleSessions, SessionEnded
from pipeline_engine.services.credentials import (
    Credentials,
    InvalidInternalToken,
    InvalidToken,
)

from ..holding import Right
from .cookies import SAFE, SESSION, require_own_page, session_of
from .origins import origin
from .rate_limits import count_caller, strangers_counted

View = TypeVar("View", bound=Callable[..., Any])
ON_BEHALF = "X-User-ID"
OWNER = "X-Owner"
CREDENTIALS = "pipeline_engine_credentials"
CONSOLE_SESSIONS = "pipeline_engine_console_sessions"
SERVICE_TOKEN = "dapr-api-token"  # noqa: S105  the name of a header


class Access(StrEnum):
    """How those prove who they are that call a route."""

    EVERYBODY = "everybody"  #: no token at all, or one that the service checks itself
    CALLERS = "callers"  #: by a token of their own
    PARTIES = "parties"  #: by that, or by ``dapr-api-token``


class AuthenticationRequired(PipelineEngineError):
    """Send a token: Authorization: Bearer <token>."""

    code = "authentication_required"


class InsufficientScope(PipelineEngineError):
    """This token does not have the right that the request needs."""

    code = "insufficient_scope"


#: Who proves by these that he is nobody known.
STRANGERS = (AuthenticationRequired, InvalidToken, InvalidInternalToken, SessionEnded)


class InvalidOwner(PipelineEngineError):
    """X-Owner does not name a user or a group."""

    code = "invalid_owner"


class OwnerNotAllowed(PipelineEngineError):
    """The caller is neither this user nor in this group."""

    code = "owner_not_allowed"


def open_to_everybody(view: View) -> View:
    """Mark a view that anybody may call."""
    view.access = Access.EVERYBODY  # type: ignore[attr-defined]
    return view


def for_parties(view: View) -> View:
    """Mark a view about deliveries: those that send them have a token of the service mesh."""
    view.access = Access.PARTIES  # type: ignore[attr-defined]
    return view


def access_to(app: Flask, endpoint: str) -> Access:
    """Who may call *endpoint*."""
    found: Access = getattr(app.view_functions[endpoint], "access", Access.CALLERS)
    return found


def scopes_of(app: Flask, endpoint: str) -> tuple[Scope, ...]:
    """The rights that *endpoint* needs, all of them."""
    found: tuple[Scope, ...] = getattr(app.view_functions[endpoint], "scopes", ())
    return found


def right_of_request() -> Right:
    """The right by which the present request is answered, to be looked at again later."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    proofs = Proofs(app.extensions[CREDENTIALS], app.extensions[CONSOLE_SESSIONS])
    access = access_to(app, request.endpoint or "")
    named = (SERVICE_TOKEN, "Authorization", ON_BEHALF, OWNER)
    headers = Headers({name: request.headers[name] for name in named if name in request.headers})
    if (secret := session_of(request.headers)) is not None:
        headers["Cookie"] = f"{SESSION}={secret}"
    caller: Caller = g.caller

    def holds() -> bool:
        """Whether the same words would still let in the same caller."""
        try:
            # An open stream is no sign that somebody is there.
            found = _acting(proofs.caller(headers, access, is_seen=False), headers)
        except IdentityUnavailable:
            return True  # nobody can say
        except PipelineEngineError:
            return False
        return replace(found, origin=caller.origin) == caller

    return Right(tuple(headers.items()), holds)


def install(app: Flask, runtime: Runtime) -> None:
    """Ask everybody who they are, and whether they may, before any view is called."""
    credentials = app.extensions[CREDENTIALS] = Credentials(runtime)
    sessions = app.extensions[CONSOLE_SESSIONS] = ConsoleSessions(runtime, credentials)
    proofs = Proofs(credentials, sessions)
    open_to_everybody(app.view_functions["static"])

    def authenticate() -> None:
        if request.endpoint is None:
            return  # there is nothing here: 404 or 405
        access = access_to(app, request.endpoint)
        if access is Access.EVERYBODY:
            return
        with strangers_counted(*STRANGERS):
            proven = proofs.caller(request.headers, access)
        # Known before it says for whom it acts: that may be refused, and is recorded.
        g.caller = replace(proven, origin=origin())
        if not proven.is_service:  # what is refused next is a request, too
            count_caller(proven)
        _require_own_page(access)
        g.caller = _acting(g.caller, request.headers)
        if proven.is_service:  # it has a bucket for each whom it names
            count_caller(g.caller)
        _require_scopes(app, request.endpoint)

    app.before_request(authenticate)


def _require_own_page(access: Access) -> None:
    """Let a browser that sends its cookie by itself write from our own pages only."""
    secret = _session_behind(request.headers, access)
    if secret is not None and request.method not in SAFE:
        require_own_page(request, secret)


def _require_scopes(app: Flask, endpoint: str) -> None:
    # Before any row is looked up: what somebody may not do says nothing about what is there.
    for scope in scopes_of(app, endpoint):
        if not g.caller.may(scope):
            raise InsufficientScope(f"This needs the right {scope}.", scope=str(scope))


@dataclass(frozen=True, slots=True)
class Proofs:
    """All that somebody can prove by who he is; the first that a request has is the only one."""

    credentials: Credentials
    sessions: ConsoleSessions

    def caller(self, headers: Headers, access: Access, *, is_seen: bool = True) -> Caller:
        """The one who has sent these *headers*."""
        if _is_of_mesh(headers, access):
            return self.credentials.service(headers[SERVICE_TOKEN])
        secret = _session_behind(headers, access)
        if secret is not None:
            return self.sessions.find(secret, is_seen=is_seen).caller
        token = bearer_of(headers)
        if token is None:
            self.credentials.require_any()
            raise AuthenticationRequired
        return self.credentials.bearer(token)


def bearer_of(headers: Headers) -> str | None:
    """The token in a request's ``Authorization``."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def console_sessions() -> ConsoleSessions:
    """Who is signed in to the console."""
    found: ConsoleSessions = current_app.extensions[CONSOLE_SESSIONS]
    return found


def _is_of_mesh(headers: Headers, access: Access) -> bool:
    return access is Access.PARTIES and SERVICE_TOKEN in headers


def _session_behind(headers: Headers, access: Access) -> str | None:
    """The session that a request is judged by, if nothing else comes before it."""
    return None if _is_of_mesh(headers, access) else session_of(headers)


def _acting(caller: Caller, headers: Headers) -> Caller:
    """The caller as the owner that it has chosen; a service is believed whom it names."""
    user_id, owner = headers.get(ON_BEHALF), headers.get(OWNER)
    # Taking a wrong id for "no user" would show the rows of all users.
    if user_id is not None and caller.is_service:
        if not USER_ID.fullmatch(user_id):
            raise InvalidUserId
        caller = caller.acting_for(user_id)
    if owner is None:
        return caller
    if not OWNER_ID.fullmatch(owner):
        raise InvalidOwner
    if not caller.is_service:
        if not caller.owns(owner):
            raise OwnerNotAllowed(f"The caller is not {owner!r}, nor in a group of this name.")
    elif user_id is None and not caller.owns(owner):
        return caller.acting_for(owner)
    return replace(caller, user_id=owner, others=caller.owners - {owner})
