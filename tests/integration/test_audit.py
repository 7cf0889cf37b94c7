"""Rows, history and rules of real executions, and of such as somebody has laid hands on."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from support.driving import Driver
from support.factories import a_block, a_step, an_action

from pipeline_engine.cli import main
from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.errors import ExecutionNotFound
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import doctor
from pipeline_engine.services.audit import audit, audit_rows

Cli = Callable[..., Result]

STEPS = (
    a_step("a"),
    a_step("each", "a", for_each={"items": [1, 2, 3]}),
    a_step("never", "a", condition="false"),
    a_step("z", "each"),
)
ROW = "UPDATE step_executions SET {} WHERE step_id = '{}' AND item_index IS NULL"
FORGET = "DELETE FROM events WHERE event_type = '{}' AND details ->> 'step_id' = '{}'"
#: What somebody does, and what is to be found of it: code, place, and words of the sentence.
TAMPERED = {
    ROW.format("status = 'FAILED'", "a"): {
        "row_differs a its row says status FAILED; expected: status COMPLETED, by its history",
        "wrong_counter each its row says deps_succeeded 1; expected: deps_succeeded 0",
    },
    ROW.format("status = 'PENDING', finished_at = NULL", "z"): {
        "row_differs z its row says status PENDING",
    },
    FORGET.format("step_completed", "z"): {
        "end_not_told z its row says COMPLETED; expected: an event that tells of its end",
        "ended_too_early z the execution ended, and no event tells of the end of this",
    },
    FORGET.format("step_expanded", "each"): {
        "row_differs each its row says items_total 3; expected: items_total nothing",
    },
    ROW.format("""outputs = '{"x": 1}'""", "never"): {
        "never_ran never its row has outputs; expected: none: no event tells that it ran",
    },
    ROW.format("skip_reason = 'branch'", "never"): {
        "row_differs never its row says skip_reason branch; expected: skip_reason condition",
    },
    ROW.format("remaining = 1", "z"): {
        "wrong_counter z its row says remaining 1; expected: remaining 0, counted from the rows",
    },
    ROW.format("items_open = 1, items_failed = 2", "each"): {
        "wrong_counter each its row says items_open 1; expected: items_open 0",
        "wrong_counter each its row says items_failed 2; expected: items_failed 0",
    },
    ROW.format("attempt = 7, retry_count = 6", "a"): {
        "row_differs a its row says attempt 7; expected: attempt 1, by its history",
        "row_differs a its row says retry_count 6; expected: retry_count 0, by its history",
    },
    ROW.format("leased_until = now(), in_window = true", "a"): {
        "still_holds a its row says COMPLETED, and holds leased_until, in_window",
    },
    "DELETE FROM step_executions WHERE item_index = 1": {
        "no_row each[1] no row for step_completed; expected: one row of its own",
        "wrong_counter each its row says items_total 3; expected: items_total 2",
    },
    "DELETE FROM step_executions WHERE step_id = 'never'": {
        "no_row never no row for the step",
        "no_row never no row for step_skipped",
    },
    ROW.format("step_id = 'elsewhere'", "never"): {
        "unknown_step elsewhere it has a row; expected: none: the definition has no such step",
    },
    "UPDATE executions SET status = 'FAILED'": {
        "row_differs execution its row says status FAILED; expected: status COMPLETED",
    },
    "UPDATE executions SET status = 'RUNNING', finished_at = NULL": {
        "row_differs execution its row says status RUNNING; expected: status COMPLETED",
    },
    "UPDATE executions SET abort_reason = 'cancelled'": {
        "row_differs execution its row says abort_reason cancelled; expected: abort_reason nothing",
    },
    "DELETE FROM events WHERE event_type = 'workflow_completed'": {
        "end_not_told execution its row says COMPLETED",
    },
}


IN_BLOCKS = (
    a_block("each", a_step("x"), a_step("y", "x"), for_each=[1, 2]),
    a_block(
        "again",
        a_step("ok", compensate={"action": "log", "params": {"message": "undone"}}),
        a_step("bad", "ok", action="flaky"),
        retry={"max_attempts": 2, "backoff_seconds": 0},
    ),
)
INSIDE = "UPDATE step_executions SET {} WHERE within = '{}' AND step_id = '{}'"
TAMPERED_INSIDE = {
    INSIDE.format("status = 'FAILED'", "each[1]", "x"): {
        "row_differs each[1]/x its row says status FAILED; expected: status COMPLETED, by its",
        "wrong_counter each[1]/y its row says deps_succeeded 1; expected: deps_succeeded 0",
        "wrong_counter each[1] its row says items_failed 0; expected: items_failed 1",
    },
    INSIDE.format("status = 'PENDING', finished_at = NULL", "again#2", "bad"): {
        "wrong_counter again its row says items_open 0; expected: items_open 1",
    },
    INSIDE.format("status = 'PENDING', finished_at = NULL", "again", "ok"): {
        "row_differs again/ok its row says status PENDING; expected: status COMPLETED",
    },
    INSIDE.format("step_id = 'other'", "each[0]", "y"): {
        "no_row each[0]/y no row for the step",
        "unknown_step each[0]/other it has a row; expected: none: the definition has no such step",
    },
    "DELETE FROM step_executions WHERE within = 'again#2' AND step_id = 'bad'": {
        "no_row again#2/bad no row for the step",
        "no_row again#2/bad no row for step_completed",
        "wrong_counter again its row says items_total 2; expected: items_total 1",
    },
    "DELETE FROM step_executions WHERE kind = 'compensation'": {
        "no_row again/compensate:ok no row for step_completed",
    },
    "DELETE FROM events WHERE details ->> 'within' = 'each[0]'": {
        "end_not_told each[0]/x its row says COMPLETED; expected: an event that tells of its end",
        "wrong_steps each[0] it ended when x, y had not; expected: that its steps end first",
    },
    "DELETE FROM events WHERE details ? 'compensations'": {
        "wrong_final_steps again after its steps ran nothing; expected: compensate:ok@again",
    },
    ROW.format("items_total = 3", "again"): {
        "row_differs again its row says items_total 3; expected: items_total 2, by its history",
    },
    ROW.format("retry_count = 0", "again"): {
        "row_differs again its row says retry_count 0; expected: retry_count 1, by its history",
    },
}


@pytest.fixture
def driver(drive: Callable[..., Driver]) -> Driver:
    return drive()


@pytest.fixture
def ended(driver: Driver) -> UUID:
    return driver.run(*STEPS).execution.id


@pytest.fixture
def cli(database_url: str, redis_url: str) -> Cli:
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PIPELINE_SECRET_KEY": "a key of sixteen or more",
    }
    return lambda *words: CliRunner().invoke(main, ["audit", *map(str, words)], env=environment)


def fails_at_first() -> RegisteredAction:
    def execute(context: ActionContext) -> ActionResult:
        return ActionResult(success=next(calls) > 0, error="not yet", error_code="flaky")

    calls = count()
    return an_action("flaky", execute, cheap=True)


def not_found(engine: Engine, ended: UUID, tampered: dict[str, set[str]]) -> dict[str, list[str]]:
    """The statements of which something is not found, with what is."""
    left: dict[str, list[str]] = {}
    for statement, wanted in tampered.items():
        with engine.connect() as connection:
            assert connection.exec_driver_sql(statement).rowcount, statement
            found = audit_rows(connection, ended).findings
            connection.rollback()

        assert all(finding.what_to_do for finding in found)
        told = [f"{f.code} {f.place} {f.found}; expected: {f.expected}" for f in found]
        if not all(any(one.startswith(words) for one in told) for words in wanted):
            left[statement] = told
    return left


def test_what_was_done_to_rows_and_events_is_found_whatever_it_was(engine: Engine, ended):
    assert not not_found(engine, ended, TAMPERED)


def test_what_was_done_inside_of_blocks_is_found_too(engine: Engine, drive):
    ended = drive(fails_at_first()).run(*IN_BLOCKS)

    assert ended.status == "COMPLETED"
    assert not not_found(engine, ended.execution.id, TAMPERED_INSIDE)


def test_an_execution_that_nobody_has_touched_is_clean(cli: Cli, ended):
    by_name, by_start, last = cli(ended), cli(str(ended)[:13]), cli("@last")

    assert (by_name.exit_code, by_start.exit_code, last.exit_code) == (0, 0, 0)
    assert "Rows, history and rules agree" in by_name.output
    assert by_name.output == by_start.output == last.output


def test_an_execution_that_still_runs_is_clean_until_somebody_touches_it(cli: Cli, driver):
    waits = a_step("waits", "a", action="wait_until", params={"duration_hours": 1})
    running = driver.start(a_step("a"), waits, a_step("z", "waits"))
    driver.settle()

    before = cli(running)
    driver.change(ROW.format("remaining = 0", "z"))
    after = cli(running)

    assert before.exit_code == 0, before.output
    assert after.exit_code == 1
    assert "wrong_counter" in after.output
    assert "cancel it and run it again" in after.output


def test_a_program_gets_every_finding_with_what_to_do(cli: Cli, driver, ended):
    driver.change(ROW.format("retry_count = 2", "z"))

    done = cli(ended, "--json")

    told = json.loads(done.stdout)
    [finding] = told.pop("findings")
    assert done.exit_code == 1
    assert told == {
        "execution_id": str(ended),
        "status": "COMPLETED",
        "is_clean": False,
        "is_retold": True,
        "events": told["events"],
        "most_events": 100_000,
        "left_out": 0,
    }
    assert finding == {
        "code": "row_differs",
        "step_id": "z",
        "item_index": None,
        "within": None,
        "found": "its row says retry_count 2",
        "expected": "retry_count 0, by its history",
        "what_to_do": finding["what_to_do"],
    }


def test_a_history_that_is_too_long_is_told_and_the_rows_are_still_counted(cli: Cli, driver, ended):
    clean = cli(ended, "--most-events", 3)
    driver.change(ROW.format("remaining = 1", "z"))
    touched = cli(ended, "--most-events", 3)

    assert clean.exit_code == 0
    assert "Rows and history agree" in clean.output
    assert "3 are read at most (--most-events)" in clean.output
    assert touched.exit_code == 1
    assert "wrong_counter" in touched.output


def test_of_many_findings_the_first_are_listed_and_the_rest_counted(cli: Cli, driver):
    ended = driver.run(a_step("each", for_each={"items": list(range(120))})).execution.id
    driver.change("UPDATE step_executions SET attempt = 9 WHERE item_index IS NOT NULL")

    told = json.loads(cli(ended, "--json").stdout)

    assert (len(told["findings"]), told["left_out"]) == (100, 20)
    assert "120 findings" in cli(ended).output


def test_what_does_not_exist_and_what_is_no_id_have_exit_codes_of_their_own(cli: Cli):
    nothing = cli(UUID(int=7))
    unknown = cli("@last")
    no_id = cli("x" * 40)

    assert (nothing.exit_code, unknown.exit_code, no_id.exit_code) == (4, 4, 2)
    assert "execution_not_found" in nothing.output


def test_others_do_not_see_the_execution_of_a_user(engine: Engine, driver):
    owned = driver.run(a_step("a"), user_id="ann").execution.id

    def asked_by(caller: Caller) -> bool:
        with Session(engine) as session:
            return audit(caller, session, owned).is_clean

    assert asked_by(SYSTEM)
    assert asked_by(Caller("ann"))
    with pytest.raises(ExecutionNotFound):
        asked_by(Caller("bob"))


def test_the_doctor_looks_at_what_ended_last(driver, ended):
    before = _histories(driver)
    driver.change(ROW.format("remaining = 1", "z"))
    after = _histories(driver)

    assert before.is_well
    assert not after.is_well
    assert f"{ended} (wrong_counter)" in after.says
    assert f"pipeline-engine audit {ended}" in after.what_to_do


def _histories(driver: Driver) -> doctor.Check:
    installation = doctor.checks.Installation(driver.runtime)
    return next(c for c in doctor.database.run(installation) if c.name == "histories")
