"""What is to become of the due times that have passed: the rule, without a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline_engine.domain.schedules import Due, Misfire, Passed

#: So late a due time is still on time: a worker was started again, or had much to do.
ON_TIME = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a due time starts an execution."""

    due: Due
    starts: bool
    late: timedelta


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What becomes of each of some due times; those that start nothing are merged or skipped."""

    singles: Sequence[Verdict]
    merges: bool  #: an execution that starts stands for those that do not

    @property
    def starting(self) -> list[Due]:
        """Those that start an execution, in their order."""
        return [verdict.due for verdict in self.singles if verdict.starts]


def judge(
    passed: Passed, *, misfire: Misfire, catch_up_seconds: int | None, seen_at: datetime
) -> Verdicts:
    """Decide about due times that were first seen at *seen_at*.

    What is on time starts, whatever the policy says. *catch_up_seconds* bounds how late the others
    may be; null is the bound of ``ON_TIME`` for ``skip``, and no bound for ``last`` and ``all``.
    """
    bound = None if catch_up_seconds is None else timedelta(seconds=catch_up_seconds)
    late = [max(seen_at - due.fire_at, timedelta(0)) for due in passed.singles]
    starts = [*_starts(late, misfire, bound)]
    verdicts = [
        Verdict(due, start, by) for due, start, by in zip(passed.singles, starts, late, strict=True)
    ]
    return Verdicts(verdicts, merges=misfire is Misfire.LAST and any(starts))


def _starts(late: Sequence[timedelta], misfire: Misfire, bound: timedelta | None) -> Iterator[bool]:
    for number, by in enumerate(late, start=1):
        if by <= ON_TIME:
            yield True
        elif misfire is Misfire.SKIP:
            yield bound is not None and by <= bound
        else:
            # Of those that are late, the last one starts, unless one on time follows it.
            is_wanted = misfire is Misfire.ALL or number == len(late)
            yield is_wanted and (bound is None or by <= bound)
