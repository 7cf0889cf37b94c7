"""How many round trips to PostgreSQL something takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2.extensions
from sqlalchemy import Engine, event


@contextmanager
def counted_statements(engine: Engine) -> Iterator[Counter[str]]:
    """Count the statements and commits of *engine* by their texts while the block runs.

    SQLAlchemy does not see them all: those of the hot path go past it.
    """
    counts: Counter[str] = Counter()
    usual: dict[Any, Any] = {}

    class CountingCursor(psycopg2.extensions.cursor):
        def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 (psycopg2's name)
            counts[str(query)] += 1
            super().execute(query, vars)

    def take(connection: Any, *_: Any) -> None:
        usual[connection], connection.cursor_factory = connection.cursor_factory, CountingCursor

    def give_back(connection: Any, *_: Any) -> None:
        connection.cursor_factory = usual.pop(connection, connection.cursor_factory)

    def commit(_: Any) -> None:
        counts["COMMIT"] += 1

    listeners = {"checkout": take, "checkin": give_back, "commit": commit}
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    try:
        yield counts
    finally:
        for name, listener in listeners.items():
            event.remove(engine, name, listener)
