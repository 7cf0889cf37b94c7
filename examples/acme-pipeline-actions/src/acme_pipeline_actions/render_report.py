"""Has a service render a report, which takes minutes: an action that waits for an event."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import (
    CALLBACK_TOPIC,
    ActionContext,
    ActionError,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    EventAction,
    EventContext,
    EventEnvelope,
    EventResult,
    ExecutionMode,
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    StepStatus,
    path_segment,
    register_action,
)

SERVICE = "acme-reports"

META = ActionMeta(
    type="acme_render_report",
    name="Render a report",
    category="Acme",
    description="Renders a report and waits until it is there.",
    icon="file-text",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=3600,
    required_services=[SERVICE],
    needs_keys_at=[SERVICE],
    params=[
        ParamDefinition("title", "Title", required=True, description="The headline."),
        ParamDefinition(
            "rows",
            "Rows",
            ParamType.JSON,
            required=True,
            shape=JsonShape.ARRAY,
            description="What stands in it, an object for each row.",
        ),
    ],
    outputs=[
        OutputDefinition("report_id", "string", "Id that the service gave to the report."),
        OutputDefinition("status", "string", "rendering, rendered or failed."),
        OutputDefinition("url", "string", "Where the report is; empty until it is there."),
    ],
    examples=[ActionExample("One row", {"title": "Sales", "rows": [{"city": "Rome", "sold": 7}]})],
)


@register_action(META)
class RenderReport(BaseActionExecutor):
    """Holds no worker while the report is rendered."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Order the report, and park on its id.

        ``start_once``, since a report is paid for: if nobody can tell whether it was ordered, and
        the service does not know a repeated key, nothing is ordered again.
        """
        order = {name: context.params[name] for name in ("title", "rows")}
        answer = context.start_once(SERVICE, "/reports", {**order, "topic": CALLBACK_TOPIC})
        report_id = answer.get("id")
        if not isinstance(report_id, str) or not report_id:
            raise ActionError("The service has named no report")
        return ActionResult(
            success=True,
            awaiting_event=True,
            external_workflow_id=report_id,
            outputs=_outputs(report_id, "rendering"),
        )

    def on_event(self, context: EventContext) -> EventResult:
        """Read what is said of the report. Anybody may have said it, so nothing is believed."""
        event, report_id = EventEnvelope.of(context.event_data), context.external_workflow_id
        if event.type == "report_progress":
            return _progress(event.flat.get("percentage"))
        if event.has_failed:
            return EventResult(
                action=EventAction.COMPLETE,
                status=StepStatus.FAILED,
                error=event.message or "The report was not rendered",
                error_code="report_failed",
                outputs=_outputs(report_id, "failed"),
            )
        url = event.result.get("url")
        if event.type == "report_completed" and isinstance(url, str):
            return EventResult(
                action=EventAction.COMPLETE,
                status=StepStatus.COMPLETED,
                outputs=_outputs(report_id, "rendered", url),
            )
        return EventResult(action=EventAction.IGNORE)

    def cleanup(self, context: ActionContext) -> None:
        """Call the order off: the step was cancelled, or its time is up."""
        for report_id in context.external_workflow_ids:
            path = f"/reports/{path_segment(report_id)}"
            context.invoke_service(SERVICE, path, http_method="DELETE")


def _progress(percentage: object) -> EventResult:
    if not isinstance(percentage, int | float):
        return EventResult(action=EventAction.IGNORE)
    return EventResult(action=EventAction.UPDATE_PROGRESS, progress=percentage)


def _outputs(report_id: str, status: str, url: str = "") -> dict[str, Any]:
    """The same keys on every path, since later steps refer to them."""
    return {"report_id": report_id, "status": status, "url": url}
