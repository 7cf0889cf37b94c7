"""What a worker's thread goes on with: one blocking step at a time, claimed in good time.

A message may name many blocking steps. The thread that got it claims one of them, and the next one
in the transaction that ends the one before; the others are in its hand, which means that they are
queued as before and that whoever is idle may claim them. So a long step holds up nobody.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from pipeline_engine.scheduler import outbox
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.claim.attempt import seconds_for
from pipeline_engine.scheduler.claim.batch import Batch
from pipeline_engine.scheduler.leases import still_held, worker_name
from pipeline_engine.scheduler.outbox import Origin
from pipeline_engine.scheduler.sharing import Sharing
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import shares, transitions
from pipeline_engine.storage.moves import Claim
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.steps import StepKind

#: Steps that a slot keeps without a message, at most.
MOST_IN_HAND = 16


@dataclass(slots=True, eq=False)
class Slot:
    """A thread that runs one blocking step at a time, and what it is going to run."""

    origin: Origin
    hand: deque[StepRow] = field(default_factory=deque)  #: queued, to be claimed by and by
    steps: list[Prepared] = field(default_factory=list)  #: claimed, to be run now
    first: str | None = None  #: the owner whose turn comes before its hand's
    has_found: bool = False  #: that owner had steps that nobody else has
    _given: tuple[StepRow, ...] | None = None

    def begin_anew(self, tx: Transaction) -> None:
        """Forget what another try of this transaction has done, but not what it has committed."""
        if self._given is None:
            self._given = tuple(self.hand)
        # A try whose commit went through unheard is recognised by its claims.
        ours = still_held(tx.connection, [step.row for step in self.steps])
        self.steps = [step for step in self.steps if step.row.id in ours]
        self.hand = deque(row for row in self._given if row.id not in ours)

    def add(self, row: StepRow) -> None:
        """Keep a blocking step that its task was asked to run; a cheap one runs at once."""
        if self.origin.in_chord:
            self.origin = replace(self.origin, fan_out=row.parent_id)
        if not row.cheap:
            self.hand.append(row)

    def draw(self, ready: list[StepRow], drawn: Container[int], sharing: Sharing) -> StepRow | None:
        """What it may claim next: of its hand, or of what this transaction has made *ready*.

        Nothing that another has *drawn*: threads that helped may have the same steps in hand.
        """
        if self.steps:
            return None
        while self.hand and self.hand[0].id in drawn:
            self.hand.popleft()
        number = self._suiting(ready, drawn, sharing)
        if number is None:  # a copy, because what is prepared changes its row
            return replace(self.hand.popleft()) if self.hand else None
        return ready.pop(number)

    def _suiting(
        self, ready: Sequence[StepRow], drawn: Container[int], sharing: Sharing
    ) -> int | None:
        """Which of these it would rather run than what is in its hand."""
        share, top = sharing.of(self.origin.queue or ""), self.hand[0].owner if self.hand else None
        if not self.origin.goes_on or (top is not None and not share.is_shared):
            return None
        for number, row in enumerate(ready):
            if self.suits(row) and row.id not in drawn:
                return number if top is None or share.comes_before(row.owner, top) else None
        return None

    def suits(self, row: StepRow) -> bool:
        """Whether its thread may go on with a blocking step that became ready."""
        return row.queue == self.origin.queue and not row.cheap and self.origin.may_take(row)


def deal(tx: Transaction, slots: Sequence[Slot]) -> None:
    """Give each slot a step of the owner whose turn it is, on top of its hand."""
    wanted: dict[tuple[str, str], list[Slot]] = {}
    for slot in slots:
        if slot.first is not None and slot.origin.queue is not None and not slot.steps:
            wanted.setdefault((slot.origin.queue, slot.first), []).append(slot)
    for (queue, owner), takers in wanted.items():
        rows = shares.lock_next(tx.connection, queue, owner, most=len(takers))
        for slot, row in zip(takers, rows, strict=False):
            slot.hand.appendleft(row)


def claim_next(tx: Transaction, slots: Sequence[Slot], *, ends_at: float) -> None:
    """Let each slot that has nothing to run claim a step of its hand, or one that is ready now.

    What cannot run, because its condition is false or its params cannot be rendered, ends here, and
    the slot gets another one. *ends_at*, a moment of ``time.monotonic()``, leaves the rest queued.
    """
    drawn: set[int] = set()
    while rows_and_slots := _draw(tx, slots, drawn):
        rows = [row for row, _ in rows_and_slots]
        slot_of = {row.id: slot for row, slot in rows_and_slots}
        mark_running(tx, rows)
        batch = Batch(tx, ends_at)
        batch.carry_out(rows, most=len(rows))
        task_ids = {step_id: slot.origin.task_id for step_id, slot in slot_of.items()}
        for step in claimed(tx, batch.claims, task_ids):
            slot_of[step.row.id].steps.append(step)
        tx.ready += batch.left
        if time.monotonic() > ends_at:
            return


def _draw(tx: Transaction, slots: Sequence[Slot], drawn: set[int]) -> list[tuple[StepRow, Slot]]:
    found: list[tuple[StepRow, Slot]] = []
    for slot in slots:
        row = slot.draw(tx.ready, drawn, tx.runtime.sharing)
        if row is not None:
            drawn.add(row.id)
            found.append((row, slot))
    return found


def claimed(
    tx: Transaction, steps: Sequence[Prepared], task_ids: Mapping[int, str | None]
) -> list[Prepared]:
    """Begin the attempts of those steps that are still to be had; by Celery tasks of these ids."""
    if not all(step.planned.idempotent for step in steps):
        # A claim that a crash of the database undid would let the action run twice.
        tx.demand_durability()
    claims = [
        Claim(step.row, timedelta(seconds=seconds_for(step, tx.runtime)), task_ids.get(step.row.id))
        for step in steps
    ]
    lease = tx.runtime.settings.lease
    found = transitions.claim(tx.connection, claims, worker=worker_name(), lease=lease)
    return [step for step in steps if step.row.id in found]


def mark_running(tx: Transaction, rows: Sequence[StepRow]) -> None:
    """Say of the executions that begin with these steps that they run."""
    begun = {row.execution_id for row in rows if _is_root(row)} - tx.runtime.begun - tx.begun
    if begun:
        transitions.mark_running(tx.connection, begun)
        tx.begun |= begun


def _is_root(row: StepRow) -> bool:
    return row.kind == StepKind.STEP and row.dependency_count == 0


def hand_over(tx: Transaction, slots: Sequence[Slot]) -> list[list[int]]:
    """Send what no slot goes on with; returns the cheap steps that each of them keeps.

    What is kept has no message: it must not wait behind an action, so who has one keeps nothing.
    """
    for slot in slots:
        if not slot.origin.goes_on:
            tx.ready += slot.hand
            slot.hand.clear()
        elif slot.steps:
            _keep_in_hand(tx, slot)
    return outbox.hand_over(
        tx, [replace(s.origin, goes_on=s.origin.goes_on and not s.steps) for s in slots]
    )


def _keep_in_hand(tx: Transaction, slot: Slot) -> None:
    """Keep a few steps that became ready, if nobody is idle who would want a message for them."""
    queue = slot.origin.queue
    own = [row for row in tx.ready if slot.suits(row)]
    own = own[: MOST_IN_HAND - len(slot.hand)] if len(slot.hand) < MOST_IN_HAND else []
    if own and queue is not None and tx.runtime.dispatch.is_crowded(queue):
        slot.hand.extend(own)
        kept = {row.id for row in own}
        tx.ready = [row for row in tx.ready if row.id not in kept]
