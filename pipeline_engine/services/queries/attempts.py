"""The attempts of one step, as its history tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.storage.history import Happened
from pipeline_engine.storage.tables.events import EventType

#: Of an attempt whose worker died.
LOST = "LOST"
#: How an attempt has ended, by the event that says so; the last four end the step, too.
ENDS: Mapping[str, str] = {
    EventType.STEP_RETRYING: StepStatus.FAILED,
    EventType.STEP_RECOVERED: LOST,
    EventType.STEP_COMPLETED: StepStatus.COMPLETED,
    EventType.STEP_FAILED: StepStatus.FAILED,
    EventType.STEP_TIMEOUT: StepStatus.TIMEOUT,
    EventType.STEP_SKIPPED: StepStatus.SKIPPED,
}
#: All that tells of attempts: a step that reports progress all day has many more events.
KINDS = frozenset({EventType.STEP_STARTED, *ENDS})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt; of a cheap step nobody writes down when it begins."""

    attempt: int
    started_at: datetime | None = None
    ended_at: datetime | None = None
    status: str = StepStatus.RUNNING
    error: Mapping[str, Any] | None = None
    worker: str | None = None


def attempts_in(history: Iterable[Happened], redactor: Redactor) -> list[Attempt]:
    """The attempts that the events of one step tell of, in their order."""
    found: dict[int, Attempt] = {}
    for event in history:
        details = event.details
        number = int(details.get("lost_attempt") or details.get("attempt") or 0)
        if event.event_type == EventType.STEP_STARTED:
            worker = details.get("worker")
            found[number] = Attempt(number, started_at=event.created_at, worker=worker)
        elif ended := ENDS.get(event.event_type):
            # A parked step that was never claimed, or a cheap one, has told nothing before.
            known = found.get(number, Attempt(number))
            found[number] = replace(
                known, ended_at=event.created_at, status=str(ended), error=_error(details, redactor)
            )
    return [found[number] for number in sorted(found)]


def _error(details: Mapping[str, Any], redactor: Redactor) -> Mapping[str, Any] | None:
    code, message = details.get("error_code"), details.get("error")
    if code is None and message is None:
        return None
    return {"code": code, "message": redactor.redact(message)}
