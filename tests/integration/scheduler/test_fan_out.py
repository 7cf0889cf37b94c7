"""Fan-outs: items, their windows, tolerated failures, and the join that happens once."""

from __future__ import annotations

from typing import Any

import pytest
from support.driving import Gate, in_background
from support.factories import a_fan_out, a_step, an_action

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import InvalidDefinition
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler.resume import join
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    Item,
    ItemResult,
    MoreItems,
    StepStatus,
)
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival


def picky(**meta: Any) -> RegisteredAction:
    """An action that fails for items that are negative."""

    def execute(context: ActionContext) -> ActionResult:
        good = context.params["value"] >= 0
        return ActionResult(success=good, outputs={"value": context.params["value"]})

    return an_action("picky", execute, params=["value"], **meta)


def each(items: Any, **fields: Any) -> dict[str, Any]:
    loop = {"items": items, **fields.pop("loop", {})}
    return a_step("each", action="picky", params={"value": "{{ item }}"}, for_each=loop, **fields)


@pytest.mark.parametrize("cheap", [True, False])
def test_results_are_collected_in_the_order_of_the_items(drive, cheap):
    end = drive(picky(cheap=cheap)).run(
        each("{{ params.list }}", loop={"key": "n{{ item }}"}),
        params={"list": [3, 1, 2]},
        parameters=[{"name": "list", "type": "array"}],
        outputs={"results": "{{ steps.each.outputs.results }}"},
    )

    assert [(r["key"], r["item"], r["outputs"]["value"]) for r in end.outputs["results"]] == [
        ("n3", 3, 3),
        ("n1", 1, 1),
        ("n2", 2, 2),
    ]
    assert end.step("each").outputs["completed"] == 3
    assert end.events("each").count("step_expanded") == 1


def test_no_items_at_all_is_a_join_of_nothing(drive):
    end = drive(picky()).run(each([]), a_step("after", "each"))

    assert end.statuses == {"each": "COMPLETED", "after": "COMPLETED"}
    assert end.step("each").outputs["total"] == 0


def test_what_is_no_list_cannot_be_fanned_out_over(drive):
    end = drive(picky()).run(
        each("{{ params.one }}"), params={"one": "text"}, parameters=[{"name": "one"}]
    )

    assert end.step("each").error_code == "for_each_not_a_list"
    assert end.step("each").error_message == "for_each needs a list: it is a text"


def test_a_list_that_is_not_there_is_named(drive):
    # Which outputs there will be nobody knows when the pipeline is saved.
    found = a_step("found", action="set_output", params={"outputs": "{{ params.found }}"})
    field = each("{{ steps.found.outputs.all }}")
    param = {"items": "{{ steps.found.outputs.all }}", "action": "log"}
    action = a_step("action", "found", action="for_each", params=param)

    go_on = {"fail_fast": False}
    given = {"params": {"found": {"some": [1]}}, "parameters": [{"name": "found", "type": "json"}]}
    each_of_it = {**field, "depends_on": ["found"]}
    end = drive(picky()).run(found, each_of_it, action, settings=go_on, **given)

    said = "steps.found.outputs.all is undefined"
    assert end.step("each").error_message == f"for_each needs a list: {said}"
    assert said in end.step("action").error_message


def test_more_items_than_allowed_fail_the_step(drive):
    end = drive(picky(), max_items=3).run(
        each("{{ params.list }}"),
        params={"list": [1, 2, 3, 4]},
        parameters=[{"name": "list", "type": "array"}],
    )

    assert (end.step("each").status, end.step("each").error_code) == ("FAILED", "too_many_items")


def test_partial_success_is_failure_unless_it_is_tolerated(drive):
    driver = drive(picky())

    strict = driver.run(each([1, -1, 2]), settings={"fail_fast": False})
    lenient = driver.run(each([1, -1, 2], loop={"tolerated_failures": 1}))
    percent = driver.run(each([1, -1, 2, 3], loop={"tolerated_failures": "25%"}))

    assert (strict.status, strict.step("each").error_code) == ("FAILED", "items_failed")
    assert strict.step("each").error_message == "1 of 3 items failed, 1 was called off"
    assert (lenient.status, percent.status) == ("COMPLETED", "COMPLETED")
    assert lenient.step("each").outputs["failed"] == 1


def test_when_too_many_have_failed_those_that_have_not_started_never_will(drive):
    end = drive(picky()).run(
        each([-1, 1, 2, 3], loop={"max_concurrency": 1}), settings={"fail_fast": False}
    )

    assert [item.status for item in end.items("each")] == ["FAILED"] + ["SKIPPED"] * 3
    assert end.step("each").error_message == "1 of 4 items failed, 3 were called off"
    assert (end.step("each").outputs["completed"], end.step("each").outputs["failed"]) == (0, 1)


def test_a_failed_fan_out_can_be_told_to_be_ignored(drive):
    end = drive(picky()).run(each([-1], on_failure="continue"), a_step("after", "each"))

    assert (end.status, end.statuses["after"]) == ("COMPLETED", "COMPLETED")


