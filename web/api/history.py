"""``/pipelines/{id}/…``: how a pipeline was saved, and how its executions went."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Scope
from pipeline_engine.services import history as services
from pipeline_engine.services.pages import Page

from .blueprint import Blueprint
from .context import caller, session
from .paging import list_headers
from .schemas.history import (
    GridQuery,
    GridSchema,
    RevisionQuery,
    RevisionSchema,
    StatisticsQuery,
    StatisticsSchema,
)

history = Blueprint("history", __name__, description="What became of pipelines.")


@history.on(
    "GET", "/<pipeline_id>/revisions", operation="list_revisions", scope=Scope.PIPELINES_READ
)
@history.query(RevisionQuery)
@history.answers(200, RevisionSchema(many=True))
def revisions(query: dict[str, Any], pipeline_id: str) -> tuple[Any, dict[str, str]]:
    """List what a pipeline has said, newest first; `Link` and `X-Total-Count` describe the rest."""
    page = Page(query["page"], query["page_size"])
    found = services.revisions(caller(), session(), pipeline_id, page)
    return found.entries, list_headers(found)


@history.on(
    "GET", "/<pipeline_id>/statistics", operation="get_statistics", scope=Scope.EXECUTIONS_READ
)
@history.query(StatisticsQuery)
@history.answers(200, StatisticsSchema)
def statistics(query: dict[str, Any], pipeline_id: str) -> Any:
    """Tell how the last executions went that have ended, and how long those that completed took.

    Steps are those of the same executions: how often each was started, failed, and how long it
    took. A fan-out or a block is one step.
    """
    return services.statistics(caller(), session(), pipeline_id, most=query["executions"])


@history.on("GET", "/<pipeline_id>/grid", operation="get_grid", scope=Scope.EXECUTIONS_READ)
@history.query(GridQuery)
@history.answers(200, GridSchema)
def grid(query: dict[str, Any], pipeline_id: str) -> Any:
    """Show executions beside each other, newest first: a cell for each step of each of them.

    The steps are those of all revisions on the page, in the order of the newest.
    """
    page = Page(query["page"], query["page_size"])
    return services.grid(caller(), session(), pipeline_id, page)
