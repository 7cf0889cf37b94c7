"""Examples of the operations on subscriptions."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, EXECUTION_ID, LATER, PAGE, PIPELINE_ID, Example

SUBSCRIPTION_ID = "01a20113-2f6a-7b11-8e55-1c2d3e4f5a6b"
MESSAGE_ID = "msg_01a201132f6a7b118e551c2d3e4f5a6b_7"
A_SUBSCRIPTION = {"subscription_id": SUBSCRIPTION_ID}
A_MESSAGE = A_SUBSCRIPTION | {"message_id": MESSAGE_ID}
TARGET = {"type": "http", "url": "https://hooks.example.org/pipelines"}
SUBSCRIPTION = {
    "id": SUBSCRIPTION_ID,
    "name": "failed releases",
    "owner": "ada",
    "reach": "pipeline",
    "execution_id": None,
    "pipeline_id": PIPELINE_ID,
    "event_types": ["workflow_failed", "step_failed"],
    "target": TARGET,
    "format": "event",
    "status": "active",
    "reason": None,
    "expires_at": None,
    "waiting": 0,
    "dead": 0,
    "failures": 0,
    "next_try_at": None,
    "last_sent_at": LATER,
    "last_failed_at": None,
    "last_error": None,
    "old_secret_until": None,
    "created_by": "env:user:ada",
    "created_at": AT,
    "updated_at": AT,
    "lock_version": 1,
}
SECRET_OF_SUBSCRIPTION = {"secret": "whsec_bm90IGEgcmVhbCBrZXk="}
LISTED_MESSAGE = {
    "id": MESSAGE_ID,
    "event_type": "step_failed",
    "execution_id": EXECUTION_ID,
    "position": "7421-903",
    "origin": "event",
    "status": "sent",
    "note": None,
    "attempts": 1,
    "tries": [
        {"at": AT, "seconds": 0.213, "status_code": 503, "error": "HTTP 503"},
        {"at": LATER, "seconds": 0.041, "status_code": 204, "error": None},
    ],
    "next_try_at": None,
    "created_at": AT,
    "settled_at": LATER,
}
MESSAGE = LISTED_MESSAGE | {"body": '{"specversion":"1.0","type":"step_failed", …}'}
WAITING_MESSAGE = MESSAGE | {
    "origin": "replay",
    "status": "waiting",
    "attempts": 0,
    "next_try_at": LATER,
    "settled_at": None,
}

EXAMPLES: Mapping[str, Example] = {
    "create_subscription": Example(
        body={
            "name": "failed releases",
            "pipeline_id": "release",
            "event_types": ["workflow_failed", "step_failed"],
            "target": TARGET,
        },
        answer=SUBSCRIPTION | SECRET_OF_SUBSCRIPTION,
    ),
    "list_subscriptions": Example(
        answer={"subscriptions": [SUBSCRIPTION], "pagination": PAGE},
    ),
    "get_subscription": Example(path=A_SUBSCRIPTION, answer=SUBSCRIPTION),
    "change_subscription": Example(
        path=A_SUBSCRIPTION,
        body={"event_types": None},
        answer=SUBSCRIPTION | {"event_types": None, "lock_version": 2},
    ),
    "pause_subscription": Example(
        path=A_SUBSCRIPTION, answer=SUBSCRIPTION | {"status": "paused", "lock_version": 2}
    ),
    "resume_subscription": Example(path=A_SUBSCRIPTION, answer=SUBSCRIPTION | {"lock_version": 3}),
    "rotate_subscription_secret": Example(
        path=A_SUBSCRIPTION,
        body={"overlap_seconds": 86_400},
        answer=SUBSCRIPTION
        | SECRET_OF_SUBSCRIPTION
        | {"lock_version": 2, "old_secret_until": "2026-02-01T10:00:00+00:00"},
    ),
    "delete_subscription": Example(path=A_SUBSCRIPTION),
    "test_subscription": Example(
        path=A_SUBSCRIPTION,
        answer=WAITING_MESSAGE
        | {"origin": "test", "event_type": "test", "execution_id": None, "position": None},
    ),
    "replay_subscription": Example(
        path=A_SUBSCRIPTION, body={"since": AT}, answer={"position": "7421-902"}
    ),
    "list_subscription_messages": Example(
        path=A_SUBSCRIPTION, answer={"messages": [LISTED_MESSAGE], "pagination": PAGE}
    ),
    "get_subscription_message": Example(path=A_MESSAGE, answer=MESSAGE),
    "replay_subscription_message": Example(path=A_MESSAGE, answer=WAITING_MESSAGE),
}
