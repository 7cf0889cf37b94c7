"""One example for each operation of the OpenAPI document: what is sent, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping

from . import alert_examples, schedule_examples, subscription_examples
from .example import AT, EXECUTION_ID, LATER, PAGE, PIPELINE_ID, Example

CALLBACK = "https://pipelines.example.org/api/v1/callbacks/eyJhbGciOi…"


DEFINITION = {
    "name": "release",
    "parameters": [{"name": "version", "type": "string"}],
    "steps": [
        {
            "id": "announce",
            "name": "Announce",
            "action": "log",
            "params": {"message": "{{ params.version }} is ready"},
        },
        {
            "id": "sign_off",
            "name": "Wait for the sign-off",
            "action": "wait_for_event",
            "depends_on": ["announce"],
            "params": {"event_key": "sign-off-{{ params.version }}"},
        },
    ],
    "outputs": {"said": "{{ steps.announce.outputs.message }}"},
}
PIPELINE = {
    "id": PIPELINE_ID,
    "name": "release",
    "version": "1.0",
    "lock_version": 1,
    "revision": 1,
    "status": "ACTIVE",
    "created_at": AT,
    "updated_at": AT,
    "created_by": "ada",
    "step_count": 2,
    "user_id": "ada",
    "system_owned": False,
    "description": None,
    "icon": None,
    "dag": DEFINITION,
    "execution_count": 0,
    "last_execution_at": None,
}
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
STREAM = (
    "retry: 4127\n\nevent: step_completed\nid: 3\n"
    f'data: {{"execution_id":"{EXECUTION_ID}","event_type":"step_completed","...":"..."}}\n\n'
)
EXPIRY = "2026-12-31T00:00:00+00:00"
TOKEN = {
    "id": "k3v9d2m7q1xa",
    "name": "dashboard",
    "user_id": "ada",
    "scopes": ["executions:read", "pipelines:read"],
    "pipelines": None,
    "created_by": "env:user:ada",
    "created_at": AT,
    "expires_at": EXPIRY,
    "last_used_at": None,
    "revoked_at": None,
}
STARTED = {
    "execution_id": EXECUTION_ID,
    "pipeline_id": PIPELINE_ID,
    "pipeline_name": "release",
    "workflow_id": PIPELINE_ID,
    "workflow_name": "release",
    "status": "PENDING",
    "started_at": None,
    "completed_at": None,
    "params": {"version": "1.4.0"},
    "outputs": None,
    "error": None,
    "error_info": None,
}
PIPELINE_OF_EXECUTION = {
    "pipeline_id": PIPELINE_ID,
    "pipeline_name": "release",
    "workflow_id": PIPELINE_ID,
    "workflow_name": "release",
}
LISTED_EXECUTION = {
    "id": EXECUTION_ID,
    "version": 1,
    "pipeline_id": PIPELINE_ID,
    "revision": 1,
    "pipeline_definition": PIPELINE_OF_EXECUTION,
    "initiator": "api",
    "user_id": "ada",
    "started_by": "env:user:ada",
    "status": "RUNNING",
    "progress_percentage": "50.00",
    "error_info": None,
    "start_time": AT,
    "end_time": None,
    "deadline_at": "2026-01-31T12:00:00+00:00",
    "cancel_requested_at": None,
    "created_at": AT,
    "updated_at": AT,
}
EXECUTION = LISTED_EXECUTION | {
    "pipeline_definition": PIPELINE_OF_EXECUTION
    | {"dag": DEFINITION, "params": {"version": "1.4.0"}},
    "final_outputs": None,
    "callback_topics": ["release-news"],
    "subscriber_ids": None,
    "payload_type": None,
    "notification_workflow_id": None,
}
STEP = {
    "id": "42",
    "execution_id": EXECUTION_ID,
    "version": 3,
    "kind": "step",
    "step_id": "sign_off",
    "step_name": "Wait for the sign-off",
    "handler_type": "wait_for_event",
    "status": "RUNNING",
    "start_time": AT,
    "end_time": None,
    "progress_percentage": "0.00",
    "outputs": {"event_key": "sign-off-1.4.0"},
    "error_message": None,
    "attempt": 1,
    "retry_count": 0,
    "sequence_number": 2,
    "awaiting_event": True,
    "parked": True,
    "external_workflow_id": "sign-off-1.4.0",
    "callback_url": CALLBACK,
    "created_at": AT,
    "updated_at": AT,
}
EVENT = {
    "id": "7",
    "execution_id": EXECUTION_ID,
    "event_type": "step_completed",
    "sequence_number": 4,
    "progress_percentage": None,
    "eta_seconds": None,
    "current_step_desc": "Completed: Announce",
    "event_details": {"step_id": "announce", "duration_seconds": 0.01},
    "step_execution_id": "41",
    "timestamp": LATER,
    "created_at": LATER,
}
RECEIVED = {"status": "received", "delivery_id": "1", "outcome": "accepted", "routed": True}
LOG = {
    "type": "log",
    "version": "1.0.0",
    "name": "Log",
    "description": "Write a message to the log",
    "category": "Control Flow",
    "icon": "git-branch",
    "color": "#6b7280",
    "params": [{"name": "message", "label": "Message", "type": "string", "required": True}],
    "outputs": [{"name": "message", "type": "string", "description": "What was logged"}],
    "executionMode": "sync",
    "idempotent": True,
}
AN_EXECUTION = {"execution_id": EXECUTION_ID}
A_PIPELINE = {"pipeline_id": PIPELINE_ID}
LISTED_SECRET = {
    "name": "git_token",
    "owner": "ada",
    "description": "Of the account that tags releases",
    "version": 2,
    "lock_version": 2,
    "created_at": AT,
    "created_by": "env:user:ada",
    "updated_at": LATER,
    "updated_by": "env:user:ada",
    "last_used_at": None,
    "used_by": [{"id": PIPELINE_ID, "name": "release"}],
    "used_by_count": 1,
}
SECRET = LISTED_SECRET | {
    "versions": [
        {
            "version": number,
            "created_at": moment,
            "created_by": "env:user:ada",
            "last_used_at": None,
        }
        for number, moment in ((2, LATER), (1, AT))
    ]
}
A_SECRET = {"name": "git_token"}
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
    "validate_definition": Example(
        body={"dag": DEFINITION},
        answer={
            "valid": True,
            "errors": [],
            "warnings": [],
            "step_count": 2,
            "has_cycles": False,
            "error_details": [],
            "warning_details": [],
        },
    ),
    "create_pipeline": Example(body={"dag": DEFINITION}, answer=PIPELINE),
    "list_pipelines": Example(answer=[PIPELINE]),
    "get_pipeline": Example(path=A_PIPELINE, answer=PIPELINE),
    "replace_pipeline": Example(
        path=A_PIPELINE,
        body={"dag": DEFINITION, "lock_version": 1},
        answer=PIPELINE | {"lock_version": 2},
    ),
    "delete_pipeline": Example(path=A_PIPELINE),
    "archive_pipeline": Example(
        path=A_PIPELINE, answer=PIPELINE | {"lock_version": 2, "status": "ARCHIVED"}
    ),
    "restore_pipeline": Example(path=A_PIPELINE, answer=PIPELINE | {"lock_version": 3}),
    "start_execution": Example(
        body={"pipeline_id": PIPELINE_ID, "params": {"version": "1.4.0"}}, answer=STARTED
    ),
    "run_definition": Example(
        body={"pipeline_definition": DEFINITION, "params": {"version": "1.4.0"}},
        answer=STARTED | {"workflow_id": "ephemeral"},
    ),
    "list_executions": Example(answer={"executions": [LISTED_EXECUTION], "pagination": PAGE}),
    "get_execution": Example(path=AN_EXECUTION, answer=EXECUTION),
    "list_steps": Example(path=AN_EXECUTION, answer={"steps": [STEP]}),
    "list_execution_events": Example(
        path=AN_EXECUTION,
        answer={"events": [EVENT], "total_count": 1, "limit": 100, "offset": 0, "next_after": 4},
    ),
    "get_progress": Example(
        path=AN_EXECUTION,
        answer={
            "execution": EXECUTION,
            "steps": [STEP],
            "recent_events": [EVENT],
            "aggregated_progress": {
                "overall_progress": "50.00",
                "eta_seconds": 2,
                "completed_steps": 1,
                "total_steps": 2,
                "current_step": "Wait for the sign-off",
            },
        },
    ),
    "explain_execution": Example(
        path=AN_EXECUTION,
        answer={
            "execution_id": EXECUTION_ID,
            "status": "RUNNING",
            "looked_at": LATER,
            "deadline_at": "2026-01-31T12:00:00+00:00",
            "open_steps": {"RUNNING": 1},
            "counted_up_to": 500,
            "findings": [
                {
                    "code": "parked",
                    "step_id": "sign_off",
                    "item_index": None,
                    "within": None,
                    "since": AT,
                    "because": "It waits for an event.",
                    "what_to_do": "Send the event that it waits for.",
                    "facts": {},
                }
            ],
        },
    ),
    "cancel_execution": Example(
        path=AN_EXECUTION,
        body={"reason": "The release is off."},
        answer={"execution_id": EXECUTION_ID, "status": "RUNNING", "cancel_requested_at": LATER},
    ),
    "answer_approval": Example(
        path=AN_EXECUTION,
        body={"approved": True, "reason": "The tests are green."},
        answer={
            "status": "received",
            "delivery_id": "17",
            "outcome": "accepted",
            "step_id": "sign_off",
            "item_index": None,
            "within": None,
        },
    ),
    "list_actions": Example(
        answer={
            "actions": [LOG],
            "categories": [{"name": "Control Flow", "icon": "git-branch", "actions": [LOG]}],
            "broken": [],
            "total": 1,
        }
    ),
    "get_action": Example(path={"action_type": "log"}, answer=LOG),
    "validate_params": Example(
        body={"actionType": "log", "params": {"message": "Ready"}},
        answer={"valid": True, "errors": []},
    ),
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
    "clean_up": Example(
        answer={
            "status": "completed",
            "duration_seconds": 1.204,
            "deleted": {
                "progress_events": 912,
                "subscriptions": 0,
                "steps": 380,
                "executions": 120,
            },
            "batches_processed": 2,
            "errors": [],
        }
    ),
    "get_retention_stats": Example(
        answer={
            "pending_cleanup_count": 120,
            "retention_days": 30,
            "cutoff_date": AT,
            "oldest_execution_date": "2025-12-30T09:00:00+00:00",
        }
    ),
    "check_timeouts": Example(
        answer={
            "status": "ok",
            "checked_at": AT,
            "timed_out_count": 1,
            "processed_count": 1,
            "errors": [],
        }
    ),
    "get_timeout_stats": Example(
        answer={
            "awaiting_events_count": 12,
            "overdue_timeout_count": 0,
            "earliest_timeout": LATER,
            "current_time": AT,
            "check_interval_seconds": 1.0,
        }
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
    "get_retention": Example(
        answer={
            "rules": [
                {
                    "pipeline": "release",
                    "owner": None,
                    "status": ["FAILED"],
                    "days": 90,
                    "keep_last": 10,
                    "executions": 3,
                },
                {
                    "pipeline": None,
                    "owner": None,
                    "status": None,
                    "days": 30,
                    "keep_last": None,
                    "executions": 117,
                },
            ],
            "executions": 120,
            "ledgers": {"deliveries": 44, "schedule_fires": 0, "webhook_deliveries": 9},
            "oldest_end": "2025-12-30T09:00:00+00:00",
            "archive": "/var/lib/pipeline-engine/archive",
        }
    ),
    "run_retention": Example(
        body={"dry_run": True},
        answer={
            "dry_run": True,
            "cutoff": AT,
            "executions": 120,
            "steps": 0,
            "events": 0,
            "ledgers": {"deliveries": 44, "schedule_fires": 0, "webhook_deliveries": 9},
            "revisions": 0,
            "audit_records": 0,
            "batches": 0,
            "duration_seconds": 0.0,
            "archive": None,
            "errors": [],
        },
    ),
    "create_token": Example(
        body={"name": "dashboard", "roles": ["viewer"], "expires_at": EXPIRY},
        answer=TOKEN | {"token": "pe_k3v9d2m7q1xa_…"},
    ),
    "list_tokens": Example(answer={"tokens": [TOKEN], "pagination": PAGE}),
    "get_token": Example(path={"token_id": "k3v9d2m7q1xa"}, answer=TOKEN),
    "revoke_token": Example(path={"token_id": "k3v9d2m7q1xa"}),
    "get_quotas": Example(
        answer={
            "user_id": "ada",
            "quotas": [
                {"name": "open_executions", "limit": 10000, "used": 3},
                {"name": "parked_steps", "limit": None, "used": 1},
                {"name": "stored_bytes", "limit": None, "used": 48211},
            ],
        }
    ),
    "get_caller": Example(
        answer={
            "principal": "token:k3v9d2m7q1xa",
            "user_id": "ada",
            "owners": ["ada"],
            "scopes": ["executions:read", "pipelines:read"],
            "pipelines": None,
            "expires_at": EXPIRY,
        }
    ),
    "replay_delivery": Example(
        path={"delivery_id": "1"}, answer={"delivery_id": "1", "disposition": "pending"}
    ),
    "list_secrets": Example(answer={"secrets": [LISTED_SECRET], "pagination": PAGE}),
    "get_secret": Example(path=A_SECRET, answer=SECRET),
    "set_secret": Example(path=A_SECRET, body={"value": "correct horse battery"}, answer=SECRET),
    "restore_secret": Example(
        path=A_SECRET, body={"version": 1}, answer=SECRET | {"version": 1, "lock_version": 3}
    ),
    "delete_secret": Example(path=A_SECRET, answer=SECRET),
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
    "read_audit_log": Example(
        answer={
            "records": [
                {
                    "id": 17,
                    "at": AT,
                    "principal": "env:user:ada",
                    "acted_for": "ada",
                    "act": "execution.start",
                    "target": EXECUTION_ID,
                    "owner": "ada",
                    "result": "done",
                    "code": None,
                    "request_id": "4f2d1c",
                    "address": "10.1.2.3",
                    "details": {"pipeline": "release", "pipeline_id": PIPELINE_ID},
                }
            ],
            "next_before": None,
            "next_after": 17,
        }
    ),
    "stream_execution": Example(path={"execution_id": EXECUTION_ID}, answer=STREAM),
    "stream_events": Example(answer=STREAM.replace("id: 3", "id: 5181-90412")),
    **schedule_examples.EXAMPLES,
    **subscription_examples.EXAMPLES,
    **alert_examples.EXAMPLES,
    "get_health": Example(
        answer={
            "status": "healthy",
            "service": "pipeline-engine",
            "version": "0.1.0",
            "database": "connected",
            "redis": "connected",
        }
    ),
    "get_readiness": Example(
        answer={
            "status": "ready",
            "database_connected": True,
            "parts": [{"name": "database", "is_well": True, "note": "connected"}],
        }
    ),
}
