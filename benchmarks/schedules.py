"""The row about schedules: how late fires are under load, and what keeping many of them costs."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median
from threading import Event, Thread
from uuid import UUID

from benchmarks.bench import Bench
from benchmarks.engine import until
from benchmarks.judging import Figure, Outcome, Rounds, at_most, percentile
from benchmarks.ledger import Incomplete
from benchmarks.processes import MEBIBYTE, cpu_seconds
from benchmarks.rates import MILLI
from benchmarks.shapes import five_steps, many_steps
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler.schedules import bells, look
from pipeline_engine.services import schedules
from pipeline_engine.services.schedules import Wanted
from pipeline_engine.storage import schedules as storage

STEPS = 100  #: cheap ones, of each execution of the load
#: Executions of the load that are open: enough for two CPUs, few enough to end soon.
OPEN = 40
MISSED = timedelta(days=731)
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Due:
    """Schedules that are due beside busy workers, that are many, and that have missed much."""

    per_minute: int
    seconds: float  #: of drift that is looked at, in each round
    many: int
    at_once: int
    name: str = "schedules"

    def measure(self, bench: Bench, rounds: Rounds) -> Outcome:
        """Measure one after the other; the schedules of one are deleted before the next."""
        rounds = replace(rounds, warm_up=0)
        late = rounds.of(lambda: self._late(bench))
        shares = rounds.of(lambda: self._beat_share(bench))
        rates = rounds.of(lambda: self._rate(bench))
        missed = rounds.of(lambda: _missed(bench))
        _clear(bench)
        seconds, grown = [one[0] for one in missed], [one[1] for one in missed]
        p99 = [percentile(found, 99) for found in late]
        return Outcome(
            row=self.name,
            work=f"{self.per_minute} fires a minute beside cheap steps; {self.many:,} schedules",
            against="none",
            figures=(
                Figure(
                    name="from due to stored, p99",
                    value=median(p99),
                    unit="s",
                    target=at_most(1),
                    ours=median(MILLI * percentile(found, 50) for found in late),
                    theirs=max(MILLI * max(found) for found in late),
                    measured_in=" ms (p50, max)",
                ),
                Figure(
                    name=f"beat with {self.many:,}",
                    value=median(shares),
                    unit="% of a CPU",
                    target=at_most(5),
                ),
                Figure(name=f"{self.at_once:,} at once", value=median(rates), unit="fires/s"),
                Figure(
                    name="a million missed, one look",
                    value=median(seconds),
                    unit="s",
                    target=at_most(1),
                ),
                Figure(name="its memory", value=median(grown), unit="MiB", target=at_most(50)),
            ),
            rounds={
                "late_p99_s": p99,
                "beat_percent": shares,
                "fires_per_second": rates,
                "missed_s": seconds,
                "missed_mib": grown,
            },
        )

    # ── Drift ────────────────────────────────────────────────────────────────────────────

    def _late(self, bench: Bench) -> list[float]:
        """Seconds from each due time to its row, while the workers have all they can do."""
        _clear(bench)
        step = timedelta(minutes=1) / self.per_minute
        pipeline_id = bench.engine.store(five_steps())
        with _load(bench):
            first = _save(bench, pipeline_id, "@every 1m")
            _copy(bench, first, self.per_minute, step=step, ago=timedelta(minutes=1))
            time.sleep(self.seconds)
        late = _drift(bench)
        # Not those of the first and of the last moment.
        expected = int(self.per_minute * (self.seconds - 2) / 60)
        if len(late) < max(expected, 1):
            raise Incomplete(f"{len(late)} fires instead of {expected}")
        return late

    # ── Many ─────────────────────────────────────────────────────────────────────────────

    def _beat_share(self, bench: Bench) -> float:
        """What beat takes to ring for hourly schedules that are spread over the hour."""
        _clear(bench)
        first = _save(bench, bench.engine.store(five_steps()), "@every 1h")
        _copy(bench, first, self.many, step=timedelta(seconds=HOUR / self.many))
        bells.reconcile(bench.runtime)
        beat = bench.worker_pids[-1]
        before, began = cpu_seconds([beat]), time.monotonic()
        time.sleep(self.seconds)
        return 100 * (cpu_seconds([beat]) - before) / (time.monotonic() - began)

    def _rate(self, bench: Bench) -> float:
        """How many fires a second become rows, of schedules that are due at the same moment."""
        _clear(bench)
        first = _save(bench, bench.engine.store(five_steps()), "@every 1h")
        with bench.engine.paused():
            _copy(bench, first, self.at_once, step=timedelta(0), ago=timedelta(hours=1))
        began = time.monotonic()
        until(lambda: _fires(bench), lambda found: found >= self.at_once, "fires")
        return self.at_once / (time.monotonic() - began)


def _missed(bench: Bench) -> tuple[float, float]:
    """Seconds, and MiB, of the look that finds two years of minutes missed."""
    _clear(bench)
    with bench.engine.paused():
        _save(bench, bench.engine.store(five_steps()), "* * * * *", ago=MISSED)
        tracemalloc.start()
        began = time.perf_counter()
        found = look.fire_due(bench.runtime)
        seconds = time.perf_counter() - began
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    if len(found.fired) != 1 + 100:
        raise Incomplete(f"{len(found.fired)} rows instead of 101")
    return seconds, most / MEBIBYTE


def _clear(bench: Bench) -> None:
    """Delete all rows once nobody moves them: whoever fires locks what is to be deleted."""
    with bench.runtime.engine.begin() as connection:
        connection.exec_driver_sql(DISABLE)
    bench.engine.wait_for_completion()
    bench.clear()


# ── Rows ─────────────────────────────────────────────────────────────────────────────────


def _save(
    bench: Bench, pipeline_id: UUID, expression: str, *, ago: timedelta = timedelta(0)
) -> UUID:
    """Save one schedule, as if so long ago."""
    kind = "interval" if expression.startswith("@") else "cron"
    wanted = Wanted(pipeline_id=pipeline_id, name="due", kind=kind, expression=expression)
    with bench.runtime.sessions.begin() as session:
        moment = storage.now(session.connection()) - ago
        made = schedules.create(SYSTEM, session, bench.runtime, wanted, now=moment)
        return made.schedule.id


def _copy(
    bench: Bench,
    schedule_id: UUID,
    count: int,
    *,
    step: timedelta,
    ago: timedelta = timedelta(0),
) -> None:
    """Let there be *count* like this one, each due so much later than the one before."""
    with bench.runtime.engine.begin() as connection:
        columns = connection.exec_driver_sql(COLUMNS).scalar_one()
        values = {"id": str(schedule_id), "count": count - 1, "step": step, "ago": ago}
        connection.exec_driver_sql(COPY.format(columns=columns), values)
        connection.exec_driver_sql(MOVE, values)


def _drift(bench: Bench) -> list[float]:
    with bench.runtime.engine.connect() as connection:
        return [float(row[0]) for row in connection.exec_driver_sql(LATE)]


def _fires(bench: Bench) -> int:
    with bench.runtime.engine.connect() as connection:
        return int(connection.exec_driver_sql(FIRES).scalar_one())


@contextmanager
def _load(bench: Bench) -> Iterator[None]:
    """Keep the workers busy with cheap steps while the block runs."""
    pipeline_id, over = bench.engine.store(many_steps(STEPS)), Event()

    def feed() -> None:
        while not over.is_set():
            if _open(bench, pipeline_id) < OPEN:
                bench.engine.start(pipeline_id)
            else:
                over.wait(0.01)

    thread = Thread(target=feed, name="load")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _open(bench: Bench, pipeline_id: UUID) -> int:
    with bench.runtime.engine.connect() as connection:
        return int(connection.exec_driver_sql(BUSY, {"id": str(pipeline_id)}).scalar_one())


COLUMNS = """
SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
WHERE table_name = 'schedules' AND column_name <> 'id'
"""
COPY = """
INSERT INTO schedules (id, {columns})
SELECT gen_random_uuid(), {columns} FROM schedules, generate_series(1, %(count)s)
WHERE id = %(id)s
"""
#: The anchor of an interval is its phase.
MOVE = """
UPDATE schedules s SET anchor_at = s.anchor_at + n.number * %(step)s - %(ago)s,
    settled_at = s.settled_at - interval '1 second', lock_version = 2,
    next_due_at = s.next_due_at + n.number * %(step)s - %(ago)s,
    next_fire_at = s.next_fire_at + n.number * %(step)s - %(ago)s
FROM (SELECT id, row_number() OVER () - 1 AS number FROM schedules) n WHERE n.id = s.id
"""
DISABLE = "UPDATE schedules SET enabled = false"
#: A row is written in the transaction of its execution, shortly before its commit.
LATE = """
SELECT extract(epoch FROM f.recorded_at - f.due_at) FROM schedule_fires f
JOIN schedules s ON s.id = f.schedule_id WHERE f.due_at > s.created_at + interval '1 second'
"""
FIRES = "SELECT count(*) FROM schedule_fires WHERE outcome = 'fired'"
BUSY = """
SELECT count(*) FROM executions WHERE pipeline_id = %(id)s::uuid
    AND status IN ('PENDING', 'RUNNING')
"""
