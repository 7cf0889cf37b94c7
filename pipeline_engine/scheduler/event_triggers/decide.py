"""Event triggers at work: each decides on the deliveries that it is offered, in their order.

A trigger is locked while it decides, so that its firings are in order, one event of a key is the
first, and a window has one end. What was offered is in rows (``storage/offers.py``); any message,
the clock and the sweep lead to ``decide``, which finds nothing to do when it comes again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from pipeline_engine.domain.event_triggers import EVENT, Config, Event, Outcome, window_end
from pipeline_engine.domain.expressions import ExpressionError
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.standing_orders import Occasion, follow
from pipeline_engine.scheduler.transaction import (
    Transaction,
    is_lost_race,
    run_surviving_disconnects,
)
from pipeline_engine.storage import event_triggers, offers
from pipeline_engine.storage.event_triggers import Window
from pipeline_engine.storage.offers import Offer
from pipeline_engine.storage.postgres.session import is_unreachable
from pipeline_engine.storage.standing_orders import hold_pipeline_of
from pipeline_engine.storage.tables.event_triggers import EventTrigger

log = structlog.get_logger(__name__)

INITIATOR = "event"
#: Offers that a trigger decides on in one transaction, at most.
BATCH = 50
#: Why nothing was started, where no error says so.
DISABLED, DELETED, CRASHED = "disabled", "trigger_deleted", "internal_error"


def offer(runtime: Runtime, delivery_ids: Sequence[int]) -> Iterator[Transaction]:
    """Let the triggers decide that these deliveries were offered to, and on what waits beside."""
    with runtime.engine.connect() as connection:
        waiting = offers.waiting_triggers(connection, delivery_ids)
    for trigger_id in waiting:
        yield from decide(runtime, trigger_id)


def decide(
    runtime: Runtime, trigger_id: UUID, *, now: datetime | None = None
) -> Iterator[Transaction]:
    """Let a trigger decide on all that it was offered, and close its windows that are due.

    *now* is the database's clock if it is not given.
    """
    has_more = True
    while has_more:
        desk: list[_Desk] = []
        change = partial(_decide, desk=desk, trigger_id=trigger_id, now=now)
        yield run_surviving_disconnects(runtime, change)
        has_more = bool(desk) and desk[-1].has_more


def _decide(tx: Transaction, *, desk: list[_Desk], trigger_id: UUID, now: datetime | None) -> None:
    # Before the trigger, as whoever deletes or archives the pipeline does; a start locks it, too.
    hold_pipeline_of(tx.connection, EventTrigger, trigger_id)
    trigger = event_triggers.lock(tx.connection, trigger_id)
    if trigger is None:
        offers.forget(tx.connection, trigger_id, DELETED)
        return
    found = offers.pending(tx.connection, trigger_id, most=BATCH)
    at = _Desk(tx, trigger, now or event_triggers.now(tx.connection), has_more=len(found) == BATCH)
    desk.append(at)
    for one in found:
        at.decide(one)
    if not at.has_more:  # what waits may belong to a window that seems to be over
        at.close_due()
    at.end()


@dataclass(slots=True)
class _Desk:
    """One locked trigger, and what it decides in one transaction."""

    tx: Transaction
    trigger: EventTrigger
    now: datetime
    has_more: bool = False
    fired: int = 0
    config: Config = field(init=False)

    def __post_init__(self) -> None:
        self.config = Config.of(self.trigger.config)

    def decide(self, one: Offer) -> None:
        """Say what becomes of one event."""
        if not self.trigger.enabled:
            self._settle(one, Outcome.SKIPPED, note=self._why_disabled)
            return
        event = Event(type=one.event_type, source=one.source, body=one.body)
        try:
            is_taken = self.config.takes(event)
            key = self.config.key_of(event) if is_taken else None
        except ExpressionError as error:
            self._settle(one, Outcome.FAILED, note=_told(error))
            return
        if not is_taken:
            self._settle(one, Outcome.FILTERED)
        elif self.config.quiet_seconds is not None:
            self._collect(one, key or "", self.config.quiet_seconds)
        else:
            self._fire_first(one, key)

    def close_due(self) -> None:
        """Fire what was collected in windows that have ended."""
        for window in event_triggers.take_due(self.tx.connection, self.trigger.id, moment=self.now):
            self._fire_window(window)

    def end(self) -> None:
        """Count the firings."""
        if self.fired:
            failpoint(Failpoint.IN_TRIGGER)
            event_triggers.note_fired(
                self.tx.connection, self.trigger.id, at=self.now, times=self.fired
            )

    @property
    def _why_disabled(self) -> str:
        return self.trigger.disabled_reason or DISABLED

    def _settle(self, one: Offer, outcome: Outcome, **said: Any) -> None:
        offers.decide(self.tx.connection, self.trigger.id, one.delivery_id, outcome, **said)

    def _fire_first(self, one: Offer, key: str | None) -> None:
        first = None if key is None else self._fired_with(key, one)
        if first is not None:
            self._settle(one, Outcome.DUPLICATE, key=key, note=f"delivery {first}")
            return
        execution_id, note = self._start(one)
        outcome = Outcome.FIRED if execution_id else Outcome.FAILED
        self._settle(one, outcome, key=key, note=note, execution_id=execution_id)

    def _fired_with(self, key: str, one: Offer) -> int | None:
        seconds = self.config.dedupe_seconds
        since = None if seconds is None else one.received_at - timedelta(seconds=seconds)
        return offers.fired_with(self.tx.connection, self.trigger.id, key, since=since)

    def _collect(self, one: Offer, key: str, quiet: float) -> None:
        """Put an event into the window of its key, which may be over by the time it came.

        What counts is when events were received, however late a worker looks at them.
        """
        connection, trigger_id = self.tx.connection, self.trigger.id
        window = event_triggers.window(connection, trigger_id, key)
        if window is not None and one.received_at >= window.due_at:
            event_triggers.close(connection, window.id)
            self._fire_window(window)
            window = None
        opened = window or Window(
            id=0,
            key=key,
            quiet_seconds=quiet,
            max_wait_seconds=self.config.max_wait_seconds,
            first_at=one.received_at,
            last_at=one.received_at,
            due_at=one.received_at,
            count=0,
            last_delivery_id=one.delivery_id,
        )
        event_triggers.keep_window(connection, trigger_id, _with(opened, one))
        self._settle(one, Outcome.COLLECTED, key=key)

    def _fire_window(self, window: Window) -> None:
        """Start one execution for all that a window has collected, with its last event."""
        connection, trigger_id = self.tx.connection, self.trigger.id
        if not self.trigger.enabled:
            why = self._why_disabled
            offers.decide_on_collected(
                connection, trigger_id, window.key, Outcome.SKIPPED, note=why
            )
            return
        last = offers.offer_of(connection, window.last_delivery_id)
        execution_id, note = self._start(last, window)
        said: dict[str, Any] = {"note": note, "execution_id": execution_id}
        offers.decide_on_collected(connection, trigger_id, window.key, Outcome.MERGED, **said)
        outcome = Outcome.FIRED if execution_id else Outcome.FAILED
        self._settle(last, outcome, key=window.key or None, **said)

    def _start(self, one: Offer, window: Window | None = None) -> tuple[UUID | None, str | None]:
        """Start an execution; returns its id, or why it was refused: that is an outcome, too."""
        occasion = Occasion(
            initiator=INITIATOR,
            trigger=self._trigger(one, window),
            params={EVENT: one.body},
        )
        try:
            with self.tx.connection.begin_nested():
                started = follow(self.tx, self.trigger, occasion)
        except PipelineEngineError as error:
            return None, _told(error)
        except Exception as error:
            if is_unreachable(error) or is_lost_race(error):
                raise
            # A plug-in tells of itself wrongly, or a document comes from a newer version.
            log.exception("an event could not start anything", trigger=str(self.trigger.id))
            return None, CRASHED
        self.fired += 1
        return started.id, None

    def _trigger(self, one: Offer, window: Window | None) -> dict[str, Any]:
        first_at, count = (window.first_at, window.count) if window else (one.received_at, 1)
        return {
            "type": INITIATOR,
            "trigger_id": str(self.trigger.id),
            "trigger_name": self.trigger.name,
            "event_type": one.event_type,
            "source": one.source,
            "triggered_at": self.now.isoformat(),
            "delivery_id": str(one.delivery_id),
            "sender_id": one.sender_id,
            "received_at": one.received_at.isoformat(),
            "first_received_at": first_at.isoformat(),
            "count": count,
        }


def _with(window: Window, one: Offer) -> Window:
    """A window with one more event; a late one moves its beginning, and is not its last."""
    is_last = one.received_at >= window.last_at
    first_at, last_at = min(window.first_at, one.received_at), max(window.last_at, one.received_at)
    return replace(
        window,
        first_at=first_at,
        last_at=last_at,
        due_at=window_end(
            first_at, last_at, quiet=window.quiet_seconds, max_wait=window.max_wait_seconds
        ),
        count=window.count + 1,
        last_delivery_id=one.delivery_id if is_last else window.last_delivery_id,
    )


def _told(error: PipelineEngineError) -> str:
    """Why a start was refused: the code, the sentence, and what is wrong first in detail."""
    problems = [str(problem.message) for problem in error.facts.get("problems", ())]
    return " ".join((f"{error.code}: {error}", *problems[:1]))
