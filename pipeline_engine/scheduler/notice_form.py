"""What a definition, or an action, has a subscription told: a message in either form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.subscriptions import NOTIFICATION, PAYLOAD_TYPE, SOURCE, Format
from pipeline_engine.storage.news import Facts


@dataclass(frozen=True, slots=True)
class Said:
    """A title and a text about an execution, and what is known beside them."""

    title: str
    message: str
    subject: str  #: the id of the step
    status: str  #: what has happened to it, or how urgent it is, in capitals
    at: datetime
    details: Mapping[str, Any]


def body(message_id: str, said: Said, facts: Facts, *, form: Format, topic: str) -> str:
    """The message that says it."""
    made = _envelope(said, facts, topic) if form is Format.REFERENCE else _event(said, facts)
    return json_guard.dumps({"id": message_id, **made} if form is Format.EVENT else made)


def _event(said: Said, facts: Facts) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "source": f"/api/v1/executions/{facts.id}",
        "type": NOTIFICATION,
        "subject": said.subject,
        "time": said.at.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "execution_id": str(facts.id),
            "pipeline_id": _text(facts.pipeline_id),
            "pipeline_name": facts.name,
            "user_id": facts.user_id,
            "title": said.title,
            "message": said.message,
            **said.details,
        },
    }


def _envelope(said: Said, facts: Facts, topic: str) -> dict[str, Any]:
    return {
        "notification_type": "event",
        "name": "bud-notification",
        "subscriber_ids": facts.subscriber_ids,
        "payload": {
            "category": "internal",
            "type": facts.payload_type or PAYLOAD_TYPE,
            "event": said.subject,
            "workflow_id": facts.notification_workflow_id or str(facts.id),
            "source": SOURCE,
            "content": {"title": said.title, "message": said.message, "status": said.status},
        },
        "source": SOURCE,
        "source_topic": topic,
    }


def _text(given: UUID | None) -> str | None:
    return None if given is None else str(given)
