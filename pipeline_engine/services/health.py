"""Is this installation well? Every answer comes from really looking."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from threading import Lock

import structlog
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis import Redis, RedisError
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from pipeline_engine import __version__
from pipeline_engine.config import Settings
from pipeline_engine.services.presence import HEARTBEAT_KEY
from pipeline_engine.storage.postgres import server
from pipeline_engine.storage.postgres.session import driver_url

SERVICE = "pipeline-engine"
VERSION = __version__
#: Seconds for which an answer is kept: health is open to all, and costs connections.
REMEMBERED_SECONDS = 1.0

log = structlog.get_logger(__name__)


def installed_migrations() -> ScriptDirectory | None:
    """The migrations of this version; null where the engine runs without them."""
    spec = find_spec("pipeline_engine_migrations")
    found = spec.submodule_search_locations if spec else None
    return ScriptDirectory(next(iter(found))) if found else None


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that the engine needs."""

    name: str
    is_well: bool
    note: str


@dataclass(frozen=True, slots=True)
class Health:
    """How the parts are."""

    parts: tuple[Part, ...]

    @property
    def is_well(self) -> bool:
        """Nothing is missing."""
        return all(part.is_well for part in self.parts)

    @property
    def is_ready(self) -> bool:
        """Requests can be served: without Redis and without workers they are kept for later."""
        return self.has("database") and self.has("migrations") and not self.lacks("web")

    def has(self, name: str) -> bool:
        """Tell whether one part is well."""
        return any(part.is_well for part in self.parts if part.name == name)

    def lacks(self, name: str) -> bool:
        """Tell whether one part was looked at and is not well."""
        return any(not part.is_well for part in self.parts if part.name == name)

    def beside(self, *parts: Part) -> Health:
        """The same, and *parts* as well."""
        return Health((*self.parts, *parts))


def unknown(note: str) -> Health:
    """The health of an installation that could not be examined: nothing is well."""
    names = ("database", "migrations", "redis", "workers")
    return Health(tuple(Part(name, False, note) for name in names))


class Probe:
    """Looks after the parts, at most once a second however often it is asked."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._key = settings.key_prefix + HEARTBEAT_KEY
        self._late_after = settings.sweep_late_after
        self._redis = redis
        self._scripts = installed_migrations()
        # Connections of its own: the pool may be exhausted, and a probe must not wait for that.
        self._engine = create_engine(
            driver_url(settings.database_url),
            poolclass=NullPool,
            connect_args={"connect_timeout": 2, "options": "-c statement_timeout=2000"},
        )
        self._lock = Lock()
        self._seen: tuple[float, Health] | None = None

    def look(self) -> Health:
        """How everything is now, or was less than a second ago."""
        with self._lock:
            now = time.monotonic()
            if self._seen is None or now - self._seen[0] > REMEMBERED_SECONDS:
                self._seen = (now, Health((*self._database(), *self._redis_parts())))
            return self._seen[1]

    def _database(self) -> tuple[Part, Part]:
        try:
            with self._engine.connect() as connection:
                server.ping(connection)
                return Part("database", True, "connected"), self._migrations(connection)
        except SQLAlchemyError as error:
            log.warning("database_unreachable", error=str(getattr(error, "orig", None) or error))
            return Part("database", False, "disconnected"), Part("migrations", False, "unknown")

    def _migrations(self, connection: Connection) -> Part:
        if self._scripts is None:
            return Part("migrations", True, "not checked: the migrations are not installed")
        heads = set(self._scripts.get_heads())
        current = set(MigrationContext.configure(connection).get_current_heads())
        note = ", ".join(sorted(current)) or "none"
        return Part("migrations", current == heads, note)

    def _redis_parts(self) -> tuple[Part, Part]:
        try:
            self._redis.ping()
            beat = self._redis.get(self._key)
        except RedisError as error:
            log.warning("redis_unreachable", error=str(error))
            return Part("redis", False, "disconnected"), Part("workers", False, "unknown")
        return Part("redis", True, "connected"), _workers(
            beat, now=time.time, late_after=self._late_after
        )


def _workers(beat: object, *, now: Callable[[], float], late_after: float) -> Part:
    """A worker runs the sweep, so its heartbeat is a sign of life of the workers."""
    if not isinstance(beat, str | bytes):
        return Part("workers", False, "no heartbeat")
    age = now() - float(beat)
    is_late = age >= late_after
    note = f"heartbeat {max(age, 0):.0f} s ago"
    return Part("workers", not is_late, f"{note}: the sweep is late" if is_late else note)
