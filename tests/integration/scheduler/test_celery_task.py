"""celery_task with a real worker of a foreign app: sent, ended, failed, revoked, lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pipeline_engine_actions.integration.celery_task import META, RunCeleryTask
from support.contexts import a_context, an_event
from support.driving import Driver, Look
from support.factories import a_step
from support.foreign_celery import foreign_worker, kill
from support.runtimes import Drive
from support.waiting import wait_until

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.embedded.servers import EmbeddedServers
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import CELERY_TASK_ENDED, EventAction
from pipeline_engine.services import executions
from pipeline_engine.services.celery_tasks import tell_ended

FOREIGN_DATABASE = 33  # far from those that tests of the engine empty
KEYS = {output.name for output in META.outputs}
ALLOWED = ("reports:reports.*",)


@pytest.fixture(scope="module")
def broker(servers: EmbeddedServers) -> str:
    return servers.redis_url.removesuffix("/0") + f"/{FOREIGN_DATABASE}"


@pytest.fixture(scope="module")
def worker(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with foreign_worker(broker, tmp_path_factory.mktemp("foreign") / "worker.log"):
        yield


@pytest.fixture
def driver(drive: Drive, broker: str) -> Driver:
    app = {"broker": broker, "result_backend": broker}
    return drive(celery_apps={"reports": app}, celery_tasks_allowed=ALLOWED)


def a_task(name: str, **params: Any) -> dict[str, Any]:
    fields = {"timeout_seconds": params.pop("timeout")} if "timeout" in params else {}
    retry = {"retry": params.pop("retry")} if "retry" in params else {}
    return a_step("task", action="celery_task", params={"name": name, **params}, **fields, **retry)


def finished(driver: Driver, execution_id: UUID) -> Look:
    def is_over() -> bool:
        driver.settle()
        tell_ended(driver.runtime)
        driver.settle()
        return ExecutionStatus(driver.look(execution_id).status).is_final

    wait_until(is_over, within=20, what="the end of the task")
    return driver.finish(execution_id)


def run(driver: Driver, *steps: dict[str, Any]) -> Look:
    return finished(driver, driver.start(*steps))


def has_begun(folder: Path) -> Callable[[], list[str]]:
    began = folder / "began"
    return lambda: began.read_text().split() if began.exists() else []


# ── Ends ─────────────────────────────────────────────────────────────────────────────────


def test_a_task_of_another_app_is_a_step_and_its_result_is_mapped(driver, worker):
    step = a_task(
        "reports.small",
        kwargs={"month": "2024-05"},
        result={"rows": "{{ result.rows }}", "month": "{{ result.given.month }}"},
    )

    found = run(driver, step)

    outputs = found.step("task").outputs
    assert (found.status, set(outputs)) == ("COMPLETED", KEYS)
    assert outputs["result"] == {"rows": 3, "month": "2024-05"}
    assert (outputs["app"], outputs["state"], outputs["error"]) == ("reports", "SUCCESS", None)


def test_while_a_task_runs_its_step_is_parked_and_holds_no_worker(driver, worker, tmp_path):
    execution = driver.start(a_task("reports.hang", args=[str(tmp_path)]))
    driver.settle()
    wait_until(has_begun(tmp_path), what="the task")
    row = driver.look(execution).step("task")

    assert tell_ended(driver.runtime) == 1
    assert (row.awaiting_event, row.leased_until, row.outputs["state"]) == (True, None, "SENT")

    (tmp_path / "go").touch()
    assert finished(driver, execution).step("task").outputs["result"] == "went on"
    assert has_begun(tmp_path)() == [row.outputs["task_id"]]
    assert driver.look(execution).events("task").count("step.parked") <= 1


def test_an_exception_is_the_error_of_the_step(driver, worker):
    step = run(driver, a_task("reports.fail", args=["no such month"])).step("task")

    assert (step.status, step.error_code) == ("FAILED", "celery_task_failed")
    assert step.error_message == step.outputs["error"] == "ValueError: no such month"
    assert (step.outputs["state"], set(step.outputs)) == ("FAILURE", KEYS)


def test_a_failed_task_is_tried_again_under_another_id(driver, worker):
    retry = {"max_attempts": 2, "backoff_seconds": 0.01, "max_backoff_seconds": 0.01}
    execution = driver.start(a_task("reports.fail", args=["again"], retry=retry))
    ids = set()

    def has_two() -> bool:
        driver.settle()
        ids.add((driver.look(execution).step("task").outputs or {}).get("task_id"))
        tell_ended(driver.runtime)
        driver.settle()
        sweep.sweep(driver.runtime)
        return len(ids - {None}) == 2

    wait_until(has_two, what="a second task")
    assert finished(driver, execution).step("task").attempt == 2


def test_a_task_that_was_not_over_in_time_is_waited_for_again(driver, worker, tmp_path):
    retry = {"max_attempts": 2, "backoff_seconds": 0.01, "max_backoff_seconds": 0.01}
    step = a_task("reports.hang", args=[str(tmp_path)], retry=retry, timeout=1)
    execution = driver.start(step | {"idempotent": True})

    def is_second() -> bool:
        driver.settle()
        sweep.sweep(driver.runtime)
        driver.settle()
        row = driver.look(execution).step("task")
        return bool(row.awaiting_event and row.attempt == 2)

    wait_until(is_second, what="a second attempt")
    (tmp_path / "go").touch()

    assert finished(driver, execution).step("task").outputs["result"] == "went on"
    assert len(has_begun(tmp_path)()) == 1


def test_each_item_of_a_fan_out_has_a_task_of_its_own(driver, worker):
    step = a_task("reports.small", kwargs={"n": "{{ item }}"}, result={"n": "{{ result.given.n }}"})

    found = run(driver, step | {"for_each": {"items": [1, 2, 3]}})

    rows = found.items("task")
    assert [row.outputs["result"] for row in rows] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert len({row.outputs["task_id"] for row in rows}) == 3


def test_a_result_that_no_step_can_keep_fails_in_words(driver, worker):
    step = run(driver, a_task("reports.add", args=[1, 2])).step("task")

    assert (step.status, step.error_code) == ("FAILED", "result_too_large")
    assert "64 bits" in step.error_message


def test_what_cannot_be_made_of_a_result_fails_the_step_and_leaves_none_waiting(driver, worker):
    step = run(driver, a_task("reports.small", result="{{ 1 / (result.rows - 3) }}")).step("task")

    assert (step.status, step.outputs["state"]) == ("FAILED", "SUCCESS")
    assert step.error_message.startswith("result: ")


def test_a_step_that_does_not_wait_ends_when_its_task_is_sent(driver, worker):
    found = driver.run(a_task("reports.small", wait=False))

    outputs = found.step("task").outputs
    assert (found.status, outputs["state"], set(outputs)) == ("COMPLETED", "SENT", KEYS)


# ── Revoked, lost ────────────────────────────────────────────────────────────────────────


def test_a_cancel_revokes_the_task_and_stops_it_where_its_author_says_so(driver, worker, tmp_path):
    execution = driver.start(a_task("reports.hang", args=[str(tmp_path)], terminate=True))
    driver.settle()
    wait_until(has_begun(tmp_path), what="the task")
    [task_id] = has_begun(tmp_path)()

    executions.cancel(SYSTEM, driver.runtime, execution)
    found = driver.finish(execution)

    apps = driver.runtime.celery_apps
    ended = wait_until(lambda: apps.ended("reports", [task_id]), what="the revocation")
    assert (found.step("task").status, ended[task_id].state) == ("SKIPPED", "REVOKED")


def test_a_task_that_somebody_else_revokes_fails_its_step(driver, worker, tmp_path):
    execution = driver.start(a_task("reports.hang", args=[str(tmp_path)]))
    driver.settle()
    wait_until(has_begun(tmp_path), what="the task")
    task_id = driver.look(execution).step("task").outputs["task_id"]

    app = driver.runtime.celery_apps._app("reports")
    app.control.revoke(task_id, terminate=True, signal="SIGTERM")

    step = finished(driver, execution).step("task")
    assert (step.error_code, step.outputs["state"]) == ("celery_task_revoked", "REVOKED")


def test_a_task_whose_worker_dies_is_waited_for_until_another_has_run_it(driver, broker, tmp_path):
    execution = driver.start(a_task("reports.hang", args=[str(tmp_path)], queue="mortal"))
    driver.settle()
    given = {"queues": "mortal", "FOREIGN_VISIBILITY": "0.2"}

    with foreign_worker(broker, tmp_path / "first.log", **given) as first:
        wait_until(has_begun(tmp_path), what="the task")
        kill(first)
    tell_ended(driver.runtime)
    driver.settle()
    assert driver.look(execution).step("task").awaiting_event
    (tmp_path / "go").touch()
    with foreign_worker(broker, tmp_path / "second.log", **given):
        found = finished(driver, execution)

    assert found.step("task").outputs["result"] == "went on"
    assert len(set(has_begun(tmp_path)())) == 1


# ── Who may send what ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"name": "mail.send"}, "PIPELINE_CELERY_TASKS_ALLOWED=reports:mail.send"),
        ({"name": "step.log"}, "none that a pipeline may send"),
        ({"name": "engine.sweep"}, "none that a pipeline may send"),
        ({"name": "celery.backend_cleanup"}, "none that a pipeline may send"),
        ({"name": "reports.small", "app": "other"}, "no Celery app is called 'other'"),
    ],
)
def test_only_what_an_operator_allows_is_sent(drive, broker, params, words):
    app = {"broker": broker, "result_backend": broker}
    allowed = (*ALLOWED, "step.*", "*:engine.*", "celery.*")
    driver = drive(celery_apps={"reports": app}, celery_tasks_allowed=allowed)

    step = driver.run(a_step("task", action="celery_task", params=params)).step("task")

    assert (step.error_code, step.retry_count) == ("celery_task_refused", 0)
    assert words in step.error_message
    assert set(step.outputs) == KEYS


def test_by_default_there_is_no_app_and_no_task_is_allowed(drive, broker):
    step = drive().run(a_task("reports.small")).step("task")
    assert "PIPELINE_CELERY_APPS names none" in step.error_message

    step = drive(celery_apps={"reports": {"broker": broker}}).run(a_task("reports.small"))
    assert "not allowed" in step.step("task").error_message


def test_without_results_nobody_can_wait(drive, broker):
    driver = drive(celery_apps={"reports": {"broker": broker}}, celery_tasks_allowed=ALLOWED)

    step = driver.run(a_task("reports.small")).step("task")

    assert (step.error_code, "wait: false" in step.error_message) == ("invalid_params", True)


def test_a_broker_that_is_away_is_tried_again(drive):
    away = {"broker": "redis://127.0.0.1:1/0", "result_backend": "redis://127.0.0.1:1/0"}
    driver = drive(celery_apps={"reports": away}, celery_tasks_allowed=ALLOWED)
    retry = {"max_attempts": 2, "backoff_seconds": 0.01, "max_backoff_seconds": 0.01}

    step = driver.run(a_task("reports.small", retry=retry)).step("task")

    assert (step.error_code, step.attempt) == ("celery_unreachable", 2)


def test_a_task_that_could_not_be_sent_leaves_the_one_before_it_known():
    before = {"task_id": "t-1", "app": "reports", "state": "FAILURE", "result": None}

    result = RunCeleryTask().execute(a_context({"name": "reports.small"}, stored_outputs=before))

    assert (result.success, result.outputs["task_id"]) == (False, "t-1")
    assert set(result.outputs) == KEYS


@pytest.mark.parametrize(
    "event",
    [{}, {"type": "x"}, {"type": CELERY_TASK_ENDED}, {"type": CELERY_TASK_ENDED, "state": 1}],
)
def test_what_does_not_say_how_a_task_has_ended_is_ignored(event):
    assert RunCeleryTask().on_event(an_event(event)).action is EventAction.IGNORE


def test_the_thread_of_a_worker_looks_by_itself(driver, worker, monkeypatch):
    for name in ("database_url", "redis_url"):
        monkeypatch.setenv(name.upper(), getattr(driver.runtime.settings, name))
    monkeypatch.setenv("PIPELINE_SECRET_KEY", driver.runtime.settings.secret_key)
    results = import_module("pipeline_engine.worker.celery_results")
    looking = results.CeleryResults(lambda: driver.runtime)
    looking.start()
    execution = driver.start(a_task("reports.small"))

    def is_over() -> bool:
        driver.settle()
        return ExecutionStatus(driver.look(execution).status).is_final

    try:
        wait_until(is_over, what="the end of the task")
    finally:
        looking.stop()
    assert driver.look(execution).status == "COMPLETED"


def test_a_backend_that_is_away_keeps_nobody_else_waiting(drive, broker, worker):
    here = {"broker": broker, "result_backend": broker}
    away = {"broker": broker, "result_backend": "redis://127.0.0.1:1/0"}
    driver = drive(celery_apps={"away": away, "here": here}, celery_tasks_allowed=("reports.*",))
    lost = driver.start(a_task("reports.small", app="away"))

    found = run(driver, a_task("reports.small", app="here"))

    assert found.status == "COMPLETED"
    assert driver.look(lost).step("task").awaiting_event
