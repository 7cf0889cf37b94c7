"""A pipeline that events start, the triggers that let them, and what became of each event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.services import event_triggers, inbox, pipelines
from pipeline_engine.services.inbox import Arrival, Receipt
from pipeline_engine.services.pages import Page
from pipeline_engine.services.pipelines import PipelineRequest
from pipeline_engine.storage.tables.executions import Execution
from support.driving import Driver
from support.factories import a_document, a_step

RIGHTS = frozenset({"executions:run", "pipelines:write"})
ADA = Caller("ada", rights=RIGHTS, principal="token:1")
BOB = Caller("bob", rights=RIGHTS, principal="token:2")
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAYS = "{{ params._trigger.event_type }} {{ params.event.model }} {{ params.greeting }}"
PARAMETERS = [
    {"name": "event", "type": "object", "required": True},
    {"name": "greeting", "type": "string", "default": "hello"},
]


def a_release(driver: Driver, session: Session) -> str:
    """The id of Ada's pipeline, which says what it was started by."""
    document = a_document(a_step("a", params={"message": SAYS}), parameters=PARAMETERS)
    request = PipelineRequest(document=document | {"name": "release"})
    stored = pipelines.create(ADA, session, driver.runtime, request)
    session.commit()
    return str(stored.pipeline.id)


def a_trigger(
    driver: Driver, session: Session, pipeline_id: str, event_type: str = "ready", **config: Any
) -> str:
    given = {
        "pipeline_id": pipeline_id,
        "name": "on ready",
        "config": {"event_type": event_type, **config},
    }
    stored = event_triggers.create(ADA, session, driver.runtime, given)
    session.commit()
    return str(stored.trigger.id)


def send(
    driver: Driver, *, key: str | None = None, kind: str = "ready", by: Caller = ADA, **body: Any
) -> Receipt:
    arrival = Arrival(source="tests", body={"type": kind, **body}, delivery_id=key)
    return inbox.accept(by, driver.runtime, arrival)


def send_at(driver: Driver, seconds: float, **body: Any) -> None:
    """An event that came so many seconds after T0."""
    receipt = send(driver, key=f"at-{seconds}-{body}", at=seconds, **body)
    moment = T0 + timedelta(seconds=seconds)
    driver.change(
        "UPDATE inbox SET received_at = %(at)s WHERE id = %(id)s",
        at=moment,
        id=receipt.delivery_id,
    )


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def outcomes(session: Session, trigger_id: str) -> list[str]:
    """What became of the events of a trigger, in the order in which they came."""
    session.expire_all()
    found = event_triggers.firings(ADA, session, trigger_id, page=Page(1, 100)).entries
    return [firing.outcome for firing in reversed(found)]


def reasons(session: Session, trigger_id: str) -> list[str | None]:
    found = event_triggers.firings(ADA, session, trigger_id, page=Page(1, 100)).entries
    return [firing.reason for firing in reversed(found)]


def executions(session: Session) -> list[Execution]:
    session.expire_all()
    return list(session.scalars(select(Execution).order_by(Execution.created_at, Execution.id)))
