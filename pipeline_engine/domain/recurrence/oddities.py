"""What a change of the clocks does to single due times, for those who look at a calendar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import takewhile

from pipeline_engine.domain.recurrence.cron import Cron, Doubled, Missing
from pipeline_engine.domain.recurrence.zones import MOST_SHIFT, SECOND, Change, changes


class Odd(StrEnum):
    """Why a local time is no ordinary one."""

    MISSING = "missing"  #: the clocks leave it out
    DOUBLED = "doubled"  #: the clocks have it twice


@dataclass(frozen=True, slots=True)
class Oddity:
    """A local time that an expression means, and that does not come exactly once."""

    at: datetime  #: when it is due, or would have been
    local: datetime  #: without zone
    why: Odd
    is_due: bool


def oddities(cron: Cron, after: datetime, until: datetime) -> Iterator[Oddity]:
    """Those from *after* (without) to *until* (with): what is not due, and what is nevertheless.

    Of a local time that comes twice, and is due both times, the second one.
    """
    for change in changes(cron.zone, after - MOST_SHIFT, until + MOST_SHIFT):
        found = _left_out(cron, change) if change.is_gap else _repeated(cron, change)
        yield from (one for one in found if after < one.at <= until)


def _left_out(cron: Cron, change: Change) -> Iterator[Oddity]:
    first = (change.at + change.before).replace(tzinfo=None)
    is_due = cron.missing is Missing.NEXT
    for local in _meant(cron, first, first + (change.after - change.before)):
        yield Oddity(change.at, local, Odd.MISSING, is_due)
        if is_due:  # all of them share the first instant after the gap
            return


def _repeated(cron: Cron, change: Change) -> Iterator[Oddity]:
    first = (change.at + change.after).replace(tzinfo=None)
    length = change.before - change.after
    for local in _meant(cron, first, first + length):
        again = change.at + (local - first)
        if cron.doubled is Doubled.SKIP:
            yield Oddity(again - length, local, Odd.DOUBLED, is_due=False)
        yield Oddity(again, local, Odd.DOUBLED, is_due=cron.doubled is Doubled.BOTH)


def _meant(cron: Cron, first: datetime, end: datetime) -> Iterator[datetime]:
    """The local times of the expression from *first* (with) to *end* (without)."""
    return takewhile(lambda local: local < end, cron.expression.after(first - SECOND))
