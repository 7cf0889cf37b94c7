"""What an action answers: that it ended, that it parked, or what an event meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeline_engine.domain.states import StepStatus


def _id(given: object) -> str:
    # The ids of events are read so, too: white space around one comes from a template or a file.
    return str(given).strip()


@dataclass(frozen=True, kw_only=True)
class ActionResult:
    """The end of a step, or with ``awaiting_event`` the news that it parked.

    A parked step is woken by an event for one of its external ids, by a call to its callback
    URL (``awaiting_callback``), or by the clock (``wake_at``). External ids are those that a
    peer gave to a job, and every service may report about them; ``event_keys`` are names that an
    author chose, and only a sender who speaks for the owner of the execution may use them.
    """

    success: bool
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    error_code: str | None = None
    retryable: bool = True
    retry_after_seconds: float | None = None  #: the next attempt does not come sooner
    awaiting_event: bool = False
    awaiting_callback: bool = False
    external_workflow_id: str | None = None
    external_workflow_ids: Sequence[str] = ()
    event_keys: Sequence[str] = ()
    timeout_seconds: float | None = None  #: how long it may stay parked
    wake_at: datetime | None = None
    skip_targets: Sequence[str] = ()  #: steps behind a branch that was not taken

    def __post_init__(self) -> None:
        object.__setattr__(self, "skip_targets", tuple(self.skip_targets))
        object.__setattr__(self, "external_workflow_ids", self._external_ids())
        object.__setattr__(
            self, "event_keys", tuple(dict.fromkeys(_id(key) for key in self.event_keys))
        )
        if self.awaiting_event:
            self._check_that_it_can_be_woken()

    @property
    def awaited(self) -> tuple[str, ...]:
        """Every external id and key whose events it waits for."""
        return (*self.external_workflow_ids, *self.event_keys)

    def _external_ids(self) -> tuple[str, ...]:
        first = [] if self.external_workflow_id is None else [self.external_workflow_id]
        return tuple(dict.fromkeys(_id(key) for key in [*first, *self.external_workflow_ids]))

    def _check_that_it_can_be_woken(self) -> None:
        if not self.success:
            raise ValueError("awaiting_event requires success")
        if not (self.awaited or self.wake_at or self.awaiting_callback):
            raise ValueError("awaiting_event requires external_workflow_id")


class EventAction(StrEnum):
    """What an event means for the step that waited for it."""

    COMPLETE = "complete"  #: the step ends
    UPDATE_PROGRESS = "update_progress"  #: it goes on waiting, and is further
    UPDATE_OUTPUTS = "update_outputs"  #: it goes on waiting, and knows more
    REVOKE = "revoke"  #: the step is stopped as by a cancel, and fails without a retry
    IGNORE = "ignore"  #: the event says nothing


@dataclass(frozen=True, kw_only=True)
class EventResult:
    """The verdict of ``on_event``; outputs are merged over those stored before."""

    action: EventAction
    status: StepStatus | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    error_code: str | None = None
    progress: float | None = None
    eta_minutes: int | None = None

    def __post_init__(self) -> None:
        if self.action is EventAction.COMPLETE and self.status not in (
            StepStatus.COMPLETED,
            StepStatus.FAILED,
        ):
            raise ValueError("COMPLETE requires status COMPLETED or FAILED")
        has_news = self.progress is not None or self.eta_minutes is not None
        if self.action is EventAction.UPDATE_PROGRESS and not has_news:
            raise ValueError("UPDATE_PROGRESS requires progress or eta_minutes")
