"""Examples of drafts of pipelines."""

from __future__ import annotations

from collections.abc import Mapping

from .example import LATER, Example
from .pipelines import A_PIPELINE

TYPED = {"name": "announce", "steps": [{"id": "announce", "action": "log", "params": {}}]}

EXAMPLES: Mapping[str, Example] = {
    "get_draft": Example(
        path=A_PIPELINE, answer={"based_on": 3, "document": TYPED, "saved_at": LATER}
    ),
    "save_draft": Example(
        path=A_PIPELINE,
        body={"based_on": 3, "document": TYPED},
        answer={"based_on": 3, "saved_at": LATER},
    ),
    "discard_draft": Example(path=A_PIPELINE),
}
