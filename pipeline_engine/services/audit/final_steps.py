"""What ran after the steps in a history: compensations first, then the handlers of that end.

After those of a block that has failed, compensations only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TypeAlias

from pipeline_engine.domain.definitions import PipelineDefinition
from pipeline_engine.domain.graph import Graph
from pipeline_engine.domain.outcome import COMPENSATES, handlers_after
from pipeline_engine.domain.paths import IN_BLOCK
from pipeline_engine.domain.readiness import EAGER
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.services.audit.attempts import Row
from pipeline_engine.services.audit.findings import Disagreement, Finding

#: Statuses that were decided one after another: at the end of the steps, and by a later cancel.
Way: TypeAlias = tuple[ExecutionStatus, ...]
#: Steps that follow one of them: compensations in any order, then handlers in their order.
Stage: TypeAlias = tuple[set[str], list[str]]


@dataclass(slots=True)
class FinalSteps:
    """The rows that were added when the steps had ended, in the order in which they began."""

    rows: dict[str, Row] = field(default_factory=dict)
    began_at: float = inf  #: the event that tells of the first

    def check_begin(self, new: Row, *, all_ended: bool) -> Iterator[Finding]:
        """What is wrong with the beginning of another one."""
        if not all_ended:
            yield self._too_early(new, "every step")
        for other in self.rows.values():
            if other.end is None:
                yield self._too_early(new, other.definition.id)

    def check(
        self, definition: PipelineDefinition, to_undo: Collection[str], ways: Sequence[Way]
    ) -> Iterator[Finding]:
        """Whether these are the ones that belong to one of the ways that it may have gone.

        *to_undo* are the ids of the compensations, if there have to be any.
        """
        ran = list(self.rows)
        expected = [list(_stages(definition, to_undo, way)) for way in ways]
        if not any(_fits(ran, stages) for stages in expected):
            yield Finding(
                code=Disagreement.WRONG_FINAL_STEPS,
                found=f"after its steps ran {_listed(ran)}",
                expected=_told(expected[0]),
            )
        yield from self._wrong_order(definition)

    def check_undone(
        self, definition: PipelineDefinition, block: Row, to_undo: Collection[str]
    ) -> Iterator[Finding]:
        """Whether these are what a block has to undo that has failed."""
        if self.rows.keys() != set(to_undo):
            yield block.differs(
                Disagreement.WRONG_FINAL_STEPS,
                found=f"after its steps ran {_listed(list(self.rows))}",
                expected=_listed(sorted(to_undo)),
            )
        yield from self._wrong_order(definition)

    @staticmethod
    def _too_early(new: Row, other: str) -> Finding:
        return new.differs(
            Disagreement.BEGAN_TOO_EARLY,
            found=f"it began before {other} had ended",
            expected=f"that {other} ends first",
        )

    def _wrong_order(self, definition: PipelineDefinition) -> Iterator[Finding]:
        order = [i.removeprefix(COMPENSATES) for i in self.rows if i.startswith(COMPENSATES)]
        waiting = _Waiting(definition)
        for number, later in enumerate(order):
            for earlier in order[:number]:
                if waiting.for_end(later, of=earlier):
                    yield Finding(
                        code=Disagreement.WRONG_FINAL_STEPS,
                        step_id=f"{COMPENSATES}{earlier}",
                        found=f"{earlier} was undone before {later}",
                        expected=f"{later} first, which had been built on it",
                    )


def _stages(definition: PipelineDefinition, to_undo: Collection[str], way: Way) -> Iterator[Stage]:
    """What each of these ends adds, beside what those before it have added."""
    known: set[str] = set()
    for status in way:
        undoing = set() if status is ExecutionStatus.COMPLETED else set(to_undo)
        handlers = [step.id for step in handlers_after(definition, status)]
        yield undoing - known, [step_id for step_id in handlers if step_id not in known]
        known |= undoing.union(handlers)


def _fits(ran: Sequence[str], stages: Sequence[Stage]) -> bool:
    """Stage after stage, compensations in any order, then handlers in theirs."""
    rest = list(ran)
    for undoing, handlers in stages:
        first, then = rest[: len(undoing)], rest[len(undoing) :][: len(handlers)]
        if set(first) != undoing or then != handlers:
            return False
        rest = rest[len(undoing) + len(handlers) :]
    return not rest


class _Waiting:
    """Which steps ran because others had ended, in an execution and in its blocks."""

    def __init__(self, definition: PipelineDefinition) -> None:
        self._definition = definition
        self._graphs: dict[str | None, Graph] = {}

    def for_end(self, later: str, *, of: str) -> bool:
        """Whether a step, or the block that it is in, waited for the other; named as undone."""
        holder = None
        for one, other in zip(_path(later), _path(of), strict=False):
            step_id, before = _id_of(one), _id_of(other)
            if one != other:
                graph = self._graph(holder)
                return step_id in graph and graph.is_ancestor(before, of=step_id)
            holder = step_id
        return False

    def _graph(self, block_id: str | None) -> Graph:
        if block_id not in self._graphs:
            definition = self._definition
            block = definition.step(block_id).block if block_id else None
            # A step with an eager rule may end before those that it depends on.
            edges = [
                (step_id, () if definition.rule(step_id)[0] in EAGER else given)
                for step_id, given in (block or definition).edges
            ]
            self._graphs[block_id] = Graph(edges)
        return self._graphs[block_id]


def _path(undone: str) -> list[str]:
    """The blocks around what was undone, and itself."""
    step_id, _, within = undone.partition(IN_BLOCK)
    return [*filter(None, within.split("/")), step_id]


def _id_of(label: str) -> str:
    """The id of a block without its item and its attempt."""
    return re.split(r"[\[#]", label, maxsplit=1)[0]


def _told(stages: Sequence[Stage]) -> str:
    return _listed([step for undoing, handlers in stages for step in (*sorted(undoing), *handlers)])


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids) or "nothing"
