"""The check with the actions that are installed: loops, their inner actions, wrong types."""

from __future__ import annotations

import itertools
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.contexts import a_context
from unit.definitions.documents import a_document, a_step

from pipeline_engine.domain.checks import check
from pipeline_engine.domain.checks.scopes import NAMES, Place
from pipeline_engine.domain.checks.structure import HANDLER_FIELDS, ROOT
from pipeline_engine.domain.definitions import parse
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.registry import Registry
from pipeline_engine.sdk import FanOutActionExecutor, check_params
from pipeline_engine.services.actions import Catalogue, problems

REGISTRY = Registry.discover()
PAGE = (Path(__file__).parents[3] / "docs/reference/definition.md").read_text(encoding="utf-8")
OF_EVERY_TYPE: list[Any] = [
    None, True, False, 0, -1, 1.5, -0.0, 1e308, 2**63 - 1, 1e-300, float("nan"), float("inf"),
    10**400, "", "text", "{{ params.p }}", "{{", [], [1, [2]], ["a", None], {}, {"a": {"b": []}},
    [{}], [{"id": ["x"], "label": {}, "condition": {}, "target_step": ["a"]}],
    [{"id": "a", "condition": "{{ 1 }}", "target_step": {"a": 1}}], [{"condition": [1]}],
]  # fmt: skip
CONTROL_FLOW = [action for action in REGISTRY if action.meta.category == "Control Flow"]


def errors(*steps: dict[str, Any]) -> list[tuple[str, str]]:
    document = a_document(*steps, parameters=[{"name": "p"}, {"name": "l", "type": "array"}])
    return [(issue.pointer, issue.code) for issue in check(document, Catalogue(REGISTRY)).errors]


def looped(**params: Any) -> dict[str, Any]:
    return a_step(action="for_each", params={"items": "{{ params.l }}", **params})


# ── Inner actions ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("params", "place", "code"),
    [
        ({"action": "lgo"}, "/action", "unknown_action"),
        ({"action": 5}, "/action", "unknown_action"),
        ({"action": "for_each"}, "/action", "nested_fan_out"),
        ({"action": "while"}, "/action", "nested_fan_out"),
        ({"action": "http_request", "action_params": {}}, "/action_params/url", "missing_param"),
        (
            {
                "action": "http_request",
                "action_params": {"url": "http://x", "timeout_seconds": "a"},
            },
            "/action_params/timeout_seconds",
            "wrong_type",
        ),
        ({"action": "log", "action_params": [1]}, "/action_params", "wrong_type"),
        (
            {"action": "log", "action_params": {"message": "{{ steps.z.status }}"}},
            "/action_params/message",
            "unknown_step",
        ),
        (
            {"action": "log", "action_params": {"message": "{{ result.x }}"}},
            "/action_params/message",
            "unknown_root",
        ),
        ({"action": "log", "items": {"a": 1}}, "/items", "wrong_type"),
    ],
)
def test_the_action_that_a_loop_runs_is_checked_like_that_of_a_step(params, place, code):
    assert (f"/steps/0/params{place}", code) in errors(looped(**params))


def test_the_action_of_a_compensation_may_be_a_loop_and_is_checked_too():
    undo = {"action": "for_each", "params": {"items": [1], "action": "lgo"}}

    assert errors(a_step(compensate=undo)) == [
        ("/steps/0/compensate/params/action", "unknown_action")
    ]


@pytest.mark.parametrize(
    "params",
    [
        {"action": "{{ params.p }}", "action_params": {"anything": 1}},
        {"action": "http_request", "action_params": "{{ params.p }}"},
        {"action": "http_request", "action_params": {"url": "{{ item }}/{{ item_index }}"}},
    ],
)
def test_what_only_a_template_can_tell_is_believed(params):
    assert errors(looped(**params)) == []


# ── Names ────────────────────────────────────────────────────────────────────────────────

WHERE: dict[str, dict[str, Any]] = {
    "params": a_step(params={"message": "{{ NAME }}"}),
    "condition": a_step(condition="{{ NAME }}"),
    "key": a_step(for_each={"items": [1], "key": "{{ NAME }}"}),
    "items": a_step(for_each="{{ NAME }}"),
    "item params": a_step(for_each=[1], params={"message": "{{ NAME }}"}),
    "for_each": looped(action="log", action_params={"message": "{{ NAME }}"}),
    "filter": a_step(action="filter", params={"items": [1], "condition": "{{ NAME }}"}),
    "while": a_step(action="while", params={"condition": "{{ NAME }}", "action": "log"}),
    "wait_for_event": a_step(
        action="wait_for_event", params={"event_key": "k", "condition": "{{ NAME }}"}
    ),
    "event key": a_step(action="wait_for_event", params={"event_key": "{{ NAME }}"}),
    "validate": a_step(action="validate", params={"rules": [{"condition": "{{ NAME }}"}]}),
    "conditional": a_step(
        action="conditional", params={"branches": [{"id": "b", "condition": "{{ NAME }}"}]}
    ),
}
ITEM = {"item", "item_index"}
ADDED: dict[str, set[str]] = {
    "key": ITEM,
    "item params": ITEM | {"item_key"},
    "for_each": ITEM,
    "filter": ITEM,
    "while": {"result", "iteration"},
    "wait_for_event": {"event"},
}
SOMEWHERE = ["item", "item_index", "item_key", "result", "iteration", "event", "index", "loop"]


