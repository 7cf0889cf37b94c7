"""``up`` with servers of its own: what it starts, what it keeps, what it leaves behind."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing

import psutil
import psycopg2
import pytest
import requests
from click.testing import CliRunner
from support.authors import WrittenPackage
from support.installing import open_directory
from support.waiting import TO_START_SECONDS, wait_until

from pipeline_engine.cli import main
from pipeline_engine.client import Client
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.ports import free_port
from pipeline_engine.embedded.stack import Stack
from pipeline_engine.embedded.state import StackState

PROCESSES = {"worker-fast", "worker-io", "worker-cpu", "worker-system", "beat", "web", "flower"}
SERVERS = {"postgres", "valkey"}
FAILING = {
    "name": "failing",
    "steps": [
        {"id": "cheap", "name": "Cheap", "action": "fail", "on_failure": "continue"},
        {
            "id": "each",
            "name": "Each",
            "action": "http_request",
            "params": {"url": "http://127.0.0.1:9/"},
            "for_each": {"items": [1, 2]},
            "depends_on": ["cheap"],
        },
    ],
}
FAILED = {
    "cheap": "INTENTIONAL_FAILURE",
    "each[0]": "request_blocked",
    "each[1]": "request_blocked",
    "each": "items_failed",
}


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def home(server_directory):
    made = Home.at(server_directory / "stack")
    yield made
    made.remove()


class Lasting:
    """One stack for many tests, started again if one of them has ended it."""

    def __init__(self, directory):
        self._directory = directory / "stack"
        self._stack = None
        self.written = WrittenPackage(directory, "written")

    def running(self):
        if self._stack is None or not self._stack.is_running:
            self._stack = Stack.start(
                self._directory,
                environment={
                    "PYTHONPATH": str(self._directory.parent),
                    "PIPELINE_TRUSTED_PACKAGES": "written",
                },
                options=("--flower", "--reload"),
                port=free_port(),
            )
        return self._stack

    def stop(self):
        if self._stack is not None and self._stack.is_running:
            self._stack.stop()


@pytest.fixture(scope="module")
def lasting():
    with open_directory() as directory:
        made = Lasting(directory)
        yield made
        made.stop()


@pytest.fixture
def whole(lasting):
    """A stack with servers of its own, Flower, and a package that is being written."""
    return lasting.running()


def test_one_command_starts_everything_and_a_second_one_is_refused(whole):
    wait_until(
        lambda: f"API     {whole.api_url}" in whole.log("supervisor"), what="what the stack says"
    )
    status = run("status", "--directory", whole.directory)
    second = run("up", "--directory", whole.directory)

    # Warnings of the processes may stand between them.
    said = [line.partition(" ")[0] for line in whole.log("supervisor").splitlines()]
    assert {name for name in said if name} <= {"stack"} | PROCESSES
    assert {process.name for process in whole.state.processes} == PROCESSES | SERVERS
    assert status.exit_code == 0
    assert "worker-io" in status.output
    assert second.exit_code == 4
    assert "already" in second.output


def test_flower_wants_a_password_because_it_can_stop_workers(whole):
    url = whole.exports["FLOWER_URL"]
    name, password = whole.exports["FLOWER_BASIC_AUTH"].split(":")
    wait_until(lambda: answers(url), within=TO_START_SECONDS, what="Flower")

    assert requests.get(url, timeout=10).status_code == 401
    assert requests.get(url, auth=(name, password), timeout=10).status_code == 200
    assert "127.0.0.1" in url


def test_flower_shows_failed_steps_as_failures_and_no_housekeeping(whole):
    url, auth = whole.exports["FLOWER_URL"], whole.exports["FLOWER_BASIC_AUTH"].split(":")
    wait_until(lambda: answers(url), within=TO_START_SECONDS, what="Flower")
    execution = Client(whole.api_url, whole.api_token).run(FAILING, {})["execution_id"]
    labels = {f"{execution}/{step}": code for step, code in FAILED.items()}

    found = wait_until(lambda: failures(url, tuple(auth), labels), within=30)

    assert all(f"{label}: {code}" in found[label] for label, code in labels.items())


def failures(url, auth, labels):
    """The exceptions of the failed tasks by their arguments, once all of *labels* are there."""
    tasks = requests.get(f"{url}/api/tasks", auth=auth, timeout=10).json().values()
    assert not any(task["name"].startswith("engine.") for task in tasks)
    found = {task["args"]: task["exception"] for task in tasks if task["state"] == "FAILURE"}
    return found.keys() >= labels.keys() and found


def test_the_doctor_finds_a_stack_by_its_directory_and_it_is_well(whole, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def well():
        result = run("doctor", "--directory", whole.directory)
        return result if result.exit_code == 0 else None

    assert "checks: well" in wait_until(well, within=TO_START_SECONDS, what="exit code 0").output


def test_a_saved_action_is_live_on_the_next_step_and_a_broken_one_is_told_once(whole, lasting):
    client = Client(whole.api_url, whole.api_token)
    step = {"id": "say", "name": "Say", "action": "written_one"}
    document = {"name": "say", "steps": [step], "outputs": {"said": "{{ steps.say.outputs.said }}"}}

    def said():
        started = client.run(document, {})["execution_id"]
        wait_until(lambda: client.execution(started)["status"] == "COMPLETED", within=20)
        return client.execution(started)["final_outputs"]["said"]

    assert said() == "first"
    lasting.written.save("words", "WORD = 'second'")
    wait_until(lambda: said() == "second", within=5)
    lasting.written.save("one", "x = = 1")
    wait_until(lambda: "written_one" in broken(client), within=5)

    assert "one.py:1: SyntaxError" in broken(client)["written_one"]
    assert client.action("written_one")["type"] == "written_one", "the old one"
    assert said() == "second"
    lasting.written.save_action("one")
    wait_until(lambda: not broken(client), within=5)
    shown = (whole.directory / "logs" / "supervisor.log").read_text()
    assert shown.count("one.py:1: SyntaxError") == 1


def broken(client):
    return {one["name"]: one["reason"] for one in client.actions().get("broken") or ()}


def test_a_killed_supervisor_leaves_the_data_and_nothing_that_breaks_the_next_one(whole):
    old = family_of(whole.state.pid)
    first = whole.environment
    remember(whole)

    whole.kill_supervisor()
    # In a shell that has evaluated ``env --servers``: those are this stack's own, as before.
    with Stack.start(whole.directory, environment=first, port=None) as second:
        assert is_remembered(second)
        assert second.environment.items() <= first.items(), "others were told of these addresses"
        wait_until(lambda: not any(is_alive(process) for process in old), within=15)
        down = run("down", "--directory", whole.directory)
        assert (down.exit_code, str(whole.directory) in down.output) == (0, True)

    for command in ("down", "status", "doctor"):
        assert run(command, "--directory", whole.directory).exit_code == 3, command


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
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def answers(url):
    try:
        return requests.get(url, timeout=2).status_code
    except requests.ConnectionError:
        return None
