"""What ``up`` runs and keeps running, and the commands that talk to it."""

from __future__ import annotations

import subprocess

import pytest
import requests
from click.testing import CliRunner
from support.waiting import TO_START_SECONDS, wait_until

from benchmarks.judging import Rounds
from benchmarks.memory import Memory
from pipeline_engine.cli import main
from pipeline_engine.embedded.state import ProcessStatus
from pipeline_engine.embedded.told import OF_SERVERS

PROCESSES = {"worker-fast", "worker-io", "worker-cpu", "worker-system", "beat", "web"}


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_stack_runs_web_workers_and_beat_on_the_given_servers(stack):
    assert {process.name for process in stack.state.processes} == PROCESSES
    assert all(process.status is ProcessStatus.RUNNING for process in stack.state.processes)
    assert requests.get(f"{stack.api_url}/health", timeout=10).ok


def test_the_row_about_memory_names_what_each_program_holds(stack):
    outcome = Memory(most=500).of(stack, Rounds(count=1, warm_up=0))

    in_all, *by_program = outcome.figures
    assert {figure.name for figure in by_program} == {*PROCESSES, "supervisor"}
    assert sum(figure.value for figure in by_program) == pytest.approx(in_all.value)
    assert min(figure.value for figure in by_program) > 10, "MiB that a Python at least holds"


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_a_killed_process_comes_back(stack, name):
    before = stack.kill(name)

    after = wait_until(lambda: running_again(stack, before), within=TO_START_SECONDS)

    assert after.restarts == before.restarts + 1


def test_a_held_process_stays_down_until_it_is_released(stack):
    stack.hold("worker-cpu")
    held = stack.process("worker-cpu")

    stack.release("worker-cpu")

    assert (held.pid, held.status) == (None, ProcessStatus.HELD)
    assert stack.process("worker-cpu").status is ProcessStatus.RUNNING


def test_env_prints_what_a_client_needs_as_shell_exports(stack):
    printed = run("env", "--directory", stack.directory).output
    with_servers = run("env", "--servers", "--directory", stack.directory).output
    shown = subprocess.run(
        ["/bin/sh", "-c", f'{printed}\necho "$PIPELINE_API_URL $PIPELINE_API_TOKEN"'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert shown.split() == [stack.api_url, stack.api_token]
    assert not any(name in printed for name in OF_SERVERS)
    assert all(f"export {name}=" in with_servers for name in OF_SERVERS)


def test_reset_refuses_while_the_stack_runs(stack):
    refused = run("reset", "--yes", "--directory", stack.directory)

    assert refused.exit_code == 4
    assert stack.is_running


def running_again(stack, before):
    process = stack.process(before.name)
    is_back = process.pid not in (None, before.pid) and process.status is ProcessStatus.RUNNING
    return process if is_back else None
