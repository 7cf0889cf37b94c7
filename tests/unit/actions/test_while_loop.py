from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pipeline_engine_actions.builtin.while_loop import While
from support.contexts import a_context, an_item_result

from pipeline_engine.sdk import InvalidActionParams, MoreItems, StepStatus

PARAMS = {
    "condition": "{{ result.state != 'ready' }}",
    "action": "log",
    "action_params": {"message": "{{ iteration }}: {{ result.state }}"},
    "delay_seconds": 5,
}


def an_iteration(index, state, *, age=timedelta(), **facts):
    started_at = (datetime.now(UTC) - age).isoformat()
    value = {"iteration": index, "started_at": started_at}
    return an_item_result(index, value, outputs={"state": state}, **facts)


def test_the_first_iteration_begins_at_once_and_knows_no_result():
    [item] = While().expand(a_context(PARAMS))

    assert (item.action, item.params, item.delay_seconds) == ("log", {"message": "0: "}, 0)


def test_a_condition_that_fails_at_once_runs_nothing():
    context = a_context(PARAMS | {"condition": "false"})

    assert While().expand(context) == []
    assert While().join(context, []).outputs == {"result": {}, "iterations": 0}


def test_while_the_condition_holds_another_iteration_follows_after_the_pause():
    more = While().join(a_context(PARAMS), [an_iteration(0, "busy")])

    assert isinstance(more, MoreItems)
    [item] = more.items
    assert (item.params, item.delay_seconds) == ({"message": "1: busy"}, 5)


def test_it_ends_with_the_outputs_of_the_last_iteration():
    ended = While().join(a_context(PARAMS), [an_iteration(0, "busy"), an_iteration(1, "ready")])

    assert (ended.success, ended.outputs) == (True, {"result": {"state": "ready"}, "iterations": 2})


def test_too_many_iterations_fail_because_the_state_that_was_awaited_never_came():
    context = a_context(PARAMS | {"max_iterations": 2})

    ended = While().join(context, [an_iteration(0, "busy"), an_iteration(1, "busy")])

    assert (ended.success, ended.error_code) == (False, "max_iterations_reached")
    assert ended.outputs == {"result": {"state": "busy"}, "iterations": 2}


def test_no_iteration_begins_after_the_time_for_all_is_over():
    context = a_context(PARAMS | {"timeout_seconds": 60})
    late = [an_iteration(0, "busy", age=timedelta(seconds=61))]
    early = [an_iteration(0, "busy", age=timedelta(seconds=50))]

    assert While().join(context, late).error_code == "while_timeout"
    assert isinstance(While().join(context, early), MoreItems)


def test_an_iteration_that_fails_fails_the_loop_with_its_error():
    failed = an_iteration(0, "busy", status=StepStatus.FAILED, error="broke", error_code="X")

    ended = While().join(a_context(PARAMS), [failed])

    assert (ended.success, ended.error, ended.error_code) == (False, "broke", "X")


def test_the_iteration_can_be_counted_in_the_condition():
    context = a_context(PARAMS | {"condition": "iteration < 2"})

    assert isinstance(While().join(context, [an_iteration(0, "")]), MoreItems)
    assert While().join(context, [an_iteration(0, ""), an_iteration(1, "")]).success


def test_iterations_never_overlap():
    assert While().max_concurrency(a_context(PARAMS)) == 1


def test_an_action_has_to_be_named():
    with pytest.raises(InvalidActionParams):
        While().expand(a_context({"condition": "true"}))
