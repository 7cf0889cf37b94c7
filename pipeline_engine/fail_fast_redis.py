"""A Redis client for hints: a caller can do without one, and must not wait for it."""

from __future__ import annotations

import time
from typing import Any

from redis import ConnectionError as RedisConnectionError
from redis import Redis
from redis import TimeoutError as RedisTimeoutError
from redis.backoff import NoBackoff
from redis.retry import Retry

from pipeline_engine.config import Settings

ANSWER_SECONDS = 2.0
SILENCE_SECONDS = 2.0


class QuickRedis(Redis):
    """Waits for a frozen Redis once, and not again with each command that follows.

    A refused connection costs no time, so Redis is asked again at once after one.
    """

    _silent_until = 0.0

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command; for a moment after a time-out it fails without being sent."""
        if time.monotonic() < self._silent_until:
            raise RedisConnectionError("Redis did not answer a moment ago")
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except RedisTimeoutError:
            self._silent_until = time.monotonic() + SILENCE_SECONDS
            raise


def make_redis(settings: Settings, *, decode_responses: bool = True) -> QuickRedis:
    """A client that never repeats a command by itself: a repeated INCR counts twice."""
    found = QuickRedis.from_url(
        settings.redis_url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=decode_responses,
    )
    assert isinstance(found, QuickRedis)  # from_url is typed as if it knew no subclasses
    return found
