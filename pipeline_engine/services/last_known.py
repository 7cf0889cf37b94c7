"""What readers were last told of executions, for while the database is away.

A copy is what the API answered: redacted, and kept with its owner. It may be missing and it
may be old; it is never asked while PostgreSQL answers.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import time
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import UUID

import orjson
from redis import Redis, RedisError

from pipeline_engine.domain.callers import Caller

log = logging.getLogger(__name__)

KEPT_SECONDS = 3600  #: of life of a copy
MOST_COPIES = 1000  #: in Redis, at most
MOST_BYTES = 65_536  #: of a compressed copy, at most; a larger execution has none
WRITE_EVERY_SECONDS = 1.0  #: between two copies of one execution, at least
REMEMBERED_WRITES = 4096


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about an execution: two that are worded differently have different answers."""

    execution_id: UUID
    route: str
    query: Mapping[str, str]

    @property
    def digest(self) -> str:
        """One name for this question."""
        words = [str(self.execution_id), self.route, sorted(self.query.items())]
        return hashlib.sha256(orjson.dumps(words)).hexdigest()


@dataclass(frozen=True, slots=True)
class Copy:
    """An answer that was given before."""

    answer: bytes
    age_seconds: int


class LastKnown:
    """The copies in Redis: a limited number of limited size, for a limited time."""

    def __init__(self, redis: Redis, key_prefix: str, *, most_copies: int = MOST_COPIES) -> None:
        self._redis = redis
        self._most_copies = most_copies
        self._prefix = f"{key_prefix}last_known:"
        self._written: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def wants(self, asked: Asked) -> bool:
        """Whether a new copy is due: one a second is enough, however many readers poll."""
        now, digest = time.monotonic(), asked.digest
        with self._lock:
            if now - self._written.get(digest, float("-inf")) < WRITE_EVERY_SECONDS:
                return False
            self._written[digest] = now
            self._written.move_to_end(digest)
            if len(self._written) > REMEMBERED_WRITES:
                self._written.popitem(last=False)
        return True

    def keep(self, asked: Asked, owner: str | None, answer: bytes) -> None:
        """Keep what was answered about an execution of *owner*; a failure is no matter."""
        packed = base64.b85encode(zlib.compress(answer, level=1)).decode()
        if len(packed) > MOST_BYTES:
            return
        copy = {"owner": owner, "kept_at": time.time(), "answer": packed}
        try:
            self._write(asked.digest, orjson.dumps(copy))
        except RedisError as error:
            log.info("no copy of an execution is kept: %s", error)

    def find(self, caller: Caller, asked: Asked) -> Copy | None:
        """The copy of the last answer, if there is one that *caller* may see."""
        try:
            found: Any = self._redis.get(self._prefix + asked.digest)
        except RedisError:
            return None
        copy = None if found is None else orjson.loads(found)
        is_bound = caller.only_pipelines is not None  # and the copy does not say of which it is
        if copy is None or is_bound or not caller.owns(copy["owner"]):
            return None
        age = max(0, int(time.time() - copy["kept_at"]))
        return Copy(zlib.decompress(base64.b85decode(copy["answer"])), age)

    def _write(self, digest: str, copy: bytes) -> None:
        index = f"{self._prefix}index"
        self._redis.set(self._prefix + digest, copy, ex=KEPT_SECONDS)
        self._redis.zadd(index, {digest: time.time()})
        self._redis.expire(index, KEPT_SECONDS)
        count: Any = self._redis.zcard(index)
        if count > self._most_copies:
            oldest: Any = self._redis.zpopmin(index, count - self._most_copies)
            self._redis.delete(*(f"{self._prefix}{digest}" for digest, _ in oldest))
