"""The schema that editors are given says what the check says, as far as a schema can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import copy
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema_rs import Draft202012Validator, meta
from support.documentation import DOCS, blocks
from unit.definitions.documents import a_document, a_step
from unit.definitions.test_check_properties import DOCUMENTS, dags

from pipeline_engine.domain.checks import check, editor_schema
from pipeline_engine.registry import Registry
from pipeline_engine.services.actions import Catalogue
from pipeline_engine.services.definitions import schema_for_editors, schema_of_params

REGISTRY = Registry.discover()
CATALOGUE = Catalogue(REGISTRY)
SCHEMA = schema_for_editors(REGISTRY)
EDITOR = Draft202012Validator(SCHEMA)
PAGES = ("reference/definition.md", "howto/common-workflows.md", "reference/peer-workflows.md")
SHOWN = [
    document
    for page in PAGES
    for document in map(json.loads, blocks(DOCS / page, "json"))
    if isinstance(document, dict) and "steps" in document
]


def faults(document: Any) -> list[str]:
    """What an editor would underline."""
    return [error.message[:200] for error in EDITOR.iter_errors(document)]


def test_it_is_a_schema_of_its_dialect_and_can_be_written_as_json():
    meta.validate(SCHEMA)

    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("document", SHOWN, ids=lambda document: document.get("name"))
def test_the_documented_workflows_have_no_fault_in_an_editor(document):
    assert check(document, CATALOGUE).valid
    assert faults(document) == []


@given(DOCUMENTS)
@settings(max_examples=300, deadline=None)
def test_what_the_check_lets_through_an_editor_lets_through(document):
    if check(document, CATALOGUE).valid:
        assert faults(document) == []


@given(dags())
@settings(max_examples=30, deadline=None)
def test_steps_in_any_order_have_no_fault(steps):
    assert faults(a_document(*steps)) == []


@pytest.mark.parametrize("action", list(REGISTRY), ids=lambda action: action.meta.type)
def test_the_examples_of_every_action_fit_its_params(action):
    schema = schema_of_params(REGISTRY, action.meta.type)
    meta.validate(schema)

    for example in action.meta.examples:
        assert Draft202012Validator(schema).is_valid(example.params), example.title


@pytest.mark.parametrize(
    "step",
    [
        a_step(action="lag"),
        a_step(action=None),
        a_step(params=[]),
        a_step(action="http_request", params={}),
        a_step(action="http_request", params={"url": ""}),
        a_step(action="http_request"),
        a_step(action="http_request", params={"url": "http://192.0.2.1", "method": "FETCH"}),
        a_step(action="delay", params={"duration_seconds": -1}),
        a_step(action="delay", params={"duration_seconds": [1]}),
        a_step(timeout_seconds=0),
        a_step(on_failure="explode"),
        a_step(retry={"max_attempts": 1000}),
        a_step(compensate={"action": "lag"}),
        a_step(compensate={"action": "http_request", "params": {}}),
        a_step(depends_on=3),
        a_step(for_each=3),
        {"name": "A", "action": "log"},
    ],
)
def test_usual_mistakes_are_seen_by_the_editor_and_by_the_check(step):
    document = a_document(step)

    assert not check(document, CATALOGUE).valid
    assert faults(document)


@pytest.mark.parametrize("field", ["name", "steps"])
def test_a_document_without_name_or_steps_is_no_definition_yet(field):
    document = {name: value for name, value in a_document(a_step()).items() if name != field}

    assert not check(document, CATALOGUE).valid
    assert faults(document)


def test_a_handler_and_what_is_in_a_block_are_looked_at_as_well():
    wrong = a_step("w", action="delay", params={"duration_seconds": -1})

    assert faults(a_document(a_step(), settings={"finally": [wrong]}))
    assert faults(a_document({"id": "b", "name": "B", "steps": [wrong]}))


def test_a_template_fits_everywhere_and_words_in_any_case():
    step = a_step(action="delay", params={"duration_seconds": "{{ 1 + 1 }}"}, on_failure="FAIL")

    assert faults(a_document(step)) == []


def test_a_document_may_say_where_its_schema_is():
    report = check(a_document(a_step()) | {"$schema": "./pipeline.schema.json"}, CATALOGUE)

    assert (report.errors, report.warnings) == ((), ())


def test_editors_are_told_what_an_action_does():
    [log] = [one for one in SCHEMA["$defs"]["Action"]["anyOf"] if one.get("const") == "log"]

    assert log["description"] == REGISTRY.meta("log").description
    assert json.loads(json.dumps(editor_schema([])))["title"] == "PipelineDefinition"


def test_a_name_with_a_version_is_let_through():
    assert faults(a_document(a_step(action="log@1"))) == []
    assert faults(a_document(a_step(action="log@1.0.0", params={"level": 3})))


VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 3.0, 2**40, "", "text", "{{ params.p }}", "ALWAYS", "10%",
    [], [1, "a"], ["{{ 1 }}"], {}, {"a": {"b": []}}, [{"id": "a"}], "2030-01-01T00:00:00Z",
]  # fmt: skip


def others(value: Any) -> Iterator[Any]:
    """*value* with something else in one of its places, for every place."""
    if not isinstance(value, dict | list):
        return
    for place in value if isinstance(value, dict) else range(len(value)):
        for instead in (*VALUES, *others(value[place])):
            other = copy(value)
            other[place] = instead
            yield other


@pytest.mark.parametrize("action", list(REGISTRY), ids=lambda action: action.meta.type)
def test_params_that_the_check_takes_an_editor_takes(action):
    fits = Draft202012Validator(schema_of_params(REGISTRY, action.meta.type)).is_valid
    for example in (one.params for one in action.meta.examples[:1]):
        for params in (example | {p.name: value} for p in action.meta.params for value in VALUES):
            step = a_step(action=action.meta.type, params=params)
            report = check(a_document(step), CATALOGUE)
            in_params = (one.pointer.startswith("/steps/0/params") for one in report.errors)
            assert fits(params) or any(in_params), params


def test_a_changed_document_that_the_check_takes_an_editor_takes():
    """Every place of some documents is given each of some values: types, limits and words."""
    for document in SHOWN[::40]:
        for changed in others(document):
            if faults(changed):
                assert not check(changed, CATALOGUE).valid, changed
