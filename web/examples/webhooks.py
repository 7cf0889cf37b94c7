"""Examples of the operations on webhooks."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, EXECUTION_ID, LATER, PAGE, PIPELINE_ID, Example

WEBHOOK_ID = "01a20112-5b3c-7e21-9d4e-0c6f2a7d8e90"
WEBHOOK = {
    "id": WEBHOOK_ID,
    "workflow_id": PIPELINE_ID,
    "pipeline_id": PIPELINE_ID,
    "user_id": "ada",
    "name": "releases on GitHub",
    "description": None,
    "endpoint_url": f"https://pipelines.example.org/trigger/{WEBHOOK_ID}",
    "config": {
        "require_secret": True,
        "accepts": ["hub"],
        "allowed_ips": None,
        "headers_to_include": [],
        "map": {"version": "{{ body.release.tag_name }}"},
        "dedupe_key": None,
        "repeat_seconds": None,
        "max_per_minute": None,
    },
    "params": {},
    "enabled": True,
    "disabled_reason": None,
    "callback_topics": None,
    "subscriber_ids": None,
    "payload_type": None,
    "notification_workflow_id": None,
    "secrets": [
        {
            "id": "01a20112-5b3d-7c11-8a2f-4e5d6c7b8a90",
            "created_at": AT,
            "created_by": "env:user:ada",
            "expires_at": None,
            "revoked_at": None,
        }
    ],
    "created_by": "env:user:ada",
    "created_at": AT,
    "updated_at": AT,
    "last_triggered_at": LATER,
    "trigger_count": 1,
    "lock_version": 1,
}
TOLD_ONCE = {"secret": "…", "standard_secret": "whsec_…"}
A_WEBHOOK = {"webhook_id": WEBHOOK_ID}
PUBLISHED = {"action": "published", "release": {"tag_name": "1.4.0"}}

EXAMPLES: Mapping[str, Example] = {
    "create_webhook": Example(
        body={
            "pipeline_id": PIPELINE_ID,
            "name": "releases on GitHub",
            "config": {"accepts": ["hub"], "map": {"version": "{{ body.release.tag_name }}"}},
        },
        answer=WEBHOOK | TOLD_ONCE,
    ),
    "list_webhooks": Example(answer=[WEBHOOK]),
    "get_webhook": Example(path=A_WEBHOOK, answer=WEBHOOK),
    "change_webhook": Example(
        path=A_WEBHOOK, body={"enabled": False}, answer=WEBHOOK | {"enabled": False}
    ),
    "delete_webhook": Example(path=A_WEBHOOK),
    "rotate_webhook_secret": Example(
        path=A_WEBHOOK, body={"overlap_seconds": 3600}, answer=WEBHOOK | TOLD_ONCE
    ),
    "revoke_webhook_secret": Example(path=A_WEBHOOK, body={}, answer=WEBHOOK),
    "test_webhook": Example(
        path=A_WEBHOOK,
        body={"body": PUBLISHED, "dry_run": True},
        answer={
            "params": {"version": "1.4.0"},
            "dedupe_key": None,
            "problems": [],
            "execution_id": None,
            "delivery_id": None,
        },
    ),
    "list_webhook_deliveries": Example(
        path=A_WEBHOOK,
        answer={
            "deliveries": [
                {
                    "id": "17",
                    "received_at": AT,
                    "settled_at": LATER,
                    "outcome": "started",
                    "code": None,
                    "message": None,
                    "execution_id": EXECUTION_ID,
                    "execution_status": "RUNNING",
                    "key": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
                    "duplicates": 0,
                    "conflicts": 0,
                    "form": "hub",
                    "sent_at": None,
                    "address": "192.0.2.7",
                    "test": False,
                    "content_type": "application/json",
                    "headers": {"x-github-event": "release"},
                    "query": {},
                    "body_digest": "9f86d081884c7d659a2feaa0c55ad015…",
                    "body": None,
                }
            ],
            "pagination": PAGE,
        },
    ),
    "trigger_webhook": Example(
        path=A_WEBHOOK,
        body=PUBLISHED,
        answer={
            "execution_id": EXECUTION_ID,
            "workflow_id": PIPELINE_ID,
            "pipeline_id": PIPELINE_ID,
            "status": "PENDING",
            "delivery_id": "17",
            "duplicate": False,
        },
    ),
}
