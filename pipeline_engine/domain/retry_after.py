"""How long the other side asks to be left alone: the header ``Retry-After`` of RFC 9110."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Seconds in a year, and of a pause at most.
LONGEST = 31_536_000.0


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Return the seconds until the other side wants to be asked again; None if it says nothing.

    *headers* are found whatever the case of their names. A moment is told by the clock of the
    other side, so its ``Date`` counts as now, if it tells one.
    """
    named = {name.lower(): value for name, value in headers.items()}
    text = named.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:20]), LONGEST)
    moment = _moment(text)
    if moment is None:
        return None
    began = _moment(named.get("date", "")) or now or datetime.now(UTC)
    return min(max((moment - began).total_seconds(), 0.0), LONGEST)


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
