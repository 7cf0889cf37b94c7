"""``pipeline-engine open`` and the line of ``up``: links into the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from support.local_service import LocalService, local_service

from pipeline_engine.cli import main
from pipeline_engine.embedded.ports import free_port
from pipeline_engine.embedded.sign_in_link import sign_in_link

MADE = {"id": "1", "path": "/console/sign-in?code=c0de", "expires_at": "2026-01-31T10:00:00+00:00"}


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as made:
        made.answer("POST /api/v1/sign-in-links", MADE, status=201)
        yield made


def test_the_link_is_one_of_the_api_that_was_asked(service: LocalService) -> None:
    line = ("open", "--print", "--url", service.url, "--token", "mine")

    result = CliRunner().invoke(main, line)

    assert result.output == f"{service.url}/console/sign-in?code=c0de\n"
    assert service.received[-1].headers["authorization"] == "Bearer mine"


def test_up_has_no_line_for_a_console_that_is_not_built(service: LocalService) -> None:
    service.answer("GET /", {"service": "pipeline-engine"})
    away = f"http://127.0.0.1:{free_port()}"

    for url in (service.url, away):
        assert sign_in_link({"PIPELINE_API_URL": url, "PIPELINE_API_TOKEN": "mine"}) is None
    assert all(asked.method == "GET" for asked in service.received)
