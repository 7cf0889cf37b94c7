"""``/actions``: what steps can do."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Scope
from pipeline_engine.services import actions as services

from .blueprint import Blueprint
from .context import runtime
from .schemas.actions import ActionSchema, PaletteSchema, ParamsBody, ParamsReportSchema

actions = Blueprint("actions", __name__, description="What steps can do.")


@actions.on("GET", operation="list_actions", scope=Scope.ACTIONS_READ)
@actions.answers(200, PaletteSchema)
def list_actions() -> Any:
    """List every installed action by category, and the broken ones with their reason."""
    return services.palette(runtime().registry, runtime().settings)


@actions.on("GET", "/<action_type>", operation="get_action", scope=Scope.ACTIONS_READ)
@actions.answers(200, ActionSchema)
def show(action_type: str) -> Any:
    """Return what one action says about itself."""
    return services.get(runtime().registry, runtime().settings, action_type)


@actions.on("POST", "/validate", operation="validate_params", scope=Scope.ACTIONS_READ)
@actions.body(ParamsBody)
@actions.answers(200, ParamsReportSchema)
def validate(body: dict[str, Any]) -> Any:
    """Check params against an action: its metadata first, then the action's own rules."""
    action_type = body.get("actionType") or body["action_type"]
    errors = services.problems(runtime().registry, action_type, body["params"])
    return {"valid": not errors, "errors": errors}
