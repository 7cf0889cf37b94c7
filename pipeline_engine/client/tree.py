"""The rows of an execution as a tree: below a fan-out its items, below a block its steps.

Of a tree of any size a page or two is read: what makes more rows than these is a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from pipeline_engine.client.http import Client, Json
from pipeline_engine.domain.states import StepStatus

#: What has more rows than this below it is shown as numbers only.
MOST_ROWS = 32
#: Items of a fan-out, or rounds of a loop, that run now and are looked into.
MOST_OPENED = 4


class Branch(NamedTuple):
    """A row, and what is shown below it."""

    step: Json
    below: tuple[Branch, ...] = ()

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Json]]:
        """Each row with how many are above it, a row before those below it."""
        yield depth, self.step
        for branch in self.below:
            yield from branch.walk(depth + 1)


def grown(client: Client, execution_id: str, step: Json, *, with_items: bool = True) -> Branch:
    """A row with the rows below it, if these are few; of a block those of its last attempt."""
    total = int((step.get("items") or {}).get("total") or 0)
    within = step.get("inside")
    if not 0 < total <= MOST_ROWS or not (within or with_items):
        return Branch(step)
    found = client.below(execution_id, step["id"], within=within)
    if within:
        grow = partial(grown, client, execution_id, with_items=with_items)
        return Branch(step, tuple(map(grow, found)))
    running = {item["id"] for item in found if item["status"] == StepStatus.RUNNING}
    opened = running if len(running) <= MOST_OPENED else ()
    below = (grown(client, execution_id, i) if i["id"] in opened else Branch(i) for i in found)
    return Branch(step, tuple(below))


def failed(client: Client, execution_id: str, step: Json) -> Branch:
    """A row with the rows below it, as ``grown`` has them, where any of these has failed."""
    counts = step.get("items") or {}
    if not counts.get("failed") or counts["total"] > MOST_ROWS:
        return Branch(step)
    found = client.below(execution_id, step["id"], within=step.get("inside"))
    return Branch(step, tuple(failed(client, execution_id, one) for one in found))


def whole(client: Client, execution_id: str, step: Json) -> Branch:
    """A row with all rows below it, however many; of a block those of all its attempts."""
    if not (step.get("items") or {}).get("total"):
        return Branch(step)
    found = client.below(execution_id, step["id"])
    return Branch(step, tuple(whole(client, execution_id, one) for one in found))
