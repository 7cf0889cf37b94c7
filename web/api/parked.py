"""``/parked``: the steps that wait for the outside world."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Scope, queries
from pipeline_engine.services.pages import Page
from pipeline_engine.services.queries import ParkedFilter, ParkedKind

from .blueprint import Blueprint
from .context import caller, session
from .schemas.parked import ParkedListSchema, ParkedQuery

parked = Blueprint("parked", __name__, description="What waits for the outside world.")


@parked.on("GET", operation="list_parked", scope=Scope.EXECUTIONS_READ)
@parked.query(ParkedQuery)
@parked.answers(200, ParkedListSchema)
def list_parked(query: dict[str, Any]) -> Any:
    """List the parked steps of the executions in sight, the oldest first.

    They hold no worker: an event, an answer, another execution or the clock brings them on.
    """
    kind = query.get("kind")
    wanted = ParkedFilter(
        pipeline_id=query.get("pipeline_id"), kind=None if kind is None else ParkedKind(kind)
    )
    return queries.parked(caller(), session(), wanted, Page(query["page"], query["page_size"]))
