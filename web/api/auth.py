"""Who is calling. A route that says nothing about it is closed to everybody without a token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import Any, TypeVar

from flask import Flask, g, request
from werkzeug.datastructures import Headers

from pipeline_engine.config import Settings
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.services import Caller, Scope

View = TypeVar("View", bound=Callable[..., Any])
ON_BEHALF = "X-User-ID"
SERVICE_TOKEN = "dapr-api-token"  # noqa: S105  the name of a header
USER_ID = re.compile(r"[\w.@:+-]{1,255}", re.ASCII)


class Access(StrEnum):
    """Who may call a route."""

    EVERYBODY = "everybody"  #: no token at all, or one that the service checks itself
    CALLERS = "callers"  #: users and services
    PARTIES = "parties"  #: the same, the latter also by ``dapr-api-token``
    SERVICES = "services"  #: only tokens that may act for others, and ``dapr-api-token``


class AuthenticationRequired(PipelineEngineError):
    """Send a token: Authorization: Bearer <token>."""

    code = "authentication_required"


class InvalidToken(PipelineEngineError):
    """This token is not known."""

    code = "invalid_token"


class AuthenticationNotConfigured(PipelineEngineError):
    """This installation has no tokens, so nobody can be let in: set PIPELINE_API_TOKEN."""

    code = "authentication_not_configured"


class InvalidInternalToken(PipelineEngineError):
    """The dapr-api-token is not that of this installation."""

    code = "invalid_internal_token"


class ServiceTokenRequired(PipelineEngineError):
    """Only services may call this route."""

    code = "service_token_required"


class InvalidUserId(PipelineEngineError):
    """X-User-ID does not name a user."""

    code = "invalid_user_id"


def open_to_everybody(view: View) -> View:
    """Mark a view that anybody may call."""
    view.access = Access.EVERYBODY  # type: ignore[attr-defined]
    return view


def for_users_too(view: View) -> View:
    """Mark a view about deliveries: for those that send them, and those whose steps get them."""
    view.access = Access.PARTIES  # type: ignore[attr-defined]
    return view


def for_services(view: View) -> View:
    """Mark a view that users may not call."""
    view.access = Access.SERVICES  # type: ignore[attr-defined]
    return view


def access_to(app: Flask, endpoint: str) -> Access:
    """Who may call *endpoint*."""
    found: Access = getattr(app.view_functions[endpoint], "access", Access.CALLERS)
    return found


def scope_of(app: Flask, endpoint: str) -> Scope | None:
    """The right that *endpoint* needs. It is declared; tokens do not have fewer than all yet."""
    found: Scope | None = getattr(app.view_functions[endpoint], "scope", None)
    return found


def install(app: Flask, settings: Settings) -> None:
    """Ask everybody who they are before any view is called."""
    tokens = Tokens.of(settings)
    open_to_everybody(app.view_functions["static"])

    def authenticate() -> None:
        if request.endpoint is None:
            return  # there is nothing here: 404 or 405
        access = access_to(app, request.endpoint)
        if access is not Access.EVERYBODY:
            g.caller = tokens.caller(request.headers, access)

    app.before_request(authenticate)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that are known, as digests: comparing those says nothing about lengths."""

    services: tuple[bytes, ...]
    users: tuple[tuple[bytes, str], ...]
    internal: bytes | None

    @classmethod
    def of(cls, settings: Settings) -> Tokens:
        """The tokens of an installation."""
        return cls(
            services=tuple(map(_digest, settings.api_tokens)),
            users=tuple((_digest(token), user) for token, user in settings.user_tokens.items()),
            internal=_digest(settings.app_api_token) if settings.app_api_token else None,
        )

    def caller(self, headers: Headers, access: Access) -> Caller:
        """The one whom *headers* prove; raises what is to be answered otherwise."""
        if access in (Access.PARTIES, Access.SERVICES) and SERVICE_TOKEN in headers:
            self._check_internal(headers[SERVICE_TOKEN])
            return Caller(user_id=_on_behalf_of(headers), is_service=True)
        if not (self.services or self.users):
            raise AuthenticationNotConfigured
        found = self._bearer(headers)
        if access is Access.SERVICES and not found.is_service:
            raise ServiceTokenRequired
        return found

    def _check_internal(self, token: str) -> None:
        if self.internal is None:
            raise AuthenticationNotConfigured(
                "Internal auth not configured: this installation has no APP_API_TOKEN."
            )
        if not compare_digest(_digest(token), self.internal):
            raise InvalidInternalToken

    def _bearer(self, headers: Headers) -> Caller:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise AuthenticationRequired
        digest = _digest(token.strip())
        users = [user for known, user in self.users if compare_digest(known, digest)]
        if _is_among(self.services, digest):
            return Caller(user_id=_on_behalf_of(headers), is_service=True)
        if users:
            return Caller(user_id=users[0])
        raise InvalidToken


def _on_behalf_of(headers: Headers) -> str | None:
    """The user for whom a service acts; null when it acts for the system."""
    user_id = headers.get(ON_BEHALF)
    # Taking a wrong id for "no user" would show the rows of all users.
    if user_id is not None and not USER_ID.fullmatch(user_id):
        raise InvalidUserId
    return user_id


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()


def _is_among(known: Iterable[bytes], digest: bytes) -> bool:
    # A list: every token is compared, wherever the right one stands.
    return any([compare_digest(one, digest) for one in known])  # noqa: C419
