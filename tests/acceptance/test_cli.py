"""The client commands against a real API."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from support.documentation import blocks
from support.observing import Ledger, Run, parked, step
from support.waiting import wait_until

from pipeline_engine.cli import main
from pipeline_engine.client import Client
from pipeline_engine.demo import samples
from pipeline_engine.embedded.stack import Stack

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(stack: Stack) -> Invoke:
    """Run a command with the environment that ``pipeline-engine env`` prints."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, env=dict(stack.environment))

    return run


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write a pipeline of *steps* to a file and return its path."""

    def to_file(*steps: dict[str, Any], name: str = "from-a-file") -> str:
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps({"name": name, "steps": steps}))
        return str(file)

    return to_file


def execution_of(result: Result) -> dict[str, Any]:
    execution: dict[str, Any] = json.loads(result.stdout)
    return execution


def test_a_file_is_run_and_watched_to_its_end(invoke: Invoke, write: Callable[..., str]) -> None:
    result = invoke("run", write(step("greet", "log", message="hi")), "--watch")

    assert result.exit_code == 0, result.output
    assert "greet  ✓ completed" in result.output


def test_a_stored_pipeline_is_run_by_its_name_with_params(
    invoke: Invoke, administrator: Client
) -> None:
    administrator.store(samples.pipeline(samples.HELLO))

    result = invoke("run", "hello", "-p", 'names=["Ada"]', "-p", "loud=true", "--wait=20", "--json")

    assert result.exit_code == 0, result.output
    assert execution_of(result)["final_outputs"]["greeting"] == "Hello, ADA!"


def test_params_come_from_a_file_and_single_ones_win(
    invoke: Invoke, administrator: Client, tmp_path: Path
) -> None:
    administrator.store(samples.pipeline(samples.HELLO))
    params = tmp_path / "params.json"
    params.write_text('{"names": ["Grace"], "loud": true}')

    given = ("--params", str(params), "-p", "loud=false", "--wait", "20", "--json")
    result = invoke("run", "hello", *given)

    assert execution_of(result)["final_outputs"]["greeting"] == "Hello, grace!"


def test_an_awaited_failure_is_exit_code_1(invoke: Invoke, write: Callable[..., str]) -> None:
    result = invoke("run", write(step("stop", "fail", message="on purpose")), "--watch")

    assert result.exit_code == 1
    assert "on purpose" in result.output


def test_without_waiting_the_id_is_printed_and_can_be_watched(
    invoke: Invoke, write: Callable[..., str]
) -> None:
    started = execution_of(invoke("run", write(step("a", "log", message="hi")), "--json"))

    watched = invoke("watch", started["id"])

    assert watched.exit_code == 0
    assert "completed" in watched.output


def test_the_same_idempotency_key_starts_one_execution(
    invoke: Invoke, write: Callable[..., str]
) -> None:
    file, key = write(step("a", "log", message="hi")), str(uuid4())

    ids = {
        execution_of(invoke("run", file, "--idempotency-key", key, "--json"))["id"]
        for _ in range(2)
    }

    assert len(ids) == 1


def test_show_names_what_is_parked_and_cancel_ends_it(invoke: Invoke, client: Client) -> None:
    run = Run.start(client, step("wait", "probe_collect", key=str(uuid4())))
    run.until(parked)

    shown = invoke("show", run.id)
    cancelled = invoke("cancel", run.id)

    assert "parked" in shown.output
    assert "until 20" in shown.output
    assert cancelled.exit_code == 0
    assert run.end().status == "INTERRUPTED"
    assert invoke("watch", run.id).exit_code == 1


def test_executions_are_listed_by_pipeline_and_status(
    invoke: Invoke, administrator: Client
) -> None:
    administrator.store(samples.pipeline(samples.HELLO))
    done = execution_of(invoke("run", "hello", "--wait", "20", "--json"))["id"]

    listed = invoke("executions", "--pipeline", "hello", "--status", "completed")

    assert done in listed.output
    assert invoke("executions", "--pipeline", "hello", "--status", "failed").output.count(done) == 0


def test_what_the_api_refuses_is_exit_code_4_with_all_its_reasons(
    invoke: Invoke, write: Callable[..., str]
) -> None:
    result = invoke("run", write(step("a", "logg"), step("b", "log", "nobody", message="hi")))

    assert result.exit_code == 4
    assert "/steps/0/action" in result.output
    assert "/steps/1/depends_on" in result.output


@pytest.mark.parametrize(
    "command", [("run", "no-such-pipeline"), ("show", str(uuid4())), ("actions", "show", "nothing")]
)
def test_what_does_not_exist_is_exit_code_4(invoke: Invoke, command: tuple[str, ...]) -> None:
    assert invoke(*command).exit_code == 4


def test_a_wrong_token_is_exit_code_4(invoke: Invoke) -> None:
    assert invoke("executions", "--token", "wrong").exit_code == 4


def test_a_document_is_checked_by_the_api(invoke: Invoke, write: Callable[..., str]) -> None:
    good = write(step("a", "probe_collect", key="k"), name="good")
    bad = write(step("a", "probe_colect", key="k"), name="bad")

    assert invoke("validate", good).exit_code == 0
    refused = invoke("validate", bad)
    assert refused.exit_code == 1
    assert "probe_collect" in refused.output


def test_actions_are_listed_and_shown_with_those_of_plug_ins(invoke: Invoke) -> None:
    listed, shown = invoke("actions", "list"), invoke("actions", "show", "probe_work")

    assert "probe_work" in listed.output
    assert "ledger" in shown.output
    assert json.loads(invoke("actions", "show", "log", "--json").stdout)["type"] == "log"


ODD_NAMES = ["[/var/x]", "[bold]not bold[/bold]", ":smile: \x1b[31mred\x1b[0m", "two\nlines"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_no_name_is_markup_in_any_command(
    invoke: Invoke, write: Callable[..., str], tmp_path: Path, name: str
) -> None:
    """One such name broke the list of all executions."""
    file = tmp_path / "odd.json"
    file.write_text(json.dumps({"name": name, "steps": [step("say", "log", message=name)]}))

    ran = invoke("run", str(file), "--watch")
    found = [ran, invoke("executions"), invoke("show", "@last"), invoke("explain", "@last")]

    shown = name.replace("\n", " ").replace("\x1b", r"\x1b")
    assert [result.exit_code for result in found] == [0, 0, 0, 0], [r.output for r in found]
    assert all(shown in result.output for result in found[:3])
    assert not any("\x1b[31m" in result.output for result in found)


def test_an_execution_is_named_by_the_start_of_its_id(
    invoke: Invoke, write: Callable[..., str]
) -> None:
    ran = invoke("run", write(step("greet", "log", message="hi")), "--wait=20", "--json")
    whole = execution_of(ran)["id"]

    assert whole in invoke("show", whole[:-4]).output
    assert invoke("show", "ffff").exit_code == 4
    assert "begins with" in invoke("show", "ffff").output


def test_who_waited_too_short_learns_that_it_runs_on(
    invoke: Invoke, write: Callable[..., str]
) -> None:
    file = write(step("wait", "wait_for_event", event_key="never"))

    result = invoke("run", file, "--wait", "0.1")

    assert result.exit_code == 124
    assert "it runs on" in result.output
    assert invoke("cancel", "@last").exit_code == 0


def test_a_refusal_shows_the_stable_code_of_the_api(
    invoke: Invoke, write: Callable[..., str]
) -> None:
    result = invoke("run", write(step("greet", "no_such_action")))

    assert result.exit_code == 4
    assert "[invalid_definition]" in result.output


def test_a_pipeline_is_applied_listed_shown_run_and_deleted(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "versioned.json"
    document = {
        "name": "versioned",
        "parameters": [{"name": "version", "type": "string"}],
        "steps": [step("say", "log", message="{{ params.version }}")],
    }
    file.write_text(json.dumps(document))

    first = invoke("pipelines", "apply", str(file))
    file.write_text(json.dumps(document | {"description": "changed"}))
    second = invoke("pipelines", "apply", str(file))
    shown = invoke("pipelines", "show", "versioned")
    ran = invoke("run", "versioned", "-p", "version=1.5", "--wait=20")
    deleted = invoke("pipelines", "delete", "versioned", "--yes")

    assert ("revision 1" in first.output, "revision 2" in second.output) == (True, True)
    assert "version" in shown.output
    assert ran.exit_code == 0, ran.output
    assert deleted.exit_code == 0
    assert "versioned" not in invoke("pipelines", "list").output


def test_the_items_that_failed_are_shown_on_request(
    invoke: Invoke, write: Callable[..., str]
) -> None:
    fan_out = step("some", "fail", message="{{ item }}", for_each={"items": ["x", "y"]})

    invoke("run", write(fan_out), "--wait=20")

    assert "2 failed" in invoke("show", "@last").output
    assert "some[1]" in invoke("show", "@last", "--items", "--failed").output


def test_the_step_that_waits_for_an_approval_is_approved_or_rejected(
    invoke: Invoke, write: Callable[..., str]
) -> None:
    file = write(step("sign_off", "approval", approvers=["ops"]))
    started = execution_of(invoke("run", file, "--json"))["id"]
    wait_until(lambda: "parked" in invoke("show", started).stdout)

    refused = invoke("approve", started, "--by", "somebody", "--json")
    said = invoke("approve", started, "--reject", "--by", "ops", "--reason", "not on a Friday")

    assert (refused.exit_code, json.loads(refused.stderr)["code"]) == (4, "answer_not_allowed")
    assert said.exit_code == 0, said.output
    assert invoke("watch", started).exit_code == 1
    assert "not on a Friday" in invoke("show", started).stdout
    assert invoke("approve", started).exit_code == 4


def test_the_folder_to_begin_with_does_what_its_readme_says(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for `up` and `down`: a stack runs already, and others use it."""
    monkeypatch.chdir(tmp_path)
    invoke("init")
    calls = [
        shlex.split(line)[1:]
        for block in blocks(tmp_path / "README.md", "sh")
        for line in block.splitlines()
        if line.startswith("pipeline-engine ") and line.split()[1] not in {"up", "down"}
    ]

    assert len(calls) == 8
    for call in calls:
        if call[0] == "approve":
            wait_until(lambda: "◆ parked" in invoke("show", "@last").stdout)
        done = invoke(*call)
        assert done.exit_code == 0, f"{call}: {done.output}"
    assert invoke("cancel", "@last").exit_code == 0
    assert invoke("pipelines", "delete", "release", "--yes").exit_code == 0


def test_an_action_that_is_data_runs_where_installed_ones_do(
    invoke: Invoke, write: Callable[..., str], ledger: Ledger, tmp_path: Path
) -> None:
    work = {"ledger": str(ledger), "seconds": "{{ inputs.seconds }}"}
    given = [{"name": "seconds", "type": "number"}]
    action = {"type": "work_a_bit", "name": "Work", "template": "probe_work", "defaults": work}
    file = tmp_path / "action.json"
    file.write_text(json.dumps({**action, "exposed_params": given}))

    stored = invoke("actions", "create", str(file))
    ran = invoke("run", write(step("work", "work_a_bit", seconds=0)), "--watch")
    gone = invoke("actions", "delete", "work_a_bit", "--yes")

    assert (stored.stdout, gone.stdout) == ("work_a_bit is version 1\n", "deleted\n")
    assert ran.exit_code == 0, ran.output
    assert ledger.count("started") == 1
