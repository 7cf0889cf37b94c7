"""One turn of a worker: lock what is queued, run it, set free what follows, go on with that.

Cheap steps are run and ended a batch per transaction. A blocking step is claimed with a lease,
runs outside of any transaction, and the one that ends it claims the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Protocol

import structlog
from sqlalchemy.exc import DBAPIError

from pipeline_engine.dispatch.messages import SYSTEM
from pipeline_engine.domain.queues import QueueName
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import last_net, outbox
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.claim.attempt import run_action
from pipeline_engine.scheduler.claim.claim import (
    SHARED_SECONDS,
    Claimed,
    ClaimRequest,
    claim,
    end_slow,
)
from pipeline_engine.scheduler.claim.finish import FollowUp, finish
from pipeline_engine.scheduler.claim.slots import MOST_IN_HAND
from pipeline_engine.scheduler.claim.whose_turn import before_message, before_next
from pipeline_engine.scheduler.combining import Unanswered
from pipeline_engine.scheduler.outbox import Origin
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.storage import shares
from pipeline_engine.storage.postgres.session import autocommit, is_expired, is_unreachable
from pipeline_engine.storage.rows import StepRow

log = structlog.get_logger(__name__)

#: A turn hands over after this, so that revocation and fairness stay honest.
TURN = timedelta(seconds=2)
#: Queues whose workers run nothing but what their messages name: batches are divided already, a
#: task that can be ended by force runs one step, and the engine's own work is no user's.
NOBODY_HELPS = frozenset({QueueName.FAST, QueueName.CPU, SYSTEM})


#: Queues whose tasks have nothing left to choose once they have a step.
NEVER_GOES_ON = frozenset({QueueName.CPU, SYSTEM})


class Shown(Protocol):
    """Tells those who watch the workers which steps they run."""

    def of(self, step: StepRow, failures: list[str]) -> AbstractContextManager[None]:
        """Tell of a step in the block; *failures* grows if its attempt failed."""


@dataclass(slots=True)
class Turn:
    """One Celery task's worth of work."""

    runtime: Runtime
    task_id: str | None = None
    queue: str | None = None
    in_chord: bool = False
    trusts: bool = True  #: runs cheap steps inside of transactions
    failures: list[str] = field(default_factory=list)  #: attempts that failed, for Celery to know
    shown: Shown | None = None  #: tells of each blocking step while it runs
    ends_at: float = field(default_factory=lambda: time.monotonic() + TURN.total_seconds())
    _runs: StepRow | None = None  #: the blocking step that it has claimed last
    #: counts the task as ended for its chord; returns whether it could
    leave_chord: Callable[[], bool] | None = None
    _put_off: list[Sequence[int]] = field(default_factory=list)  #: until others had their turn
    _shares: bool = True  #: it asks whose turn it is, next time
    _hand: Sequence[StepRow] = ()  #: blocking steps that this turn was asked to run, still queued

    def run(self, ids: Sequence[int]) -> None:
        """Run these steps, then those that they set free, until the turn is over.

        What another owner's turn comes before is put off meanwhile.
        """
        while ids := ids or self._put_off_ids() or self._in_hand() or self._left_by_others():
            first = self._before(ids)
            if first is not None and self.queue == QueueName.FAST:
                self._put_off.append(ids)
                ids = ()
            ids = self._run_batch(self._share_of(ids), first)

    def _share_of(self, ids: Sequence[int]) -> Sequence[int]:
        """As many cheap steps as others may wait for; what is more is put off."""
        share = self.runtime.sharing.of(QueueName.FAST)
        if self.queue != QueueName.FAST or not share.is_shared:
            return ids
        most = share.fitting(SHARED_SECONDS)
        if len(ids) > most:
            self._put_off.append(ids[most:])
        return ids[:most]

    def _put_off_ids(self) -> Sequence[int]:
        return self._put_off.pop() if self._put_off else ()

    def _before(self, ids: Sequence[int]) -> str | None:
        """The owner whose turn comes before that of these steps."""
        if not self._shares:
            self._shares = True
            return None
        if self.queue in {None, SYSTEM} or time.monotonic() > self.ends_at:
            return None
        first = before_message(self.runtime, self.queue, ids[0])
        return first if self._may_serve(first) else None

    def _before_next(self, step: Prepared) -> str | None:
        """The owner whose turn comes before that of what the thread would go on with."""
        if self.queue in NEVER_GOES_ON or self.queue is None:
            return None
        owner = self._hand[0].owner if self._hand else step.row.owner
        first = before_next(self.runtime, self.queue, owner)
        return first if self._may_serve(first) else None

    def _may_serve(self, first: str | None) -> bool:
        """Leave the chord before a step that its body must not wait for."""
        if first is not None and self.in_chord:
            self.in_chord = self.leave_chord is None or not self.leave_chord()
        return not self.in_chord

    def _in_hand(self) -> Sequence[int]:
        """What could not be claimed on the way is asked for as the first was."""
        ids, self._hand = [row.id for row in self._hand], ()
        return ids

    def _left_by_others(self) -> Sequence[int]:
        """Blocking steps that others have in their hands while this worker would be idle."""
        queue, last = self.queue, self._runs
        if last is None or queue is None or queue in NOBODY_HELPS or not self._origin().goes_on:
            return ()
        if self.runtime.dispatch.waiting(queue):
            return ()
        try:
            with autocommit(self.runtime.engine) as connection:
                if self.in_chord:
                    found = shares.items_left(connection, last, most=MOST_IN_HAND)
                else:
                    found = shares.blocking(connection, queue, most=MOST_IN_HAND)
        except DBAPIError as error:  # all that this task was asked for is done
            log.warning("nobody was helped", error=str(error.orig))
            return ()
        return [row.id for row in found]

    def _run_batch(self, ids: Sequence[int], first: str | None = None) -> Sequence[int]:
        """Run these steps; returns the cheap ones that this worker goes on with.

        Of the owner that comes *first* a few are run before, or instead if there are no *ids*.
        """
        failpoint(Failpoint.AFTER_RECEIVE_BEFORE_CLAIM)
        try:
            taken = self._taken(ids, first)
        except Exception as error:
            # A plug-in, or a document of a newer version: the rest of the batch is not to blame.
            if is_unreachable(error) or isinstance(error, Unanswered):
                raise
            if first is not None:  # what cannot be taken is found out by its own message
                log.warning("steps of another owner could not be taken", exc_info=True)
                self._shares = False
                return ids
            if is_expired(error):
                return self._run_suspects(ids)
            if len(ids) == 1:
                return self._handed_over(last_net.not_taken(self.runtime, ids[0], error))
            return self._run_apart(ids)
        # Others have them, or a look was old.
        self._shares = taken.has_found or bool(ids)
        self.failures += taken.failures
        self._hand, ids = taken.hand, taken.follow_up
        steps: Sequence[Prepared] = taken.steps
        while steps:
            with self.runtime.leases.held(*(step.row for step in steps)):
                for step in steps:
                    follow_up = self._run_watched(step, goes_on=step is steps[-1])
            steps, self._hand, ids = follow_up.steps, follow_up.hand, follow_up.ids
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
        self.trusts = False
        return self._run_apart(ids)

    def _handed_over(self, tx: Transaction, *, goes_on: bool = True) -> Sequence[int]:
        self.failures += tx.failures.values()
        return outbox.hand_over(tx, [self._origin(goes_on=goes_on)])[0]

    def _taken(self, ids: Sequence[int], first: str | None) -> Claimed:
        # Where a task runs one step, what it was asked for is sent again.
        goes_on = first is None or self.queue != QueueName.CPU
        origin = self._origin(goes_on=goes_on)
        request = ClaimRequest(ids, origin, trusts=self.trusts, first=first)
        if self.queue == QueueName.FAST:  # batches as they are
            return claim(self.runtime, [request])[0]
        taken = self.runtime.taking.ask(request, partial(claim, self.runtime))
        if taken.error is not None:
            raise taken.error
        return taken

    def _run_watched(self, step: Prepared, *, goes_on: bool) -> FollowUp:
        """Run a claimed step; one whose turn raises does not keep the others from theirs."""
        try:
            return self._run_claimed(step, goes_on=goes_on)
        except Exception as error:
            # Fault of ours, or of what a plug-in has given us: its own calls are guarded.
            if is_unreachable(error) or isinstance(error, Unanswered):
                raise
            row, repeats = step.row, step.planned.idempotent
            lost = last_net.not_ended(self.runtime, row, error, is_idempotent=repeats)
            ids = self._handed_over(lost, goes_on=goes_on)
            return FollowUp(ids=ids, hand=self._hand if goes_on else ())

    def _run_claimed(self, step: Prepared, *, goes_on: bool) -> FollowUp:
        with self.shown.of(step.row, self.failures) if self.shown else nullcontext():
            follow_up = self._run_to_its_end(step, goes_on=goes_on)
            self.failures += [] if follow_up.failure is None else [follow_up.failure]
        self.failures += follow_up.refused
        return follow_up

    def _run_to_its_end(self, step: Prepared, *, goes_on: bool) -> FollowUp:
        """Run the action of a claimed step, and end it if it is still ours."""
        self._runs = step.row
        share = self.runtime.sharing.of(self.queue or "")
        # A task that is to be ended by force must not have another step by then.
        origin = self._origin(goes_on=goes_on and self.queue != QueueName.CPU)
        with share.at_work(step.row.owner):
            finished = run_action(self.runtime, step, origin, self._hand if goes_on else ())
        if origin.goes_on and (first := self._before_next(step)) is not None:
            origin = replace(origin, in_chord=self.in_chord)
            finished = replace(finished, first=first, origin=origin)
        follow_up = self.runtime.finishing.ask(finished, partial(finish, self.runtime))
        if follow_up.error is not None:
            raise follow_up.error
        if follow_up.is_orphaned:
            finished.clean_up()
        return follow_up

    def go_on(self, tx: Transaction) -> None:
        """Run what a committed transaction has set free, and send the rest."""
        failpoint(Failpoint.CONTINUATION)
        self.run(self._handed_over(tx))

    def _origin(self, *, goes_on: bool = True) -> Origin:
        # Users' steps are for their own workers: what the engine does for itself waits for none.
        may = self.queue != SYSTEM and time.monotonic() < self.ends_at
        goes_on = goes_on and may
        return Origin(self.task_id, self.queue, self.in_chord, goes_on, self._fan_out)

    @property
    def _fan_out(self) -> int | None:
        """Of a task in a chord: the fan-out whose items alone it runs."""
        return self._runs.parent_id if self.in_chord and self._runs else None
