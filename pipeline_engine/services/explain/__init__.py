"""Why is this execution, or one of its steps, not moving? Answered from rows, and with advice.

Every state in which a step can wait has a reason here; a row without one is a fault of the
engine, and is called that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.outcome import COMPENSATES, AbortReason
from pipeline_engine.domain.phases import Phase, phase_of
from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services.explain import in_line, steps
from pipeline_engine.services.explain.evidence import Evidence, gather
from pipeline_engine.services.explain.findings import (
    WAIT,
    WAIT_FOR_OTHERS,
    Finding,
    FindingCode,
    moment,
    span,
)
from pipeline_engine.services.visibility import not_found, redactor_of
from pipeline_engine.storage import diagnostics
from pipeline_engine.storage.diagnostics import SCANNED
from pipeline_engine.storage.lines import Line
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.visibility import visible_to

__all__ = ["Explanation", "Finding", "FindingCode", "explain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What an execution waits for; a few steps of each kind of wait, not all of them."""

    execution_id: UUID
    status: str
    looked_at: datetime  #: by the database's clock
    deadline_at: datetime | None
    open_steps: Mapping[str, int]  #: by status, items included
    counted_up_to: int  #: a count of this means as many or more
    findings: Sequence[Finding]
    parent_execution_id: UUID | None  #: execution with the step that has started it
    root_execution_id: UUID  #: the first of its tree
    descendants: int  #: of the first of a tree: how many were ever started below it


def explain(caller: Caller, session: Session, runtime: Runtime, execution_id: UUID) -> Explanation:
    """Say why an execution is not moving.

    Raises ``ExecutionNotFound``, also for what belongs to another user.
    """
    # One snapshot for all queries: a step that ends meanwhile must not look like a lost one.
    connection = session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    execution = _execution(caller, session, execution_id)
    if ExecutionStatus(execution["status"]).is_final:
        ended = _ended(execution, redactor_of(caller, session, execution_id))
        return _explanation(execution, {}, [ended])
    evidence = gather(caller, session, runtime, execution_id, now=execution["looked_at"])
    found = [*_of_execution(execution, evidence), *_of_steps(evidence)]
    return _explanation(execution, diagnostics.open_counts(connection, execution_id), found)


def _execution(caller: Caller, session: Session, execution_id: UUID) -> Mapping[str, Any]:
    row = session.execute(
        select(
            Execution.id,
            Execution.status,
            Execution.abort_reason,
            Execution.error,
            Execution.cancel_requested_at,
            Execution.forced_at,
            Execution.deadline_at,
            Execution.finished_at,
            Execution.updated_at,
            Execution.parent_execution_id,
            Execution.root_execution_id,
            Execution.descendants,
            func.now().label("looked_at"),
        ).where(Execution.id == execution_id, visible_to(Execution, caller))
    ).one_or_none()
    if row is None:
        raise not_found(execution_id)
    return row._mapping  # type: ignore[return-value]  # its keys are texts


def _explanation(
    execution: Mapping[str, Any], counts: Mapping[Any, int], findings: Sequence[Finding]
) -> Explanation:
    return Explanation(
        execution_id=execution["id"],
        status=execution["status"],
        looked_at=execution["looked_at"],
        deadline_at=execution["deadline_at"],
        open_steps={str(status): count for status, count in counts.items()},
        counted_up_to=SCANNED,
        findings=findings,
        parent_execution_id=execution["parent_execution_id"],
        root_execution_id=execution["root_execution_id"] or execution["id"],
        descendants=execution["descendants"],
    )


# ── The whole execution ──────────────────────────────────────────────────────────────────


def _of_execution(execution: Mapping[str, Any], evidence: Evidence) -> Iterator[Finding]:
    if execution["abort_reason"]:
        yield _aborting(execution)
    if line := evidence.lines.get(None):
        yield _in_line(line, evidence)
    if evidence.carriage is None:
        yield _redis_away(evidence)
    elif _is_late(evidence.carriage.sweep_silent_for, evidence.sweep_late_after):
        yield _sweep_silent(evidence.carriage.sweep_silent_for)
    if all(steps.code_of(step, evidence) in WAIT_FOR_OTHERS for step in evidence.steps):
        yield _stuck()


