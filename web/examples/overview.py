"""An example of the overview."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, EXECUTION_ID, LATER, PIPELINE_ID, Example

HOURS = [
    {
        "from": f"2026-01-{30 if number < 13 else 31}T{(11 + number) % 24:02}:00:00+00:00",
        "completed": number % 3,
        "failed": 0,
        "interrupted": 0,
        "started": number % 3,
    }
    for number in range(24)
]
EXAMPLES: Mapping[str, Example] = {
    "get_overview": Example(
        answer={
            "running": 2,
            "waiting": 1,
            "parked": {
                "count": 1,
                "oldest": {
                    "execution_id": EXECUTION_ID,
                    "pipeline_name": "release",
                    "step_id": "sign_off",
                    "since": AT,
                },
            },
            "failed_24h": 0,
            "next_due": [
                {
                    "schedule_id": "01a20112-2a51-7e0a-8f0d-3a8de2b7a1c4",
                    "name": "nightly",
                    "pipeline_id": PIPELINE_ID,
                    "pipeline_name": "release",
                    "due_at": LATER,
                }
            ],
            "hours": HOURS,
            "taken_at": AT,
        }
    ),
}
