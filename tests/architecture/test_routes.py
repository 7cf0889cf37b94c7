"""Every route asks who is calling, unless it is listed here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from flask import Flask

from pipeline_engine.config import Settings
from pipeline_engine.domain.scopes import FAR_REACHING
from pipeline_engine.services import Act, Runtime, Scope

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "api.md"
OPEN = {
    "/",
    "/api/v1/callbacks/<token>",  # the token is checked by the inbox
    "/callbacks/<token>",
    "/api/v1/trigger/<webhook_id>",  # the secret is checked by the door
    "/trigger/<webhook_id>",
    "/api/v1/health",
    "/health",
    "/api/v1/ready",
    "/ready",
    "/api/v1/dapr/subscribe",
    "/dapr/subscribe",
    "/api/v1/openapi.json",
    "/openapi.json",
    "/docs",
    "/approvals/<uuid:execution_id>",  # a page that asks for a token
    "/static/<path:filename>",
    "/static/console/<path:filename>",  # 404 for everybody
    "/console/",  # who is not signed in is sent to the next but one
    "/console/<path:path>",
    "/console/assets/<path:filename>",  # what the pages load: the same for all, and public
    "/console/sign-in",
    "/console/sign-out",  # ends the session that the cookie names, if there is one
}
#: For whoever is known, whatever he may.
WITHOUT_SCOPE = OPEN | {"/api/v1/whoami", "/api/v1/sign-in-links", "/console/session"}
OF_THE_MESH = {
    "/deliveries",
    "/deliveries/<delivery_id>/replay",
    "/events",
    "/internal/guardrails/redis/<profile_id>",
    "/internal/guardrails/rules/<rule_id>/model",
    "/internal/retention-cleanup",
    "/internal/retention-stats",
    "/internal/schedule-poll",
    "/internal/step-timeout-check",
    "/internal/step-timeout-stats",
    "/workflow-events",
}


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    """An application that can reach no server: a route that gets as far as that is not closed."""
    settings = Settings.from_env(
        {
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "PIPELINE_SECRET_KEY": "a-secret-of-the-tests",
            "PIPELINE_API_TOKEN": "a-token",
            "PIPELINE_ADDRESS_RATE_LIMIT": "0",  # there are more routes than that
        }
    )
    runtime = Runtime.start(settings)
    yield import_module("pipeline_engine_web.app").create_app(runtime)
    runtime.stop()


def routes(app: Flask) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, rule.rule


def test_every_route_needs_a_token_unless_it_is_listed(app: Flask) -> None:
    client = app.test_client()

    closed = {
        path
        for method, path in routes(app)
        if client.open(path.replace("<", "").replace(">", ""), method=method).status_code == 401
    }

    assert {path for _, path in routes(app)} - closed <= OPEN


def test_what_is_listed_as_open_exists(app: Flask) -> None:
    assert {path for _, path in routes(app)} >= OPEN


def test_doors_for_the_service_mesh_are_marked(app: Flask) -> None:
    marked = {
        rule.rule.removeprefix("/api/v1")
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "access", "") == "parties"
    }

    assert marked == OF_THE_MESH


def scopes(app: Flask) -> dict[tuple[str, str], tuple[Scope, ...]]:
    """The rights that each route needs."""
    return {
        (method, rule.rule): getattr(app.view_functions[rule.endpoint], "scopes", ())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_declares_the_scope_that_it_needs_unless_it_is_open(app: Flask) -> None:
    without = {path for (_, path), needed in scopes(app).items() if not needed}

    assert without == WITHOUT_SCOPE


def test_what_only_reads_needs_no_right_to_change(app: Flask) -> None:
    for (method, path), needed in scopes(app).items():
        if method == "GET":
            harmless = (
                scope.endswith((":read", ":manage")) for scope in set(needed) - FAR_REACHING
            )
            assert all(harmless), path


def test_every_scope_is_needed_by_a_route(app: Flask) -> None:
    in_executions = {Scope.SECRETS_USE}
    needed = {scope for scopes_of_route in scopes(app).values() for scope in scopes_of_route}
    assert set(Scope) - FAR_REACHING - in_executions == needed - FAR_REACHING


def test_the_scope_of_every_route_is_in_the_documentation(app: Flask) -> None:
    rows = re.findall(r"^\| `([A-Z]+) (/\S*)` \| ([^|]+) \|", DOCUMENT.read_text(), re.MULTILINE)
    needed = {
        (method, path.removeprefix("/api/v1").replace("<", "{").replace(">", "}")): scope
        for (method, path), scope in scopes(app).items()
    }

    assert rows
    assert {(method, path): needed[method, path] for method, path, _ in rows} == {
        (method, path): tuple(re.findall(r"`(\S+)`", cell)) for method, path, cell in rows
    }


def test_every_route_has_its_line_in_the_documentation(app: Flask) -> None:
    documented = re.findall(r"^\| `([A-Z]+) (/\S*)` \|", DOCUMENT.read_text(), re.MULTILINE)
    served = {
        (method, path.removeprefix("/api/v1").replace("<", "{").replace(">", "}"))
        for method, path in routes(app)
        if path.startswith("/api/v1/") and not path.startswith("/api/v1/pipeline/")
    }

    assert set(documented) == served - {("GET", "/openapi.json")}


#: What changes no row, and so has no act in the audit log.
CHANGES_NOTHING = {
    "/actions/validate": "checks params",
    "/executions/<execution_id>/evaluate": "computes",
    "/internal/schedule-poll": "does what the engine does by itself a moment later",
    "/internal/step-timeout-check": "ends what the engine itself ends a moment later",
    "/schedules/preview": "computes",
    "/validate": "checks a definition",
}


def test_every_route_that_changes_something_names_its_act(app: Flask) -> None:
    nameless = {
        rule.rule.removeprefix("/api/v1")
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.rule.startswith("/api/v1/pipeline/")
        if (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        if not isinstance(getattr(app.view_functions[rule.endpoint], "act", None), Act)
    }

    assert nameless == set(CHANGES_NOTHING)


def test_views_are_short(app: Flask) -> None:
    """A view loads, calls one service and dumps."""
    for endpoint, view in app.view_functions.items():
        code = getattr(view, "__wrapped__", view).__code__
        lines = {line for _, _, line in code.co_lines() if line}
        assert len(lines) <= 20, endpoint
