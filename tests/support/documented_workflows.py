"""The pipelines that pages of the documentation show, ready to be run by tests."""

from __future__ import annotations

import json
import re
from typing import Any

from support.documentation import DOCS, blocks

PAUSE = re.compile(r'"(backoff|delay)_seconds": [0-9.]+')


def documents(page: str) -> dict[str, dict[str, Any]]:
    """The definitions on a page below ``docs/``, by their names."""
    shown = map(json.loads, blocks(DOCS / page, "json"))
    return {document["name"]: document for document in shown if "steps" in document}


def without_pauses(document: dict[str, Any]) -> dict[str, Any]:
    """The same with no pause between two tries, or two rounds of a loop."""
    return dict(json.loads(PAUSE.sub(r'"\1_seconds": 0', json.dumps(document))))
