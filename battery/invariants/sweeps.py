"""I15: what is due is moved in time, whatever else the workers have to do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence
from battery.invariants.invariant import NotChecked

#: A worker that is killed or frozen is back by then, and so is a server.
PATIENCE_SECONDS = 30.0
LATE = re.compile(r"\bsweep_late\b.*?\bseconds=(?P<seconds>[\d.]+)")


def late_sweeps(_: Connection, evidence: Evidence) -> Iterator[str]:
    """Sweeps that came so late that no fault explains it, as the sweeps themselves have said."""
    if not evidence.logs:
        raise NotChecked("there are no logs")
    for path in evidence.logs:
        for said in LATE.finditer(path.read_text(errors="replace")):
            if float(said["seconds"]) > PATIENCE_SECONDS:
                yield f"a sweep came {said['seconds']} s after the one before it ({path.name})"
