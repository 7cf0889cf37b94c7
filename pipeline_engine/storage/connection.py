"""A connection that begins its transaction together with the first statement of it.

The driver sends ``BEGIN`` on its own and waits for the answer: a round trip per transaction, and
in a process of many threads another wait for the interpreter.
"""

from __future__ import annotations

from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE, connection, cursor


class EagerCursor(cursor):
    """Puts ``BEGIN`` in front of a statement that is the first of its transaction."""

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 (the driver's name)
        """Run *query* in the open transaction, which may begin by it."""
        if self.connection.get_transaction_status() == TRANSACTION_STATUS_IDLE:
            query = f"BEGIN; {query}"
        super().execute(query, vars)


class EagerConnection(connection):
    """Never waits for a ``BEGIN``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.autocommit = True  # as the driver sees it
        self.cursor_factory = EagerCursor

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
