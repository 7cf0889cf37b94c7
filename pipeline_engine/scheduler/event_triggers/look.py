"""What event triggers would miss without the clock and the sweep: ends of windows, lost offers."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import structlog

from pipeline_engine.dispatch.messages import OFFER, Message
from pipeline_engine.scheduler.event_triggers.decide import decide
from pipeline_engine.scheduler.outbox import send
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.storage import event_triggers, offers
from pipeline_engine.storage.overdue import BATCH
from pipeline_engine.storage.postgres.session import is_unreachable

log = structlog.get_logger(__name__)


def close_windows(runtime: Runtime) -> int:
    """Let triggers fire what they have collected, if it was long enough; returns how many did."""
    with runtime.engine.connect() as connection:
        waiting = event_triggers.due(connection)
    return sum(_closed(runtime, trigger_id) for trigger_id in waiting)


def _closed(runtime: Runtime, trigger_id: UUID) -> bool:
    try:
        for tx in decide(runtime, trigger_id):
            send(tx)
    except Exception as error:
        if is_unreachable(error):
            raise
        # Whatever it is, the others must not wait for it.
        log.exception("the windows of an event trigger could not be closed", trigger=trigger_id)
        return False
    return True


def offer_again(runtime: Runtime) -> int:
    """Send for what no trigger has decided on, as if its message was lost; returns how much."""
    found: Sequence[int] = ()

    def change(tx: Transaction) -> None:
        nonlocal found
        found = offers.lost(tx.connection, older_than=runtime.settings.republish_after, limit=BATCH)
        tx.messages += [Message(OFFER, (delivery_id,)) for delivery_id in found]

    send(run_surviving_disconnects(runtime, change))
    return len(found)