@pytest.mark.parametrize(("place", "name"), list(itertools.product(WHERE, SOMEWHERE)))
def test_a_name_is_known_exactly_where_it_exists(place, name):
    document = _with_name(WHERE[place], name)
    report = check(
        a_document(document, parameters=[{"name": "l", "type": "array"}]), Catalogue(REGISTRY)
    )

    unknown = [issue for issue in report.errors if issue.code == "unknown_root"]
    assert bool(unknown) is (name not in ADDED.get(place, set()))
    assert all(issue.hint for issue in unknown)


def _with_name(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _with_name(member, name) for key, member in value.items()}
    if isinstance(value, list):
        return [_with_name(member, name) for member in value]
    return value.replace("NAME", name) if isinstance(value, str) else value


def test_the_page_prints_the_table_of_names():
    rows = dict(
        re.findall(r"^\| (.*?) \| .*? \| (.*?) \|$", PAGE.partition("## What templates")[2], re.M)
    )
    words = {place: set(re.findall("`([a-z_]+)`", names)) for place, names in rows.items()}
    usual = NAMES[Place.STEP]

    assert words["`params`, `condition`, `for_each` of a step"] == usual
    assert words["`key` of `for_each`"] == NAMES[Place.ITEM_KEY] - usual
    assert words["`params` of a step with `for_each`"] == NAMES[Place.ITEM] - usual
    for action in REGISTRY:
        if action.meta.adds_names:
            (row,) = [row for row in words if f"what `{action.meta.type}` renders itself" in row]
            assert words[row] == action.meta.adds_names


# ── Every type at every place ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", OF_EVERY_TYPE, ids=repr)
def test_a_value_of_any_type_in_any_field_is_an_error_or_can_be_parsed(value):
    places = [{field: value} for field in HANDLER_FIELDS]
    steps = [a_step() | place for place in places]
    documents = [a_document(step) for step in steps]
    documents += [a_document(**{field: value}) for field in ROOT]
    documents += [a_document(settings={name: [step]}) for step in steps for name in ("finally",)]
    for name in ("retry", "for_each", "compensate"):
        inner = [
            "max_attempts",
            "backoff_seconds",
            "items",
            "key",
            "tolerated_failures",
            "action",
            "params",
        ]
        documents += [a_document(a_step() | {name: {one: value}}) for one in inner]

    for document in documents:
        _check_and_parse(document)


@pytest.mark.parametrize("action", list(REGISTRY), ids=lambda action: action.meta.type)
def test_a_value_of_any_type_in_any_param_is_an_error_with_its_place_or_is_taken(action):
    for param, value in itertools.product(action.meta.params, OF_EVERY_TYPE):
        _check_and_parse(a_document(a_step(action=action.meta.type, params={param.name: value})))
        assert isinstance(problems(REGISTRY, action.meta.type, {param.name: value}), list)


def _check_and_parse(document: dict[str, Any]) -> None:
    report = check(document, Catalogue(REGISTRY), secrets=())
    assert all(issue.pointer.startswith("/") or not issue.pointer for issue in report.errors)
    if report.valid:
        assert list(parse(document).steps)


@pytest.mark.parametrize("action", CONTROL_FLOW, ids=lambda action: action.meta.type)
def test_no_control_flow_crashes_whatever_its_rendered_params_are(action):
    usual = {"event_key": "k", "action": "log", "items": [1], "rules": [], "pipeline": "p"}
    usual = {name: value for name, value in usual.items() if action.meta.param(name)}
    for param, value in itertools.product(action.meta.params, OF_EVERY_TYPE):
        params = usual | {param.name: value}
        if not check_params(action.meta, params, rendered=True):
            _run(action.executor, params)


def _run(executor: Any, params: dict[str, Any]) -> None:
    context = a_context(params)
    with suppress(PipelineEngineError):  # it says what is wrong
        if isinstance(executor, FanOutActionExecutor):
            executor.expand(context)
            executor.join(context, [])
        else:
            executor.execute(context)
