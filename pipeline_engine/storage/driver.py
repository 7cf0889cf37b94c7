"""Statements of the hot path, read straight from the driver.

For a statement in plain text SQLAlchemy finds out anew, each time, what every column is called
and how it is read. For the columns of a step that takes longer than PostgreSQL needs to plan it,
and planning takes as long as running: so the hottest are prepared, once per connection.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg2
from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

#: A parameter as psycopg2 writes it, with the type that it is cast to.
PARAMETER = re.compile(r"%\(\w+\)s(?P<type>::\w+(?:\[\])?)?")


def fetch(
    connection: Connection, sql: str, params: Mapping[str, Any], *, prepared: bool = False
) -> list[tuple[Any, ...]]:
    """Return the rows of *sql*, run in the open transaction. Raises ``DBAPIError``.

    A *prepared* one has to say the type of every parameter that PostgreSQL cannot tell.
    """
    with closing(connection.connection.cursor()) as cursor:
        try:
            text = _prepared(connection, cursor, sql) if prepared else sql
            cursor.execute(text, params)
            return list(cursor.fetchall())
        except psycopg2.Error as error:
            raise _reported(connection, sql, error) from error


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement under the name that a connection knows it by once it was prepared."""

    name: str
    prepare: str
    execute: str


def _prepared(connection: Connection, cursor: DBAPICursor, sql: str) -> str:
    """Prepare *sql* once per connection: planning these costs as much as running them."""
    statement = _statement(sql)
    if statement is None:
        return sql
    known: set[str] = connection.info.setdefault("prepared_statements", set())
    if statement.name not in known:
        cursor.execute(statement.prepare)
        known.add(statement.name)
    return statement.execute


@lru_cache(maxsize=256)
def _statement(sql: str) -> _Statement | None:
    """The prepared form of *sql*; None for several statements in one text."""
    if ";" in sql:
        return None
    used: list[str] = []

    def number(found: re.Match[str]) -> str:
        used.append(found.group())
        return f"${len(used)}{found.group('type') or ''}"

    body = PARAMETER.sub(number, sql)
    name = f"pe_{hashlib.sha256(sql.encode()).hexdigest()[:16]}"
    # EXECUTE reads no types from the statement for an array of nothing but NULL.
    values = f" ({', '.join(used)})" if used else ""
    return _Statement(name, f"PREPARE {name} AS {body}", f"EXECUTE {name}{values}")


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
