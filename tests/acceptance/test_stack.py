"""``up``, ``status``, ``env``, ``down`` and ``reset`` with real processes."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing

import psutil
import psycopg2
import pytest
import requests
from click.testing import CliRunner
from waiting import wait_until

from pipeline_engine.cli import main
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.ports import free_port
from pipeline_engine.embedded.stack import Stack
from pipeline_engine.embedded.state import ProcessStatus, StackState
from pipeline_engine.embedded.told import OF_SERVERS

PROCESSES = {"worker-fast", "worker-io", "worker-cpu", "worker-system", "beat", "web"}
SERVERS = {"postgres", "valkey"}
NOTHING: dict[str, str] = {}


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def home(server_directory):
    made = Home.at(server_directory / "stack")
    yield made
    made.remove()


def test_the_stack_runs_web_workers_and_beat_on_the_given_servers(stack):
    assert {process.name for process in stack.state.processes} == PROCESSES
    assert all(process.status is ProcessStatus.RUNNING for process in stack.state.processes)
    assert requests.get(f"{stack.api_url}/health", timeout=10).ok


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_a_killed_process_comes_back(stack, name):
    before = stack.kill(name)

    after = wait_until(lambda: running_again(stack, before), within=30)

    assert after.restarts == before.restarts + 1


def test_a_held_process_stays_down_until_it_is_released(stack):
    stack.hold("worker-cpu")
    held = stack.process("worker-cpu")

    stack.release("worker-cpu")

    assert (held.pid, held.status) == (None, ProcessStatus.HELD)
    assert stack.process("worker-cpu").status is ProcessStatus.RUNNING


@pytest.mark.slow
def test_one_command_starts_everything_and_the_data_outlives_it(home):
    with Stack.start(home.directory, environment=NOTHING, port=free_port()) as stack:
        first = stack.environment
        said = stack.log("supervisor")
        assert all(line.startswith("stack  ") for line in said.splitlines()), said
        assert f"API     {stack.api_url}" in said
        assert {process.name for process in stack.state.processes} == PROCESSES | SERVERS
        status = run("status", "--directory", home.directory)
        assert status.exit_code == 0
        assert "worker-io" in status.output
        second = run("up", "--directory", home.directory)
        assert second.exit_code == 4
        assert "already" in second.output
        remember(stack)

    assert run("status", "--directory", home.directory).exit_code == 3

    # In a shell that has evaluated ``env --servers``: those are this stack's own, as before.
    with Stack.start(home.directory, environment=first, port=None) as stack:
        assert is_remembered(stack)
        assert stack.environment == first, "others were told of these addresses"
        down = run("down", "--directory", home.directory)
        assert (down.exit_code, str(home.directory) in down.output) == (0, True)
        assert run("down", "--directory", home.directory).exit_code == 3


@pytest.mark.slow
def test_a_killed_supervisor_leaves_nothing_that_breaks_the_next_one(home):
    first = Stack.start(home.directory, environment=NOTHING)
    old = family_of(first.state.pid)
    remember(first)

    first.kill_supervisor()
    with Stack.start(home.directory, environment=NOTHING) as second:
        assert is_remembered(second)
        wait_until(lambda: not any(is_alive(process) for process in old), within=15)


@pytest.mark.slow
def test_flower_wants_a_password_because_it_can_stop_workers(home):
    with Stack.start(home.directory, environment=NOTHING, options=("--flower",)) as stack:
        url = stack.exports["FLOWER_URL"]
        name, password = stack.exports["FLOWER_BASIC_AUTH"].split(":")
        wait_until(lambda: answers(url), within=30, what="Flower")

        assert requests.get(url, timeout=10).status_code == 401
        assert requests.get(url, auth=(name, password), timeout=10).status_code == 200
        assert "127.0.0.1" in url


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


def test_reset_asks_first_and_then_deletes_everything(home):
    home.credentials.write_text("{}")

    asked = CliRunner().invoke(main, ["reset", "--directory", str(home.directory)], input="n\n")
    kept = home.credentials.exists()
    done = run("reset", "--yes", "--directory", home.directory)

    assert (asked.exit_code, kept) == (1, True)
    assert done.exit_code == 0
    assert not home.directory.exists()


def test_reset_says_what_it_does_not_delete(home):
    servers = {"DATABASE_URL": "postgresql://me:hush@db.local/work"}
    StackState(pid=1, started_at=0.0, servers=servers).write(home.state)
    (home.directory / "note.txt").write_text("mine")

    done = run("reset", "--yes", "--directory", home.directory).output
    home.directory.joinpath("note.txt").unlink()

    deleted, stays = done.split("This stays:")
    assert "keys" in deleted
    assert "PostgreSQL" not in deleted
    assert "your PostgreSQL at db.local/work" in stays
    assert "note.txt" in stays
    assert "hush" not in done


def test_reset_of_a_folder_that_is_no_stack_touches_nothing(tmp_path):
    (tmp_path / ".gitignore").write_text("mine")

    done = run("reset", "--yes", "--directory", tmp_path)

    assert (done.exit_code, "no stack" in done.output) == (0, True)
    assert [path.name for path in tmp_path.iterdir()] == [".gitignore"]


def test_a_database_that_cannot_be_reached_is_named_and_nothing_is_left_running(home):
    environment = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}

    done = subprocess.run(
        [sys.executable, "-m", "pipeline_engine", "up", "--directory", str(home.directory)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "The database cannot be reached" in done.stderr
    assert run("status", "--directory", home.directory).exit_code == 3


def running_again(stack, before):
    process = stack.process(before.name)
    is_back = process.pid not in (None, before.pid) and process.status is ProcessStatus.RUNNING
    return process if is_back else None


def remember(stack):
    with closing(psycopg2.connect(stack.database_url)) as connection, connection:
        connection.cursor().execute("CREATE TABLE remembered ()")


def is_remembered(stack):
    with closing(psycopg2.connect(stack.database_url)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT to_regclass('remembered') IS NOT NULL")
        return cursor.fetchone()[0]


def family_of(pid):
    return psutil.Process(pid).children(recursive=True)


def is_alive(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def answers(url):
    try:
        return requests.get(url, timeout=2).status_code
    except requests.ConnectionError:
        return None
