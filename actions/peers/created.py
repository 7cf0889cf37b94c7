"""What a finished workflow of budapp has made: events do not name it, budapp does."""

from __future__ import annotations

from typing import Any

from pipeline_engine.sdk import ActionContext, ActionError, EventContext, path_segment

from .answers import at, id_in, inner
from .calls import looked_up

#: Seconds that budapp has to say it: the row of the step is locked while an event is read.
SECONDS = 5


def created_id(context: ActionContext | EventContext, workflow_id: str, noun: str) -> str | None:
    """Return the id of the *noun* (``model``, ``endpoint``, ``benchmark``) that a workflow made.

    None when budapp does not know it yet, or cannot be asked.
    """
    return id_in(_made_by(context, workflow_id), *_places(noun))


def created_endpoint(context: EventContext, workflow_id: str) -> dict[str, Any]:
    """Return ``endpoint_id`` and ``endpoint_url`` of a deployment; null where budapp is silent."""
    found = _made_by(context, workflow_id)
    endpoint_id = id_in(found, *_places("endpoint"))
    told = at(found, "endpoint.url") or at(found, "endpoint_url")
    return {"endpoint_id": endpoint_id, "endpoint_url": told or endpoint_url(context, endpoint_id)}


def endpoint_url(context: ActionContext | EventContext, endpoint_id: str | None) -> str | None:
    """Return where an endpoint answers; None if it has no id yet, or budapp cannot say it."""
    if endpoint_id is None:
        return None
    endpoint = _asked(context, f"/endpoints/{path_segment(endpoint_id)}")
    url = inner(endpoint, "endpoint", "data", "result").get("url")
    return str(url) if url else None


def _made_by(context: ActionContext | EventContext, workflow_id: str) -> dict[str, Any]:
    """Return what stands in the steps of a workflow, and beside them."""
    workflow = inner(_asked(context, f"/workflows/{path_segment(workflow_id)}"))
    return {**workflow, **inner(workflow, "workflow_steps")}


def _places(noun: str) -> tuple[str, str]:
    return f"{noun}_id", f"{noun}.id"


def _asked(context: ActionContext | EventContext, path: str) -> dict[str, Any]:
    try:
        return looked_up(context, path, seconds=SECONDS)
    except ActionError as error:
        context.log.warning("not_looked_up", path=path, reason=str(error))
        return {}
