"""I1: whatever was accepted has ended, or something will move it on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import Connection

from battery.evidence import Evidence
from pipeline_engine.domain.phases import Phase
from pipeline_engine.storage import diagnostics
from pipeline_engine.storage.phases import IS

#: How late the sweep, a retry or a message may be on a busy machine.
PATIENCE = timedelta(seconds=10)
LISTED = 20


def lost_executions(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """Accepted executions that are gone, and open ones that nothing will move."""
    yield from _gone(connection, evidence)
    # The queries of `pipeline-engine doctor`: there is one truth about what is stuck.
    for execution in diagnostics.stuck_executions(connection, after=timedelta(0), limit=LISTED):
        yield f"nothing will move execution {execution}"
    for execution, step in diagnostics.lost_steps(connection, limit=LISTED):
        yield f"nothing will move step {step} of execution {execution}"
    for kind, count in diagnostics.overdue(connection, by=PATIENCE, limit=1000).items():
        yield f"{count} {kind}, late by more than {PATIENCE.total_seconds():g} s"
    yield from _restless(connection)


def _gone(connection: Connection, evidence: Evidence) -> Iterator[str]:
    rows = connection.exec_driver_sql(
        "SELECT a.id FROM unnest(%(ids)s::uuid[]) AS a(id)"
        " WHERE NOT EXISTS (SELECT 1 FROM executions e WHERE e.id = a.id)",
        {"ids": [str(id_) for id_ in evidence.accepted]},
    )
    for (execution,) in rows:
        yield f"execution {execution} was accepted, and is not there"


def _restless(connection: Connection) -> Iterator[str]:
    """Steps that are sent again and again: each sweep gives them a new moment of queueing."""
    rows = connection.exec_driver_sql(
        "SELECT execution_id, step_id, publish_count FROM step_executions"
        f" WHERE {IS[Phase.QUEUED]} AND (queued_at < now() - %(patience)s OR publish_count > 3)"
        " ORDER BY id LIMIT %(limit)s",
        {"patience": PATIENCE, "limit": LISTED},
    )
    for execution, step, sent in rows:
        yield f"step {step} of execution {execution} was sent {sent} times, and nobody takes it"
