"""Cancel what has a place that a later one needs, or waits for one in front of it.

Its place is free when it has ended, with all that it has started cleaned up: until then nobody
else has it.
"""

from __future__ import annotations

from functools import partial

from pipeline_engine.domain.concurrency import SUPERSEDED, named
from pipeline_engine.scheduler import trees
from pipeline_engine.scheduler.advance import abort
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.advance.fan_out import TIMEOUT
from pipeline_engine.scheduler.advance.revoke import revoke
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import (
    Transaction,
    run_surviving_disconnects,
    transaction,
)
from pipeline_engine.storage import locking, places
from pipeline_engine.storage.places import PlaceRow


def _because(place: PlaceRow) -> str:
    return f"A later one needs its place of {named(place.owner, place.key)}"


def supersede(runtime: Runtime, place_id: int) -> Transaction:
    """Cancel the execution or step of a place, if it is still to be cancelled."""
    with transaction(runtime) as tx:
        place = places.find_superseded(tx.connection, place_id)
    if place is None:
        return tx
    if place.step_execution_id is None:
        trees.cancel(runtime, place.execution_id, because=_because(place), code=SUPERSEDED)
        return tx
    return run_surviving_disconnects(runtime, partial(_stop, place))


def _stop(place: PlaceRow, tx: Transaction) -> None:
    row = locking.lock_open(tx.connection, place.step_execution_id or 0)
    if row is None:
        return
    if row.cancelling:  # its clean-up ends it, and no retry follows
        if row.error_code == TIMEOUT:
            abort.end_as_stopped(tx, [row], error_code=SUPERSEDED)
        return
    advance(tx, revoke(tx, row, because=_because(place), code=SUPERSEDED))
