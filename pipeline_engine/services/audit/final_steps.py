"""What ran after the steps in a history: compensations first, then the handlers of that end."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TypeAlias

from pipeline_engine.domain.definitions import PipelineDefinition
from pipeline_engine.domain.graph import Graph
from pipeline_engine.domain.outcome import COMPENSATES, handlers_after, undone
from pipeline_engine.domain.readiness import EAGER
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.services.audit.attempts import Row
from pipeline_engine.services.audit.findings import Disagreement, Finding

#: Statuses that were decided one after another: at the end of the steps, and by a later cancel.
Way: TypeAlias = tuple[ExecutionStatus, ...]
#: Steps that follow one of them: compensations in any order, then handlers in their order.
Stage: TypeAlias = tuple[set[str], list[str]]
#: Final statuses of the steps of the definition, by id; of a failure also if it was caught.
Ends: TypeAlias = Mapping[str, StepStatus]
#: The ends of the items of those that fan out.
ItemEnds: TypeAlias = Mapping[str, Collection[StepStatus]]


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
        self, definition: PipelineDefinition, ended: Ends, items: ItemEnds, ways: Sequence[Way]
    ) -> Iterator[Finding]:
        """Whether these are the ones that belong to one of the ways that it may have gone."""
        ran = list(self.rows)
        expected = [list(_stages(definition, ended, items, way)) for way in ways]
        if not any(_fits(ran, stages) for stages in expected):
            yield Finding(
                code=Disagreement.WRONG_FINAL_STEPS,
                found=f"after its steps ran {_listed(ran)}",
                expected=_told(expected[0]),
            )
        order = [i.removeprefix(COMPENSATES) for i in ran if i.startswith(COMPENSATES)]
        yield from _wrong_order(definition, order)

    @staticmethod
    def _too_early(new: Row, other: str) -> Finding:
        return new.differs(
            Disagreement.BEGAN_TOO_EARLY,
            found=f"it began before {other} had ended",
            expected=f"that {other} ends first",
        )


def _stages(
    definition: PipelineDefinition, ended: Ends, items: ItemEnds, way: Way
) -> Iterator[Stage]:
    """What each of these ends adds, beside what those before it have added."""
    known: set[str] = set()
    for status in way:
        wanted = _to_undo(definition, ended, items, status)
        undoing = {f"{COMPENSATES}{step_id}" for step_id in wanted}
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


def _to_undo(
    definition: PipelineDefinition, ended: Ends, items: ItemEnds, status: ExecutionStatus
) -> set[str]:
    if status is ExecutionStatus.COMPLETED:
        return set()
    return {
        step.id
        for step in definition.steps
        if step.compensate
        and step.id in ended
        and undone(step.compensate, ended[step.id], items.get(step.id, ()))
    }


def _wrong_order(definition: PipelineDefinition, order: Sequence[str]) -> Iterator[Finding]:
    # A step with an eager rule may end before those that it depends on.
    graph = Graph(
        [(s, () if definition.rule(s)[0] in EAGER else given) for s, given in definition.edges]
    )
    for number, later in enumerate(order):
        for earlier in order[:number]:
            if later in graph and graph.is_ancestor(earlier, of=later):
                yield Finding(
                    code=Disagreement.WRONG_FINAL_STEPS,
                    step_id=f"{COMPENSATES}{earlier}",
                    found=f"{earlier} was undone before {later}",
                    expected=f"{later} first, which had been built on it",
                )


def _told(stages: Sequence[Stage]) -> str:
    return _listed([step for undoing, handlers in stages for step in (*sorted(undoing), *handlers)])


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids) or "nothing"
