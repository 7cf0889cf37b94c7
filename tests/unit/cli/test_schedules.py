"""``pipeline-engine schedules``: what a line says is what the API is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from support.local_service import LocalService, local_service

from pipeline_engine.cli import main

PIPELINE, SCHEDULE, EXECUTION = (f"01a20112-0d5c-7a43-9f0e-6a0f3f6d2b1{n}" for n in (1, 2, 3))
BASE, ROUTE = "/api/v1/schedules", f"/api/v1/schedules/{SCHEDULE}"
WHEN = {
    "type": "cron",
    "expression": "30 2 * * *",
    "timezone": "Europe/Berlin",
    "run_at": None,
    "dst_missing": None,
    "dst_doubled": None,
}
STORED = {
    "id": SCHEDULE,
    "pipeline_id": PIPELINE,
    "pipeline_name": "release",
    "name": "nightly",
    "description": "The release of the day",
    "schedule": WHEN,
    "in_words": "Every day at 02:30",
    "params": {"version": "1.5"},
    "enabled": True,
    "status": "active",
    "disabled_reason": None,
    "starts_at": None,
    "expires_at": None,
    "max_runs": 5,
    "jitter_seconds": 0,
    "misfire": "last",
    "catch_up_seconds": None,
    "overlap": "skip",
    "pause_after_failures": None,
    "next_run_at": "2026-03-28T01:30:00+00:00",
    "last_run_at": "2026-03-27T01:30:00+00:00",
    "last_execution_status": "COMPLETED",
    "run_count": 3,
    "lock_version": 7,
}
RUNS = {
    "timezone": "Europe/Berlin",
    "next_runs": ["2026-03-28T01:30:00+00:00", "2026-03-29T01:00:00+00:00"],
    "local": ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00"],
}
FIRE = {
    "due_at": "2026-03-27T01:30:00+00:00",
    "until_at": None,
    "count": 1,
    "outcome": "fired",
    "reason": None,
    "execution_id": EXECUTION,
    "late_seconds": 0.4,
    "origin": "clock",
}
MISSED = {
    "due_at": "2026-03-01T01:30:00+00:00",
    "until_at": "2026-03-03T01:30:00+00:00",
    "count": 3,
    "outcome": "skipped",
    "reason": "misfire",
    "execution_id": None,
    "late_seconds": 7200,
    "origin": "clock",
}


@pytest.fixture
def service() -> Iterator[LocalService]:
    parameters = [{"name": "version", "type": "string"}, {"name": "copies", "type": "integer"}]
    pipeline = {"id": PIPELINE, "name": "release", "dag": {"parameters": parameters}}
    with local_service() as made:
        made.answer("GET /api/v1/pipelines", [pipeline])
        made.answer(f"GET /api/v1/pipelines/{PIPELINE}", pipeline)
        made.answer(f"GET {BASE}", {"schedules": [STORED], "pagination": {"total_pages": 1}})
        for route in (f"POST {BASE}", f"GET {ROUTE}", f"PUT {ROUTE}", f"POST {ROUTE}/pause"):
            made.answer(route, STORED)
        made.answer(f"POST {ROUTE}/trigger", {"execution_id": EXECUTION})
        made.answer(f"GET {ROUTE}/next-runs", RUNS)
        made.answer(f"POST {BASE}/preview", RUNS | {"in_words": "Every day at 02:30"})
        made.answer(f"GET {ROUTE}/fires", {"fires": [FIRE, MISSED]})
        fires = [
            {
                "due_at": FIRE["due_at"],
                "starts": True,
                "before": None,
                "reason": None,
                "execution_id": None,
            }
        ]
        made.answer(f"POST {ROUTE}/backfill", {"fires": fires, "is_complete": True})
        yield made


def invoke(service: LocalService, *arguments: str) -> Result:
    environment = {"PIPELINE_API_TOKEN": "", "COLUMNS": "200"}
    return CliRunner().invoke(
        main, ["schedules", *arguments, "--url", service.url], env=environment
    )


@pytest.mark.parametrize(
    ("said", "schedule"),
    [
        (("--cron", "@daily"), {"type": "cron", "expression": "@daily"}),
        (("--every", "1h30m"), {"type": "interval", "expression": "@every 1h30m"}),
        (("--at", "2026-06-01T10:00"), {"type": "one_time", "run_at": "2026-06-01T10:00"}),
        (("--manual",), {"type": "manual"}),
        (
            ("--cron", "30 2 * * *", "--timezone", "Europe/Berlin", "--missing", "skip"),
            {
                "type": "cron",
                "expression": "30 2 * * *",
                "timezone": "Europe/Berlin",
                "dst_missing": "skip",
            },
        ),
    ],
)
def test_a_line_says_when_in_one_way_of_four(
    service: LocalService, said: tuple[str, ...], schedule: dict[str, str]
) -> None:
    result = invoke(service, "create", "nightly", "release", *said)

    assert result.exit_code == 0, result.output
    assert service.received[-1].body["schedule"] == schedule
    assert result.output == (
        "nightly is due next 2026-03-28T01:30:00+00:00  Every day at 02:30, Europe/Berlin"
        f"  {SCHEDULE}\n"
    )


@pytest.mark.parametrize("said", [(), ("--cron", "@daily", "--every", "1h")])
def test_a_line_that_says_no_time_or_two_is_refused(
    service: LocalService, said: tuple[str, ...]
) -> None:
    result = invoke(service, "create", "nightly", "release", *said)

    assert result.exit_code == 2
    assert service.received == []


def test_params_are_read_by_the_types_that_the_pipeline_declares(service: LocalService) -> None:
    params = ("-p", "version=1.5", "-p", "copies=2")

    invoke(service, "create", "nightly", "release", "--cron", "@daily", *params, "--paused")

    body = service.received[-1].body
    assert (body["params"], body["enabled"]) == ({"version": "1.5", "copies": 2}, False)
    assert body["pipeline_id"] == PIPELINE


def test_a_change_names_what_is_another_and_the_version_that_was_read(
    service: LocalService,
) -> None:
    invoke(service, "change", "nightly", "--overlap", "queue", "--max-runs", "none")

    assert service.received[-1].body == {"overlap": "queue", "max_runs": None, "lock_version": 7}


def test_a_change_of_the_time_keeps_the_zone(service: LocalService) -> None:
    invoke(service, "change", "nightly", "--cron", "0 4 * * *", "--missing", "cron")

    assert service.received[-1].body["schedule"] == {
        "timezone": "Europe/Berlin",
        "type": "cron",
        "expression": "0 4 * * *",
        "dst_missing": None,
    }


def test_a_change_of_the_zone_keeps_the_time(service: LocalService) -> None:
    invoke(service, "change", "nightly", "--timezone", "Asia/Tokyo")

    assert service.received[-1].body["schedule"] == WHEN | {"timezone": "Asia/Tokyo"}


def test_a_change_of_nothing_is_refused(service: LocalService) -> None:
    result = invoke(service, "change", "nightly", "--timezone", "Europe/Berlin")

    assert result.exit_code == 2
    assert [one.method for one in service.received] == ["GET"]


def test_schedules_are_listed_with_when_they_are_due(service: LocalService) -> None:
    row = "✓ active  2026-03-28T01:30:00+00:00  release   Every day at 02:30, Europe/Berlin"

    assert invoke(service, "list").output.splitlines() == [
        "schedule  status    next                       pipeline  when",
        f"nightly   {row}",
    ]


def test_a_schedule_is_shown_with_all_that_was_said_of_it(service: LocalService) -> None:
    lines = invoke(service, "show", "nightly").output.splitlines()

    assert lines[:3] == [
        f"nightly  ✓ active  {SCHEDULE}",
        "The release of the day",
        "Every day at 02:30, Europe/Berlin",
    ]
    assert [line.split(maxsplit=1) for line in lines if line.startswith(("last", "overlap"))] == [
        ["last", "2026-03-27T01:30:00+00:00 completed"],
        ["overlap", "skip"],
    ]
    assert lines[-1].split() == ["params.version", "1.5"]


def test_due_times_are_told_in_utc_and_as_the_clocks_say_them(service: LocalService) -> None:
    table = [
        "due (UTC)                  Europe/Berlin",
        "2026-03-28T01:30:00+00:00  2026-03-28T02:30:00+01:00",
        "2026-03-29T01:00:00+00:00  2026-03-29T03:00:00+02:00",
    ]

    following = invoke(service, "next", "nightly", "--count", "2").output.splitlines()
    said = ("--cron", "30 2 * * *", "--from", "2026-03-28")
    preview = invoke(service, "preview", *said).output.splitlines()

    assert following == table
    assert preview == ["Every day at 02:30", "", *table]
    assert service.received[-1].body["after"] == "2026-03-28"


def test_the_ledger_is_told_with_its_ranges(service: LocalService) -> None:
    lines = invoke(service, "fires", "nightly", "--outcome", "skipped").output.splitlines()

    assert [line.split() for line in lines[1:]] == [
        ["2026-03-27T01:30:00+00:00", "0", "s", "fired", EXECUTION],
        [
            *("2026-03-01T01:30:00+00:00", "and", "2", "until", "2026-03-03T01:30:00+00:00"),
            *("2", "h", "skipped", "-", "misfire"),
        ],
    ]


def test_a_backfill_starts_nothing_until_it_is_told_to(service: LocalService) -> None:
    span = ("--from", "2026-03-26", "--to", "2026-03-28")

    tried = invoke(service, "backfill", "nightly", *span)
    went = invoke(service, "backfill", "nightly", *span, "--most", "5", "--go")

    asked = [one.body for one in service.received if one.method == "POST"]
    assert asked == [
        {"from": "2026-03-26", "to": "2026-03-28", "dry_run": True},
        {"from": "2026-03-26", "to": "2026-03-28", "dry_run": False, "limit": 5},
    ]
    assert "Nothing was started" in tried.output
    assert "Nothing was started" not in went.output


def test_a_trigger_prints_the_execution(service: LocalService) -> None:
    result = invoke(service, "trigger", "nightly", "-p", "version=1.6")

    assert result.output == f"{EXECUTION}\n"
    assert service.received[-1].body == {"version": "1.6"}


def test_a_name_that_means_none_or_several_is_refused(service: LocalService) -> None:
    found: list[list[dict[str, object]]] = [[], [STORED, STORED]]

    for schedules in found:
        service.answer(f"GET {BASE}", {"schedules": schedules, "pagination": {}})
        result = invoke(service, "pause", "nightly")
        assert result.exit_code == 4
