"""A schedule per second, while beats, workers and web are killed and Redis is flushed.

Two of each run. It takes five minutes, so it runs only if it is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from threading import Event
from uuid import UUID

from battery.run import Run
from battery.size import Size
from battery.stack import BEAT, WEB, Stack, second

NAME = "schedules"
PAUSE_SECONDS = (1.0, 4.0)
#: Without a strike, before the end.
CALM_SECONDS = 5.0
SYSTEM = "worker-system"


def run_block(run: Run, size: Size) -> None:
    """Let the clock run, hurt the installation, and count the rows of every due time."""
    chooser = Random(run.seed + 2)
    ends_at = time.monotonic() + size.schedule_seconds
    with run.timetable.running() as saved:
        while time.monotonic() < ends_at:
            name = chooser.choice(list(STRIKES))
            run.faults[f"{name}, with a schedule per second"] += STRIKES[name](run.stack)
            Event().wait(chooser.uniform(*PAUSE_SECONDS))
        run.stack.wait_until_ready()
        Event().wait(CALM_SECONDS)  # what a killed parent has left notices that it is alone
    run.checks.add(NAME, "every due time has one row in the ledger", _without_a_row(run, saved))
    run.checks.add(NAME, "every due time has one execution", _without_one(run, saved[:1]))
    run.look(NAME)


def _kill(name: str, stack: Stack) -> bool:
    return stack.kill(name)


def _flush(stack: Stack) -> bool:
    stack.flush()
    return True


STRIKES: dict[str, Callable[[Stack], bool]] = {
    "a beat killed": partial(_kill, BEAT),
    "the other beat killed": partial(_kill, second(BEAT)),
    "a worker that fires killed": partial(_kill, SYSTEM),
    "the other worker that fires killed": partial(_kill, second(SYSTEM)),
    "web killed beside": partial(_kill, WEB),
    "Redis flushed beside": _flush,
}


def _without_a_row(run: Run, saved: Sequence[UUID]) -> list[str]:
    return _found(run, ROWLESS, saved, "{} of {} has {} rows for {} due times")


def _without_one(run: Run, saved: Sequence[UUID]) -> list[str]:
    """Only what makes up for everything: others merge what nobody was there for."""
    return _found(run, STARTLESS, saved, "{} of {} has {} executions for {} due times")


def _found(run: Run, query: str, saved: Sequence[UUID], says: str) -> list[str]:
    ids = {"ids": [str(one) for one in saved]}
    with run.stack.engine.connect() as connection:
        return [says.format(*row) for row in connection.exec_driver_sql(query, ids)]


_DUE = """
SELECT s.id, s.expression, {counted} AS found,
    1 + round(extract(epoch FROM max(coalesce(f.until_at, f.due_at)) - min(f.due_at))
        / substring(s.expression, '\\d+')::int) AS due
FROM schedules s LEFT JOIN schedule_fires f ON f.schedule_id = s.id
LEFT JOIN executions e ON e.id = f.execution_id AND f.outcome = 'fired'
    AND (e.params -> '_trigger' ->> 'scheduled_at')::timestamptz = f.due_at
WHERE s.id = ANY(%(ids)s::uuid[]) GROUP BY s.id
"""
_DIFFERING = "SELECT * FROM ({due}) counted WHERE found IS DISTINCT FROM due"
ROWLESS = _DIFFERING.format(due=_DUE.format(counted="sum(f.count)"))
STARTLESS = _DIFFERING.format(due=_DUE.format(counted="count(DISTINCT e.id)"))
