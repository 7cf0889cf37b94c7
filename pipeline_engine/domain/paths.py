"""What people call one row of an execution: the blocks around it, the step, the item.

A text like ``each[3]/pay#2`` also says where the rows of one attempt of a block are: their column
``within``.
"""

from __future__ import annotations

#: What stands in the id of a compensation between the id of what it undoes and the blocks around.
IN_BLOCK = "@"


def path_of(step_id: str, item_index: int | None = None, within: str | None = None) -> str:
    """The name of a row: ``each[3]/pay#2/charge[0]``; ``#2`` is the second attempt of a block."""
    around = "" if within is None else f"{within}/"
    # The id of a compensation says once more where that is which it undoes.
    own = step_id if within is None else step_id.partition(IN_BLOCK)[0]
    item = "" if item_index is None else f"[{item_index}]"
    return f"{around}{own}{item}"


def inside(step_id: str, item_index: int | None, within: str | None, *, attempt: int) -> str:
    """Where the steps are that this attempt of a block is opened into."""
    again = f"#{attempt}" if attempt > 1 else ""
    return f"{path_of(step_id, item_index, within)}{again}"


def attempt_of(attempt: int, retry_count: int, *, holds_rows: bool) -> int:
    """Which attempt people say a row is at.

    A stop gives a new number to what *holds rows*, items or steps, so that no result is taken of
    what it stops; that is no attempt of its own.
    """
    return min(attempt, retry_count + 1) if holds_rows else attempt
