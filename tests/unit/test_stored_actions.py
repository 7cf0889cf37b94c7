"""Actions that are data: what they are in the catalogue, and what is no action."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from support.documentation import DOCS, blocks

from pipeline_engine.domain import stored_actions
from pipeline_engine.domain.actions import (
    ActionMeta,
    ExecutionMode,
    InnerAction,
    ParamDefinition,
    ParamType,
)
from pipeline_engine.domain.checks import Limits
from pipeline_engine.domain.stored_actions import defaults_of, meta_of, parse, uses_of
from pipeline_engine.registry import Registry
from pipeline_engine.services.actions import Catalogue

HOWTO = DOCS / "howto" / "build-an-action-from-data.md"
TEMPLATE: Mapping[str, Any] = {
    "type": "ping",
    "name": "Ping",
    "template": "http_request",
    "defaults": {"url": "https://a.example/{{ inputs.path }}", "method": "GET"},
    "exposed_params": ["path"],
}


@cache
def installed() -> Catalogue:
    return Catalogue(Registry.discover())


def codes(definition: Mapping[str, Any], **given: Any) -> list[tuple[str, str]]:
    known = installed()
    asked = {"of_system": False, "limits": Limits(), **given}
    return [(i.pointer, i.code) for i in stored_actions.check(definition, known, known, **asked)]


def meta(definition: Mapping[str, Any]) -> ActionMeta:
    assert codes(definition) == []
    action = parse(definition)
    find = installed().find
    bases = {name: found for name in uses_of(action, find) if (found := find(name))}
    return meta_of(action, "1", bases)


def template(**changed: Any) -> dict[str, Any]:
    return {**TEMPLATE, **changed}


def test_a_template_is_what_its_action_is_but_for_its_params() -> None:
    made, base = meta(TEMPLATE), installed().find("http_request")

    assert base is not None
    assert (made.type, made.version, [p.name for p in made.params]) == ("ping", "1", ["path"])
    assert (made.outputs, made.idempotent) == (base.outputs, base.idempotent)
    assert (made.queue, made.cheap) == (base.queue, base.cheap)
    assert made.category == base.category
    assert made.validate() == []


def test_whether_it_parks_is_decided_by_what_is_filled_in() -> None:
    waits = {**TEMPLATE["defaults"], "wait_for_callback": True}
    open_ = {**TEMPLATE["defaults"], "wait_for_callback": "{{ inputs.wait }}"}

    modes = [
        meta(template(defaults=defaults, exposed_params=exposed)).execution_mode
        for defaults, exposed in (
            (TEMPLATE["defaults"], ["path"]),
            (waits, ["path"]),
            (open_, ["path", {"name": "wait", "type": "boolean"}]),
        )
    ]

    sync, event_driven = ExecutionMode.SYNC, ExecutionMode.EVENT_DRIVEN
    assert modes == [sync, event_driven, event_driven]


@pytest.mark.parametrize(
    ("exposed", "outputs", "left", "is_open"),
    [
        ([], {"line": "x", "many": [1]}, ["line", "many"], False),
        ([], "{{ execution }}", [], True),
        (["outputs"], {"line": "x"}, [], True),
    ],
)
def test_a_template_of_what_leaves_its_params_leaves_what_is_filled_in(
    exposed: list[str], outputs: Any, left: list[str], is_open: bool
) -> None:
    made = meta(
        template(template="set_output", defaults={"outputs": outputs}, exposed_params=exposed)
    )

    assert [output.name for output in made.outputs] == left
    assert (made.outputs_from, made.open_outputs) == ("outputs" if exposed else None, is_open)


def test_a_composite_may_read_what_an_event_adds_to_a_step() -> None:
    wait = {"id": "wait", "action": "http_request", "params": {"url": "https://a.example"}}
    parked = {**wait, "params": {**wait["params"], "wait_for_callback": True}}
    read = {"id": "read", "action": "log", "params": {"message": "{{ steps.wait.outputs.job }}"}}

    found = [
        codes({"type": "both", "name": "Both", "steps": [first, read]}) for first in (wait, parked)
    ]

    assert found == [[("/steps/1/params/message", "unknown_output")], []]


def test_an_exposed_param_has_what_its_action_says_and_what_is_said_here() -> None:
    method = {"name": "method", "label": "Verb", "default": "PUT"}
    body = {"name": "note", "type": "select", "options": [{"value": "a"}], "required": False}
    defaults = {"url": "https://a.example", "headers": {"N": "{{ inputs.note }}"}}

    made = meta(template(defaults=defaults, exposed_params=[method, body, "url"]))

    base = installed().find("http_request")
    assert base is not None
    verb, note, url = made.params
    assert (verb.label, verb.default, verb.options) == ("Verb", "PUT", base.param("method").options)  # type: ignore[union-attr]
    assert (note.label, note.required, note.options[0].label) == ("Note", False, "a")  # type: ignore[index]
    assert (url.required, url.default) == (False, "https://a.example")
    assert defaults_of(made.params)["method"] == "PUT"


def test_a_composite_of_names_has_the_params_of_all_of_them() -> None:
    made = meta({"type": "both", "name": "Both", "sub_actions": ["delay", "log"]})

    names = [param.name for param in made.params]
    assert {"message", "level"} <= set(names)
    assert len(names) == len(set(names))
    assert [output.name for output in made.outputs] == ["delay", "log"]
    assert made.execution_mode is ExecutionMode.EVENT_DRIVEN  # a delay parks


def test_rights_and_doubts_of_all_actions_are_those_of_the_composite() -> None:
    rights = {"a": ("model:write",), "b": ("cluster:write", "model:write")}
    bases = {
        name: ActionMeta(
            name, name, "T", "Does.", required_permissions=words, idempotent=name == "a"
        )
        for name, words in rights.items()
    }
    action = parse({"type": "both", "name": "Both", "sub_actions": ["a", "b"]})

    made = meta_of(action, "1", bases)

    assert made.required_permissions == ("model:write", "cluster:write")
    assert not made.idempotent


LOOP: Mapping[str, Any] = {
    "type": "each",
    "name": "Each",
    "template": "for_each",
    "defaults": {"action": "log", "action_params": {"message": "{{ item }}"}},
    "exposed_params": ["items"],
}


def loop(*exposed: Any, **defaults: Any) -> dict[str, Any]:
    given = {**LOOP["defaults"], **defaults}
    kept = {name: value for name, value in given.items() if value is not None}
    return {**LOOP, "defaults": kept, "exposed_params": ["items", *exposed]}


def test_what_a_loop_runs_is_asked_for_with_the_loop() -> None:
    loops = ActionMeta("loops", "L", "T", "Does.", params=WHAT_IT_RUNS, inner=InnerAction())
    bases = {
        "loops": loops,
        "old": ActionMeta(
            "old",
            "Old",
            "T",
            "Does.",
            required_permissions=["model:write"],
            idempotent=False,
            deprecated=True,
            deprecation_message="It is slow.",
            replaced_by="new",
        ),
    }
    defaults = {"action": "old", "action_params": {}}
    action = parse({"type": "all", "name": "A", "template": "loops", "defaults": defaults})

    made = meta_of(action, "1", bases)

    assert list(uses_of(action, bases.get)) == ["loops", "old"]
    assert (made.required_permissions, made.idempotent) == (("model:write",), False)
    assert made.deprecated
    assert made.deprecation_message == "it uses 'old' 1.0.0 (It is slow.), and should use 'new'"
    assert made.replaced_by is None  # nothing takes the place of the loop over it


WHAT_IT_RUNS = [
    ParamDefinition("action", "Action", required=True),
    ParamDefinition("action_params", "Params", ParamType.JSON),
]


@pytest.mark.parametrize(
    ("definition", "inner", "by_steps"),
    [
        (loop(), ["log"], None),
        (loop(action="log@1"), ["log@1"], None),
        (loop("what", action="{{ inputs.what }}"), [], None),
        (loop("action", "action_params", action=None, action_params=None), [], "action_params"),
        (loop("action", action=None), [], "none"),
        (loop({"name": "action", "default": "log"}, action=None), ["log"], "none"),
    ],
)
def test_what_a_loop_runs_is_named_by_its_author_or_by_a_step(
    definition: dict[str, Any], inner: list[str], by_steps: str | None
) -> None:
    made = meta(definition)

    assert list(uses_of(parse(definition), installed().find)) == ["for_each", *inner]
    assert (made.inner and (made.inner.params or "none")) == by_steps


@pytest.mark.parametrize(
    ("definition", "found"),
    [
        (loop(action="lg"), [("/defaults/action", "unknown_action")]),
        (loop(action="log@9"), [("/defaults/action", "unknown_action_version")]),
        (
            loop(action="while", action_params={"condition": "{{ true }}", "action": "log"}),
            [("/defaults/action", "nested_fan_out")],
        ),
        (
            loop(action_params={"text": "x"}),
            [("/defaults/action_params/text", "unknown_param")],
        ),
        (
            loop({"name": "action", "default": "lg"}, action=None),
            [("/exposed_params/1", "unknown_action")],
        ),
    ],
)
def test_what_a_loop_cannot_run_is_said_where_it_is_named(
    definition: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert codes(definition) == found


CALL = {"id": "call", "action": "http_request", "params": {"url": "https://a.example"}}


@pytest.mark.parametrize(
    ("definition", "found"),
    [
        (template(type="log"), [("/type", "name_taken")]),
        (template(template="http_request@9"), [("/template", "unknown_action")]),
        (template(exposed_params=["path", "path"]), [("/exposed_params/1", "duplicate_param")]),
        (template(exposed_params=["path", "more"]), [("/exposed_params/1", "unread_param")]),
        (template(exposed_params=[]), [("/defaults/url", "unknown_input")]),
        (
            template(exposed_params=[{"name": "path", "type": "select"}]),
            [("/exposed_params/0", "invalid_param")],
        ),
        (
            template(exposed_params=[{"name": "path", "validation": {"mn": 1}}]),
            [("/exposed_params/0/validation/mn", "unknown_field")],
        ),
        (template(defaults={"url": "{{ inputs.path"}), [("/defaults/url", "unbalanced_braces")]),
        (
            template(defaults={"url": "{{ execution.status }}/{{ inputs.path }}"}),
            [("/defaults/url", "unknown_execution_field")],
        ),
        (template(defaults="x"), [("/defaults", "wrong_type")]),
        (template(color="red"), [("/color", "invalid_color")]),
        (template(name="x" * 70_000), [("", "too_large")]),
        (
            {"type": "c", "name": "C", "steps": [CALL, CALL]},
            [("/steps/1/id", "duplicate_step_id")],
        ),
        (
            {"type": "c", "name": "C", "sub_actions": ["log"], "exposed_params": ["x"]},
            [("/exposed_params/0", "unread_param")],
        ),
        (
            {
                "type": "c",
                "name": "C",
                "steps": [CALL, {"id": "b", "action": "log", "condition": "steps.cal.status"}],
            },
            [("/steps/1/condition", "unknown_step")],
        ),
        (
            {
                "type": "c",
                "name": "C",
                "steps": [CALL],
                "outputs": {"x": "{{ steps.call.output }}", "y": "{{ params.y }}"},
            },
            [("/outputs/x", "unknown_step_field"), ("/outputs/y", "unknown_root")],
        ),
    ],
)
def test_what_is_no_action_is_said_where_it_stands(
    definition: Mapping[str, Any], found: list[tuple[str, str]]
) -> None:
    assert sorted(codes(definition)) == sorted(found)


def test_a_secret_is_the_owners_and_never_the_systems() -> None:
    says = template(defaults={"url": "https://a.example/{{ secrets.token }}{{ inputs.path }}"})

    assert codes(says) == []
    assert codes(says, of_system=True) == [("/defaults/url", "secret_not_allowed")]


def test_what_an_action_renders_itself_sees_no_inputs_in_a_composite() -> None:
    params = {"event_key": "k", "condition": "{{ event.id == inputs.id }}"}
    wait = {"id": "wait", "action": "wait_for_event", "params": params}
    as_template = {"type": "t", "name": "T", "template": "wait_for_event", "defaults": params}

    in_composite = codes({"type": "c", "name": "C", "steps": [wait], "exposed_params": ["id"]})
    in_template = codes({**as_template, "exposed_params": ["id"]})

    assert ("/steps/0/params/condition", "unknown_root") in in_composite
    assert in_template == []


def documented() -> Iterator[dict[str, Any]]:
    for text in blocks(HOWTO, "sh"):
        for document in re.findall(r"<<'EOF'\n(.*?)^EOF$", text, re.DOTALL | re.MULTILINE):
            yield json.loads(document)


def test_what_the_page_says_can_be_stored() -> None:
    notify, _release, announce, _launch = documented()

    assert codes(notify) == []
    # The composite uses the template, which the catalogue here does not have.
    assert codes(announce) == [("/steps/2/action", "unknown_action")]
