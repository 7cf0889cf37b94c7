"""I7: schedules; nobody can make one yet."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, inspect

from battery.evidence import Evidence
from battery.invariants.invariant import NotChecked


def misfires(connection: Connection, _: Evidence) -> Iterator[str]:
    """Fires that are missing or doubled; the sweep that beat rings for leaves rows to I1."""
    if not inspect(connection).has_table("schedules"):
        raise NotChecked(
            "there are no schedules of users yet; beat rings for the sweep, whose lateness I1 sees,"
            " and for the retention, which is not due within a run"
        )
    yield "there are schedules, and nothing here counts their fires"
