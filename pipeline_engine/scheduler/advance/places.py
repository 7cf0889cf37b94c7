"""Places of a key: asked for by whoever is about to begin, freed by whatever ends it.

Nothing here waits for the lock of a key, as the transaction has locked steps. Where another one has
it, the asker goes to the end of the line, and a message lets somebody look who holds nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from uuid import UUID

from pipeline_engine.dispatch.messages import GIVE_PLACES, Message
from pipeline_engine.domain.action_params import may_park
from pipeline_engine.domain.admission import Admission, answer
from pipeline_engine.domain.concurrency import Need, key_in, needs_to_park
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import places
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.places import Key
from pipeline_engine.storage.rows import StepRow


def admits_step(tx: Transaction, step: Prepared) -> bool:
    """Whether a queued step may begin; if not, it stands in line, or somebody else has it.

    Asked when its condition is known to be true: who does not run needs no place. Raises
    ``InvalidKey`` and ``ExpressionError``.
    """
    planned, row = step.planned, step.row
    if not planned.needs_place:
        return True
    limits = _limits(tx, step)
    if row.has_place and not limits:  # that of its own key
        return True
    has: Collection[Key] = ()
    if row.has_place:
        found = places.keys_of_step(tx.connection, row)
        if found is None:
            return False
        has = found
    needs = [*_own_need(step), *limits]
    return all(_admits_step(tx, row, need) for need in needs if Key.of(need) not in has)


def _limits(tx: Transaction, step: Prepared) -> Sequence[Need]:
    """What the installation says that it needs; what runs after the steps waits for nobody."""
    planned = step.planned
    if tx.plan(step.row.execution_id).runs_after_steps(step.row):
        return ()
    if not (planned.may_park and may_park(planned.meta, step.params)):
        return planned.limited_by
    owner = step.facts.user_id
    most = tx.runtime.settings.quota("parked_steps", owner)
    return *needs_to_park(owner, most), *planned.limited_by


def _own_need(step: Prepared) -> Iterator[Need]:
    """What the author of the step says that it needs, if it has none of that yet.

    That is asked for first, so whoever has any place has this one.
    """
    wanted = step.planned.definition.concurrency
    if wanted is not None and not step.row.has_place:
        key = key_in(step.planned.concurrency_key, step.scope, step.fuel, step.masker)
        yield Need(step.facts.user_id, key, wanted.limit, wanted.when_full)


def _admits_step(tx: Transaction, row: StepRow, need: Need) -> bool:
    may_decide = places.try_lock(tx.connection, Key.of(need))
    asked = places.ask_for_step(tx.connection, row, need, may_decide=may_decide)
    if asked is None:
        return False
    row.has_place, row.in_line = asked.is_taken, not asked.is_taken
    return _admits(tx, asked)


def admits_execution(tx: Transaction, execution_id: UUID, needs: Sequence[Need]) -> bool:
    """Whether an execution may begin; if not, it stands in line for one of *needs*."""
    return all(_admits_execution(tx, execution_id, need) for need in needs)


def _admits_execution(tx: Transaction, execution_id: UUID, need: Need) -> bool:
    may_decide = places.try_lock(tx.connection, Key.of(need))
    asked = places.ask_for_execution(tx.connection, execution_id, need, may_decide=may_decide)
    return _admits(tx, asked)


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
    ids = [one for one in ended if tx.plan(one).definition.needs_place]
    if ids:
        wake(tx, places.of_executions(tx.connection, ids))
