"""The examples of approvals."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, EXECUTION_ID, LATER, PAGE, Example

EXAMPLES: Mapping[str, Example] = {
    "list_approvals": Example(
        answer={
            "approvals": [
                {
                    "execution_id": EXECUTION_ID,
                    "pipeline_name": "release",
                    "execution_is_readable": True,
                    "step_execution_id": "4711",
                    "step_id": "sign_off",
                    "step_name": "Sign off",
                    "item_index": None,
                    "within": None,
                    "message": "Deploy 2.4 to production?",
                    "asked": {"users": [], "groups": ["ops"], "required": 2},
                    "decisions": [
                        {"by": "ada", "approved": True, "comment": None, "at": LATER},
                    ],
                    "deadline": "2026-02-01T10:00:00+00:00",
                    "page_url": f"https://engine.example.com/approvals/{EXECUTION_ID}",
                    "since": AT,
                }
            ],
            "pagination": PAGE,
        }
    ),
}