def test_items_are_tried_again_and_the_fan_out_is_not(drive):
    failures = {2: 1}

    def execute(context: ActionContext) -> ActionResult:
        left = failures.get(context.item, 0)
        failures[context.item] = left - 1
        return ActionResult(success=left <= 0)

    end = drive(an_action("moody", execute)).run(
        a_step(
            "each",
            action="moody",
            for_each=[1, 2, 3],
            retry={"max_attempts": 2, "backoff_seconds": 0},
        )
    )

    assert [item.attempt for item in end.items("each")] == [1, 2, 1]
    assert (end.status, end.step("each").attempt) == ("COMPLETED", 1)


def test_the_window_of_a_fan_out_is_never_exceeded_and_never_left_empty(drive):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute))
    execution_id = driver.start(
        a_step("each", action="gate", for_each={"items": [1, 2, 3, 4, 5], "max_concurrency": 2})
    )
    driver.turn(driver.look(execution_id).step("each").id)

    items = driver.look(execution_id).items("each")
    assert [item.queued_at is not None for item in items] == [True, True, False, False, False]
    assert [item.held for item in items] == [False, False, True, True, True]

    gate.open()
    driver.turn(items[0].id)
    items = driver.look(execution_id).items("each")
    assert [item.status for item in items] == ["COMPLETED"] + ["PENDING"] * 4
    assert [item.held for item in items] == [False, False, False, True, True]
    assert driver.finish(execution_id).status == "COMPLETED"


def test_items_that_end_at_the_same_time_release_one_place_each(drive):
    driver = drive(picky())
    execution_id = driver.start(each(list(range(30)), loop={"max_concurrency": 6}))
    driver.turn(driver.look(execution_id).step("each").id)
    first = [item.id for item in driver.look(execution_id).items("each") if not item.held]

    with in_background(*[lambda step=step: driver.turn(step) for step in first]):
        pass

    items = driver.look(execution_id).items("each")
    assert sum(item.queued_at is not None for item in items) == 6
    assert driver.finish(execution_id).step("each").outputs["completed"] == 30


def test_the_last_items_to_end_wake_exactly_one_join(drive):
    joins: list[int] = []

    def join(context: ActionContext, results: list[ItemResult]) -> ActionResult:
        joins.append(len(results))
        return ActionResult(success=True)

    action = a_fan_out(
        "many",
        lambda context: [Item(value=n) for n in range(12)],
        execute_item=lambda context: ActionResult(success=True),
        join=join,
    )
    driver = drive(action)
    execution_id = driver.start(a_step("each", action="many"))
    step = driver.look(execution_id).step("each").id
    driver.turn(step)
    ids = [item.id for item in driver.look(execution_id).items("each")]

    with in_background(*[lambda part=ids[n::4]: driver.turn(*part) for n in range(4)]):
        pass
    with in_background(*[lambda: driver.join(step) for _ in range(4)]):
        pass

    assert joins == [12]
    assert driver.finish(execution_id).events("each").count("step_completed") == 1 + 12


def test_a_join_that_comes_too_early_does_nothing(drive):
    driver = drive(picky())
    execution_id = driver.start(each([1, 2]))
    step = driver.look(execution_id).step("each").id
    driver.join(step)
    driver.turn(step)

    driver.join(step)

    assert driver.look(execution_id).step("each").status == "RUNNING"
    assert driver.finish(execution_id).status == "COMPLETED"


def test_parked_items_are_ended_by_their_callbacks_and_the_last_one_joins(drive):
    def park(context: ActionContext) -> ActionResult:
        job = f"job-{context.item}"
        return ActionResult(success=True, awaiting_event=True, external_workflow_id=job)

    def on_event(context: EventContext) -> EventResult:
        status = StepStatus(context.event_data["status"])
        outputs = {"of": context.item}
        return EventResult(action=EventAction.COMPLETE, status=status, outputs=outputs)

    driver = drive(an_action("park", park, on_event=on_event))
    execution_id = driver.start(
        a_step("each", action="park", for_each={"items": [1, 2], "tolerated_failures": 1})
    )
    driver.settle()
    for number, status in ((2, "FAILED"), (1, "COMPLETED")):
        body = {"workflow_id": f"job-{number}", "status": status}
        inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body=body))

    end = driver.finish(execution_id)
    assert [item.status for item in end.items("each")] == ["COMPLETED", "FAILED"]
    assert end.status == "COMPLETED"


def test_a_join_may_ask_for_more_items(drive):
    seen: list[tuple[int, Any]] = []

    def join(context: ActionContext, results: list[ItemResult]) -> ActionResult | MoreItems:
        if len(results) < 3:
            return MoreItems(items=[Item(value=len(results))], progress=10 * len(results))
        return ActionResult(success=True, outputs={"values": [r.value for r in results]})

    def run(context: ActionContext) -> ActionResult:
        seen.append((context.item_index, context.item))
        return ActionResult(success=True)

    action = a_fan_out("loop", lambda context: [Item(value=0)], execute_item=run, join=join)

    end = drive(action).run(a_step("each", action="loop"))

    assert seen == [(0, 0), (1, 1), (2, 2)]
    assert end.step("each").outputs == {"values": [0, 1, 2]}
    assert "step_progress" in end.events("each")


