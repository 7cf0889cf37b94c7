"""Takes back one thing that a guardrail deployment has made; what is gone is not deleted again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import ActionContext, ServiceError, path_segment, settings

from ..peers.answers import id_in, inner
from ..peers.calls import accepted, for_user, looked_up
from .made import LEAVING, by_whom

#: What budapp says of something that is gone already.
GONE = 404
DEPLOYMENTS, PROFILES = "/guardrails/deployment", "/guardrails/profile"
TABLES = "/internal/guardrails/redis"


def deleted(context: ActionContext, place: str, identity: str) -> bool:
    """Delete what stands at *place*; false if it was gone. Raises ``ServiceError``."""
    path = f"{place}/{path_segment(identity)}"
    return _is_done(context, path, http_method="DELETE", data=_why(context))


def table_taken_back(context: ActionContext, profile_id: str, *, was_there: bool) -> bool:
    """Let the gateway read what it read before; false if nothing was changed.

    Only what this execution has written, unless budapp writes the tables: it knows who may delete
    one. Of a profile that *was_there* there may have been a table. Raises ``ServiceError``.
    """
    tables = context.gateway_tables
    if tables is not None:
        return tables.restore(profile_id, by=context.execution_id).was_there
    path = f"{TABLES}/{path_segment(profile_id)}/restore"
    restored = _is_done(context, path, data=by_whom(context))
    return restored or (not was_there and deleted(context, TABLES, profile_id))


def profile_deleted(context: ActionContext, profile_id: str) -> bool:
    """Delete a profile, and what else the gateway reads of it. Raises ``ServiceError``."""
    has_gone = deleted(context, PROFILES, profile_id)
    if has_gone and context.gateway_tables is not None:  # now that budapp has let the user do so
        context.gateway_tables.delete(profile_id)
    return has_gone


def endpoint_deleted(context: ActionContext, endpoint_id: str) -> bool:
    """Start the deletion of an endpoint; false if it is gone, or going. Raises ``ServiceError``."""
    path = f"/endpoints/{path_segment(endpoint_id)}"
    try:
        found = accepted(looked_up(context, path))
    except ServiceError as error:
        if error.status != GONE:
            raise
        return False
    if id_in(inner(found, "endpoint", "data", "result"), "status") in LEAVING:
        return False
    return _is_done(context, f"{path}/delete-workflow", data={"force": True, **_why(context)})


def profile_restored(
    context: ActionContext, profile_id: str, before: Mapping[str, Any] | None
) -> bool:
    """Let a profile say what it said *before*; false if it does. Raises ``ServiceError``."""
    if not before:
        return False
    path = f"{PROFILES}/{path_segment(profile_id)}"
    now = inner(looked_up(context, path), "profile", "data")
    if all(now.get(name) == value for name, value in before.items()):
        return False
    return _is_done(context, path, http_method="PUT", data=dict(before))


def _is_done(context: ActionContext, path: str, **call: Any) -> bool:
    try:
        accepted(
            context.invoke_service(settings.budapp_app_id, path, params=for_user(context), **call)
        )
    except ServiceError as error:
        if error.status != GONE:
            raise
        return False
    return True


def _why(context: ActionContext) -> dict[str, Any]:
    return {name: context.params.get(name) or None for name in ("reason", "workflow_id")}
