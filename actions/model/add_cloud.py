"""Adds a model that a provider runs; nothing is fetched, so it is there at once."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    ServiceError,
    ServiceResponse,
    register_action,
    settings,
)

from ..peers.answers import at, id_in, workflow_id
from ..peers.calls import accepted, for_user, not_done

START_SECONDS = 60

MODEL_IDS = ("workflow_steps.model_id", "data.model_id", "model_id", "data.id")

META = ActionMeta(
    type="cloud_model_add",
    name="Add Cloud Model",
    category="Model Operations",
    description="Adds a model that a provider runs.",
    icon="cloud-upload",
    color="#6366F1",
    timeout_seconds=120,
    idempotent=True,
    needs_keys_at=["budapp"],
    required_services=["budapp"],
    params=[
        ParamDefinition(
            "provider_id",
            "Provider",
            ParamType.PROVIDER_REF,
            required=True,
            description="Who runs the model.",
        ),
        ParamDefinition(
            "cloud_model_id",
            "Cloud model",
            ParamType.CLOUD_MODEL_REF,
            description="The entry in the catalogue of the provider.",
        ),
        ParamDefinition(
            "model_name",
            "Model name",
            required=True,
            description="What it is to be called.",
            secrets=False,
        ),
        ParamDefinition(
            "model_uri",
            "Model URI",
            placeholder="gpt-4o",
            description="What the provider calls it; the model name if nothing is given.",
            secrets=False,
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether the model was added."),
        OutputDefinition("model_id", "string", "The model; null if budapp does not say it."),
        OutputDefinition("model_name", "string", "What it is called."),
        OutputDefinition("provider_id", "string", "Who runs it."),
        OutputDefinition("workflow_id", "string", "The workflow of budapp, or null."),
        OutputDefinition("status", "string", "completed or failed."),
        OutputDefinition("message", "string", "The same in words."),
    ],
    examples=[
        ActionExample(
            "From a provider",
            {"provider_id": "{{ params.provider_id }}", "model_name": "gpt-4o"},
        )
    ],
)


@register_action(META)
class CloudModelAdd(BaseActionExecutor):
    """Has budapp go through the only step of its workflow."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Add the model."""
        try:
            response = _added(context)
        except ServiceError as error:
            return not_done("Failed to add cloud model", error, _outputs(context))
        model_id = id_in(response, *MODEL_IDS)
        # A workflow that is done has made its model, also if it does not say which one.
        is_done = "completed" in {_status(response, "data.status"), _status(response, "status")}
        if model_id is None and not is_done:
            silence = ServiceError("budapp returned no model_id", retryable=False)
            return not_done("Failed to add cloud model", silence, _outputs(context))
        facts = {"model_id": model_id, "workflow_id": workflow_id(response)}
        done = {"success": True, "status": "completed", "message": "The model was added"}
        return ActionResult(success=True, outputs=_outputs(context, **facts, **done))


def _added(context: ActionContext) -> ServiceResponse:
    params = context.params
    response = context.start_once(
        settings.budapp_app_id,
        "/models/cloud-model-workflow",
        data={
            "workflow_total_steps": 1,
            "step_number": 1,
            "trigger_workflow": True,
            "provider_type": "cloud_model",
            "provider_id": params["provider_id"],
            "cloud_model_id": params.get("cloud_model_id") or None,
            "name": params["model_name"],
            "uri": params.get("model_uri") or params["model_name"],
            "tags": [],
            "modality": ["text_input", "text_output"],
        },
        params=for_user(context),
        timeout_seconds=START_SECONDS,
    )
    return accepted(response)


def _status(response: ServiceResponse, place: str) -> str:
    return str(at(response, place)).lower()


def _outputs(context: ActionContext, **facts: Any) -> dict[str, Any]:
    return {
        "success": False,
        "model_id": None,
        "model_name": context.params.get("model_name"),
        "provider_id": context.params.get("provider_id"),
        "workflow_id": None,
        "status": "failed",
        "message": "",
        **facts,
    }
