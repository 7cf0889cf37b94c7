"""Which owners have steps in a queue, and the next steps of one of them.

Nobody reads what is queued as one line: who has 400,000 steps there would fill it. Each statement
goes from one owner to the next in an index that begins with them, so what it costs grows with the
number of owners, not with what they have queued.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from pipeline_engine.domain.phases import Phase
from pipeline_engine.storage.phases import IS
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.rows import STEP_COLUMNS, StepRow, fetch_steps, fetch_steps_prepared

#: Owners that are looked at together, at most; who comes next looks at those behind them.
MOST_OWNERS = 64


@dataclass(frozen=True, slots=True)
class Owners:
    """Who has queued steps, in the order of their names."""

    names: tuple[str, ...]
    mine: str | None  #: the owner of the step that was asked about

    @property
    def those_behind(self) -> str:
        """Where to begin next: behind these, or with the first again if these were the last."""
        return f"{self.names[-1]}\x01" if len(self.names) >= MOST_OWNERS else ""


def waiting(
    connection: Connection, queue: str, *, beginning: str = "", step: int | None = None
) -> Owners:
    """Who has steps in *queue*: a few owners, of whom *beginning* is the first or comes before.

    Some of their steps may be locked by who runs them. *step* asks for the owner of that row, too.
    """
    values = {"queue": queue, "beginning": beginning, "step": step}
    found = driver.fetch_prepared(connection, WAITING, values)
    return Owners(
        names=tuple(owner for owner, is_mine in found if not is_mine),
        mine=next((owner for owner, is_mine in found if is_mine), None),
    )


_OWNERS = f"""
WITH RECURSIVE waiting AS (
    (SELECT owner, 1 AS number FROM step_executions
    WHERE {IS[Phase.QUEUED]} AND queue = %(queue)s::text AND owner >= %(beginning)s::text
    ORDER BY owner LIMIT 1)
    UNION ALL
    SELECT next.owner, number + 1 FROM waiting CROSS JOIN LATERAL (
        SELECT owner FROM step_executions
        WHERE {IS[Phase.QUEUED]} AND queue = %(queue)s::text AND owner > waiting.owner
        ORDER BY owner LIMIT 1
    ) next WHERE number < {MOST_OWNERS}
)
"""
WAITING = f"""
{_OWNERS} SELECT owner, false FROM waiting
UNION ALL SELECT owner, true FROM step_executions WHERE id = %(step)s::bigint
"""


def lock_next(
    connection: Connection, queue: str, owner: str, *, most: int, durable: bool = True
) -> list[StepRow]:
    """The steps of an owner that are queued for longest, locked; not those that others have."""
    values = {"queue": queue, "owner": owner, "most": most}
    before = "" if durable else driver.RELAXED
    return fetch_steps_prepared(connection, LOCK_NEXT, values, before=before)


LOCK_NEXT = f"""
SELECT {STEP_COLUMNS} FROM step_executions s
WHERE {IS[Phase.QUEUED]} AND queue = %(queue)s::text AND owner = %(owner)s::text
ORDER BY queued_at LIMIT %(most)s::int FOR NO KEY UPDATE SKIP LOCKED
"""


def blocking(
    connection: Connection, queue: str, *, most: int, waiting_for: timedelta = timedelta(0)
) -> list[StepRow]:
    """Blocking steps that nobody runs yet, not locked: the first of each owner before any second.

    They have waited for so long at least.
    """
    values = {"queue": queue, "beginning": "", "most": most, "waiting_for": waiting_for}
    return fetch_steps(connection, BLOCKING, values)


BLOCKING = f"""
{_OWNERS} SELECT {STEP_COLUMNS} FROM waiting CROSS JOIN LATERAL (
    SELECT *, row_number() OVER (ORDER BY queued_at) AS turn FROM step_executions
    WHERE {IS[Phase.QUEUED]} AND NOT cheap AND queue = %(queue)s AND owner = waiting.owner
        AND queued_at <= now() - %(waiting_for)s::interval
    ORDER BY queued_at LIMIT %(most)s
) s ORDER BY s.turn, s.queued_at LIMIT %(most)s
"""


def items_left(connection: Connection, item: StepRow, *, most: int) -> list[StepRow]:
    """Blocking items of the same fan-out, on the same queue, that nobody runs yet, not locked."""
    values = {"queue": item.queue, "owner": item.owner, "parent": item.parent_id, "most": most}
    return fetch_steps(
        connection,
        f"SELECT {STEP_COLUMNS} FROM step_executions s"
        f" WHERE {IS[Phase.QUEUED]} AND NOT cheap AND queue = %(queue)s AND owner = %(owner)s"
        " AND parent_id = %(parent)s ORDER BY queued_at LIMIT %(most)s",
        values,
    )
