"""``/overview``: what all executions are up to, on one page."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Scope, queries

from .blueprint import Blueprint
from .context import caller, session
from .schemas.overview import OverviewSchema

overview = Blueprint("overview", __name__, description="What all executions are up to.")


@overview.on("GET", operation="get_overview", scope=Scope.EXECUTIONS_READ)
@overview.answers(200, OverviewSchema)
def show() -> Any:
    """Count what runs, waits and is parked, what ended in the last day, and say what is due next.

    `next_due` is empty without `schedules:read`.
    """
    return queries.overview(caller(), session())
