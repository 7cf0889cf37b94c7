"""What followers are told: the events behind a place in the history, and who has ended."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row

from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.storage.positions import HORIZON, Position
from pipeline_engine.storage.retention import DELETED

#: The columns of an event, in the order in which ``services/streams`` unpacks them.
EVENT = (
    "e.transaction_id::text::bigint AS transaction_id, e.id, e.execution_id, e.step_execution_id,"
    " e.event_type, e.details, e.progress_percentage, e.eta_seconds, e.created_at"
)
FINAL = ", ".join(f"'{status}'" for status in ExecutionStatus if status.is_final)


def horizon(connection: Connection) -> int:
    """The oldest transaction that is open: what is older than it does not change any more."""
    found: int = connection.exec_driver_sql(f"SELECT {HORIZON}::text::bigint").scalar_one()
    return found


def ended(connection: Connection, ids: Collection[UUID]) -> dict[UUID, str | None]:
    """Which of these have ended, and how, if all their events are behind the horizon.

    Those that are gone have ended with null.
    """
    rows = connection.exec_driver_sql(
        "SELECT w.id, x.status FROM unnest(%(ids)s::uuid[]) AS w (id)"
        " LEFT JOIN executions x ON x.id = w.id"
        f" WHERE x.id IS NULL OR (x.status IN ({FINAL}) AND NOT EXISTS (SELECT FROM events e"
        f" WHERE e.execution_id = w.id AND e.transaction_id >= {HORIZON}))",
        {"ids": [str(one) for one in ids]},
    )
    return {row[0]: row[1] for row in rows}


def number_of_events(connection: Connection, execution_id: UUID, below: int) -> int:
    """How many events an execution has in front of the horizon *below*."""
    found: int = connection.exec_driver_sql(
        "SELECT count(*) FROM events WHERE execution_id = %(id)s"
        " AND transaction_id < %(below)s::text::xid8",
        {"id": str(execution_id), "below": below},
    ).scalar_one()
    return found


def position_of(
    connection: Connection, execution_id: UUID, number: int, below: int
) -> Position | None:
    """Where event *number* of an execution is, if there is one in front of the horizon."""
    row = connection.exec_driver_sql(
        "SELECT transaction_id::text::bigint, id FROM events WHERE execution_id = %(id)s"
        " AND transaction_id < %(below)s::text::xid8"
        " ORDER BY transaction_id, id OFFSET %(skipped)s LIMIT 1",
        {"id": str(execution_id), "below": below, "skipped": number - 1},
    ).one_or_none()
    return None if row is None else Position(*row)


def is_anything_behind(
    connection: Connection, execution_id: UUID, position: Position, types: Collection[str] | None
) -> bool:
    """Whether an execution has an event behind *position*, of one of *types*; null means any."""
    found: bool = connection.exec_driver_sql(
        "SELECT EXISTS (SELECT FROM events WHERE execution_id = %(id)s"
        " AND (transaction_id, id) > (%(transaction)s::text::xid8, %(event)s)"
        " AND (%(types)s::text[] IS NULL OR event_type = ANY(%(types)s::text[])))",
        {
            "id": str(execution_id),
            "transaction": position.transaction_id,
            "event": position.event_id,
            "types": None if types is None else sorted(types),
        },
    ).scalar_one()
    return found


def oldest(connection: Connection) -> Position | None:
    """Where the oldest event is that is kept."""
    row = connection.exec_driver_sql(
        "SELECT transaction_id::text::bigint, id FROM events ORDER BY id LIMIT 1"
    ).one_or_none()
    return None if row is None else Position(*row)


def deleted_up_to(connection: Connection) -> int | None:
    """The newest transaction of which retention has deleted an event; null if there is none."""
    found: int | None = connection.exec_driver_sql(
        "SELECT transaction_id::text::bigint FROM history_readers WHERE name = %(name)s",
        {"name": DELETED},
    ).scalar_one_or_none()
    return found


def behind(
    connection: Connection,
    wanted: Sequence[tuple[UUID, Position]],
    *,
    below: int,
    most: int,
) -> Iterator[tuple[int, Row[*tuple[object, ...]]]]:
    """The next *most* events of each of these executions behind a position, in their order.

    Each comes with the index of what was *wanted*. One statement, and one probe of an index each.
    """
    rows = connection.exec_driver_sql(
        f"SELECT w.number - 1, {EVENT} FROM unnest(%(ids)s::uuid[], %(transactions)s::bigint[],"
        " %(events)s::bigint[]) WITH ORDINALITY AS w (id, transaction_id, event_id, number)"
        " CROSS JOIN LATERAL (SELECT * FROM events n WHERE n.execution_id = w.id"
        " AND (n.transaction_id, n.id) > (w.transaction_id::text::xid8, w.event_id)"
        " AND n.transaction_id < %(below)s::text::xid8"
        " ORDER BY n.transaction_id, n.id LIMIT %(most)s) e"
        " ORDER BY w.number, e.transaction_id, e.id",
        {
            "ids": [str(execution_id) for execution_id, _ in wanted],
            "transactions": [position.transaction_id for _, position in wanted],
            "events": [position.event_id for _, position in wanted],
            "below": below,
            "most": most,
        },
    )
    for row in rows:
        yield row[0], row


class Sighted(NamedTuple):
    """What was seen of everybody's events behind a position."""

    events: list[Row[*tuple[object, ...]]]
    reached: Position  #: all in front of it has been looked at


def behind_for(
    connection: Connection,
    after: Position,
    owners: Collection[str] | None,
    *,
    below: int,
    most: int,
) -> Sighted:
    """The next events behind *after* whose executions are of one of *owners*; null means all.

    *most* events are looked at, whoever's they are.
    """
    rows = connection.exec_driver_sql(
        "WITH looked_at AS MATERIALIZED (SELECT * FROM events"
        " WHERE (transaction_id, id) > (%(transaction)s::text::xid8, %(event)s)"
        " AND transaction_id < %(below)s::text::xid8"
        " ORDER BY transaction_id, id LIMIT %(most)s),"
        " seen AS (SELECT e.*, x.user_id, x.pipeline_id"
        " FROM looked_at e JOIN executions x ON x.id = e.execution_id"
        " WHERE %(owners)s::text[] IS NULL OR x.user_id = ANY(%(owners)s::text[]))"
        " SELECT s.size, l.transaction_id::text::bigint AS reached, l.id AS last,"
        f" {EVENT}, e.user_id, e.pipeline_id FROM (SELECT count(*) AS size FROM looked_at) s"
        " LEFT JOIN (SELECT transaction_id, id FROM looked_at"
        " ORDER BY transaction_id DESC, id DESC LIMIT 1) l ON true"
        " LEFT JOIN seen e ON true ORDER BY e.transaction_id, e.id",
        {
            "transaction": after.transaction_id,
            "event": after.event_id,
            "owners": None if owners is None else sorted(owners),
            "below": below,
            "most": most,
        },
    ).all()
    size, transaction_id, event_id = rows[0][:3]
    reached = Position(transaction_id, event_id) if size == most else Position(below, 0)
    return Sighted([row for row in rows if row.id is not None], reached)
