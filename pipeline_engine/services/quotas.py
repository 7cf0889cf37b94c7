"""Quotas: how much an owner may have, and has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from pipeline_engine.config import Settings
from pipeline_engine.domain.callers import Caller
from pipeline_engine.errors import TooManyStoredBytes
from pipeline_engine.storage import quotas as storage

#: By name, what counts how much of it an owner has.
USE: Mapping[str, Callable[[Connection, str | None], int]] = {
    "open_executions": storage.open_executions,
    "parked_steps": storage.parked_steps,
    "stored_bytes": storage.stored_bytes,
    "schedules": storage.schedules,
    "stored_actions": storage.stored_actions,
}


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of something an owner may have."""

    name: str
    limit: int | None  #: null is no limit
    used: int


def of(caller: Caller, session: Session, settings: Settings) -> list[Quota]:
    """The quotas of the owner for whom *caller* acts: of the system, if that is nobody.

    What an owner has in all is none of the business of a token that is bound to some pipelines.
    """
    if caller.only_pipelines is not None:
        return []
    owner, connection = caller.user_id, session.connection()
    return [
        Quota(name, settings.quota(name, owner), count(connection, owner))
        for name, count in USE.items()
    ]


def check_stored_bytes(session: Session, settings: Settings, owner: str | None) -> None:
    """Refuse what has been written if that is too much; then it is rolled back."""
    most = settings.quota("stored_bytes", owner)
    if most is None:
        return
    connection = session.connection()
    storage.lock(connection, owner, storage.STORED_BYTES)
    used = storage.stored_bytes(connection, owner)
    if used > most:
        raise TooManyStoredBytes(
            f"The definitions and drafts of {owner or 'the system'} would take {used} bytes, and"
            f" may take {most}; delete some pipelines",
            quota="stored_bytes",
            limit=most,
            used=used,
        )
