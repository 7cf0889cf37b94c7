"""What the installation is made of now: workers, queues, beat, servers and settings.

Each part is asked by itself and at the same time; of one that does not answer null is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache, partial
from importlib.resources import files
from typing import Any

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from pipeline_engine.config import Settings
from pipeline_engine.dispatch.messages import QUEUES
from pipeline_engine.dispatch.sender import SENDING_ERRORS
from pipeline_engine.domain import json_guard
from pipeline_engine.domain.masking import masker_of
from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import presence, retention
from pipeline_engine.services.doctor.report import secrets_of
from pipeline_engine.services.health import VERSION
from pipeline_engine.services.looks import Looks
from pipeline_engine.storage import load
from pipeline_engine.storage.postgres import server

STARTED_AT = datetime.now(UTC)  #: of this process
#: Seconds for all of it; workers have one of them to answer.
SECONDS, ANSWER_WITHIN_SECONDS = 2.0, 1.0
#: To count what is old is work; for so many seconds the same is told.
KEPT_SECONDS = {"system retention": 60.0}
MASKED = "masked"
AWAY = (RedisError, SQLAlchemyError, *SENDING_ERRORS)


@dataclass(frozen=True, slots=True)
class Look:
    """What one part has said; null if it has said nothing in time."""

    postgresql: dict[str, Any] | None
    redis: dict[str, Any] | None
    slots: dict[str, int] | None
    retention: dict[str, Any] | None

    @property
    def away(self) -> list[str]:
        """The servers and processes that have not answered."""
        asked = {"postgresql": self.postgresql, "redis": self.redis, "workers": self.slots}
        return [name for name, said in asked.items() if said is None]


def overview(runtime: Runtime, looks: Looks) -> dict[str, Any]:
    """All of it, within two seconds or so."""
    settings = runtime.settings
    seen = _look(runtime, looks)
    database, redis = seen.postgresql or {}, seen.redis or {}
    redactor = Redactor(masker=masker_of(secrets_of(settings)))
    return {
        "version": VERSION,
        "started_at": STARTED_AT,
        "taken_at": datetime.now(UTC),
        "away": seen.away,
        "workers": _workers(redis, database.get("busy", {}), seen.slots or {}),
        "queues": _queues(redis.get("lengths", {}), database.get("oldest", {})),
        "beat": {
            "lock_left_seconds": redis.get("beat_left"),
            "sweep_silent_seconds": redis.get("silent"),
        },
        "servers": {"postgresql": _server(seen.postgresql), "redis": _server(seen.redis)},
        "breakers": redis.get("breakers"),
        "retention": seen.retention or _uncounted(settings),
        "settings": shown_settings(settings, redactor),
        "flower_url": redactor.redact(settings.flower_url),
    }


def shown_settings(settings: Settings, redactor: Redactor) -> list[dict[str, Any]]:
    """Every setting with its value; of a secret only whether it is set."""
    told, meanings = [], _meanings()
    for field in fields(settings):
        if not (kind := field.metadata.get("variable")):
            continue
        value = getattr(settings, field.name)
        shown = redactor.redact(_plain(value)) if field.repr else MASKED if value else None
        told.append(
            {
                "name": kind.data_key,
                "value": shown,
                "is_default": value == kind.load_default,
                "description": meanings.get(str(kind.data_key)),
            }
        )
    return told


@cache
def _meanings() -> Mapping[str, str]:
    """What the reference says of each setting, by its name."""
    page = files("pipeline_engine").joinpath("setting_meanings.json")
    found: Mapping[str, str] = json_guard.loads(page.read_bytes())
    return found


def _plain(value: Any) -> Any:
    """*value* as JSON; what is none is a text without what is in it."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        return [_plain(member) for member in value]
    return MASKED if is_dataclass(value) or isinstance(value, bytes) else str(value)


# ── Looking ──────────────────────────────────────────────────────────────────────────────


def _look(runtime: Runtime, looks: Looks) -> Look:
    parts = {
        "postgresql": _postgresql,
        "redis": _redis,
        "slots": _slots,
        "retention": _retention,
    }
    asked = {f"system {name}": partial(_unless_away, look, runtime) for name, look in parts.items()}
    found = looks.at(asked, seconds=SECONDS, kept=KEPT_SECONDS)
    return Look(**{name: found[f"system {name}"] for name in parts})


def _unless_away(look: Callable[[Runtime], Any], runtime: Runtime) -> Any:
    try:
        return look(runtime)
    except AWAY:
        return None


def _postgresql(runtime: Runtime) -> dict[str, Any]:
    with runtime.engine.connect() as connection:
        return {
            "version": ".".join(map(str, server.version(connection))),
            "oldest": load.oldest_seconds(connection),
            "busy": load.busy(connection),
        }


def _redis(runtime: Runtime) -> dict[str, Any]:
    prefix = runtime.settings.key_prefix
    info: Any = runtime.redis.info("server")
    carriage = presence.look(runtime.redis, prefix)
    left: Any = runtime.redis.pttl(f"{runtime.dispatch.app.conf.redbeat_key_prefix}:lock")
    return {
        "version": str(info.get("valkey_version") or info.get("redis_version")),
        "lengths": carriage.lengths,
        "silent": carriage.sweep_silent_for,
        "beat_left": left / 1000 if left > 0 else None,
        "queues": carriage.workers,
        "seen": presence.last_seen(runtime.redis, prefix),
        "breakers": [asdict(peer) for peer in runtime.peers.failed()],
    }


def _slots(runtime: Runtime) -> dict[str, int]:
    inspect = runtime.dispatch.app.control.inspect(timeout=ANSWER_WITHIN_SECONDS)
    answered: Mapping[str, Any] = inspect.stats() or {}
    return {
        name: said["pool"]["max-concurrency"]
        for name, said in answered.items()
        if "max-concurrency" in said.get("pool", {})
    }


def _retention(runtime: Runtime) -> dict[str, Any]:
    counted = retention.overview(runtime)
    return {
        "rules": counted.rules,
        "executions": counted.executions,
        "ledgers": counted.ledgers,
        "counted_at": datetime.now(UTC),
    }


def _uncounted(settings: Settings) -> dict[str, Any]:
    rules = [asdict(rule) | {"executions": None} for rule in retention.rules_of(settings)]
    return {"rules": rules, "executions": None, "ledgers": None, "counted_at": None}


def _workers(
    redis: Mapping[str, Any], busy: Mapping[str, int], slots: Mapping[str, int]
) -> Sequence[dict[str, Any]]:
    queues: Mapping[str, Sequence[str]] = redis.get("queues", {})
    return [
        {
            "name": name,
            "queues": [queue for queue, its in queues.items() if name in its],
            "slots": slots.get(name),
            "busy": busy.get(name, 0),
            "last_seen": datetime.fromtimestamp(moment, UTC),
        }
        for name, moment in sorted(redis.get("seen", {}).items())
    ]


def _queues(lengths: Mapping[str, int], oldest: Mapping[str, float]) -> list[dict[str, Any]]:
    return [
        {"name": name, "waiting": lengths.get(name), "oldest_seconds": oldest.get(name)}
        for name in QUEUES
    ]


def _server(seen: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"answers": seen is not None, "version": seen["version"] if seen else None}
