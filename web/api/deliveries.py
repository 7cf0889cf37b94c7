"""``/deliveries``: what came from outside, and what became of it."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Act, Scope
from pipeline_engine.services import deliveries as services
from pipeline_engine.services.pages import Page

from .auth import for_parties
from .blueprint import Blueprint
from .context import caller, runtime, session
from .schemas.deliveries import DeliveryListSchema, DeliveryQuery, ReplayedSchema

deliveries = Blueprint("deliveries", __name__, description="What came from outside.")


@deliveries.on("GET", operation="list_deliveries", scope=Scope.DELIVERIES_READ)
@deliveries.query(DeliveryQuery)
@deliveries.answers(200, DeliveryListSchema)
@for_parties
def list_deliveries(query: dict[str, Any]) -> Any:
    """List deliveries, newest first: those that nobody accepted are `unmatched`."""
    page = Page(query["page"], query["page_size"])
    return services.listed(caller(), session(), disposition=query.get("disposition"), page=page)


@deliveries.on(
    "POST",
    "/<delivery_id>/replay",
    operation="replay_delivery",
    scope=Scope.DELIVERIES_CONTROL,
    act=Act.DELIVERY_REPLAY,
)
@deliveries.answers(202, ReplayedSchema)
@for_parties
def replay(delivery_id: str) -> Any:
    """Offer an unmatched delivery to the steps that wait now."""
    services.replay(caller(), runtime(), delivery_id)
    return {"delivery_id": delivery_id, "disposition": "pending"}
