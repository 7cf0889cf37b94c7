"""The second half of docs/reference/api.md: one request for each route, with its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from flask import Flask

from pipeline_engine.config import Settings
from pipeline_engine.services import Runtime

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"
HEADING = "## Requests\n"
INTRODUCTION = """
One request for each route, and its answer where it has one. They are the examples of the OpenAPI document; `make pages` writes them anew.
`PIPELINE_API_URL` and `PIPELINE_API_TOKEN` come from `eval "$(pipeline-engine env)"`, ids and the version in `If-Match` from answers before.
"""
SETTINGS = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "PIPELINE_SECRET_KEY": "a-secret-of-the-pages",
    "PIPELINE_API_TOKEN": "a-token",
}


def page() -> str:
    """The whole page: what people wrote, then the requests."""
    written = PAGE.read_text(encoding="utf-8").partition(HEADING)[0]
    return f"{written}{HEADING}{INTRODUCTION}{''.join(_requests(written))}"


def _requests(written: str) -> Iterator[str]:
    """One part for each route, in the order of the table of routes."""
    paths = document()["paths"]
    for method, path in re.findall(r"^\| `([A-Z]+) (/\S*)` \|", written, re.MULTILINE):
        item = paths[f"/api/v1{path}"]
        yield _request(method, path, item, item[method.lower()])


def _request(method: str, path: str, item: dict[str, Any], operation: dict[str, Any]) -> str:
    route = f"{method} {path}"
    for parameter in item.get("parameters", ()):
        path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
    lines = [f'curl -s{_verb(method)} "$PIPELINE_API_URL/api/v1{path}"']
    if operation["security"]:
        lines.append('  -H "Authorization: Bearer $PIPELINE_API_TOKEN"')
    body = _example(operation.get("requestBody", {}))
    if body is not None:
        lines[1:] = [
            *lines[1:],
            '  -H "Content-Type: application/json"',
            f"  -d '{_indented(body)}'",
        ]
    answers = operation["responses"].items()
    answer = next(_answer(answer) for status, answer in answers if status < "3")
    command = " \\\n".join(lines)
    told = f"\n{answer}\n" if answer else ""
    return (
        f"\n### `{route}`\n\n{operation['summary'].rstrip('.')}.\n\n```sh\n{command}\n```\n{told}"
    )


def _verb(method: str) -> str:
    """A body makes it a POST by itself, and none a GET."""
    return "" if method == "GET" else f" -X {method}"


def _answer(response: dict[str, Any]) -> str:
    """The example of an answer, as a block of code."""
    if stream := response.get("content", {}).get("text/event-stream"):
        return f"```text\n{stream['example'].strip()}\n```"
    example = _example(response)
    return "" if example is None else f"```json\n{_indented(example)}\n```"


def _example(content: dict[str, Any]) -> Any:
    return content.get("content", {}).get("application/json", {}).get("example")


def _indented(value: Any, level: int = 0) -> str:
    """JSON with short objects and lists on one line, as people write it."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + 2 * level <= 90 or not isinstance(value, dict | list):
        return line
    pad, end = "\n" + "  " * (level + 1), "\n" + "  " * level
    if isinstance(value, list):
        return "[" + pad + ("," + pad).join(_indented(one, level + 1) for one in value) + end + "]"
    members = (f"{json.dumps(k)}: {_indented(v, level + 1)}" for k, v in value.items())
    return "{" + pad + ("," + pad).join(members) + end + "}"


def document() -> dict[str, Any]:
    """The OpenAPI document, of an app that reaches nothing."""
    runtime = Runtime.start(Settings.from_env(SETTINGS))
    try:
        app: Flask = import_module("pipeline_engine_web.app").create_app(runtime)
        found = app.test_client().get("/api/v1/openapi.json").json
    finally:
        runtime.stop()
    assert found is not None
    return found
