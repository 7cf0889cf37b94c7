"""What was lost: messages, workers, timers, joins. Run every second or so, by anybody.

Any number of sweeps may run at once. Each finding gets a transaction of its own, so that one
that cannot be mended does not keep the others from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from redis import RedisError
from sqlalchemy import Connection

from pipeline_engine.dispatch.coalescing import MOST_IDS
from pipeline_engine.dispatch.messages import (
    CLEAN_UP,
    DELIVER,
    FOLLOW_WEBHOOKS,
    JOIN,
    SYSTEM,
    Message,
)
from pipeline_engine.domain.definitions import PipelineDefinition
from pipeline_engine.domain.outcome import AbortReason
from pipeline_engine.domain.queues import QueueName
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import alerts, last_net, trees
from pipeline_engine.scheduler.advance import abort, outcome
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.advance.fan_out import TIMEOUT
from pipeline_engine.scheduler.event_triggers.look import close_windows, offer_again
from pipeline_engine.scheduler.last_net import OUTCOME_UNKNOWN, Lock
from pipeline_engine.scheduler.outbox import send
from pipeline_engine.scheduler.plan.planned_step import PlannedStep
from pipeline_engine.scheduler.resume import timer
from pipeline_engine.scheduler.resume.cancel_rest import cancel_rest
from pipeline_engine.scheduler.resume.cleanup import end_late_clean_up
from pipeline_engine.scheduler.resume.follow_limits import follow_limits
from pipeline_engine.scheduler.resume.give_places import give_places
from pipeline_engine.scheduler.resume.supersede import supersede
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.schedules import bells, look
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.storage import (
    admission,
    deliveries,
    lines,
    mailbox,
    overdue,
    races,
    shares,
    transitions,
    webhook_deliveries,
)
from pipeline_engine.storage import event_triggers as windows
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.postgres.session import autocommit, is_unreachable
from pipeline_engine.storage.rows import StepRow

log = structlog.get_logger(__name__)

WORKER_LOST = "worker_lost"
EXECUTION_TIMEOUT = "execution_timeout"

#: The queues of blocking steps.
HANDED = (QueueName.IO, QueueName.CPU)
#: How long a blocking step is queued before somebody else is woken for it.
STRANDED_AFTER = timedelta(seconds=1)
#: Steps of a queue that somebody is woken for, at most.
STRANDED = 64

#: Messages in the queue of the system; behind more of them nothing is sent again.
CROWDED = overdue.BATCH


@dataclass(frozen=True, slots=True)
class Swept:
    """How much one sweep found, by kind."""

    unclaimed: int
    due: int
    timers: int
    lost_workers: int
    timed_out_steps: int
    timed_out_executions: int
    lost_cancels: int
    unjoined: int
    clean_ups: int
    late_clean_ups: int
    races: int
    places: int
    superseded: int
    deliveries: int
    offers: int
    windows: int
    webhooks: int
    stranded: int
    schedules: int
    bells: int
    alerts: int


def sweep(runtime: Runtime) -> Swept:
    """Find everything that ought to have moved by now, and move it."""
    swept = Swept(
        due=_send_due(runtime),
        timers=_each(runtime, overdue.due_timers, overdue.lock_due_timer, timer.wake),
        lost_workers=_each(runtime, overdue.expired_leases, overdue.lock_expired_lease, _recover),
        timed_out_steps=_each(
            runtime, overdue.passed_deadlines, overdue.lock_passed_deadline, _time_out
        ),
        timed_out_executions=_time_out_executions(runtime),
        lost_cancels=_cancel_again(runtime),
        races=_cancel_rest_again(runtime),
        places=_give_places_again(runtime),
        superseded=_supersede_again(runtime),
        windows=close_windows(runtime),
        unclaimed=_send_unclaimed(runtime),
        late_clean_ups=_each(
            runtime, overdue.late_clean_ups, overdue.lock_late_clean_up, end_late_clean_up
        ),
        **_send_system_messages_again(runtime),
        stranded=_send_stranded(runtime),
        schedules=_fire(runtime),
        bells=bells.reconcile_if_due(runtime),
        alerts=_look_for_alerts(runtime),
    )
    if any(asdict(swept).values()):
        log.info("swept", **asdict(swept))
    return swept


def wake_due(runtime: Runtime) -> None:
    """Move what only the clock has held up: timers, pauses, windows. A sweep does it, too."""
    _send_due(runtime)
    _each(runtime, overdue.due_timers, overdue.lock_due_timer, timer.wake)
    close_windows(runtime)


def clock(runtime: Runtime, *, within: timedelta) -> overdue.Clock:
    """Whether there is something for ``wake_due``, and when there will be *within* that time."""
    with autocommit(runtime.engine) as connection:
        steps = overdue.clock(connection, within=within)
        return steps.sooner(windows.clock(connection, within=within))


def _fire(runtime: Runtime) -> int:
    """Fire the schedules that are due: a batch, as other things have to be found as well."""
    try:
        return look.fire_due(runtime).looked_at + look.start_queued(runtime).looked_at
    except Exception as error:
        if is_unreachable(error):
            raise
        # Whatever it is, the rest of the sweep must not wait for it.
        log.exception("sweep could not fire schedules")
        return 0


def _look_for_alerts(runtime: Runtime) -> int:
    try:
        return alerts.look(runtime)
    except Exception as error:
        if is_unreachable(error):
            raise
        # As above.
        log.exception("sweep could not look for alerts")
        return 0


# ── Messages that were lost, or whose time has come ──────────────────────────────────────


def _hand_over(tx: Transaction) -> None:
    """Send what a sweep found; most find nothing, and pass no place to die."""
    if not (tx.ready or tx.messages or tx.revoked or tx.fan_outs):
        return
    failpoint(Failpoint.SWEEP_BEFORE_SEND)
    send(tx)
    failpoint(Failpoint.SWEEP_AFTER_SEND)


def _send_unclaimed(runtime: Runtime) -> int:
    def change(tx: Transaction) -> None:
        patience = runtime.settings.republish_after
        tx.ready += admission.requeue_unclaimed(tx.connection, patience=patience)

    return _sent(runtime, change)


def _send_stranded(runtime: Runtime) -> int:
    """Wake the idle for steps that are in the hands of workers which are busy.

    As long as messages stand in a queue nobody is idle there. Nothing is written: whoever gets the
    message claims the steps, or finds that others have.
    """
    found: list[StepRow] = []
    with autocommit(runtime.engine) as connection:
        for queue in HANDED:
            found += shares.blocking(connection, queue, most=STRANDED, waiting_for=STRANDED_AFTER)
    by_queue = {row.queue for row in found}
    idle = {queue for queue in by_queue if not runtime.dispatch.waiting(queue)}

    def change(tx: Transaction) -> None:
        tx.ready += [row for row in found if row.queue in idle]

    return _sent(runtime, change) if idle else 0


def _send_due(runtime: Runtime) -> int:
    def change(tx: Transaction) -> None:
        tx.ready += admission.queue_due(tx.connection)

    return _sent(runtime, change)


def _send_system_messages_again(runtime: Runtime) -> dict[str, int]:
    """Send what seems lost, unless it may well stand in the queue: it would only stand there twice.

    Redis is asked once, and after all that needs no message: it may be frozen.
    """
    is_crowded = runtime.dispatch.waiting(SYSTEM) > CROWDED
    delivered = _deliver_again(runtime, is_crowded=is_crowded)
    if is_crowded:
        return {
            "unjoined": 0,
            "clean_ups": 0,
            "deliveries": delivered,
            "offers": 0,
            "webhooks": 0,
        }
    return {
        "unjoined": _send_again(runtime, overdue.unjoined, JOIN),
        "clean_ups": _send_again(runtime, overdue.not_cleaned_up, CLEAN_UP),
        "deliveries": delivered,
        "offers": offer_again(runtime),
        "webhooks": _follow_webhooks_again(runtime),
    }


def _send_again(runtime: Runtime, find: Callable[[Connection], list[int]], task: str) -> int:
    def change(tx: Transaction) -> None:
        ids = find(tx.connection)
        overdue.postpone(tx.connection, ids, by=runtime.settings.republish_after)
        tx.messages += [Message(task, (step_execution_id,)) for step_execution_id in ids]

    return _sent(runtime, change)


def _deliver_again(runtime: Runtime, *, is_crowded: bool) -> int:
    def change(tx: Transaction) -> None:
        buffer = timedelta(seconds=runtime.settings.event_buffer_seconds)
        deliveries.give_up_unmatched(tx.connection, older_than=buffer)
        if is_crowded:
            return
        patience = runtime.settings.republish_after
        ids = deliveries.deliverable(tx.connection, older_than=patience, limit=overdue.BATCH)
        deliveries.queue_again(tx.connection, ids)
        ids += mailbox.unread(tx.connection, older_than=patience, limit=overdue.BATCH)
        tx.messages += [Message(DELIVER, (delivery_id,)) for delivery_id in ids]

    return _sent(runtime, change)


def _follow_webhooks_again(runtime: Runtime) -> int:
    def change(tx: Transaction) -> None:
        patience = runtime.settings.republish_after
        ids = webhook_deliveries.overdue(tx.connection, older_than=patience, limit=overdue.BATCH)
        for first in range(0, len(ids), MOST_IDS):
            together = tuple(ids[first : first + MOST_IDS])
            tx.messages.append(Message(FOLLOW_WEBHOOKS, together))

    return _sent(runtime, change)


def _sent(runtime: Runtime, change: Callable[[Transaction], None]) -> int:
    """Find what is missing and send it; a second try finds only what the first did not take."""
    tx = run_surviving_disconnects(runtime, change)
    found = len(tx.ready) + len(tx.messages)
    _hand_over(tx)
    return found


# ── Steps that need a decision ───────────────────────────────────────────────────────────


def _each(
    runtime: Runtime,
    find: Callable[[Connection], Sequence[int]],
    lock: Lock,
    mend: Callable[[Transaction, StepRow], None],
) -> int:
    """Mend every step that *find* names and *lock* still gets, each in its own transaction."""
    with runtime.engine.connect() as connection:
        ids = find(connection)
    return sum(_mended(runtime, step_execution_id, lock, mend) for step_execution_id in ids)


def _mended(
    runtime: Runtime,
    step_execution_id: int,
    lock: Lock,
    mend: Callable[[Transaction, StepRow], None],
) -> bool:
    was_found = False

    def change(tx: Transaction) -> None:
        nonlocal was_found
        row = lock(tx.connection, step_execution_id)
        if row is not None:
            mend(tx, row)
            was_found = True

    run = partial(last_net.watched, runtime, step_execution_id, lock, change)
    return _isolated(run, step=step_execution_id) and was_found


def _isolated(run: Callable[[], Transaction], **whose: object) -> bool:
    try:
        _hand_over(run())
    except Exception as error:
        if is_unreachable(error):
            raise
        # A plug-in may be gone, a document may come from a newer version: foreign, all of it.
        log.exception("sweep could not mend a row", **whose)
        return False
    return True


def _recover(tx: Transaction, row: StepRow) -> None:
    """Repeat the step of a dead worker if its action allows that, otherwise end it."""
    planned = _planned(tx, row)
    if planned is not None and not planned.idempotent:
        _give_up(
            tx,
            row,
            planned,
            OUTCOME_UNKNOWN,
            "The worker died while the action ran, and the action must not be repeated"
            " without knowing what it did",
        )
    elif row.lost_count + 1 >= tx.runtime.settings.max_lost_attempts:
        _give_up(tx, row, planned, WORKER_LOST, f"{row.lost_count + 1} workers died running it")
    elif transitions.requeue_lost(tx.connection, row):
        tx.ready.append(row)


def _give_up(
    tx: Transaction, row: StepRow, planned: PlannedStep | None, code: str, message: str
) -> None:
    advance(
        tx,
        outcome.failed(tx, row, planned, error_code=code, message=message, retryable=False),
    )


def _time_out(tx: Transaction, row: StepRow) -> None:
    """End the attempt whose time is up; a retry may follow, as after any failure."""
    planned = _planned(tx, row)
    if row.task_id:
        tx.revoked.append(row)
    if row.items_open:
        advance(tx, _stop_items(tx, row))
    elif _is_abandoned(tx, row, planned):
        _begin_stopping(tx, row)
        abort.ask_to_clean_up(tx, [row])
    else:
        message = outcome.NO_EVENT if row.awaiting_event else outcome.TOO_SLOW
        advance(tx, outcome.timed_out(tx, row, planned, message=message))


def _is_abandoned(tx: Transaction, row: StepRow, planned: PlannedStep | None) -> bool:
    """Whether what this attempt has started has to be called off before anything follows.

    Not before a next attempt that may be repeated: by its idempotency key it finds what this one
    has started, and waits for it.
    """
    retry = outcome.retry_after(tx, row, planned, error_code=TIMEOUT)
    if retry and planned and planned.idempotent:
        return False
    return abort.has_to_clean_up(row, tx.plan(row.execution_id))


def _begin_stopping(tx: Transaction, row: StepRow) -> None:
    wake = tx.runtime.settings.republish_after
    transitions.begin_stopping(tx.connection, [row.id], wake=wake, error_code=TIMEOUT)


def _stop_items(tx: Transaction, row: StepRow) -> list[Ending]:
    """Stop the items of a fan-out whose time is up; the last of them to end ends it, too."""
    _begin_stopping(tx, row)
    plan = tx.plan(row.execution_id)
    return abort.stop(tx, abort.lock_below(tx, [row], plan), plan, because=outcome.TOO_SLOW)


def _planned(tx: Transaction, row: StepRow) -> PlannedStep | None:
    try:
        return tx.plan(row.execution_id).step(row)
    except PipelineEngineError:  # the plug-in that the step needs is not installed any more
        return None


# ── Executions ───────────────────────────────────────────────────────────────────────────


def _time_out_executions(runtime: Runtime) -> int:
    with runtime.engine.connect() as connection:
        ids = overdue.overdue_executions(connection)
    return sum(_timed_out(runtime, execution_id) for execution_id in ids)


def _timed_out(runtime: Runtime, execution_id: UUID) -> bool:
    def change(tx: Transaction) -> None:
        definition = tx.plan(execution_id).definition
        grace = timedelta(seconds=definition.settings.handlers_timeout_seconds)
        error = _timeout_error(definition)
        advance(tx, abort.out_of_time(tx, execution_id, grace=grace, error=error) or ())

    return _isolated(
        partial(run_surviving_disconnects, runtime, change), execution=str(execution_id)
    )


def _timeout_error(definition: PipelineDefinition) -> dict[str, object]:
    seconds = definition.settings.timeout_seconds
    return {"code": EXECUTION_TIMEOUT, "message": f"Execution timed out after {seconds} s"}


def _cancel_again(runtime: Runtime) -> int:
    """Cancel what was to end with an execution above it, if whoever began that died meanwhile."""
    with runtime.engine.connect() as connection:
        ids = overdue.lost_cancels(connection)
    return sum(_cancelled(runtime, execution_id) for execution_id in ids)


def _cancelled(runtime: Runtime, execution_id: UUID) -> bool:
    reason = AbortReason.CANCELLED
    error = {"code": reason.value, "message": trees.PARENT_STOPPED}

    def change(tx: Transaction) -> None:
        advance(tx, abort.give_up(tx, execution_id, reason=reason, error=error) or ())

    return _isolated(
        partial(run_surviving_disconnects, runtime, change), execution=str(execution_id)
    )


def _cancel_rest_again(runtime: Runtime) -> int:
    """Stop what steps have gone on without, if the message that was to do it is late or lost."""
    with runtime.engine.connect() as connection:
        ids = races.marked(connection)
    return sum(_isolated(partial(cancel_rest, runtime, one), step=one) for one in ids)


def _give_places_again(runtime: Runtime) -> int:
    """Look after the keys at which somebody waits for a place that is free."""
    with runtime.engine.begin() as connection:
        follow_limits(connection, runtime.settings)
        ids = lines.stalled(connection)
    return sum(_isolated(partial(give_places, runtime, one), place=one) for one in ids)


def _supersede_again(runtime: Runtime) -> int:
    """Cancel those whose place a later one needs, if nobody has begun with that."""
    with runtime.engine.connect() as connection:
        ids = lines.not_cancelled(connection)
    return sum(_isolated(partial(supersede, runtime, one), place=one) for one in ids)


def beat_mark(runtime: Runtime) -> None:
    """Leave a trace that the sweep is alive, for the readiness probe; a hint, not a fact.

    If the trace before it is old, somebody is told how long nobody has swept.
    """
    key, now = f"{runtime.settings.key_prefix}heartbeat:sweep", time.time()
    try:
        before: Any = runtime.redis.set(key, now, ex=3600, get=True)
    except RedisError as error:
        log.info("nobody could be told of the sweep", error=str(error))
        return
    seconds = now - float(before or now)
    if seconds >= runtime.settings.sweep_late_after:
        log.warning("sweep_late", seconds=round(seconds, 1))
