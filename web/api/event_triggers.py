"""``/event-triggers``: which events start which pipelines."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Act, Scope
from pipeline_engine.services import event_triggers as services
from pipeline_engine.services.event_triggers import StoredTrigger
from pipeline_engine.services.pages import Page

from .blueprint import Blueprint
from .context import caller, runtime, session
from .paging import list_headers
from .preconditions import etag, versions_if_given
from .schemas.event_triggers import (
    EventTriggerBody,
    EventTriggerChange,
    EventTriggerQuery,
    EventTriggerSchema,
    EventTypeSchema,
    FiringListSchema,
    FiringQuery,
)

event_triggers = Blueprint(
    "event_triggers", __name__, description="Which events start which pipelines."
)

#: Who lets something start later has to be allowed to start it now.
WRITE = (Scope.EVENT_TRIGGERS_WRITE, Scope.EXECUTIONS_RUN)


@event_triggers.on(
    "POST", operation="create_event_trigger", scope=WRITE, act=Act.EVENT_TRIGGER_CREATE
)
@event_triggers.body(EventTriggerBody)
@event_triggers.answers(201, EventTriggerSchema)
def create(body: dict[str, Any]) -> tuple[StoredTrigger, dict[str, str]]:
    """Start a pipeline for each event of a type from now on."""
    stored = services.create(caller(), session(), runtime(), _wanted(body))
    return stored, etag(stored.trigger.lock_version)


@event_triggers.on("GET", operation="list_event_triggers", scope=Scope.EVENT_TRIGGERS_READ)
@event_triggers.query(EventTriggerQuery)
@event_triggers.answers(200, EventTriggerSchema(many=True))
def list_event_triggers(query: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """List event triggers, newest first; `Link` and `X-Total-Count` describe the rest."""
    page = Page(query.pop("page"), query.pop("page_size"))
    found = services.listed(caller(), session(), **_wanted(query), page=page)
    return found.entries, list_headers(found)


@event_triggers.on(
    "GET", "/event-types", operation="list_event_types", scope=Scope.EVENT_TRIGGERS_READ
)
@event_triggers.answers(200, EventTypeSchema(many=True))
def list_event_types() -> Any:
    """List the types that the peers are known to send; a trigger may name any other."""
    return [*services.KNOWN_TYPES]


@event_triggers.on(
    "GET", "/<trigger_id>", operation="get_event_trigger", scope=Scope.EVENT_TRIGGERS_READ
)
@event_triggers.answers(200, EventTriggerSchema)
def show(trigger_id: str) -> tuple[StoredTrigger, dict[str, str]]:
    """Return one event trigger; `ETag` is what `If-Match` of a change may name."""
    stored = services.get(caller(), session(), trigger_id)
    return stored, etag(stored.trigger.lock_version)


@event_triggers.on(
    "PUT",
    "/<trigger_id>",
    operation="change_event_trigger",
    scope=WRITE,
    act=Act.EVENT_TRIGGER_CHANGE,
)
@event_triggers.body(EventTriggerChange)
@event_triggers.answers(200, EventTriggerSchema)
def change(body: dict[str, Any], trigger_id: str) -> tuple[StoredTrigger, dict[str, str]]:
    """Change what is given; the rest stays. With `If-Match` only the version that you know."""
    with versions_if_given() as versions:
        stored = services.update(
            caller(), session(), runtime(), trigger_id, _wanted(body), versions=versions
        )
    return stored, etag(stored.trigger.lock_version)


@event_triggers.on(
    "DELETE",
    "/<trigger_id>",
    operation="delete_event_trigger",
    scope=Scope.EVENT_TRIGGERS_WRITE,
    act=Act.EVENT_TRIGGER_DELETE,
)
@event_triggers.answers(204)
def delete(trigger_id: str) -> None:
    """Delete an event trigger; what it has started goes on, what it has collected is dropped."""
    with versions_if_given() as versions:
        services.delete(caller(), session(), trigger_id, versions=versions)


@event_triggers.on(
    "GET", "/<trigger_id>/firings", operation="list_firings", scope=Scope.EVENT_TRIGGERS_READ
)
@event_triggers.query(FiringQuery)
@event_triggers.answers(200, FiringListSchema)
def list_firings(query: dict[str, Any], trigger_id: str) -> Any:
    """List what became of the events that it was offered, the newest first."""
    page, outcome = Page(query["page"], query["page_size"]), query.get("outcome")
    return services.firings(caller(), session(), trigger_id, outcome=outcome, page=page)


def _wanted(given: dict[str, Any]) -> dict[str, Any]:
    """What is given, with our own word for the pipeline."""
    workflow_id = given.pop("workflow_id", None)
    return given if workflow_id is None else {"pipeline_id": workflow_id, **given}
