"""Examples of the operations on event triggers."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, EXECUTION_ID, LATER, PAGE, PIPELINE_ID, Example

TRIGGER_ID = "01a20112-2a04-7c1e-b1a5-0d5e5c7a4f10"
A_TRIGGER = {"trigger_id": TRIGGER_ID}
TRIGGER = {
    "id": TRIGGER_ID,
    "workflow_id": PIPELINE_ID,
    "pipeline_id": PIPELINE_ID,
    "pipeline_name": "release",
    "name": "on-push",
    "description": None,
    "config": {
        "event_type": "git.push",
        "filters": {"ref": "refs/heads/main"},
        "condition": None,
        "dedupe_key": None,
        "dedupe_seconds": None,
        "quiet_seconds": 30.0,
        "max_wait_seconds": 300.0,
    },
    "params": {"version": "next"},
    "enabled": True,
    "disabled_reason": None,
    "callback_topics": None,
    "subscriber_ids": None,
    "payload_type": None,
    "notification_workflow_id": None,
    "user_id": "ada",
    "created_by": "env:user:ada",
    "created_at": AT,
    "updated_at": AT,
    "last_triggered_at": LATER,
    "trigger_count": 1,
    "lock_version": 1,
}

EXAMPLES: Mapping[str, Example] = {
    "create_event_trigger": Example(
        body={
            "pipeline_id": PIPELINE_ID,
            "name": "on-push",
            "config": {
                "event_type": "git.push",
                "filters": {"ref": "refs/heads/main"},
                "quiet_seconds": 30,
                "max_wait_seconds": 300,
            },
            "params": {"version": "next"},
        },
        answer=TRIGGER,
    ),
    "list_event_triggers": Example(answer=[TRIGGER]),
    "list_event_types": Example(
        answer=[
            {
                "type": "model.onboarded",
                "source": "budapp",
                "description": "A model was added and can be used.",
            }
        ]
    ),
    "get_event_trigger": Example(path=A_TRIGGER, answer=TRIGGER),
    "change_event_trigger": Example(
        path=A_TRIGGER,
        body={"enabled": False},
        answer=TRIGGER | {"enabled": False, "lock_version": 2},
    ),
    "delete_event_trigger": Example(path=A_TRIGGER),
    "list_firings": Example(
        path=A_TRIGGER,
        answer={
            "firings": [
                {
                    "delivery_id": "7",
                    "event_type": "git.push",
                    "source": "events",
                    "received_at": AT,
                    "outcome": "fired",
                    "reason": None,
                    "execution_id": EXECUTION_ID,
                    "decided_at": LATER,
                }
            ],
            "pagination": PAGE,
        },
    ),
}
