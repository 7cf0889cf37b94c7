"""Onboards the models that guardrail rules need, all at once; one failure fails the step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
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
    ValidationRules,
    register_action,
)

from ..peers.answers import workflow_id
from ..peers.calls import max_wait_seconds
from ..peers.jobs import completed, failed, reason_in, results_follow, unfinished_before
from ..peers.onboarding import (
    HUGGING_FACE,
    ONBOARDING,
    credential_for,
    onboarded_model_id,
    start_onboarding,
)
from .models import for_each_rule, model_items

MAX_WAIT_SECONDS = 1800

META = ActionMeta(
    type="guardrail_batch_onboard_models",
    name="Batch Onboard Models",
    category="Guardrail",
    description="Onboards the models that guardrail rules need.",
    icon="database-plus",
    color="#10B981",
    execution_mode=ExecutionMode.EVENT_DRIVEN,
    timeout_seconds=MAX_WAIT_SECONDS,
    idempotent=True,
    needs_keys_at=["budapp"],
    required_services=["budapp", "budmodel"],
    aliases=["guardrail.batch_onboard_models"],
    params=[
        ParamDefinition(
            "models",
            "Models",
            ParamType.JSON,
            required=True,
            description="A list of {rule_id, model_uri, model_provider_type, rule_ids}.",
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
        model = context.item
        started = unfinished_before(context) or _started(context)
        return ONBOARDING.parked(
            started,
            _line(model, workflow_id=started, status="running"),
            max_wait_seconds(context, MAX_WAIT_SECONDS),
        )

    def on_event(self, context: EventContext) -> EventResult:
        """Read one event of one model."""
        event = EventEnvelope.of(context.event_data)
        if ONBOARDING.has_failed(event):
            reason = reason_in(event)
            return failed(reason, ONBOARDING.error_code, {"status": "failed", "error": reason})
        if ONBOARDING.has_ended(event):
            model_id = onboarded_model_id(context, event)
            if not results_follow(event, model_id):
                return completed(status="completed", model_id=model_id, error=None)
        return ONBOARDING.news(event)

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
        by_rule = [
            one
            for result, line in zip(results, lines, strict=True)
            for one in for_each_rule(result.value, line)
        ]
        return ActionResult(
            success=success,
            error=None if success else message,
            error_code=None if success else "models_failed",
            outputs={
                "results": by_rule,
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
        """Ask budapp to cancel; onboarded models are kept, and so is a workflow that it keeps.

        A workflow whose id nobody has heard yet is found by the key of the call that started it.
        """
        ONBOARDING.call_off(context)
        if context.external_workflow_ids or context.item is None or not context.may_repeat:
            return
        try:
            started = unfinished_before(context) or _started(context)
        except ServiceError as error:
            context.log.warning("job_not_found", reason=str(error))
            return
        if started is not None:
            ONBOARDING.call_off_one(context, started)


def _started(context: ActionContext) -> str | None:
    model = context.item
    source = model.get("model_provider_type") or HUGGING_FACE
    named = credential_for(source, context.params.get("credential_id"))
    # The callers of budapp used to send the other name.
    both = {**named, "credential_id": context.params["credential_id"]} if named else {}
    return workflow_id(start_onboarding(context, source, str(model["model_uri"]), **both))


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
