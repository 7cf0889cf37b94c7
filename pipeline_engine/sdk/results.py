"""What an action answers: that it ended, that it parked, or what an event meant."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.sdk.errors import ContradictoryResult


def _id(given: object) -> str:
    # The ids of events are read so, too: white space around one comes from a template or a file.
    return str(given).strip()


def _joined(given: object) -> list[str]:
    """Return the ids in a text: actions of the older guide join several with commas."""
    text = str(given)
    parts = [part for part in text.split(",") if part.strip()]
    return parts or [text]


def _refuse(contradictions: Iterator[str]) -> None:
    found = next(contradictions, None)
    if found:
        raise ContradictoryResult(found)


_NOTHING = (None, None, False, False, None, (), (), None, False, (), None)


class _Read:
    """An answer that can be awaited, and is itself: tests read the same for every executor."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, Self]:
        return self
        yield  # never reached; makes this function the iterator that await asks for


@dataclass(frozen=True, kw_only=True)
class ActionResult(_Read):
    """What an attempt came to: a success, a failure, or with ``awaiting_event`` a parked step.

    A parked step is woken by an event for one of its external ids, by a call to its callback
    URL (``awaiting_callback``), or by the clock (``wake_at``). External ids are those that a
    peer gave to a job, and every service may report about them; ``event_keys`` are names that an
    author chose, and only a sender who speaks for the owner of the execution may use them.

    Raises ``ContradictoryResult`` for an answer that cannot be meant: a failure that waits,
    something that would wake a step which does not wait, a wait that nothing ends, or steps to
    skip from a step that has not ended well. The step then fails with ``contradictory_result``.
    """

    #: Whether the action did, or has started, what it was for.
    success: bool
    #: Outputs of the step (JSON), which later steps read. Leave the same keys on every path.
    outputs: dict[str, Any] = field(default_factory=dict)
    #: What went wrong, in words; of a failure only.
    error: str | None = None
    #: Stable word for it, which ``retry_on`` of a step may name; None is ``action_failed``.
    error_code: str | None = None
    #: Whether another attempt may help; of a failure only. The step decides how many are made.
    retryable: bool = True
    #: Seconds before the next attempt, at least; None leaves them to the retry policy.
    retry_after_seconds: float | None = None
    #: Whether the step parks: it is not over, and holds no worker until something wakes it.
    awaiting_event: bool = False
    #: Whether a call to ``context.callback_url`` wakes it; with ``awaiting_event``.
    awaiting_callback: bool = False
    #: Id that a peer gave to its job; without ``awaiting_event`` it means nothing. Commas join
    #: several, as actions of an older guide have it; ``external_workflow_ids`` says it plainly.
    external_workflow_id: str | None = None
    #: Ids of several such jobs; with ``awaiting_event``.
    external_workflow_ids: Sequence[str] = ()
    #: Names of events that an author of a pipeline chose; with ``awaiting_event``.
    event_keys: Sequence[str] = ()
    #: Seconds that the step may stay parked; the ``timeout_seconds`` of the step counts if it is
    #: less. None: as long as the step, or the installation, allows.
    timeout_seconds: float | None = None
    #: Moment (aware) at which ``on_wake`` is called; with ``awaiting_event``. None: never.
    wake_at: datetime | None = None
    #: Whether the step has waited before and those who have to act are told again: `notify` of the
    #: step with ``reminder``. For ``on_wake``, with ``awaiting_event``.
    reminder: bool = False
    #: Ids of the steps that are skipped, because they stand behind a branch that was not taken.
    skip_targets: Sequence[str] = ()
    #: How the whole execution ends by this, COMPLETED, FAILED (of a failure only) or INTERRUPTED:
    #: what still runs is cancelled, and its outputs are these, if there are any. None: it goes on.
    ends_execution: ExecutionStatus | None = None

    def __post_init__(self) -> None:
        if self._beside_outputs() == _NOTHING:
            return  # as most actions answer: nothing to convert, and nothing to refuse
        object.__setattr__(self, "skip_targets", tuple(self.skip_targets))
        object.__setattr__(self, "external_workflow_ids", self._external_ids())
        object.__setattr__(
            self, "event_keys", tuple(dict.fromkeys(_id(key) for key in self.event_keys))
        )
        waits = self.awaiting_event
        _refuse(self._contradictions_of_waiting() if waits else self._contradictions_of_an_end())

    def _beside_outputs(self) -> tuple[object, ...]:
        return (
            self.error,
            self.error_code,
            self.awaiting_event,
            self.awaiting_callback,
            self.external_workflow_id,
            self.external_workflow_ids,
            self.event_keys,
            self.wake_at,
            self.reminder,
            self.skip_targets,
            self.ends_execution,
        )

    @property
    def awaited(self) -> tuple[str, ...]:
        """Every external id and key whose events wake the step, each once."""
        return (*self.external_workflow_ids, *self.event_keys)

    def _external_ids(self) -> tuple[str, ...]:
        first = [] if self.external_workflow_id is None else _joined(self.external_workflow_id)
        return tuple(dict.fromkeys(_id(key) for key in [*first, *self.external_workflow_ids]))

    def _contradictions_of_waiting(self) -> Iterator[str]:
        if not self.success:
            yield "awaiting_event requires success"
        if not (self.awaited or self.wake_at or self.awaiting_callback):
            yield (
                "awaiting_event requires external_workflow_id,"
                " event_keys, awaiting_callback or wake_at"
            )
        if self.skip_targets:
            yield "A step that waits cannot skip others yet"
        if self.ends_execution is not None:
            yield "A step that waits cannot end the execution yet"

    def _contradictions_of_an_end(self) -> Iterator[str]:
        # The single id is left out: the older guide has always let it stand beside an end.
        wakes = {
            "awaiting_callback": self.awaiting_callback,
            "external_workflow_ids": self.external_workflow_ids[
                self.external_workflow_id is not None :
            ],
            "event_keys": self.event_keys,
            "wake_at": self.wake_at,
            "reminder": self.reminder,
        }
        for name, given in wakes.items():
            if given:
                yield f"{name} requires awaiting_event=True: without it the step would end at once"
        if not self.success and self.skip_targets:
            yield "A failure has no skip_targets"
        end = self.ends_execution
        if end is not None and end not in _ENDS[self.success]:
            yield f"ends_execution cannot be {end} with success={self.success}"


