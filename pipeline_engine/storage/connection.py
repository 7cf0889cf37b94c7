"""A connection that begins its transaction together with the first statement of it.

The driver sends ``BEGIN`` on its own and waits for the answer: a round trip per transaction, and
in a process of many threads another wait for the interpreter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg2.extensions import (
    ISOLATION_LEVEL_AUTOCOMMIT,
    ISOLATION_LEVEL_READ_COMMITTED,
    ISOLATION_LEVEL_READ_UNCOMMITTED,
    ISOLATION_LEVEL_REPEATABLE_READ,
    ISOLATION_LEVEL_SERIALIZABLE,
    TRANSACTION_STATUS_IDLE,
    connection,
    cursor,
)

BEGIN = "BEGIN; "
#: What begins a transaction of the levels that the driver knows.
BEGINNINGS = {
    ISOLATION_LEVEL_AUTOCOMMIT: "",
    ISOLATION_LEVEL_READ_UNCOMMITTED: "BEGIN ISOLATION LEVEL READ UNCOMMITTED; ",
    ISOLATION_LEVEL_READ_COMMITTED: "BEGIN ISOLATION LEVEL READ COMMITTED; ",
    ISOLATION_LEVEL_REPEATABLE_READ: "BEGIN ISOLATION LEVEL REPEATABLE READ; ",
    ISOLATION_LEVEL_SERIALIZABLE: "BEGIN ISOLATION LEVEL SERIALIZABLE; ",
}


class EagerCursor(cursor):
    """Puts ``BEGIN`` in front of a statement that is the first of its transaction.

    Only of what is executed: a transaction must not begin by ``callproc`` or ``copy_expert``.
    """

    connection: EagerConnection

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 (the driver's name)
        """Run *query* in the open transaction, which may begin by it."""
        if begin := self._missing_begin():
            if isinstance(query, str):
                query = begin + query
            else:  # bytes, or something that the driver composes
                super().execute(begin)
        super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Iterable[Any]) -> None:
        """Run *query* for each of *vars_list* in the open transaction, which may begin by it."""
        if begin := self._missing_begin():
            super().execute(begin)  # the driver does not come by ``execute``
        super().executemany(query, vars_list)

    def _missing_begin(self) -> str:
        is_idle = self.connection.get_transaction_status() == TRANSACTION_STATUS_IDLE
        return self.connection.begin if is_idle else ""


class EagerConnection(connection):
    """Never waits for a ``BEGIN``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.autocommit = True  # as the driver sees it
        self.cursor_factory = EagerCursor
        self.begin = BEGIN

    def set_isolation_level(self, level: int | None) -> None:
        """Begin the next transactions at this level of the driver's; None is the server's own."""
        # The driver would leave its autocommit mode, and send a BEGIN of its own beside ours.
        self.rollback()
        self.begin = BEGIN if level is None else BEGINNINGS[level]

    def commit(self) -> None:
        """Commit the transaction, if there is one."""
        self._end("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction, if there is one."""
        self._end("ROLLBACK")

    def _end(self, how: str) -> None:
        if self.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            with self.cursor() as cursor:
                cursor.execute(how)
