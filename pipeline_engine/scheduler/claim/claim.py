"""Queued steps are taken: cheap ones are run and ended at once, the others are claimed.

Workers with several threads claim together what they are asked to run at the same time.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import outbox
from pipeline_engine.scheduler.actions import calls
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.advance import outcome
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.claim.batch import Batch
from pipeline_engine.scheduler.leases import still_held, worker_name
from pipeline_engine.scheduler.outbox import Carrier
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Work, insisted
from pipeline_engine.storage import locking, transitions
from pipeline_engine.storage.moves import Claim
from pipeline_engine.storage.postgres.session import is_expired, is_unreachable
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.steps import StepKind

log = structlog.get_logger(__name__)

#: Cheap steps in one transaction; more would keep their rows locked for too long.
STEPS_PER_TRANSACTION = 512
#: So many steps at least, where there are any: many executions that begin at once share a commit.
MORE = 100
#: Seconds after which a transaction begins no other step. Its locks hold up cancels, and the
#: history of all executions is read up to the oldest transaction.
COMPUTING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Steps that a Celery task was asked to run."""

    ids: Sequence[int]
    carrier: Carrier
    takes_more: bool = False  #: cheap steps that other tasks were asked to run may be taken along
    trusts: bool = True  #: cheap steps run inside the transaction that takes them


@dataclass(frozen=True, slots=True)
class Taken:
    """What a task has to do now."""

    claimed: list[Prepared]  #: to be run
    follow_up: list[int]  #: to be taken next, if there is nothing to run
    failures: Sequence[str] = ()  #: of the cheap steps that were run
    error: Exception | None = None


def take(runtime: Runtime, wanted: Sequence[Wanted]) -> list[Taken]:
    """End the cheap steps among those that are wanted, and claim the others."""
    claimed: list[Prepared] = []

    def change(work: Work) -> None:
        # A try whose commit went through unheard is recognised by its claims.
        ours = still_held(work.connection, [step.row for step in claimed])
        before = [step for step in claimed if step.row.id in ours]
        claimed[:] = [*before, *_taken(work, wanted)]

    try:
        work = insisted(runtime, change)
    except Exception as error:
        # A plug-in, or a document of a newer version: the others are not to blame.
        if is_unreachable(error) or len(wanted) == 1:
            raise
        wanted = [replace(one, trusts=one.trusts and not is_expired(error)) for one in wanted]
        log.warning("steps could not be claimed together", exc_info=True)
        return [_take_alone(runtime, one) for one in wanted]
    runtime.remember(begun=work.begun, ended=work.ended_along)
    return _shared_out(work, wanted, claimed)


def end_slow(work: Work, step_execution_id: int) -> None:
    """End a queued step whose preparation outlives a transaction; the next one would fare alike."""
    for row in locking.lock_queued(work.connection, [step_execution_id]):
        message = "Its params take so long to prepare that the database ended the transaction"
        advance(
            work,
            outcome.failed(
                work, row, None, error_code=calls.TOO_SLOW, message=message, retryable=False
            ),
        )


def _take_alone(runtime: Runtime, one: Wanted) -> Taken:
    try:
        return take(runtime, [one])[0]
    except Exception as error:  # noqa: BLE001 (its own thread raises it)
        return Taken([], [], error=error)


def _shared_out(work: Work, wanted: Sequence[Wanted], claimed: Sequence[Prepared]) -> list[Taken]:
    askers = _askers(wanted)
    mine = [[step for step in claimed if askers[step.row.id] is one] for one in wanted]
    # What is kept has no message: it must not wait behind an action.
    carriers = [
        replace(one.carrier, goes_on=False) if steps else one.carrier
        for one, steps in zip(wanted, mine, strict=True)
    ]
    follow_up = outbox.hand_over(work, carriers)
    # Cheap steps are run for one task at a time; what several have asked for is claimed.
    failures = [tuple(work.failures.values()), *[()] * len(wanted)]
    return [Taken(*taken) for taken in zip(mine, follow_up, failures, strict=False)]


def _taken(work: Work, wanted: Sequence[Wanted]) -> list[Prepared]:
    """Run and end what is cheap, wave after wave; returns what was claimed."""
    askers = _askers(wanted)
    ids = list(askers)
    claimed: list[Prepared] = []
    # The transaction need not wait for the disk: see ``Work.relax_durability``.
    batch = locking.lock_queued(work.connection, ids, durable=False)
    along: list[StepRow] = []
    if all(one.takes_more for one in wanted) and all(row.cheap for row in batch):
        along = _more(work, ids)
    batch += along
    work.begun = {row.execution_id for row in batch if _is_root(row)} - work.runtime.begun
    if work.begun:
        transitions.begin_executions(work.connection, work.begun)
    most = STEPS_PER_TRANSACTION
    ends_at = time.monotonic() + COMPUTING_SECONDS
    trusts = all(one.trusts for one in wanted)
    while batch:
        steps = Batch(work, ends_at, trusts)
        steps.run(batch, most=most)
        advance(work, steps.endings)
        work.ended_along |= {e.step.id for e in steps.endings}.intersection(row.id for row in along)
        advance(work, steps.follow())
        claimed += _claimed(work, steps.claims, askers)
        most -= max(len(batch), len(steps.endings))
        work.ready += steps.left
        goes_on = most > 0 and time.monotonic() < ends_at
        batch = _next_batch(work) if goes_on else []
    failpoint(Failpoint.AFTER_EXECUTE_BEFORE_COMMIT)
    return claimed


def _askers(wanted: Sequence[Wanted]) -> Mapping[int, Wanted]:
    """Who gets a step to run: one of those that have asked, or the first if it was set free."""
    asked = {step_id: one for one in wanted for step_id in one.ids}
    return defaultdict(lambda: wanted[0], asked)


def _claimed(work: Work, steps: Sequence[Prepared], askers: Mapping[int, Wanted]) -> list[Prepared]:
    if not all(step.planned.idempotent for step in steps):
        # A claim that a crash of the database undid would let the action run twice.
        work.demand_durability()
    claims = [
        Claim(
            step.row,
            timedelta(seconds=seconds_for(step, work.runtime)),
            askers[step.row.id].carrier.task_id,
        )
        for step in steps
    ]
    claimed = transitions.claim(
        work.connection, claims, worker=worker_name(), lease=work.runtime.settings.lease
    )
    return [step for step in steps if step.row.id in claimed]


def _more(work: Work, ids: Sequence[int]) -> list[StepRow]:
    # A second try finds nothing else, or it would not notice that the first was committed.
    if work.is_repeat or len(ids) >= MORE:
        return []
    since = work.runtime.working_since(work.connection)
    return locking.lock_more_queued(
        work.connection, beside=ids, most=MORE - len(ids), queued_since=since
    )


def _is_root(row: StepRow) -> bool:
    return row.kind == StepKind.STEP and row.dependency_count == 0


def _next_batch(work: Work) -> list[StepRow]:
    """Cheap steps that this transaction has set free and may as well run itself.

    Not while it holds a row that others want to change too: they would wait for all of it.
    """
    if work.shares_locks or not all(row.cheap for row in work.ready):
        return []
    size = work.runtime.settings.chunk_size
    if len(work.ready) > size:  # others should have some of it
        return []
    batch, work.ready = work.ready, []
    return batch


def seconds_for(step: Prepared, runtime: Runtime) -> float:
    """How long the action of a claimed step may take."""
    if step.planned.cheap:  # one that may not run in a transaction may take no longer outside
        return runtime.settings.cheap_step_seconds
    return step.timeout_seconds or runtime.settings.step_timeout_seconds
