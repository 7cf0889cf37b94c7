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
from pipeline_engine.domain.checks.blocks import LOOP as REPEATS
from pipeline_engine.domain.checks.nodes import OF_ITEMS
from pipeline_engine.domain.checks.scopes import NAMES, WHERE_PARKED, Place
from pipeline_engine.domain.checks.structure import HANDLER_FIELDS, ROOT
from pipeline_engine.domain.definitions import parse
from pipeline_engine.domain.definitions.parse import TOLD
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


def a_block(**fields: Any) -> dict[str, Any]:
    return {"id": "b", "name": "B", "steps": [a_step()], **fields}


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
    "while": {"result", "iteration", "failures"},
    "wait_for_event": {"event"},
}
SOMEWHERE = ["item", "item_index", "item_key", "result", "iteration", "event", "index", "loop",
             "carry", "failures", "round"]  # fmt: skip


@pytest.mark.parametrize(("place", "name"), list(itertools.product(WHERE, SOMEWHERE)))
def test_a_name_is_known_exactly_where_it_exists(place, name):
    document = _with_name(WHERE[place], name)
    report = check(
        a_document(document, parameters=[{"name": "l", "type": "array"}]), Catalogue(REGISTRY)
    )

    unknown = [issue for issue in report.errors if issue.code == "unknown_root"]
    assert bool(unknown) is (name not in ADDED.get(place, set()))
    assert all(issue.hint for issue in unknown)


def test_whoever_calls_a_condition_otherwise_is_told_what_it_is_called():
    params = {"event_key": "k", "when": "{{ event.temperature > 38 }}"}
    step = a_step(action="wait_for_event", params=params)
    report = check(a_document(step), Catalogue(REGISTRY))

    [error], [warning] = report.errors, report.warnings
    assert (error.code, error.pointer) == ("unknown_root", "/steps/0/params/when")
    assert error.hint == "Of 'wait_for_event' it exists only in: condition, match, outputs."
    assert (warning.code, warning.hint) == ("unknown_param", "Did you mean 'condition'?")


LOOP = {"action": "log", "until": "true"}


@pytest.mark.parametrize("name", ["result", "iteration", "failures", "carry"])
@pytest.mark.parametrize(
    ("params", "place", "is_known"),
    [
        ({"until": "NAME"}, "until", True),
        ({"until": "{{ NAME }}"}, "until", True),
        ({"action_params": {"message": "{{ NAME }}"}}, "action_params/message", True),
        ({"collect": ["{{ NAME }}"]}, "collect/0", True),
        ({"delay_seconds": "{{ NAME }}"}, "delay_seconds", True),
        ({"carry": {"start": 1, "next": {"n": "{{ NAME }}"}}}, "carry/next/n", True),
        ({"carry": {"start": {"n": "{{ NAME }}"}, "next": 1}}, "carry/start/n", False),
        ({"max_iterations": "{{ NAME }}"}, "max_iterations", False),
        ({"tolerated_failures": "{{ NAME }}"}, "tolerated_failures", False),
    ],
)
def test_what_a_loop_hands_on_is_known_where_there_has_been_a_round(name, params, place, is_known):
    has_state = {"carry": {"start": 1, "next": 2}}
    step = a_step(action="while", params=_with_name(LOOP | has_state | params, name))

    expected = [] if is_known else [(f"/steps/0/params/{place}", "unknown_root")]
    assert errors(step) == expected


def test_a_state_without_a_next_value_is_an_error_whatever_else_only_a_run_can_tell():
    params = LOOP | {"carry": {"start": 1}, "max_iterations": "{{ params.p }}"}

    assert errors(a_step(action="while", params=params)) == [
        ("/steps/0/params/carry/next", "required")
    ]


def test_a_loop_without_state_knows_none():
    params = LOOP | {"action_params": {"message": "{{ carry }}"}}

    assert errors(a_step(action="while", params=params)) == [
        ("/steps/0/params/action_params/message", "unknown_root")
    ]


