"""Steps that hold other steps: repeated, tried again, caught, limited and undone as one."""

from __future__ import annotations

from typing import Any

import pytest
from support.driving import Driver
from support.factories import a_block, a_step
from support.steps_of_blocks import booked, books, flaky, parked, parks, says

from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.start import cancel

OK, OUT, BAD, LATE = "COMPLETED", "SKIPPED", "FAILED", "TIMEOUT"


@pytest.fixture
def cleaned() -> list[str]:
    return []


@pytest.fixture
def driver(drive: Any, cleaned: list[str]) -> Driver:
    return drive(flaky(), parks(cleaned))


def test_a_block_runs_its_steps_and_leaves_its_outputs(driver):
    end = driver.run(
        says("before", 1),
        a_block(
            "both",
            says("one", "{{ steps.before.outputs.v + 1 }}"),
            says("two", "{{ steps.one.outputs.v + 1 }}", "one"),
            depends_on=["before"],
            outputs={"sum": "{{ steps.one.outputs.v + steps.two.outputs.v }}"},
        ),
        says("after", "{{ steps.both.outputs.sum }}", "both"),
    )

    assert end.status == OK, end.execution.error
    assert end.step("after").outputs == {"v": 5}
    assert end.step("two").within == "both"


def test_each_item_has_a_block_of_its_own(driver):
    end = driver.run(
        a_block(
            "each",
            says("one", "{{ item * 10 }}"),
            says("two", "{{ steps.one.outputs.v + item_index }}", "one"),
            for_each=[1, 2, 3],
            outputs={"v": "{{ steps.two.outputs.v }}", "item": "{{ item }}"},
        ),
        says("after", "{{ steps.each.outputs.results | map(attribute='outputs') }}", "each"),
    )

    assert end.status == OK, end.execution.error
    found = [one["outputs"] for one in end.step("each").outputs["results"]]
    assert found == [{"v": 10, "item": 1}, {"v": 21, "item": 2}, {"v": 32, "item": 3}]


def test_a_block_is_tried_again_as_a_whole(driver):
    end = driver.run(
        a_block(
            "again",
            says("one", 1),
            a_step("two", "one", action="flaky", params={"of": "x", "times": 2}),
            retry={"max_attempts": 3, "backoff_seconds": 0},
            outputs={"calls": "{{ steps.two.outputs.calls }}"},
        )
    )

    assert end.status == OK, end.execution.error
    assert end.step("again").outputs == {"calls": 3}
    ends = [(r.within, r.step_id, r.status) for r in end.rows if r.within]
    assert ends == [
        *(("again", "one", OK), ("again", "two", BAD)),
        *(("again#2", "one", OK), ("again#2", "two", BAD)),
        *(("again#3", "one", OK), ("again#3", "two", OK)),
    ]


def test_a_block_fails_as_its_first_failure_did(driver):
    end = driver.run(
        a_block(
            "bad",
            a_step("one", action="flaky", params={"of": "y", "times": 9}),
            says("two", 1, "one"),
            a_step("late", "one", trigger_rule="all_done"),
        ),
        says("after", 1, "bad"),
    )

    assert end.status == BAD
    assert end.statuses == {"bad": BAD, "one": BAD, "two": OUT, "late": OK, "after": OUT}
    bad = end.step("bad")
    assert (bad.error_code, bad.error_message) == ("flaky", "one: not yet")


def test_a_failure_that_is_tolerated_inside_is_not_that_of_the_block(driver):
    end = driver.run(
        a_block(
            "bad",
            a_step(
                "first", action="fail", params={"error_code": "harmless"}, on_failure="continue"
            ),
            a_step("second", "first", action="flaky", params={"of": "w", "times": 9}),
        )
    )

    assert (end.step("bad").error_code, end.step("first").status) == ("flaky", BAD)


