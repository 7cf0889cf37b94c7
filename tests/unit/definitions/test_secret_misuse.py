"""Where a definition misuses a secret is said when it is submitted."""

from __future__ import annotations

from typing import Any

import pytest
from unit.definitions.documents import a_document, a_step

from pipeline_engine.domain import checks
from pipeline_engine.registry import Registry
from pipeline_engine.services.actions import Catalogue

INSTALLED = Catalogue(Registry.discover())
SECRETS = {"api": "not-looked-at"}
TOKEN = {"name": "token", "type": "secret"}


def misuses(*steps: dict[str, Any], **fields: Any) -> list[tuple[str, str]]:
    document = a_document(*steps, parameters=[TOKEN], **fields)
    found = checks.check(document, INSTALLED, secrets=SECRETS).errors
    assert all(issue.hint for issue in found)
    return [(issue.pointer, issue.code) for issue in found]


@pytest.mark.parametrize("secret", ["secrets.api", "params.token"])
@pytest.mark.parametrize("use", ["{}[:3]", "{} | reverse", "{} == 'a'", "{} | length > 3"])
def test_an_expression_that_looks_into_a_secret_is_an_error_at_its_place(
    secret: str, use: str
) -> None:
    expression = use.format(secret)
    step = a_step(
        action="log",
        condition=expression,
        params={"message": f"it is {{{{ {expression} }}}}"},
        for_each={"items": [f"{{{{ {expression} }}}}"], "key": f"{{{{ {expression} }}}}"},
    )

    assert sorted(misuses(step)) == [
        ("/steps/0/condition", "secret_misused"),
        ("/steps/0/for_each/items/0", "secret_misused"),
        ("/steps/0/for_each/key", "secret_misused"),
        ("/steps/0/params/message", "secret_misused"),
    ]


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("wait_for_event", {"event_key": "job-{{ secrets.api }}"}),
        ("wait_for_event", {"event_key": "job", "match": {"a.b": "{{ params.token }}"}}),
        ("run_pipeline", {"pipeline": "{{ params.token }}"}),
        ("approval", {"approvers": ["{{ secrets.api }}"]}),
        ("fail", {"error_code": "{{ secrets.api | b64encode }}"}),
        ("log", {"message": "on", "level": "{{ secrets.api }}"}),
        ("wait_until", {"duration_hours": "{{ secrets.api }}"}),
    ],
)
def test_a_secret_is_no_key_no_id_and_no_name(action: str, params: dict[str, Any]) -> None:
    (found,) = misuses(a_step(action=action, params=params))

    assert found[0].startswith("/steps/0/params/")
    assert found[1] == "secret_misused"


def test_a_secret_is_no_key_of_an_item() -> None:
    loop = {"items": ["{{ secrets.api }}"], "key": "{{ params.token }}"}

    found = misuses(a_step(action="log", params={"message": "on"}, for_each=loop))

    assert found == [("/steps/0/for_each/key", "secret_misused")]


def test_the_secrets_cannot_be_listed() -> None:
    found = misuses(a_step(action="log", params={"message": "{{ secrets | keys }}"}))

    assert found == [("/steps/0/params/message", "secret_misused")]


def test_a_secret_may_be_passed_on() -> None:
    headers = {
        "Authorization": "Bearer {{ secrets.api }}",
        "Basic": "Basic {{ ('user:' ~ params.token) | b64encode }}",
    }
    step = a_step(
        action="http_request",
        condition="params.token",
        params={"url": "https://example.com/{{ params.token | urlencode }}", "headers": headers},
    )

    assert misuses(step, outputs={"known": "{{ params.token is defined }}"}) == []
