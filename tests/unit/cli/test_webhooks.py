"""``pipeline-engine webhooks``: what is said on the line, and what is never printed again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from support.local_service import LocalService, local_service

from pipeline_engine.cli import main

HOOK, PIPELINE = str(UUID(int=7)), str(UUID(int=8))
AT = "2026-01-31T10:00:00+00:00"
CONFIG = {
    "require_secret": True,
    "accepts": ["hub"],
    "allowed_ips": None,
    "headers_to_include": [],
    "map": {"commit": "{{ body.after }}"},
    "dedupe_key": None,
    "repeat_seconds": None,
    "max_per_minute": 5,
}
#: What is declared a text stays one, as ``run`` has it.
DAG = {"parameters": [{"name": "version", "type": "string"}, {"name": "n", "type": "integer"}]}
PARAMS = ("-p", "n=1", "-p", "version=1.5")
STORED: dict[str, Any] = {
    "id": HOOK,
    "pipeline_id": PIPELINE,
    "name": "on-push",
    "endpoint_url": f"https://pipelines.example.org/trigger/{HOOK}",
    "config": CONFIG,
    "params": {"n": 1},
    "enabled": True,
    "disabled_reason": None,
    "secrets": [
        {"id": "s", "created_at": AT, "expires_at": None, "revoked_at": AT},
    ],
    "trigger_count": 3,
    "last_triggered_at": AT,
}
MADE = STORED | {"secret": "made-here", "standard_secret": "whsec_bWFkZS1oZXJl"}


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as made:
        made.answer("GET /api/v1/webhooks", [STORED])
        made.answer(f"GET /api/v1/pipelines/{PIPELINE}", {"id": PIPELINE, "dag": DAG})
        made.answer("POST /api/v1/webhooks", MADE)
        made.answer(f"PUT /api/v1/webhooks/{HOOK}", STORED)
        yield made


def invoke(service: LocalService, *arguments: str, typed: str | None = None) -> Result:
    line = ["webhooks", *arguments, "--url", service.url]
    environment = {"PIPELINE_API_TOKEN": "", "COLUMNS": "80"}
    return CliRunner().invoke(main, line, env=environment, input=typed)


def test_what_is_said_on_the_line_becomes_a_webhook(service: LocalService) -> None:
    said = ("--accept", "hub", "--allow", "192.0.2.0/24", "--map", "commit={{ body.after }}")
    result = invoke(service, "create", "on-push", PIPELINE, *said, *PARAMS, "--disabled")

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        f"address: {STORED['endpoint_url']}",
        "secret: made-here",
        "of Standard Webhooks: whsec_bWFkZS1oZXJl",
    ]
    assert service.received[-1].body == {
        "name": "on-push",
        "pipeline_id": PIPELINE,
        "enabled": False,
        "params": {"n": 1, "version": "1.5"},
        "config": {
            "accepts": ["hub"],
            "allowed_ips": ["192.0.2.0/24"],
            "map": {"commit": "{{ body.after }}"},
            "require_secret": True,
        },
    }


def test_a_secret_that_the_sender_has_is_read_and_not_printed(service: LocalService) -> None:
    said = ("create", "on-push", PIPELINE, "--secret-file", "-")
    result = invoke(service, *said, typed="of-the-sender-it-is\n")

    assert service.received[-1].body["secret"] == "of-the-sender-it-is"
    assert result.output == f"address: {STORED['endpoint_url']}\n"


def test_a_change_says_what_is_to_be_and_what_is_to_be_no_more(service: LocalService) -> None:
    result = invoke(service, "change", "on-push", "-p", "version=2", "--unset", "max_per_minute")

    assert result.output == f"on-push is enabled, {HOOK}\n"
    expected = {"params": {"n": 1, "version": "2"}, "config": {"max_per_minute": None}}
    assert service.received[-1].body == expected


def test_a_webhook_is_shown_with_what_it_demands_and_gives(service: LocalService) -> None:
    lines = invoke(service, "show", "on-push").output.splitlines()

    assert lines[:2] == [f"on-push  enabled  {HOOK}", STORED["endpoint_url"]]
    told = {" ".join(line.split()) for line in lines[2:]}
    assert {"map commit {{ body.after }}", "max_per_minute 5", "param n 1"} <= told
    assert f"secret s revoked {AT}" in told


def test_a_name_that_none_or_several_have_names_nothing(service: LocalService) -> None:
    missing = invoke(service, "show", "off-push")
    service.answer("GET /api/v1/webhooks", [STORED, STORED | {"id": str(UUID(int=9))}])
    several = invoke(service, "show", "on-push")

    assert "There is no webhook 'off-push'." in missing.output
    assert str(UUID(int=9)) in several.output
    assert (missing.exit_code, several.exit_code) == (4, 4)
