"""``pipeline-engine alerts``: what is said becomes the body of a request, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.local_service import LocalService, local_service

from pipeline_engine.cli import main

ROUTE = "/api/v1/alert-rules"
PIPELINE = "01a20112-0d5c-7a43-9f0e-6a0f3f6d2b11"
RULE: dict[str, Any] = {
    "id": "01a20112-4b5e-7f02-8d3a-2f6f6e1c9b77",
    "name": "slow",
    "kind": "late",
    "pipeline_name": "release",
    "after_seconds": 600.0,
    "times_p95": 2.0,
    "usual_seconds": None,
    "enabled": True,
    "open_alerts": 1,
}
ALERT = {
    "kind": "late",
    "rule_name": "slow",
    "raised_at": "2026-01-31T10:00:00+00:00",
    "resolved_at": None,
    "execution_id": PIPELINE,
    "details": {"seconds": 700, "limit": 600, "step_id": "ask"},
}


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as made:
        made.answer(f"GET {ROUTE}", {"alert_rules": [RULE], "pagination": {"total_pages": 1}})
        one = f"{ROUTE}/{RULE['id']}"
        for route in (f"POST {ROUTE}", f"PUT {one}", f"DELETE {one}"):
            made.answer(route, RULE)
        made.answer("GET /api/v1/alerts", {"alerts": [ALERT]})
        made.answer(f"GET /api/v1/pipelines/{PIPELINE}", {"id": PIPELINE})
        yield made


def invoke(service: LocalService, *arguments: str) -> Result:
    environment = {"PIPELINE_API_TOKEN": "", "COLUMNS": "160"}
    return CliRunner().invoke(main, ["alerts", *arguments, "--url", service.url], env=environment)


def test_what_is_said_of_a_rule_is_sent(service: LocalService) -> None:
    made = invoke(service, "create", "slow", PIPELINE, "--kind", "late", "--times-p95", "2")
    body = service.received[-1].body
    invoke(service, "change", "slow", "--after", "5", "--disable")
    change = service.received[-1].body
    deleted = invoke(service, "delete", "slow", "--yes")

    assert made.output == f"slow is enabled, {RULE['id']}\n"
    assert body == {"name": "slow", "pipeline_id": PIPELINE, "kind": "late", "times_p95": 2.0}
    assert change == {"after_seconds": 5.0, "enabled": False}
    assert deleted.output == "deleted\n"


def test_lists_say_what_is_wrong_and_what_is_watched(service: LocalService) -> None:
    listed = invoke(service, "list", "--pipeline", PIPELINE)
    query = service.received[-1].query
    rules = invoke(service, "rules").output

    assert "ask  11 min of 10 min" in listed.output
    assert query == {"status": ["open"], "page_size": ["20"], "pipeline_id": [PIPELINE]}
    assert "10 min, 2 x p95 (not known yet)" in rules


def test_a_name_that_nobody_has_is_no_rule(service: LocalService) -> None:
    assert invoke(service, "delete", "nope", "--yes").exit_code == 4
