"""Examples of the operations on events, callbacks and what became of them."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, LATER, PAGE, Example

RECEIVED = {"status": "received", "delivery_id": "1", "outcome": "accepted", "routed": True}

EXAMPLES: Mapping[str, Example] = {
    "send_event": Example(
        body={"id": "sign-off-1", "event_key": "sign-off-1.4.0", "by": "Ada"}, answer=RECEIVED
    ),
    "send_workflow_event": Example(
        body={
            "type": "notification",
            "payload": {
                "workflow_id": "job-17",
                "event": "results",
                "content": {"status": "COMPLETED", "result": {"score": 0.9}},
            },
        },
        answer=RECEIVED | {"step_completed": False, "triggers": []},
    ),
    "answer_callback": Example(
        path={"token": "eyJhbGciOi…"}, body={"status": "COMPLETED", "score": 0.9}, answer=RECEIVED
    ),
    "list_deliveries": Example(
        answer={
            "deliveries": [
                {
                    "id": "1",
                    "source": "events",
                    "delivery_key": "sign-off-1",
                    "external_id": "sign-off-1.4.0",
                    "step_execution_id": "42",
                    "event_type": "",
                    "disposition": "applied",
                    "verdict": "complete",
                    "note": None,
                    "body": {"event_key": "sign-off-1.4.0", "by": "Ada"},
                    "received_at": AT,
                    "settled_at": LATER,
                }
            ],
            "pagination": PAGE,
        }
    ),
    "replay_delivery": Example(
        path={"delivery_id": "1"}, answer={"delivery_id": "1", "disposition": "pending"}
    ),
    "list_dapr_subscriptions": Example(
        answer=[
            {
                "pubsubname": "pubsub",
                "topic": "budpipelineEvents",
                "route": "/workflow-events",
                "deadLetterTopic": "poisonMessages",
            }
        ]
    ),
}
