"""Threads of one worker that take or end blocking steps at the same moment share a transaction.

Each test holds up a first thread with a lock, so that the others meet behind it.
"""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError
from support.driving import Gate, in_background
from support.factories import a_step, an_action
from support.meeting import OTHERS, Meeting, claiming, turn, wait_for_waiting
from support.waiting import wait_until

from pipeline_engine.scheduler.claim.turn import Turn
from pipeline_engine.sdk import ActionResult

# ── Ends ─────────────────────────────────────────────────────────────────────────────────


def test_a_step_that_was_taken_away_does_not_keep_the_others_from_their_ends(drive, session):
    meeting = Meeting(drive, session)
    meeting.start()

    with meeting.held_up():
        meeting.lose("b")
        meeting.let_the_others_end()

    assert meeting.events("b") == ["step_started", "step_recovered"]
    assert meeting.events("c") == ["step_started", "step_completed"]
    end = meeting.driver.finish(meeting.execution_id)
    assert (end.status, end.step("b").attempt) == ("COMPLETED", 2)


def test_two_attempts_of_one_step_that_come_back_together_end_it_once(drive, session):
    meeting = Meeting(drive, session)
    meeting.start()

    with meeting.held_up():
        meeting.lose("b")
        with in_background(turn(meeting.driver, meeting.execution_id, "b")):
            wait_until(lambda: meeting.others.entered.count("b") == 2, what="the second attempt")
            meeting.let_the_others_end(4)
            session.rollback()

    assert meeting.events("b")[-2:] == ["step_started", "step_completed"]
    end = meeting.driver.finish(meeting.execution_id)
    assert (end.status, end.step("join").remaining) == ("COMPLETED", 0)


def test_an_end_that_cannot_be_stored_fails_alone(drive, session):
    meeting = Meeting(drive, session)
    meeting.start()

    with pytest.raises(DBAPIError, match="out of range"), meeting.held_up():
        meeting.spoil_and_let_the_others_end("b")

    assert meeting.events("a") == meeting.events("c") == ["step_started", "step_completed"]
    assert meeting.events("b") == ["step_started"]
    assert meeting.driver.audit(meeting.execution_id) == []


def test_two_failures_that_end_an_execution_together_end_it_once(drive, session):
    failure = ActionResult(success=False, error="no")
    meeting = Meeting(drive, session, a=failure, b=failure)
    meeting.start(a_step("after", "a"), settings={"fail_fast": True})

    with meeting.held_up():
        meeting.let_the_others_end()

    end = meeting.driver.finish(meeting.execution_id)
    assert end.status == "FAILED"
    assert end.events("after") == end.events("join") == ["step_skipped"]


def test_a_step_that_several_threads_have_in_hand_is_run_by_one_of_them(drive, session):
    """Whoever is idle looks for steps in the rows, and finds what others have in hand."""
    meeting = Meeting(drive, session)
    meeting.start(a_step("x", action="work"), a_step("y", action="work"))

    with meeting.held_up("x", "y"):
        meeting.let_the_others_end()

    assert (meeting.others.entered.count("x"), meeting.others.entered.count("y")) == (1, 1)
    assert meeting.driver.finish(meeting.execution_id).status == "COMPLETED"


# ── Claims ───────────────────────────────────────────────────────────────────────────────


def test_a_step_that_two_tasks_want_together_is_run_by_one_of_them(drive, session):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute))
    twice = (driver.start(a_step("a", action="gate")), "a")

    with claiming(driver, session, twice, twice):
        gate.wait_for("first", "a")
        gate.open()

    assert gate.entered.count("a") == 1
    end = driver.finish(twice[0])
    assert (end.status, end.events("a")) == ("COMPLETED", ["step_started", "step_completed"])


def test_a_step_that_cannot_be_claimed_does_not_keep_others_from_it(drive, session):
    """Its definition may come from a newer version of the engine, for instance."""
    gate = Gate()
    gate.open()
    action = an_action("gate", gate.execute)
    starter = drive(action)
    good, bad, more = (
        (starter.start(a_step(name, action="gate")), name) for name in ("good", "bad", "more")
    )
    starter.change(
        "UPDATE pipeline_revisions SET document = '{\"steps\": [{}]}' WHERE id ="
        " (SELECT revision_id FROM executions WHERE id = %(id)s)",
        id=str(bad[0]),
    )
    driver = drive(action)  # a process that has not read the definitions yet

    with claiming(driver, session, good, bad, more):
        pass

    assert [driver.look(one[0]).status for one in (good, bad, more)] == [
        "COMPLETED",
        "PENDING",
        "COMPLETED",
    ]
    assert sorted(gate.entered) == ["first", "good", "more"]


def test_a_task_in_the_header_of_a_chord_takes_no_step_along_that_another_has_set_free(
    drive, session
):
    """The body of the chord waits for that task, and looks for the join only then."""
    item, long = Gate(), Gate()
    meeting = Meeting(
        drive, session, an_action("item", item.execute), an_action("long", long.execute)
    )
    driver = meeting.driver
    fan_out = driver.start(a_step("each", action="item", for_each={"items": [1]}))
    driver.turn(driver.look(fan_out).step("each").id)
    [first_item] = driver.look(fan_out).items("each")
    chord = Turn(driver.runtime, task_id="chord", queue="io", in_chord=True)
    meeting.start(a_step("after", "a", action="long"))

    with in_background(lambda: chord.run([first_item.id])):
        item.wait_for("each")
        with meeting.held_up():
            item.open()
            wait_for_waiting(driver.runtime.finishing, 1)
            meeting.let_the_others_end(1 + len(OTHERS))
            session.rollback()
            long.wait_for("after")
            task_id = driver.look(meeting.execution_id).step("after").task_id
            long.open()

    assert task_id in OTHERS
