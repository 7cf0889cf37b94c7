"""What ran after the steps in a history: compensations first, then the handlers of that end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TypeAlias

from pipeline_engine.domain.definitions import PipelineDefinition
from pipeline_engine.domain.outcome import COMPENSATES, handlers_after
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.services.audit.attempts import Row
from pipeline_engine.services.audit.findings import Disagreement, Finding

#: Statuses that were decided one after another: at the end of the steps, and by a later cancel.
Way: TypeAlias = tuple[ExecutionStatus, ...]
#: Steps that follow one of them: compensations in any order, then handlers in their order.
Stage: TypeAlias = tuple[set[str], list[str]]
#: Final statuses of the steps of the definition, by id.
Ends: TypeAlias = Mapping[str, StepStatus]


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
        self, definition: PipelineDefinition, ended: Ends, ways: Sequence[Way]
    ) -> Iterator[Finding]:
        """Whether these are the ones that belong to one of the ways that it may have gone."""
        ran = list(self.rows)
        expected = [list(_stages(definition, ended, way)) for way in ways]
        if not any(_fits(ran, stages) for stages in expected):
            yield Finding(
                code=Disagreement.WRONG_FINAL_STEPS,
                found=f"after its steps ran {_listed(ran)}",
                expected=_told(expected[0]),
            )
        undone = [i.removeprefix(COMPENSATES) for i in ran if i.startswith(COMPENSATES)]
        yield from _wrong_order(definition, undone)

    @staticmethod
    def _too_early(new: Row, other: str) -> Finding:
        return new.differs(
            Disagreement.BEGAN_TOO_EARLY,
            found=f"it began before {other} had ended",
            expected=f"that {other} ends first",
        )


def _stages(definition: PipelineDefinition, ended: Ends, way: Way) -> Iterator[Stage]:
    """What each of these ends adds, beside what those before it have added."""
    known: set[str] = set()
    for status in way:
        undone = {f"{COMPENSATES}{step_id}" for step_id in _to_undo(definition, ended, status)}
        handlers = [step.id for step in handlers_after(definition, status)]
        yield undone - known, [step_id for step_id in handlers if step_id not in known]
        known |= undone.union(handlers)


def _fits(ran: Sequence[str], stages: Sequence[Stage]) -> bool:
    """Stage after stage, compensations in any order, then handlers in theirs."""
    rest = list(ran)
    for undone, handlers in stages:
        first, then = rest[: len(undone)], rest[len(undone) :][: len(handlers)]
        if set(first) != undone or then != handlers:
            return False
        rest = rest[len(undone) + len(handlers) :]
    return not rest


def _to_undo(definition: PipelineDefinition, ended: Ends, status: ExecutionStatus) -> set[str]:
    if status is ExecutionStatus.COMPLETED:
        return set()
    completed = {s for s, end in ended.items() if end is StepStatus.COMPLETED}
    return {step.id for step in definition.steps if step.compensate and step.id in completed}


def _wrong_order(definition: PipelineDefinition, undone: Sequence[str]) -> Iterator[Finding]:
    for number, later in enumerate(undone):
        for earlier in undone[:number]:
            if later in definition.graph and definition.graph.is_ancestor(earlier, of=later):
                yield Finding(
                    code=Disagreement.WRONG_FINAL_STEPS,
                    step_id=f"{COMPENSATES}{earlier}",
                    found=f"{earlier} was undone before {later}",
                    expected=f"{later} first, which had been built on it",
                )


def _told(stages: Sequence[Stage]) -> str:
    return _listed([step for undone, handlers in stages for step in (*sorted(undone), *handlers)])


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids) or "nothing"
