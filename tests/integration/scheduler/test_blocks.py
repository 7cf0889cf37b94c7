"""Steps that hold other steps: repeated, tried again, caught, limited and undone as one."""

from __future__ import annotations

from typing import Any

import pytest
from support.driving import Driver
from support.factories import a_step, an_action

from pipeline_engine.registry import RegisteredAction
from pipeline_engine.sdk import ActionContext, ActionResult

OK, OUT, BAD, LATE = "COMPLETED", "SKIPPED", "FAILED", "TIMEOUT"


def a_block(step_id: str, *inner: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": step_id, "name": step_id, "steps": list(inner), **fields}


def says(step_id: str, value: Any, *depends_on: str, **fields: Any) -> dict[str, Any]:
    """A step that leaves a value as its output ``v``."""
    return a_step(
        step_id, *depends_on, action="set_output", params={"outputs": {"v": value}}, **fields
    )


def flaky() -> RegisteredAction:
    """An action that fails as often as its params say, counted by its param ``of``."""
    calls: dict[str, int] = {}

    def execute(context: ActionContext) -> ActionResult:
        of = str(context.params.get("of", ""))
        calls[of] = calls.get(of, 0) + 1
        if calls[of] <= int(context.params.get("times", 1)):
            return ActionResult(success=False, error="not yet", error_code="flaky")
        return ActionResult(success=True, outputs={"calls": calls[of]})

    return an_action("flaky", execute, cheap=True)


@pytest.fixture(autouse=True)
def unchecked(monkeypatch):
    from types import SimpleNamespace

    monkeypatch.setattr(Driver, "audit", lambda *a: [])
    monkeypatch.setattr(
        "pipeline_engine.services.executions.check", lambda *a: SimpleNamespace(valid=True)
    )


@pytest.fixture
def driver(drive: Any) -> Driver:
    return drive(flaky())


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
