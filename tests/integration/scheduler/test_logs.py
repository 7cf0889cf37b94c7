"""What actions write down is kept with their attempts, and nothing else of them is."""

from __future__ import annotations

import logging
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from support.counting import counted_statements
from support.driving import Driver, in_background
from support.factories import a_step, an_action
from support.waiting import wait_until

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.errors import ExecutionNotFound
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    StepStatus,
)
from pipeline_engine.services import inbox, queries, retention
from pipeline_engine.services.queries import LogFilter, LogLine

SECRET = "hunter2-hunter2"
DONE = ActionResult(success=True)


def kept(driver: Driver, execution_id: UUID, **wanted: Any) -> list[LogLine]:
    with driver.runtime.sessions() as session:
        return list(queries.logs(SYSTEM, session, execution_id, LogFilter(**wanted)).entries)


def said(driver: Driver, execution_id: UUID, **wanted: Any) -> list[tuple[str, int, str, str]]:
    lines = kept(driver, execution_id, **wanted)
    return [(one.step_id, one.attempt, one.level, one.message) for one in lines]


def talks(context: ActionContext) -> ActionResult:
    context.log.debug("looking", size=3)
    context.log.bind(part="b").info("took %d of %d", 2, 3)
    return DONE


@pytest.mark.parametrize("cheap", [True, False])
def test_lines_of_an_attempt_are_kept_in_their_order_with_their_facts(
    drive: Any, cheap: bool
) -> None:
    driver = drive(an_action("talks", talks, cheap=cheap))

    end = driver.run(a_step("a", action="talks"), a_step("b", action="talks", depends_on=["a"]))

    assert said(driver, end.execution.id) == [
        (step, 1, *line)
        for step in "ab"
        for line in (("debug", "looking"), ("info", "took 2 of 3"))
    ]
    assert [one.facts for one in kept(driver, end.execution.id, step_id="b")] == [
        {"size": 3},
        {"part": "b"},
    ]


def test_each_attempt_has_lines_of_its_own_and_a_crash_its_traceback(drive: Any) -> None:
    def fails_once(context: ActionContext) -> ActionResult:
        context.log.warning("trying")
        if context.attempt == 1:
            raise ValueError("no luck")
        return DONE

    driver = drive(an_action("fails_once", fails_once))
    retry = {"max_attempts": 2, "backoff_seconds": 0}
    end = driver.run(a_step("a", action="fails_once", on_failure="retry", retry=retry))

    assert [(one[1], one[3]) for one in said(driver, end.execution.id)] == [
        (1, "trying"),
        (1, "action raised"),
        (2, "trying"),
    ]
    assert (
        "ValueError: no luck" in kept(driver, end.execution.id, level="error")[0].facts["exception"]
    )
    assert [one.attempt for one in kept(driver, end.execution.id, attempt=2)] == [2]


def test_secrets_are_masked_before_they_are_stored(drive: Any) -> None:
    def tells(context: ActionContext) -> ActionResult:
        context.log.info("it is %s", context.params["key"], key=context.params["key"])
        return DONE

    driver = drive(an_action("tells", tells, params=["key"]))
    parameters = [{"name": "token", "type": "secret"}]
    step = a_step("a", action="tells", params={"key": "{{ params.token }}"})

    end = driver.run(step, parameters=parameters, params={"token": SECRET})

    with driver.runtime.engine.connect() as connection:
        stored = connection.execute(text("SELECT message || facts::text FROM step_logs")).scalar()
    assert stored is not None
    assert SECRET not in stored
    assert SECRET not in str(kept(driver, end.execution.id))


def test_events_of_a_parked_step_and_the_log_action_are_kept_as_well(drive: Any) -> None:
    urls: list[str] = []

    def parks(context: ActionContext) -> ActionResult:
        urls.append(context.callback_url)
        return ActionResult(success=True, awaiting_event=True, awaiting_callback=True)

    def hears(context: EventContext) -> EventResult:
        context.log.info("heard")
        return EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED)

    driver = drive(an_action("parks", parks, on_event=hears))
    execution_id = driver.start(
        a_step("a", action="parks"),
        a_step("b", action="log", params={"message": "100 % sure", "level": "warning"}),
    )
    driver.settle()
    inbox.accept_callback(driver.runtime, urls[0].rsplit("/", 1)[-1], {})

    driver.finish(execution_id)

    assert said(driver, execution_id, step_id="a") == [("a", 1, "info", "heard")]
    assert said(driver, execution_id, step_id="b") == [("b", 1, "warning", "100 % sure")]


