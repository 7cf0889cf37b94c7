"""``explain`` and ``doctor`` on a real stack, and on one that is hurt."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from support.observing import Run, parked, step
from support.waiting import wait_until

from pipeline_engine.cli import main
from pipeline_engine.client import Client
from pipeline_engine.embedded.stack import Stack

Invoke = Callable[..., Result]
#: The servers of the tests are fast because they keep nothing.
OF_TESTS = {"database_durability", "redis_persistence"}


@pytest.fixture
def invoke(stack: Stack) -> Invoke:
    """Run a command with the environment that ``pipeline-engine env`` prints."""
    return lambda *words: CliRunner().invoke(main, words, env=dict(stack.environment))


def checks(result: Result) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in json.loads(result.stdout)["checks"]}


def ill(result: Result) -> set[str]:
    return {name for name, check in checks(result).items() if not check["is_well"]}


def test_explain_says_for_what_a_parked_step_waits(invoke: Invoke, client: Client) -> None:
    waiting = step("wait", "probe_collect", key=str(uuid4()))
    run = Run.start(client, waiting, step("after", "log", "wait", message="hi"))
    run.until(parked)

    shown, read = invoke("explain", run.id), invoke("explain", run.id, "--json")
    invoke("cancel", run.id)
    run.end()

    codes = {f["step_id"]: f["code"] for f in json.loads(read.stdout)["findings"]}
    assert shown.exit_code == 0, shown.output
    assert "callback_url" in shown.output
    assert codes == {"wait": "parked", "after": "waits_for_dependencies"}
    assert "ended as INTERRUPTED" in invoke("explain", run.id).output


def test_explaining_what_does_not_exist_is_exit_code_4(invoke: Invoke) -> None:
    assert invoke("explain", str(uuid4())).exit_code == 4


def test_the_doctor_finds_a_running_stack_well_but_for_servers_that_keep_nothing(
    invoke: Invoke,
) -> None:
    result = wait_until(lambda: _only(invoke, OF_TESTS), within=30, what="a stack that is well")

    assert result.exit_code == 1
    assert checks(result)["database_durability"]["what_to_do"]


def _only(invoke: Invoke, names: set[str]) -> Result | None:
    """What the doctor said, once nothing but *names* is not well."""
    result = invoke("doctor", "--json")
    return result if ill(result) == names else None


def test_the_doctor_misses_a_worker_that_was_killed(invoke: Invoke, stack: Stack) -> None:
    stack.hold("worker-cpu")
    try:
        hurt = checks(invoke("doctor", "--json"))["workers"]
    finally:
        stack.release("worker-cpu")

    assert not hurt["is_well"]
    assert wait_until(lambda: checks(invoke("doctor", "--json"))["workers"]["is_well"], within=40)
