"""Small real contexts for tests of actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import ActionContext, EventContext, ItemResult, StepStatus
from pipeline_engine.sdk.engine_api import NullEngine

EXECUTION_ID = "5f3b0f6e-8a2c-4c9b-9d1e-0a1b2c3d4e5f"


def a_context(params: dict[str, Any] | None = None, **facts: Any) -> ActionContext:
    """One attempt of the step ``step_1``."""
    given = {
        "step_id": "step_1",
        "execution_id": EXECUTION_ID,
        "step_execution_id": "7",
        "idempotency_key": "key-1",
        "scope": {"params": {}, "steps": {}},
    }
    return ActionContext(params=params or {}, **(given | facts))


def an_event(
    event_data: Mapping[str, Any], *, external_workflow_id: str = "wf-1", **facts: Any
) -> EventContext:
    """One event for the step ``step_1``."""
    given = {"execution_id": EXECUTION_ID, "step_execution_id": "7"}
    return EventContext(
        external_workflow_id=external_workflow_id,
        event_type=str(event_data.get("type", "")),
        event_data=event_data,
        **(given | facts),
    )


def an_item_result(index: int, value: Any, **facts: Any) -> ItemResult:
    """An item that ended well, unless *facts* say otherwise."""
    given = {"key": None, "status": StepStatus.COMPLETED, "outputs": {}}
    return ItemResult(index=index, value=value, **(given | facts))


def a_notification(
    event: str,
    status: str = "COMPLETED",
    *,
    payload_type: str = "perform_model_extraction",
    message: str = "",
    result: Any = None,
) -> dict[str, Any]:
    """An envelope as budmodel, budcluster and budsim send it."""
    return {
        "type": "notification",
        "payload": {
            "category": "internal",
            "type": payload_type,
            "event": event,
            "workflow_id": "wf-1",
            "content": {"title": "Title", "message": message, "status": status, "result": result},
        },
        "notification_metadata": {"workflow_id": "wf-1"},
    }


class RecordingDoor(NullEngine):
    """An engine that starts nothing and remembers what it was asked to start and to cancel."""

    def __init__(self) -> None:
        self.started: list[tuple[str, Mapping[str, Any], str]] = []
        self.cancelled: list[str] = []
        self.progress: list[float] = []

    def start_pipeline(self, pipeline: str, *facts: Any, **named: Any) -> str:
        """Pretend to start an execution."""
        self.started.append((pipeline, facts[0], named["idempotency_key"]))
        return "child-1"

    def cancel_pipeline(self, execution_id: str) -> None:
        """Remember it."""
        self.cancelled.append(execution_id)

    def report_progress(self, percentage: float, eta_seconds: float | None = None) -> None:
        """Remember it."""
        self.progress.append(percentage)
