"""``pipeline-engine audit-log``: who did what, in two lines each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.local_service import LocalService, local_service

from pipeline_engine.cli import main

RECORD: dict[str, Any] = {
    "id": 17,
    "at": "2026-01-31T10:00:00+00:00",
    "principal": "token:k3v9",
    "acted_for": "ada",
    "act": "pipeline.delete",
    "target": "p-1",
    "owner": "ada",
    "result": "refused",
    "code": "pipeline_not_found",
    "request_id": "r-1",
    "address": "10.0.0.1",
    "details": {"operation": "\x1b[2Jdelete", "more_before": 4},
}


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as made:
        page = {"records": [RECORD], "next_before": 17, "next_after": 17}
        made.answer("GET /api/v1/audit-log", page)
        yield made


def invoke(service: LocalService, *arguments: str) -> Result:
    line = ["audit-log", *arguments, "--url", service.url]
    return CliRunner().invoke(main, line, env={"PIPELINE_API_TOKEN": "", "COLUMNS": "80"})


def test_a_record_says_who_did_what_and_what_came_of_it(service: LocalService) -> None:
    result = invoke(service)

    _, line = result.stdout.splitlines()
    assert line.split("  ") == [
        "2026-01-31T10:00:00+00:00",
        "token:k3v9",
        "pipeline.delete",
        "refused",
        "[pipeline_not_found]",
        "p-1 of ada",
    ]
    assert result.stderr == "There are older ones: --before 17\n"


def test_details_cannot_move_the_cursor(service: LocalService) -> None:
    result = invoke(service, "--details")

    assert "from 10.0.0.1  request r-1  operation \\x1b[2Jdelete  more_before 4" in result.stdout
    assert "\x1b" not in result.stdout


def test_what_is_wanted_is_asked_for(service: LocalService) -> None:
    invoke(service, "--act", "pipeline.delete", "--since", "2026-01-31", "--json")

    asked = {"act": ["pipeline.delete"], "since": ["2026-01-31"], "limit": ["20"]}
    assert service.received[-1].query == asked
