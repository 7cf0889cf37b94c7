"""What the rounds of a loop know of each other: each hands on to the next, in its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from pipeline_engine.sdk import ActionContext, InvalidActionParams, ItemResult, render_value

#: Bytes of the state of a loop as JSON; every round keeps a copy.
MOST_CARRY_BYTES = 65_536
#: Rounds that are read at a time when a loop puts together what it has collected.
AT_A_TIME = 100
KEPT = ("carry", "failures", "last", "collected", "bytes")


@dataclass(frozen=True, kw_only=True)
class Round:
    """One round, as the one before it has left things."""

    iteration: int
    started_at: str  #: when the loop began
    carry: Any = None
    failures: int = 0  #: rounds that have failed one after the other
    last: int | None = None  #: the last one that went well
    collected: list[Any] | None = None  #: what that one gave, if it was the one before this
    bytes: int = 0  #: of all that was collected so far, as JSON

    @staticmethod
    def of(item: ItemResult) -> Round:
        """Read what the item of a round holds."""
        known = {name: item.value[name] for name in KEPT if name in item.value}
        return Round(
            iteration=item.value["iteration"], started_at=item.value["started_at"], **known
        )

    @property
    def value(self) -> dict[str, Any]:
        """What the item of this round holds; what says nothing is left out."""
        first = Round(iteration=0, started_at="")
        kept = {name: getattr(self, name) for name in KEPT}
        told = {name: value for name, value in kept.items() if value != getattr(first, name)}
        return {"iteration": self.iteration, "started_at": self.started_at, **told}

    def scope(
        self, context: ActionContext, result: dict[str, Any], *, iteration: int | None = None
    ) -> dict[str, Any]:
        """Return what templates find beside the usual names; *iteration* is another than this."""
        names: dict[str, Any] = {
            "result": result,
            "iteration": self.iteration if iteration is None else iteration,
            "failures": self.failures,
        }
        if context.params.get("carry") is not None:
            names["carry"] = self.carry
        return context.scope_with(**names)

    def after_failure(self) -> Round:
        """Return the round that follows if this one has failed."""
        return replace(
            self, iteration=self.iteration + 1, failures=self.failures + 1, collected=None
        )

    def after_success(self, context: ActionContext, result: dict[str, Any]) -> Round:
        """Return the round that follows if this one has left *result*."""
        scope = self.scope(context, result)
        collected = None
        if context.params.get("collect") is not None:
            collected = [render_value(context.params["collect"], scope)]
        carry = self.carry
        if context.params.get("carry") is not None:
            carry = _small(render_value(context.params["carry"].get("next"), scope))
        return replace(
            self,
            iteration=self.iteration + 1,
            carry=carry,
            failures=0,
            last=self.iteration if context.params.get("tolerated_failures") else None,
            collected=collected,
            bytes=self.bytes + (size(collected) if collected else 0),
        )


def first_round(context: ActionContext, started_at: str) -> Round:
    """Return the round that a loop begins with. Raises ``InvalidActionParams``."""
    given = context.params.get("carry")
    if given is None:
        return Round(iteration=0, started_at=started_at)
    start = _small(render_value(given.get("start"), context.scope))
    return Round(iteration=0, started_at=started_at, carry=start)


def collected_in(results: Sequence[ItemResult], last: Round) -> list[Any]:
    """Return what all rounds have given, in their order; *last* would be the next one."""
    found: list[Any] = []
    for first in range(0, len(results), AT_A_TIME):
        for item in results[first : first + AT_A_TIME]:
            found += item.value.get("collected") or []
    return found + (last.collected or [])


def size(value: Any) -> int:
    """Return how many bytes a value has as JSON."""
    return len(orjson.dumps(value))


def _small(carry: Any) -> Any:
    if size(carry) > MOST_CARRY_BYTES:
        raise InvalidActionParams(
            f"carry has more than {MOST_CARRY_BYTES} bytes: collect is for what grows"
        )
    return carry
