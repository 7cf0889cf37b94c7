"""A turn without what makes turns fast: one step after the other, in two transactions each.

This is what ``Turn`` does, as ``docs/concepts/how-an-execution-advances.md`` tells it. Nothing
shares a transaction or a message, nothing runs ahead, nothing is kept: what becomes ready is sent.
``PIPELINE_PLAIN_TURNS=1`` has all workers do so, to see whether a fault comes from the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import last_net, outbox
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.claim.attempt import run_action
from pipeline_engine.scheduler.claim.claim import ClaimRequest, claim
from pipeline_engine.scheduler.claim.finish import finish
from pipeline_engine.scheduler.claim.turn import Shown, Turn
from pipeline_engine.scheduler.outbox import Origin
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage.postgres.session import is_unreachable


@dataclass(slots=True)
class PlainTurn:
    """One Celery task's worth of work."""

    runtime: Runtime
    task_id: str | None = None
    queue: str | None = None
    in_chord: bool = False
    shown: Shown | None = None  #: tells of each step while it runs
    leave_chord: object = None  #: it serves nobody else, so it stays
    failures: list[str] = field(default_factory=list)  #: attempts that failed, for Celery to know

    def run(self, ids: Sequence[int]) -> None:
        """Run these steps; one that somebody else has taken, or that has ended, is left out."""
        for step_id in ids:
            for step in self._claimed(step_id):
                told = self.shown.of(step.row, self.failures) if self.shown else nullcontext()
                with self.runtime.leases.held(step.row), told:
                    self._run_claimed(step)

    def _claimed(self, step_id: int) -> Sequence[Prepared]:
        """Begin the attempt of a queued step: committed before its action is called."""
        failpoint(Failpoint.AFTER_RECEIVE_BEFORE_CLAIM)
        try:
            # Of a cheap step, too: nothing is trusted to run inside a transaction.
            request = ClaimRequest([step_id], self._origin, trusts=False)
            [claimed] = claim(self.runtime, [request])
        except Exception as error:
            if is_unreachable(error):
                raise
            self.go_on(last_net.not_taken(self.runtime, step_id, error))
            return ()
        self.failures += claimed.failures
        return claimed.steps

    def _run_claimed(self, step: Prepared) -> None:
        """Call the action, outside of any transaction, and write down what became of it."""
        try:
            finished = run_action(self.runtime, step, self._origin)
            [follow_up] = finish(self.runtime, [finished], goes_on=False)
        except Exception as error:
            if is_unreachable(error):
                raise
            repeats = step.planned.idempotent
            self.go_on(last_net.not_ended(self.runtime, step.row, error, is_idempotent=repeats))
            return
        self.failures += [] if follow_up.failure is None else [follow_up.failure]
        if follow_up.is_orphaned:
            finished.clean_up()

    def go_on(self, tx: Transaction) -> None:
        """Send what a committed transaction has set free."""
        self.failures += tx.failures.values()
        outbox.send(tx, in_chord=self.in_chord)

    @property
    def _origin(self) -> Origin:
        return Origin(self.task_id, self.queue, self.in_chord, goes_on=False)


def make_turn(runtime: Runtime, **given: Any) -> Turn | PlainTurn:
    """The kind of turn that the installation wants; *given* are the fields of either."""
    kind: type[Turn | PlainTurn] = PlainTurn if runtime.settings.plain_turns else Turn
    return kind(runtime, **given)
