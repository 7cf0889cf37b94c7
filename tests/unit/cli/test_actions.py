"""``pipeline-engine actions list | show``: versions, packages and what should not be used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
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


NOTIFY = {"type": "notify", "name": "Notify", "template": "log", "defaults": {"message": "hi"}}
STORED = OLD | {
    "type": "notify",
    "version": "2",
    "versions": ["2", "1"],
    "package": None,
    "packageVersion": None,
    "stored": {"owner": "ada", "updatedBy": "env:user:ada"},
}


def stored(service: LocalService, tmp_path: Path, *arguments: str) -> str:
    (tmp_path / "notify.json").write_text(json.dumps(NOTIFY))
    service.answer("POST /api/v1/actions", STORED | {"version": "1"})
    service.answer("GET /api/v1/actions/notify", STORED, ETag='"7"')
    service.answer("PUT /api/v1/actions/notify", STORED)
    service.answer("DELETE /api/v1/actions/notify", None, status=204)
    versions = [{"version": "2", "createdAt": "2026-01-31T10:00:00+00:00", "createdBy": "ada"}]
    service.answer("GET /api/v1/actions/notify/versions", {"versions": versions})
    return output(service, *arguments)


def test_an_action_is_stored_from_a_file_and_replaced_as_it_was_seen(
    service: LocalService, tmp_path: Path
) -> None:
    file = str(tmp_path / "notify.json")

    assert stored(service, tmp_path, "create", file) == "notify is version 1\n"
    assert stored(service, tmp_path, "create", file, "--replace") == "notify is version 2\n"
    replaced = service.received[-1]
    assert (replaced.body, replaced.headers["if-match"]) == (NOTIFY, '"7"')


def test_a_stored_action_is_shown_listed_and_deleted(service: LocalService, tmp_path: Path) -> None:
    shown = stored(service, tmp_path, "show", "notify")

    assert "stored by env:user:ada for ada, beside 1\n" in shown
    assert stored(service, tmp_path, "versions", "notify").startswith("version")
    assert stored(service, tmp_path, "delete", "notify", "--yes") == "deleted\n"


def test_a_check_without_an_api_says_that_it_does_not_know_stored_actions(tmp_path: Path) -> None:
    step = {"id": "a", "name": "A", "action": "notify", "params": {}}
    (tmp_path / "uses.json").write_text(json.dumps({"name": "uses", "steps": [step]}))

    said = CliRunner().invoke(main, ["validate", "--local", str(tmp_path / "uses.json")])

    assert said.exit_code == 1
    assert "Only installed actions are known here" in said.output
