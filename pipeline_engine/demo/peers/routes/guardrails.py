"""budapp: guardrail rules, profiles and deployments, and the gateway's tables in Redis."""

from __future__ import annotations

from pipeline_engine.demo.peers.calls import Answer, Call, ok, unusable
from pipeline_engine.demo.peers.services import Services


def link_rule(services: Services, call: Call) -> Answer:
    """Give a guardrail rule its model."""
    model_id = call.body.get("model_id")
    if not model_id:
        return unusable("model_id is required")
    services.journal.link(call.identity, str(model_id))
    return ok({"rule_id": call.identity, "model_id": model_id})


ROUTES = (("PATCH", r"/budapp/internal/guardrails/rules/([^/]+)/model", link_rule),)
