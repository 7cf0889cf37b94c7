"""Examples of the operations on schedules."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, EXECUTION_ID, PAGE, PIPELINE_ID, Example

SCHEDULE_ID = "01a20112-2b77-7c1e-9a40-0e6c5f1d8a21"
WHEN = {"type": "cron", "expression": "30 2 * * *", "timezone": "Europe/Berlin"}
DUE, DUE_NEXT = "2026-03-28T01:30:00+00:00", "2026-03-29T01:00:00+00:00"
DUE_LOCALLY, DUE_NEXT_LOCALLY = "2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00"
SCHEDULE = {
    "id": SCHEDULE_ID,
    "workflow_id": PIPELINE_ID,
    "pipeline_id": PIPELINE_ID,
    "pipeline_name": "release",
    "user_id": "ada",
    "name": "nightly",
    "description": None,
    "schedule": WHEN | {"run_at": None, "dst_missing": None, "dst_doubled": None},
    "in_words": "Every day at 02:30",
    "params": {"version": "1.4.0"},
    "enabled": True,
    "status": "active",
    "disabled_reason": None,
    "starts_at": None,
    "expires_at": None,
    "max_runs": None,
    "jitter_seconds": 0,
    "misfire": "last",
    "catch_up_seconds": None,
    "overlap": "skip",
    "pause_after_failures": None,
    "callback_topics": None,
    "subscriber_ids": None,
    "payload_type": None,
    "notification_workflow_id": None,
    "next_run_at": DUE,
    "last_run_at": None,
    "last_execution_id": None,
    "last_execution_status": None,
    "run_count": 0,
    "created_at": AT,
    "created_by": "env:user:ada",
    "updated_at": AT,
    "lock_version": 1,
}
WANTED = {
    "pipeline_id": PIPELINE_ID,
    "name": "nightly",
    "schedule": WHEN,
    "params": {"version": "1.4.0"},
    "overlap": "skip",
}
PAUSED = {"enabled": False, "status": "paused", "next_run_at": None, "lock_version": 2}
RUNS = {
    "next_runs": [DUE, DUE_NEXT],
    "local": [DUE_LOCALLY, DUE_NEXT_LOCALLY],
    "timezone": "Europe/Berlin",
}
FIRE = {
    "due_at": DUE,
    "until_at": None,
    "count": 1,
    "outcome": "fired",
    "reason": None,
    "execution_id": EXECUTION_ID,
    "late_seconds": 0.041,
    "origin": "clock",
    "schedule_version": 1,
    "recorded_at": "2026-03-28T01:30:00.041000+00:00",
}
MADE_UP = {
    "due_at": "2026-03-20T01:30:00+00:00",
    "starts": True,
    "before": None,
    "execution_id": None,
    "reason": None,
}
A_SCHEDULE = {"schedule_id": SCHEDULE_ID}

EXAMPLES: Mapping[str, Example] = {
    "create_schedule": Example(body=WANTED, answer=SCHEDULE),
    "list_schedules": Example(answer={"schedules": [SCHEDULE], "total": 1, "pagination": PAGE}),
    "preview_schedule": Example(
        body={"schedule": WHEN, "count": 2}, answer=RUNS | {"in_words": "Every day at 02:30"}
    ),
    "get_schedule_calendar": Example(
        answer={
            "zone": "Europe/Berlin",
            "days": [
                {
                    "date": "2026-03-29",
                    "hours": 23.0,
                    "firings": [
                        {
                            "schedule_id": SCHEDULE_ID,
                            "name": "nightly",
                            "pipeline_id": PIPELINE_ID,
                            "due_at": DUE_NEXT,
                            "local": DUE_NEXT_LOCALLY,
                            "timezone": "Europe/Berlin",
                            "schedule_local": DUE_NEXT_LOCALLY,
                            "mark": "shifted",
                        }
                    ],
                    "skipped": [],
                    "more": [],
                }
            ],
            "is_complete": True,
        },
    ),
    "get_schedule": Example(path=A_SCHEDULE, answer=SCHEDULE),
    "change_schedule": Example(
        path=A_SCHEDULE,
        body={"overlap": "queue", "lock_version": 1},
        answer=SCHEDULE | {"overlap": "queue", "lock_version": 2},
    ),
    "delete_schedule": Example(path=A_SCHEDULE),
    "pause_schedule": Example(path=A_SCHEDULE, answer=SCHEDULE | PAUSED),
    "resume_schedule": Example(path=A_SCHEDULE, answer=SCHEDULE | {"lock_version": 3}),
    "trigger_schedule": Example(
        path=A_SCHEDULE,
        body={"version": "1.5.0"},
        answer={
            "execution_id": EXECUTION_ID,
            "workflow_id": PIPELINE_ID,
            "pipeline_id": PIPELINE_ID,
            "status": "PENDING",
        },
    ),
    "list_next_runs": Example(path=A_SCHEDULE, answer={"schedule_id": SCHEDULE_ID} | RUNS),
    "list_fires": Example(path=A_SCHEDULE, answer={"fires": [FIRE], "pagination": PAGE}),
    "backfill_schedule": Example(
        path=A_SCHEDULE,
        body={
            "from": "2026-03-20T00:00:00Z",
            "to": "2026-03-21T00:00:00Z",
            "dry_run": True,
        },
        answer={
            "schedule_id": SCHEDULE_ID,
            "dry_run": True,
            "fires": [MADE_UP],
            "started_count": 0,
            "is_complete": True,
        },
    ),
    "poll_schedules": Example(
        answer={
            "polled_at": DUE,
            "due_count": 1,
            "triggered_count": 1,
            "error_count": 0,
            "triggered": [
                {
                    "schedule_id": SCHEDULE_ID,
                    "schedule_name": "nightly",
                    "workflow_id": PIPELINE_ID,
                    "execution_id": EXECUTION_ID,
                    "next_run_at": DUE_NEXT,
                }
            ],
            "errors": [],
        }
    ),
}
