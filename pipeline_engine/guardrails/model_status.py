"""What the model of a guardrail rule is, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """The model of one rule."""

    rule_id: str
    rule_name: str | None
    probe_id: str
    probe_name: str | None
    model_uri: str
    model_id: str | None
    model_provider_type: str
    status: str
    endpoint_id: str | None = None
    endpoint_name: str | None = None
    endpoint_url: str | None = None
    cluster_id: str | None = None
    cluster_name: str | None = None
    requires_onboarding: bool = False
    requires_deployment: bool = False
    can_reuse: bool = False
    show_warning: bool = False
