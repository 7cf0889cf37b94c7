"""Parks until a number of different events has come."""

from __future__ import annotations

from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    EventAction,
    EventContext,
    EventResult,
    ExecutionMode,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    StepStatus,
    register_action,
)

META = ActionMeta(
    type="probe_collect",
    name="Collect",
    category="Probe",
    description="Wait for events and keep all of them.",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    params=(
        ParamDefinition(name="key", label="External id", required=True),
        ParamDefinition(name="wanted", label="Wanted", type=ParamType.NUMBER, default=1),
        ParamDefinition(name="wait_seconds", label="Patience", type=ParamType.NUMBER, default=60),
    ),
    outputs=(
        OutputDefinition(name="seen", type="array"),
        OutputDefinition(name="calls", type="integer"),
    ),
)


@register_action(META)
class Collect(BaseActionExecutor):
    """An update that is lost, or applied twice, shows in the outputs."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Park on the external id of the params."""
        return ActionResult(
            success=True,
            outputs={"seen": [], "calls": 0},
            awaiting_event=True,
            external_workflow_id=context.params["key"],
            timeout_seconds=context.params.get("wait_seconds", 60),
        )

    def on_event(self, context: EventContext) -> EventResult:
        """Add the event's number; complete when enough have come."""
        seen = [*context.step_outputs["seen"], context.event_data["number"]]
        outputs = {"seen": seen, "calls": context.step_outputs["calls"] + 1}
        if len(seen) < context.params.get("wanted", 1):
            return EventResult(action=EventAction.UPDATE_OUTPUTS, outputs=outputs)
        return EventResult(
            action=EventAction.COMPLETE, status=StepStatus.COMPLETED, outputs=outputs
        )
