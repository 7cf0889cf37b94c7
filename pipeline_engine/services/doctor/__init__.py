"""Is the running installation set up the way the engine needs it? Looked at, not assumed.

Each check is a trap that has cost somebody a day. What cannot be looked at is not well.
"""

from __future__ import annotations

from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services.doctor import access, broker, configuration, database, workers
from pipeline_engine.services.doctor.checks import Check, Installation

__all__ = ["Check", "is_well", "run"]


def run(runtime: Runtime, *, flower_url: str | None = None) -> list[Check]:
    """Look at everything; it takes two seconds, in which the workers may answer."""
    installation = Installation(runtime, flower_url)
    parts = (database, broker, workers, configuration, access)
    return [check for part in parts for check in part.run(installation)]


def is_well(checks: list[Check]) -> bool:
    """Nothing is to be done."""
    return all(check.is_well for check in checks)