def test_a_failure_is_caught_where_it_happens(driver):
    end = driver.run(
        a_block(
            "bad",
            a_step("one", action="flaky", params={"of": "z", "times": 9}),
            catch=[{"errors": ["flaky"], "outputs": {"why": "{{ error.message }}"}}],
        ),
        says("after", "{{ steps.bad.outputs.why }}", "bad"),
    )

    assert end.status == OK
    assert end.step("after").outputs == {"v": "one: not yet"}


def test_rounds_hand_on_what_they_carry(driver):
    end = driver.run(
        a_block(
            "rounds",
            says("one", "{{ carry + iteration }}"),
            says("two", "{{ steps.one.outputs.v * 2 }}", "one"),
            **{
                "while": {
                    "condition": "{{ iteration < 3 }}",
                    "carry": {"start": 1, "next": "{{ result.v }}"},
                }
            },
            outputs={"v": "{{ steps.two.outputs.v }}"},
        )
    )

    assert end.status == OK, end.execution.error
    assert end.step("rounds").outputs == {"result": {"v": 16}, "iterations": 3, "carry": 16}


def test_blocks_in_blocks_see_what_is_around_them(driver):
    end = driver.run(
        a_block(
            "outer",
            says("base", "{{ item }}"),
            a_block(
                "inner",
                says("leaf", "{{ steps.base.outputs.v ~ item ~ steps.outer.item }}"),
                depends_on=["base"],
                for_each=["a", "b"],
                outputs={"v": "{{ steps.leaf.outputs.v }}"},
            ),
            for_each=["x", "y"],
            outputs={"all": "{{ steps.inner.outputs.results | map(attribute='outputs.v') }}"},
        )
    )

    assert end.status == OK, end.execution.error
    found = [one["outputs"]["all"] for one in end.step("outer").outputs["results"]]
    assert found == [["xax", "xbx"], ["yay", "yby"]]
    assert {r.within for r in end.rows if r.step_id == "leaf"} == {
        f"outer[{i}]/inner[{j}]" for i in (0, 1) for j in (0, 1)
    }


# ── Stopped ──────────────────────────────────────────────────────────────────────────────


def test_a_cancel_reaches_what_is_parked_inside(driver, cleaned):
    execution = driver.start(
        a_block(
            "each",
            parked("job", params={"id": "{{ item }}"}),
            says("then", 1, "job"),
            for_each=[1, 2],
        )
    )
    driver.settle()
    cancel(driver.runtime, execution, because=None)
    end = driver.finish(execution)

    assert end.status == "INTERRUPTED"
    assert end.statuses == {"each": OUT, "job": OUT, "then": OUT}
    assert sorted(cleaned) == ["1", "2"]


def test_what_cleans_up_inside_runs_when_the_execution_fails(driver):
    end = driver.run(
        a_block(
            "work",
            parked("job", params={"id": "x"}),
            says("always", 1, "job", trigger_rule="always"),
            says("next", 1, "job"),
        ),
        a_step("bad", action="flaky", params={"times": 9}),
    )

    assert end.status == BAD
    assert end.statuses == {"work": OUT, "job": OUT, "always": OK, "next": OUT, "bad": BAD}


def test_the_time_of_a_block_is_that_of_each_attempt(driver, cleaned):
    execution = driver.start(
        a_block(
            "slow",
            parked("job", params={"id": "x"}),
            says("then", 1, "job"),
            timeout_seconds=1,
            retry={"max_attempts": 2, "backoff_seconds": 0},
        )
    )
    end = driver.finish(execution)

    assert (end.status, end.step("slow").status) == (BAD, LATE)
    assert (end.step("slow").error_code, end.step("slow").retry_count) == ("timeout", 1)
    assert cleaned == ["x", "x"]
    assert [r.within for r in end.rows if r.step_id == "job"] == ["slow", "slow#2"]


