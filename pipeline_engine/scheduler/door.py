"""The engine as one attempt of one action sees it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.scheduler import starting
from pipeline_engine.scheduler.perform import Prepared
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.sending import send
from pipeline_engine.scheduler.work import repeated, transaction
from pipeline_engine.sdk import ActionError, PeerDoor
from pipeline_engine.storage import transitions

#: Progress is stored no more often than this; readers do not look more often either.
PROGRESS_INTERVAL_SECONDS = 1.0


#: A pipeline that starts itself would otherwise go on for ever.
MAX_DEPTH = 10


def _check_depth(connection: Connection, execution_id: UUID) -> None:
    depth = connection.exec_driver_sql(
        "WITH RECURSIVE up AS (SELECT parent_step_id, 1 AS depth FROM executions"
        " WHERE id = %(id)s UNION ALL SELECT e.parent_step_id, up.depth + 1 FROM up"
        " JOIN step_executions s ON s.id = up.parent_step_id"
        " JOIN executions e ON e.id = s.execution_id WHERE up.depth <= %(limit)s)"
        " SELECT max(depth) FROM up",
        {"id": str(execution_id), "limit": MAX_DEPTH},
    ).scalar_one()
    if depth >= MAX_DEPTH:
        raise ActionError(
            f"Pipelines are nested more than {MAX_DEPTH} deep",
            error_code="too_deeply_nested",
            retryable=False,
        )


class StepDoor(PeerDoor):
    """Peers, and what only the scheduler can do: leases, progress, other pipelines."""

    def __init__(
        self, runtime: Runtime, step: Prepared, connection: Connection | None = None
    ) -> None:
        super().__init__(runtime.peers)
        self._runtime = runtime
        self._step = step
        # The transaction that holds the row; another one would wait for it, and it for us.
        self._connection = connection
        self._reported_at = 0.0

    def heartbeat(self) -> None:
        """Renew the lease now; the process renews it every few seconds anyway."""
        self._runtime.leases.renew()

    def report_progress(self, percentage: float, eta_seconds: float | None = None) -> None:
        """Store how far this attempt is, at most once a second."""
        if time.monotonic() - self._reported_at < PROGRESS_INTERVAL_SECONDS and percentage < 100:
            return
        self._reported_at = time.monotonic()
        if self._connection is not None:
            self._note(self._connection, percentage, eta_seconds)
            return
        with transaction(self._runtime) as work:
            work.relax_durability()
            self._note(work.connection, percentage, eta_seconds)

    def _note(self, connection: Connection, percentage: float, eta_seconds: float | None) -> None:
        transitions.note_progress(
            connection, self._step.row, progress=percentage, eta_seconds=eta_seconds
        )

    def start_pipeline(
        self, pipeline: str, params: Mapping[str, Any], *, idempotency_key: str
    ) -> str:
        """Start another pipeline; the same key finds the execution that it started before."""
        parent = self._step

        def attempt() -> UUID:
            with transaction(self._runtime) as work:
                _check_depth(work.connection, parent.facts.id)
                found = starting.find_pipeline(work, pipeline, user_id=parent.facts.user_id)
                started = starting.start(
                    work,
                    found,
                    starting.Request(
                        params=dict(params),
                        user_id=parent.facts.user_id,
                        initiator="pipeline",
                        # A retry starts another child: the end of the first was told already.
                        # A repetition of a lost attempt finds it, that end was not told.
                        idempotency_key=f"step:{idempotency_key}:{parent.row.retry_count}",
                        parent_step_id=parent.row.id,
                    ),
                )
            send(work)
            return started.id

        return str(repeated(attempt))

    def cancel_pipeline(self, execution_id: str) -> None:
        """Cancel an execution that ``start_pipeline`` began; nothing if it has ended."""
        starting.cancel(self._runtime, UUID(execution_id), because="its parent was stopped")
