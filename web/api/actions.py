"""``/actions``: what steps can do."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response

from pipeline_engine.services import Scope
from pipeline_engine.services import actions as services

from .blueprint import Blueprint
from .context import runtime
from .kept import kept
from .schemas.actions import ActionSchema, PaletteSchema, ParamsBody, ParamsReportSchema

UNCHANGED = "The client has this already: `If-None-Match` names its `ETag`."

actions = Blueprint("actions", __name__, description="What steps can do.")


@actions.on("GET", operation="list_actions", scope=Scope.ACTIONS_READ)
@actions.answers(200, PaletteSchema)
@actions.or_answers(304, meaning=UNCHANGED)
def list_actions() -> Response:
    """List every installed action by category, and the broken ones with their reason."""
    registry, settings = runtime().registry, runtime().settings
    key = (registry, registry.changes)
    return kept(key, lambda: PaletteSchema().dump(services.palette(registry, settings)))


@actions.on("GET", "/<action_type>", operation="get_action", scope=Scope.ACTIONS_READ)
@actions.answers(200, ActionSchema)
@actions.or_answers(304, meaning=UNCHANGED)
def show(action_type: str) -> Response:
    """Return what one action says about itself; `greet@2` is its newest 2.x."""
    registry = runtime().registry
    found = services.get(registry, runtime().settings, action_type)
    key = (registry, registry.changes, found.meta.type, found.meta.version)
    return kept(key, partial(ActionSchema().dump, found))


@actions.on("POST", "/validate", operation="validate_params", scope=Scope.ACTIONS_READ)
@actions.body(ParamsBody)
@actions.answers(200, ParamsReportSchema)
def validate(body: dict[str, Any]) -> Any:
    """Check params against an action: its metadata first, then the action's own rules."""
    action_type = body.get("actionType") or body["action_type"]
    errors = services.problems(runtime().registry, action_type, body["params"])
    return {"valid": not errors, "errors": errors}
