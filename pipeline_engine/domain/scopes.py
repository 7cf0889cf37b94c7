"""What a caller may be allowed to do: one word for each kind of request, by noun."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """The right that a route demands; the owners of rows are checked elsewhere."""

    ACTIONS_READ = "actions:read"  #: what steps can do
    DELIVERIES_CONTROL = "deliveries:control"  #: offer an unaccepted delivery again
    DELIVERIES_READ = "deliveries:read"  #: what came from outside
    EVENTS_SEND = "events:send"  #: tell waiting steps what happened
    EXECUTIONS_CONTROL = "executions:control"  #: cancel, and answer approvals
    EXECUTIONS_READ = "executions:read"  #: follow and explain
    EXECUTIONS_RUN = "executions:run"  #: start
    PIPELINES_READ = "pipelines:read"  #: stored definitions
    PIPELINES_WRITE = "pipelines:write"  #: store, change, delete, and check before that
