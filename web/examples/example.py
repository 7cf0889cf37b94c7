"""What an example of an operation is, and the rows that many of them speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PIPELINE_ID = "01a20112-0d5c-7a43-9f0e-6a0f3f6d2b11"
EXECUTION_ID = "01a20112-1927-73f9-8c8f-4c825b5093f9"
AT = "2026-01-31T10:00:00+00:00"
LATER = "2026-01-31T10:00:02+00:00"
PAGE = {"page": 1, "page_size": 20, "total_count": 1, "total_pages": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request that works, and its answer."""

    body: Any = None
    path: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None
