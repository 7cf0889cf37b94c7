"""One turn of a worker: take what is queued, run it, set free what follows, go on with that.

Cheap steps are locked, run and ended a batch per transaction. A blocking step is claimed with
a lease in one transaction, runs outside of any, and ends in a second one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog

from pipeline_engine.dispatch.messages import SYSTEM
from pipeline_engine.domain.actions import QueueName
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import last_net, outbox
from pipeline_engine.scheduler.actions import calls, fan_outs
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.actions.results import Outcome
from pipeline_engine.scheduler.advance import outcome
from pipeline_engine.scheduler.attempt_api import context_for
from pipeline_engine.scheduler.claim.claim import Claimed, ClaimRequest, end_slow, seconds_for, take
from pipeline_engine.scheduler.claim.finish import Finished, finish
from pipeline_engine.scheduler.combining import Unanswered
from pipeline_engine.scheduler.outbox import Origin
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.storage.postgres.session import is_expired, is_unreachable

log = structlog.get_logger(__name__)
Call = Callable[[Prepared, ActionContext], Outcome]

#: A turn hands over after this, so that revocation and fairness stay honest.
TURN = timedelta(seconds=2)


@dataclass(slots=True)
class Turn:
    """One Celery task's worth of work."""

    runtime: Runtime
    task_id: str | None = None
    queue: str | None = None
    in_chord: bool = False
    alone: bool = False  #: takes only what its message names
    trusts: bool = True  #: runs cheap steps inside of transactions
    failures: list[str] = field(default_factory=list)  #: attempts that failed, for Celery to know
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
            taken = self._taken(ids)
        except Exception as error:
            # A plug-in, or a document of a newer version: the rest of the batch is not to blame.
            if is_unreachable(error) or isinstance(error, Unanswered):
                raise
            if is_expired(error):
                return self._run_suspects(ids)
            if self._takes_more:
                log.warning("steps could not be taken together", exc_info=True)
                self.alone = True
                return ids
            if len(ids) == 1:
                return self._handed_over(last_net.not_taken(self.runtime, ids[0], error))
            return self._run_apart(ids)
        self.failures += taken.failures
        with self.runtime.leases.held(*(step.row for step in taken.claimed)):
            ids = taken.follow_up
            for step in taken.claimed:
                ids = self._run_watched(step, self._origin(goes_on=step is taken.claimed[-1]))
        return ids

    def _run_apart(self, ids: Sequence[int]) -> Sequence[int]:
        for step_execution_id in ids:
            try:
                self.run([step_execution_id])
            except Exception:
                # It stays queued, and the sweep will find it.
                log.exception("a step could not be taken", step=step_execution_id)
        return ()

    def _run_suspects(self, ids: Sequence[int]) -> Sequence[int]:
        """Run the steps of a transaction that was computed in for so long that it was ended.

        Each is claimed now, so that its attempt counts and only its own time passes. The one that
        does not even come to that is ended.
        """
        if not self.trusts and len(ids) == 1:
            log.warning("a step takes too long to prepare", step=ids[0])
            end = partial(end_slow, step_execution_id=ids[0])
            return self._handed_over(run_surviving_disconnects(self.runtime, end))
        log.warning("steps have outlived their transaction", steps=list(ids))
        self.trusts, self.alone = False, True
        return self._run_apart(ids)

    def _handed_over(self, tx: Transaction) -> Sequence[int]:
        self.failures += tx.failures.values()
        return outbox.hand_over(tx, [self._origin()])[0]

    def _taken(self, ids: Sequence[int]) -> Claimed:
        wanted = ClaimRequest(ids, self._origin(), takes_more=self._takes_more, trusts=self.trusts)
        if self.queue == QueueName.FAST:  # batches as they are
            return take(self.runtime, [wanted])[0]
        taken = self.runtime.taking.ask(wanted, partial(take, self.runtime))
        if taken.error is not None:
            raise taken.error
        return taken

    def _run_watched(self, step: Prepared, origin: Origin) -> Sequence[int]:
        """Run a claimed step; one whose turn raises does not keep the others from theirs."""
        try:
            return self._run_claimed(step, origin)
        except Exception as error:
            # Fault of ours, or of what a plug-in has given us: its own calls are guarded.
            if is_unreachable(error) or isinstance(error, Unanswered):
                raise
            row, repeats = step.row, step.planned.idempotent
            lost = last_net.not_ended(self.runtime, row, error, is_idempotent=repeats)
            return self._handed_over(lost)

    def _run_claimed(self, step: Prepared, origin: Origin) -> Sequence[int]:
        """Run the action of a claimed step, and end it if it is still ours."""
        failpoint(Failpoint.AFTER_CLAIM_BEFORE_EXECUTE)
        context = context_for(self.runtime, step)
        expands = outcome.expands(step.row, step.planned)
        seconds = seconds_for(step, self.runtime)
        with self.runtime.occupied.by(f"step {step.row.id} ({step.row.action})", seconds=seconds):
            found = self._found(step, fan_outs.expand if expands else calls.execute, context)
        finished = Finished(step, found, origin)
        follow_up = self.runtime.finishing.ask(finished, partial(finish, self.runtime))
        if follow_up.error is not None:
            raise follow_up.error
        if follow_up.failure is not None:
            self.failures.append(follow_up.failure)
        if follow_up.is_orphaned and isinstance(found, ActionResult) and found.awaiting_event:
            # The clean-up attempt could not know of what was being started at that moment.
            context.external_workflow_ids = tuple(found.external_workflow_ids)
            context.stored_outputs = found.outputs
            calls.clean_up(step, context)
        return follow_up.ids

    def _found(self, step: Prepared, call: Call, context: ActionContext) -> Outcome:
        """What the action answers; a cheap one is not given more time for having been claimed."""
        if not step.planned.cheap:
            return call(step, context)
        seconds = self.runtime.settings.cheap_step_seconds
        ends_at = time.monotonic() + seconds
        return calls.in_time(call, step, context, ends_at=ends_at, seconds=seconds)

    def go_on(self, tx: Transaction) -> None:
        """Run what a committed transaction has set free, and send the rest."""
        failpoint(Failpoint.CONTINUATION)
        self.run(self._handed_over(tx))

    def _origin(self, *, goes_on: bool = True) -> Origin:
        # Users' steps are for their own workers: what the engine does for itself waits for none.
        may = self.queue != SYSTEM and time.monotonic() < self.ends_at
        return Origin(self.task_id, self.queue, self.in_chord, goes_on=goes_on and may)

    @property
    def _takes_more(self) -> bool:
        return self.queue == QueueName.FAST and not (self.in_chord or self.alone)
