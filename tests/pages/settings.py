"""What ``settings.md`` says of each setting, for where there is no documentation."""

from __future__ import annotations

import json
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
ROW = re.compile(r"^\| `([A-Z_]+)` \| .*? \| (.+) \|$", re.M)
LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")
AS_BEFORE = "the same"


def meanings() -> str:
    """A JSON object of texts by the name of the variable."""
    found: dict[str, str] = {}
    before = ""
    for name, written in ROW.findall(PAGE.read_text(encoding="utf-8")):
        meaning = LINK.sub(r"\1", written).replace("\\|", "|")
        before = before if meaning == AS_BEFORE else meaning
        found[name] = before
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
