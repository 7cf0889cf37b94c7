"""An action that parks on an event, and what is sent to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    StepStatus,
)
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival, Receipt
from support.driving import Driver
from support.factories import an_action

DONE = EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED)


class Parked:
    """An action that parks on ``job`` and writes down the events that it is given."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, Any]] = []
        self.urls: list[str] = []

    def park(self, context: ActionContext) -> ActionResult:
        self.urls.append(context.callback_url)
        return ActionResult(
            success=True, awaiting_event=True, external_workflow_id="job", outputs={"n": 0}
        )

    def on_event(self, context: EventContext) -> EventResult:
        self.seen.append(context.event_data)
        answer = context.event_data.get("answer", "complete")
        number = int(context.step_outputs["n"]) + 1
        if answer == "more":
            return EventResult(
                action=EventAction.UPDATE_OUTPUTS,
                outputs={"n": number, f"k{context.event_data['number']}": True},
            )
        if answer == "progress":
            return EventResult(
                action=EventAction.UPDATE_PROGRESS,
                progress=context.event_data.get("progress"),
                eta_minutes=context.event_data.get("eta"),
            )
        if answer == "ignore":
            return EventResult(action=EventAction.IGNORE)
        if answer == "crash":
            raise ValueError("cannot read \x00 this")
        return replace(DONE, outputs={"n": number})

    def action(self, **meta: Any) -> RegisteredAction:
        return an_action(
            "job",
            self.park,
            on_event=self.on_event,
            **meta,
        )


def accept(driver: Driver, source: str = "tests", key: str | None = None, **body: Any) -> Receipt:
    arrival = Arrival(source=source, body={"workflow_id": "job", **body}, delivery_id=key)
    return inbox.accept(SYSTEM, driver.runtime, arrival)


def dispositions(driver: Driver) -> list[str]:
    with driver.runtime.engine.connect() as connection:
        query = "SELECT disposition FROM inbox ORDER BY id"
        return list(connection.exec_driver_sql(query).scalars())
