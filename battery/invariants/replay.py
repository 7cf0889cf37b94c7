"""I11: recorded histories can be replayed."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence
from pipeline_engine.services.replay import replay


def differing_replays(connection: Connection, _: Evidence) -> Iterator[str]:
    """Decisions that a history records and the pure rules would not have made."""
    executions = connection.exec_driver_sql("SELECT id FROM executions ORDER BY id").scalars()
    for execution in executions.all():
        for difference in replay(connection, execution):
            yield f"execution {execution}: {difference}"
