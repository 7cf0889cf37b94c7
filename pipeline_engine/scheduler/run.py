"""One turn of a worker: take what is queued, run it, set free what follows, go on with that.

Cheap steps are locked, run and ended a batch per transaction. A blocking step is claimed with
a lease in one transaction, runs outside of any, and ends in a second one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from pipeline_engine.domain.actions import QueueName
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import outcomes, perform
from pipeline_engine.scheduler.advance import advance
from pipeline_engine.scheduler.batch import Batch
from pipeline_engine.scheduler.door import StepDoor
from pipeline_engine.scheduler.leases import worker_name
from pipeline_engine.scheduler.perform import Prepared
from pipeline_engine.scheduler.plans import PlannedStep
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.sending import send
from pipeline_engine.scheduler.work import Work, insisted
from pipeline_engine.sdk import ActionResult
from pipeline_engine.storage import locking, rows, transitions
from pipeline_engine.storage.moves import Claim
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.session import is_unreachable
from pipeline_engine.storage.steps import StepKind

log = structlog.get_logger(__name__)

#: A turn hands over after this, so that revocation and fairness stay honest.
TURN = timedelta(seconds=2)
#: Cheap steps in one transaction; more would keep their rows locked for too long.
STEPS_PER_TRANSACTION = 512
#: So many steps at least, where there are any: many executions that begin at once share a commit.
MORE = 100


@dataclass(slots=True)
class Turn:
    """One Celery task's worth of work."""

    runtime: Runtime
    task_id: str | None = None
    queue: str | None = None
    in_chord: bool = False
    alone: bool = False  #: takes only what its message names
    ends_at: float = field(default_factory=lambda: time.monotonic() + TURN.total_seconds())

    def run(self, ids: Sequence[int]) -> None:
        """Run these steps, then those that they set free, until the turn is over."""
        ids = [step_id for step_id in ids if step_id not in self.runtime.ended]
        while ids:
            ids = self._run_batch(ids)

    def _run_batch(self, ids: Sequence[int]) -> Sequence[int]:
        """Run these steps; returns what this worker goes on with."""
        failpoint(Failpoint.AFTER_RECEIVE_BEFORE_CLAIM)
        try:
            work, claimed = self._taken(ids)
        except Exception as error:
            # A plug-in, or a document of a newer version: the rest of the batch is not to blame.
            if is_unreachable(error):
                raise
            if self._takes_more:
                log.warning("steps could not be taken together", exc_info=True)
                self.alone = True
                return ids
            if len(ids) == 1:
                raise
            return self._run_apart(ids)
        with self.runtime.leases.held(*(step.row for step in claimed)):
            # What is kept has no message: it must not wait behind an action.
            ids = self._hand_over(work, keep=not claimed)
            for step in claimed:
                ids = self._hand_over(self._run_claimed(step), keep=step is claimed[-1])
        return ids

    def _run_apart(self, ids: Sequence[int]) -> Sequence[int]:
        for step_execution_id in ids:
            try:
                self.run([step_execution_id])
            except Exception:
                # It stays queued, and the sweep will find it.
                log.exception("a step could not be taken", step=step_execution_id)
        return ()

    def go_on(self, work: Work) -> None:
        """Run what a committed transaction has set free, and send the rest."""
        failpoint(Failpoint.CONTINUATION)
        self.run(self._hand_over(work))

    # ── Taking ───────────────────────────────────────────────────────────────────────────

    def _taken(self, ids: Sequence[int]) -> tuple[Work, list[Prepared]]:
        """Take *ids*; a try whose commit went through unheard is recognised by its claims."""
        claimed: list[Prepared] = []

        def take(work: Work) -> None:
            claimed[:] = [*self._still_ours(work, claimed), *self._take(work, ids)]

        work = insisted(self.runtime, take)
        self.runtime.remember(begun=work.begun, ended=work.ended_along)
        return work, claimed

    def _still_ours(self, work: Work, claimed: Sequence[Prepared]) -> list[Prepared]:
        """Those of *claimed* that the rows show in the hands of this very task."""
        if not claimed:
            return []
        ours = rows.claimed_by(
            work.connection,
            [step.row for step in claimed],
            worker=worker_name(),
            task_id=self.task_id,
        )
        return [step for step in claimed if step.row.id in ours]

    def _take(self, work: Work, ids: Sequence[int]) -> list[Prepared]:
        """End the cheap steps among *ids*, and claim the others."""
        claimed: list[Prepared] = []
        # The transaction need not wait for the disk: see ``Work.relax_durability``.
        batch = locking.lock_queued(work.connection, ids, durable=False)
        along = self._more(work, ids) if all(row.cheap for row in batch) else []
        batch += along
        work.begun = {row.execution_id for row in batch if _is_root(row)} - self.runtime.begun
        if work.begun:
            transitions.begin_executions(work.connection, work.begun)
        most = STEPS_PER_TRANSACTION
        while batch:
            steps = Batch(work)
            steps.run(batch, most=most)
            advance(work, steps.endings)
            work.ended_along |= {e.step.id for e in steps.endings}.intersection(
                row.id for row in along
            )
            advance(work, steps.follow())
            claimed += self._claimed(work, steps.claims)
            most -= max(len(batch), len(steps.endings))
            batch = _next_batch(work) if most > 0 else []
        failpoint(Failpoint.AFTER_EXECUTE_BEFORE_COMMIT)
        return claimed

    def _claimed(self, work: Work, steps: Sequence[Prepared]) -> list[Prepared]:
        if not all(step.planned.idempotent for step in steps):
            # A claim that a crash of the database undid would let the action run twice.
            work.demand_durability()
        claimed = transitions.claim(
            work.connection,
            [Claim(step.row, _deadline(step.planned, self.runtime)) for step in steps],
            worker=worker_name(),
            task_id=self.task_id,
            lease=self.runtime.settings.lease,
        )
        return [step for step in steps if step.row.id in claimed]

    def _more(self, work: Work, ids: Sequence[int]) -> list[StepRow]:
        # A second try finds nothing else, or it would not notice that the first was committed.
        if work.is_repeat or not self._takes_more or len(ids) >= MORE:
            return []
        since = self.runtime.working_since(work.connection)
        return locking.lock_more_queued(
            work.connection, beside=ids, most=MORE - len(ids), queued_since=since
        )

    @property
    def _takes_more(self) -> bool:
        return self.queue == QueueName.FAST and not (self.in_chord or self.alone)

    # ── Running ──────────────────────────────────────────────────────────────────────────

    def _run_claimed(self, step: Prepared) -> Work:
        """Run the action of a claimed step, and end it if it is still ours."""
        failpoint(Failpoint.AFTER_CLAIM_BEFORE_EXECUTE)
        context = perform.make_context(self.runtime, step, door=StepDoor(self.runtime, step))
        expands = outcomes.expands(step.row, step.planned)
        found = perform.expand(step, context) if expands else perform.execute(step, context)

        def finish(work: Work) -> None:
            if work.is_repeat and not self._still_ours(work, [step]):
                # Parked or expanded unheard, it would have the status and attempt of before.
                work.orphaned = locking.was_stopped(work.connection, step.row.id)
                return
            fresh = step.again()  # moves change the row in memory; a try may be rolled back
            if isinstance(found, ActionResult):
                endings = outcomes.settle(work, fresh, found)
            else:
                endings = outcomes.expanded(work, fresh, context, found)
            if not endings:
                work.relax_durability()
            advance(work, endings, durable=False)
            failpoint(Failpoint.AFTER_EXECUTE_BEFORE_COMMIT)

        work = insisted(self.runtime, finish)
        if work.orphaned and isinstance(found, ActionResult) and found.awaiting_event:
            # The clean-up attempt could not know of what was being started at that moment.
            context.external_workflow_ids = tuple(found.external_workflow_ids)
            context.stored_outputs = found.outputs
            perform.clean_up(step, context)
        return work

    # ── Handing over ─────────────────────────────────────────────────────────────────────

    def _hand_over(self, work: Work, *, keep: bool = True) -> list[int]:
        """Keep what this worker goes on with, and send the rest."""
        failpoint(Failpoint.AFTER_COMMIT_BEFORE_HAND_OVER)
        kept = self._kept(work) if keep and time.monotonic() < self.ends_at else []
        ids = {row.id for row in kept}
        work.ready = [row for row in work.ready if row.id not in ids]
        send(work, in_chord=self.in_chord)
        return list(ids)

    def _kept(self, work: Work) -> Sequence[StepRow]:
        # A message costs more than a cheap step: only what does not fit one batch is shared.
        cheap = [row for row in work.ready if row.cheap]
        if cheap:
            return cheap[: self.runtime.settings.chunk_size]
        return [row for row in work.ready if row.queue == self.queue][:1]


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


def _deadline(planned: PlannedStep, runtime: Runtime) -> timedelta:
    return timedelta(seconds=planned.timeout_seconds or runtime.settings.step_timeout_seconds)