@pytest.mark.parametrize("given", [{}, {"for_each": [1]}], ids=["step", "item"])
def test_a_block_whose_time_is_up_is_not_tried_again_when_it_was_cancelled(driver, given):
    execution = driver.start(
        a_block(
            "slow",
            parked("job", params={"id": "x"}),
            retry={"max_attempts": 2, "backoff_seconds": 0},
            **given,
        )
    )
    driver.settle()
    driver.change(
        "UPDATE step_executions SET deadline_at = now()"
        " WHERE id = (SELECT max(id) FROM step_executions WHERE items_open = 1)"
    )
    sweep.sweep(driver.runtime)
    cancel(driver.runtime, execution, because=None)
    end = driver.finish(execution)

    assert end.status == "INTERRUPTED"
    assert end.step("job").within in {"slow", "slow[0]"}
    assert "step_retrying" not in end.events()


def test_the_time_of_an_item_ends_its_block_alone(driver, cleaned):
    end = driver.run(
        a_block(
            "each",
            parked("job", params={"id": "{{ item }}"}, condition="{{ item > 1 }}"),
            for_each={"items": [1, 2], "item_timeout_seconds": 1, "tolerated_failures": 1},
        )
    )

    assert (end.status, cleaned) == (OK, ["2"])
    assert [row.status for row in end.items("each")] == [OK, LATE]


def test_without_fail_fast_the_rest_of_a_block_goes_on(driver):
    end = driver.run(
        a_block(
            "bad",
            a_step("one", action="flaky", params={"times": 9}),
            says("two", 1),
            says("three", 1, "two"),
            says("four", 1, "one"),
        ),
        settings={"fail_fast": False},
    )

    assert end.statuses == {"bad": BAD, "one": BAD, "two": OK, "three": OK, "four": OUT}


def test_too_many_bad_items_stop_the_blocks_of_the_others(driver):
    end = driver.run(
        a_block(
            "each",
            parked("job", params={"id": "{{ item }}"}, condition="{{ item > 1 }}"),
            a_step("bad", "job", action="flaky", params={"times": 9}),
            for_each=[1, 2, 3],
        )
    )

    assert end.status == BAD
    assert [row.status for row in end.items("each")] == [BAD, OUT, OUT]
    assert [r.status for r in end.rows if r.step_id == "job"] == [OUT, OUT, OUT]


def test_a_block_whose_condition_is_false_makes_no_steps(driver):
    end = driver.run(
        a_block("not", says("one", 1), condition="{{ false }}"), says("after", 1, "not")
    )

    assert end.statuses == {"not": OUT, "after": OK}


# ── Ways inside ──────────────────────────────────────────────────────────────────────────


def test_a_choice_inside_is_made_by_each_item_for_itself(driver):
    end = driver.run(
        a_block(
            "each",
            a_step(
                "which",
                action="conditional",
                params={
                    "branches": [
                        {"id": "x", "condition": "{{ item == 'a' }}", "target_step": "a"},
                        {"id": "y", "condition": "{{ item == 'b' }}", "target_step": "b"},
                    ]
                },
            ),
            says("a", "is a", "which"),
            says("b", "is b", "which"),
            says("join", "{{ steps.a.outputs.v or steps.b.outputs.v }}", "a", "b"),
            for_each=["a", "b"],
            outputs={"v": "{{ steps.join.outputs.v }}"},
        )
    )

    assert end.status == OK, end.execution.error
    found = [one["outputs"]["v"] for one in end.step("each").outputs["results"]]
    assert found == ["is a", "is b"]


def test_a_caught_failure_inside_leads_on_inside(driver):
    end = driver.run(
        a_block(
            "each",
            a_step(
                "try",
                action="flaky",
                params={"of": "{{ item }}", "times": "{{ item }}"},
                catch=[{"errors": "flaky", "next": "fallback"}],
            ),
            says("usual", "usual", "try"),
            says("fallback", "fallback", "try"),
            says(
                "end",
                "{{ steps.usual.outputs.v or steps.fallback.outputs.v }}",
                "usual",
                "fallback",
            ),
            for_each=[0, 1],
            outputs={"v": "{{ steps.end.outputs.v }}"},
        )
    )

    found = [one["outputs"]["v"] for one in end.step("each").outputs["results"]]
    assert found == ["usual", "fallback"]


