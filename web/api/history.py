"""``/pipelines/{id}/…``: how a pipeline was saved, and how its executions went."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Scope
from pipeline_engine.services import history as services
from pipeline_engine.services.pages import Page

from .blueprint import Blueprint
from .context import caller, session
from .paging import list_headers
from .schemas.history import RevisionQuery, RevisionSchema

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