def _in_line(line: Line, evidence: Evidence) -> Finding:
    because, todo, facts = in_line.words(line, evidence)
    return Finding(
        code=FindingCode.WAITS_FOR_PLACE,
        because=because,
        what_to_do=todo,
        since=line.asked_at,
        facts=facts,
    )


def _ended(execution: Mapping[str, Any], redactor: Redactor) -> Finding:
    error = redactor.redact(execution["error"]) or {}
    status, reason = execution["status"], error.get("message")
    because = f"It ended as {status} at {moment(execution['finished_at'])}"
    because = f"{because}: {reason.rstrip('.')}." if reason else f"{because}."
    todo = "Nothing: what has ended does not move any more."
    if left := error.get("compensation"):
        because += f" Not undone: {'; '.join(_not_undone(entry) for entry in left)}."
        todo = "Undo by hand what it could not undo."
    return Finding(
        code=FindingCode.ENDED,
        because=because,
        what_to_do=todo,
        since=execution["finished_at"],
        facts={"status": status, "error": error or None},
    )


def _not_undone(entry: Mapping[str, Any]) -> str:
    undone = str(entry["step_id"]).removeprefix(COMPENSATES)
    return f"{undone} ({entry['code']}: {entry['message']})"


def _aborting(execution: Mapping[str, Any]) -> Finding:
    reason, forced_at = execution["abort_reason"], execution["forced_at"]
    because = f"It is being ended ({reason}): open steps are stopped and clean up first"
    if forced_at:
        because, todo = f"{because}. Handlers and compensations are stopped, too", WAIT
    else:
        undone = "" if reason == AbortReason.ENDED else "compensations and "
        because += f", then {undone}handlers run"
        todo = f"{WAIT} To stop those as well, {AGAIN[reason]}."
    return Finding(
        code=FindingCode.ABORTING,
        because=f"{because}.",
        what_to_do=todo,
        since=forced_at or execution["cancel_requested_at"] or execution["updated_at"],
        facts={"reason": reason, "forced": forced_at is not None},
    )


AGAIN = {
    AbortReason.CANCELLED: "cancel it once more",
    AbortReason.FAILED: "cancel it with force",
    AbortReason.TIMED_OUT: "cancel it with force",
    AbortReason.ENDED: "cancel it with force",
}


def _redis_away(evidence: Evidence) -> Finding:
    queued = sum(phase_of(step) is Phase.QUEUED for step in evidence.steps)
    return Finding(
        code=FindingCode.REDIS_AWAY,
        because="Redis cannot be reached, so no message gets to a worker.",
        what_to_do="Bring Redis back; what was not sent is then sent by the sweep.",
        facts={"queued": queued},
    )


def _is_late(silent_for: float | None, late_after: float) -> bool:
    return silent_for is None or silent_for >= late_after


def _sweep_silent(seconds: float | None) -> Finding:
    known = "No sweep has run lately" if seconds is None else f"The last sweep ran {span(seconds)}"
    return Finding(
        code=FindingCode.SWEEP_SILENT,
        because=f"{known}{'' if seconds is None else ' ago'}: retries, timers, time-outs, dead"
        " workers and lost messages are not looked after.",
        what_to_do="Start beat, and a worker for the queue 'system', which runs the sweep.",
        facts={"seconds": seconds},
    )


def _stuck() -> Finding:
    return Finding(
        code=FindingCode.STUCK,
        because="None of its open steps will be moved by a message, the clock, a worker or the"
        " outside world.",
        what_to_do="Report this: it is a fault of the engine. Cancelling the execution ends it.",
    )


# ── Its steps ────────────────────────────────────────────────────────────────────────────


def _of_steps(evidence: Evidence) -> Iterable[Finding]:
    """One finding for each step; of the held items of a fan-out the first speaks for all.

    Those of an execution that stands in line wait for that.
    """
    if None in evidence.lines:
        return
    told: set[int] = set()
    for step in evidence.steps:
        if steps.code_of(step, evidence) is FindingCode.ITEMS_HELD and step.parent_id is not None:
            if step.parent_id in told:
                continue
            told.add(step.parent_id)
        yield steps.finding(step, evidence)