def test_a_race_inside_stops_the_losers_of_its_own_block(driver):
    end = driver.run(
        a_block(
            "each",
            parked("slow", params={"id": "{{ item }}"}),
            says("fast", 1, condition="{{ item == 1 }}"),
            says("won", 1, "slow", "fast", trigger_rule="one_success", cancel_rest=True),
            for_each={"items": [1, 2], "item_timeout_seconds": 2, "tolerated_failures": 1},
        )
    )

    assert [row.status for row in end.items("each")] == [OK, LATE]
    assert [r.skip_reason for r in end.rows if r.step_id == "slow"] == ["not_needed", "aborted"]


def test_an_end_inside_ends_the_whole_execution(driver):
    end = driver.run(
        a_block(
            "each",
            parked("job", params={"id": "{{ item }}"}, condition="{{ item == 1 }}"),
            a_step(
                "stop",
                action="end",
                params={"outputs": {"by": "{{ item }}"}},
                condition="{{ item == 2 }}",
            ),
            for_each=[1, 2],
        ),
        says("after", 1, "each"),
    )

    assert (end.status, end.outputs) == (OK, {"by": 2})
    assert (end.step("each").status, end.step("after").status) == (OUT, OUT)


# ── Places, and wide ones ────────────────────────────────────────────────────────────────


def test_steps_inside_need_places_unless_they_are_repeated(driver):
    execution = driver.start(
        a_block("plain", *[parked(f"p{i}", params={"id": f"p{i}"}) for i in range(3)]),
        a_block("each", parked("q", params={"id": "q{{ item }}"}), for_each=[1, 2, 3, 4]),
        settings={"max_parallel_steps": 2},
    )
    driver.settle()
    waiting = [r.step_id for r in driver.look(execution).rows if r.awaiting_event]
    assert sorted(waiting) == ["p0", "p1", "q", "q", "q", "q"]
    cancel(driver.runtime, execution, because=None)
    driver.finish(execution)


def test_as_many_blocks_run_at_once_as_their_fan_out_lets(driver):
    execution = driver.start(
        a_block(
            "each",
            parked("q", params={"id": "q{{ item }}"}),
            for_each={"items": [1, 2, 3, 4], "max_concurrency": 2},
        )
    )
    driver.settle()
    waiting = [r.step_id for r in driver.look(execution).rows if r.awaiting_event]
    assert waiting == ["q", "q"]
    cancel(driver.runtime, execution, because=None)
    driver.finish(execution)


def test_many_wide_blocks_are_opened_a_few_at_a_time(driver):
    inner = [says("a", "{{ item }}"), *(says(f"b{i}", i, "a") for i in range(60))]
    end = driver.run(a_block("each", *inner, for_each=list(range(30))))

    assert end.status == OK
    assert len(end.rows) == 1 + 1 + 30 + 30 * 61


# ── Undone ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def bookings(drive: Any, log: list[str]) -> Driver:
    return drive(flaky(), *books(log))


def test_what_an_attempt_of_a_block_has_done_is_undone_before_the_next(bookings, log):
    end = bookings.run(
        a_block(
            "trip",
            booked("hotel", "hotel"),
            booked("flight", "flight", "hotel"),
            a_step("pay", "flight", action="flaky", params={"times": 1}),
            retry={"max_attempts": 2, "backoff_seconds": 0},
        )
    )

    assert end.status == OK, end.execution.error
    booking, undoing = ["book hotel", "book flight"], ["cancel flight!", "cancel hotel!"]
    assert log == [*booking, *undoing, *booking]
    assert end.execution.error is None


