"""Which errors of the database mean that it is away, and not that it refused something."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline_engine.storage.postgres.session import is_unreachable


class Fault(Exception):
    """What the driver raises; without a code nothing came back from the server."""

    def __init__(self, pgcode: str | None) -> None:
        super().__init__("fault")
        self.pgcode = pgcode


@pytest.mark.parametrize(
    ("kind", "pgcode", "away"),
    [
        (OperationalError, None, True),
        (InterfaceError, None, True),
        (OperationalError, "08006", True),
        (OperationalError, "57P01", True),
        (OperationalError, "57P03", True),
        (OperationalError, "53300", True),
        (OperationalError, "57014", False),  # a statement that took too long
        (OperationalError, "40P01", False),  # a deadlock
        (IntegrityError, "23505", False),
        (ProgrammingError, None, False),
    ],
)
def test_only_a_database_that_is_away_is_tried_again(
    kind: type[DBAPIError], pgcode: str | None, away: bool
) -> None:
    error = kind("SELECT 1", {}, Fault(pgcode))

    assert is_unreachable(error) is away


def test_a_broken_connection_and_an_exhausted_pool_count_as_away() -> None:
    broken = DBAPIError("SELECT 1", {}, Fault(None), connection_invalidated=True)

    assert is_unreachable(broken)
    assert is_unreachable(PoolTimeout("no connection left"))
    assert not is_unreachable(ValueError("something else"))