def test_a_param_named_until_is_an_expression_and_a_word_elsewhere():
    broken = LOOP | {"until": "result.x =="}
    sent = {"url": "http://x", "body": {"until": "tomorrow at noon"}}

    assert errors(a_step(action="while", params=broken)) == [
        ("/steps/0/params/until", "template_syntax")
    ]
    assert errors(looped(action="http_request", action_params=sent)) == []


# ── The address of an attempt ────────────────────────────────────────────────────────────

ADDRESS = "{{ callback_url }}"
SENT: dict[str, Any] = {"url": "http://x", "method": "POST", "body": {"tell": [ADDRESS]}}
CALLBACK: dict[str, Any] = {"wait_for_callback": True}


@pytest.mark.parametrize(
    "step",
    [
        a_step(action="approval", params={"message": f"Answer at {ADDRESS}"}),
        a_step(action="wait_for_event", params={"event_key": "k", "outputs": {"at": ADDRESS}}),
        a_step(action="run_pipeline", params={"pipeline": "p", "params": {"tell": ADDRESS}}),
        a_step(action="http_request", params=SENT | CALLBACK),
        a_step(action="http_request", params=SENT | CALLBACK, for_each=[1, 2]),
        a_step(action="http_request", params=SENT | {"wait_for_callback": "{{ params.p }}"}),
        looped(action="http_request", action_params=SENT | CALLBACK),
        looped(action="approval", action_params={"message": "{{ callback_url | urlencode }}"}),
        a_step(compensate={"action": "approval", "params": {"message": ADDRESS}}),
    ],
    ids=str,
)
def test_the_address_is_known_where_somebody_waits_for_an_answer(step):
    assert errors(step) == []


@pytest.mark.parametrize(
    ("step", "pointer"),
    [
        (a_step(action="log", params={"message": ADDRESS}), "params/message"),
        (a_step(action="http_request", params=SENT), "params/body/tell/0"),
        (
            a_step(
                action="run_pipeline",
                params={"pipeline": "p", "params": {"at": ADDRESS}, "wait": False},
            ),
            "params/params/at",
        ),
        (looped(action="log", action_params={"message": ADDRESS}), "params/action_params/message"),
        (
            looped(action="approval", action_params={}, items=[ADDRESS]),
            "params/items/0",
        ),
        (a_step(action="approval", params={}, condition=ADDRESS), "condition"),
        (a_step(action="approval", params={}, for_each=[ADDRESS]), "for_each/items/0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_address_is_an_error_in_a_step_that_never_waits(step, pointer):
    place = pointer.replace("for_each/items", "for_each") if "for_each" in step else pointer

    assert errors(step) == [(f"/steps/0/{place}", "unknown_root")]


@pytest.mark.parametrize(
    "params",
    [
        {"event_key": ADDRESS},
        {"event_key": "k", "match": {"a": ADDRESS}},
        {"event_key": "k", "outputs": {"at": "{{ callback_url[:9] }}"}},
        {"event_key": "k", "outputs": {"at": "{{ callback_url.host }}"}},
        {"event_key": "k", "outputs": {"at": "{{ callback_url | upper }}"}},
    ],
)
def test_the_address_is_a_secret_that_is_passed_on_whole(params):
    [(_, code)] = errors(a_step(action="wait_for_event", params=params))

    assert code == "secret_misused"


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
    assert words["`title` and `message` of `notify`"] == NAMES[Place.NOTIFY]
    for action in REGISTRY:
        if action.meta.adds_names:
            (row,) = [row for row in words if f"what `{action.meta.type}` renders itself" in row]
            assert words[row] == action.meta.adds_names
    for name, told in (("for_each", OF_ITEMS), ("while", set(TOLD))):
        assert words[f"all of the steps of a block with `{name}`, and its `outputs`"] == told
    (row,) = [row for row in words if "waits for the outside" in row]
    assert words[row] == WHERE_PARKED


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

    documents += [
        a_document(a_block(**{"while": {name: value}})) for name in REPEATS.schema["properties"]
    ]
    documents += [a_document(a_block(**place)) for place in places]
    documents += [a_document(a_block(steps=[step])) for step in steps]

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
        definition = parse(document)
        assert list(definition.steps)
        assert all(definition.step(step_id) for step_id in definition.enclosing)


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
