"""Connections: one engine a process, the same for Flask and for Celery."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

import orjson
import psycopg2
from psycopg2.extensions import new_type, register_type
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from pipeline_engine.config import Settings
from pipeline_engine.domain import json_guard
from pipeline_engine.storage.postgres.connection import (
    IDLE_SECONDS,
    EagerConnection,
    TransactionExpired,
)

# A connection that is stuck must not hold rows for ever: the sweep and the next attempt
# take over, so giving up is always safe.
CONNECTION_OPTIONS = (
    "-c statement_timeout=30000 -c lock_timeout=10000"
    f" -c idle_in_transaction_session_timeout={IDLE_SECONDS * 1000} -c timezone=UTC"
    # Rows are looked up by key, and what is looked up is in memory; at the price of a disk with
    # a moving head PostgreSQL would rather read a whole table than a hundred keys.
    " -c random_page_cost=1.1"
    # What is prepared is planned once for all params: each looks up rows by their keys.
    " -c plan_cache_mode=force_generic_plan"
)


#: Seconds after its use for which a connection is not tested.
TRUSTED_SECONDS = 1.0


def driver_url(url: str) -> str:
    """*url* for psycopg2: SQLAlchemy 2.1 takes a bare ``postgresql://`` for psycopg 3."""
    scheme, separator, rest = url.partition("://")
    if scheme in {"postgres", "postgresql"}:
        scheme = "postgresql+psycopg2"
    return f"{scheme}{separator}{rest}"


def make_engine(
    settings: Settings | str,
    *,
    pool_size: int = 16,
    max_overflow: int = 14,
    trusted_seconds: float = TRUSTED_SECONDS,
) -> Engine:
    """The engine of this process; make it after a fork, never before.

    *settings* may be the address of the database alone.

    It keeps a connection for each of the threads that the Procfile gives a process: those beyond
    *pool_size* are opened anew in each rush, which takes longer than most of what they are for.
    One that was idle for *trusted_seconds* is asked whether it lives.
    """
    engine = create_engine(
        driver_url(settings if isinstance(settings, str) else settings.database_url),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_use_lifo=True,
        hide_parameters=True,  # error texts reach logs, params may be secret
        json_serializer=json_guard.dumps,
        json_deserializer=orjson.loads,
        connect_args={
            "connect_timeout": 5,
            "options": CONNECTION_OPTIONS,
            "connection_factory": EagerConnection,
        },
    )
    event.listen(engine, "connect", _read_uuids_once)
    event.listen(engine, "checkin", _note_the_time)
    event.listen(engine, "checkout", partial(_check_if_idle, trusted_seconds))
    return engine


#: Parsed UUIDs: rows that are read together are mostly of a few executions.
_uuid = lru_cache(maxsize=1024)(UUID)
_UUID_OID = 2950
_UUIDS = new_type((_UUID_OID,), "UUID", lambda text, _: None if text is None else _uuid(text))


def _read_uuids_once(raw: Any, _: ConnectionPoolEntry) -> None:
    register_type(_UUIDS, raw)


def _note_the_time(_: Any, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


def _check_if_idle(trusted_seconds: float, raw: Any, record: ConnectionPoolEntry, _: Any) -> None:
    """Ask an idle connection whether it lives; one that was just used would be asked in vain.

    SQLAlchemy's own check asks before every transaction, a round trip each.
    """
    used_at = record.info.get("used_at", time.monotonic())
    if time.monotonic() - used_at < trusted_seconds:
        return
    try:
        # The driver's own cursor: there is nothing to begin, and nothing to undo.
        with closing(raw.cursor(cursor_factory=psycopg2.extensions.cursor)) as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error as error:
        raise DisconnectionError from error  # the pool opens another one


def is_unreachable(error: Exception) -> bool:
    """Whether PostgreSQL is away, shutting down or starting, rather than unhappy with us.

    A pool that has no connection left counts too: they are all held by those who wait for it.
    """
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if is_expired(error):
        return False
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "pgcode", None)
    if code is None:  # nothing came back; a ProgrammingError without a code is our own fault
        return isinstance(error, OperationalError | InterfaceError)
    return bool(code.startswith(("08", "57P", "53300")))


def is_expired(error: Exception) -> bool:
    """Whether PostgreSQL ended the transaction because we computed inside of it for too long."""
    return isinstance(error, DBAPIError) and isinstance(error.orig, TransactionExpired)


@contextmanager
def autocommit(engine: Engine) -> Iterator[Connection]:
    """A connection on which each statement commits itself, which saves a round trip.

    SQLAlchemy would set its isolation level, and reset it afterwards, every time: that took
    about 4 % of the time in which Flask accepts a callback.
    """
    with engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        begin, raw.begin = raw.begin, ""
        try:
            yield connection
        finally:
            raw.begin = begin


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """A factory of sessions on *engine*."""
    return sessionmaker(engine, expire_on_commit=False)
