"""Examples of the operations on retention, and of the internal routes."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, LATER, Example

EXAMPLES: Mapping[str, Example] = {
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
            "ledgers": {"deliveries": 44, "guardrail_workflows": 1, "webhook_deliveries": 9},
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
            "ledgers": {"deliveries": 44, "guardrail_workflows": 1, "webhook_deliveries": 9},
            "revisions": 0,
            "audit_records": 0,
            "batches": 0,
            "duration_seconds": 0.0,
            "archive": None,
            "errors": [],
        },
    ),
}
