"""Who somebody is, by the token that came along."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest

from pipeline_engine.config import Settings
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.scopes import EDITOR, Scope
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.services.roles import rights_of, roles_of

#: What those may do who report events by ``dapr-api-token``.
INTERNAL = frozenset(
    {Scope.OWNERS_ANY, Scope.EVENTS_SEND, Scope.DELIVERIES_READ, Scope.DELIVERIES_CONTROL}
)


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
class Credentials:
    """The tokens that are known, as digests: comparing those says nothing about lengths."""

    services: tuple[bytes, ...]
    users: tuple[tuple[bytes, Caller], ...]
    internal: bytes | None

    @classmethod
    def of(cls, settings: Settings) -> Credentials:
        """The tokens of an installation's environment. Raises ``InvalidSettings``."""
        rights = rights_of(roles_of(settings), [EDITOR])
        return cls(
            services=tuple(map(_digest, settings.api_tokens)),
            users=tuple(
                (_digest(token), Caller(user, rights=rights, principal=f"env:user:{user}"))
                for token, user in settings.user_tokens.items()
            ),
            internal=_digest(settings.app_api_token) if settings.app_api_token else None,
        )

    def require_any(self) -> None:
        """Raise ``AuthenticationNotConfigured`` in an installation that can let nobody in."""
        if not (self.services or self.users):
            raise AuthenticationNotConfigured

    def bearer(self, token: str) -> Caller:
        """The one whose token this is. Raises ``InvalidToken``, whatever is wrong with it."""
        self.require_any()
        digest = _digest(token)
        users = [user for known, user in self.users if compare_digest(known, digest)]
        if _is_among(self.services, digest):
            return Caller(rights=frozenset({Scope.ADMIN}), principal="env:api")
        if users:
            return users[0]
        raise InvalidToken

    def service(self, token: str) -> Caller:
        """The service that reports events, whose ``dapr-api-token`` this is."""
        if self.internal is None:
            raise AuthenticationNotConfigured(
                "Internal auth not configured: this installation has no APP_API_TOKEN."
            )
        if not compare_digest(_digest(token), self.internal):
            raise InvalidInternalToken
        return Caller(rights=INTERNAL, principal="env:app")


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()


def _is_among(known: Iterable[bytes], digest: bytes) -> bool:
    # A list: every token is compared, wherever the right one stands.
    return any([compare_digest(one, digest) for one in known])  # noqa: C419
