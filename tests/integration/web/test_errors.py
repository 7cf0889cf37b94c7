"""Every error is a problem document, whoever raised it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pipeline_engine.config import Settings
from pipeline_engine.services import Runtime


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nonsense", 404, "not_found"),
        ("PATCH", "/executions", 405, "method_not_allowed"),
        ("GET", "/static/../asgi.py", 404, "not_found"),
        ("POST", "/executions//run", 404, "not_found"),
    ],
)
def test_what_flask_refuses_is_a_problem_too(
    anybody: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    answer = anybody.open(path, method=method)

    assert answer.content_type == "application/problem+json"
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.json.keys() == {
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "code",
        "errors",
        "correlation_id",
    }


def test_only_json_is_read(alice: FlaskClient) -> None:
    form = alice.post("/validate", data={"dag": "x"})
    compressed = alice.post("/validate", json={}, headers={"Content-Encoding": "gzip"})
    nothing = alice.post("/validate")

    assert (form.status_code, form.json["code"]) == (415, "unsupported_media_type")
    assert compressed.status_code == 415
    assert (nothing.status_code, nothing.json["errors"][0]["code"]) == (422, "required")


def test_a_body_that_is_too_large_is_413_before_it_is_read(alice: FlaskClient) -> None:
    answer = alice.post("/validate", json={"dag": {"name": "x" * 70_000}})

    assert (answer.status_code, answer.json["code"]) == (413, "request_entity_too_large")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"dag": {"a": 1, "a": 2}}', "duplicate_key"),
        (b'{"dag": {"a": "\\u0000"}}', "nul_character"),
        (b'{"dag": {"a": "\\ud800"}}', "lone_surrogate"),
        (b'{"dag": {"a": 1e999}}', "not_a_number"),
        (b'{"dag": {"a": 9223372036854775808}}', "integer_out_of_range"),
        (b'{"dag":' + b"[" * 65 + b"]" * 65 + b"}", "too_deep"),
        (b"\xff\xfe", "not_json"),
    ],
)
def test_json_that_the_database_could_not_give_back_is_refused(
    alice: FlaskClient, raw: bytes, reason: str
) -> None:
    answer = alice.post("/validate", data=raw, content_type="application/json")

    assert (answer.status_code, answer.json["code"]) == (400, "json_rejected")
    assert answer.json["errors"][0]["code"] == reason


def test_a_database_that_is_away_is_503_and_says_when_to_come_back(
    web_settings: Settings, app_with: Callable[[Settings], Flask]
) -> None:
    away = app_with(replace(web_settings, database_url="postgresql://x@127.0.0.1:1/x"))

    answer = away.test_client().get("/executions", headers={"Authorization": "Bearer alice-token"})

    assert (answer.status_code, answer.json["code"]) == (503, "storage_unavailable")
    assert answer.headers["Retry-After"] == "2"
    assert "127.0.0.1" not in answer.text


def test_a_fault_of_ours_is_500_without_its_message(
    runtime: Runtime, app_with: Callable[[Settings], Flask], web_settings: Settings
) -> None:
    app = app_with(web_settings)

    def broken() -> str:
        raise RuntimeError("password=hunter2 at host db-7")

    everybody = import_module("pipeline_engine_web.api.auth").open_to_everybody
    app.add_url_rule("/broken", view_func=everybody(broken))
    answer = app.test_client().get("/broken", headers={"X-Correlation-ID": "find-me"})

    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert answer.content_type == "application/problem+json"
    assert answer.json["correlation_id"] == "find-me"
    assert "hunter2" not in answer.text


def test_each_response_is_marked(anybody: FlaskClient) -> None:
    named = anybody.get("/health", headers={"X-Correlation-ID": "abc-123"})
    unnamed = anybody.get("/nonsense")
    forged = anybody.get("/health", headers={"X-Correlation-ID": "a b<script>"})

    assert named.headers["X-Correlation-ID"] == "abc-123"
    assert len(unnamed.headers["X-Correlation-ID"]) == 32
    assert unnamed.json["correlation_id"] == unnamed.headers["X-Correlation-ID"]
    assert len(forged.headers["X-Correlation-ID"]) == 32
    for answer in (named, unnamed):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in answer.headers
