"""``/schedules``: pipelines that start by the clock, and what became of each due time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.services import Act, Scope
from pipeline_engine.services import schedules as services
from pipeline_engine.services.pages import Page
from pipeline_engine.services.schedules import Filter, StoredSchedule, Wanted

from .blueprint import Blueprint
from .context import caller, runtime, session
from .preconditions import etag, expected_versions, versions_if_given
from .schemas.schedules import (
    BackfillBody,
    BackfillSchema,
    FireListSchema,
    FireQuery,
    NextRunsSchema,
    PreviewBody,
    PreviewSchema,
    RunsQuery,
    ScheduleBody,
    ScheduleChange,
    ScheduleListSchema,
    ScheduleQuery,
    ScheduleSchema,
    TriggeredScheduleSchema,
    TriggerParams,
)
from .schemas.schedules_calendar import CalendarQuery, CalendarSchema

schedules = Blueprint("schedules", __name__, description="Pipelines that start by the clock.")
#: Who saves what starts by itself could start it as well, and has to have the right to.
SAVES = (Scope.SCHEDULES_WRITE, Scope.EXECUTIONS_RUN)
STARTS = (Scope.SCHEDULES_CONTROL, Scope.EXECUTIONS_RUN)


@schedules.on("POST", operation="create_schedule", scope=SAVES, act=Act.SCHEDULE_CREATE)
@schedules.body(ScheduleBody)
@schedules.answers(201, ScheduleSchema)
def create(body: dict[str, Any]) -> tuple[StoredSchedule, dict[str, str]]:
    """Start a pipeline by the clock, from now on."""
    stored = services.create(caller(), session(), runtime(), Wanted(**_given(body)))
    return stored, etag(stored.schedule.lock_version)


@schedules.on("GET", operation="list_schedules", scope=Scope.SCHEDULES_READ)
@schedules.query(ScheduleQuery)
@schedules.answers(200, ScheduleListSchema)
def list_schedules(query: dict[str, Any]) -> Any:
    """List schedules, the newest first."""
    page = Page(query.pop("page"), query.pop("page_size"))
    return services.listed(caller(), session(), page=page, wanted=Filter(**_given(query)))


@schedules.on("POST", "/preview", operation="preview_schedule", scope=Scope.SCHEDULES_READ)
@schedules.body(PreviewBody)
@schedules.answers(200, PreviewSchema)
def preview(body: dict[str, Any]) -> Any:
    """Say what a schedule would mean, and when it would be due; nothing is saved."""
    return services.preview(**_when(body["schedule"]), count=body["count"], now=body["after"])


@schedules.on("GET", "/calendar", operation="get_schedule_calendar", scope=Scope.SCHEDULES_READ)
@schedules.query(CalendarQuery)
@schedules.answers(200, CalendarSchema)
def calendar(query: dict[str, Any]) -> Any:
    """Say what is due on which day, as the clocks of a zone count days; 31 days at most.

    Due times that a change of the clocks makes odd are marked, and those that it leaves out told.
    """
    return services.calendar(caller(), session(), **query)


@schedules.on("GET", "/<schedule_id>", operation="get_schedule", scope=Scope.SCHEDULES_READ)
@schedules.answers(200, ScheduleSchema)
def show(schedule_id: str) -> tuple[StoredSchedule, dict[str, str]]:
    """Return one schedule; `ETag` is what `If-Match` of a change has to name."""
    stored = services.get(caller(), session(), schedule_id)
    return stored, etag(stored.schedule.lock_version)


@schedules.on(
    "PUT", "/<schedule_id>", operation="change_schedule", scope=SAVES, act=Act.SCHEDULE_CHANGE
)
@schedules.body(ScheduleChange)
@schedules.answers(200, ScheduleSchema)
def change(body: dict[str, Any], schedule_id: str) -> tuple[StoredSchedule, dict[str, str]]:
    """Change what the body names. Say which version: `If-Match`, or `lock_version`.

    Another time counts from now on: what was due before is not made up for.
    """
    with expected_versions(body.pop("lock_version", None)) as versions:
        stored = services.change(
            caller(), session(), runtime(), schedule_id, _given(body), versions=versions
        )
    return stored, etag(stored.schedule.lock_version)


@schedules.on(
    "DELETE",
    "/<schedule_id>",
    operation="delete_schedule",
    scope=Scope.SCHEDULES_WRITE,
    act=Act.SCHEDULE_DELETE,
)
@schedules.answers(204)
def delete(schedule_id: str) -> None:
    """Delete a schedule with its ledger; what it has started goes on, and stays."""
    with versions_if_given() as versions:
        services.delete(caller(), session(), runtime(), schedule_id, versions=versions)


@schedules.on(
    "POST",
    "/<schedule_id>/pause",
    operation="pause_schedule",
    scope=Scope.SCHEDULES_CONTROL,
    act=Act.SCHEDULE_PAUSE,
)
@schedules.answers(200, ScheduleSchema)
def pause(schedule_id: str) -> tuple[StoredSchedule, dict[str, str]]:
    """Let nothing be due until somebody resumes it; what passes is not made up for."""
    with versions_if_given() as versions:
        stored = services.pause(caller(), session(), runtime(), schedule_id, versions=versions)
    return stored, etag(stored.schedule.lock_version)


@schedules.on(
    "POST",
    "/<schedule_id>/resume",
    operation="resume_schedule",
    scope=Scope.SCHEDULES_CONTROL,
    act=Act.SCHEDULE_RESUME,
)
@schedules.answers(200, ScheduleSchema)
def resume(schedule_id: str) -> tuple[StoredSchedule, dict[str, str]]:
    """Go on with the first due time that is still to come."""
    with versions_if_given() as versions:
        stored = services.resume(caller(), session(), runtime(), schedule_id, versions=versions)
    return stored, etag(stored.schedule.lock_version)


@schedules.on(
    "POST",
    "/<schedule_id>/trigger",
    operation="trigger_schedule",
    scope=STARTS,
    act=Act.SCHEDULE_TRIGGER,
)
@schedules.body(TriggerParams, required=False)
@schedules.answers(200, TriggeredScheduleSchema)
def trigger(body: dict[str, Any], schedule_id: str) -> Any:
    """Start now what the schedule starts; the body is params, which go before its own."""
    return services.trigger(caller(), runtime(), schedule_id, body)


@schedules.on(
    "GET",
    "/<schedule_id>/next-runs",
    operation="list_next_runs",
    scope=Scope.SCHEDULES_READ,
)
@schedules.query(RunsQuery)
@schedules.answers(200, NextRunsSchema)
def next_runs(query: dict[str, Any], schedule_id: str) -> Any:
    """List the next due times, in UTC and as the clocks of its zone will say them."""
    found = services.next_runs(caller(), session(), schedule_id, query["count"])
    return {
        "schedule_id": schedule_id,
        "next_runs": found.next_runs,
        "local": found.local,
        "timezone": found.timezone,
    }


@schedules.on("GET", "/<schedule_id>/fires", operation="list_fires", scope=Scope.SCHEDULES_READ)
@schedules.query(FireQuery)
@schedules.answers(200, FireListSchema)
def fires(query: dict[str, Any], schedule_id: str) -> Any:
    """List what became of its due times, the newest first: one row for each."""
    page = Page(query["page"], query["page_size"])
    return services.fires(caller(), session(), schedule_id, page=page, outcome=query.get("outcome"))


@schedules.on(
    "POST",
    "/<schedule_id>/backfill",
    operation="backfill_schedule",
    scope=STARTS,
    act=Act.SCHEDULE_BACKFILL,
)
@schedules.body(BackfillBody)
@schedules.answers(200, BackfillSchema)
def backfill(body: dict[str, Any], schedule_id: str) -> Any:
    """Make up for due times that have passed; unless `dry_run` is false, only say which."""
    found = services.backfill(caller(), runtime(), schedule_id, **body)
    return {
        "schedule_id": schedule_id,
        "dry_run": body["dry_run"],
        "fires": found,
        "started_count": 0 if body["dry_run"] else sum(one.starts for one in found),
        "is_complete": len(found) < body["most"],
    }


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a body or a query says, in the words of the engine."""
    given = dict(body)
    when = given.pop("schedule", None)
    named = [given.pop(word, None) for word in ("pipeline_id", "workflow_id")]
    pipeline = next((one for one in named if one), None)
    return given | (_when(when) if when else {}) | ({"pipeline_id": pipeline} if pipeline else {})


def _when(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """When something is due: all of it, as what is left out is not kept from before."""
    return {"kind" if word == "type" else word: value for word, value in schedule.items()}
