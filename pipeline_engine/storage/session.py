"""Connections: one engine a process, the same for Flask and for Celery."""

from __future__ import annotations

import orjson
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from pipeline_engine.config import Settings
from pipeline_engine.domain import json_guard

# A connection that is stuck must not hold rows for ever: the sweep and the next attempt
# take over, so giving up is always safe.
CONNECTION_OPTIONS = (
    "-c statement_timeout=30000 -c lock_timeout=10000"
    " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC"
    # Rows are looked up by key, and what is looked up is in memory; at the price of a disk with
    # a moving head PostgreSQL would rather read a whole table than a hundred keys.
    " -c random_page_cost=1.1"
)


def driver_url(url: str) -> str:
    """*url* for psycopg2: SQLAlchemy 2.1 takes a bare ``postgresql://`` for psycopg 3."""
    scheme, separator, rest = url.partition("://")
    if scheme in {"postgres", "postgresql"}:
        scheme = "postgresql+psycopg2"
    return f"{scheme}{separator}{rest}"


def make_engine(settings: Settings, *, pool_size: int = 10, max_overflow: int = 20) -> Engine:
    """The engine of this process; make it after a fork, never before."""
    return create_engine(
        driver_url(settings.database_url),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,
        pool_use_lifo=True,
        hide_parameters=True,  # error texts reach logs, params may be secret
        json_serializer=json_guard.dumps,
        json_deserializer=orjson.loads,
        connect_args={"connect_timeout": 5, "options": CONNECTION_OPTIONS},
    )


def is_unreachable(error: Exception) -> bool:
    """Whether PostgreSQL is away, shutting down or starting, rather than unhappy with us.

    A pool that has no connection left counts too: they are all held by those who wait for it.
    """
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "pgcode", None)
    if code is None:  # nothing came back; a ProgrammingError without a code is our own fault
        return isinstance(error, OperationalError | InterfaceError)
    return bool(code.startswith(("08", "57P", "53300")))


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """A factory of sessions on *engine*."""
    return sessionmaker(engine, expire_on_commit=False)
