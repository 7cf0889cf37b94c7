"""``/actions``: what steps can do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline_engine.services import Scope, stored_actions
from pipeline_engine.services import actions as services
from pipeline_engine.services.stored_actions import ShownStored

from .blueprint import Blueprint
from .context import caller, runtime, session
from .errors import is_storage_away
from .kept import kept
from .preconditions import etag
from .schemas.actions import OneActionSchema, PaletteSchema, ParamsBody, ParamsReportSchema

UNCHANGED = "The client has this already: `If-None-Match` names its `ETag`."
#: Owners with stored actions whose palettes are kept.
OWNERS = 32

actions = Blueprint("actions", __name__, description="What steps can do.")


@actions.on("GET", operation="list_actions", scope=Scope.ACTIONS_READ)
@actions.answers(200, PaletteSchema)
@actions.or_answers(304, meaning=UNCHANGED)
def list_actions() -> Response:
    """List every action by category, and the broken ones with their reason.

    Stored actions are those of the owner for whom the caller acts, and those of the system.
    """
    registry, settings = runtime().registry, runtime().settings
    key, marks = (registry, registry.changes), marks_of_caller()
    if not marks:
        return kept(key, lambda: PaletteSchema().dump(services.palette(registry, settings)))
    return kept((*key, caller().user_id, *marks), _palette, most=OWNERS)


def marks_of_caller() -> Sequence[tuple[str, int]]:
    """The stored actions that the caller sees; none while the database is away."""
    try:
        return stored_actions.marks_of(caller(), session())
    except (DBAPIError, PoolTimeout) as error:
        if not is_storage_away(error):
            raise
        return ()


def _palette() -> Any:
    installed = services.palette(runtime().registry, runtime().settings)
    its = stored_actions.shown_to(caller(), session(), runtime())
    return PaletteSchema().dump(its.beside(installed))


@actions.on("GET", "/<action_type>", operation="get_action", scope=Scope.ACTIONS_READ)
@actions.answers(200, OneActionSchema)
@actions.or_answers(304, meaning=UNCHANGED)
def show(action_type: str) -> Response | tuple[ShownStored, dict[str, str]]:
    """Return what one action says about itself; `greet@2` is its newest 2.x.

    `ETag` of a stored one is what `If-Match` of a change has to name.
    """
    registry = runtime().registry
    if not _is_installed(action_type):
        stored = stored_actions.get(caller(), session(), runtime(), action_type)
        return stored, etag(stored.stored.lock_version)
    found = services.get(registry, runtime().settings, action_type)
    key = (registry, registry.changes, found.meta.type, found.meta.version)
    return kept(key, partial(OneActionSchema().dump, found))


@actions.on("POST", "/validate", operation="validate_params", scope=Scope.ACTIONS_READ)
@actions.body(ParamsBody)
@actions.answers(200, ParamsReportSchema)
def validate(body: dict[str, Any]) -> Any:
    """Check params against an action: its metadata first, then the action's own rules."""
    action_type = body.get("actionType") or body["action_type"]
    if _is_installed(action_type):
        errors = services.problems(runtime().registry, action_type, body["params"])
    else:
        given = (action_type, body["params"])
        errors = stored_actions.problems(caller(), session(), runtime(), *given)
    return {"valid": not errors, "errors": errors}


def _is_installed(name: str) -> bool:
    """Whether a package has this name, be it broken: nothing that is stored takes its place."""
    registry = runtime().registry
    return len(registry.versions(name)) > 0 or name in registry.broken
