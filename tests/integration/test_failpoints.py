"""Every named place to die is passed, and a fault there costs nothing but time."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
from support.driving import SHOWN, Driver, Look
from support.factories import a_document, a_pipeline, a_step, an_action
from support.messengers import OneMessenger, subscribe
from support.waiting import wait_until
from support.webhooks import a_hook

from pipeline_engine import failpoints
from pipeline_engine.config import Settings
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.domain.subscriptions import TargetType
from pipeline_engine.errors import InvalidSettings
from pipeline_engine.failpoints import Failpoint, FaultInjected, Faults, failpoint
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    StepStatus,
)
from pipeline_engine.services import (
    event_triggers,
    executions,
    inbox,
    pipelines,
    retention,
    schedules,
)
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.services.inbox import Arrival
from pipeline_engine.services.pipelines import PipelineRequest
from pipeline_engine.services.schedules import Wanted
from pipeline_engine.storage.tables.executions import open_by_owner
from pipeline_engine.storage.tables.steps import StepKind

TWICE = {"max_attempts": 3, "backoff_seconds": 0.01, "backoff_multiplier": 1.0}
RESULTS = ("step_completed", "step_failed", "step_skipped", "step_timeout")
#: Short patience, so that the sweep finds at once what a fault has left behind.
IMPATIENT = {
    "republish_after_seconds": 0.01,
    "lease_seconds": 0.3,
    "scheduler_poll_interval": 0.001,
}
DOCUMENT = {
    "name": "all-places",
    "steps": [
        a_step("cheap", retry=TWICE),
        a_step("work", "cheap", action="work", retry=TWICE),
        a_step("wait", "cheap", action="park"),
        a_step("each", "cheap", action="work", retry=TWICE, for_each={"items": [1, 2, 3]}),
        a_step("last", "work", "wait", "each"),
    ],
}


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm(None)


def actions() -> list[RegisteredAction]:
    """Blocking work that fails at first, and a step that parks on ``job``."""

    def execute(context: ActionContext) -> ActionResult:
        lucky = context.item_index is not None or context.attempt > 1
        return ActionResult(success=lucky, error_code=None if lucky else "no_luck")

    def park(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="job")

    def on_event(context: EventContext) -> EventResult:
        return EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED)

    return [an_action("work", execute), an_action("park", park, on_event=on_event)]


class Rough:
    """Carries one execution to its end, whatever is raised on the way; repeats as clients do."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    def schedule(self) -> None:
        """Save a schedule that is due now, and once only; beat has not heard of its last change."""
        runtime = self.driver.runtime
        once: dict[str, Any] = {"kind": "interval", "expression": "@every 1s", "max_runs": 1}
        with runtime.sessions() as session:
            pipeline = a_pipeline(session, name="scheduled")
            wanted = Wanted(pipeline_id=pipeline.id, name="scheduled", **once)
            schedules.create(SYSTEM, session, runtime, wanted)
            session.commit()
        self.driver.change(
            "UPDATE schedules SET lock_version = 2, next_fire_at = now(),"
            " settled_at = settled_at - interval '2 seconds'"
        )

    def call_webhook(self) -> None:
        """Call a webhook, and start what it starts; the fault may come in either."""
        hook = a_hook(self.driver.runtime)
        self.patiently(lambda: hook.knock(idempotency_key="a"))
        for _ in range(2):
            self.patiently(self.driver.follow_webhooks)
        assert hook.outcomes() == [("started", None)]

    def through(self) -> Look:
        request = StartRequest(params={}, idempotency_key="once", request_hash="h")
        runtime = self.driver.runtime
        self.call_webhook()
        self.schedule()
        messenger = OneMessenger(runtime)
        subscribe(runtime, "news", target=TargetType.REDIS_STREAM)
        execution_id: UUID = self.patiently(
            lambda: executions.run_ephemeral(SYSTEM, runtime, DOCUMENT, request).id
        )
        self.let_events_start_something()
        event = Arrival(source="tests", body={"workflow_id": "job"}, delivery_id="1")
        self.patiently(lambda: inbox.accept(SYSTEM, runtime, event))
        deadline = time.monotonic() + 20
        while self.is_anything_open():
            assert time.monotonic() < deadline, self.driver.look(execution_id).statuses
            self.patiently(lambda: sweep.sweep(runtime))
            self.patiently(self.driver.settle)
        self.patiently(lambda: sweep.sweep(runtime))
        self.patiently(self.driver.settle)
        self.patiently(messenger.send_all)
        return self.driver.look(execution_id)

    def is_anything_open(self) -> bool:
        """Whether an execution has not ended, whoever has started it."""
        with self.driver.runtime.engine.connect() as connection:
            return bool(open_by_owner(connection))

    def let_events_start_something(self) -> None:
        """Store a pipeline that every event starts."""
        runtime = self.driver.runtime
        with runtime.sessions() as session:
            document = a_document(parameters=[{"name": "event", "type": "object"}])
            stored = pipelines.create(SYSTEM, session, runtime, PipelineRequest(document=document))
            order = {"pipeline_id": stored.pipeline.id, "name": "t", "config": {"event_type": "*"}}
            event_triggers.create(SYSTEM, session, runtime, order)
            session.commit()

    def clean_up(self) -> int:
        """Delete what has ended, as a clean-up in a month would; returns what is left."""
        later = datetime.now(UTC) + timedelta(days=31)
        self.patiently(lambda: retention.clean_up(self.driver.runtime, now=later))
        with self.driver.runtime.engine.connect() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM executions").scalar_one()

    def patiently(self, call: Callable[[], Any]) -> Any:
        """Call again after the injected fault; it happens once."""
        try:
            return call()
        except FaultInjected:
            return call()


