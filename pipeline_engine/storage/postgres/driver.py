"""Statements of the hot path, read straight from the driver.

For a statement in plain text SQLAlchemy finds out anew, each time, what every column is called
and how it is read. For the columns of a step that takes longer than PostgreSQL needs to plan it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from typing import Any
from uuid import UUID

import psycopg2
from sqlalchemy import Connection, Select
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.exc import DBAPIError

#: Prefixes of a statement: the commit of its transaction does not, or does, wait for the disk.
RELAXED = "SET LOCAL synchronous_commit TO off; "
DURABLE = "SET LOCAL synchronous_commit TO on; "

DIALECT = PGDialect_psycopg2()  # type: ignore[no-untyped-call]

PREPARED = "prepared"  #: what a connection has prepared, and how those statements are called
PLANNED = "planned"  #: since when it keeps plans
PLANNED_SECONDS = 5.0


def fetch(connection: Connection, sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of *sql*, run in the open transaction. Raises ``DBAPIError``."""
    with _executed(connection, sql, params) as cursor:
        return list(cursor.fetchall())


def fetch_prepared(
    connection: Connection, sql: str, params: Mapping[str, Any], *, before: str = ""
) -> list[tuple[Any, ...]]:
    """The same for a statement that each connection parses once, and plans now and then.

    *before* is sent with it. The types of the params follow from the statement, or from casts.
    """
    names: dict[str, str] = connection.info.setdefault(PREPARED, {})
    if sql not in names:
        name = f"{PREPARED}_{len(names)}"
        run(connection, f"PREPARE {name} AS {_numbered(sql)}", {})
        names[sql] = name
    forget = _forget_old_plans(connection.info)
    return fetch(connection, f"{before}{forget}EXECUTE {names[sql]} ({_values(sql)})", params)


def _forget_old_plans(known: dict[str, Any]) -> str:
    """What lets PostgreSQL plan anew: tables grow, and it would keep a plan for an empty one."""
    now = time.monotonic()
    if now - known.setdefault(PLANNED, now) < PLANNED_SECONDS:
        return ""
    known[PLANNED] = now
    return "DISCARD PLANS; "


@cache
def _names(sql: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))


@cache
def _numbered(sql: str) -> str:
    return sql % {param: f"${number}" for number, param in enumerate(_names(sql), start=1)}


@cache
def _values(sql: str) -> str:
    return ", ".join(f"%({param})s" for param in _names(sql))


def run(connection: Connection, sql: str, params: Mapping[str, Any]) -> None:
    """Run *sql*, which returns nothing, in the open transaction. Raises ``DBAPIError``."""
    with _executed(connection, sql, params):
        pass


@contextmanager
def _executed(connection: Connection, sql: str, params: Mapping[str, Any]) -> Iterator[Any]:
    with closing(connection.connection.cursor()) as cursor:
        try:
            cursor.execute(sql, params)
            yield cursor
        except psycopg2.Error as error:
            raise _reported(connection, sql, error) from error


def text_of(statement: Select[Any]) -> str:
    """A statement of SQLAlchemy as ``fetch`` takes it: for a rule that others need as well.

    Its params are those that ``bindparam`` names; a constant has to be a ``literal_column``.
    """
    return str(statement.compile(dialect=DIALECT))


def array(ids: Iterable[int | UUID]) -> str:
    """Numbers as one literal; of a list the driver makes one constant each, to be parsed."""
    return f"{{{','.join(map(str, ids))}}}"


def _reported(connection: Connection, sql: str, error: psycopg2.Error) -> BaseException:
    """Treat *error* as SQLAlchemy does: its own class, and a dead connection leaves the pool."""
    raw = connection.connection.dbapi_connection
    dead = connection.dialect.is_disconnect(error, raw, None)  # type: ignore[arg-type]
    if dead:
        connection.invalidate(error)
    return DBAPIError.instance(
        sql,
        None,  # params may be secret
        error,
        psycopg2.Error,
        hide_parameters=True,
        connection_invalidated=dead,
        dialect=connection.dialect,
    )
