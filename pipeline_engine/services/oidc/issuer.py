"""The issuer whose tokens are believed: the one question that others have about a JWT."""

from __future__ import annotations

import time
from collections.abc import Callable

from redis import Redis

from pipeline_engine.config import Settings
from pipeline_engine.domain.sealing import Sealer
from pipeline_engine.services.oidc.claims import Identity, Rules
from pipeline_engine.services.oidc.compact import SignedToken, read_object
from pipeline_engine.services.oidc.fetching import IssuerAway, Source
from pipeline_engine.services.oidc.keys import Keys, NoKeys
from pipeline_engine.services.oidc.ring import Ages, KeyRing
from pipeline_engine.services.oidc.shared import SharedKeys


class Issuer:
    """Tells whose a token is."""

    def __init__(
        self, rules: Rules, ring: KeyRing, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._rules = rules
        self._ring = ring
        self._clock = clock

    @classmethod
    def of(cls, settings: Settings, redis: Redis, sealer: Sealer) -> Issuer | None:
        """The issuer of an installation, if it has one; nothing is asked yet."""
        source = source_of(settings)
        if source is None:
            return None
        ages = Ages(fresh=settings.oidc_keys_fresh_seconds, kept=settings.oidc_keys_kept_seconds)
        shared = SharedKeys(
            redis, sealer, source, prefix=settings.key_prefix, kept_seconds=ages.kept
        )
        ring = KeyRing(
            source,
            shared,
            algorithms=settings.oidc_algorithms,
            ages=ages,
            most_waiting=max(1, settings.web_threads // 2),
        )
        return cls(Rules.of(settings), ring)

    def identify(self, token: str) -> Identity:
        """Whose *token* is.

        Raises ``TokenRefused``, whose reason is for the log alone, and ``IdentityUnavailable``
        where the issuer would have to be asked and does not answer.
        """
        signed = SignedToken.read(token)
        return judged(signed, self._ring.keys_for(signed), self._rules, now=self._clock())


def judged(token: SignedToken, keys: Keys, rules: Rules, *, now: float) -> Identity:
    """Whose *token* is, if one of the *keys* has signed it. Raises ``TokenRefused``.

    Nothing in the token is believed, nor looked at, before its signature is.
    """
    return rules.identity(read_object(keys.verified(token)), now)


def source_of(settings: Settings) -> Source | None:
    """Where the keys of an installation's issuer are, if it has one."""
    if settings.oidc_issuer is None:
        return None
    return Source(settings.oidc_issuer, settings.oidc_jwks_url, settings.oidc_ca_file)


def keys_now(settings: Settings) -> Keys:
    """The issuer's keys, asked for by an operator. Raises ``IssuerAway``."""
    source = source_of(settings)
    assert source is not None, "there is no issuer"
    try:
        return Keys.of(source.jwks(), settings.oidc_algorithms)
    except NoKeys as error:
        raise IssuerAway(f"{source.issuer}: {error}") from error
