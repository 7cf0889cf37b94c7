"""Doors for what happens outside: events by id of the waiting job, callbacks by token."""

from __future__ import annotations

from typing import Any

from flask import request

from pipeline_engine.errors import InvalidCallbackToken
from pipeline_engine.services import Act, Scope, inbox

from .auth import for_parties, open_to_everybody
from .blueprint import Blueprint
from .bodies import limit_deliveries, require_body
from .cloudevents import arrival
from .context import caller, runtime
from .rate_limits import strangers_counted
from .schemas.events import ArrivalBody, ReceiptSchema, RoutedSchema

#: What the reference service calls the outcomes of triggers.
STATUSES = {"fired": "triggered"}

events = Blueprint("events", __name__, description="What parked steps wait for.")
events.before_request(limit_deliveries)


@events.on("POST", "/events", operation="send_event", scope=Scope.EVENTS_SEND, act=Act.EVENT_SEND)
@events.body(ArrivalBody)
@events.answers(202, ReceiptSchema)
@for_parties
def accept(body: dict[str, Any]) -> Any:
    """Accept an event. It is durable before this answer, and counts once however often sent."""
    require_body()
    return _received(inbox.accept(caller(), runtime(), _event(body)))


@events.on(
    "POST",
    "/workflow-events",
    operation="send_workflow_event",
    scope=Scope.EVENTS_SEND,
    act=Act.EVENT_SEND,
)
@events.body(ArrivalBody)
@events.answers(200, RoutedSchema)
@for_parties
def accept_for_reference(body: dict[str, Any]) -> Any:
    """Accept an event with the answer of the reference service; all that follows comes afterwards.

    `triggers` are the event triggers that decide on it: `pending`, as they do so afterwards. The
    same event, sent again, is answered with what they have decided.
    """
    require_body()
    receipt = inbox.accept(caller(), runtime(), _event(body))
    return _received(receipt) | {"step_completed": False, "triggers": _offered(receipt)}


@events.on(
    "POST",
    "/callbacks/<token>",
    operation="answer_callback",
    scope=None,
    act=Act.CALLBACK_SEND,
)
@events.body(ArrivalBody, required=False)
@events.answers(202, ReceiptSchema)
@open_to_everybody
def call_back(body: dict[str, Any], token: str) -> Any:
    """Accept the answer to one attempt of one step; the token is its only key."""
    came = arrival(body, request.headers, most=runtime().settings.max_delivery_bytes)
    name, kind = came.delivery_id, came.event_type
    with strangers_counted(InvalidCallbackToken):
        receipt = inbox.accept_callback(runtime(), token, came.body, name, event_type=kind)
    return _received(receipt)


def _event(body: dict[str, Any]) -> inbox.Arrival:
    most = runtime().settings.max_delivery_bytes
    return arrival(body, request.headers, most=most)


def _offered(receipt: inbox.Receipt) -> list[dict[str, Any]]:
    """The triggers, for those who may know of them."""
    if not caller().may(Scope.EVENT_TRIGGERS_READ):
        return []
    return [
        {
            "trigger_id": one.trigger_id,
            "trigger_name": one.name,
            "workflow_id": one.pipeline_id,
            "execution_id": one.execution_id,
            "status": STATUSES.get(one.outcome, one.outcome),
        }
        for one in receipt.offered
    ]


def _received(receipt: inbox.Receipt) -> dict[str, Any]:
    return {
        "status": "received",
        "delivery_id": receipt.delivery_id,
        "outcome": receipt.outcome,
        "routed": receipt.routed,
    }
