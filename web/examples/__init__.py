"""One example for each operation of the OpenAPI document: what is sent, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping

from . import (
    access,
    actions,
    alerts,
    approvals,
    deliveries,
    doctor,
    drafts,
    event_triggers,
    executions,
    guardrails,
    health,
    history,
    marketplace,
    overview,
    parked,
    pipelines,
    retention,
    schedules,
    secrets,
    subscriptions,
    system,
    webhooks,
)
from .example import Example

__all__ = ["EXAMPLES", "Example"]

NOUNS = (
    access,
    actions,
    alerts,
    approvals,
    deliveries,
    doctor,
    drafts,
    event_triggers,
    executions,
    guardrails,
    health,
    history,
    marketplace,
    parked,
    overview,
    pipelines,
    retention,
    schedules,
    secrets,
    subscriptions,
    system,
    webhooks,
)
EXAMPLES: Mapping[str, Example] = {
    operation: example for noun in NOUNS for operation, example in noun.EXAMPLES.items()
}
