"""Who is calling, and may he. A route that says nothing about it is closed without a token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask, current_app, g, request
from werkzeug.datastructures import Headers

from pipeline_engine.errors import IdentityUnavailable, InvalidUserId, PipelineEngineError
from pipeline_engine.services import OWNER_ID, USER_ID, Caller, Runtime, Scope
from pipeline_engine.services.credentials import (
    Credentials,
    InvalidInternalToken,
    InvalidToken,
)

from ..holding import Right
from .origins import origin
from .rate_limits import count_caller, strangers_counted

View = TypeVar("View", bound=Callable[..., Any])
ON_BEHALF = "X-User-ID"
OWNER = "X-Owner"
CREDENTIALS = "pipeline_engine_credentials"
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
    credentials: Credentials = app.extensions[CREDENTIALS]
    access = access_to(app, request.endpoint or "")
    named = (SERVICE_TOKEN, "Authorization", ON_BEHALF, OWNER)
    headers = Headers({name: request.headers[name] for name in named if name in request.headers})
    caller: Caller = g.caller

    def holds() -> bool:
        """Whether the same words would still let in the same caller."""
        try:
            found = _acting(_proven(credentials, headers, access), headers)
        except IdentityUnavailable:
            return True  # nobody can say
        except PipelineEngineError:
            return False
        return replace(found, origin=caller.origin) == caller

    return Right(tuple(headers.items()), holds)


def install(app: Flask, runtime: Runtime) -> None:
    """Ask everybody who they are, and whether they may, before any view is called."""
    credentials = app.extensions[CREDENTIALS] = Credentials(runtime)
    open_to_everybody(app.view_functions["static"])

    def authenticate() -> None:
        if request.endpoint is None:
            return  # there is nothing here: 404 or 405
        access = access_to(app, request.endpoint)
        if access is Access.EVERYBODY:
            return
        with strangers_counted(AuthenticationRequired, InvalidToken, InvalidInternalToken):
            proven = _proven(credentials, request.headers, access)
        # Known before it says for whom it acts: that may be refused, and is recorded.
        g.caller = replace(proven, origin=origin())
        if not proven.is_service:  # what is refused next is a request, too
            count_caller(proven)
        g.caller = _acting(g.caller, request.headers)
        if proven.is_service:  # it has a bucket for each whom it names
            count_caller(g.caller)
        # Before any row is looked up: what somebody may not do says nothing about what is there.
        for scope in scopes_of(app, request.endpoint):
            if not g.caller.may(scope):
                raise InsufficientScope(f"This needs the right {scope}.", scope=str(scope))

    app.before_request(authenticate)


def _proven(credentials: Credentials, headers: Headers, access: Access) -> Caller:
    if access is Access.PARTIES and SERVICE_TOKEN in headers:
        return credentials.service(headers[SERVICE_TOKEN])
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        credentials.require_any()
        raise AuthenticationRequired
    return credentials.bearer(token.strip())


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
