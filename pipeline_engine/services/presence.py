"""Which workers live, and which queues they serve: a hint in Redis that fades by itself.

Asking the workers themselves takes a second each time; reading what they left takes none.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from pipeline_engine.dispatch.messages import QUEUES

#: Key that holds the time of the last sweep, after the prefix of all keys.
HEARTBEAT_KEY = "heartbeat:sweep"
#: Seconds between two signs of life of a worker.
INTERVAL_SECONDS = 5.0
#: Seconds without a sign of life after which a worker counts as dead.
ALIVE_SECONDS = 20.0


def note(
    redis: Redis, prefix: str, worker: str, queues: Iterable[str], actions: Iterable[str] = ()
) -> None:
    """Say that *worker* lives, what it serves, and which actions it has.

    What has faded is removed on the way.
    """
    now = time.time()
    with redis.pipeline(transaction=False) as pipe:
        pipe.set(_actions(prefix, worker), " ".join(actions), ex=int(ALIVE_SECONDS))
        for queue in queues:
            pipe.zadd(_key(prefix, queue), {worker: now})
            pipe.zremrangebyscore(_key(prefix, queue), "-inf", now - ALIVE_SECONDS)
        pipe.execute()


def forget(redis: Redis, prefix: str, worker: str, queues: Iterable[str]) -> None:
    """Say that *worker* has stopped in order."""
    with redis.pipeline(transaction=False) as pipe:
        for queue in queues:
            pipe.zrem(_key(prefix, queue), worker)
        pipe.delete(_actions(prefix, worker))
        pipe.execute()


def actions_of(redis: Redis, prefix: str, workers: Iterable[str]) -> dict[str, frozenset[str]]:
    """The types that each of these has installed, of those that say it. Raises ``RedisError``."""
    names = sorted(workers)
    told: Any = redis.mget([_actions(prefix, name) for name in names]) if names else []
    found = {name: frozenset((text or "").split()) for name, text in zip(names, told, strict=True)}
    return {name: actions for name, actions in found.items() if actions}


def note_stuck(redis: Redis, prefix: str, worker: str, stuck: int, slots: int) -> None:
    """Say how many of the threads of *worker* do not come back."""
    if stuck:
        redis.hset(_stuck(prefix), worker, f"{stuck} {slots} {time.time()}")
    else:
        redis.hdel(_stuck(prefix), worker)


def stuck_threads(redis: Redis, prefix: str) -> dict[str, tuple[int, int]]:
    """By worker: how many of its threads are stuck, and how many it has. Raises ``RedisError``."""
    found: dict[str, tuple[int, int]] = {}
    told: Any = redis.hgetall(_stuck(prefix))
    for worker, text in told.items():
        stuck, slots, moment = text.split()
        if time.time() - float(moment) < ALIVE_SECONDS:
            found[worker] = int(stuck), int(slots)
    return found


@dataclass(frozen=True, slots=True)
class Carriage:
    """What Redis says about those who carry the work."""

    workers: Mapping[str, Sequence[str]]  #: by queue; a missing one may have a clock of its own
    lengths: Mapping[str, int]  #: messages that lie in each queue
    sweep_silent_for: float | None  #: seconds since the last sweep; None if none is known


def look(redis: Redis, prefix: str) -> Carriage:
    """How the queues and those who serve them are now. Raises ``RedisError``."""
    now = time.time()
    with redis.pipeline(transaction=False) as pipe:
        for queue in QUEUES:
            pipe.zrangebyscore(_key(prefix, queue), now - ALIVE_SECONDS, "+inf")
            pipe.llen(f"{prefix}{queue}")
        pipe.get(f"{prefix}{HEARTBEAT_KEY}")
        *found, beat = pipe.execute()
    return Carriage(
        workers={q: sorted(found[2 * i]) for i, q in enumerate(QUEUES)},
        lengths={q: int(found[2 * i + 1]) for i, q in enumerate(QUEUES)},
        sweep_silent_for=None if beat is None else max(0.0, now - float(beat)),
    )


def last_seen(redis: Redis, prefix: str) -> dict[str, float]:
    """By worker that lives: when it last said so, in seconds since 1970. Raises ``RedisError``."""
    found: dict[str, float] = {}
    for queue in QUEUES:
        told: Any = redis.zrangebyscore(
            _key(prefix, queue), time.time() - ALIVE_SECONDS, "+inf", withscores=True
        )
        for worker, moment in told:
            found[worker] = max(moment, found.get(worker, 0.0))
    return found


def _stuck(prefix: str) -> str:
    return f"{prefix}workers-stuck"


def _actions(prefix: str, worker: str) -> str:
    return f"{prefix}worker-actions:{worker}"


def _key(prefix: str, queue: str) -> str:
    return f"{prefix}workers:{queue}"
