"""Filters on moments, which are texts here: ISO 8601 in UTC, so that ``<`` puts them in order.

Moments are ``2026-01-31T10:00:00+00:00``, with six digits of a second where it has a fraction.
A text without an offset is taken for UTC, one without a time for midnight.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from pipeline_engine.domain.expressions.errors import (
    NumberOutOfRange,
    WrongArguments,
    WrongOperand,
)
from pipeline_engine.domain.expressions.filters.operands import number, text
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.signatures import signed
from pipeline_engine.domain.expressions.undefined import UNDEFINED
from pipeline_engine.domain.expressions.values import kind

_LONGEST_MOMENT = 40  # characters
_LONGEST_FORMAT = 200  # characters; each of them becomes ten at most
_UNITS = 5
_DIRECTIVES = "aAbBdfFGHIjmMpSTuUVwWyYzZ"  # those that mean the same everywhere
_UNKNOWN_DIRECTIVE = re.compile(rf"%(?![{_DIRECTIVES}])")
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})", re.ASCII)
_MOMENTS = "Such as 2026-01-31, 2026-01-31T10:00:00+02:00, or seconds since 1970."
_OFFSETS = "UTC, or such as +02:00; names of time zones are not known."


def to_datetime(fuel: Fuel, subject: Any) -> Any:
    """The moment in a text (ISO 8601) or in a number (seconds since 1970), written in UTC."""
    moment = _moment(fuel, subject)
    return UNDEFINED if moment is None else moment.isoformat()


def to_timestamp(fuel: Fuel, subject: Any) -> Any:
    """The seconds from the beginning of 1970 (UTC) to a moment."""
    moment = _moment(fuel, subject)
    return UNDEFINED if moment is None else _plain(moment.timestamp())


def seconds_since(fuel: Fuel, subject: Any, earlier: Any) -> Any:
    """The seconds from another moment to this one; fewer than none if the other one is later."""
    moment, other = _moment(fuel, subject), _moment(fuel, earlier)
    if moment is None or other is None:
        return UNDEFINED
    return _plain((moment - other).total_seconds())


def format_date(fuel: Fuel, subject: Any, format: Any, offset: Any = "UTC") -> Any:  # noqa: A002 - what it is
    """A moment as people write it, with the directives of ``strftime``; in UTC, or at an offset."""
    moment = _moment(fuel, subject)
    written, zone = text(fuel, format), _zone(fuel, offset)
    if moment is None:
        return UNDEFINED
    if len(written) > _LONGEST_FORMAT:
        raise WrongOperand(f"The format of a date has at most {_LONGEST_FORMAT} characters.")
    if _UNKNOWN_DIRECTIVE.search(written.replace("%%", "")):
        known = " ".join(f"%{letter}" for letter in f"{_DIRECTIVES}%")
        raise WrongArguments("The format of a date has an unknown directive.", hint=f"{known}.")
    fuel.spend(len(written))
    try:
        return moment.astimezone(zone).strftime(written)
    except (OverflowError, ValueError):  # the year 0, NUL, half a surrogate pair
        raise WrongOperand("This date cannot be written like that.") from None


def _adding(unit: str) -> Callable[[Fuel, Any, Any], Any]:
    def add(fuel: Fuel, subject: Any, amount: Any) -> Any:
        moment = _moment(fuel, subject)
        if moment is None or amount is UNDEFINED:
            return UNDEFINED
        try:
            return (moment + timedelta(**{unit: number(amount)})).isoformat()
        except OverflowError:
            raise NumberOutOfRange("There is no such date.") from None

    add.__doc__ = f"The moment so many {unit} later, or earlier for a negative number; in UTC."
    return add


def _moment(fuel: Fuel, value: Any) -> datetime | None:
    """The moment that a value says, in UTC; None if it is undefined."""
    fuel.spend(_UNITS)
    if value is UNDEFINED:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise WrongOperand(f"A date is needed, not {kind(value)}.", hint=_MOMENTS)
    try:
        return _read(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        raise WrongOperand("This is no date.", hint=_MOMENTS) from None


def _read(written: str) -> datetime:
    if len(written) > _LONGEST_MOMENT:
        raise ValueError(written)
    moment = datetime.fromisoformat(written.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _zone(fuel: Fuel, offset: Any) -> timezone:
    written = text(fuel, offset)
    if written in ("", "UTC", "Z"):
        return UTC
    found = _OFFSET.fullmatch(written)
    if found is None or int(found[2]) > 23 or int(found[3]) > 59:
        raise WrongArguments("This is no offset from UTC.", hint=_OFFSETS)
    distance = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-distance if found[1] == "-" else distance)


def _plain(seconds: float) -> int | float:
    return int(seconds) if seconds.is_integer() else seconds


DATE_FILTERS = signed(
    {
        "add_days": _adding("days"),
        "add_hours": _adding("hours"),
        "add_minutes": _adding("minutes"),
        "add_seconds": _adding("seconds"),
        "format_date": format_date,
        "seconds_since": seconds_since,
        "to_datetime": to_datetime,
        "to_timestamp": to_timestamp,
    }
)