@pytest.fixture
def rough(drive: Callable[..., Driver]) -> Callable[[str], Rough]:
    return lambda faults: Rough(drive(*actions(), failpoints=faults, **IMPATIENT))


def hits(place: Failpoint) -> int:
    """How often this process has come past a place."""
    found = failpoints.armed()
    assert found, "no runtime has armed anything"
    return found.hits[place]


def results(look: Look) -> dict[int, int]:
    """How many results the history has for each step."""
    kinds = [e.step_execution_id for e in look.history if e.event_type in RESULTS]
    return {row.id: kinds.count(row.id) for row in look.rows if row.kind in (*SHOWN, StepKind.ITEM)}


# ── Reached ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", Failpoint)
def test_a_place_is_passed_and_an_exception_there_costs_no_result_and_doubles_none(
    rough: Callable[[str], Rough], place: Failpoint
) -> None:
    run = rough(f"{place}=raise")

    end = run.through()
    left = run.clean_up()

    assert hits(place) >= 1
    assert end.status == "COMPLETED"
    assert set(results(end).values()) == {1}
    assert left == 0


def test_numbers_of_the_failure_model_name_one_place_each() -> None:
    numbers = [place.number for place in Failpoint]

    assert numbers == sorted(set(numbers))
    assert all(place.place for place in Failpoint)


# ── Faults ───────────────────────────────────────────────────────────────────────────────


def test_a_fault_with_a_count_happens_at_that_hit_and_never_again() -> None:
    failpoints.arm("before_send=raise:2")

    failpoint(Failpoint.BEFORE_SEND)
    with pytest.raises(FaultInjected, match=r"before_send \(F02\): messages are about to leave"):
        failpoint(Failpoint.BEFORE_SEND)
    failpoint(Failpoint.BEFORE_SEND)


def test_sleep_delays_every_hit_of_its_own_place_only() -> None:
    failpoints.arm("before_send=sleep:0.05,after_send=raise")

    began = time.monotonic()
    failpoint(Failpoint.BEFORE_SEND)
    failpoint(Failpoint.BEFORE_SEND)
    slept = time.monotonic() - began

    assert slept >= 0.1
    with pytest.raises(FaultInjected):
        failpoint(Failpoint.AFTER_SEND)


PASSER_BY = """
import sys
from pipeline_engine.failpoints import Failpoint, arm, failpoint
arm(sys.argv[1])
failpoint(Failpoint.BEFORE_SEND)
print("passed")
"""


def passer_by(faults: str) -> subprocess.Popen[str]:
    """A process that comes past one place."""
    return subprocess.Popen(
        [sys.executable, "-c", PASSER_BY, faults], stdout=subprocess.PIPE, text=True
    )


def test_kill_ends_the_process_on_the_spot() -> None:
    process = passer_by("before_send=kill:1")

    said, _ = process.communicate(timeout=20)

    assert (process.returncode, said) == (-signal.SIGKILL, "")