def test_a_while_loop_goes_on_until_its_condition_fails(drive):
    end = drive().run(
        a_step(
            "loop",
            action="while",
            params={
                "condition": "{{ iteration < 4 }}",
                "action": "set_output",
                "action_params": {"outputs": {"n": "{{ iteration }}"}},
            },
        ),
        outputs={"n": "{{ steps.loop.outputs.iterations }}"},
    )

    assert end.outputs == {"n": 4}


def test_a_delayed_item_starts_when_its_delay_is_over(drive):
    action = a_fan_out(
        "late",
        lambda context: [Item(value=0, delay_seconds=0.2), Item(value=1)],
        execute_item=lambda context: ActionResult(success=True),
        join=lambda context, results: ActionResult(success=True),
    )
    driver = drive(action)
    execution_id = driver.start(a_step("each", action="late"))

    driver.settle()

    statuses = [item.status for item in driver.look(execution_id).items("each")]
    assert statuses == ["PENDING", "COMPLETED"]
    end = driver.finish(execution_id)
    late = end.items("each")[0]
    assert (late.started_at - late.created_at).total_seconds() >= 0.2


def test_a_delayed_item_that_is_let_in_early_still_waits(drive):
    action = a_fan_out(
        "late",
        lambda context: [Item(value=0), Item(value=1, delay_seconds=3600)],
        execute_item=lambda context: ActionResult(success=True),
        join=lambda context, results: ActionResult(success=True),
        max_concurrency=lambda context: 1,
    )
    driver = drive(action)
    execution_id = driver.start(a_step("each", action="late"))

    driver.settle()

    late = driver.look(execution_id).items("each")[1]
    assert (late.status, late.queued_at) == ("PENDING", None)


@pytest.mark.parametrize(
    "found",
    [None, "text", [1, 2], [Item(value=object())]],
    ids=["nothing", "text", "numbers", "unstorable"],
)
@pytest.mark.parametrize("where", ["expand", "join"])
def test_a_fan_out_that_does_not_make_sense_fails_and_says_why(drive, found, where):
    def join(context: ActionContext, results: list[ItemResult]) -> Any:
        return MoreItems(items=found) if isinstance(found, list) else found

    action = a_fan_out(
        "odd",
        lambda context: found if where == "expand" else [Item(value=1)],
        execute_item=lambda context: ActionResult(success=True),
        join=join,
    )

    end = drive(action).run(a_step("each", action="odd"))

    assert end.step("each").status == "FAILED"
    assert (end.step("each").attempt, end.step("each").lost_count) == (1, 0)


def test_a_join_whose_outputs_cannot_be_kept_fails(drive):
    bad = ActionResult(success=False, outputs={"nul": "\x00"})
    action = a_fan_out(
        "odd",
        lambda context: [Item(value=1)],
        execute_item=lambda context: ActionResult(success=True),
        join=lambda context, results: bad,
    )

    assert drive(action).run(a_step("each", action="odd")).step("each").status == "FAILED"


def test_a_fan_out_that_had_to_be_claimed_has_all_the_time_it_needs(drive):
    """A step whose messages were lost runs under a lease; its deadline is not the fan-out's."""
    driver = drive(picky(), step_timeout_seconds=1)
    execution_id = driver.start(each([1, 2]))
    driver.change("UPDATE step_executions SET publish_count = 9 WHERE step_id = 'each'")

    driver.turn(driver.look(execution_id).step("each").id)

    row = driver.look(execution_id).step("each")
    assert (row.items_total, row.deadline_at) == (2, None)


def test_a_deleted_parent_wakes_nobody(drive):
    assert join.join(drive().runtime, 10**15).ready == []


def test_an_action_that_makes_items_since_it_was_installed_anew_is_refused_at_run_time(drive):
    def join(context: ActionContext, results: list[ItemResult]) -> ActionResult:
        raise AssertionError("nothing is to be joined")

    single = an_action("changed", lambda context: ActionResult(success=True))
    many = a_fan_out("changed", lambda context: [Item(value=1)], join=join)
    execution_id = drive(single).start(a_step("each", action="changed", for_each=[1, 2]))

    end = drive(many).finish(execution_id)

    assert (end.step("each").status, end.step("each").error_code) == ("FAILED", "nested_fan_out")
    assert end.items("each") == []


def test_a_pipeline_with_items_of_items_is_refused_when_it_is_submitted(drive):
    step = a_step("each", action="for_each", for_each=[1], params={"items": [1], "action": "log"})

    with pytest.raises(InvalidDefinition) as refused:
        drive().start(step)

    assert [issue.code for issue in refused.value.facts["report"].errors] == ["nested_fan_out"]
