"""``/quotas``: how much one may have."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Scope
from pipeline_engine.services import quotas as services

from .blueprint import Blueprint
from .context import caller, runtime, session
from .schemas.quotas import QuotasSchema

quotas = Blueprint("quotas", __name__, description="How much one may have.")


@quotas.on("GET", operation="get_quotas", scope=Scope.EXECUTIONS_READ)
@quotas.answers(200, QuotasSchema)
def show() -> Any:
    """Return how much the owner for whom the caller acts may have, and has."""
    found = services.of(caller(), session(), runtime().settings)
    return {"user_id": caller().user_id, "quotas": found}
