"""Alerts: look now and then whether something is wrong that somebody wants to be told of."""

from __future__ import annotations

from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import alerts

#: Seconds between two looks for the same rule.
LOOK_EVERY_SECONDS = 5.0


def look(runtime: Runtime) -> int:
    """Raise and resolve alerts for the rules whose turn it is; returns how many."""
    with runtime.engine.begin() as connection:
        found, due = 0, alerts.due(connection)
        for kind, ids in due.items():
            alerts.measure(connection, ids)
            found += alerts.resolve(connection, kind, ids)
            found += alerts.raise_new(connection, kind, ids)
            alerts.looked(connection, ids, every_seconds=LOOK_EVERY_SECONDS)
    return found
