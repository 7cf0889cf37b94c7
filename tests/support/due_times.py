"""Due times in tests: written and read as short texts in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline_engine.domain.recurrence import Recurrence

ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)


def moment(text: str) -> datetime:
    """The moment that *text* says, in UTC if it says no offset."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def said(moments: list[datetime]) -> list[str]:
    """Moments of UTC as texts such as ``2026-01-01T10:00``."""
    assert all(one.tzinfo is UTC and one.second == 0 for one in moments)
    return [f"{one:%Y-%m-%dT%H:%M}" for one in moments]


def due(expression: str, zone: str, after: str, many: int, **words: str) -> list[str]:
    """The first *many* due times of a cron expression after *after*."""
    recurrence = cron(expression, zone, **words)
    return said(recurrence.between(moment(after), moment("2299-01-01"), many))


def cron(expression: str, zone: str = "UTC", **words: str) -> Recurrence:
    """The recurrence of a cron expression."""
    return Recurrence.of("cron", anchor=ANCHOR, expression=expression, timezone=zone, **words)
