"""Two workers with one thread each: nobody is idle while the other has steps in hand."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis as redis_client
from sqlalchemy import Engine
from support.driving import Driver
from support.factories import a_step
from support.waiting import TO_START_SECONDS, wait_until

from pipeline_engine.config import Settings
from pipeline_engine.registry import TRUSTING, Registry
from pipeline_engine.scheduler.runtime import Runtime

PLUGINS = Path(__file__).parents[1] / "plugins" / "probe_pipeline_actions"
WORKER = ("worker", "-E", "-P", "threads", "-c", "1", "-Q", "io,fast,system", "--loglevel=WARNING")
QUICK = [{"seconds": 0.01}] * 99


@dataclass
class Workers:
    """The workers of one installation, which nobody else knows."""

    runtime: Runtime
    environment: dict[str, str]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, count: int, stack: ExitStack) -> None:
        celery = (sys.executable, "-m", "celery", "-A", "pipeline_engine.worker")
        for number in range(count):
            name = ("-n", f"worker-{number}@%h")
            process = subprocess.Popen((*celery, *WORKER, *name), env=self.environment)
            stack.callback(self._stop, process)
            self.running.append(process)
        control = self.runtime.dispatch.app.control
        wait_until(
            lambda: len(control.ping(timeout=0.5) or ()) == count,
            within=TO_START_SECONDS,
            what="two workers that answer",
        )

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        process.wait(30)

    def holding(self, worker: str) -> subprocess.Popen[bytes]:
        """The process that has claimed a step, by the name that its row gives."""
        pid = int(worker.rpartition(":")[2])
        return next(process for process in self.running if process.pid == pid)


@pytest.fixture
def workers(
    settings: Settings,
    engine: Engine,
    redis: redis_client.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Workers]:
    monkeypatch.syspath_prepend(str(PLUGINS))  # where the workers find their actions, too
    prefix = f"two-workers-{uuid4().hex[:6]}:"
    told = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "PIPELINE_SECRET_KEY": settings.secret_key,
        "PIPELINE_KEY_PREFIX": prefix,
        "PIPELINE_LEASE_SECONDS": "2",
        "PIPELINE_TRUSTED_PACKAGES": "probe-pipeline-actions",
        "PIPELINE_WAVE_MESSAGES": "4",
    }
    environment = os.environ | told | {"PYTHONPATH": str(PLUGINS), "LOG_LEVEL": "WARNING"}
    own = replace(settings, key_prefix=prefix, wave_messages=4)
    runtime = Runtime.start(own, registry=Registry.discover(terms=TRUSTING))
    with ExitStack() as stack:
        stack.callback(runtime.stop)
        found = Workers(runtime, environment)
        found.start(2, stack)
        yield found


def start(driver: Driver, ledger: Path, *items: dict[str, float]) -> UUID:
    """One item for each of these params."""
    params = {
        "ledger": str(ledger),
        "seconds": "{{ item.seconds }}",
        "others": "{{ item.others | default(0) }}",
    }
    step = a_step("each", action="probe_work", params=params, for_each=list(items))
    return driver.start(step)


def status(driver: Driver, execution_id: UUID) -> str:
    with driver.runtime.engine.connect() as connection:
        query = "SELECT status FROM executions WHERE id = %(id)s"
        return str(connection.exec_driver_sql(query, {"id": execution_id}).scalar())


def ended(driver: Driver, execution_id: UUID, *, within: float) -> list[Any]:
    """The items, once all of the execution has ended."""
    wait_until(lambda: status(driver, execution_id) == "COMPLETED", within=within)
    return driver.look(execution_id).items("each")


@contextmanager
def told(workers: Workers) -> Iterator[list[dict[str, Any]]]:
    """The task events that the workers send in the block."""
    app, events = workers.runtime.dispatch.app, []
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": events.append})
        thread = Thread(target=receiver.capture, kwargs={"limit": None, "wakeup": False})
        thread.daemon = True
        thread.start()
        try:
            yield events
        finally:
            receiver.should_stop = True
            thread.join(10)


def test_a_long_step_holds_up_nobody_and_flower_is_told_of_each(workers, tmp_path):
    """It does not even end before all that was in hand behind it has been run by the other."""
    driver = Driver(workers.runtime)
    long = {"seconds": 0, "others": len(QUICK)}
    with told(workers) as events:
        execution_id = start(driver, tmp_path / "ledger", long, *QUICK)
        items = ended(driver, execution_id, within=TO_START_SECONDS)
        labels = {f"{execution_id}/each[{item.item_index}]" for item in items}
        wait_until(lambda: labels <= shown(events), what="an event for each item")

    assert {item.attempt for item in items} == {1}
    assert max(items, key=lambda item: item.finished_at) is items[0]


def shown(events: list[dict[str, Any]]) -> set[str]:
    """Of which single steps these events tell that they succeeded."""
    named = {
        event["uuid"]: event.get("args") for event in events if event["type"] == "task-received"
    }
    done = {event["uuid"] for event in events if event["type"] == "task-succeeded"}
    return {str(named.get(task_id)) for task_id in done}


def test_a_killed_worker_loses_the_step_that_it_ran_and_no_other(workers, tmp_path):
    driver = Driver(workers.runtime)
    execution_id = start(driver, tmp_path / "ledger", {"seconds": 3}, *QUICK)
    long = wait_until(lambda: running(driver, execution_id), within=TO_START_SECONDS)

    workers.holding(long.worker).kill()
    items = ended(driver, execution_id, within=TO_START_SECONDS)

    assert [item.attempt for item in items] == [2, *[1] * len(QUICK)]


def running(driver: Driver, execution_id: UUID) -> Any:
    """The long item, while a worker has it."""
    items = driver.look(execution_id).items("each")
    return items[0] if items and items[0].status == "RUNNING" else None
