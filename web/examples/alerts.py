"""The examples of alert rules and alerts."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, EXECUTION_ID, LATER, PAGE, PIPELINE_ID, Example

RULE_ID = "01a20112-4b5e-7f02-8d3a-2f6f6e1c9b77"
A_RULE = {"rule_id": RULE_ID}
ALERT_RULE = {
    "id": RULE_ID,
    "workflow_id": PIPELINE_ID,
    "pipeline_id": PIPELINE_ID,
    "pipeline_name": "release",
    "name": "release-late",
    "kind": "late",
    "after_seconds": 600.0,
    "times_p95": 2.0,
    "usual_seconds": 212.5,
    "enabled": True,
    "open_alerts": 1,
    "user_id": "ada",
    "created_by": "env:user:ada",
    "created_at": AT,
    "updated_at": AT,
    "lock_version": 1,
}

EXAMPLES: Mapping[str, Example] = {
    "create_alert_rule": Example(
        body={
            "name": "release-late",
            "pipeline_id": PIPELINE_ID,
            "kind": "late",
            "after_seconds": 600,
            "times_p95": 2,
        },
        answer=ALERT_RULE,
    ),
    "list_alert_rules": Example(answer={"alert_rules": [ALERT_RULE], "pagination": PAGE}),
    "get_alert_rule": Example(path=A_RULE, answer=ALERT_RULE),
    "change_alert_rule": Example(path=A_RULE, body={"times_p95": 3}, answer=ALERT_RULE),
    "delete_alert_rule": Example(path=A_RULE),
    "list_alerts": Example(
        answer={
            "alerts": [
                {
                    "id": "7",
                    "rule_id": RULE_ID,
                    "rule_name": "release-late",
                    "kind": "late",
                    "pipeline_id": PIPELINE_ID,
                    "execution_id": EXECUTION_ID,
                    "step_execution_id": None,
                    "details": {
                        "kind": "late",
                        "rule": "release-late",
                        "rule_id": RULE_ID,
                        "seconds": 641,
                        "limit": 600,
                        "usual_seconds": 212.5,
                    },
                    "raised_at": LATER,
                    "resolved_at": None,
                }
            ],
            "pagination": PAGE,
        }
    ),
}
