"""What people call one row of an execution: blocks around it, step, item."""

from __future__ import annotations

from pipeline_engine.domain.outcome import IN_BLOCK


def place(step_id: str, item_index: int | None = None, within: str | None = None) -> str:
    """The name of a row: ``each[3]/pay#2/charge[0]``; ``#2`` is the second attempt of a block."""
    around = "" if within is None else f"{within}/"
    # The id of a compensation says once more where that is which it undoes.
    own = step_id if within is None else step_id.partition(IN_BLOCK)[0]
    item = "" if item_index is None else f"[{item_index}]"
    return f"{around}{own}{item}"
