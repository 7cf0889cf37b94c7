"""``/internal``: what the service mesh asks for by the clock, for bindings of the old service."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Act, Scope, retention, schedules, waits

from .auth import for_parties
from .blueprint import Blueprint
from .context import caller, runtime
from .schemas.retention import (
    CleanUpSchema,
    RetentionStatsSchema,
    TimeoutCheckSchema,
    TimeoutStatsSchema,
)
from .schemas.schedules import PolledSchema

internal = Blueprint("internal", __name__, description="Bells that others ring; rows decide.")


@internal.on("POST", "/schedule-poll", operation="poll_schedules", scope=Scope.SCHEDULES_CONTROL)
@internal.answers(200, PolledSchema)
@for_parties
def poll() -> Any:
    """Fire what is due, as the engine does by itself; nothing needs this call."""
    found = schedules.poll(caller(), runtime())
    triggered = [one for one in found.fired if one.fire.outcome == "fired"]
    errors = [one for one in found.fired if one.message is not None]
    return {
        "polled_at": found.at,
        "due_count": found.looked_at,
        "triggered_count": len(triggered),
        "error_count": len(errors),
        "triggered": triggered,
        "errors": errors,
    }


@internal.on(
    "POST",
    "/retention-cleanup",
    operation="clean_up",
    scope=Scope.ENGINE_CONTROL,
    act=Act.RETENTION_RUN,
)
@internal.answers(200, CleanUpSchema)
@for_parties
def clean_up() -> Any:
    """Delete what is old enough, as beat asks for every night; nothing needs this call."""
    cleaned = retention.clean_up(runtime(), by=caller())
    status = "completed_with_errors" if cleaned.errors else "completed"
    deleted = {
        name: getattr(cleaned, name) for name in ("events", "subscriptions", "steps", "executions")
    }
    return {
        "status": status,
        "deleted": deleted,
        **{name: getattr(cleaned, name) for name in ("duration_seconds", "batches", "errors")},
    }


@internal.on("GET", "/retention-stats", operation="get_retention_stats", scope=Scope.ENGINE_CONTROL)
@internal.answers(200, RetentionStatsSchema)
@for_parties
def retention_stats() -> Any:
    """Say how many executions the next clean-up would delete."""
    return retention.stats(runtime())


@internal.on("POST", "/step-timeout-check", operation="check_timeouts", scope=Scope.ENGINE_CONTROL)
@internal.answers(200, TimeoutCheckSchema)
@for_parties
def check_timeouts() -> Any:
    """End steps whose time is up, as workers do every second; nothing needs this call."""
    checked = waits.check(runtime())
    errors = [f"{checked.left} steps could not be ended, see the log"] if checked.left else []
    status = "ok" if not checked.left else "partial" if checked.ended else "error"
    return {
        "status": status,
        "checked_at": checked.at,
        "timed_out_count": checked.overdue,
        "processed_count": checked.ended,
        "errors": errors,
    }


@internal.on(
    "GET", "/step-timeout-stats", operation="get_timeout_stats", scope=Scope.ENGINE_CONTROL
)
@internal.answers(200, TimeoutStatsSchema)
@for_parties
def timeout_stats() -> Any:
    """Say how many steps wait for an event, and for how many it is too late."""
    found = waits.stats(runtime())
    return {
        "awaiting_events_count": found.waiting,
        "overdue_timeout_count": found.overdue,
        "earliest_timeout": found.earliest,
        "current_time": found.now,
        "check_interval_seconds": runtime().settings.sweep_interval_seconds,
    }
