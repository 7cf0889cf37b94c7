"""Numbers, words and truths that params give: as those that are written, and refused alike."""

from __future__ import annotations

from typing import Any

import pytest
from support.factories import a_document, a_step

from pipeline_engine.domain.checks import check
from pipeline_engine.domain.definitions import parse
from pipeline_engine.domain.given_values import OpenDefinition, document_for
from pipeline_engine.registry import Registry
from pipeline_engine.services.actions import Catalogue

ACTIONS = Catalogue(Registry.discover())
RETRY = {"max_attempts": 3}


def settings(**fields: Any) -> dict[str, Any]:
    return a_document(a_step("a"), settings=fields)


def step(**fields: Any) -> dict[str, Any]:
    return a_document(a_step("a", **fields))


def each(**fields: Any) -> dict[str, Any]:
    return step(for_each={"items": [1, 2], **fields})


#: A document with a place for a value, one that fits, and one that does not.
PLACES: dict[str, tuple[Any, Any, Any]] = {
    "settings.timeout_seconds": (lambda v: settings(timeout_seconds=v), 60, 0),
    "settings.fail_fast": (lambda v: settings(fail_fast=v), False, "no way"),
    "settings.max_parallel_steps": (lambda v: settings(max_parallel_steps=v), 2, -1),
    "settings.max_concurrent_executions": (lambda v: settings(max_concurrent_executions=v), 2, 0),
    "settings.when_full": (
        lambda v: settings(max_concurrent_executions=1, when_full=v),
        "skip",
        "explode",
    ),
    "timeout_seconds": (lambda v: step(timeout_seconds=v), 60, 0),
    "on_failure": (lambda v: step(on_failure=v), "continue", "explode"),
    "queue": (lambda v: step(queue=v), "io", "slow"),
    "weight": (lambda v: step(weight=v), 2.5, 0),
    "idempotent": (lambda v: step(idempotent=v), False, "no way"),
    "retry.max_attempts": (lambda v: step(retry={"max_attempts": v}), 5, 0),
    "retry.backoff_seconds": (lambda v: step(retry=RETRY | {"backoff_seconds": v}), 0.5, -1),
    "retry.jitter": (lambda v: step(retry=RETRY | {"jitter": v}), "none", "some"),
    "for_each.max_concurrency": (lambda v: each(max_concurrency=v), 3, 0),
    "for_each.tolerated_failures": (lambda v: each(tolerated_failures=v), 1, -1),
    "for_each.item_timeout_seconds": (lambda v: each(item_timeout_seconds=v), 9, 0),
    "concurrency.limit": (lambda v: step(concurrency={"key": "k", "limit": v}), 2, 0),
    "compensate.timeout_seconds": (
        lambda v: step(compensate={"action": "log", "timeout_seconds": v}),
        9,
        0,
    ),
    "notify.per_item": (
        lambda v: step(
            notify={"on": "failed", "subscription": "s", "message": "m", "per_item": v},
            for_each=[1],
        ),
        True,
        "no way",
    ),
}
NAMES = sorted(PLACES)


def opened(name: str) -> tuple[OpenDefinition, Any, Any]:
    """A definition in which the param ``v`` gives one value."""
    place, fits, misfits = PLACES[name]
    document = place("{{ params.v }}") | {"parameters": [{"name": "v", "type": "json"}]}
    assert check(document, ACTIONS).valid, [str(one) for one in check(document, ACTIONS).errors]
    found = OpenDefinition.of(document)
    assert found is not None
    return found, fits, misfits


@pytest.mark.parametrize("name", NAMES)
def test_a_value_that_is_given_is_the_same_as_one_that_is_written(name):
    found, fits, _ = opened(name)
    written = PLACES[name][0](fits) | {"parameters": [{"name": "v", "type": "json"}]}

    assert not found.misfits(found.given({"v": fits}))
    run, meant = parse(document_for(found.document, {"v": fits})), parse(written)
    assert (run.settings, list(run.steps)) == (meant.settings, list(meant.steps))


@pytest.mark.parametrize("name", NAMES)
def test_the_limits_of_what_is_written_hold_for_what_is_given_and_the_param_is_named(name):
    found, _, misfits = opened(name)

    for value in (misfits, {"a": 1}, [1], "{{ params.v }}"):
        problems = found.misfits(found.given({"v": value}))

        assert problems, value
        assert {problem.pointer for problem in problems} <= {"/params/v", "/params"}


def test_a_text_is_no_number_and_what_to_do_is_said():
    found, _, _ = opened("timeout_seconds")

    [problem] = found.misfits(found.given({"v": "60"}))

    assert problem.code == "wrong_type"
    assert "| int" in str(problem.hint)


@pytest.mark.parametrize("params", [{}, {"v": None}])
@pytest.mark.parametrize("name", NAMES)
def test_a_param_without_a_value_leaves_the_field_as_if_it_were_not_there(name, params):
    place = PLACES[name][0]
    found, _, _ = opened(name)
    absent = place(None) | {"parameters": [{"name": "v", "type": "json"}]}
    as_absent = bool(check(absent, ACTIONS).errors)  # some fields have to be there

    assert bool(found.misfits(found.given(params))) == as_absent
    assert found.given(params).values == (None,)


def test_an_empty_text_is_no_value_of_a_number():
    found, _, _ = opened("timeout_seconds")

    assert found.misfits(found.given({"v": ""}))


@pytest.mark.parametrize(
    "template", ["{{ steps.a.outputs.message }}", "{{ secrets.x }}", "{{ execution.id }}"]
)
def test_only_params_can_give_a_value_because_it_has_to_be_known_at_the_start(template):
    document = a_document(a_step("a"), a_step("b", "a", timeout_seconds=template))

    assert not check(document, ACTIONS).valid


def test_a_secret_parameter_gives_no_value():
    document = step(timeout_seconds="{{ params.v }}")
    document["parameters"] = [{"name": "v", "type": "secret"}]

    assert not check(document, ACTIONS).valid


def test_a_definition_without_such_values_is_not_open():
    assert OpenDefinition.of(step(timeout_seconds=5, params={"message": "{{ params.v }}"})) is None
