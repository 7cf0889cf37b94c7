"""Examples of what became of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, EXECUTION_ID, LATER, PAGE, PIPELINE_ID, Example
from .pipelines import A_PIPELINE, DEFINITION

EXAMPLES: Mapping[str, Example] = {
    "list_revisions": Example(
        path=A_PIPELINE,
        answer=[{"revision": 1, "saved_at": AT, "saved_by": "env:user:ada", "dag": DEFINITION}],
    ),
    "get_statistics": Example(
        path=A_PIPELINE,
        answer={
            "pipeline_id": PIPELINE_ID,
            "executions": {
                "looked_at": 20,
                "completed": 18,
                "failed": 1,
                "interrupted": 1,
                "p50_seconds": 2.04,
                "p95_seconds": 7.5,
            },
            "steps": [
                {
                    "step_id": "announce",
                    "runs": 20,
                    "failed": 1,
                    "p50_seconds": 0.02,
                    "p95_seconds": 0.05,
                }
            ],
        },
    ),
    "get_grid": Example(
        path=A_PIPELINE,
        answer={
            "steps": [{"step_id": "announce", "name": "Announce", "revisions": [1]}],
            "executions": [
                {
                    "execution_id": EXECUTION_ID,
                    "status": "COMPLETED",
                    "created_at": AT,
                    "started_at": AT,
                    "ended_at": LATER,
                    "revision": 1,
                    "cells": {
                        "announce": {
                            "id": 41,
                            "status": "COMPLETED",
                            "parked": False,
                            "attempt": 1,
                            "started_at": AT,
                            "ended_at": LATER,
                            "items_total": None,
                            "items_open": None,
                        }
                    },
                }
            ],
            "pagination": PAGE,
        },
    ),
}
