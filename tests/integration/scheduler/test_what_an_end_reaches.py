"""A cancel and a deadline reach every step in every phase, and whatever runs after the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from support.driving import Driver, Gate, in_background
from support.factories import a_step, an_action

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import AlreadyFinal, AlreadyStopped
from pipeline_engine.scheduler import start, sweep
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import executions

LONG = {"max_attempts": 2, "backoff_seconds": 3600}


def park(context: ActionContext) -> ActionResult:
    return ActionResult(
        success=True, awaiting_event=True, external_workflow_id=context.idempotency_key
    )


def a_handler(step_id: str, **fields: Any) -> dict[str, Any]:
    handler = a_step(step_id, **fields)
    handler.pop("depends_on")
    return handler


def expire(driver: Driver) -> None:
    """The time of the execution is up, or after that the one of its handlers."""
    driver.change("UPDATE executions SET deadline_at = now() WHERE deadline_at IS NOT NULL")
    sweep.sweep(driver.runtime)


def expire_all(driver: Driver) -> None:
    """The time of every step is up that has one."""
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE deadline_at IS NOT NULL")
    sweep.sweep(driver.runtime)


# ── Phases ───────────────────────────────────────────────────────────────────────────────


@dataclass
class Play:
    """One execution whose step ``a`` is brought into a phase, and stays there."""

    driver: Driver
    gate: Gate
    cleaned: list[str]
    execution_id: UUID = field(init=False)

    def look(self) -> Any:
        return self.driver.look(self.execution_id)

    def row(self) -> Any:
        return next(r for r in self.look().rows if r.step_id in NAMES and r.parent_id is None)

    def take(self) -> None:
        """Let a worker take what is queued of it, until nothing is queued any more."""
        while ids := [r.id for r in self.look().rows if r.queued_at and r.step_id in NAMES]:
            self.driver.turn(*ids)

    def cancel(self, **how: Any) -> None:
        executions.cancel(SYSTEM, self.driver.runtime, self.execution_id, **how)


#: ``a`` as a step, a handler or a survivor; and as what undoes another step
NAMES = ("a", "compensate:first")
Enter = Callable[[Play], None]


def stay(_: Play) -> None:
    """It is queued, or held."""


def taken(play: Play) -> None:
    play.take()


def paused(play: Play) -> None:
    """Its first item has ended, and the second waits for its time."""
    play.take()
    play.driver.join(play.row().id)


def cleaning(play: Play) -> None:
    """Its time is up, and its clean-up has begun, in a worker that has died since."""
    play.take()
    expire_all(play.driver)
    statement = "UPDATE step_executions SET leased_until = now() + interval '1 hour'"
    play.driver.change(f"{statement} WHERE cancelling")


def joining(play: Play) -> None:
    """Its items have ended, and the message for the join is on its way."""
    play.driver.turn(play.row().id)
    play.driver.turn(*[r.id for r in play.look().rows if r.parent_id])
    assert play.row().items_open == 0


def loop(action: str, **fields: Any) -> dict[str, Any]:
    params = {"items": [1, 2], "action": action, "action_params": {}}
    return {"action": "for_each", "params": params | fields}


WAIT = {"duration_hours": 1}
PAUSED = {"condition": "true", "action": "log", "delay_seconds": 3600} | {
    "action_params": {"message": "m"}
}
SEVERAL = {"max_concurrency": 1}
PHASES: dict[str, tuple[dict[str, Any], Enter]] = {
    "queued": ({"action": "gate"}, stay),
    "parked": ({"action": "park"}, taken),
    "timer": ({"action": "wait_until", "params": WAIT}, taken),
    "retrying": ({"action": "bad", "retry": LONG}, taken),
    "cleaning up": ({"action": "park"}, cleaning),
    "fan-out, not expanded": (loop("gate"), stay),
    "items queued": (loop("gate"), lambda play: play.driver.turn(play.row().id)),
    "items parked": (loop("park"), taken),
    "items held": (loop("park", **SEVERAL), taken),
    "items at timers": (loop("wait_until", action_params=WAIT), taken),
    "items retrying": (loop("bad") | {"retry": LONG}, taken),
    "items delayed": ({"action": "while", "params": PAUSED}, paused),
    "items cleaning up": (loop("park", item_timeout_seconds=9), cleaning),
    "joining": (loop("log", action_params={"message": "m"}), joining),
}
RUNNING = {"running": {"action": "gate"}, "items running": loop("gate")}


@contextmanager
def played(play: Play, phase: str, make: Callable[..., UUID]) -> Iterator[Play]:
    """The step in its phase, for as long as the block runs."""
    with ExitStack() as stack:
        if phase in RUNNING:
            play.execution_id = make(play.driver, RUNNING[phase])
            stack.enter_context(in_background(play.take))
            stack.callback(play.gate.open)
            play.gate.wait_for(play.row().step_id)
        else:
            fields, enter = PHASES[phase]
            play.execution_id = make(play.driver, fields)
            enter(play)
        yield play


@pytest.fixture
def play(drive: Any) -> Play:
    gate, cleaned = Gate(), []
    driver = drive(
        an_action("gate", gate.execute),
        an_action("park", park, cleanup=lambda c: cleaned.append(c.idempotency_key)),
        an_action("bad", lambda context: ActionResult(success=False)),
    )
    return Play(driver, gate, cleaned)


# ── Roles ────────────────────────────────────────────────────────────────────────────────

SAID = {
    "on_failure": [a_handler("on-failure"), a_handler("on-cancel", when="on_cancel")],
}


def as_step(driver: Driver, fields: dict[str, Any]) -> UUID:
    return driver.start(a_step("a", **fields), a_step("b", "a"), settings=SAID)


def as_survivor(driver: Driver, fields: dict[str, Any]) -> UUID:
    execution_id = driver.start(
        a_step("first", action="fail"),
        a_step("a", "first", trigger_rule="all_done", **fields),
        settings=SAID,
    )
    driver.turn(driver.look(execution_id).step("first").id)
    return execution_id


def as_handler(driver: Driver, fields: dict[str, Any]) -> UUID:
    settings = SAID | {"finally": [a_handler("a", **fields), a_handler("z")]}
    execution_id = driver.start(a_step("first"), settings=settings)
    driver.turn(driver.look(execution_id).step("first").id)
    return execution_id


def as_compensation(driver: Driver, fields: dict[str, Any]) -> UUID:
    execution_id = driver.start(
        a_step("first", compensate=fields), a_step("x", "first", action="fail"), settings=SAID
    )
    driver.turn(driver.look(execution_id).step("first").id)
    return execution_id


EVERY_PHASE = [*PHASES, *RUNNING]
OUTSIDE = [p for p in EVERY_PHASE if p not in {"items at timers", "items delayed"}]
in_every_phase = pytest.mark.parametrize("phase", EVERY_PHASE)
in_most_phases = pytest.mark.parametrize("phase", OUTSIDE)
of_every_kind = pytest.mark.parametrize("make", [as_handler, as_compensation])
#: phases of a compensation, which has no retries
of_every_kind_and_phase = pytest.mark.parametrize(
    ("make", "phase"),
    [
        *((as_handler, phase) for phase in OUTSIDE),
        *((as_compensation, phase) for phase in OUTSIDE if "retrying" not in phase),
    ],
)


# ── Steps ────────────────────────────────────────────────────────────────────────────────


@in_every_phase
def test_a_cancel_stops_a_step_in_every_phase(play, phase):
    with played(play, phase, as_step):
        play.cancel()
        free(play)
        end = play.driver.finish(play.execution_id)

    assert (end.status, end.step("a").status, end.step("b").status) == STOPPED
    assert (end.statuses["on-cancel"], "on-failure" in end.statuses) == ("COMPLETED", False)


STOPPED = ("INTERRUPTED", "SKIPPED", "SKIPPED")


@in_every_phase
def test_the_time_of_an_execution_stops_a_step_in_every_phase(play, phase):
    with played(play, phase, as_step):
        expire(play.driver)
        free(play)
        end = play.driver.finish(play.execution_id)

    assert (end.status, end.step("a").status, end.step("b").status) == ("FAILED", *STOPPED[1:])
    assert end.execution.error["code"] == "execution_timeout"
    assert end.statuses["on-failure"] == "COMPLETED"


def free(play: Play) -> None:
    """The worker that was to clean up has died; another may begin now."""
    play.driver.change("UPDATE step_executions SET leased_until = now() WHERE cancelling")


def test_a_step_that_is_held_by_the_window_never_begins(play):
    steps = [a_step(name, action="park") for name in ("p", "a")]
    for stop in (play.cancel, lambda: expire(play.driver)):
        play.execution_id = play.driver.start(*steps, settings={"max_parallel_steps": 1})
        play.driver.settle()
        assert play.look().step("a").held

        stop()

        end = play.driver.finish(play.execution_id)
        assert set(end.statuses.values()) == {"SKIPPED"}


@pytest.mark.parametrize("phase", ["parked", "timer", "running", "items parked", "items running"])
def test_the_time_of_a_step_ends_it_while_it_runs_or_waits(play, phase):
    def make(driver: Driver, fields: dict[str, Any]) -> UUID:
        return as_step(driver, fields | {"timeout_seconds": 60})

    with played(play, phase, make):
        expire_step(play)
        end = play.driver.finish(play.execution_id)

    assert (end.status, end.step("a").status) == ("FAILED", "TIMEOUT")


@pytest.mark.parametrize("phase", ["queued", "retrying"])
def test_the_time_of_a_step_is_that_of_its_attempts(play, phase):
    def make(driver: Driver, fields: dict[str, Any]) -> UUID:
        return as_step(driver, fields | {"timeout_seconds": 60})

    with played(play, phase, make):
        assert play.row().deadline_at is None


def expire_step(play: Play) -> None:
    statement = "UPDATE step_executions SET deadline_at = now() WHERE id = %(id)s"
    play.driver.change(f"{statement} AND deadline_at IS NOT NULL", id=play.row().id)
    sweep.sweep(play.driver.runtime)


# ── What survives a failure ──────────────────────────────────────────────────────────────


@in_most_phases
def test_a_cancel_outranks_a_failure_and_stops_what_had_survived_it(play, phase):
    with played(play, phase, as_survivor):
        play.cancel(reason="enough")
        free(play)
        end = play.driver.finish(play.execution_id)

    assert (end.status, end.step("a").status) == ("INTERRUPTED", "SKIPPED")
    assert (end.statuses["on-cancel"], "on-failure" in end.statuses) == ("COMPLETED", False)
    error = end.execution.error
    assert (error["code"], error["message"]) == ("cancelled", "enough")
    assert error["cause"]["step_id"] == "first"


@in_most_phases
def test_what_survives_a_failure_has_some_time_after_the_deadline_and_then_ends(play, phase):
    with played(play, phase, as_survivor):
        before = play.row().status
        expire(play.driver)
        between, its_time = play.row().status, play.look().execution
        expire(play.driver)
        free(play)
        end = play.driver.finish(play.execution_id)

    assert (between, end.status, end.step("a").status) == (before, "FAILED", "SKIPPED")
    assert (its_time.deadline_at - its_time.overdue_since).total_seconds() == 30
    assert end.execution.error["step_id"] == "first"
    assert "on-failure" not in end.statuses, "the time of handlers is over, too"


# ── Handlers and compensations ───────────────────────────────────────────────────────────


@of_every_kind_and_phase
def test_a_second_cancel_stops_handlers_and_compensations(play, make, phase):
    with played(play, phase, make):
        before = play.row().status
        play.cancel()
        first = (play.row().status, play.look().execution.abort_reason)
        play.cancel()
        with pytest.raises((AlreadyStopped, AlreadyFinal)):
            play.cancel()
        free(play)
        end = play.driver.finish(play.execution_id)

    assert first == (before, "cancelled"), "the first one lets them run"
    assert end.status == "INTERRUPTED"
    assert {row.status for row in end.rows if row.step_id in (*NAMES, "z")} <= {
        "SKIPPED",
        "COMPLETED",  # items, of a join that never came
    }
    assert play.row().status == "SKIPPED"
    assert "on-cancel" not in end.statuses


@of_every_kind_and_phase
def test_the_deadline_covers_handlers_and_compensations(play, make, phase):
    with played(play, phase, make):
        before = play.row().status
        expire(play.driver)
        between = play.row().status
        expire(play.driver)
        free(play)
        end = play.driver.finish(play.execution_id)

    assert (between, end.status, play.row().status) == (before, "FAILED", "SKIPPED")


@of_every_kind
def test_force_does_at_once_what_a_second_cancel_does(play, make):
    with played(play, "parked", make):
        play.cancel(force=True)
        end = play.driver.finish(play.execution_id)

    assert (end.status, play.row().status, len(play.cleaned)) == ("INTERRUPTED", "SKIPPED", 1)


def test_a_forced_cancel_of_steps_runs_no_handler_and_undoes_nothing(play):
    play.execution_id = play.driver.start(
        a_step("first", compensate={"action": "log", "params": {"message": "m"}}),
        a_step("a", "first", action="park"),
        a_step("always", "a", trigger_rule="always"),
        settings=SAID,
    )
    play.driver.settle()

    play.cancel(force=True)

    end = play.driver.finish(play.execution_id)
    assert end.statuses == {"first": "COMPLETED", "a": "SKIPPED", "always": "SKIPPED"}
    assert (end.status, len(play.cleaned)) == ("INTERRUPTED", 1)


def test_a_cancel_that_comes_while_handlers_run_adds_those_of_a_cancel(play):
    undo = {"action": "log", "params": {"message": "undone"}}
    settings = {"finally": [a_handler("a", action="park", timeout_seconds=60), a_handler("z")]}
    settings["on_failure"] = SAID["on_failure"]
    play.execution_id = play.driver.start(a_step("first", compensate=undo), settings=settings)
    play.driver.settle()

    play.cancel()
    expire_step(play)

    end = play.driver.finish(play.execution_id)
    assert end.status == "INTERRUPTED"
    assert end.statuses == {
        "first": "COMPLETED",
        "a": "TIMEOUT",
        "z": "COMPLETED",
        "compensate:first": "COMPLETED",
        "on-cancel": "COMPLETED",
    }


def test_a_cancel_of_an_execution_that_has_ended_is_refused(play):
    end = play.driver.run(a_step("a"))

    for force in (False, True):
        with pytest.raises(AlreadyFinal):
            executions.cancel(SYSTEM, play.driver.runtime, end.execution.id, force=force)
    assert play.driver.look(end.execution.id).status == "COMPLETED"


# ── Clean-ups ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("phase", ["parked", "items parked"])
def test_a_clean_up_that_does_not_come_back_is_not_waited_for(drive, phase):
    gate = Gate()
    parked = an_action("park", park, cleanup=gate.execute)
    play = Play(drive(parked, clean_up_timeout_seconds=9), gate, [])
    with played(play, phase, as_step):
        play.cancel()
        first = next(row.id for row in play.look().rows if row.cancelling and not row.items_total)
        with in_background(lambda: play.driver.clean_up(first)):
            gate.wait_for("a")
            expire_all(play.driver)
            gone = next(row for row in play.look().rows if row.id == first)
            gate.open()
        end = play.driver.finish(play.execution_id)

    assert gone.status == "SKIPPED"
    assert gone.error_message == "Clean-up failed: it was not over after 9 s"
    assert end.status == "INTERRUPTED"


def test_a_clean_up_that_nobody_begins_does_not_outlive_a_forced_end(play):
    with played(play, "parked", as_step):
        play.cancel()
        waits = play.row().deadline_at
        play.cancel()
        expire_all(play.driver)

    assert waits is None, "a clean-up may have to wait for a worker"
    assert (play.look().status, play.row().status) == ("INTERRUPTED", "SKIPPED")


def test_what_an_action_cancels_twice_is_not_forced(play):
    """A parent's clean-up may come twice, if its first worker dies; it means the same."""
    settings = {"finally": [a_handler("a", action="park")]}
    play.execution_id = play.driver.start(a_step("first"), settings=settings)
    play.driver.settle()

    stopped = [
        start.cancel(play.driver.runtime, play.execution_id, because="its parent was stopped")
        for _ in range(2)
    ]

    assert stopped == [True, False]
    assert (play.row().status, play.look().execution.forced_at) == ("RUNNING", None)
