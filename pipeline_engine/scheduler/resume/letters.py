"""Offer letters to parked steps: whoever accepts one uses it up, whoever ignores it does not.

A letter that comes while several steps wait for its key is offered to all of them. One that was
kept goes to the first that accepts it, in the order in which they began to wait.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline_engine.dispatch.messages import DELIVER, Message
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.scheduler.actions import calls
from pipeline_engine.scheduler.actions.output_limits import Room, guarded_addition
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.advance import outcome
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.advance.revoke import revoke
from pipeline_engine.scheduler.attempt_api import context_of_event
from pipeline_engine.scheduler.resume.prepare import prepare_all
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.sdk import EventAction, EventResult
from pipeline_engine.storage import deliveries, mailbox, transitions, trees
from pipeline_engine.storage.deliveries import (
    EXECUTION_ENDED,
    DeliveryRow,
    Settlement,
    TargetVerdict,
)
from pipeline_engine.storage.mailbox import LETTERS, Reader
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.inbox import Disposition

#: Seconds that a transaction spends on reading events; what is left of them is sent anew.
READING = 0.5


@dataclass(slots=True)
class Waiting:
    """A parked step that is offered letters."""

    step: Prepared
    outputs: dict[str, Json]  #: as stored, with those of the events so far
    is_open: bool = True
    endings: list[Ending] = field(default_factory=list)


class Round:
    """Some letters and the locked steps that they are offered to, in one transaction."""

    def __init__(
        self, tx: Transaction, steps: Mapping[int, tuple[StepRow, dict[str, Json]]]
    ) -> None:
        prepared = prepare_all(tx, [row for row, _ in steps.values()], lenient=True)
        self.tx = tx
        self.waiting = {i: Waiting(step, steps[i][1]) for i, step in prepared.items()}
        self._targets: list[TargetVerdict] = []
        self._settled: list[Settlement] = []
        self._kept: list[int] = []
        self._ended_by_callback: list[int] = []
        self._masked: dict[int, Json] = {}  #: bodies that quote secrets of those who read them

    def offer(self, letter: DeliveryRow, its: Waiting) -> TargetVerdict | None:
        """Let a step read a letter; returns what it said if it has accepted it."""
        context = context_of_event(self.tx, its.step, its.outputs, letter)
        verdict, note = calls.read_event(its.step, context, is_callback=letter.is_callback)
        of_execution = letter.event_type == EXECUTION_ENDED
        _follow(self.tx, its, verdict, Room.CARRIED if of_execution else Room.OWN)
        if letter.is_callback and its.endings:
            self._ended_by_callback.append(its.step.row.id)
        said = TargetVerdict(
            delivery_id=letter.id,
            step_execution_id=its.step.row.id,
            attempt=its.step.row.attempt,
            owner=its.step.facts.user_id,
            verdict=verdict.action.value,
            note=its.step.masker.mask(note),
        )
        self._targets.append(said)
        if its.step.masker.finds(letter.body):
            self._masked[letter.id] = its.step.masker.mask(letter.body)
        return None if verdict.action is EventAction.IGNORE else said

    def settle(self, letter: DeliveryRow, *, accepted: TargetVerdict | None) -> None:
        """A letter is used up, or kept; a callback that its step ignored is of no use to others."""
        if accepted is None and letter.is_callback:
            self._settled.append(_closed(self._targets[-1]))
        elif accepted is None:
            self._kept.append(letter.id)
        else:
            self._settled.append(
                Settlement(
                    id=letter.id,
                    disposition=Disposition.APPLIED,
                    step_execution_id=accepted.step_execution_id,
                    verdict=accepted.verdict,
                    note=accepted.note,
                )
            )

    def put_off(self, letter: DeliveryRow) -> None:
        """Leave a letter to a message of its own."""
        self.tx.messages.append(Message(DELIVER, (letter.id,)))

    def end(self) -> None:
        """Store what was said, go on with the steps that have ended, and keep the rest."""
        over = [i for i, its in self.waiting.items() if its.endings]
        self._call_off()
        deliveries.settle(self.tx.connection, self._settled, self._targets, over=over)
        used_up = {s.id: self._masked[s.id] for s in self._settled if s.id in self._masked}
        if used_up:  # what nobody has accepted must stay as it came
            deliveries.replace_bodies(self.tx.connection, used_up)
        advance(self.tx, [ending for its in self.waiting.values() for ending in its.endings])
        again = mailbox.keep(self.tx.connection, self._kept)
        self.tx.messages += [Message(DELIVER, (letter,)) for letter in again]

    def _call_off(self) -> None:
        """Have the executions cancelled that a step waited for, and that a callback has replaced.

        The intent is stored with its end; whoever commits that goes on, or else the sweep.
        """
        if self._ended_by_callback:
            awaited = trees.open_awaited(self.tx.connection, self._ended_by_callback)
            for execution_id in awaited:
                trees.intend_to_stop(self.tx.connection, execution_id)
            self.tx.called_off += awaited


def _closed(said: TargetVerdict) -> Settlement:
    return Settlement(
        id=said.delivery_id,
        disposition=Disposition.CLOSED,
        step_execution_id=said.step_execution_id,
        note=said.note or "its step ignored it",
    )


def give_letters(tx: Transaction, letter: DeliveryRow, external_id: str) -> None:
    """Offer the letters of a mailbox, oldest first, to the steps that wait for it.

    Those that have just parked read what was kept for them, the others what has come since.
    The caller holds the lock of the external id.
    """
    readers = mailbox.lock_readers(tx.connection, letter)
    ids = mailbox.letters_for(tx.connection, letter, readers, most=LETTERS + 1)
    letters = deliveries.lock_pending(tx.connection, ids[:LETTERS])
    before = mailbox.offered(tx.connection, ids) if readers else set()
    round_ = Round(tx, {reader.step.id: (reader.step, reader.outputs) for reader in readers})
    until = time.monotonic() + READING
    left = ids[LETTERS:]
    for number, one in enumerate(letters):
        if number and time.monotonic() > until:
            left = [other.id for other in letters[number:]]
            break
        _offer_to_all(round_, one, readers, before)
    unread = [r.step.id for r in readers if r.read_through is not None]
    read_to = (left[0] - 1) if left else None
    mailbox.note_read(tx.connection, external_id, unread, through=read_to)
    if left:
        tx.messages.append(Message(DELIVER, (left[0],)))
    round_.end()


def _offer_to_all(
    round_: Round, letter: DeliveryRow, readers: Sequence[Reader], before: set[tuple[int, int, int]]
) -> None:
    due = [
        reader
        for reader in sorted(readers, key=lambda reader: (reader.parked_at, reader.step.id))
        if reader.may_read(letter)
        and reader.has_not_read(letter)
        and (letter.id, reader.step.id, reader.step.attempt) not in before
    ]
    waited = [reader for reader in due if reader.parked_at <= letter.received_at]
    accepted = _first([*_offers(round_, letter, waited)])
    if accepted is None:
        later = [reader for reader in due if reader.parked_at > letter.received_at]
        accepted = _first(_offers(round_, letter, later))
    if accepted is not None or letter.is_queued:
        round_.settle(letter, accepted=accepted)


def _offers(
    round_: Round, letter: DeliveryRow, readers: Iterable[Reader]
) -> Iterable[TargetVerdict | None]:
    for reader in readers:
        its = round_.waiting[reader.step.id]
        if its.is_open:
            yield round_.offer(letter, its)


def _first(said: Iterable[TargetVerdict | None]) -> TargetVerdict | None:
    return next((one for one in said if one is not None), None)


def _follow(tx: Transaction, its: Waiting, verdict: EventResult, room: Room) -> None:
    """Do what ``on_event`` said."""
    if verdict.action is EventAction.IGNORE:
        return
    step = its.step
    if verdict.action is EventAction.REVOKE:
        its.is_open = False
        its.endings += revoke(tx, step.row, because=verdict.error)
        return
    try:
        found = its.outputs | verdict.outputs
        outputs = guarded_addition(tx.runtime, its.outputs, found, step.masker, room)
    except JsonRejected as error:
        its.is_open = False
        message = f"The outputs cannot be stored: {error}"
        its.endings += outcome.failed(
            tx, step.row, step.planned, error_code=error.code, message=message
        )
        return
    if verdict.action is EventAction.COMPLETE:
        its.is_open = False
        its.endings += _completed(tx, step, verdict, outputs)
        return
    transitions.note_progress(
        tx.connection,
        step.row,
        progress=verdict.progress,
        eta_seconds=verdict.remaining_seconds,
        outputs=outputs if verdict.outputs else None,
    )
    its.outputs = outputs


def _completed(
    tx: Transaction, step: Prepared, verdict: EventResult, outputs: dict[str, Json]
) -> list[Ending]:
    if verdict.status is StepStatus.COMPLETED:
        return [Ending(step.row, StepStatus.COMPLETED, outputs=outputs)]
    return outcome.failed(
        tx,
        step.row,
        step.planned,
        error_code=step.masker.mask(verdict.error_code) or "event_failed",
        message=step.masker.mask(verdict.error) or "The event reported a failure",
        outputs=outputs,
    )
