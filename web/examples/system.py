"""The example of what an installation is made of."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, LATER, Example

EXAMPLES: Mapping[str, Example] = {
    "get_system": Example(
        answer={
            "version": "1.0.0",
            "started_at": AT,
            "taken_at": LATER,
            "away": [],
            "workers": [
                {
                    "name": "slow@worker-1",
                    "queues": ["slow"],
                    "slots": 8,
                    "busy": 3,
                    "last_seen": AT,
                }
            ],
            "queues": [{"name": "slow", "waiting": 2, "oldest_seconds": 0.4}],
            "beat": {"lock_left_seconds": 14.2, "sweep_silent_seconds": 0.6},
            "servers": {
                "postgresql": {"answers": True, "version": "16.2"},
                "redis": {"answers": True, "version": "7.2.5"},
            },
            "breakers": [
                {
                    "peer": "budsim",
                    "is_open": True,
                    "failures": 5,
                    "failed_at": AT,
                    "tried_again_at": LATER,
                }
            ],
            "retention": {
                "rules": [{"days": 30, "executions": 12}],
                "executions": 12,
                "ledgers": {"deliveries": 44},
                "counted_at": AT,
            },
            "settings": [
                {
                    "name": "PIPELINE_KEY_PREFIX",
                    "value": "pe:",
                    "is_default": True,
                    "description": "begins every key in Redis, so that installations can share one",
                },
            ],
            "flower_url": None,
        }
    ),
}
