"""Batch Onboard Models Action.

Onboards multiple models required by guardrail rules.
Uses event-driven completion - waits for all models to complete.
"""

from __future__ import annotations

import structlog

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

logger = structlog.get_logger(__name__)


class BatchOnboardExecutor(BaseActionExecutor):
    """Executor for batch model onboarding."""

    async def execute(self, context: ActionContext) -> ActionResult:
        """Start onboarding workflows for all models."""
        models = context.params.get("models", [])
        credential_id = context.params.get("credential_id")
        user_id = context.params.get("user_id") or context.workflow_params.get("user_id")

        if not models:
            return ActionResult(
                success=True,
                outputs={
                    "results": [],
                    "all_succeeded": True,
                    "total": 0,
                    "completed": 0,
                    "failed": 0,
                },
            )

        logger.info(
            "batch_onboard_starting",
            step_id=context.step_id,
            model_count=len(models),
        )

        workflow_ids = []
        pending_results = []

        for model in models:
            try:
                response = await context.invoke_service(
                    app_id=settings.budapp_app_id,
                    method_path="/models/local-model-workflow",
                    http_method="POST",
                    params={"user_id": user_id} if user_id else None,
                    data={
                        "workflow_total_steps": 1,
                        "step_number": 1,
                        "trigger_workflow": True,
                        "provider_type": model.get("model_provider_type", "hugging_face"),
                        "uri": model["model_uri"],
                        "name": model["model_uri"].split("/")[-1],
                        "credential_id": credential_id,
                        "callback_topic": CALLBACK_TOPIC,
                    },
                    timeout_seconds=60,
                )

                workflow_id = response.get("data", {}).get("workflow_id") or response.get("workflow_id")
                workflow_ids.append(str(workflow_id))
                pending_results.append({
                    "rule_id": model["rule_id"],
                    "model_uri": model["model_uri"],
                    "workflow_id": str(workflow_id),
                    "status": "running",
                    "model_id": None,
                })

            except Exception as e:
                logger.error(
                    "batch_onboard_model_failed",
                    step_id=context.step_id,
                    model_uri=model.get("model_uri"),
                    error=str(e),
                )
                # Partial success = failure, so fail immediately
                return ActionResult(
                    success=False,
                    outputs={
                        "results": pending_results,
                        "all_succeeded": False,
                        "total": len(models),
                        "completed": 0,
                        "failed": 1,
                    },
                    error=f"Failed to start onboarding for {model.get('model_uri')}: {e!s}",
                )

        # Combine all workflow IDs for tracking
        combined_id = ",".join(workflow_ids)

        return ActionResult(
            success=True,
            outputs={
                "results": pending_results,
                "all_succeeded": False,  # Will be True when all complete
                "total": len(models),
                "completed": 0,
                "failed": 0,
                "pending_workflow_ids": workflow_ids,
            },
            awaiting_event=True,
            external_workflow_id=combined_id,
            timeout_seconds=context.params.get("max_wait_seconds", 1800),
        )

    async def on_event(self, context: EventContext) -> EventResult:
        """Process completion events for model onboarding."""
        event_type = context.event_data.get("type", "")
        workflow_id = context.event_data.get("workflow_id", "")

        logger.info(
            "batch_onboard_event_received",
            step_execution_id=context.step_execution_id,
            event_type=event_type,
            workflow_id=workflow_id,
        )

        if event_type != "workflow_completed":
            return EventResult(action=EventAction.IGNORE)

        # Get current results from step outputs
        current_results = context.step_outputs.get("results", [])
        pending_ids = context.step_outputs.get("pending_workflow_ids", [])

        # Update the matching result
        status = context.event_data.get("status", "UNKNOWN")
        result_data = context.event_data.get("result", {})

        for result in current_results:
            if result.get("workflow_id") == workflow_id:
                if status == "COMPLETED":
                    result["status"] = "completed"
                    result["model_id"] = result_data.get("model_id")
                else:
                    result["status"] = "failed"
                    result["error"] = context.event_data.get("reason", "Unknown error")
                break

        # Check if all completed
        completed = sum(1 for r in current_results if r.get("status") == "completed")
        failed = sum(1 for r in current_results if r.get("status") == "failed")
        total = len(current_results)

        if failed > 0:
            # Partial success = failure
            return EventResult(
                action=EventAction.COMPLETE,
                status=StepStatus.FAILED,
                outputs={
                    "results": current_results,
                    "all_succeeded": False,
                    "total": total,
                    "completed": completed,
                    "failed": failed,
                },
                error=f"Model onboarding failed: {failed}/{total} models failed",
            )

        if completed == total:
            return EventResult(
                action=EventAction.COMPLETE,
                status=StepStatus.COMPLETED,
                outputs={
                    "results": current_results,
                    "all_succeeded": True,
                    "total": total,
                    "completed": completed,
                    "failed": 0,
                },
            )

        # Still waiting for more completions - update outputs but don't complete
        return EventResult(
            action=EventAction.UPDATE_OUTPUTS,
            outputs={
                "results": current_results,
                "all_succeeded": False,
                "total": total,
                "completed": completed,
                "failed": failed,
                "pending_workflow_ids": pending_ids,
            },
        )


META = ActionMeta(
    type="guardrail.batch_onboard_models",
    version="1.0.0",
    name="Batch Onboard Models",
    description="Onboard multiple models required by guardrail rules",
    category="Guardrail",
    icon="database-plus",
    color="#10B981",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=1800,
    idempotent=False,
    required_services=["budapp"],
    params=[
        ParamDefinition(
            name="models",
            label="Models to Onboard",
            type=ParamType.JSON,
            required=True,
            description="Array of models: [{rule_id, model_uri, model_provider_type}]",
        ),
        ParamDefinition(
            name="credential_id",
            label="Credential ID",
            type=ParamType.STRING,
            required=True,
            description="Credential for accessing gated models",
        ),
        ParamDefinition(
            name="user_id",
            label="User ID",
            type=ParamType.STRING,
            required=False,
            description="User initiating the onboarding",
        ),
        ParamDefinition(
            name="max_wait_seconds",
            label="Max Wait Time",
            type=ParamType.NUMBER,
            required=False,
            default=1800,
            description="Maximum time to wait for all models to onboard",
        ),
    ],
    outputs=[
        OutputDefinition(
            name="results",
            type="json",
            description="Array of results: [{rule_id, model_id, status}]",
        ),
        OutputDefinition(
            name="all_succeeded",
            type="boolean",
            description="Whether all models were onboarded successfully",
        ),
        OutputDefinition(
            name="total",
            type="number",
            description="Total number of models",
        ),
        OutputDefinition(
            name="completed",
            type="number",
            description="Number of successfully completed",
        ),
        OutputDefinition(
            name="failed",
            type="number",
            description="Number of failed",
        ),
    ],
)


@register_action(META)
class BatchOnboardAction:
    """Batch onboard action for entry point registration."""

    meta = META
    executor_class = BatchOnboardExecutor
