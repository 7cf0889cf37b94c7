"""What must hold after every block of the battery, whatever was done to the installation."""

from __future__ import annotations

from sqlalchemy import NullPool, create_engine

from battery.evidence import Evidence, Finding
from battery.invariants.invariant import Invariant
from battery.invariants.progress import unmoved
from pipeline_engine.storage.session import driver_url

__all__ = ["INVARIANTS", "check_all"]

INVARIANTS = (
    Invariant(
        "I1",
        "Every accepted execution has ended, or something will move each of its open steps.",
        unmoved,
    ),
)


def check_all(evidence: Evidence) -> list[Finding]:
    """Check every invariant, all of them against one snapshot of the rows."""
    engine = create_engine(
        driver_url(evidence.database_url),
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
    )
    with engine.connect() as connection:
        return [invariant.check(connection, evidence) for invariant in INVARIANTS]
