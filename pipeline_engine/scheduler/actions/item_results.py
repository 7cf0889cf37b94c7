"""The ended items of a fan-out, read no further than its join looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from sqlalchemy import Connection

from pipeline_engine.domain.states import StepStatus
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.actions.scope import opened_item
from pipeline_engine.sdk import ItemResult
from pipeline_engine.storage import rows
from pipeline_engine.storage.rows import ItemRow

#: Results that are kept for those who look at them again, at most.
KEPT = 1000


class ItemResults(Sequence[ItemResult]):
    """The results of all items in their order.

    A loop looks at its first and its last iteration only: were all the others read after each
    of them, the cost of an iteration would grow with the number of those before.
    """

    def __init__(self, connection: Connection, step: Prepared) -> None:
        self._connection = connection
        self._step = step
        self._total = step.row.items_total or 0
        self._known: dict[int, ItemResult] = {}

    def __len__(self) -> int:
        return self._total

    @overload
    def __getitem__(self, index: int) -> ItemResult: ...

    @overload
    def __getitem__(self, index: slice) -> list[ItemResult]: ...

    def __getitem__(self, index: int | slice) -> ItemResult | list[ItemResult]:
        if isinstance(index, slice):
            wanted = range(self._total)[index]
            return self._read(wanted) if wanted else []
        return self._read([range(self._total)[index]])[0]

    def __iter__(self) -> Iterator[ItemResult]:
        return iter(self[:])

    def _read(self, wanted: Sequence[int]) -> list[ItemResult]:
        missing = [index for index in wanted if index not in self._known]
        if missing:
            if len(self._known) > KEPT:  # who reads them one part after another looks at none twice
                self._known.clear()
                missing = list(wanted)
            first, after = min(missing), max(missing) + 1
            found = rows.items_of(self._connection, self._step.row.id, first=first, after=after)
            self._known |= {row.index: item_result(self._step, row) for row in found}
        return [self._known[index] for index in wanted]


def item_result(step: Prepared, row: ItemRow) -> ItemResult:
    """What an item has come to; the secrets in it are hidden in all that *step* leaves."""
    opened = opened_item(step.planned.sealer, step.row.execution_id, row.value)
    step.keep_secret(opened.secrets)
    return ItemResult(
        index=row.index,
        key=row.key,
        value=opened.value.get("value"),
        status=StepStatus(row.status),
        outputs=row.outputs or {},
        error=row.error_message,
        error_code=row.error_code,
    )
