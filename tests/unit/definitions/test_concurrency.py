"""What a definition may say of places, and what a key is."""

from __future__ import annotations

from typing import Any

import pytest
from unit.definitions.documents import a_document, a_step, checked, errors

from pipeline_engine.domain.concurrency import (
    MAX_KEY,
    InvalidKey,
    execution_key,
    needs_of_action,
    problems,
)
from pipeline_engine.domain.definitions import Concurrency, WhenFull, parse
from pipeline_engine.domain.masking import NOTHING_HIDDEN, masker_of

PARAMETERS = [{"name": "host"}, {"name": "token", "type": "secret"}]


def of_step(concurrency: Any, **fields: Any) -> dict[str, Any]:
    step = a_step("b", depends_on=["a"], concurrency=concurrency)
    return a_document(a_step("a"), step, parameters=PARAMETERS, **fields)


def of_pipeline(concurrency: Any) -> dict[str, Any]:
    return a_document(a_step("a"), parameters=PARAMETERS, concurrency=concurrency)


def test_a_key_is_enough_and_means_one_at_a_time():
    definition = parse(of_pipeline({"key": "x"}))

    assert checked(of_pipeline({"key": "x"})).valid
    assert definition.concurrency == Concurrency("x", 1, WhenFull.WAIT)


def test_words_are_read_in_any_case():
    given = {"key": "{{ steps.a.outputs.x }}", "limit": 3.0, "when_full": "Cancel_Oldest"}

    assert checked(of_step(given)).valid
    assert parse(of_step(given)).step("b").concurrency == Concurrency(
        given["key"], 3, WhenFull.CANCEL_OLDEST
    )


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("x", [("", "wrong_type")]),
        ({}, [("/key", "required")]),
        ({"key": ""}, [("/key", "too_short")]),
        ({"key": "x", "limit": 0}, [("/limit", "out_of_range")]),
        ({"key": "x", "limit": "1"}, [("/limit", "wrong_type")]),
        ({"key": "x", "when_full": "later"}, [("/when_full", "unknown_word")]),
        ({"key": "{{ params.hots }}"}, [("/key", "unknown_parameter")]),
        ({"key": "{{ params.token }}"}, [("/key", "secret_misused")]),
        ({"key": "{{ secrets.x }}"}, [("/key", "secret_misused")]),
        ({"key": "{{ item }}"}, [("/key", "unknown_root")]),
    ],
)
def test_what_cannot_be_meant_is_an_error_at_its_place(given, found):
    assert errors(of_step(given)) == [(f"/steps/1/concurrency{at}", code) for at, code in found]
    assert errors(of_pipeline(given)) == [(f"/concurrency{at}", code) for at, code in found]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("queue", WhenFull.WAIT), ("Cancel_Old", WhenFull.CANCEL_OLDEST), ("skip", WhenFull.SKIP)],
)
def test_a_pipeline_may_limit_its_executions_whoever_starts_them(word, meant):
    given = {"max_concurrent_executions": 3, "when_full": word}
    document = a_document(a_step("a"), settings=given)

    assert checked(document).valid
    assert parse(document).settings.max_concurrent_executions == 3
    assert parse(document).settings.when_full is meant
    assert parse(of_pipeline({"key": "x", "when_full": word})).concurrency.when_full is meant


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"max_concurrent_executions": 0}, [("/max_concurrent_executions", "out_of_range")]),
        ({"max_concurrent_executions": "2"}, [("/max_concurrent_executions", "wrong_type")]),
        ({"when_full": "queue"}, [("/max_concurrent_executions", "required")]),
        (
            {"max_concurrent_executions": 1, "when_full": "later"},
            [("/when_full", "unknown_word")],
        ),
    ],
)
def test_what_limits_no_executions_is_an_error(given, found):
    assert errors(a_document(a_step("a"), settings=given)) == [
        (f"/settings{at}", code) for at, code in found
    ]


def test_steps_have_tags_and_neither_blocks_nor_handlers_do():
    handler = a_step("h", tags=["gpu"])
    handler.pop("depends_on", None)
    block = {"id": "b", "name": "b", "steps": [a_step("c")], "tags": "gpu"}
    document = a_document(a_step("a", tags="gpu"), block, settings={"finally": [handler]})

    assert parse(a_document(a_step("a", tags="gpu"))).step("a").tags == ("gpu",)
    assert parse(a_document(a_step("a", tags=["x", "y", "x"]))).step("a").tags == ("x", "y")
    assert errors(document) == [
        ("/settings/finally/0/tags", "not_in_handler"),
        ("/steps/1/tags", "not_in_block"),
    ]
    assert errors(a_document(a_step("a", tags=[""]))) == [("/steps/0/tags/0", "too_short")]


def test_the_places_of_the_installation_are_asked_for_the_scarcest_first():
    limits = {"http_request": 20, "tag:gpu": 2, "tag:licence": 2, "log": 1}

    needs = needs_of_action("http_request", ("licence", "gpu", "other"), limits)

    assert [(need.key, need.limit) for need in needs] == [
        ("tag:gpu", 2),
        ("tag:licence", 2),
        ("http_request", 20),
    ]


def test_the_key_of_a_pipeline_knows_no_step():
    assert errors(of_pipeline({"key": "{{ steps.a.outputs.x }}"})) == [
        ("/concurrency/key", "unknown_root")
    ]
    assert errors(of_step({"key": "{{ steps.b.outputs.x }}"})) == [
        ("/steps/1/concurrency/key", "not_an_ancestor")
    ]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("{{ steps.a.outputs.x }}", "Only params are known here."),
        ("{{ execution.id }}", "Only params are known here."),
        ("{{ params.token }}", "Take what is no secret here: this is stored, shown or compared."),
    ],
)
def test_who_wants_too_much_of_a_key_hears_what_it_may_hold(key, hint):
    [error] = checked(of_pipeline({"key": key})).errors

    assert error.hint == hint


def test_a_handler_has_no_places():
    handler = a_step("h", concurrency={"key": "x"})

    assert errors(a_document(a_step("a"), settings={"finally": [handler]})) == [
        ("/settings/finally/0/concurrency", "not_in_handler")
    ]


@pytest.mark.parametrize(
    ("key", "host", "found"),
    [
        ("x", None, "x"),
        ("{{ params.host }}", 7, "7"),
        ("on {{ params.host }} ", "a", "on a"),
        ("{{ params.host }}", "x" * MAX_KEY, "x" * MAX_KEY),
    ],
)
def test_a_key_is_a_text_or_a_number(key, host, found):
    assert execution_key(Concurrency(key), {"host": host}) == found


@pytest.mark.parametrize("host", [None, True, [], {}, "", "  ", "a\0b", "x" * (MAX_KEY + 1)])
def test_anything_else_is_no_key(host):
    with pytest.raises(InvalidKey):
        execution_key(Concurrency("{{ params.host }}"), {"host": host})


def test_a_key_that_refers_to_nothing_is_none_also_within_a_text():
    """Or all who lack it would wait for each other."""
    with pytest.raises(InvalidKey, match=r"params\.host"):
        execution_key(Concurrency("on-{{ params.host }}"), {})


def test_a_key_quotes_no_secret():
    definition = parse(of_pipeline({"key": "on-{{ params.host }}"}))
    params = {"host": "s3cr3t-value"}

    assert not [*problems(definition, params, NOTHING_HIDDEN)]
    [problem] = problems(definition, params, masker_of(["s3cr3t-value"]))
    assert (problem.pointer, problem.code) == ("/params", "invalid_concurrency_key")
    assert "s3cr3t-value" not in problem.message
