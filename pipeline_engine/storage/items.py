"""What fan-outs and blocks have made, in sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline_engine.storage.tables.steps import StepExecution


class RowsBelow(NamedTuple):
    """Rows below one step that stand alike; of a block those of one attempt."""

    parent_id: int
    kind: str
    within: str | None
    status: str
    rows: int
    parked: int


def rows_below(session: Session, parents: Collection[int]) -> Mapping[int, Sequence[RowsBelow]]:
    """The rows that each of these fan-outs and blocks has made, by status.

    They are counted when somebody looks: a counter for each status would be one more row that
    every item has to write to.
    """
    if not parents:
        return {}
    row = StepExecution
    sums = session.execute(
        select(
            row.parent_id,
            row.kind,
            row.within,
            row.status,
            func.count(),
            func.count().filter(row.awaiting_event),
        )
        .where(row.parent_id.in_(parents))
        .group_by(row.parent_id, row.kind, row.within, row.status)
    )
    found: dict[int, list[RowsBelow]] = defaultdict(list)
    for part in map(RowsBelow._make, sums):
        found[part.parent_id].append(part)
    return found
