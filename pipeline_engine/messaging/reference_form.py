"""The envelope of the reference service (``bud-notification``), for who reads its topics."""

from __future__ import annotations

from typing import Any

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.domain.subscriptions import PAYLOAD_TYPE, SOURCE
from pipeline_engine.messaging.event_form import PERCENT
from pipeline_engine.storage.news import Facts, Heard
from pipeline_engine.storage.tables.events import EventType

TITLE = "Pipeline Execution"
#: The end of an execution: what ``event`` is called.
RESULTS = "results"
STATUS = {
    EventType.STEP_STARTED: "STARTED",
    EventType.STEP_COMPLETED: "COMPLETED",
    EventType.STEP_FAILED: "FAILED",
    EventType.STEP_TIMEOUT: "FAILED",
    EventType.WORKFLOW_PROGRESS: "RUNNING",
    EventType.ETA_UPDATE: "RUNNING",
    EventType.WORKFLOW_COMPLETED: "COMPLETED",
    EventType.WORKFLOW_FAILED: "FAILED",
    EventType.WORKFLOW_INTERRUPTED: "FAILED",
}
SAID = {
    EventType.STEP_STARTED: "Step '{name}' started",
    EventType.STEP_COMPLETED: "Step '{name}' completed",
    EventType.WORKFLOW_COMPLETED: "Pipeline execution completed",
}
OF_ENDS = frozenset(
    {EventType.WORKFLOW_COMPLETED, EventType.WORKFLOW_FAILED, EventType.WORKFLOW_INTERRUPTED}
)
OF_STEPS = frozenset({EventType.STEP_STARTED, EventType.STEP_COMPLETED})


def body(
    event: Heard, facts: Facts, redactor: Redactor, *, topic: str, step_seconds: float | None
) -> str:
    """The message about *event* to whoever reads *topic*."""
    kind = EventType(event.event_type)
    details = redactor.redact(event.details or {})
    content: dict[str, Any] = {
        "title": details.get("step_name") or TITLE,
        "message": _message(kind, event, details, facts, redactor),
        "status": STATUS[kind],
    }
    if result := _result(kind, event, facts, redactor, step_seconds):
        content["result"] = result
    return json_guard.dumps(
        {
            "notification_type": "event",
            "name": "bud-notification",
            "subscriber_ids": facts.subscriber_ids,
            "payload": {
                "category": "internal",
                "type": facts.payload_type or PAYLOAD_TYPE,
                "event": _event(kind, details),
                # An empty one counts as unset.
                "workflow_id": facts.notification_workflow_id or str(event.execution_id),
                "source": SOURCE,
                "content": content,
            },
            "source": SOURCE,
            "source_topic": topic,
        }
    )


def _event(kind: EventType, details: dict[str, Any]) -> str:
    if kind in OF_ENDS:
        return RESULTS
    if kind is EventType.WORKFLOW_PROGRESS:
        return "progress"
    if kind is EventType.ETA_UPDATE:
        return "eta"
    return str(details.get("step_id") or kind.value)


def _message(
    kind: EventType, event: Heard, details: dict[str, Any], facts: Facts, redactor: Redactor
) -> str:
    if kind in SAID:
        return SAID[kind].format(name=details.get("step_name"))
    if kind in {EventType.STEP_FAILED, EventType.STEP_TIMEOUT}:
        return str(details.get("error") or f"Step '{details.get('step_name')}' failed")
    if kind is EventType.WORKFLOW_PROGRESS:
        return f"Progress: {PERCENT.format(event.progress_percentage or 0)}%"
    if kind is EventType.ETA_UPDATE:
        return str(-(-(event.eta_seconds or 0) // 60))  # minutes, and never too few
    return _failure(facts, redactor) or "Pipeline execution failed"


def _failure(facts: Facts, redactor: Redactor) -> str | None:
    """Why the execution has failed, in the words of its error."""
    error = redactor.redact(facts.error or {})
    found = error.get("message") or error.get("code")
    return None if found is None else str(found)


def _result(
    kind: EventType,
    event: Heard,
    facts: Facts,
    redactor: Redactor,
    step_seconds: float | None,
) -> dict[str, Any]:
    if kind in OF_ENDS:
        outputs = redactor.redact(facts.outputs) if facts.outputs else None
        success = {"success": kind is EventType.WORKFLOW_COMPLETED}
        return success if outputs is None else {"outputs": outputs, **success}
    if kind not in OF_STEPS:
        return {}
    result: dict[str, Any] = {"sequence_number": event.number}
    if event.progress_percentage is not None:
        result["progress_percentage"] = float(event.progress_percentage)
    if kind is EventType.STEP_COMPLETED and step_seconds is not None:
        result["duration_seconds"] = round(step_seconds, 3)
    return result
