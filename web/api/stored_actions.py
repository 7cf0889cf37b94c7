"""``/actions`` that are data: made, replaced and deleted; ``actions.py`` shows them."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Act, Scope
from pipeline_engine.services import stored_actions as services
from pipeline_engine.services.stored_actions import ShownStored

from .blueprint import Blueprint
from .context import caller, runtime, session
from .preconditions import etag, expected_versions, versions_if_given
from .schemas.actions import ActionBody, OneActionSchema, VersionsOfActionSchema

stored_actions = Blueprint("stored_actions", __name__, description="Actions that are data.")


@stored_actions.on(
    "POST", operation="create_action", scope=Scope.ACTIONS_WRITE, act=Act.ACTION_CREATE
)
@stored_actions.body(ActionBody)
@stored_actions.answers(201, OneActionSchema)
def create(body: dict[str, Any]) -> tuple[ShownStored, dict[str, str]]:
    """Store an action: a template over another one, or a composite of several."""
    stored = services.create(caller(), session(), runtime(), body)
    return stored, etag(stored.stored.lock_version)


@stored_actions.on(
    "PUT",
    "/<action_type>",
    operation="replace_action",
    scope=Scope.ACTIONS_WRITE,
    act=Act.ACTION_REPLACE,
)
@stored_actions.body(ActionBody)
@stored_actions.answers(200, OneActionSchema)
def replace(body: dict[str, Any], action_type: str) -> tuple[ShownStored, dict[str, str]]:
    """Add a version of a stored action; `If-Match` says which one you have seen.

    Pipelines keep the version that they were saved with.
    """
    with expected_versions(None) as versions:
        stored = services.replace(
            caller(), session(), runtime(), action_type, body, versions=versions
        )
    return stored, etag(stored.stored.lock_version)


@stored_actions.on(
    "DELETE",
    "/<action_type>",
    operation="delete_action",
    scope=Scope.ACTIONS_WRITE,
    act=Act.ACTION_DELETE,
)
@stored_actions.answers(204)
def delete(action_type: str) -> None:
    """Delete a stored action; pipelines that use it keep what they were saved with."""
    with versions_if_given() as versions:
        services.delete(caller(), session(), action_type, versions=versions)


@stored_actions.on(
    "GET", "/<action_type>/versions", operation="list_action_versions", scope=Scope.ACTIONS_READ
)
@stored_actions.answers(200, VersionsOfActionSchema)
def list_versions(action_type: str) -> Any:
    """List the versions of a stored action with their definitions, the newest first."""
    return {"versions": services.versions_of(caller(), session(), action_type)}
