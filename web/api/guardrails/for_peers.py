"""``/internal/guardrails``: what peers say about rules and profiles, with the service token."""

from __future__ import annotations

from typing import Any

from pipeline_engine.guardrails import workflows as services
from pipeline_engine.services import Act, Scope

from ..auth import for_parties
from ..blueprint import Blueprint
from ..context import caller, runtime, session
from .schemas import LinkBody, LinkedSchema, TableSchema

guardrails_for_peers = Blueprint(
    "guardrails_for_peers", __name__, description="Rules and profiles, for peers."
)


@guardrails_for_peers.on(
    "PATCH",
    "/rules/<rule_id>/model",
    operation="link_guardrail_rule",
    scope=Scope.ENGINE_CONTROL,
    act=Act.GUARDRAIL_LINK_RULE,
)
@guardrails_for_peers.body(LinkBody)
@guardrails_for_peers.answers(200, LinkedSchema)
@for_parties
def link_rule(body: dict[str, Any], rule_id: str) -> Any:
    """Say which model a rule was given; it goes before what budapp says of the rule."""
    services.link_rule(caller(), session(), rule_id, body["model_id"])
    return {"rule_id": rule_id, "model_id": body["model_id"]}


@guardrails_for_peers.on(
    "DELETE",
    "/redis/<profile_id>",
    operation="delete_guardrail_table",
    scope=Scope.ENGINE_CONTROL,
    act=Act.GUARDRAIL_DELETE_TABLE,
)
@guardrails_for_peers.answers(200, TableSchema)
@for_parties
def delete_table(profile_id: str) -> Any:
    """Delete what the gateway reads of a profile, and take it off the endpoints that name it."""
    guarded = services.delete_table(caller(), runtime(), profile_id)
    return {"profile_id": profile_id, "endpoint_ids": guarded}
