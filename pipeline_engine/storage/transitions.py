"""The only module that writes a status column.

A move is one conditional ``UPDATE``: of two rivals one gets the row back and the other goes
home. The event that tells of the move is written in the same transaction. Plain statements,
because the ORM costs more than the whole rest of a hop.

Rows are found by their ids. Where many move at once the allowed sources stand inside a ``CASE``,
which no index answers: after a quiet hour PostgreSQL believes that few steps are open, and
would read all that are open, in all executions, rather than look up a hundred ids. And the ids
are said twice, in the records and as an array: of records PostgreSQL expects a hundred, and for
so many it would read the whole of a table that has only some thousand rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.storage.admission import QUEUED_AGAIN
from pipeline_engine.storage.history import NewEvent, about, record
from pipeline_engine.storage.moves import Claim, Ending, ExecutionEnding, Growth, Parking
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.rows import STEP_COLUMNS, StepRow, fetch_steps
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.events import EventType

# ── Queueing: from "ready" to "some worker has it" ───────────────────────────────────────


def claim(
    connection: Connection,
    claims: Sequence[Claim],
    *,
    worker: str,
    lease: timedelta,
) -> set[int]:
    """Begin a new attempt of each step that is still queued as it was read; returns their ids.

    The number of the attempt fences all later writes. A step that somebody else has locked is left
    to them.
    """
    if not claims:
        return set()
    rows = driver.fetch_prepared(
        connection,
        _CLAIM,
        {
            "ids": driver.array(claim.step.id for claim in claims),
            "claims": json_guard.dumps([_claim_record(claim, worker) for claim in claims]),
            "lease": lease,
            "worker": worker,
            "event": EventType.STEP_STARTED.value,
        },
    )
    claimed = {row[0] for row in rows}
    for claim in (c for c in claims if c.step.id in claimed):
        claim.step.attempt += 1
        claim.step.status = StepStatus.RUNNING
        claim.step.task_id = claim.task_id
    return claimed


def _claim_record(claim: Claim, worker: str) -> dict[str, Json]:
    begun = about(claim.step, EventType.STEP_STARTED, worker=worker)
    return {
        "id": claim.step.id,
        "attempt": claim.step.attempt,
        "deadline": claim.deadline.total_seconds() if claim.deadline else None,
        "task_id": claim.task_id,
        "details": begun.details,
    }


_CLAIM = """
WITH free AS (
    -- Some were read a while ago, and may be somebody else's by now.
    SELECT s.id, v.deadline, v.task_id, v.details
    FROM json_to_recordset(%(claims)s::json)
        AS v(id bigint, attempt int, deadline float8, task_id text, details jsonb)
    JOIN step_executions s ON s.id = v.id
    WHERE s.id = ANY(%(ids)s::bigint[]) AND s.attempt = v.attempt
        AND CASE WHEN s.status IN ('PENDING', 'RETRYING') THEN s.queued_at IS NOT NULL END
    ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED
), claimed AS (
    UPDATE step_executions s SET status = 'RUNNING', attempt = s.attempt + 1,
        queued_at = NULL, due_at = NULL, leased_until = now() + %(lease)s::interval,
        deadline_at = now() + v.deadline * interval '1 second', worker = %(worker)s,
        task_id = v.task_id, started_at = coalesce(s.started_at, now()), updated_at = now(),
        lock_version = s.lock_version + 1
    FROM free v WHERE s.id = ANY(%(ids)s::bigint[]) AND s.id = v.id
        AND CASE WHEN s.status IN ('PENDING', 'RETRYING') THEN true END
    RETURNING s.id, s.execution_id, s.attempt, v.details
), told AS (
    INSERT INTO events (execution_id, event_type, step_execution_id, details)
    SELECT execution_id, %(event)s, id, details || jsonb_build_object('attempt', attempt)
    FROM claimed ORDER BY id
)
SELECT id FROM claimed
"""


def requeue_lost(
    connection: Connection, step: StepRow, *, delay: timedelta | None = None, **why: Json
) -> bool:
    """Queue a step again after its attempt was lost; the next claim is its next attempt.

    Without a *delay* its message is for the caller to send; after one the sweep sends it.
    """
    moved = connection.exec_driver_sql(
        "UPDATE step_executions SET status = 'PENDING',"
        f" {QUEUED_AGAIN},"
        " leased_until = NULL, deadline_at = NULL, worker = NULL, task_id = NULL,"
        " lost_count = lost_count + 1, publish_count = publish_count + 1, updated_at = now(),"
        " lock_version = lock_version + 1"
        " WHERE id = %(id)s AND status = 'RUNNING' AND attempt = %(attempt)s"
        " AND NOT awaiting_event RETURNING id",
        {"id": step.id, "attempt": step.attempt, "delay": delay},
    ).first()
    if moved is None:
        return False
    record(connection, [about(step, EventType.STEP_RECOVERED, lost_attempt=step.attempt, **why)])
    return True


# ── Endings ──────────────────────────────────────────────────────────────────────────────


def end(connection: Connection, endings: Sequence[Ending], *, durable: bool = True) -> list[Ending]:
    """End steps for good, and return those endings that came in time.

    The attempt is the fence, together with the status that the step had when it was taken: a
    worker that comes back from the dead ends nothing, even before the next attempt has begun.
    """
    if not endings:
        return []
    before = "" if durable else driver.RELAXED
    taken = {
        "ids": driver.array(ending.step.id for ending in endings),
        "endings": json_guard.dumps(_records(endings)),
    }
    rows = driver.fetch_prepared(connection, _END, taken, before=before)
    ended: list[Ending] = []
    # By their numbers: two attempts of one step may come back together, and one ends it.
    for number, attempt, successors in sorted(rows):
        ending = endings[number]
        ending.step.attempt, ending.step.successors = attempt, successors
        ending.step.status = ending.status
        ended.append(ending)
    return ended


def _records(endings: Sequence[Ending]) -> list[dict[str, Json]]:
    now = time.monotonic()
    return [_record(number, ending, now) for number, ending in enumerate(endings)]


def _record(number: int, ending: Ending, now: float) -> dict[str, Json]:
    step = ending.step
    happened = ending.happened
    record: dict[str, Json] = {
        "number": number,
        "id": step.id,
        "attempt": step.attempt,
        "taken": str(step.status),
        "status": ending.status.value,
        "ran": ending.ran,
        "ago": now - ending.ended_at,
        "event_type": happened.event_type.value,
        "details": happened.details,
        "outputs": ending.outputs,
    }
    # What is not said is null, and costs nothing.
    if ending.status is not StepStatus.COMPLETED or ending.error_code:
        record["error_code"] = ending.error_code
        record["error_message"] = ending.error_message
        record["skip_reason"] = ending.skip_reason
    if counted := ending.counted:
        record["counted"] = counted.ended
        record["succeeded"] = counted.succeeded
        record["failed"] = counted.failed
        record["blocking"] = counted.blocking
        record["branched"] = counted.branched
    return record


# One statement for the moves and their events; one JSON text, because PostgreSQL and the driver
# together need three times as long for a dozen arrays of the same values.
_END = """
WITH ended AS (
    UPDATE step_executions s SET status = v.status,
        -- What a parked step has said stays, such as the id of what it had started.
        outputs = coalesce(v.outputs, s.outputs),
        error_code = v.error_code, error_message = v.error_message, skip_reason = v.skip_reason,
        progress_percentage = CASE v.status WHEN 'COMPLETED' THEN 100 WHEN 'SKIPPED' THEN 0
            ELSE s.progress_percentage END,
        -- A cheap step runs inside the transaction that ends it; this is its attempt.
        attempt = s.attempt + (v.ran AND s.status <> 'RUNNING')::int,
        started_at = CASE WHEN v.ran THEN coalesce(s.started_at, now()) ELSE s.started_at END,
        -- Not the clock at each row: rows are met in any order, and a compensation undoes steps
        -- in the order in which they ended.
        finished_at = greatest(statement_timestamp() - v.ago * interval '1 second', now()),
        updated_at = now(), queued_at = NULL, due_at = NULL,
        leased_until = NULL, deadline_at = NULL, awaiting_event = false, cancelling = false,
        in_window = false, held = false, in_line = false, has_place = false, eta_seconds = NULL,
        lock_version = s.lock_version + 1,
        remaining = s.remaining - coalesce(v.counted, 0),
        deps_succeeded = s.deps_succeeded + coalesce(v.succeeded, 0),
        deps_failed = s.deps_failed + coalesce(v.failed, 0),
        deps_blocking = s.deps_blocking + coalesce(v.blocking, 0),
        deps_branched = s.deps_branched + coalesce(v.branched, 0)
    FROM json_to_recordset(%(endings)s::json)
        AS v(number int, id bigint, attempt int, taken text, status text, ran bool, ago float8,
            event_type text, details jsonb, outputs jsonb, error_code text, error_message text,
            skip_reason text, counted int, succeeded int, failed int, blocking int, branched int)
    WHERE s.id = ANY(%(ids)s::bigint[]) AND s.id = v.id AND s.attempt = v.attempt
        AND CASE WHEN s.status = v.taken AND s.status IN ('PENDING', 'RETRYING', 'RUNNING')
            THEN true END
    -- The sink may have joined the successors since the step was claimed.
    RETURNING s.id, s.attempt, s.successors, s.execution_id, s.kind,
        v.number, v.event_type, v.details
), told AS (
    INSERT INTO events (execution_id, event_type, step_execution_id, details)
    SELECT execution_id, event_type, id, details || jsonb_build_object('attempt', attempt)
    FROM ended WHERE kind <> 'sink' ORDER BY number
)
SELECT number, attempt, successors FROM ended
"""


def retry(
    connection: Connection,
    step: StepRow,
    *,
    delay: timedelta,
    error_code: str | None,
    error_message: str | None,
    outputs: dict[str, Json] | None = None,
) -> bool:
    """Send a failed attempt to its next one, not before *delay* has passed."""
    moved = connection.exec_driver_sql(
        "UPDATE step_executions SET status = 'RETRYING', due_at = now() + %(delay)s,"
        " attempt = attempt + (status <> 'RUNNING')::int, retry_count = retry_count + 1,"
        " error_code = %(code)s, error_message = %(message)s, queued_at = NULL,"
        " outputs = coalesce(%(outputs)s::jsonb, outputs),"
        " leased_until = NULL, deadline_at = NULL, awaiting_event = false, worker = NULL,"
        " task_id = NULL, started_at = coalesce(started_at, now()), updated_at = now(),"
        " lock_version = lock_version + 1,"
        # The clean-up between two attempts counts its own worker, which has not died.
        " lost_count = lost_count - (cancelling AND items_total IS NULL)::int, cancelling = false,"
        # A block begins anew.
        " items_total = NULL, items_open = NULL, items_failed = NULL, items_tolerated = NULL,"
        " in_line = false"
        " WHERE id = %(id)s AND attempt = %(attempt)s AND cancelling = %(cleaned)s"
        " AND status = %(taken)s"
        " AND status IN ('PENDING', 'RETRYING', 'RUNNING') RETURNING attempt",
        {
            "id": step.id,
            "attempt": step.attempt,
            "cleaned": step.cancelling,
            "taken": str(step.status),
            "delay": delay,
            "code": error_code,
            "message": error_message,
            "outputs": json_guard.dumps(outputs) if outputs else None,
        },
    ).first()
    if moved is None:
        return False
    step.attempt = moved[0]
    step.retry_count += 1
    record(
        connection,
        [
            about(
                step,
                EventType.STEP_RETRYING,
                error=error_message,
                error_code=error_code,
                delay_seconds=round(delay.total_seconds(), 3),
            )
        ],
    )
    return True


# ── Parked steps and fan-outs ────────────────────────────────────────────────────────────


def park(connection: Connection, step: StepRow, parking: Parking) -> bool:
    """Let a step wait for the outside world; it holds no worker and no lease."""
    moved = connection.exec_driver_sql(
        "UPDATE step_executions SET status = 'RUNNING', awaiting_event = true,"
        " attempt = attempt + (status <> 'RUNNING')::int, queued_at = NULL,"
        " leased_until = NULL, worker = NULL, task_id = NULL, external_workflow_id = %(external)s,"
        # Not now(): a step that the transaction ran late would be woken too early.
        " outputs = %(outputs)s::jsonb, due_at = clock_timestamp() + %(wake)s,"
        " deadline_at = now() + %(deadline)s,"
        " started_at = coalesce(started_at, now()), updated_at = now(),"
        " lock_version = lock_version + 1"
        " WHERE id = %(id)s AND attempt = %(attempt)s AND status = %(taken)s AND NOT cancelling"
        " AND status IN ('PENDING', 'RETRYING', 'RUNNING') RETURNING attempt",
        {
            "id": step.id,
            "attempt": step.attempt,
            "taken": str(step.status),
            "external": parking.external_ids[0] if parking.external_ids else None,
            "outputs": json_guard.dumps(parking.outputs),
            "wake": parking.wake_after,
            "deadline": parking.deadline,
        },
    ).first()
    if moved is None:
        return False
    step.attempt = moved[0]
    step.status = StepStatus.RUNNING
    details: dict[str, Json] = {"external_ids": list(parking.external_ids)}
    kind = EventType.STEP_REMINDER if parking.is_reminder else EventType.STEP_PARKED
    record(connection, [about(step, kind, **details)])
    return True


def expand(connection: Connection, growths: Sequence[Growth]) -> set[int]:
    """Let fan-outs and blocks wait for more rows; they hold no worker and no lease.

    Returns the ids of those that were still to grow.
    """
    taken = {
        "ids": driver.array(growth.step.id for growth in growths),
        "growths": json_guard.dumps([growth.record for growth in growths]),
        "event": EventType.STEP_EXPANDED.value,
    }
    by_id = {growth.step.id: growth.step for growth in growths}
    rows = driver.fetch_prepared(connection, _EXPAND, taken)
    for step_id, *moved in rows:
        step = by_id[step_id]
        step.attempt, step.items_total, step.items_open, step.items_failed = moved
        step.status = StepStatus.RUNNING
    return {row[0] for row in rows}


_EXPAND = """
WITH grown AS (
    UPDATE step_executions s SET status = 'RUNNING',
        attempt = s.attempt + (s.status <> 'RUNNING')::int, queued_at = NULL, due_at = NULL,
        leased_until = NULL, worker = NULL, task_id = NULL,
        -- The first deadline was the one of the attempt that made the items, if it was claimed.
        deadline_at = CASE WHEN s.items_total IS NULL
            THEN now() + v.deadline * interval '1 second' WHEN NOT v.undoes THEN s.deadline_at END,
        items_total = coalesce(s.items_total, 0) + v.added,
        items_open = coalesce(s.items_open, 0) + v.added,
        items_failed = coalesce(s.items_failed, 0), items_tolerated = v.tolerated,
        error_code = coalesce(v.error_code, s.error_code),
        error_message = coalesce(v.error_message, s.error_message),
        started_at = coalesce(s.started_at, now()), updated_at = now(),
        lock_version = s.lock_version + 1
    FROM json_to_recordset(%(growths)s::json) AS v(id bigint, attempt int, taken text, added int,
        tolerated int, deadline float8, details jsonb, undoes boolean,
        error_code text, error_message text)
    WHERE s.id = ANY(%(ids)s::bigint[]) AND s.id = v.id AND s.attempt = v.attempt
        AND (v.undoes OR NOT s.cancelling)
        AND CASE WHEN s.status = v.taken AND s.status IN ('PENDING', 'RETRYING', 'RUNNING')
            THEN true END
    RETURNING s.id, s.attempt, s.items_total, s.items_open, s.items_failed, s.execution_id,
        v.details
), told AS (
    INSERT INTO events (execution_id, event_type, step_execution_id, details)
    SELECT execution_id, %(event)s, id, details || jsonb_build_object('attempt', attempt)
    FROM grown ORDER BY id
)
SELECT id, attempt, items_total, items_open, items_failed FROM grown
"""


LONGEST_ETA = 2**31 - 1  #: seconds that the column can hold


def note_progress(
    connection: Connection,
    step: StepRow,
    *,
    progress: float | None = None,
    eta_seconds: float | None = None,
    outputs: dict[str, Json] | None = None,
) -> bool:
    """Store how far a running step is, and what it knows by now."""
    progress = None if progress is None else min(100.0, max(0.0, progress))
    eta = None if eta_seconds is None else int(min(LONGEST_ETA, max(0.0, eta_seconds)))
    moved = connection.exec_driver_sql(
        "UPDATE step_executions SET"
        # News about the ETA alone must not set the progress back.
        " progress_percentage = coalesce(%(progress)s, progress_percentage),"
        " eta_seconds = coalesce(%(eta)s, eta_seconds),"
        " outputs = CASE WHEN %(outputs)s::jsonb IS NULL THEN outputs"
        " ELSE coalesce(outputs, '{}'::jsonb) || %(outputs)s::jsonb END,"
        " updated_at = now(), lock_version = lock_version + 1"
        " WHERE id = %(id)s AND attempt = %(attempt)s AND status = 'RUNNING' RETURNING id",
        {
            "id": step.id,
            "attempt": step.attempt,
            "progress": progress,
            "eta": eta,
            "outputs": None if outputs is None else json_guard.dumps(outputs),
        },
    ).first()
    if moved is None:
        return False
    kind = EventType.ETA_UPDATE if progress is None and eta is not None else EventType.STEP_PROGRESS
    happened = about(step, kind)
    happened.progress, happened.eta_seconds = progress, eta
    record(connection, [happened])
    return True


# ── Executions ───────────────────────────────────────────────────────────────────────────


def mark_running(connection: Connection, ids: Iterable[UUID]) -> None:
    """Say that these executions run, the first time one of their steps does."""
    driver.run(
        connection,
        """
        WITH waiting AS (
            SELECT id FROM executions WHERE id = ANY(%(ids)s::uuid[])
            ORDER BY id FOR NO KEY UPDATE
        ), begun AS (
            UPDATE executions e SET status = 'RUNNING', started_at = now(), updated_at = now(),
                lock_version = e.lock_version + 1
            FROM waiting
            WHERE e.id = waiting.id AND CASE WHEN e.status = 'PENDING' THEN true END
            RETURNING e.id
        )
        INSERT INTO events (execution_id, event_type, details)
        SELECT id, %(event)s, '{}' FROM begun
        """,
        {"ids": [str(i) for i in ids], "event": EventType.WORKFLOW_STARTED.value},
    )


def note_failure(connection: Connection, execution_id: UUID, error: dict[str, Json]) -> None:
    """Remember the first unhandled failure of an execution."""
    connection.exec_driver_sql(
        "UPDATE executions SET error = coalesce(error, '{}') || %(error)s::jsonb,"
        f" updated_at = now() WHERE id = %(id)s AND NOT {_HAS_FAILED}",
        {"id": str(execution_id), "error": json_guard.dumps(error)},
    )


def note_not_undone(
    connection: Connection, execution_id: UUID, left: Sequence[dict[str, Json]]
) -> None:
    """Remember what an execution could not undo: ``{step_id, code, message}`` each."""
    connection.exec_driver_sql(
        "UPDATE executions SET updated_at = now(), error = coalesce(error, '{}')"
        " || jsonb_build_object('compensation',"
        " coalesce(error -> 'compensation', '[]') || %(left)s::jsonb) WHERE id = %(id)s",
        {"id": str(execution_id), "left": json_guard.dumps(left)},
    )


def intend_abort(
    connection: Connection,
    execution_id: UUID,
    *,
    reason: AbortReason,
    error: dict[str, Json] | None,
    outputs: dict[str, Json] | None = None,
) -> bool:
    """Store the intent to end an execution early; False if the one that is stored counts.

    A cancel keeps what it outranks as ``cause`` of its error. The *outputs* are those of a step
    that ends the execution.
    """
    is_cancel = reason is AbortReason.CANCELLED
    moved = connection.exec_driver_sql(
        "UPDATE executions SET abort_reason = %(reason)s, updated_at = now(),"
        " error = CASE WHEN %(is_cancel)s THEN %(error)s::jsonb"
        f" || {_CAUSE} || {_NOT_UNDONE} WHEN %(is_good)s THEN nullif({_NOT_UNDONE}, '{{}}')"
        f" WHEN {_HAS_FAILED} THEN error ELSE %(error)s::jsonb || {_NOT_UNDONE} END,"
        " outputs = %(outputs)s::jsonb,"
        " cancel_requested_at = CASE WHEN %(is_cancel)s THEN now() END,"
        " lock_version = lock_version + 1"
        " WHERE id = %(id)s AND status IN ('PENDING', 'RUNNING') AND (abort_reason IS NULL"
        " OR %(is_cancel)s AND abort_reason <> %(reason)s) RETURNING id",
        {
            "id": str(execution_id),
            "reason": reason.value,
            "is_cancel": is_cancel,
            "is_good": reason is AbortReason.ENDED,  # whatever has failed before
            "error": None if error is None else json_guard.dumps(error),
            "outputs": json_guard.dumps(outputs) if outputs else None,
        },
    ).first()
    if moved is not None and is_cancel:
        told = NewEvent(execution_id, EventType.CANCEL_REQUESTED, details=error or {})
        record(connection, [told])
    return moved is not None


#: Something has failed, and not only been left undone by a block.
_HAS_FAILED = "coalesce(error ? 'code', false)"
_CAUSE = (
    f"CASE WHEN {_HAS_FAILED} THEN jsonb_build_object('cause', error - 'compensation')"
    " ELSE '{}' END"
)
_NOT_UNDONE = (
    "CASE WHEN error ? 'compensation'"
    " THEN jsonb_build_object('compensation', error -> 'compensation') ELSE '{}' END"
)


def pass_deadline(
    connection: Connection, execution_id: UUID, *, grace: timedelta, error: dict[str, Json]
) -> AbortReason | None:
    """Note that the time of an execution is up, and until when its handlers may go on.

    Returns why it ends early now; None if it was noted before, or the time is not up. A good end
    that has not been reached by then is none.
    """
    moved = connection.exec_driver_sql(
        "UPDATE executions SET overdue_since = now(), deadline_at = now() + %(grace)s,"
        " error = CASE WHEN nullif(abort_reason, %(good)s) IS NULL"
        f" THEN %(error)s::jsonb || {_CAUSE} || {_NOT_UNDONE} ELSE error END,"
        " outputs = CASE WHEN abort_reason = %(good)s THEN NULL ELSE outputs END,"
        " abort_reason = coalesce(nullif(abort_reason, %(good)s), %(reason)s), updated_at = now(),"
        " lock_version = lock_version + 1"
        " WHERE id = %(id)s AND status IN ('PENDING', 'RUNNING') AND overdue_since IS NULL"
        " AND deadline_at <= now() RETURNING abort_reason",
        {
            "id": str(execution_id),
            "grace": grace,
            "reason": AbortReason.TIMED_OUT.value,
            "good": AbortReason.ENDED.value,
            "error": json_guard.dumps(error),
        },
    ).first()
    if moved is None:
        return None
    record(connection, [NewEvent(execution_id, EventType.DEADLINE_PASSED, details=error)])
    return AbortReason(moved[0])


def force_end(
    connection: Connection,
    execution_id: UUID,
    *,
    event: EventType,
    error: dict[str, Json],
    only_overdue: bool = False,
) -> bool:
    """Store that nothing of an execution may run any more; False if that is stored already.

    With *only_overdue* if the time of its handlers, too, is up.
    """
    moved = connection.exec_driver_sql(
        "UPDATE executions SET forced_at = now(), deadline_at = NULL, updated_at = now(),"
        " lock_version = lock_version + 1"
        " WHERE id = %(id)s AND status IN ('PENDING', 'RUNNING') AND forced_at IS NULL"
        " AND (NOT %(only_overdue)s OR overdue_since IS NOT NULL AND deadline_at <= now())"
        " RETURNING id",
        {"id": str(execution_id), "only_overdue": only_overdue},
    ).first()
    if moved is not None:
        details = {**error, "force": True}
        record(connection, [NewEvent(execution_id, event, details=details)])
    return moved is not None


def claim_clean_up(
    connection: Connection, step_execution_id: int, *, lease: timedelta, within: timedelta
) -> StepRow | None:
    """Begin the clean-up attempt of a cancelled step, unless it has begun; it has its time."""
    claimed = fetch_steps(
        connection,
        "UPDATE step_executions s SET attempt = attempt + 1, leased_until = now() + %(lease)s,"
        " due_at = now() + %(lease)s, lost_count = lost_count + 1, updated_at = now(),"
        # A second clean-up, when the worker of the first has died, has what is left.
        " deadline_at = coalesce(deadline_at, now() + %(within)s)"
        # A fan-out has nothing to clean up; its last item will end it.
        " WHERE id = %(id)s AND cancelling AND status = 'RUNNING' AND items_total IS NULL"
        f" AND (leased_until IS NULL OR leased_until < now()) RETURNING {STEP_COLUMNS}",
        {"id": step_execution_id, "lease": lease, "within": within},
    )
    return claimed[0] if claimed else None


def begin_stopping(
    connection: Connection,
    ids: Sequence[int],
    *,
    wake: timedelta,
    error_code: str | None = None,
    error_message: str | None = None,
) -> None:
    """Fence the attempts that run or are parked; a clean-up, or their last item, will end them."""
    if not ids:
        return
    connection.exec_driver_sql(
        "UPDATE step_executions SET cancelling = true, attempt = attempt + 1,"
        " awaiting_event = false, leased_until = NULL, deadline_at = NULL,"
        " due_at = now() + %(wake)s, error_code = %(code)s,"
        " error_message = %(message)s, updated_at = now(),"
        " lock_version = lock_version + 1"
        " WHERE id = ANY(%(ids)s) AND status = 'RUNNING' AND NOT cancelling",
        {"ids": list(ids), "wake": wake, "code": error_code, "message": error_message},
    )


def end_executions(connection: Connection, endings: Sequence[ExecutionEnding]) -> None:
    """End executions for good."""
    ids = [str(ending.execution_id) for ending in endings]
    records = json_guard.dumps([ending.record for ending in endings])
    driver.run(connection, _END_EXECUTIONS, {"ids": ids, "endings": records})


_END_EXECUTIONS = """
WITH ended AS (
    UPDATE executions e SET status = v.status, outputs = v.outputs, error = v.error,
        finished_at = clock_timestamp(), started_at = coalesce(e.started_at, now()),
        updated_at = now(), deadline_at = NULL, lock_version = e.lock_version + 1,
        progress_percentage = CASE v.status WHEN 'COMPLETED' THEN 100
            ELSE e.progress_percentage END
    FROM json_to_recordset(%(endings)s::json)
        AS v(id uuid, status text, outputs jsonb, error jsonb, event_type text, details jsonb)
    WHERE e.id = ANY(%(ids)s::uuid[]) AND e.id = v.id
        AND CASE WHEN e.status IN ('PENDING', 'RUNNING') THEN true END
    RETURNING e.id, v.status, v.event_type, v.details
)
INSERT INTO events (execution_id, event_type, details, progress_percentage, eta_seconds)
SELECT id, event_type, details, CASE status WHEN 'COMPLETED' THEN 100 END, 0 FROM ended
"""
