"""The lines at the keys of places, as people see them, and where the sweep has to look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.concurrency import EVERYBODY
from pipeline_engine.storage.overdue import BATCH
from pipeline_engine.storage.places import (
    COLUMNS,
    IS_LIVE,
    SAME_KEY,
    TAKEN,
    WAITS,
    Key,
    PlaceRow,
    is_open,
    taken,
)
from pipeline_engine.storage.postgres import driver

# ── For people ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a place, since when."""

    execution_id: UUID
    step_id: str | None  #: None: the execution itself
    since: datetime

    def __str__(self) -> str:
        whole = f"execution {self.execution_id}"
        return f"step '{self.step_id}' of {whole}" if self.step_id else whole


def holders(connection: Connection, key: Key, *, most: int) -> list[Holder]:
    """Who has a place, those first that have had one for longest."""
    found = connection.exec_driver_sql(
        "SELECT p.execution_id, (SELECT step_id FROM step_executions"
        " WHERE id = p.step_execution_id), p.taken_at FROM concurrency_places p"
        f" WHERE {SAME_KEY} AND {TAKEN} ORDER BY p.taken_at, p.id LIMIT %(most)s",
        {**key.params, "most": most},
    )
    return [Holder(*row) for row in found]


SHOWN = 10  #: of those who have a place


@dataclass(frozen=True, slots=True)
class Line:
    """What an execution or a step stands in line for, and who is in front of it."""

    place: PlaceRow
    asked_at: datetime
    superseded_at: datetime | None
    in_front: int  #: that wait as well
    taken: int
    holders: Sequence[Holder]  #: those first that have had a place for longest


def lines(connection: Connection, execution_id: UUID, ids: Sequence[int]) -> list[Line]:
    """What an execution, or these steps of it, stand in line for."""
    found = connection.exec_driver_sql(
        f"SELECT {COLUMNS}, p.asked_at, p.superseded_at FROM concurrency_places p"
        " WHERE p.execution_id = %(id)s AND p.taken_at IS NULL"
        " AND (p.step_execution_id IS NULL OR p.step_execution_id = ANY(%(ids)s)) ORDER BY p.id",
        {"id": str(execution_id), "ids": list(ids)},
    ).all()
    places = [(PlaceRow(*row[:-2]), row[-2], row[-1]) for row in found]
    return [
        Line(
            place,
            asked_at,
            superseded_at,
            _in_front(connection, place),
            taken(connection, place.of),
            holders(connection, place.of, most=SHOWN),
        )
        for place, asked_at, superseded_at in places
    ]


def _in_front(connection: Connection, place: PlaceRow) -> int:
    found: int = connection.exec_driver_sql(
        f"SELECT count(*) FROM concurrency_places p WHERE {SAME_KEY} AND {WAITS} AND p.id < %(id)s",
        {"owner": place.owner, "key": place.key, "id": place.id},
    ).scalar_one()
    return found


# ── For the sweep ────────────────────────────────────────────────────────────────────────


_AT_THE_KEY = (
    "concurrency_places p WHERE coalesce(p.owner, '') = coalesce(w.owner, '') AND p.key = w.key"
)


def in_line(connection: Connection) -> list[tuple[str, int]]:
    """The keys of the installation that somebody waits for, each with the limit that he knows."""
    found = driver.fetch(
        connection,
        "SELECT DISTINCT key, at_once FROM concurrency_places"
        " WHERE taken_at IS NULL AND coalesce(owner, '') = %(everybody)s",
        {"everybody": EVERYBODY},
    )
    return [(key, at_once) for key, at_once in found]


def tell_limit(connection: Connection, key: str, at_once: int) -> None:
    """Let those who wait for a key of the installation go by another limit."""
    driver.run(
        connection,
        "UPDATE concurrency_places SET at_once = %(at_once)s WHERE taken_at IS NULL"
        " AND coalesce(owner, '') = %(everybody)s AND key = %(key)s AND at_once <> %(at_once)s",
        {"everybody": EVERYBODY, "key": key, "at_once": at_once},
    )


def stalled(connection: Connection) -> list[int]:
    """First in line of each key at which something ought to have been decided."""
    found = connection.exec_driver_sql(
        "SELECT w.id FROM (SELECT DISTINCT ON (coalesce(owner, ''), key) * FROM concurrency_places"
        " WHERE taken_at IS NULL AND superseded_at IS NULL"
        " ORDER BY coalesce(owner, ''), key, id) w"
        f" WHERE w.at_once > (SELECT count(*) FROM {_AT_THE_KEY} AND {TAKEN})"
        f" OR EXISTS (SELECT FROM {_AT_THE_KEY} AND NOT p.decided AND {WAITS})"
        f" OR NOT EXISTS (SELECT FROM concurrency_places p WHERE p.id = w.id AND {IS_LIVE})"
        " LIMIT %(most)s",
        {"most": BATCH},
    )
    return list(found.scalars())


def not_cancelled(connection: Connection) -> list[int]:
    """Those that are to be cancelled for a later one, if nobody has begun with that."""
    found = connection.exec_driver_sql(
        "SELECT p.id FROM concurrency_places p WHERE p.superseded_at IS NOT NULL"
        f" AND {is_open('e.cancel_requested_at IS NULL', 'NOT s.cancelling')}"
        " ORDER BY p.id LIMIT %(most)s",
        {"most": BATCH},
    )
    return list(found.scalars())
