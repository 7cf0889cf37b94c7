"""Executions of a shape by the engine: timed, and counted step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from benchmarks.ledger import Incomplete
from benchmarks.shapes import Document, Shape
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.services import Runtime, executions, pipelines
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.services.pipelines import PipelineRequest

WITHIN_SECONDS = 120.0
POLL_SECONDS = 0.02
STARTERS = 8  #: threads that start executions, as the threads of the web do


@dataclass(frozen=True, slots=True)
class EngineTiming:
    """How long the executions of one shape took, in seconds."""

    accepting: float  #: to check the definition, to store it and all its steps, to publish
    running: float  #: from then until the last step and with it the last execution had ended
    cpu: float = 0.0  #: processor time of workers and servers in ``running``

    @property
    def whole(self) -> float:
        """From the request to the end."""
        return self.accepting + self.running


class Engine:
    """Starts executions as the API does; the workers are other processes.

    *paused* stops them while a crowd of executions is started; *cpu* tells what they have used.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        paused: Callable[[], AbstractContextManager[None]],
        cpu: Callable[[], float],
    ) -> None:
        self._runtime = runtime
        self._paused = paused
        self._cpu = cpu

    def run(self, shape: Shape) -> EngineTiming:
        """Run *shape* as a definition that nobody has seen before.  Raises ``Incomplete``."""
        began_at = time.time()
        if shape.executions == 1:
            found = [self._run_one(shape.document)]
        else:
            # Or the first would have ended before the last is accepted.
            with self._paused():
                found = self._start_all(shape)
        accepted_at, used = time.time(), self._cpu()
        self._wait_for(found)
        used = self._cpu() - used
        finished_at = self._counted(found, shape).timestamp()
        return EngineTiming(accepted_at - began_at, finished_at - accepted_at, used)

    @property
    def paused(self) -> Callable[[], AbstractContextManager[None]]:
        """Stops the workers while its block runs."""
        return self._paused

    def store(self, document: Document, owner: str | None = None) -> UUID:
        """Store a pipeline under a name that nobody else has; without an owner, the system's."""
        named = document | {"name": f"{document['name']}-{uuid4().hex[:8]}"}
        with self._runtime.sessions.begin() as session:
            request = PipelineRequest(document=named)
            caller = SYSTEM.acting_for(owner)
            return pipelines.create(caller, session, self._runtime, request).pipeline.id

    def start(self, pipeline_id: UUID, owner: str | None = None, **params: object) -> UUID:
        """Start one execution of a stored pipeline, for its owner."""
        caller, request = SYSTEM.acting_for(owner), StartRequest(params=params)
        return executions.start(caller, self._runtime, pipeline_id, request).id

    def wait_for_completion(self, ids: Sequence[UUID] | None = None) -> None:
        """Wait until these executions, or all, have completed.  Raises ``Incomplete``."""
        wanted = {"ids": None if ids is None else _texts(ids)}
        ends_at = time.monotonic() + WITHIN_SECONDS
        while (left := self._count(NOT_COMPLETED, wanted)) and time.monotonic() < ends_at:
            time.sleep(POLL_SECONDS)
        if left:
            raise Incomplete(f"{left} executions have not completed")

    def _count(self, query: str, values: dict[str, Any]) -> int:
        with self._runtime.engine.connect() as connection:
            found: int = connection.exec_driver_sql(query, values).scalar_one()
            return found

    def _run_one(self, document: Document) -> UUID:
        return executions.run_ephemeral(SYSTEM, self._runtime, document, StartRequest()).id

    def _start_all(self, shape: Shape) -> list[UUID]:
        pipeline_id = self.store(shape.document)
        with ThreadPoolExecutor(STARTERS) as starters:
            return list(starters.map(lambda _: self.start(pipeline_id), range(shape.executions)))

    def _wait_for(self, ids: Sequence[UUID]) -> None:
        ends_at = time.monotonic() + WITHIN_SECONDS
        while self._count(OPEN, {"ids": _texts(ids)}) and time.monotonic() < ends_at:
            time.sleep(POLL_SECONDS)

    def _counted(self, ids: Sequence[UUID], shape: Shape) -> datetime:
        """Return when the last one ended; every step must have run once and left one result."""
        with self._runtime.engine.connect() as connection:
            row = connection.exec_driver_sql(COUNTS, {"ids": _texts(ids)}).one()
        expected = (shape.executions, shape.results, shape.results, shape.results)
        if tuple(row[:4]) != expected:
            raise Incomplete(f"{shape.name}: {tuple(row[:4])} instead of {expected}")
        finished_at: datetime = row[4]
        return finished_at


def until(look: Callable[[], Any], good: Callable[[Any], bool], what: str) -> Any:
    """Return what *look* finds once it is *good*.  Raises ``Incomplete``."""
    ends_at = time.monotonic() + WITHIN_SECONDS
    while not good(found := look()):
        if time.monotonic() > ends_at:
            raise Incomplete(f"no {what} within {WITHIN_SECONDS:g} s")
        time.sleep(POLL_SECONDS)
    return found


def _texts(ids: Sequence[UUID]) -> list[str]:
    return [str(execution_id) for execution_id in ids]


OPEN = """
SELECT count(*) FROM executions WHERE id = ANY(%(ids)s::uuid[])
    AND status IN ('PENDING', 'RUNNING')
"""
NOT_COMPLETED = """
SELECT count(*) FROM executions WHERE status <> 'COMPLETED'
    AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s::uuid[]))
"""

#: Executions that completed; steps that did so at their first attempt; events that say so; the
#: steps that those name; the last end.
COUNTS = f"""
WITH ours AS (SELECT * FROM executions WHERE id = ANY(%(ids)s::uuid[]))
SELECT (SELECT count(*) FROM ours WHERE status = '{ExecutionStatus.COMPLETED}'),
    (SELECT count(*) FROM step_executions s JOIN ours ON ours.id = s.execution_id
        WHERE s.kind <> 'sink' AND s.status = 'COMPLETED' AND s.attempt = 1),
    (SELECT count(*) FROM events v JOIN ours ON ours.id = v.execution_id
        WHERE v.event_type = 'step_completed'),
    (SELECT count(DISTINCT v.step_execution_id) FROM events v JOIN ours ON ours.id = v.execution_id
        WHERE v.event_type = 'step_completed'),
    (SELECT max(finished_at) FROM ours)
"""  # noqa: S608 (the one thing that is pasted in is ours)
