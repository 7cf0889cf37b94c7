"""Where the time goes: the turns of a shape in this process, without any worker.

First the statements are timed, then the functions; a profiler slows Python down, and would
make PostgreSQL look faster than it is.
"""

from __future__ import annotations

import cProfile
import io
import pstats
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

import psycopg2.extensions
from sqlalchemy import event
from sqlalchemy.engine import Engine

from benchmarks.shapes import Shape
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler.claim.turn import Turn
from pipeline_engine.scheduler.resume.join import join
from pipeline_engine.services import Runtime, executions
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.storage.postgres.session import make_engine

TOP_FUNCTIONS = 35
TOP_STATEMENTS = 16
SHOWN_CHARACTERS = 78


@dataclass(slots=True)
class Statements:
    """Round trips to PostgreSQL, by the text of the statement."""

    counts: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, text: str) -> Iterator[None]:
        """Count the block as one round trip."""
        began_at = time.perf_counter()
        yield
        seconds = time.perf_counter() - began_at
        text = _on_one_line(text)
        self.counts[text] = self.counts.get(text, 0) + 1
        self.seconds[text] = self.seconds.get(text, 0.0) + seconds

    @property
    def total(self) -> int:
        """How many there were."""
        return sum(self.counts.values())

    @property
    def total_seconds(self) -> float:
        """How long we waited for them."""
        return sum(self.seconds.values())

    def lines(self) -> Iterator[str]:
        """Yield the statements that took longest."""
        longest = sorted(self.seconds.items(), key=lambda entry: -entry[1])
        for text, seconds in longest[:TOP_STATEMENTS]:
            count = self.counts[text]
            each = 1000 * seconds / count
            yield f"{1000 * seconds:8.1f} ms {count:6} x {each:7.3f} ms  {text[:SHOWN_CHARACTERS]}"


@cache
def _on_one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


@contextmanager
def counted_statements(engine: Engine) -> Iterator[Statements]:
    """Count and time every statement and commit of *engine* while the block runs."""
    statements = Statements()

    class CountedCursor(psycopg2.extensions.cursor):
        def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 (psycopg2's name)
            with statements.timed(str(query)):
                super().execute(query, vars)

    def take(connection: Any, *_: Any) -> None:
        connection.cursor_factory = CountedCursor

    def give_back(connection: Any, *_: Any) -> None:
        connection.cursor_factory = None

    def commit(connection: Any) -> None:
        with statements.timed("COMMIT"):
            original(connection)

    original = engine.dialect.do_commit
    engine.dialect.do_commit = commit  # type: ignore[assignment,method-assign]
    event.listen(engine, "checkout", take)
    event.listen(engine, "checkin", give_back)
    try:
        yield statements
    finally:
        engine.dialect.do_commit = original  # type: ignore[method-assign]
        event.remove(engine, "checkout", take)
        event.remove(engine, "checkin", give_back)


class Rehearsal:
    """One process that does alone what the web and the workers do together."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._onlooker = make_engine(runtime.settings)  # what it asks does not count

    def profile(self, shape: Shape) -> str:
        """Run *shape* to its end three times, and tell what took how long."""
        self._run(self._started(shape))  # warms up
        execution_id = self._started(shape)
        with counted_statements(self._runtime.engine) as statements:
            began_at = time.perf_counter()
            self._run(execution_id)
            seconds = time.perf_counter() - began_at
        profiler = cProfile.Profile()
        profiler.runcall(self._run, self._started(shape))
        headline = (
            f"── {shape.name}: {shape.results} results in {seconds:.3f} s in one process,"
            f" {1e6 * seconds / shape.results:.0f} µs each;"
            f" {statements.total_seconds:.3f} s of it in {statements.total} round trips"
            f" ({statements.total / shape.results:.2f} per result)"
        )
        return "\n".join((headline, *statements.lines(), _functions(profiler)))

    def close(self) -> None:
        """Close the connections."""
        self._onlooker.dispose()

    def _started(self, shape: Shape) -> UUID:
        return executions.run_ephemeral(SYSTEM, self._runtime, shape.document, StartRequest()).id

    def _run(self, execution_id: UUID) -> None:
        """Take the turns that workers would; their messages go where nobody listens."""
        size = self._runtime.settings.chunk_size
        while self._ids(execution_id, QUEUED):
            ids = self._ids(execution_id, f"{QUEUED} AND cheap")
            for start in range(0, len(ids), size):
                Turn(self._runtime, queue="fast").run(ids[start : start + size])
            if ids := self._ids(execution_id, BLOCKING):
                Turn(self._runtime, queue="io").run(ids)
            for parent in self._ids(execution_id, JOINABLE):
                join(self._runtime, parent)

    def _ids(self, execution_id: UUID, condition: str) -> list[int]:
        with self._onlooker.connect() as connection:
            rows = connection.exec_driver_sql(
                f"SELECT id FROM step_executions WHERE execution_id = %(id)s AND {condition}"  # noqa: S608
                " ORDER BY id",
                {"id": str(execution_id)},
            )
            return [row[0] for row in rows]


QUEUED = "status = 'PENDING' AND queued_at IS NOT NULL"
BLOCKING = f"{QUEUED} AND NOT cheap"
JOINABLE = "status = 'RUNNING' AND items_open = 0"


def _functions(profiler: cProfile.Profile) -> str:
    out = io.StringIO()
    statistics = pstats.Stats(profiler, stream=out).strip_dirs()
    for order in ("tottime", "cumulative"):
        statistics.sort_stats(order).print_stats(TOP_FUNCTIONS)
    return out.getvalue()
