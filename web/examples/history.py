"""Examples of what became of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, Example
from .pipelines import A_PIPELINE, DEFINITION

EXAMPLES: Mapping[str, Example] = {
    "list_revisions": Example(
        path=A_PIPELINE,
        answer=[{"revision": 1, "saved_at": AT, "saved_by": "env:user:ada", "dag": DEFINITION}],
    ),
}