def test_what_completed_blocks_have_done_is_undone_when_the_execution_fails(bookings, log):
    end = bookings.run(
        a_block("trips", booked("hotel", "h{{ item }}"), for_each=[1, 2]),
        a_step("pay", "trips", action="flaky", params={"times": 9}),
    )

    assert end.status == BAD
    assert log == ["book h1", "book h2", "cancel h2!", "cancel h1!"]
    undone = [row.step_id for row in end.rows if row.kind == "compensation"]
    assert undone == ["compensate:hotel@trips[1]", "compensate:hotel@trips[0]"]


def test_a_block_in_a_block_is_undone_with_it_and_only_once(bookings, log):
    end = bookings.run(
        a_block(
            "outer",
            a_block("inner", booked("hotel", "hotel")),
            a_step("pay", "inner", action="flaky", params={"times": 9}),
            catch=[{"errors": "*", "outputs": {}}],
        ),
        a_step("bad", "outer", action="flaky", params={"of": "bad", "times": 9}),
    )

    assert (end.status, end.step("outer").status) == (BAD, OK)
    assert log == ["book hotel", "cancel hotel!"]


def test_what_a_block_could_not_undo_is_named_also_if_all_ends_well(bookings):
    end = bookings.run(
        a_block(
            "trip",
            booked("hotel", "hotel", fails=True),
            a_step("pay", "hotel", action="flaky", params={"times": 1}),
            retry={"max_attempts": 2, "backoff_seconds": 0},
        )
    )

    assert end.status == OK
    [left] = end.execution.error["compensation"]
    assert (left["step_id"], left["code"]) == ("compensate:hotel@trip", "gone")


def test_a_block_whose_outputs_cannot_be_made_undoes_what_it_has_done(bookings, log):
    end = bookings.run(
        a_block(
            "trip",
            booked("hotel", "hotel"),
            outputs={"sum": "{{ steps.hotel.outputs.id + 1 }}"},
            catch=[{"errors": "*", "outputs": {"why": "{{ error.code }}"}}],
        )
    )

    assert (end.status, end.step("trip").status) == (OK, OK), end.execution.error
    assert log == ["book hotel", "cancel hotel!"]


def test_a_block_whose_time_is_up_undoes_what_it_has_done(drive, log, cleaned):
    driver = drive(flaky(), *books(log), parks(cleaned))
    end = driver.run(
        a_block(
            "trip",
            booked("hotel", "hotel"),
            parked("pay", "hotel", params={"id": "x"}),
            timeout_seconds=1,
            catch=[{"errors": "timeout", "outputs": {}}],
        )
    )

    assert (end.status, cleaned, log) == (OK, ["x"], ["book hotel", "cancel hotel!"])


# ── Places of a key ──────────────────────────────────────────────────────────────────────


def test_blocks_with_the_same_key_run_one_after_the_other(driver):
    alone = {"key": "room"}
    end = driver.run(
        a_block(
            "one",
            says("a", 1),
            parked("b", "a", params={"id": "b"}),
            concurrency=alone,
            timeout_seconds=1,
            on_failure="continue",
        ),
        a_block("two", says("c", 1), concurrency=alone),
    )

    assert (end.statuses["one"], end.statuses["two"]) == (LATE, OK)
    order = [(e.event_type, e.details["step_id"]) for e in end.history if "step_id" in e.details]
    assert order.index(("step_timeout", "one")) < order.index(("step_completed", "c"))


def test_steps_inside_of_blocks_have_places_of_their_own(driver):
    end = driver.run(
        a_block(
            "each",
            says("a", "{{ item }}", concurrency={"key": "lock-{{ item % 2 }}"}),
            says("b", 1, "a"),
            for_each=list(range(6)),
        )
    )

    assert end.status == OK, end.execution.error
    taken = [e.details["key"] for e in end.history if e.event_type == "place_taken"]
    assert sorted(taken) == ["lock-0"] * 3 + ["lock-1"] * 3
