"""The ledger as the checks read it: what the actions really did, in its order."""

from __future__ import annotations

import json
from pathlib import Path

from battery.evidence import Effect


class Ledger:
    """An append-only file outside the database, to which every process of every worker writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def effects(self) -> list[Effect]:
        """Return what was done; the number of the line is the global order."""
        lines = self.path.read_text().splitlines()
        return [Effect(order=order, **json.loads(line)) for order, line in enumerate(lines)]
