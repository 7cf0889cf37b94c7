"""What an action itself says about its params is asked when a pipeline is saved."""

from __future__ import annotations

from typing import Any

import pytest
from support.factories import an_action

from pipeline_engine.domain.checks import check
from pipeline_engine.registry import Registry
from pipeline_engine.sdk import ParamDefinition, ParamType
from pipeline_engine.services.actions import Catalogue


def problems(*steps: dict[str, Any], registry: Registry | None = None, **fields: Any) -> list[Any]:
    named = [{"id": f"s{n}", "name": "S", **step} for n, step in enumerate(steps)]
    document = {"name": "x", "parameters": [{"name": "p"}], "steps": named, **fields}
    report = check(document, Catalogue(registry or Registry.discover()))
    return [(issue.pointer, issue.code) for issue in (*report.errors, *report.warnings)]


def a_wait(**params: Any) -> dict[str, Any]:
    return {"action": "wait_until", "params": params}


BOTH = {"duration_hours": 1, "until_time": "2030-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ({"action": "approval", "params": {"approvers": ""}}, "/steps/0/params/approvers"),
        ({"action": "http_request", "params": {"url": "ftp://x"}}, "/steps/0/params/url"),
        (a_wait(**BOTH), "/steps/0/params"),
        (a_wait(), "/steps/0/params"),
        ({"action": "validate", "params": {"rules": [{"message": "m"}]}}, "/steps/0/params"),
    ],
    ids=str,
)
def test_a_problem_is_an_error_at_the_place_that_it_names(step, found):
    assert problems(step) == [(found, "invalid_params")]


@pytest.mark.parametrize(
    "step",
    [
        {"action": "approval", "params": {"approvers": "{{ params.p }}"}},
        {"action": "http_request", "params": {"url": "{{ params.p }}"}},
        {"action": "http_request", "params": {"url": "https://x.org", "headers": {"a": "b"}}},
        a_wait(**BOTH | {"duration_hours": "{{ params.p }}"}),
        {
            "action": "validate",
            "params": {"rules": [{"condition": "{{ params.p }}", "message": "m"}]},
        },
    ],
    ids=str,
)
def test_what_only_a_run_can_tell_is_not_asked(step):
    assert problems(step) == []


def test_the_action_that_a_loop_runs_is_asked_too():
    inner = {"action": "approval", "action_params": {"approvers": ""}}
    step = {"action": "for_each", "params": {"items": [1], **inner}}

    assert problems(step) == [("/steps/0/params/action_params/approvers", "invalid_params")]


def test_the_handlers_and_compensations_are_asked_too():
    undo = {"action": "approval", "params": {"approvers": ""}}
    step = {"action": "log", "params": {"message": "m"}, "compensate": undo}
    handler = {"id": "h", "name": "H", "action": "wait_until", "params": BOTH}

    found = problems(step, settings={"finally": [handler]})

    assert found == [
        ("/steps/0/compensate/params/approvers", "invalid_params"),
        ("/settings/finally/0/params", "invalid_params"),
    ]


def odd(answer: Any) -> Registry:
    """A registry with an action that answers this, or raises it, when it is asked."""

    def validate_params(params: dict[str, Any]) -> Any:
        params["word"]["changed"] = True  # what it was given is its own
        if isinstance(answer, Exception):
            raise answer
        return answer

    word = ParamDefinition("word", "Word", ParamType.JSON)
    return Registry(
        [an_action("odd", lambda _: None, params=[word], validate_params=validate_params)]
    )


async def soon() -> list[str]:
    return ["word is odd"]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ([], []),
        (["word is odd"], [("/steps/0/params/word", "invalid_params")]),
        (["it is odd", "word: odd"], ["/steps/0/params", "/steps/0/params/word"]),
        (KeyError("x"), [("/steps/0/params", "params_not_checked")]),
    ],
    ids=str,
)
def test_an_action_of_others_cannot_break_the_check(answer, found):
    step = {"action": "odd", "params": {"word": {}}}

    expected = [(one, "invalid_params") if isinstance(one, str) else one for one in found]
    assert problems(step, registry=odd(answer)) == expected
    assert step["params"] == {"word": {}}


def test_an_answer_may_be_awaited():
    step = {"action": "odd", "params": {"word": {}}}

    assert problems(step, registry=odd(soon())) == [("/steps/0/params/word", "invalid_params")]
