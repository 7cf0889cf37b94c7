"""Steps that wait for the outside world: for events by an id, or for a call to their own URL."""

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

from .ledger import effect, send_letter

OUTPUTS = (OutputDefinition(name="seen", type="array"),)
PATIENCE = ParamDefinition(
    name="wait_seconds", label="Patience", type=ParamType.NUMBER, default=600
)
WANTED = ParamDefinition(name="wanted", label="Wanted", type=ParamType.NUMBER, default=1)


class _Collector(BaseActionExecutor):
    def on_event(self, context: EventContext) -> EventResult:
        """Add the event's number: one that is lost, or applied twice, shows in the outputs."""
        seen = [*context.step_outputs["seen"], context.event_data["number"]]
        if len(seen) < int(context.params.get("wanted", 1)):
            return EventResult(action=EventAction.UPDATE_OUTPUTS, outputs={"seen": seen})
        return EventResult(
            action=EventAction.COMPLETE, status=StepStatus.COMPLETED, outputs={"seen": seen}
        )


@register_action(
    ActionMeta(
        type="battery_collect",
        name="Collect",
        category="Battery",
        description="Park until a number of events has come for an id.",
        execution_mode=ExecutionMode.EVENT_DRIVEN,
        cheap=True,
        params=(
            ParamDefinition(name="key", label="External id", required=True),
            WANTED,
            PATIENCE,
        ),
        outputs=OUTPUTS,
    )
)
class Collect(_Collector):
    """Parks on the external id of its params."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Park."""
        with effect(context, idempotent=True):
            return ActionResult(
                success=True,
                outputs={"seen": []},
                awaiting_event=True,
                external_workflow_id=context.params["key"],
                timeout_seconds=float(context.params.get("wait_seconds", 600)),
            )


@register_action(
    ActionMeta(
        type="battery_ask",
        name="Ask",
        category="Battery",
        description="Tell the outside world a URL, and park until it is called.",
        execution_mode=ExecutionMode.EVENT_DRIVEN,
        params=(WANTED, PATIENCE),
        outputs=OUTPUTS,
    )
)
class Ask(_Collector):
    """Parks on the token of its attempt."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Send the URL, as a request to a peer would, and park."""
        with effect(context, idempotent=True):
            send_letter(context.callback_url)
        return ActionResult(
            success=True,
            outputs={"seen": []},
            awaiting_event=True,
            awaiting_callback=True,
            timeout_seconds=float(context.params.get("wait_seconds", 600)),
        )
