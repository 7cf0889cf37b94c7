"""``pipeline-engine triggers``: what is said becomes the body of a request, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.local_service import LocalService, local_service

from pipeline_engine.cli import main

ROUTE = "/api/v1/event-triggers"
PIPELINE = "01a20112-0d5c-7a43-9f0e-6a0f3f6d2b11"
AT = "2026-01-31T10:00:00+00:00"
STORED = {
    "id": "01a20112-2a04-7c1e-b1a5-0d5e5c7a4f10",
    "name": "on-push",
    "pipeline_id": PIPELINE,
    "pipeline_name": "deploy",
    "config": {
        "event_type": "git.push",
        "filters": {"ref": "main"},
        "condition": None,
        "dedupe_key": None,
        "dedupe_seconds": None,
        "quiet_seconds": 20.0,
        "max_wait_seconds": None,
    },
    "params": {"target": "production"},
    "enabled": False,
    "disabled_reason": "pipeline_deleted",
    "trigger_count": 3,
    "last_triggered_at": None,
}
DAG = {"parameters": [{"name": "version", "type": "string"}]}
FIRING = {
    "delivery_id": "7",
    "event_type": "git.push",
    "received_at": AT,
    "outcome": "failed",
    "reason": "draft_not_executable: no",
    "execution_id": None,
}


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as made:
        one = f"{ROUTE}/{STORED['id']}"
        made.answer(f"GET {ROUTE}", [STORED])
        for route in (f"POST {ROUTE}", f"PUT {one}", f"DELETE {one}"):
            made.answer(route, STORED)
        made.answer(f"GET {one}/firings", {"firings": [FIRING]})
        made.answer("GET /api/v1/pipelines/" + PIPELINE, {"id": PIPELINE, "dag": DAG})
        yield made


def invoke(service: LocalService, *arguments: str) -> Result:
    environment = {"PIPELINE_API_TOKEN": "", "COLUMNS": "120"}
    line = ["triggers", *arguments, "--url", service.url]
    return CliRunner().invoke(main, line, env=environment)


def sent(service: LocalService) -> Any:
    return service.received[-1].body


def test_what_is_said_of_a_new_trigger_is_sent(service: LocalService) -> None:
    said = ["--event-type", "git.push", "--filter", "ref=main", "--filter", "n=1"]
    said += ["--quiet-seconds", "20", "-p", "target=production"]

    result = invoke(service, "create", "on-push", PIPELINE, *said)

    assert result.exit_code == 0, result.output
    assert sent(service) == {
        "name": "on-push",
        "pipeline_id": PIPELINE,
        "enabled": True,
        "config": {
            "event_type": "git.push",
            "filters": {"ref": "main", "n": 1},
            "quiet_seconds": 20.0,
        },
        "params": {"target": "production"},
    }
    assert invoke(service, "create", "on-push", PIPELINE).exit_code == 2


def test_a_change_says_only_what_was_said_and_params_are_added(service: LocalService) -> None:
    invoke(
        service,
        "change",
        "on-push",
        "--condition",
        "event.n > 1",
        "-p",
        "size=3",
        "-p",
        "version=3",
    )

    assert sent(service) == {
        "config": {"condition": "event.n > 1"},
        "params": {"target": "production", "size": 3, "version": "3"},
    }


def test_it_is_enabled_disabled_and_deleted_by_its_name(service: LocalService) -> None:
    outputs = [
        invoke(service, word, "on-push", *more).output
        for word, *more in (("enable",), ("disable",), ("delete", "--yes"))
    ]

    bodies = [one.body for one in service.received if one.body is not None]
    assert bodies == [{"enabled": True}, {"enabled": False}]
    assert outputs[-1] == "deleted\n"
    assert "disabled (pipeline_deleted)" in outputs[0]


def test_lists_say_what_each_has_started_and_why_something_was_not(service: LocalService) -> None:
    listed, shown = invoke(service, "list").output, invoke(service, "show", "on-push").output
    fired = invoke(service, "firings", "on-push").output

    assert "git.push" in listed
    assert "quiet_seconds" in shown
    assert "filter ref" in shown
    assert "draft_not_executable: no" in fired


def test_a_name_that_nobody_has_or_several_have_is_no_trigger(service: LocalService) -> None:
    unknown = invoke(service, "show", "nope")
    service.answer(f"GET {ROUTE}", [STORED, STORED])

    assert unknown.exit_code == 4
    assert invoke(service, "show", "on-push").exit_code == 4
