"""What the processes of an installation share about an issuer's keys, in Redis.

A copy of the keys, and whose turn it is to ask for new ones. The copy is sealed: whoever can write
to Redis must not become whoever they like. Every method raises ``RedisError`` while Redis is away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

import orjson
from redis import Redis

from pipeline_engine.domain.sealing import MARK, Sealer, SecretUnreadable
from pipeline_engine.services.oidc.fetching import Source

#: Between two requests for keys, of all processes together.
TURN_SECONDS = 30.0


class Turn(StrEnum):
    """How the last request for keys goes, or went."""

    MINE = "mine"  #: it is for me to ask
    ASKING = "asking"  #: another process asks at this moment
    ANSWERED = "answered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Copy:
    """A JWKS document, and when the issuer gave it (seconds since 1970)."""

    document: Mapping[str, Any]
    fetched_at: float


class SharedKeys:
    """The copy and the turns of one issuer."""

    def __init__(
        self,
        redis: Redis,
        sealer: Sealer,
        source: Source,
        *,
        prefix: str,
        kept_seconds: float,
        turn_seconds: float = TURN_SECONDS,
    ) -> None:
        self._redis = redis
        self._sealer = sealer
        self._kept_ms = int(kept_seconds * 1000)
        self.turn_seconds = turn_seconds
        # Bound into the seal: the keys of one issuer are never taken for those of another.
        self._place = orjson.dumps(["oidc keys", source.issuer, source.jwks_url]).decode()
        name = sha256(self._place.encode()).hexdigest()[:16]
        self._copy_key, self._turn_key = (
            f"{prefix}oidc:{name}:{what}" for what in ("keys", "turn")
        )

    def read(self) -> Copy | None:
        """The last copy; null if there is none, or none of ours."""
        text = self._text(self._copy_key)
        if not text.startswith(MARK):  # what is not sealed would be taken as it is
            return None
        try:
            opened = self._sealer.open(text, self._place)
        except SecretUnreadable:
            return None
        document, fetched_at = orjson.loads(opened.value)
        return Copy(document, fetched_at)

    def leave(self, copy: Copy | None) -> None:
        """Give the others what was answered to us; null: nothing that could be used."""
        if copy is not None:
            text = orjson.dumps([copy.document, copy.fetched_at]).decode()
            sealed = self._sealer.encrypted(text, (), self._place)
            self._redis.set(self._copy_key, sealed, px=self._kept_ms)
        outcome = Turn.FAILED if copy is None else Turn.ANSWERED
        self._redis.set(self._turn_key, outcome, xx=True, keepttl=True)

    def turn(self) -> Turn:
        """Take the turn if nobody had it within the last thirty seconds."""
        if self._redis.set(self._turn_key, Turn.ASKING, px=int(self.turn_seconds * 1000), nx=True):
            return Turn.MINE
        return self.state()

    def state(self) -> Turn:
        """How the last request goes."""
        text = self._text(self._turn_key)
        return Turn(text) if text in (Turn.ASKING, Turn.FAILED) else Turn.ANSWERED

    def seconds_left(self) -> float:
        """How long the present turn lasts."""
        left: Any = self._redis.pttl(self._turn_key)
        return max(float(left), 0.0) / 1000

    def _text(self, key: str) -> str:
        """What a key holds; whatever is no text of ours is as good as nothing."""
        try:
            found: Any = self._redis.get(key)
            return found.decode() if isinstance(found, bytes) else found or ""
        except UnicodeDecodeError:
            return ""
