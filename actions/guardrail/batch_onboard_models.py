"""Onboards the models that guardrail rules need, all at once; one failure fails the step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_engine.sdk import (
    CALLBACK_TOPIC,
    ActionContext,
    ActionMeta,
    ActionResult,
    EventAction,
    EventContext,
    EventEnvelope,
    EventResult,
    ExecutionMode,
    FanOutActionExecutor,
    Item,
    ItemResult,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    ServiceError,
    StepStatus,
    ValidationRules,
    path_segment,
    register_action,
    settings,
)

from .models import max_wait_seconds, model_items
from .onboarded_model import onboarded_model
from .peer_answers import workflow_id

HUGGING_FACE = "hugging_face"
MAX_WAIT_SECONDS = 1800
EXTRACTION_TYPES = ("perform_model_extraction", "model_extraction")

#: How far an onboarding is when a stage of it is done.
PROGRESS = {"validation": 10, "model_download": 60, "model_extraction": 80, "save_model": 95}

META = ActionMeta(
    type="guardrail_batch_onboard_models",
    name="Batch Onboard Models",
    category="Guardrail",
    description="Onboards the models that guardrail rules need.",
    icon="database-plus",
    color="#10B981",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=MAX_WAIT_SECONDS,
    # Rests on budapp answering a repeated idempotency key with the workflow of the first call;
    # where it does not, a pipeline says idempotent: false.
    idempotent=True,
    required_services=["budapp", "budmodel"],
    aliases=["guardrail.batch_onboard_models"],
    params=[
        ParamDefinition(
            "models",
            "Models",
            ParamType.JSON,
            required=True,
            description="A list of {rule_id, model_uri, model_provider_type}.",
        ),
        ParamDefinition(
            "credential_id",
            "Credential",
            ParamType.CREDENTIAL_REF,
            required=True,
            description="For gated models on Hugging Face.",
        ),
        ParamDefinition(
            "user_id",
            "User",
            description="Accepted and not believed: peers see the user of the execution.",
        ),
        ParamDefinition(
            "max_wait_seconds",
            "Time to wait",
            ParamType.NUMBER,
            default=MAX_WAIT_SECONDS,
            description="How long each model may take.",
            validation=ValidationRules(min=1),
        ),
    ],
    outputs=[
        OutputDefinition(
            "results",
            "array",
            "In order: {rule_id, model_uri, workflow_id, status, model_id, error}.",
        ),
        OutputDefinition("all_succeeded", "boolean", "Whether every model was onboarded."),
        OutputDefinition("total", "number", "How many models there were."),
        OutputDefinition("completed", "number", "How many were onboarded."),
        OutputDefinition(
            "failed", "number", "How many failed; those that were called off are not among them."
        ),
        OutputDefinition("pending_workflow_ids", "array", "Workflows that were given up."),
    ],
)


@register_action(META)
class BatchOnboardModels(FanOutActionExecutor):
    """Starts one budapp workflow per model and waits for the events of all."""

    def expand(self, context: ActionContext) -> list[Item]:
        """Return one item per model."""
        return model_items(context)

    def execute_item(self, context: ActionContext) -> ActionResult:
        """Start the onboarding of one model."""
        response = context.invoke_service(
            settings.budapp_app_id,
            "/models/local-model-workflow",
            data=_onboarding(context),
            params={"user_id": context.acting_user_id},
            timeout_seconds=60,
        )
        started = workflow_id(response)
        if started is None:
            raise ServiceError("No workflow_id returned from budapp", retryable=False)
        return ActionResult(
            success=True,
            awaiting_event=True,
            external_workflow_id=started,
            timeout_seconds=max_wait_seconds(context, MAX_WAIT_SECONDS),
            outputs=_line(context.item, workflow_id=started, status="running"),
        )

    def on_event(self, context: EventContext) -> EventResult:
        """Read one event of one model."""
        event = EventEnvelope.of(context.event_data)
        if event.has_failed:
            return _failure(event)
        if event.type == "workflow_completed" or (_is_extraction(event) and event.has_results):
            found = event.result.get("model_id") or onboarded_model(
                context, context.external_workflow_id
            )
            return EventResult(
                action=EventAction.COMPLETE,
                status=StepStatus.COMPLETED,
                outputs={"status": "completed", "model_id": found, "error": None},
            )
        if not _is_extraction(event):
            return EventResult(action=EventAction.IGNORE)
        return _news(event)

    def join(
        self,
        context: ActionContext,  # noqa: ARG002 - the contract
        results: Sequence[ItemResult],
    ) -> ActionResult:
        """Collect the models; a part of them is not enough."""
        lines = [_joined(result) for result in results]
        completed = sum(result.succeeded for result in results)
        failed = sum(not (result.succeeded or result.called_off) for result in results)
        success = completed == len(lines)
        message = f"Model onboarding failed: {failed}/{len(lines)} models failed"
        return ActionResult(
            success=success,
            error=None if success else message,
            error_code=None if success else "models_failed",
            outputs={
                "results": lines,
                "all_succeeded": success,
                "total": len(lines),
                "completed": completed,
                "failed": failed,
                "pending_workflow_ids": [
                    line["workflow_id"] for line in lines if line["status"] == "running"
                ],
            },
        )

    def cleanup(self, context: ActionContext) -> None:
        """Ask budapp to cancel; onboarded models are kept, and so is a workflow that it keeps."""
        for external_id in context.external_workflow_ids:
            try:
                context.invoke_service(
                    settings.budapp_app_id,
                    f"/workflows/{path_segment(external_id)}/cancel",
                    params={"user_id": context.acting_user_id},
                )
            except ServiceError as error:
                context.log.warning("onboarding_not_cancelled", reason=str(error))


def _onboarding(context: ActionContext) -> dict[str, Any]:
    model = context.item
    provider = model.get("model_provider_type") or HUGGING_FACE
    credential = context.params.get("credential_id")
    # budapp reads the second name, its callers used to send the first; any other provider
    # is refused with 422 when a credential comes along.
    named = {"credential_id": credential, "proprietary_credential_id": credential}
    return {
        "workflow_total_steps": 1,
        "step_number": 1,
        "trigger_workflow": True,
        "provider_type": provider,
        "uri": model["model_uri"],
        "name": str(model["model_uri"]).rstrip("/").rsplit("/", 1)[-1],
        "callback_topic": CALLBACK_TOPIC,
        **(named if provider == HUGGING_FACE and credential else {}),
    }


def _is_extraction(event: EventEnvelope) -> bool:
    return event.payload_type in EXTRACTION_TYPES or event.type in EXTRACTION_TYPES


def _failure(event: EventEnvelope) -> EventResult:
    reason = event.message or event.title or "Unknown error"
    return EventResult(
        action=EventAction.COMPLETE,
        status=StepStatus.FAILED,
        outputs={"status": "failed", "error": reason},
        error=reason,
        error_code="onboarding_failed",
    )


def _news(event: EventEnvelope) -> EventResult:
    progress = PROGRESS.get(event.event) if event.status == "COMPLETED" else None
    if progress is None and event.eta_minutes is None:
        return EventResult(action=EventAction.IGNORE)
    return EventResult(
        action=EventAction.UPDATE_PROGRESS, progress=progress, eta_minutes=event.eta_minutes
    )


def _line(model: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    return {
        "rule_id": model.get("rule_id"),
        "model_uri": model.get("model_uri"),
        "workflow_id": None,
        "status": "failed",
        "model_id": None,
        "error": None,
        **facts,
    }


def _joined(result: ItemResult) -> dict[str, Any]:
    line = _line(result.value, **result.outputs)
    if not result.succeeded:
        gave_up = line["workflow_id"] is not None and line["status"] == "running"
        status = "running" if gave_up else "cancelled" if result.called_off else "failed"
        return {**line, "status": status, "error": result.error or line["error"]}
    return {**line, "status": "completed"}
