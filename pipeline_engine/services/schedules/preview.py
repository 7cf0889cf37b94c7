"""What a schedule would mean, before it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline_engine.domain.recurrence import Recurrence
from pipeline_engine.domain.recurrence.zones import zone_of


@dataclass(frozen=True, slots=True)
class Runs:
    """Due times to come."""

    next_runs: Sequence[datetime]
    timezone: str
    in_words: str

    @property
    def local(self) -> list[str]:
        """What the clocks of the zone say at these times, with their offset."""
        zone = zone_of(self.timezone)
        return [moment.astimezone(zone).isoformat() for moment in self.next_runs]


def preview(
    *,
    kind: str,
    expression: str | None = None,
    timezone: str = "UTC",
    run_at: datetime | None = None,
    dst_missing: str | None = None,
    dst_doubled: str | None = None,
    count: int = 5,
    now: datetime | None = None,
) -> Runs:
    """The first *count* due times from now on; raises ``InvalidSchedule``."""
    moment = now or datetime.now(UTC)
    recurrence = Recurrence.of(
        kind,
        anchor=moment.replace(microsecond=0),
        expression=expression,
        timezone=timezone,
        run_at=run_at,
        dst_missing=dst_missing,
        dst_doubled=dst_doubled,
    )
    recurrence.require_next_after(moment)
    found: list[datetime] = []
    while len(found) < count and (following := recurrence.next_after(moment)):
        found.append(following)
        moment = following
    return Runs(found, timezone, recurrence.description)
