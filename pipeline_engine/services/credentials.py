"""Who somebody is, by the token that came along."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from threading import Lock

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline_engine.config import Settings
from pipeline_engine.domain.callers import GROUP, USER_ID, Caller
from pipeline_engine.domain.scopes import EDITOR, Scope
from pipeline_engine.errors import IdentityUnavailable, InvalidSettings, PipelineEngineError
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import oidc, tokens
from pipeline_engine.services.roles import rights_of, roles_of

#: What those may do who report events, or ring, by ``dapr-api-token``.
INTERNAL = frozenset(
    {
        Scope.OWNERS_ANY,
        Scope.EVENTS_SEND,
        Scope.EVENT_TRIGGERS_READ,
        Scope.DELIVERIES_READ,
        Scope.DELIVERIES_CONTROL,
        Scope.SCHEDULES_CONTROL,
        Scope.ENGINE_CONTROL,
    }
)

BY_ISSUER = "oidc:"  #: in front of whom an issuer vouches for

#: For how long, and of how many tokens, it is remembered that they let in.
REMEMBERED_SECONDS, MOST_REMEMBERED = 300.0, 1000

log = structlog.get_logger(__name__)


class InvalidToken(PipelineEngineError):
    """This token lets nobody in: it is unknown, expired or revoked."""

    code = "invalid_token"


class AuthenticationNotConfigured(PipelineEngineError):
    """This installation has no tokens, so nobody can be let in: set PIPELINE_API_TOKEN."""

    code = "authentication_not_configured"


class InvalidInternalToken(PipelineEngineError):
    """The dapr-api-token is not that of this installation."""

    code = "invalid_internal_token"


@dataclass(frozen=True, slots=True)
class FromEnvironment:
    """The tokens of the environment, as digests: comparing those says nothing about lengths."""

    services: tuple[bytes, ...]
    users: tuple[tuple[bytes, Caller], ...]
    internal: bytes | None

    @classmethod
    def of(cls, settings: Settings) -> FromEnvironment:
        """The tokens that the settings name. Raises ``InvalidSettings``."""
        _check_users(settings.user_tokens.values())
        rights = rights_of(roles_of(settings), [EDITOR])
        return cls(
            services=tuple(map(_digest, settings.api_tokens)),
            users=tuple(
                (_digest(token), Caller(user, rights=rights, principal=f"env:user:{user}"))
                for token, user in settings.user_tokens.items()
            ),
            internal=_digest(settings.app_api_token) if settings.app_api_token else None,
        )

    def holder(self, token: str) -> Caller | None:
        """Whose token this is."""
        digest = _digest(token)
        users = [user for known, user in self.users if compare_digest(known, digest)]
        if _is_among(self.services, digest):
            return Caller(rights=frozenset({Scope.ADMIN}), principal="env:api")
        return users[0] if users else None


class Credentials:
    """Everything that somebody can prove himself by."""

    def __init__(self, runtime: Runtime) -> None:
        """Raises ``InvalidSettings``."""
        self._environment = FromEnvironment.of(runtime.settings)
        self._roles = roles_of(runtime.settings)
        self._issuer = oidc.Issuer.of(runtime.settings, runtime.redis, runtime.sealer)
        self._engine = runtime.engine
        self._lately = Lately()

    def require_any(self) -> None:
        """Raise ``AuthenticationNotConfigured`` in an installation that can let nobody in."""
        if not (self._environment.services or self._environment.users or self._issuer):
            raise AuthenticationNotConfigured

    def bearer(self, token: str) -> Caller:
        """The one whose token this is.

        Raises ``InvalidToken``, whatever is wrong with it, and ``IdentityUnavailable``.
        """
        if token.startswith(tokens.PREFIX):
            return self._stored(token)
        self.require_any()
        found = self._environment.holder(token)
        if found is None and self._issuer is not None and oidc.is_compact(token):
            found = self._signed_in(self._issuer, token)
        if found is None:
            raise InvalidToken(reason="unknown")
        return found

    def expiry(self, token: str, caller: Caller) -> datetime | None:
        """When a *token* that has let *caller* in expires; None is never, as far as we know."""
        by_issuer = caller.principal.startswith(BY_ISSUER)
        return oidc.expiry(token) if by_issuer else caller.expires_at

    def service(self, token: str) -> Caller:
        """The service that reports events, whose ``dapr-api-token`` this is."""
        internal = self._environment.internal
        if internal is None:
            raise AuthenticationNotConfigured(
                "Forbidden - Internal auth not configured: this installation has no APP_API_TOKEN."
            )
        if not compare_digest(_digest(token), internal):
            # As the reference service says it.
            raise InvalidInternalToken("Forbidden - Invalid internal token")
        return Caller(rights=INTERNAL, principal="env:app")

    def _signed_in(self, issuer: oidc.Issuer, token: str) -> Caller:
        """Whom an issuer vouches for, with the rights of the roles that are known here."""
        try:
            who = issuer.identify(token)
        except oidc.TokenRefused as error:
            # Its sender is told no more than of any other token.
            log.info("jwt_refused", reason=str(error.reason), detail=error.detail)
            raise InvalidToken(reason=str(error.reason)) from error
        return Caller(
            user_id=who.subject,
            others=frozenset(f"{GROUP}{name}" for name in who.groups),
            rights=rights_of(self._roles, who.roles),
            principal=f"{BY_ISSUER}{who.subject}",
        )

    def _stored(self, token: str) -> Caller:
        digest = _digest(token)
        try:
            with self._engine.begin() as connection:
                found = tokens.holder(connection, token)
        except (DBAPIError, PoolTimeout) as error:
            known = self._lately.find(digest)
            if known is None:
                raise IdentityUnavailable from error
            return known
        if isinstance(found, tokens.NotLetIn):
            self._lately.forget(digest)
            raise InvalidToken(reason=found.reason, credential=found.credential)
        self._lately.keep(digest, found)
        return found


class Lately:
    """Who was let in by a token of late, for while the database cannot say."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
        self._lock = Lock()

    def keep(self, digest: bytes, holder: Caller) -> None:
        """Remember who was let in just now."""
        with self._lock:
            self._known.pop(digest, None)
            self._known[digest] = (holder, time.monotonic())
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)

    def forget(self, digest: bytes) -> None:
        """Let nobody in by this any more."""
        with self._lock:
            self._known.pop(digest, None)

    def find(self, digest: bytes) -> Caller | None:
        """The one who was let in, if that was not long ago."""
        with self._lock:
            holder, at = self._known.get(digest, (None, 0.0))
        if holder is None or time.monotonic() - at >= REMEMBERED_SECONDS:
            return None
        ends = holder.expires_at
        return holder if ends is None or datetime.now(UTC) < ends else None


def _check_users(users: Iterable[str]) -> None:
    """Refuse who would be taken for the system, for a group or for everybody."""
    for user in users:
        if not USER_ID.fullmatch(user) or user.startswith(GROUP):
            raise InvalidSettings(
                f"Settings cannot be used: PIPELINE_USER_TOKENS: {user!r} is no user. An id has up"
                " to 255 letters, digits and _.@:+|-, and does not begin with group:"
            )


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()


def _is_among(known: Iterable[bytes], digest: bytes) -> bool:
    # A list: every token is compared, wherever the right one stands.
    return any([compare_digest(one, digest) for one in known])  # noqa: C419
