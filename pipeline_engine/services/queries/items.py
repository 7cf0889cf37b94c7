"""The items of fan-outs, and the steps of blocks: counted exactly, and found among thousands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, or_

from pipeline_engine.domain.states import StepStatus
from pipeline_engine.storage.items import RowsBelow
from pipeline_engine.storage.tables.steps import StepExecution, StepKind

STEP_STATUSES: tuple[str, ...] = tuple(StepStatus)


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """How what a fan-out, or a block, has made stands; its rows are listed page by page."""

    total: int
    open: int
    failed: int
    by_status: Mapping[str, int] = field(default_factory=dict)  #: of a block in its last attempt
    parked: int = 0  #: of those that are RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFilter:
    """Which steps or items are listed.

    No text is looked for in what may hold a secret, such as outputs and errors: whoever is shown
    the mask could find out what is behind it, letter by letter.
    """

    q: str | None = (
        None  #: a part of the key of an item, of a step's id or name, or of the id of a job
    )
    statuses: Sequence[str] = ()
    index: int | None = None
    parked: bool | None = None

    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """The same for a query."""
        row = StepExecution
        found: list[ColumnElement[bool]] = []
        if self.q:
            named = (row.item_key, row.step_id, row.name, row.external_workflow_id)
            found.append(or_(*(name.icontains(self.q, autoescape=True) for name in named)))
        if self.statuses:
            found.append(row.status.in_(self.statuses))
        if self.index is not None:
            found.append(row.item_index == self.index)
        if self.parked is not None:
            found.append(row.awaiting_event.is_(self.parked))
        return found


#: Columns of a row that its counts are read from.
COUNTERS = ("items_total", "items_open", "items_failed")


def counts_of(
    counters: Sequence[int | None], inside: str | None, sums: Iterable[RowsBelow]
) -> ItemCounts | None:
    """What stands in the *counters* of a row, and the sums of what it has made.

    Of a block only those count that are *inside* of its last attempt.
    """
    total, still_open, failed = counters
    if total is None:
        return None
    by_status: dict[str, int] = defaultdict(int)
    parked = 0
    for part in sums:
        if part.kind == StepKind.ITEM or f"{part.within}/".startswith(f"{inside}/"):
            by_status[part.status] += part.rows
            parked += part.parked
    return ItemCounts(total, still_open or 0, failed or 0, dict(by_status), parked)
