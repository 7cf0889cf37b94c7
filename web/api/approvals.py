"""``/approvals``: what waits for a yes or a no of the caller."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Scope
from pipeline_engine.services import approvals as services
from pipeline_engine.services.pages import Page

from .blueprint import Blueprint
from .context import caller, session
from .schemas.approvals import WaitingListSchema, WaitingQuery

approvals = Blueprint("approvals", __name__, description="What waits for a yes or a no.")


@approvals.on("GET", operation="list_approvals", scope=Scope.EXECUTIONS_READ)
@approvals.query(WaitingQuery)
@approvals.answers(200, WaitingListSchema)
def list_approvals(query: dict[str, Any]) -> Any:
    """List the steps that wait for an approval, the oldest first.

    That are those of the caller's executions, and those of others that ask the caller by name, or
    a group of his. `POST /executions/{id}/approval` answers them.
    """
    page = Page(query["page"], query["page_size"])
    return services.waiting(caller(), session(), page, query.get("execution_id"))
