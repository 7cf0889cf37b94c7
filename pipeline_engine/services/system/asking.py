"""Asks each server and process by itself and at the same time, and waits no longer than it may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from pipeline_engine.dispatch.sender import SENDING_ERRORS
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk.breakers import FailedPeer
from pipeline_engine.services import presence, retention
from pipeline_engine.services.looks import Looks
from pipeline_engine.services.presence import Carriage
from pipeline_engine.services.system.parts import Kept
from pipeline_engine.storage import load
from pipeline_engine.storage.postgres import server

#: Seconds for all of it; workers have one of them to answer.
SECONDS, ANSWER_WITHIN_SECONDS = 2.0, 1.0
#: To count what is old is work; for so many seconds the same is told.
KEPT_SECONDS = {"system retention": 60.0}
AWAY = (RedisError, SQLAlchemyError, *SENDING_ERRORS)


@dataclass(frozen=True, slots=True)
class FromPostgresql:
    """What PostgreSQL has said."""

    version: str
    oldest_seconds: Mapping[str, float]  #: by queue, of the step that waits for longest
    busy: Mapping[str, int]  #: by worker


@dataclass(frozen=True, slots=True)
class FromRedis:
    """What Redis has said."""

    version: str
    carriage: Carriage
    lock_left_seconds: float | None  #: of beat's lock; None if nobody holds it
    last_seen: Mapping[str, float]  #: by worker, in seconds since 1970
    breakers: Sequence[FailedPeer]


@dataclass(frozen=True, slots=True)
class Answers:
    """What each part has said; None if it has said nothing in time."""

    postgresql: FromPostgresql | None
    redis: FromRedis | None
    slots: Mapping[str, int] | None  #: by worker
    retention: Kept | None

    @property
    def away(self) -> Sequence[str]:
        """The servers and processes that have not answered."""
        asked = {"postgresql": self.postgresql, "redis": self.redis, "workers": self.slots}
        return [name for name, said in asked.items() if said is None]


def ask(runtime: Runtime, looks: Looks) -> Answers:
    """All of them, within two seconds or so."""
    parts = {
        "postgresql": _postgresql,
        "redis": _redis,
        "slots": _slots,
        "retention": _retention,
    }
    asked = {f"system {name}": partial(_unless_away, look, runtime) for name, look in parts.items()}
    found = looks.at(asked, seconds=SECONDS, kept=KEPT_SECONDS)
    return Answers(**{name: found[f"system {name}"] for name in parts})


def _unless_away(look: Callable[[Runtime], Any], runtime: Runtime) -> Any:
    try:
        return look(runtime)
    except AWAY:
        return None


def _postgresql(runtime: Runtime) -> FromPostgresql:
    with runtime.engine.connect() as connection:
        version = ".".join(map(str, server.version(connection)))
        return FromPostgresql(version, load.oldest_seconds(connection), load.busy(connection))


def _redis(runtime: Runtime) -> FromRedis:
    prefix = runtime.settings.key_prefix
    info: Any = runtime.redis.info("server")
    left: Any = runtime.redis.pttl(f"{runtime.dispatch.app.conf.redbeat_key_prefix}:lock")
    return FromRedis(
        version=str(info.get("valkey_version") or info.get("redis_version")),
        carriage=presence.look(runtime.redis, prefix),
        lock_left_seconds=left / 1000 if left > 0 else None,
        last_seen=presence.last_seen(runtime.redis, prefix),
        breakers=runtime.peers.failed(),
    )


def _slots(runtime: Runtime) -> Mapping[str, int]:
    inspect = runtime.dispatch.app.control.inspect(timeout=ANSWER_WITHIN_SECONDS)
    answered: Mapping[str, Any] = inspect.stats() or {}
    return {
        name: said["pool"]["max-concurrency"]
        for name, said in answered.items()
        if "max-concurrency" in said.get("pool", {})
    }


def _retention(runtime: Runtime) -> Kept:
    counted = retention.overview(runtime)
    return Kept(counted.rules, counted.executions, counted.ledgers, datetime.now(UTC))
