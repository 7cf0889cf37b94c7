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
from pipeline_engine.sdk import settings
from pipeline_engine.sdk import CALLBACK_TOPIC

import structlog

logger = structlog.get_logger(__name__)


class DeploymentDeleteExecutor(BaseActionExecutor):
    """Executor for deleting deployments."""

    async def execute(self, context: ActionContext) -> ActionResult:
        """Initiate delete operation."""
        endpoint_id = context.params.get("endpoint_id", "")

        try:
            # CRITICAL: Pass callback_topic so events are published back
            response = await context.invoke_service(
                app_id=settings.budapp_app_id,
                method_path=f"endpoints/{endpoint_id}/delete-workflow",
                http_method="POST",
                data={"callback_topic": CALLBACK_TOPIC},
                timeout_seconds=60,
            )

            # Extract workflow_id from response for event matching
            workflow_id = response.get("workflow_id")

            if workflow_id:
                # Event-driven: wait for completion events
                return ActionResult(
                    success=True,
                    awaiting_event=True,
                    external_workflow_id=str(workflow_id),  # CRITICAL: Must match event's workflow_id
                    timeout_seconds=300,
                    outputs={
                        "endpoint_id": endpoint_id,
                        "workflow_id": str(workflow_id),
                        "status": "deleting",
                    },
                )

            # Sync completion (e.g., cloud model)
            return ActionResult(
                success=True,
                outputs={"endpoint_id": endpoint_id, "status": "deleted"},
            )

        except Exception as e:
            return ActionResult(
                success=False,
                error=str(e),
                outputs={"endpoint_id": endpoint_id, "status": "failed"},
            )

    async def on_event(self, context: EventContext) -> EventResult:
        """Handle completion events from external service."""
        event_type = context.event_data.get("type", "")
        payload = context.event_data.get("payload", {})
        event_name = payload.get("event", "")
        content = payload.get("content", {})
        status = content.get("status", "")

        logger.info(
            "delete_event_received",
            step_execution_id=context.step_execution_id,
            event_type=event_type,
            event_name=event_name,
            status=status,
        )

        # Handle completion
        if event_name == "results" and status == "COMPLETED":
            return EventResult(
                action=EventAction.COMPLETE,
                status=StepStatus.COMPLETED,
                outputs={
                    "success": True,
                    "endpoint_id": context.step_outputs.get("endpoint_id"),
                    "status": "deleted",
                    "message": content.get("message", "Deleted successfully"),
                },
            )

        # Handle failure
        if status == "FAILED":
            error_msg = content.get("message", "Operation failed")
            return EventResult(
                action=EventAction.COMPLETE,
                status=StepStatus.FAILED,
                outputs={"success": False, "status": "failed"},
                error=error_msg,
            )

        # Ignore intermediate events, keep waiting
        return EventResult(action=EventAction.IGNORE)


# The guide leaves these to its reader.
META = ActionMeta(
    type="deployment_delete",
    version="1.0.0",
    name="Delete Deployment",
    description="Deletes a deployment",
    category="Deployment",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    idempotent=True,
    required_services=["budapp"],
    params=[
        ParamDefinition(
            name="endpoint_id",
            label="Endpoint",
            type=ParamType.ENDPOINT_REF,
            required=True,
            description="The endpoint to delete",
        ),
    ],
    outputs=[
        OutputDefinition(name="endpoint_id", type="string", description="The endpoint"),
        OutputDefinition(name="status", type="string", description="Its status"),
    ],
)


@register_action(META)
class DeploymentDeleteAction:
    meta = META
    executor_class = DeploymentDeleteExecutor
