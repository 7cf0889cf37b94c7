"""Which waiting steps are decided by the ends of others, counted in memory.

``queueing.count_ends`` does the same with rows; both ask ``readiness.py`` for the decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

from pipeline_engine.domain.definitions import Block, PipelineDefinition, TriggerRule
from pipeline_engine.domain.readiness import (
    NOTHING,
    Contribution,
    Dependencies,
    Verdict,
    reaction,
)

K = TypeVar("K", bound=Hashable)


class Frontier(Generic[K]):
    """Steps that wait, under the keys that the caller has for them."""

    def __init__(
        self,
        waiting: Mapping[K, Dependencies],
        rule: Callable[[K], tuple[TriggerRule, int | None]],
    ) -> None:
        self._waiting = waiting
        self._rule = rule
        self._counted: dict[K, Contribution] = {}

    def counted(self, key: K) -> Contribution:
        """What the ends that were counted here add up to for one step."""
        return self._counted.get(key, NOTHING)

    def dependencies(self, key: K) -> Dependencies:
        """How the dependencies of a step stand. Raises ``KeyError`` if it is none of these."""
        return self._waiting[key].counted(self.counted(key))

    def count(self, ends: Iterable[tuple[Contribution, Iterable[K]]]) -> list[tuple[K, Verdict]]:
        """Count ends, each with the steps that depend on it; others than ours are left out.

        Returns those steps about which these ends decide, in the order in which they were met.
        """
        changes: dict[K, Contribution] = {}
        for counted, successors in ends:
            for key in successors:
                if key in self._waiting:
                    changes[key] = changes.get(key, NOTHING) + counted
        decided = [(key, self._react(key, change)) for key, change in changes.items()]
        return [(key, verdict) for key, verdict in decided if verdict is not Verdict.WAIT]

    def _react(self, key: K, change: Contribution) -> Verdict:
        self._counted[key] = self.counted(key) + change
        return reaction(*self._rule(key), self.dependencies(key), change)


def frontier_of(
    definition: PipelineDefinition, among: PipelineDefinition | Block | None = None
) -> Frontier[str]:
    """All steps of an execution, before anything has ended.

    Or only those *among* the steps of one block.
    """
    held = among or definition
    totals = {step.id: len(held.graph.dependencies(step.id)) for step in held.steps}
    waiting = {step_id: Dependencies(n, n, 0, 0, 0, 0) for step_id, n in totals.items()}
    return Frontier(waiting, definition.rule)
