"""A connection that begins its transaction together with the first statement of it.

The driver sends ``BEGIN`` on its own and waits for the answer: a round trip per transaction, and
in a process of many threads another wait for the interpreter.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from psycopg2 import OperationalError
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
#: Statements that begin a transaction, by the isolation level of the driver.
BEGINNINGS = {
    ISOLATION_LEVEL_AUTOCOMMIT: "",
    ISOLATION_LEVEL_READ_UNCOMMITTED: "BEGIN ISOLATION LEVEL READ UNCOMMITTED; ",
    ISOLATION_LEVEL_READ_COMMITTED: "BEGIN ISOLATION LEVEL READ COMMITTED; ",
    ISOLATION_LEVEL_REPEATABLE_READ: "BEGIN ISOLATION LEVEL REPEATABLE READ; ",
    ISOLATION_LEVEL_SERIALIZABLE: "BEGIN ISOLATION LEVEL SERIALIZABLE; ",
}


#: Seconds without a statement after which PostgreSQL ends a transaction.
IDLE_SECONDS = 60
#: Seconds by which the clock of PostgreSQL and ours may differ.
SAME_SECONDS = 0.1


class TransactionExpired(OperationalError):
    """PostgreSQL has ended the transaction because nothing was said in it for too long.

    It closes the connection as if it went away itself, and says nothing else: our own clock tells
    the one from the other. Who takes it for an absent database does the same work once more.
    """


class EagerCursor(cursor):
    """Puts ``BEGIN`` in front of a statement that is the first of its transaction.

    Only of what is executed: a transaction must not begin by ``callproc`` or ``copy_expert``.
    """

    connection: EagerConnection

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 (the driver's name)
        """Run *query* in the open transaction, which may begin by it.

        Raises ``TransactionExpired`` if there was one, and its time is up.
        """
        if begin := self._missing_begin():
            if isinstance(query, str):
                query = begin + query
            else:  # bytes, or something that the driver composes
                super().execute(begin)
        try:
            super().execute(query, vars)
        except OperationalError as error:
            if not begin and self.connection.closed and self.connection.was_silent():
                raise TransactionExpired(*error.args) from error
            raise
        finally:
            self.connection.spoke_at = time.monotonic()

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
        self.idle_seconds: float = IDLE_SECONDS
        self.spoke_at = time.monotonic()

    def was_silent(self) -> bool:
        """Whether no statement was sent for as long as PostgreSQL waits for one."""
        return time.monotonic() - self.spoke_at > self.idle_seconds - SAME_SECONDS

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
