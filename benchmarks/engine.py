"""One execution of a shape by the engine: timed, and counted step by step."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from benchmarks.ledger import Incomplete
from benchmarks.shapes import Shape
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.services import Runtime, executions
from pipeline_engine.services.executions import StartRequest

WITHIN_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class EngineTiming:
    """How long one execution took, in seconds."""

    accepting: float  #: to check the definition, to store it and all its steps, to publish
    running: float  #: from then until the last step and with it the execution had ended

    @property
    def whole(self) -> float:
        """From the request to the end."""
        return self.accepting + self.running


class Engine:
    """Starts executions as the API does; the workers are other processes."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def run(self, shape: Shape) -> EngineTiming:
        """Run *shape* as a definition that nobody has seen before.  Raises ``Incomplete``."""
        began_at = time.time()
        execution_id = executions.run_ephemeral(self._runtime, shape.document, StartRequest())
        accepted_at = time.time()
        executions.wait(self._runtime, execution_id, WITHIN_SECONDS)
        finished_at = self._counted(execution_id, shape).timestamp()
        return EngineTiming(accepted_at - began_at, finished_at - accepted_at)

    def _counted(self, execution_id: UUID, shape: Shape) -> datetime:
        """Return when it ended; every step must have run once and left one result."""
        with self._runtime.engine.connect() as connection:
            row = connection.exec_driver_sql(COUNTS, {"id": str(execution_id)}).one()
        expected = (ExecutionStatus.COMPLETED, shape.results, shape.results, shape.results)
        if tuple(row[:4]) != expected:
            raise Incomplete(f"{shape.name}: {tuple(row[:4])} instead of {expected}")
        finished_at: datetime = row[4]
        return finished_at


#: Steps that completed at their first attempt; events that say so; the steps that they name.
COUNTS = """
SELECT e.status,
    (SELECT count(*) FROM step_executions s WHERE s.execution_id = e.id AND s.kind <> 'sink'
        AND s.status = 'COMPLETED' AND s.attempt = 1),
    (SELECT count(*) FROM events v
        WHERE v.execution_id = e.id AND v.event_type = 'step_completed'),
    (SELECT count(DISTINCT v.step_execution_id) FROM events v
        WHERE v.execution_id = e.id AND v.event_type = 'step_completed'),
    e.finished_at
FROM executions e WHERE e.id = %(id)s
"""
