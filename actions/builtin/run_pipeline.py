"""Runs another pipeline as one step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    ConditionalVisibility,
    EventAction,
    EventContext,
    EventResult,
    ExecutionMode,
    InvalidActionParams,
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    StepStatus,
    in_words,
    register_action,
)

EXTERNAL_ID = "execution:"
ENDED = "execution_ended"
#: Of a child that ended badly and gives no code of its own.
CHILD_FAILED = "child_execution_failed"
#: How a message begins that a pipeline further down has written.
SAYS_WHERE = re.compile(r"(Step '[^']+' of e|E)xecution [0-9a-f-]{36} (failed|ended [A-Z]+)\b")

META = ActionMeta(
    type="run_pipeline",
    name="Run Pipeline",
    category="Control Flow",
    description="Starts another pipeline and, unless told otherwise, waits for its end.",
    icon="flow-arrow",
    color="#3b82f6",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    parks_when=ConditionalVisibility("wait", not_equals=False),
    params=[
        ParamDefinition(
            "pipeline", "Pipeline", required=True, description="Its name or its id.", secrets=False
        ),
        ParamDefinition(
            "params",
            "Params",
            ParamType.JSON,
            default={},
            description="What it is started with.",
            shape=JsonShape.OBJECT,
        ),
        ParamDefinition(
            "wait",
            "Wait",
            ParamType.BOOLEAN,
            default=True,
            description="Whether this step ends with the other pipeline or with its start.",
        ),
    ],
    outputs=[
        OutputDefinition("execution_id", "string", "The execution that was started."),
        OutputDefinition("status", "string", "Its status, as far as this step waited."),
        OutputDefinition("outputs", "object", "Its outputs; empty before its end."),
        OutputDefinition("error", "string", "Why it failed, or null."),
    ],
    examples=[ActionExample("Nightly check", {"pipeline": "check", "params": {"deep": True}})],
)


@register_action(META)
class RunPipeline(BaseActionExecutor):
    """Parks on the end of the execution that it started."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Start the other pipeline; a second attempt finds the execution of the first."""
        params = context.params.get("params") or {}
        if not isinstance(params, dict):
            raise InvalidActionParams(f"params must be an object, got {type(params).__name__}")
        execution_id = context.start_pipeline(str(context.params.get("pipeline") or ""), params)
        waits = context.params.get("wait", True) is not False
        return ActionResult(
            success=True,
            awaiting_event=waits,
            external_workflow_id=f"{EXTERNAL_ID}{execution_id}" if waits else None,
            outputs=_outputs(execution_id, "RUNNING" if waits else "PENDING"),
        )

    def on_event(self, context: EventContext) -> EventResult:
        """End as the other pipeline ended."""
        event = context.event_data
        if event.get("type") != ENDED:
            return EventResult(action=EventAction.IGNORE)
        status = str(event.get("status", ""))
        execution_id = context.external_workflow_id.removeprefix(EXTERNAL_ID)
        if status == "COMPLETED":
            return EventResult(
                action=EventAction.COMPLETE,
                status=StepStatus.COMPLETED,
                outputs=_outputs(execution_id, status, event.get("outputs")),
            )
        error = event.get("error") or {}
        details = error if isinstance(error, Mapping) else {"message": error}
        reason = _reason(execution_id, status, details)
        return EventResult(
            action=EventAction.COMPLETE,
            status=StepStatus.FAILED,
            outputs=_outputs(execution_id, status, event.get("outputs"), reason),
            error=reason,
            error_code=str(details.get("code") or CHILD_FAILED),
        )

    def cleanup(self, context: ActionContext) -> None:
        """Cancel the execution that nobody waits for any more."""
        for external_id in context.external_workflow_ids:
            if external_id.startswith(EXTERNAL_ID):
                context.cancel_pipeline(external_id.removeprefix(EXTERNAL_ID))


def _reason(execution_id: str, status: str, error: Mapping[str, Any]) -> str:
    """What went wrong, and where: said once, by the step that is nearest to it."""
    words = in_words(error.get("message"))
    if SAYS_WHERE.match(words):
        return words
    step_id = error.get("step_id")
    where = f"Step {step_id!r} of execution {execution_id}" if step_id else ""
    ended = "failed" if status == "FAILED" else f"ended {status}"
    return f"{where or f'Execution {execution_id}'} {ended}" + (f": {words}" if words else "")


def _outputs(
    execution_id: str, status: str, outputs: Any = None, error: str | None = None
) -> dict[str, Any]:
    return {
        "execution_id": execution_id,
        "status": status,
        "outputs": outputs or {},
        "error": error,
    }
