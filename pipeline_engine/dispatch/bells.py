"""What beat rings for, in Redis: an entry per schedule, as RedBeat reads it.

None of it is a truth. Entries are written from rows, and written again when Redis has lost them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import floor
from typing import Any, TypeVar
from uuid import UUID

from redis import Redis

from pipeline_engine.dispatch.messages import FIRE, SYSTEM

#: Names of entries, before the id of their schedule.
PREFIX = "schedule:"
#: What a schedule's JSON says that it is, to ``beat/entries.py``.
KIND = "schedule_row"
#: Seconds after which a ring has nothing to say any more: whoever sweeps has found what was due.
GOOD_FOR = 60
#: Entries that are written, or asked for, with one trip.
AT_ONCE = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bell:
    """What beat is to ring for."""

    schedule_id: UUID
    version: int  #: of the row that it was made from
    timing: Mapping[str, Any]  #: from which beat computes when to ring next
    settled_at: datetime  #: it has rung for what was due until then
    due_at: datetime


class Bells:
    """The entries of all schedules. Every method raises ``RedisError``."""

    def __init__(self, redis: Redis, key_prefix: str) -> None:
        self._redis = redis
        self._prefix = f"{key_prefix}redbeat:"
        self._due = f"{self._prefix}:schedule"  #: a sorted set: RedBeat's, by the time of the ring

    def hang(self, bells: Sequence[Bell]) -> None:
        """Write these entries, whatever there is under their names."""
        for some in _chunks(bells):
            with self._redis.pipeline(transaction=False) as pipe:
                for bell in some:
                    key = self._key(bell.schedule_id)
                    pipe.hset(key, mapping=_fields(bell))
                    pipe.zadd(self._due, {key: floor(bell.due_at.timestamp())})
                pipe.execute()

    def take_down(self, ids: Collection[UUID]) -> None:
        """Let nobody ring for these schedules."""
        for some in _chunks(ids):
            keys = [self._key(one) for one in some]
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.zrem(self._due, *keys)
                pipe.delete(*keys)
                pipe.execute()

    def hanging(self) -> dict[UUID, int | None]:
        """The schedules that beat rings for, with their versions; None if only half is there."""
        ids = [*self._ids()]
        found: dict[UUID, int | None] = {}
        for some in _chunks(ids):
            with self._redis.pipeline(transaction=False) as pipe:
                for one in some:
                    pipe.hget(self._key(one), "version")
                versions: list[Any] = pipe.execute()
            found |= {
                one: None if version is None else int(version)
                for one, version in zip(some, versions, strict=True)
            }
        return found

    def version(self, schedule_id: UUID) -> int | None:
        """The version that an entry was made from; None if there is none."""
        found: Any = self._redis.hget(self._key(schedule_id), "version")
        return None if found is None else int(found)

    def _ids(self) -> Iterator[UUID]:
        keys: Any = self._redis.zrange(self._due, 0, -1)
        for key in keys:
            name = str(key).removeprefix(self._prefix)
            if name.startswith(PREFIX):
                yield UUID(name.removeprefix(PREFIX))

    def _key(self, schedule_id: UUID) -> str:
        return f"{self._prefix}{PREFIX}{schedule_id}"


def _chunks(whole: Iterable[T]) -> Iterator[list[T]]:
    entries = list(whole)
    return (entries[start : start + AT_ONCE] for start in range(0, len(entries), AT_ONCE))


def _fields(bell: Bell) -> Mapping[Any, Any]:
    definition = {
        "name": f"{PREFIX}{bell.schedule_id}",
        "task": FIRE,
        "args": [str(bell.schedule_id)],
        "kwargs": {},
        "options": {"queue": SYSTEM, "expires": GOOD_FOR},
        "schedule": {"__type__": KIND, **bell.timing},
        "enabled": True,
    }
    return {
        "definition": json.dumps(definition),
        "meta": json.dumps({"last_run_at": _moment(bell.settled_at)}),
        "version": bell.version,
    }


def _moment(at: datetime) -> dict[str, Any]:
    """A moment as RedBeat writes it."""
    utc = at.astimezone(UTC)
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__type__": "datetime", **{p: getattr(utc, p) for p in parts}, "timezone": "UTC"}
