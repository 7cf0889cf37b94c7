"""Deletes a model."""

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
    path_segment,
    register_action,
    settings,
)

from ..peers.calls import for_user, not_done

META = ActionMeta(
    type="model_delete",
    name="Delete Model",
    category="Model Operations",
    description="Deletes a model.",
    icon="trash",
    color="#EF4444",
    timeout_seconds=60,
    # A model that is gone already is what was wanted.
    idempotent=True,
    required_services=["budapp"],
    params=[
        ParamDefinition(
            "model_id",
            "Model",
            ParamType.MODEL_REF,
            required=True,
            description="The model to delete.",
        ),
        ParamDefinition(
            "force",
            "Force",
            ParamType.BOOLEAN,
            default=False,
            description="Delete it although something still uses it.",
        ),
    ],
    outputs=[
        OutputDefinition("success", "boolean", "Whether it is gone."),
        OutputDefinition("model_id", "string", "The model."),
        OutputDefinition("message", "string", "The same in words."),
    ],
    examples=[ActionExample("Tidy up", {"model_id": "{{ steps.add.outputs.model_id }}"})],
)


@register_action(META)
class ModelDelete(BaseActionExecutor):
    """Asks budapp to delete it."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Delete the model."""
        model_id = context.params["model_id"]
        try:
            message = _deleted(context, model_id)
        except ServiceError as error:
            return not_done("Failed to delete model", error, _outputs(model_id, success=False))
        return ActionResult(success=True, outputs=_outputs(model_id, message=message))


def _deleted(context: ActionContext, model_id: Any) -> str:
    force = "true" if context.params.get("force") else "false"
    try:
        response = context.invoke_service(
            settings.budapp_app_id,
            f"/models/{path_segment(model_id)}",
            http_method="DELETE",
            params={"force": force, **for_user(context)},
        )
    except ServiceError as error:
        # Deleted by an attempt before this one, whose answer was lost.
        if error.status != 404 or context.attempt == 1:
            raise
        return "The model was deleted before"
    return str(response.get("message") or "The model was deleted")


def _outputs(model_id: Any, **facts: Any) -> dict[str, Any]:
    return {"success": True, "model_id": model_id, "message": "", **facts}
