"""``notify`` of steps: rendered by whoever sends messages, from events that are there anyway.

A notice becomes a message of the subscription that it names, in the transaction in which its event
is read: once, and from then on with tries, a signature and a dead letter as any other.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.checks.notify import LONGEST_MESSAGE, LONGEST_TITLE
from pipeline_engine.domain.definitions import Notice, NotifyOn, StepDefinition
from pipeline_engine.domain.expressions import ExpressionError, Fuel, compile_value, masker_in
from pipeline_engine.domain.redaction import Redactor, redactor_for
from pipeline_engine.domain.sealing import SecretUnreadable
from pipeline_engine.domain.subscriptions import NOTIFICATION, Format, Origin, notice_id
from pipeline_engine.messaging.event_form import OF_STEP
from pipeline_engine.scheduler import notice_form
from pipeline_engine.scheduler.actions.scope import View, load_blocks, make_scope, step_results
from pipeline_engine.scheduler.notice_form import Said
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import messages, news, notices
from pipeline_engine.storage.messages import Message
from pipeline_engine.storage.news import Facts
from pipeline_engine.storage.notices import Named, StepEvent
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.events import EventType

HAPPENS: Mapping[str, NotifyOn] = MappingProxyType(
    {
        EventType.STEP_STARTED: NotifyOn.STARTED,
        EventType.STEP_PARKED: NotifyOn.PARKED,
        EventType.STEP_REMINDER: NotifyOn.REMINDER,
        EventType.STEP_RETRYING: NotifyOn.RETRYING,
        EventType.STEP_COMPLETED: NotifyOn.COMPLETED,
        EventType.STEP_FAILED: NotifyOn.FAILED,
        EventType.STEP_TIMEOUT: NotifyOn.FAILED,
        EventType.STEP_SKIPPED: NotifyOn.SKIPPED,
    }
)
#: What a step has left by then; while it waits it may leave more before the message is made.
HAS_OUTPUTS = frozenset({NotifyOn.COMPLETED, NotifyOn.PARKED, NotifyOn.REMINDER})
TYPES = [str(kind) for kind in HAPPENS]


def tell(runtime: Runtime) -> int:
    """Write the messages that definitions ask for about what is new; returns how many."""
    with runtime.engine.begin() as connection:
        told = [
            (event, step, number, notice)
            for event in notices.read(connection, TYPES)
            for step, number, notice in _wanted(runtime, connection, event)
        ]
        if not told:
            return 0
        writer = _Writer.of(runtime, connection, [event for event, *_ in told])
        written = [
            found
            for event, step, number, notice in told
            for found in writer.write(event, step, number, notice)
        ]
        # In one order, as posting locks them.
        for one, message in sorted(written, key=lambda found: found[0].id):
            messages.post(connection, one.id, message)
        return len(written)


def _wanted(
    runtime: Runtime, connection: Connection, event: StepEvent
) -> Iterator[tuple[StepDefinition, int, Notice]]:
    """The notices of its step that speak of an event; of a compensation nobody is told."""
    definition = runtime.plan(connection, event.execution_id).definition
    step_id = str(event.details.get("step_id"))
    if not definition.has_step(step_id):
        return
    step = definition.step(step_id)
    is_item = "item_index" in event.details
    for number, notice in enumerate(step.notify):
        speaks = HAPPENS[event.event_type] in notice.on
        if speaks and is_item == (notice.per_item and step.for_each is not None):
            yield step, number, notice


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the notices of one look."""

    runtime: Runtime
    connection: Connection
    rows: Mapping[int, tuple[StepRow, dict[str, Json] | None]]
    facts: Mapping[UUID, Facts]

    @classmethod
    def of(cls, runtime: Runtime, connection: Connection, events: Iterable[StepEvent]) -> _Writer:
        """The writer who knows all that these events are about."""
        steps = {event.step_execution_id for event in events}
        rows = notices.steps(connection, steps)
        executions = {row.execution_id for row, _ in rows.values()}
        return cls(runtime, connection, rows, news.facts(connection, executions))

    def write(
        self, event: StepEvent, step: StepDefinition, number: int, notice: Notice
    ) -> Iterator[tuple[Named, Message]]:
        """The message for the subscription that is named, if its owner has one."""
        facts = self.facts.get(event.execution_id)
        known = self.rows.get(event.step_execution_id)
        one = facts and notices.named(self.connection, facts.user_id, notice.subscription)
        if one is None or facts is None or known is None:
            return
        found = notice_id(one.id, event.id, number)
        said = self._said(event, step, notice, facts, *known)
        form = Format(one.format)
        yield (
            one,
            Message(
                id=found,
                event_type=NOTIFICATION,
                execution_id=event.execution_id,
                position=event.position,
                body=notice_form.body(found, said, facts, form=form, topic=one.address),
                origin=Origin.NOTICE,
            ),
        )

    def _said(
        self,
        event: StepEvent,
        step: StepDefinition,
        notice: Notice,
        facts: Facts,
        row: StepRow,
        outputs: dict[str, Json] | None,
    ) -> Said:
        execution = self.runtime.facts(self.connection, [facts.id])[facts.id]
        redactor = redactor_for(execution.params, facts.parameters)
        try:
            title, message = self._rendered(_own(event, row, outputs), notice, row)
        except (ExpressionError, SecretUnreadable) as error:
            title, message = None, f"The message of notify cannot be made: {error}"
        on = HAPPENS[event.event_type]
        told = {name: event.details[name] for name in OF_STEP if name in event.details}
        return Said(
            title=_shown(title or step.name, LONGEST_TITLE, redactor),
            message=_shown(message, LONGEST_MESSAGE, redactor),
            subject=step.id,
            status=on.upper(),
            at=event.created_at,
            details={"on": on.value, "step": redactor.redact(told)},
        )

    def _rendered(self, own: dict[str, Json], notice: Notice, row: StepRow) -> tuple[Any, Any]:
        """Title and message; what is in them of a secret is hidden."""
        runtime, connection = self.runtime, self.connection
        facts = runtime.facts(connection, [row.execution_id])[row.execution_id]
        if facts.unreadable:
            raise SecretUnreadable(facts.unreadable)
        view = View.of(runtime.plan(connection, row.execution_id), row)
        around = load_blocks(connection, [view])
        results = step_results(runtime, view, connection=connection, blocks=around)
        masker = facts.masker or runtime.masker
        scope = make_scope(facts, results, masker=masker, sealer=runtime.sealer)
        scope["step"] = own
        fuel = Fuel(deadline=time.monotonic() + runtime.settings.cheap_step_seconds)
        texts = compile_value([notice.title, notice.message]).render(scope, fuel)
        title, message = masker_in(scope).mask(texts)
        return title, message


def _own(event: StepEvent, row: StepRow, outputs: dict[str, Json] | None) -> dict[str, Json]:
    """``step`` in a notice: what the event says; the row may have gone on meanwhile."""
    on, details = HAPPENS[event.event_type], event.details
    error = {"code": details.get("error_code"), "message": details.get("error")}
    has_failed = any(value is not None for value in error.values())
    return {
        "id": details.get("step_id"),
        "name": details.get("step_name"),
        "status": on.value,
        "attempt": details.get("attempt"),
        "error": error if has_failed else None,
        "outputs": (outputs or {}) if on in HAS_OUTPUTS else {},
        "item_index": row.item_index,
        "item_key": row.item_key,
    }


def _shown(value: Any, most: int, redactor: Redactor) -> str:
    """A text as it is sent: without secrets, and of bounded length."""
    text = redactor.text(value if isinstance(value, str) else str(value))
    return text if len(text) <= most else f"{text[: most - 1]}…"
