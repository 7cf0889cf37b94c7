"""Events of the history as the messages that a subscription wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.redaction import Redactor, redactor_for
from pipeline_engine.domain.subscriptions import (
    REFERENCE_NAMES,
    Format,
    Origin,
    message_id,
)
from pipeline_engine.messaging import event_form, reference_form
from pipeline_engine.storage import news
from pipeline_engine.storage.messages import Message
from pipeline_engine.storage.news import Facts, Heard, Leased
from pipeline_engine.storage.tables.events import EventType

#: Events in which an execution says how it has ended: what was known of it before is out of date.
ENDS = frozenset(kind.value for kind in reference_form.OF_ENDS)


@dataclass(slots=True)
class Writer:
    """Writes the messages of one turn; what it has learnt of an execution it keeps for a while."""

    one: Leased
    #: of the events that were written last
    known: dict[UUID, tuple[Facts, Redactor]] = field(default_factory=dict)

    def write(self, connection: Connection, events: Sequence[Heard]) -> list[Message]:
        """The messages about *events*; those of executions that are gone tell nobody."""
        ended = {event.execution_id for event in events if event.event_type in ENDS}
        wanted = {event.execution_id for event in events}
        # Of the others nothing is kept: a turn may come past thousands, with all they were given.
        self.known = {one: self.known[one] for one in wanted & self.known.keys() - ended}
        if missing := wanted - self.known.keys():
            for found in news.facts(connection, missing).values():
                redactor = redactor_for(found.params, found.parameters)
                self.known[found.id] = found, redactor
        seconds = self._seconds(connection, events)
        return [
            self._message(event, seconds) for event in events if event.execution_id in self.known
        ]

    def _seconds(self, connection: Connection, events: Sequence[Heard]) -> dict[int, float]:
        completed = EventType.STEP_COMPLETED
        ids = [e.step_execution_id for e in events if e.event_type == completed]
        known = [one for one in ids if one is not None]
        is_told = self.one.format == Format.REFERENCE and known
        return news.seconds_of_steps(connection, known) if is_told else {}

    def _message(self, event: Heard, seconds: dict[int, float]) -> Message:
        again = self.one.replay_transaction
        is_replay = again is not None and event.transaction_id < again
        found = message_id(self.one.id, event.id)
        return Message(
            id=found,
            event_type=self._kind(event),
            execution_id=event.execution_id,
            position=event.position,
            body=self._body(found, event, seconds.get(event.step_execution_id or 0)),
            origin=Origin.REPLAY if is_replay else Origin.EVENT,
        )

    def _kind(self, event: Heard) -> str:
        """What the receiver knows it as."""
        of_reference = self.one.format == Format.REFERENCE
        return REFERENCE_NAMES[event.event_type] if of_reference else event.event_type

    def _body(self, found: str, event: Heard, step_seconds: float | None) -> str:
        facts, redactor = self.known[event.execution_id]
        if self.one.format == Format.REFERENCE:
            return reference_form.body(
                event, facts, redactor, topic=self.one.address, step_seconds=step_seconds
            )
        return event_form.body(found, event, facts, redactor)
