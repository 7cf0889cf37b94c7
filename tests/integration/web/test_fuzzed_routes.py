"""Whatever is sent, the server answers as its own document says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from werkzeug.serving import make_server

PROBLEMS = (events.NonFatalError, events.FatalError)
CONFIG = Path(__file__).with_name("schemathesis.toml")
#: For what is made up, of which there is no end: ``FUZZ_SECONDS=600`` tries more of it.
SECONDS = int(os.environ.get("FUZZ_SECONDS", "25"))


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The application behind a port that nobody chose."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


ODD = (
    *("", "-1", "1e-300", "1e400", "NaN", "9" * 5000, "1_0", "\u0661", "null", "[]"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30"),
    *("\u0000", "\ud800", "{{", "../.."),
)


#: Who asks, and for whom, is read at one gate before any operation: each of them is asked with some
#: of the values, and each value comes to many.
OF_THE_CALLER = ("X-User-ID", "X-Owner")
VALUES_OF_THE_CALLER = 2


def places(document: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Each single value of each operation: method, path, where it stands, and its name."""
    for path, item in document["paths"].items():
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}:
            for one in (*item.get("parameters", ()), *item[method].get("parameters", ())):
                yield method, path, one["in"], one["name"]
            for content in item[method].get("requestBody", {}).get("content", {}).values():
                # A door that takes any JSON has no schema, and params have no properties.
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                schema = document["components"]["schemas"].get(name, {})
                for field in schema.get("properties", ()):
                    yield method, path, "body", field


def an_odd_request(
    document: dict[str, Any], method: str, path: str, where: str, name: str, value: str
) -> dict[str, Any]:
    """The example of an operation, with *value* in one place."""
    item = document["paths"][path]
    names = {p["name"]: p["example"] for p in item.get("parameters", ())}
    names |= {name: quote(value, errors="surrogatepass")} if where == "path" else {}
    content = item[method].get("requestBody", {}).get("content", {}).get("application/json")
    body = content["example"] if content else {}
    header = value.encode("ascii", "backslashreplace").decode()
    return {
        "method": method.upper(),
        "path": path.format_map(names),
        "query_string": {name: value.encode(errors="replace")} if where == "query" else {},
        "headers": {name: header} if where == "header" else {},
        "data": json.dumps(body | {name: odd_json(value)} if where == "body" else body),
        "content_type": "application/json" if content else None,
    }


def odd_places(document: dict[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """Each place with each value that is tried there."""
    turns = {name: cycle(ODD) for name in OF_THE_CALLER}
    for method, path, where, name in places(document):
        values = islice(turns[name], VALUES_OF_THE_CALLER) if name in turns else ODD
        yield from ((method, path, where, name, value) for value in values)


def odd_json(text: str) -> Any:
    """*text* as the JSON that it is, or as a string."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def test_no_value_in_any_place_breaks_the_server(service: FlaskClient) -> None:
    document = service.get("/openapi.json").json

    for place in odd_places(document):
        answer = service.open(**an_odd_request(document, *place))

        # Nobody whom a step of a guardrail workflow asks is there.
        is_alone = answer.status_code == 503 and answer.json["code"] == "peer_unavailable"
        assert answer.status_code < 500 or is_alone, (place, answer.text)
        if answer.status_code >= 400:
            assert answer.mimetype == "application/problem+json", place
            assert answer.json["code"], place


def sent(address: str, *phases: str, seconds: int | None = None) -> list[Any]:
    """What happens while these phases of the fuzzer last, or until time is up."""
    config = SchemathesisConfig.from_path(CONFIG)
    config.max_time = seconds
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json", config=config)
    schema.config.phases.update(phases=[*phases])
    happened = list(from_schema(schema).execute())

    problems = [event for event in happened if isinstance(event, PROBLEMS)]
    end = happened[-1]
    assert isinstance(end, events.EngineFinished)
    assert not problems, "\n".join(event.info.format() for event in problems)
    assert not end.failures, "\n\n".join(f"{f.operation}: {f.message}" for f in end.failures)
    return happened


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 215)
def test_no_request_breaks_the_contract(address: str) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")

    happened = sent(address, "examples")
    sent(address, "coverage", "fuzzing", "stateful", seconds=SECONDS)

    tried = {event.label for event in happened if isinstance(event, events.ScenarioFinished)}
    assert tried >= {found.ok().label for found in schema.get_all_operations()}
