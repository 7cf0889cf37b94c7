"""Places of a key in a history: nothing runs before it has the one that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline_engine.domain.definitions import PipelineDefinition
from pipeline_engine.domain.readiness import SkipReason
from pipeline_engine.services.audit.findings import Disagreement, Finding
from pipeline_engine.services.audit.recorded import PLACES, Recorded
from pipeline_engine.storage.tables.events import EventType

#: Events of what runs. A step may fail without having had a place.
RUNS = frozenset({EventType.STEP_COMPLETED, EventType.STEP_PARKED, EventType.STEP_EXPANDED})
#: What may happen to an execution that never has its place, beside that its steps are skipped.
WHILE_IN_LINE = frozenset(
    {
        EventType.PLACE_AWAITED,
        EventType.PLACE_TAKEN,  #: one of several
        EventType.CANCEL_REQUESTED,
        EventType.WORKFLOW_FAILED,
        EventType.WORKFLOW_INTERRUPTED,
    }
)


@dataclass(slots=True)
class Places:
    """Which places have been taken, as far as a history has been read."""

    definition: PipelineDefinition
    taken: set[int] = field(default_factory=set)  #: by steps, of these rows

    def read(self, event: Recorded) -> Iterator[Finding]:
        """What is wrong with an event of a step."""
        if event.type is EventType.PLACE_TAKEN and event.step_execution_id is not None:
            self.taken.add(event.step_execution_id)
        if event.type in RUNS and self._lacks_one(event):
            yield _ran_without(event)

    def _lacks_one(self, event: Recorded) -> bool:
        if event.is_of_item or event.caught is not None or not self._needs_one(event.step_id):
            return False
        return event.step_execution_id not in self.taken

    def _needs_one(self, step_id: str) -> bool:
        known = self.definition.has_step(step_id)
        return known and self.definition.step(step_id).concurrency is not None


def stands_in_line(definition: PipelineDefinition, history: Sequence[Recorded]) -> bool:
    """Whether an execution needs a place, and never had one."""
    told = [e.type for e in history if e.type in PLACES and e.step_execution_id is None]
    if not told:
        return definition.concurrency is not None
    return told[-1] is EventType.PLACE_AWAITED


def check_waiting(history: Sequence[Recorded]) -> Iterator[Finding]:
    """What is wrong with an execution that never had its place: nothing of it may have run."""
    for event in history:
        if event.type is EventType.WORKFLOW_COMPLETED:
            yield Finding(
                code=Disagreement.WRONG_END,
                found="it ended as COMPLETED, and never had its place",
                expected="FAILED or INTERRUPTED",
            )
        elif event.type not in WHILE_IN_LINE and event.skip_reason is not SkipReason.ABORTED:
            yield _ran_without(event)


def _ran_without(event: Recorded) -> Finding:
    return Finding(
        code=Disagreement.NO_PLACE,
        step_id=event.step_id if event.step_execution_id is not None else None,
        item_index=event.item_index,
        within=event.within,
        found=event.type.value,
        expected="that it waits until it has a place of its key",
    )