def test_too_many_lines_and_too_long_ones_are_cut_and_that_is_said(drive: Any) -> None:
    long = "\0" + "x" * 100_000

    def babbles(context: ActionContext) -> ActionResult:
        context.log.info(long, fact="y" * 100_000, odd=object(), last=1)
        for number in range(20):
            context.log.log(logging.INFO, str(number))
        return DONE

    driver = drive(an_action("babbles", babbles), log_lines_per_attempt=10)
    end = driver.run(a_step("a", action="babbles"))

    lines = kept(driver, end.execution.id)
    assert len(lines) == 11
    assert (lines[-1].level, lines[-1].message[:32]) == (
        "warning",
        "This attempt has written 10 line",
    )
    assert len(lines[0].message) <= 8192
    assert len(str(lines[0].facts)) <= 9000


def test_what_is_too_much_is_said_although_the_rest_is_stored_by_then(drive: Any) -> None:
    def babbles(context: ActionContext) -> ActionResult:
        for number in range(12):
            context.log.info(str(number))
            driver.runtime.log_lines.store()
        return DONE

    driver = drive(an_action("babbles", babbles), log_lines_per_attempt=10)
    end = driver.run(a_step("a", action="babbles"))

    lines = kept(driver, end.execution.id)
    assert (len(lines), lines[-1].level) == (11, "warning")


@pytest.mark.parametrize("cheap", [True, False])
def test_no_line_fails_its_step_whatever_is_in_it(drive: Any, cheap: bool) -> None:
    driver = drive(an_action("odd", writes_odd_lines, cheap=cheap))

    end = driver.run(a_step("a", action="odd"))

    assert end.execution.status == ExecutionStatus.COMPLETED
    lines = {one.message: one for one in kept(driver, end.execution.id)}
    assert [one.level for one in lines.values()] == ["info", "warning", "debug", "error", "info"]
    assert list(lines)[:3] == ["done 50% 3", "(ValueError in the str of Unspeakable)", "depth"]
    facts = lines["odd facts"].facts
    assert (facts["level"], facts["event"]) == (3, "e")
    assert str(facts["wider"]).endswith("… (cut)")
    assert "ValueError" in lines["raised"].facts["exception"]


class Unspeakable:
    def __str__(self) -> str:
        raise ValueError("no words")

    __repr__ = __str__


def writes_odd_lines(context: ActionContext) -> ActionResult:
    context.log.info("done 50%", 3)
    context.log.log(35, Unspeakable())
    context.log.log(5, "depth", size=10**400, nan=float("nan"), bad=Unspeakable())
    context.log.error("raised", exc_info=(ValueError, ValueError("q"), None))
    odd = {"level": 3, "event": "e", "nul": {"k\0": "\0"}, "half": ["\ud800"]}
    context.log.info("odd facts", **odd, wide={"k": "v" * 6000}, wider={"k": "v" * 6000})
    return DONE


def test_a_secret_is_not_cut_in_two_where_a_line_ends(drive: Any) -> None:
    def tells(context: ActionContext) -> ActionResult:
        for length in range(8192 - 40, 8192 + 10):
            text = "x" * length + context.params["key"]
            context.log.info(text, fact=text)
            context.log.info("key", **{text[length - 95 :] if length % 2 else text[-105:]: 1})
        return DONE

    driver = drive(an_action("tells", tells, params=["key"]))
    parameters = [{"name": "token", "type": "secret"}]
    step = a_step("a", action="tells", params={"key": "{{ params.token }}"})

    end = driver.run(step, parameters=parameters, params={"token": SECRET})

    assert SECRET[:4] not in str(kept(driver, end.execution.id))


