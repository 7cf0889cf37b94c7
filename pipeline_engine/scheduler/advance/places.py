"""Places of a key: asked for by whoever is about to begin, freed by whatever ends it.

Nothing here waits for the lock of a key, as the transaction has locked steps. Where another one has
it, the asker goes to the end of the line, and a message lets somebody look who holds nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from pipeline_engine.dispatch.messages import GIVE_PLACES, Message
from pipeline_engine.domain.admission import Admission, answer
from pipeline_engine.domain.concurrency import execution_key, key_in
from pipeline_engine.domain.definitions import Concurrency
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import places
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.places import Key


def admits_step(tx: Transaction, step: Prepared) -> bool:
    """Whether a queued step may begin; if not, it stands in line, or somebody else has it.

    Asked when its condition is known to be true: who does not run needs no place. Raises
    ``InvalidKey`` and ``ExpressionError``.
    """
    wanted, row = step.planned.definition.concurrency, step.row
    if wanted is None or row.has_place:
        return True
    text = key_in(step.planned.concurrency_key, step.scope, step.fuel, step.masker)
    key = Key(step.facts.user_id, text)
    may_decide = places.try_lock(tx.connection, key)
    asked = places.ask_for_step(tx.connection, row, key, wanted, may_decide=may_decide)
    if asked is None:
        return False
    row.has_place, row.in_line = asked.is_taken, not asked.is_taken
    return _admits(tx, asked)


def admits_execution(
    tx: Transaction,
    execution_id: UUID,
    owner: str | None,
    wanted: Concurrency | None,
    params: Mapping[str, Any],
) -> bool:
    """Whether a new execution may begin; if not, it stands in line."""
    if wanted is None:
        return True
    key = Key(owner, execution_key(wanted, params))
    may_decide = places.try_lock(tx.connection, key)
    return _admits(
        tx,
        places.ask_for_execution(tx.connection, execution_id, key, wanted, may_decide=may_decide),
    )


def _admits(tx: Transaction, asked: places.Answer) -> bool:
    if not asked.is_decided:
        wake(tx, [asked.place_id])
    return answer(has_place=asked.is_taken) is Admission.QUEUED


def wake(tx: Transaction, place_ids: Iterable[int]) -> None:
    """Let somebody look whose turn it is at the keys of these places, after the commit."""
    tx.messages.extend(Message(GIVE_PLACES, (place_id,)) for place_id in place_ids)


def freed_by_steps(tx: Transaction, ended: Sequence[Ending]) -> None:
    """Wake those who wait for the places of steps that have ended, or stood in line behind them."""
    ids = [e.step.id for e in ended if e.step.has_place or e.step.in_line]
    if ids:
        wake(tx, places.of_steps(tx.connection, ids))


def freed_by_executions(tx: Transaction, ended: Collection[UUID]) -> None:
    """The same for the places of executions."""
    ids = [one for one in ended if tx.plan(one).definition.concurrency is not None]
    if ids:
        wake(tx, places.of_executions(tx.connection, ids))