def test_stop_freezes_the_process_until_somebody_lets_it_go_on() -> None:
    process = passer_by("before_send=stop")
    wait_until(
        lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED, what="a frozen one"
    )

    process.send_signal(signal.SIGCONT)
    said, _ = process.communicate(timeout=20)

    assert (process.returncode, said) == (0, "passed\n")


# ── Armed by a file ──────────────────────────────────────────────────────────────────────


def test_a_file_arms_its_place_once_for_all_processes(tmp_path: Path) -> None:
    (tmp_path / "before_send").write_text("kill")
    faults = f"armed-by-file:{tmp_path}"

    processes = [passer_by(faults) for _ in range(4)]
    codes = sorted(process.wait(20) for process in processes)
    for process in processes:
        process.communicate()

    assert codes == [-signal.SIGKILL, 0, 0, 0]
    assert list(tmp_path.iterdir()) == []


def test_a_file_arms_a_process_that_runs_already(tmp_path: Path) -> None:
    failpoints.arm(f"armed-by-file:{tmp_path}")
    failpoint(Failpoint.AFTER_SEND)

    (tmp_path / "after_send").write_text("raise")

    failpoint(Failpoint.BEFORE_SEND)
    with pytest.raises(FaultInjected):
        failpoint(Failpoint.AFTER_SEND)
    failpoint(Failpoint.AFTER_SEND)


def test_a_file_that_is_not_written_yet_is_left_for_the_next_hit(tmp_path: Path) -> None:
    failpoints.arm(f"armed-by-file:{tmp_path}")
    (tmp_path / "after_send").touch()

    failpoint(Failpoint.AFTER_SEND)

    assert (tmp_path / "after_send").exists()


def test_a_file_cannot_count_the_hits_of_many_processes(tmp_path: Path) -> None:
    failpoints.arm(f"armed-by-file:{tmp_path}")
    (tmp_path / "after_send").write_text("kill:2")

    with pytest.raises(ValueError, match="next hit"):
        failpoint(Failpoint.AFTER_SEND)


# ── Unset ────────────────────────────────────────────────────────────────────────────────


def test_an_unarmed_place_calls_nothing_because_every_step_passes_a_dozen(settings: Settings):
    assert settings.failpoints is None
    failpoints.arm(settings.failpoints)
    seen: list[str] = []

    sys.setprofile(lambda frame, kind, _: seen.append(f"{kind} {frame.f_code.co_name}"))
    failpoint(Failpoint.BEFORE_SEND)
    sys.setprofile(None)

    here = "test_an_unarmed_place_calls_nothing_because_every_step_passes_a_dozen"
    assert seen == ["call failpoint", "return failpoint", f"c_call {here}"]


# ── The setting ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("before_send", "'before_send' is not of the form place=fault."),
        ("F02=kill", "'F02' is no failpoint; known are after_start_before_send, "),
        ("before_send=explode", "'explode' is no fault; known are kill, raise, sleep, stop."),
        ("before_send=kill:0", "'0' is no number of a hit, such as 1."),
        ("before_send=raise:soon", "'soon' is no number of a hit, such as 1."),
        ("before_send=sleep", "'' is no number of seconds, such as 0.5."),
        ("before_send=sleep:-1", "'-1' is no number of seconds, such as 0.5."),
        ("before_send=sleep:nan", "'nan' is no number of seconds, such as 0.5."),
        ("before_send=kill,", "'' is not of the form place=fault."),
        ("armed-by-file:here", "armed-by-file: wants the absolute path of a folder."),
    ],
)
def test_a_value_that_means_nothing_is_refused_at_the_start(value: str, complaint: str) -> None:
    least = {
        "DATABASE_URL": "postgresql://h/d",
        "REDIS_URL": "redis://h",
        "PIPELINE_SECRET_KEY": "k" * 16,
    }

    with pytest.raises(InvalidSettings) as refused:
        Settings.from_env({**least, "PE_FAILPOINTS": value})

    problems = refused.value.facts["problems"]
    assert list(problems) == ["PE_FAILPOINTS"]
    assert problems["PE_FAILPOINTS"][0].startswith(complaint)


def test_several_places_are_separated_by_commas() -> None:
    faults = Faults.parse("before_send=kill:3, in_execute=sleep:0.5")

    assert [(str(p), f.kind, f.hit, f.seconds) for p, f in faults.by_place.items()] == [
        ("before_send", "kill", 3, 0.0),
        ("in_execute", "sleep", 1, 0.5),
    ]
