"""How often somebody may ask: a bucket of tokens for each, shared by all processes through Redis.

A bucket holds as many tokens as its limit, is full at first, and fills evenly. While Redis is away
each process has buckets of its own, so nobody is refused for that, and nobody is without a limit.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import structlog
from redis import Redis, RedisError

from pipeline_engine.errors import PipelineEngineError

log = structlog.get_logger(__name__)

MOST_KEPT = 10_000  #: buckets of this process, for while Redis is away
#: One step for all who ask at the same moment; the clock is that of Redis, for all processes.
TAKE = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local most, per_second = tonumber(ARGV[1]), tonumber(ARGV[2])
local known = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = most
if known[1] then
    left = math.min(most, tonumber(known[1]) + math.max(0, now - tonumber(known[2])) * per_second)
end
local taken = left >= 1
if taken then left = left - 1 end
redis.call('HSET', KEYS[1], 'left', tostring(left), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil(most / per_second) + 1)
return {taken and 1 or 0, tostring(left)}
"""


class RateLimited(PipelineEngineError):
    """Too many requests in too short a time; come back a little later."""

    code = "rate_limited"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of asking for a token."""

    limit: int
    left: float
    is_given: bool
    per_second: float

    @property
    def remaining(self) -> int:
        """How many more may follow at once."""
        return math.floor(self.left)

    @property
    def retry_after_seconds(self) -> int:
        """When there is a token again."""
        return max(1, math.ceil((1 - self.left) / self.per_second))


@dataclass(slots=True)
class RateLimits:
    """The buckets of one kind: of callers, or of addresses."""

    redis: Redis
    prefix: str  #: of their keys in Redis
    limit: int  #: requests in *seconds*, and at once; 0 is no limit
    seconds: float
    clock: Callable[[], float] = time.monotonic
    _own: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)
    _script: Any = None
    _is_away: bool = False

    def take(self, name: str, *, limit: int | None = None) -> Taken | None:
        """Take a token of the bucket called *name*; None if there is no limit.

        *limit* is that of this bucket, where it has one of its own.
        """
        most = self.limit if limit is None else limit
        if not most:
            return None
        per_second = most / self.seconds
        try:
            is_given, left = self._from_redis(name, most, per_second)
            self._is_away = False
        except RedisError as error:
            if not self._is_away:
                log.warning("rate_limits_of_this_process", error=str(error))
            self._is_away = True
            is_given, left = self._from_own(name, most, per_second)
        return Taken(most, left, is_given, per_second)

    def _from_redis(self, name: str, most: int, per_second: float) -> tuple[bool, float]:
        if self._script is None:
            self._script = self.redis.register_script(TAKE)
        given, left = self._script([f"{self.prefix}{name}"], [most, per_second])
        return bool(given), float(left)

    def _from_own(self, name: str, most: int, per_second: float) -> tuple[bool, float]:
        now = self.clock()
        with self._lock:
            left, at = self._own.pop(name, (float(most), now))
            left = min(most, left + (now - at) * per_second)
            is_given = left >= 1
            left -= is_given
            self._own[name] = left, now
            if len(self._own) > MOST_KEPT:
                self._own.popitem(last=False)
        return is_given, left
