"""A sweep is made even if nobody rings for one, and no two are made where one is enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import redis as redis_client
from support.driving import Driver
from support.factories import a_step

from pipeline_engine.dispatch.messages import SYSTEM
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.claim.turn import Turn
from pipeline_engine.scheduler.transaction import transaction
from pipeline_engine.storage import admission

if TYPE_CHECKING:
    from pipeline_engine.worker.sweeper import Sweeper


@pytest.fixture
def driver(drive: Callable[..., Driver]) -> Driver:
    return drive()


@pytest.fixture
def overdue(driver: Driver) -> UUID:
    """An execution whose time is up."""
    execution_id = driver.start(a_step("wait", action="approval"))
    driver.settle()
    driver.change("UPDATE executions SET deadline_at = now() - interval '1 second'")
    return execution_id


@pytest.fixture
def make_sweeper(monkeypatch, settings) -> Callable[..., Sweeper]:
    """A way to make one for a runtime that differs; its module reads its settings when imported."""
    for name in ("database_url", "redis_url"):
        monkeypatch.setenv(name.upper(), getattr(settings, name))
    monkeypatch.setenv("PIPELINE_SECRET_KEY", settings.secret_key)
    made = import_module("pipeline_engine.worker.sweeper").Sweeper

    return lambda driver, **changed: made(lambda: replace(driver.runtime, **changed))


def test_what_is_due_moves_although_nobody_has_rung(make_sweeper, driver, overdue):
    has_swept = make_sweeper(driver).look()

    assert has_swept
    assert driver.finish(overdue).status == "FAILED"


def test_nobody_sweeps_unasked_while_others_do(make_sweeper, driver, overdue):
    sweep.beat_mark(driver.runtime)

    assert not make_sweeper(driver).look()


def test_a_sweep_that_was_made_long_ago_is_made_up_for(make_sweeper, driver, overdue):
    sweep.beat_mark(driver.runtime)
    often = replace(driver.runtime.settings, sweep_interval_seconds=1e-6)

    assert make_sweeper(driver, settings=often).look()


def test_a_sweep_that_comes_late_says_so(driver, capsys):
    settings = driver.runtime.settings
    driver.runtime.redis.set(f"{settings.key_prefix}heartbeat:sweep", time.time() - 85)

    sweep.beat_mark(driver.runtime)
    sweep.beat_mark(driver.runtime)

    said = capsys.readouterr()  # on the one or the other: a command that ran before has chosen
    assert (said.out + said.err).count("sweep_late") == 1


A_SECOND: dict[str, Any] = {"action": "wait_until", "params": {"duration_seconds": 1}}


def test_what_is_due_is_woken_at_its_moment_and_nobody_looks_oftener_than_needed(
    make_sweeper, driver
):
    rarely = replace(driver.runtime.settings, sweep_interval_seconds=30.0)
    sweeper = make_sweeper(driver, settings=rarely)
    assert sweeper.wake() == 1, "nothing waits"
    execution_id = driver.start(a_step("wait", **A_SECOND))
    driver.settle()

    pause = sweeper.wake()
    assert 0 < pause <= 1
    driver.change("UPDATE step_executions SET due_at = now() WHERE awaiting_event")
    assert sweeper.wake() == 1

    assert driver.look(execution_id).step("wait").status == "COMPLETED"


def test_what_is_late_and_cannot_be_woken_is_not_asked_for_without_a_pause(make_sweeper, driver):
    nowhere = redis_client.Redis(port=1, socket_connect_timeout=0.1)
    driver.start(a_step("wait", **A_SECOND))
    driver.settle()
    driver.change("UPDATE step_executions SET due_at = now() WHERE awaiting_event")

    pause = make_sweeper(driver, redis=nowhere).wake()

    assert pause == 1


def test_what_could_not_be_sent_is_not_looked_for(make_sweeper, driver, overdue):
    """Each try in vain would make its row wait twice as long for the next one."""
    nowhere = redis_client.Redis(port=1, socket_connect_timeout=0.1)

    assert not make_sweeper(driver, redis=nowhere).look()
    assert driver.look(overdue).status == "RUNNING"


def test_a_sweep_that_nobody_can_be_told_of_was_made_all_the_same(driver, overdue):
    nowhere = redis_client.Redis(port=1, socket_connect_timeout=0.1)
    away = replace(driver.runtime, redis=nowhere)

    swept = sweep.sweep(away)
    sweep.beat_mark(away)

    assert swept.timed_out_executions == 1


@pytest.mark.parametrize(("queue", "status"), [(SYSTEM, "PENDING"), ("fast", "COMPLETED")])
def test_what_the_engine_sets_free_is_left_to_the_workers_of_users(driver, queue, status):
    execution_id = driver.start(a_step("free"))

    with transaction(driver.runtime) as tx:
        tx.ready = admission.requeue_unclaimed(tx.connection, patience=timedelta(0))
    Turn(driver.runtime, queue=queue).go_on(tx)

    assert driver.look(execution_id).step("free").status == status
