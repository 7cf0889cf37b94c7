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


# ── State ────────────────────────────────────────────────────────────────────────────────


def run(params, *answers, **facts):
    """Carry a loop on with these answers of its rounds; returns its end and all its items."""
    context, loop = a_context({"action": "log"} | params, **facts), While()
    items, results, found = list(loop.expand(context)), [], None
    while found is None or isinstance(found, MoreItems):
        number = len(results)
        if number < len(items):
            answer = answers[number]
            fault = {} if answer is not None else {"status": StepStatus.FAILED, "error": "away"}
            outputs = answer or {}
            results.append(an_item_result(number, items[-1].value, outputs=outputs, **fault))
        found = loop.join(context, results)
        items += found.items if isinstance(found, MoreItems) else []
    return found, items


PAGES = {
    "carry": {"start": "/first", "next": "{{ result.next }}"},
    "action_params": {"message": "{{ carry }}"},
    "collect": "{{ result.items }}",
    "until": "{{ not carry }}",
}


def test_a_loop_follows_pages_and_collects_what_is_on_them():
    pages = [
        {"next": "/2", "items": [1, 2]},
        {"next": "/3", "items": []},
        {"next": None, "items": [3]},
    ]

    ended, rounds = run(PAGES, *pages)

    assert [item.params["message"] for item in rounds] == ["/first", "/2", "/3"]
    assert ended.outputs["collected"] == [[1, 2], [], [3]]
    assert (ended.outputs["carry"], ended.outputs["iterations"]) == (None, 3)


def test_until_is_asked_after_each_round_and_never_before_the_first():
    ended, rounds = run({"until": "{{ iteration == 1 }}"}, {"n": 1}, {"n": 2})

    assert (len(rounds), ended.outputs["result"]) == (2, {"n": 2})


def test_a_condition_sees_what_is_handed_on_before_the_first_round_already():
    params = {"carry": {"start": 3, "next": "{{ carry - 1 }}"}, "condition": "{{ carry > 0 }}"}

    ended, _ = run(params, {}, {}, {})

    assert ended.outputs == {"result": {}, "iterations": 3, "carry": 0}
    assert run(params | {"carry": {"start": 0, "next": 0}})[0].outputs["iterations"] == 0


def test_the_pause_may_grow_with_what_is_known():
    params = {"condition": "{{ iteration < 4 }}", "delay_seconds": "{{ result.wait * iteration }}"}

    _, rounds = run(params, *[{"wait": 2}] * 4)

    assert [item.delay_seconds for item in rounds] == [0, 2, 4, 6]


@pytest.mark.parametrize("delay", ["{{ result.wait }}", "{{ 'soon' }}", "{{ -1 }}", "{{ 86401 }}"])
def test_a_pause_that_is_none_fails_the_loop(delay):
    with pytest.raises(InvalidActionParams, match="delay_seconds must be 0 to 86400"):
        run({"condition": "true", "delay_seconds": delay}, {})


def test_rounds_in_a_row_may_fail_and_the_last_good_result_stays():
    params = {
        "until": "{{ result.state == 'ready' }}",
        "tolerated_failures": 2,
        "delay_seconds": "{{ failures }}",
        "collect": "{{ result.state }}",
    }

    ended, rounds = run(
        params, {"state": "a"}, None, None, {"state": "b"}, None, {"state": "ready"}
    )

    assert ended.success
    assert [item.delay_seconds for item in rounds] == [0, 0, 1, 2, 0, 1]
    assert ended.outputs["collected"] == ["a", "b", "ready"]
    assert ended.outputs["iterations"] == 6


def test_one_failure_more_than_is_tolerated_in_a_row_fails_the_loop_with_its_error():
    ended, rounds = run({"until": "false", "tolerated_failures": 2}, {}, None, None, None)

    assert (ended.success, ended.error, len(rounds)) == (False, "away", 4)


def test_a_loop_that_was_called_off_tolerates_nothing():
    context = a_context({"action": "log", "until": "false", "tolerated_failures": 9})
    [item] = While().expand(context)

    ended = While().join(context, [an_item_result(0, item.value, status=StepStatus.SKIPPED)])

    assert not ended.success


def test_too_much_that_is_collected_ends_the_loop_before_it_goes_on():
    params = {"condition": "true", "collect": "{{ result.text }}"}

    ended, rounds = run(params, *[{"text": "x" * 300}] * 9, max_output_bytes=2048)

    assert ended.error_code == "collected_too_large"
    assert len(rounds) == len(ended.outputs["collected"]) + 1 == 5


def test_a_long_loop_collects_all_of_its_rounds():
    params = {"until": "iteration == 249", "collect": "{{ iteration }}", "max_iterations": 300}

    assert run(params, *[{}] * 250)[0].outputs["collected"] == list(range(250))


def test_what_is_handed_on_is_small_since_every_round_keeps_it():
    params = {"condition": "true", "carry": {"start": "", "next": "{{ carry ~ result.text }}"}}

    with pytest.raises(InvalidActionParams, match="carry has more than 65536 bytes"):
        run(params, *[{"text": "x" * 30_000}] * 3)


def test_the_rows_of_a_loop_without_state_are_what_they_were():
    _, rounds = run({"condition": "{{ iteration < 2 }}"}, {"n": 1}, {"n": 2})

    assert [set(item.value) for item in rounds] == [{"iteration", "started_at"}] * 2


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"condition": "true"}, "action is required"),
        ({"action": "log"}, "Specify either condition or until"),
        ({"action": "log", "condition": "a", "until": "b"}, "Specify either condition or until, n"),
        ({"action": "log", "until": "a", "carry": {"stop": 1}}, "carry must be an object of"),
        ({"action": "log", "until": "a", "carry": "{{ params.c }}"}, "carry must be an object of"),
        ({"action": "log", "until": "a", "max_iterations": 1.5}, "max_iterations must be a whole"),
        (
            {"action": "log", "until": "a", "tolerated_failures": 0.5},
            "tolerated_failures must be a",
        ),
    ],
)
def test_what_makes_no_loop_is_said_when_it_is_saved_and_when_it_runs(params, problem):
    [said] = While().validate_params(params)

    assert said.startswith(problem)
    with pytest.raises(InvalidActionParams, match=problem):
        While().expand(a_context(params))


def test_a_number_that_was_left_empty_is_not_given():
    empty = ("timeout_seconds", "iteration_timeout_seconds", "max_iterations")
    context = a_context(PARAMS | dict.fromkeys(empty, ""))

    [first] = While().expand(context)
    following = While().join(context, [an_iteration(0, "running")])

    assert first.timeout_seconds is None
    assert isinstance(following, MoreItems)
