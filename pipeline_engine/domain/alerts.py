"""Alert rules: of which executions of a pipeline somebody is to be told that something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pipeline_engine.domain.issues import Issue

#: Alert rules of one owner, at most.
MOST_RULES = 500
#: Executions that have to be completed before it is known how long they take; of the newest
#: ones, so many are looked at.
LEAST_COMPLETED, MOST_COMPLETED = 10, 200


class AlertKind(StrEnum):
    """What is wrong."""

    LATE = "late"  #: an execution runs for longer than it may
    FAILED = "failed"  #: an execution has failed
    PARKED = "parked"  #: a step has waited for longer than it may for somebody outside


@dataclass(frozen=True, slots=True)
class Limit:
    """When something is late."""

    after_seconds: float | None = None
    #: times the 95th percentile of how long completed executions took; with both the later counts
    times_p95: float | None = None


def problems(kind: AlertKind, limit: Limit) -> Iterator[Issue]:
    """What makes no sense about a rule."""
    after, times = limit.after_seconds is not None, limit.times_p95 is not None
    if kind is AlertKind.FAILED and after:
        yield _contradiction("/after_seconds", "A failure has no limit.")
    if kind is not AlertKind.LATE and times:
        yield _contradiction("/times_p95", "Only executions have a usual time.")
    if kind is AlertKind.PARKED and not after:
        yield Issue("/after_seconds", "missing", "Say after how long.")
    if kind is AlertKind.LATE and not (after or times):
        hint = "after_seconds, times_p95, or both: then the later of them counts."
        yield Issue("/after_seconds", "missing", "Say after how long.", hint)


def _contradiction(pointer: str, message: str) -> Issue:
    return Issue(pointer, "contradiction", message)