#: How an execution may be ended by a success, and by a failure.
_ENDS = {
    True: (ExecutionStatus.COMPLETED, ExecutionStatus.INTERRUPTED),
    False: (ExecutionStatus.FAILED,),
}


class EventAction(StrEnum):
    """What an event means for the step that waited for it."""

    COMPLETE = "complete"  #: the step ends, well or not, as ``status`` says
    UPDATE_PROGRESS = "update_progress"  #: the step waits on; its progress is stored
    UPDATE_OUTPUTS = "update_outputs"  #: the step waits on; its outputs are stored
    REVOKE = "revoke"  #: the step is stopped as by a cancel, and fails without a retry
    IGNORE = "ignore"  #: the step waits on, and nothing is stored


@dataclass(frozen=True, kw_only=True)
class EventResult(_Read):
    """What ``on_event`` makes of an event.

    Raises ``ContradictoryResult`` for COMPLETE without a final status, another answer with one,
    and progress without a number.
    """

    #: What the event means.
    action: EventAction
    #: How the step ends, COMPLETED or FAILED; with COMPLETE only, and None otherwise.
    status: StepStatus | None = None
    #: Outputs (JSON) that are merged, key by key, over those that the step has left so far.
    outputs: dict[str, Any] = field(default_factory=dict)
    #: What went wrong, in words, or why the step is revoked; None if nothing did.
    error: str | None = None
    #: Stable word for it; None is ``event_failed``.
    error_code: str | None = None
    #: Progress of the job, from 0 to 100; None leaves the last one standing.
    progress: float | None = None
    #: Seconds that the job still needs; None leaves the last ones standing.
    eta_seconds: float | None = None
    #: Minutes that it still needs, as actions for the reference service say it; ``eta_seconds``
    #: counts if both are given.
    eta_minutes: int | None = None

    def __post_init__(self) -> None:
        _refuse(self._contradictions())

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds that the job still needs, from either field; None if neither says so."""
        if self.eta_seconds is None and self.eta_minutes is not None:
            return self.eta_minutes * 60
        return self.eta_seconds

    def _contradictions(self) -> Iterator[str]:
        is_end = self.status in (StepStatus.COMPLETED, StepStatus.FAILED)
        if self.action == EventAction.COMPLETE and not is_end:
            yield "COMPLETE requires status COMPLETED or FAILED"
        if self.action != EventAction.COMPLETE and is_end:
            yield f"Only COMPLETE ends the step, so {self.action} has no status {self.status}"
        news = (self.progress, self.eta_seconds, self.eta_minutes)
        if self.action == EventAction.UPDATE_PROGRESS and all(one is None for one in news):
            yield "UPDATE_PROGRESS requires progress or eta_seconds"
