"""I11: rows, histories and the rules of the engine agree."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence
from pipeline_engine.services.audit import audit_rows


def differing_histories(connection: Connection, _: Evidence) -> Iterator[str]:
    """Decisions that the pure rules would not have made, and rows that their events do not tell."""
    executions = connection.exec_driver_sql("SELECT id FROM executions ORDER BY id").scalars()
    for execution in executions.all():
        for finding in audit_rows(connection, execution).findings:
            yield f"execution {execution}: {finding}"
