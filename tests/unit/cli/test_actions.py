"""``pipeline-engine actions list | show``: versions, packages and what should not be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from support.local_service import LocalService, local_service

from pipeline_engine.cli import main

OLD: dict[str, Any] = {
    "type": "greet",
    "version": "1.0.0",
    "versions": ["2.0.0", "1.0.0"],
    "package": "acme",
    "packageVersion": "7.1",
    "category": "Acme",
    "description": "Greets.",
    "deprecated": True,
    "deprecationMessage": "it shouts",
    "replacedBy": "greet@2",
    "requiredPermissions": [],
    "params": [],
    "outputs": [],
}


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as made:
        made.answer("GET /api/v1/actions", {"actions": [OLD], "broken": []})
        made.answer("GET /api/v1/actions/greet@1", OLD)
        yield made


def output(service: LocalService, *arguments: str) -> str:
    environment = {"PIPELINE_API_TOKEN": "", "COLUMNS": "100"}
    line = ["actions", *arguments, "--url", service.url]
    return CliRunner().invoke(main, line, env=environment).output


def test_what_is_deprecated_is_marked_in_the_list(service: LocalService) -> None:
    assert "1.0.0" in output(service, "list")
    assert "(deprecated) Greets." in output(service, "list")


def test_one_version_is_shown_with_its_package_and_those_beside_it(service: LocalService) -> None:
    shown = output(service, "show", "greet@1")

    assert shown.startswith("greet 1.0.0: Greets.\nfrom acme 7.1, beside 2.0.0\n")
    assert "deprecated: it shouts; use greet@2 instead\n" in shown
