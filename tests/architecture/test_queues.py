"""Every queue has its workers, and no worker waits at a queue that nobody writes to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline_engine.beat.schedule import static_schedule
from pipeline_engine.config import Settings
from pipeline_engine.dispatch.celery_app import make_celery
from pipeline_engine.dispatch.messages import QUEUES as ALL
from pipeline_engine.dispatch.messages import SYSTEM, Message
from pipeline_engine.domain.queues import QueueName
from pipeline_engine.embedded.processes import Layout, application_programs
from pipeline_engine.registry import Registry

ROOT = Path(__file__).parents[2]
QUEUES = set(ALL)
ENVIRONMENT = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "PIPELINE_SECRET_KEY": "key-of-the-tests-and-of-nothing-else",
}
SETTINGS = Settings.from_env(ENVIRONMENT)


def consumed(commands: list[str]) -> list[set[str]]:
    """The queues of each worker."""
    found = (re.search(r" -Q (\S+)", command) for command in commands)
    return [set(match[1].split(",")) for match in found if match]


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


def embedded() -> dict[str, str]:
    programs = application_programs(Layout(web_port=1), {})
    return {program.name: " ".join(program.command) for program in programs}


@pytest.mark.parametrize("programs", [procfile, embedded])
def test_the_workers_take_from_every_queue_and_from_no_other(programs):
    queues = consumed(list(programs().values()))

    assert set().union(*queues) == QUEUES


def test_the_stack_on_one_machine_has_the_workers_of_the_procfile():
    assert consumed(list(procfile().values())) == consumed(list(embedded().values()))


def test_cheap_work_is_taken_by_processes_because_threads_would_share_one_interpreter():
    takers = [
        command
        for command in procfile().values()
        if any(QueueName.FAST in queues for queues in consumed([command]))
    ]

    assert takers
    assert all("-P prefork" in command for command in takers)


def test_what_beat_rings_for_goes_to_queues_that_exist():
    queues = {entry["options"]["queue"] for entry in static_schedule(SETTINGS).values()}

    assert queues <= QUEUES


def test_a_message_without_a_queue_goes_to_one_that_exists():
    with make_celery(SETTINGS) as app:
        assert app.conf.task_default_queue in QUEUES
    assert Message("any", (1,)).queue in QUEUES


def test_what_the_engine_does_for_itself_stands_behind_no_step_of_a_user():
    steps = {queue.value for queue in QueueName}

    assert SYSTEM not in steps
    for taken in (consumed(list(procfile().values())), consumed(list(embedded().values()))):
        assert {SYSTEM} in taken
        assert all(queues <= steps for queues in taken if SYSTEM not in queues)


def test_every_installed_action_travels_on_a_queue_that_exists():
    assert {action.meta.runs_on.value for action in Registry.discover()} <= QUEUES - {SYSTEM}
