"""The OpenAPI document and the page that shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from flask.testing import FlaskClient


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
        if rule.endpoint.partition(".")[0] not in {"docs", "static"}
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


def test_references_lead_somewhere(anybody: FlaskClient) -> None:
    document = anybody.get("/openapi.json").json

    found = set(re.findall(r'"\$ref":\s*"#/([^"]+)"', anybody.get("/openapi.json").text))

    assert found
    for reference in found:
        node: Any = document
        for key in reference.split("/"):
            node = node[key]


def test_the_page_uses_nothing_but_our_own_files(anybody: FlaskClient) -> None:
    page = anybody.get("/docs")

    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert page.status_code == 200
    assert addresses
    for address in addresses:
        assert address.startswith("/")
        with anybody.get(address) as found:
            assert found.status_code == 200
    assert not re.search(r"<script>|style=|onclick=", page.text)