def test_all_lines_are_there_when_the_end_is_although_others_are_still_writing(drive: Any) -> None:
    driver = drive(an_action("talks", talks))
    with driver.runtime.engine.begin() as connection:
        connection.execute(text("SELECT pg_current_xact_id()"))

        end = driver.run(a_step("a", action="talks"))

        assert len(kept(driver, end.execution.id)) == 2


def test_a_long_attempt_can_be_followed_while_it_runs(drive: Any) -> None:
    go_on = Event()

    def works(context: ActionContext) -> ActionResult:
        context.log.info("half of it")
        go_on.wait(30)
        context.log.info("all of it")
        return DONE

    driver = drive(an_action("works", works))
    execution_id = driver.start(a_step("a", action="works"))
    with in_background(lambda: driver.finish(execution_id)):
        try:
            wait_until(lambda: kept(driver, execution_id), within=20)
            first = kept(driver, execution_id)
        finally:
            go_on.set()

    rest = kept(driver, execution_id, after=first[-1].cursor)
    assert ([one.message for one in first], [one.message for one in rest]) == (
        ["half of it"],
        ["all of it"],
    )


def test_the_last_lines_are_found_without_the_first(drive: Any) -> None:
    driver = drive(an_action("talks", talks))
    end = driver.run(a_step("a", action="talks"))

    assert [one.message for one in kept(driver, end.execution.id, newest=True, limit=1)] == [
        "took 2 of 3"
    ]


def test_a_long_log_is_gone_back_in_from_its_end(drive: Any) -> None:
    driver = drive(an_action("counts", counts))
    end = driver.run(a_step("a", action="counts"))
    last = kept(driver, end.execution.id, newest=True, limit=2)

    earlier = kept(driver, end.execution.id, before=last[0].cursor, limit=2)

    assert [one.message for one in earlier] == ["line 6", "line 7"]
    assert [one.message for one in last] == ["line 8", "line 9"]


def test_lines_are_found_by_what_is_shown_of_them_and_not_by_what_a_mask_hides(drive: Any) -> None:
    driver = drive(an_action("counts", counts))
    end = driver.run(a_step("a", action="counts"))

    def found(q: str, **wanted: Any) -> list[str]:
        return [one.message for one in kept(driver, end.execution.id, q=q, **wanted)]

    assert found("LINE 4") == ["line 4"]
    assert found('"number": 7') == ["line 7"]
    assert found("line", limit=2, newest=True) == ["line 8", "line 9"]
    assert found("%") == found(SECRET) == []


def counts(context: ActionContext) -> ActionResult:
    for number in range(10):
        context.log.info("line %d", number, number=number, password=SECRET)
    return DONE


def test_who_does_not_see_the_execution_sees_no_log(drive: Any) -> None:
    driver = drive(an_action("talks", talks))
    end = driver.run(a_step("a", action="talks"))

    with driver.runtime.sessions() as session, pytest.raises(ExecutionNotFound):
        queries.logs(Caller(user_id="mallory"), session, end.execution.id, LogFilter())


def test_steps_that_write_nothing_cost_nothing_and_a_batch_of_them_one_statement(
    drive: Any,
) -> None:
    driver = drive(an_action("talks", talks, cheap=True))

    def statements(action: str) -> int:
        execution_id = driver.start(*(a_step(f"s{n}", action=action) for n in range(5)))
        with counted_statements(driver.runtime.engine) as counted:
            driver.turn(*(row.id for row in driver.look(execution_id).rows))
        return sum(count for sql, count in counted.items() if "step_logs" in sql)

    assert (statements("set_output"), statements("talks")) == (0, 1)


def test_the_log_goes_with_its_execution(drive: Any) -> None:
    driver = drive(an_action("talks", talks))
    driver.run(a_step("a", action="talks"))
    with driver.runtime.engine.begin() as connection:
        connection.execute(text("UPDATE executions SET finished_at = now() - interval '99 days'"))

    retention.clean_up(driver.runtime)

    with driver.runtime.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM step_logs")).scalar() == 0
