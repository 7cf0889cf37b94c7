from __future__ import annotations

import pytest
from pipeline_engine_actions.builtin.for_each import ForEach
from support.contexts import a_context, an_item_result

from pipeline_engine.sdk import InvalidActionParams, StepStatus

PARAMS = {
    "items": ["x", "y"],
    "action": "log",
    "action_params": {"message": "{{ params.greeting }} {{ item }}", "n": "{{ item_index }}"},
}
FAILURE = {"status": StepStatus.FAILED, "error": "broke", "outputs": {}}


def test_the_params_of_the_action_are_rendered_for_each_item():
    context = a_context(PARAMS, scope={"params": {"greeting": "hi"}})

    items = ForEach().expand(context)

    assert [item.action for item in items] == ["log", "log"]
    assert [item.params for item in items] == [
        {"message": "hi x", "n": 0},
        {"message": "hi y", "n": 1},
    ]


def test_results_are_joined_in_order_with_their_items():
    results = [an_item_result(0, "x", outputs={"a": 1}), an_item_result(1, "y")]

    joined = ForEach().join(a_context(PARAMS), results)

    assert joined.success
    assert [line["item"] for line in joined.outputs["results"]] == ["x", "y"]
    assert joined.outputs["results"][0]["outputs"] == {"a": 1}
    assert (joined.outputs["total"], joined.outputs["completed"], joined.outputs["failed"]) == (
        2,
        2,
        0,
    )


def test_one_failure_fails_the_step_because_a_part_is_not_the_whole():
    results = [an_item_result(0, "x"), an_item_result(1, "y", **FAILURE)]

    joined = ForEach().join(a_context(PARAMS), results)

    assert (joined.success, joined.error) == (False, "1 of 2 items failed")
    assert joined.outputs["failed"] == 1


def test_items_that_were_called_off_are_not_said_to_have_failed():
    off = {"status": StepStatus.SKIPPED, "error": "called off", "outputs": {}}
    results = [an_item_result(0, "x", **FAILURE), *(an_item_result(i, "y", **off) for i in (1, 2))]

    joined = ForEach().join(a_context(PARAMS), results)

    assert (joined.success, joined.error) == (False, "1 of 3 items failed, 2 were called off")
    assert (joined.outputs["total"], joined.outputs["failed"]) == (3, 1)


@pytest.mark.parametrize("leniency", [{"tolerated_failures": 1}, {"continue_on_error": True}])
def test_failures_can_be_tolerated(leniency):
    results = [an_item_result(0, "x"), an_item_result(1, "y", **FAILURE)]

    joined = ForEach().join(a_context(PARAMS | leniency), results)

    assert (joined.success, joined.outputs["failed"]) == (True, 1)


def test_no_items_are_a_success_with_the_same_outputs():
    joined = ForEach().join(a_context(PARAMS | {"items": []}), [])

    assert joined.outputs == {"results": [], "total": 0, "completed": 0, "failed": 0}


@pytest.mark.parametrize(
    ("params", "limit"),
    [({}, None), ({"max_concurrency": 3}, 3), ({"parallel": False, "max_concurrency": 3}, 1)],
)
def test_how_many_items_run_at_once_can_be_limited(params, limit):
    assert ForEach().max_concurrency(a_context(PARAMS | params)) == limit


@pytest.mark.parametrize(
    "wrong",
    [
        {"items": "xy"},
        {"action": ""},
        {"max_concurrency": "many"},
        {"max_concurrency": 1.5},
        {"tolerated_failures": "few"},
    ],
)
def test_params_that_cannot_be_used_are_refused_before_an_item_runs(wrong):
    with pytest.raises(InvalidActionParams):
        ForEach().expand(a_context(PARAMS | wrong))


def test_a_number_that_was_left_empty_is_not_given():
    empty = dict.fromkeys(("max_concurrency", "tolerated_failures", "item_timeout_seconds"), "")
    context = a_context(PARAMS | empty)

    assert ForEach().expand(context)[0].timeout_seconds is None
    assert ForEach().max_concurrency(context) is None
