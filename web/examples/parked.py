"""The example of what waits for the outside world."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, EXECUTION_ID, PAGE, PIPELINE_ID, Example

EXAMPLES: Mapping[str, Example] = {
    "list_parked": Example(
        answer={
            "parked": [
                {
                    "execution_id": EXECUTION_ID,
                    "pipeline_id": PIPELINE_ID,
                    "pipeline_name": "release",
                    "step_id": "smoke_test",
                    "step_name": "Smoke test",
                    "step_execution_id": "42",
                    "item_index": None,
                    "item_key": None,
                    "within": None,
                    "action": "wait_for_event",
                    "kind": "event",
                    "since": AT,
                    "until": "2026-02-01T10:00:00+00:00",
                    "attempt": 1,
                    "external_workflow_ids": ["smoke-2.4"],
                    "approval": None,
                }
            ],
            "pagination": PAGE,
        }
    ),
}
