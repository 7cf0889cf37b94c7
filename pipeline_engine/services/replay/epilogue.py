"""What ran after the steps in a history: compensations first, then the handlers of that end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline_engine.domain.course import Course
from pipeline_engine.domain.definitions import PipelineDefinition
from pipeline_engine.domain.outcome import COMPENSATES, handlers_after
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.services.replay.attempts import Row


@dataclass(slots=True)
class Epilogue:
    """The rows that were added when the steps had ended, in the order in which they began."""

    rows: dict[str, Row] = field(default_factory=dict)

    def check_begin(self, name: str, course: Course) -> Iterator[str]:
        """What is wrong with the beginning of another one."""
        if course.status is None:
            yield f"{name} began before every step had ended"
        for other in self.rows.values():
            if other.end is None:
                yield f"{name} began before {other.name} had ended"

    def check(
        self, definition: PipelineDefinition, course: Course, candidates: Sequence[ExecutionStatus]
    ) -> Iterator[str]:
        """Whether these are the ones that belong to one of the ends that it might have been."""
        undone = [i.removeprefix(COMPENSATES) for i in self.rows if i.startswith(COMPENSATES)]
        handlers = [i for i in self.rows if not i.startswith(COMPENSATES)]
        ran = list(self.rows)
        if ran != [*(f"{COMPENSATES}{step}" for step in undone), *handlers]:
            yield f"compensations come before handlers, but it was {', '.join(ran)}"
        expected = [(_to_undo(definition, course, s), _handlers(definition, s)) for s in candidates]
        if (set(undone), handlers) not in expected:
            yield (
                f"undone: {_listed(undone)}, handlers: {_listed(handlers)}; it should have been"
                f" undone: {_listed(expected[0][0])}, handlers: {_listed(expected[0][1])}"
            )
        yield from _wrong_order(definition, undone)


def _to_undo(definition: PipelineDefinition, course: Course, status: ExecutionStatus) -> set[str]:
    if status is ExecutionStatus.COMPLETED:
        return set()
    completed = {s for s, end in course.ended.items() if end.status is StepStatus.COMPLETED}
    return {step.id for step in definition.steps if step.compensate and step.id in completed}


def _handlers(definition: PipelineDefinition, status: ExecutionStatus) -> list[str]:
    return [step.id for step in handlers_after(definition, status)]


def _wrong_order(definition: PipelineDefinition, undone: Sequence[str]) -> Iterator[str]:
    for number, later in enumerate(undone):
        for earlier in undone[:number]:
            if later in definition.graph and definition.graph.is_ancestor(earlier, of=later):
                yield f"{earlier} was undone before {later}, which had been built on it"


def _listed(ids: Sequence[str] | set[str]) -> str:
    return ", ".join(sorted(ids) if isinstance(ids, set) else ids) or "nothing"
