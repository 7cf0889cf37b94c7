"""What the installation is made of now: workers, queues, beat, servers and settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from pipeline_engine.config import Settings
from pipeline_engine.dispatch.messages import QUEUES
from pipeline_engine.domain.masking import masker_of
from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import retention
from pipeline_engine.services.doctor.report import secrets_of
from pipeline_engine.services.health import VERSION
from pipeline_engine.services.looks import Looks
from pipeline_engine.services.system.asking import Answers, FromPostgresql, FromRedis, ask
from pipeline_engine.services.system.parts import (
    Beat,
    Installation,
    Kept,
    Queue,
    Server,
    Servers,
    Worker,
)
from pipeline_engine.services.system.shown_settings import shown_settings

STARTED_AT = datetime.now(UTC)  #: of this process


def describe(runtime: Runtime, looks: Looks) -> Installation:
    """All of it, within two seconds or so."""
    settings = runtime.settings
    said = ask(runtime, looks)
    redactor = Redactor(masker=masker_of(secrets_of(settings)))
    return Installation(
        version=VERSION,
        started_at=STARTED_AT,
        taken_at=datetime.now(UTC),
        away=said.away,
        workers=_workers(said),
        queues=_queues(said.postgresql, said.redis),
        beat=_beat(said.redis),
        servers=Servers(_server(said.postgresql), _server(said.redis)),
        breakers=None if said.redis is None else said.redis.breakers,
        retention=said.retention or _uncounted(settings),
        settings=shown_settings(settings, redactor),
        flower_url=redactor.redact(settings.flower_url),
    )


def _workers(said: Answers) -> Sequence[Worker]:
    if said.redis is None:
        return ()
    busy: Mapping[str, int] = said.postgresql.busy if said.postgresql else {}
    slots = said.slots or {}
    queues = said.redis.carriage.workers
    return [
        Worker(
            name,
            [queue for queue, its in queues.items() if name in its],
            slots.get(name),
            busy.get(name, 0),
            datetime.fromtimestamp(moment, UTC),
        )
        for name, moment in sorted(said.redis.last_seen.items())
    ]


def _queues(postgresql: FromPostgresql | None, redis: FromRedis | None) -> Sequence[Queue]:
    lengths: Mapping[str, int] = redis.carriage.lengths if redis else {}
    oldest: Mapping[str, float] = postgresql.oldest_seconds if postgresql else {}
    return [Queue(name, lengths.get(name), oldest.get(name)) for name in QUEUES]


def _beat(redis: FromRedis | None) -> Beat:
    if redis is None:
        return Beat(None, None)
    return Beat(redis.lock_left_seconds, redis.carriage.sweep_silent_for)


def _server(said: FromPostgresql | FromRedis | None) -> Server:
    return Server(said is not None, said.version if said else None)


def _uncounted(settings: Settings) -> Kept:
    return Kept([asdict(rule) | {"executions": None} for rule in retention.rules_of(settings)])
