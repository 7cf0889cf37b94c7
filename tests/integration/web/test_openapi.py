"""The OpenAPI document and the page that shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient

#: What is for browsers.
PAGES = {"approvals_page", "docs", "front", "static"}
PAGES |= {"console_door", "console_pages", "console_session", "no_page"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation of the document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                yield method, path, operation


def test_the_document_is_at_both_places(anybody: FlaskClient) -> None:
    first, second = anybody.get("/openapi.json"), anybody.get("/api/v1/openapi.json")

    assert first.status_code == 200
    assert first.json["openapi"] == "3.1.0"
    assert first.json == second.json


def test_every_route_is_documented_once_under_its_canonical_path(
    app: Flask, anybody: FlaskClient
) -> None:
    documented = {
        (method.upper(), re.sub(r"\{(\w+)\}", r"<\1>", path))
        for method, path, _ in operations(anybody.get("/openapi.json").json)
    }
    served = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in {"HEAD", "OPTIONS"} and "_alias_" not in rule.endpoint
        if rule.endpoint.partition(".")[0] not in PAGES
    }

    assert documented == served
    assert all(path.startswith("/api/v1/") for _, path in documented)


def test_every_operation_says_what_it_does_and_how_it_fails(anybody: FlaskClient) -> None:
    document = anybody.get("/openapi.json").json

    for method, path, operation in operations(document):
        assert operation.get("summary"), (method, path)
        assert "default" in operation["responses"], (method, path)
    problem = document["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert list(problem) == ["application/problem+json"]


def test_operations_have_names_that_read_well_in_a_generated_client(anybody: FlaskClient) -> None:
    names = [o["operationId"] for _, _, o in operations(anybody.get("/openapi.json").json)]

    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in names), names


def test_what_needs_no_token_says_so(anybody: FlaskClient) -> None:
    found = list(operations(anybody.get("/openapi.json").json))

    open_to_all = {o["operationId"] for _, _, o in found if not o["security"]}
    to_services = {o["operationId"] for _, _, o in found if any("dapr" in s for s in o["security"])}

    assert open_to_all == {
        "get_health",
        "get_readiness",
        "answer_callback",
        "trigger_webhook",
        "list_dapr_subscriptions",
    }
    assert to_services >= {"send_event", "send_workflow_event"}


def test_every_operation_names_the_scope_that_it_needs(anybody: FlaskClient) -> None:
    found = operations(anybody.get("/openapi.json").json)
    named = {
        o["operationId"]: [s for way in o["security"] for s in way.values()] for _, _, o in found
    }

    assert named["cancel_execution"] == [["executions:control"]]
    assert named["send_event"] == [["events:send"]] * 2
    assert named["get_health"] == []


def test_every_example_fits_what_it_is_an_example_of(anybody: FlaskClient) -> None:
    document = anybody.get("/openapi.json").json
    media = [
        content["application/json"]
        for _, _, operation in operations(document)
        for holder in (operation.get("requestBody", {}), *operation["responses"].values())
        if "application/json" in (content := holder.get("content", {}))
    ]

    for described in media:
        schema = described["schema"] | {"components": document["components"]}
        jsonschema_rs.validate(schema, described["example"], validate_formats=True)


def test_a_definition_that_is_right_fits_the_schema_and_one_that_is_wrong_does_not(
    anybody: FlaskClient,
) -> None:
    document = anybody.get("/openapi.json").json
    root = {"$ref": "#/components/schemas/PipelineDefinition", "components": document["components"]}
    fits = jsonschema_rs.validator_for(root).is_valid
    step = {"id": "a", "name": "A", "action": "log", "params": {"message": "Hello"}}
    full = step | {
        "retry": {"max_attempts": 2},
        "for_each": {"items": [1], "tolerated_failures": "10%"},
        "trigger_rule": {"at_least": 1},
        "depends_on": "b",
        "condition": None,
    }

    assert fits({"name": "x", "steps": [step, full]})
    port = {"type": "integer", "minimum": 1}
    limited = {"name": "p", "enum": ["a"], "items": {"properties": {"port": port}}}
    assert fits({"name": "x", "parameters": [limited | {"format": "date"}], "steps": [step]})
    assert not fits({"name": "x", "parameters": [limited | {"format": "datum"}]})
    assert not fits({"name": "x", "parameters": [{"name": "p", "items": {"items": {"enum": []}}}]})
    assert not fits({"name": "x", "steps": [step | {"id": "no blanks"}]})
    assert not fits({"name": "x", "steps": [step | {"timeout_seconds": 0}]})
    assert not fits({"name": "x", "steps": [step | {"on_failure": "explode"}]})
    assert not fits({"name": "x", "settings": {"finally": [step | {"depends_on": ["a"]}]}})
    block = {"id": "b", "name": "B", "steps": [step], "outputs": {"n": [1]}}
    loop = {"until": "true", "max_iterations": "{{ params.n }}", "carry": {"next": 1}}
    assert fits({"name": "x", "steps": [block | {"while": loop, "steps": [block]}]})
    assert not fits({"name": "x", "steps": [{"id": "b", "name": "B"}]})
    assert not fits({"name": "x", "steps": [block | {"steps": []}]})
    assert not fits({"name": "x", "steps": [block | {"steps": [block | {"steps": [{}]}]}]})
    assert not fits({"name": "x", "steps": [block | {"while": loop | {"delay_seconds": -1}}]})
    assert not fits({"name": "x", "settings": {"finally": [step | {"steps": [step]}]}})


def test_references_lead_somewhere(anybody: FlaskClient) -> None:
    document = anybody.get("/openapi.json").json

    found = set(re.findall(r'"\$ref":\s*"#/([^"]+)"', anybody.get("/openapi.json").text))

    assert found
    for reference in found:
        node: Any = document
        for key in reference.split("/"):
            node = node[key]


@pytest.mark.parametrize("path", ["/docs", "/approvals/01a20112-1927-73f9-8c8f-4c825b5093f9"])
def test_a_page_uses_nothing_but_our_own_files(anybody: FlaskClient, path: str) -> None:
    page = anybody.get(path)

    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert page.status_code == 200
    assert addresses
    for address in addresses:
        assert address.startswith("/")
        with anybody.get(address) as found:
            assert found.status_code == 200
    assert not re.search(r"<script>|style=|onclick=", page.text)
