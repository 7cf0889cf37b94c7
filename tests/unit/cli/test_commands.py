"""What the commands do before and without an API; tests/acceptance/test_cli.py has the rest."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from support.local_service import local_service

from pipeline_engine.cli import main
from pipeline_engine.embedded.ports import free_port

DOCUMENT = {"name": "x", "steps": [{"id": "a", "name": "A", "action": "log"}]}


def invoke(*arguments: str) -> Result:
    environment = {"PIPELINE_API_URL": "", "PIPELINE_API_TOKEN": ""}
    return CliRunner().invoke(main, arguments, env=environment)


@pytest.fixture
def document(tmp_path: Path) -> str:
    file = tmp_path / "pipeline.json"
    file.write_text(json.dumps(DOCUMENT))
    return str(file)


def test_an_api_that_does_not_answer_is_exit_code_3(document: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    for command in (("run", document), ("executions",), ("show", "id"), ("actions", "list")):
        result = invoke(*command, "--url", url)

        assert (result.exit_code, url in result.output) == (3, True), result.output


def test_without_an_api_and_without_a_stack_a_command_says_how_to_get_one(tmp_path: Path) -> None:
    result = invoke("executions", "--directory", str(tmp_path / "none"))

    assert result.exit_code == 3
    assert "pipeline-engine up" in result.output


def test_wrong_usage_is_exit_code_2(document: str) -> None:
    assert invoke("run", document, "-p", "no-equals-sign").exit_code == 2
    assert invoke("run").exit_code == 2
    assert invoke("validate", "/nowhere.json").exit_code == 2


def test_a_document_can_be_checked_without_an_api(document: str) -> None:
    result = invoke("validate", document, "--local")

    assert (result.exit_code, result.output) == (0, "valid: 1 step\n")


def test_the_steps_of_a_block_are_shown_below_it() -> None:
    pay = {"id": "pay", "name": "Pay", "action": "log"}
    ship = {"id": "ship", "name": "Ship", "action": "log", "depends_on": "pay"}
    dag = DOCUMENT | {"steps": [{"id": "order", "name": "Order", "steps": [pay, ship]}]}
    stored = {"id": str(UUID(int=1)), "name": "x", "status": "active"}
    stored |= {"revision": 1, "dag": dag, "action_versions": {"log": "1.0.0"}}

    with local_service() as service:
        service.answer(f"GET /api/v1/pipelines/{UUID(int=1)}", stored)
        result = invoke("pipelines", "show", str(UUID(int=1)), "--url", service.url)

    assert result.output.splitlines()[-4:] == [
        "step    action  version  after",
        "order   block",
        "  pay   log     1.0.0",
        "  ship  log     1.0.0    pay",
    ]


def test_every_problem_of_a_document_is_listed_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_text('{"steps": [{"id": "a", "name": "A", "action": "logg"}]}')

    result = invoke("validate", str(file), "--local")

    assert result.exit_code == 1
    assert "/steps/0/action" in result.output
    assert "log" in result.output
    assert "/name" in result.output


def test_a_check_can_be_read_by_programs(document: str) -> None:
    result = invoke("validate", document, "--local", "--json")

    assert json.loads(result.output)["valid"] is True


def test_an_error_is_a_problem_for_programs(tmp_path: Path) -> None:
    away = invoke("executions", "--json", "--directory", str(tmp_path / "none"))
    misused = invoke("run", "--json")

    assert (away.exit_code, json.loads(away.stderr)["code"]) == (3, "api_unreachable")
    assert (misused.exit_code, json.loads(misused.stderr)["code"]) == (2, "wrong_usage")
    assert away.stdout == misused.stdout == ""
