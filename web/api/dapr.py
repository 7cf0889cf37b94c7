"""``/dapr``: what a Dapr sidecar asks its application."""

from __future__ import annotations

from typing import Any

from .auth import open_to_everybody
from .blueprint import Blueprint
from .context import runtime
from .schemas.events import ListenedTopicSchema

TOPIC, DEAD_LETTERS = "budpipelineEvents", "poisonMessages"

dapr = Blueprint("dapr", __name__, description="What a Dapr sidecar asks.")


@dapr.on("GET", "/subscribe", operation="list_dapr_subscriptions", scope=None)
@dapr.answers(200, ListenedTopicSchema(many=True))
@open_to_everybody
def subscriptions() -> Any:
    """Say to which topic of the bus we listen; the sidecar passes its events on to us."""
    return [
        {
            "pubsubname": runtime().settings.pubsub_name,
            "topic": TOPIC,
            "route": "/workflow-events",
            "dead_letter_topic": DEAD_LETTERS,
        }
    ]
