"""The model that an onboarding workflow made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    EventContext,
    ServiceError,
    path_segment,
    settings,
)

from .peer_answers import inner


def onboarded_model(context: ActionContext | EventContext, workflow_id: str) -> str | None:
    """Ask budapp for the model of a finished workflow, because budmodel's events do not name it.

    ``None`` when budapp does not know it yet, or cannot be asked.
    """
    try:
        response = context.invoke_service(
            settings.budapp_app_id,
            f"/workflows/{path_segment(workflow_id)}",
            http_method="GET",
            params={"user_id": context.acting_user_id},
            timeout_seconds=10,
        )
    except ServiceError as error:
        context.log.warning("onboarded_model_unknown", reason=str(error))
        return None
    return _model_id(response)


def _model_id(response: Mapping[str, Any]) -> str | None:
    workflow = inner(response)
    steps = inner(workflow, "workflow_steps")
    model = steps.get("model")
    places = (
        steps.get("model_id"),
        model.get("id") if isinstance(model, Mapping) else None,
        workflow.get("model_id"),
    )
    return next((str(place) for place in places if place), None)
