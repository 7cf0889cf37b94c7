"""Our own form of a message: a CloudEvent (structured JSON) with one event of the history."""

from __future__ import annotations

from typing import Any

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.storage.news import Facts, Heard

#: What events of steps say of their step, in their details.
OF_STEP = ("step_id", "step_name", "attempt", "item_index", "within")
PERCENT = "{:.2f}"


def body(message_id: str, event: Heard, facts: Facts, redactor: Redactor) -> str:
    """The message about *event*; what it says is in the rows, so it is the same each time."""
    details = redactor.redact(event.details or {})
    step = {name: details[name] for name in OF_STEP if name in details}
    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": message_id,
        "source": f"/api/v1/executions/{event.execution_id}",
        "type": event.event_type,
        "time": event.created_at.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "execution_id": str(event.execution_id),
            "pipeline_id": None if facts.pipeline_id is None else str(facts.pipeline_id),
            "pipeline_name": facts.name,
            "user_id": facts.user_id,
            "sequence_number": event.number,
            "step": step or None,
            "progress_percentage": None
            if event.progress_percentage is None
            else PERCENT.format(event.progress_percentage),
            "eta_seconds": event.eta_seconds,
            "details": details,
        },
    }
    if step:
        document["subject"] = step.get("step_id")
    return json_guard.dumps(document)
