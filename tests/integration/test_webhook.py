"""webhook against a real server, through the same guard as http_request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pipeline_engine_actions.integration.webhook import META, Webhook
from support.contexts import EXECUTION_ID, a_context
from support.local_service import LocalService, door_to, local_service

from pipeline_engine.sdk import ActionResult

KEYS = {output.name for output in META.outputs}
METADATA = {"execution_id": EXECUTION_ID, "step_id": "step_1"}


@pytest.fixture(scope="module")
def running() -> Iterator[LocalService]:
    with local_service() as server:
        yield server


@pytest.fixture
def service(running: LocalService) -> LocalService:
    running.received.clear()
    return running


def told(service: LocalService, path: str = "/hook", **params: Any) -> ActionResult:
    host = service.url.removeprefix("http://")
    with door_to(service, http_allowed_hosts=(host,)) as door:
        result = Webhook().execute(
            a_context({"url": f"{service.url}{path}", **params}, engine=door)
        )
    assert set(result.outputs) == KEYS
    return result


def test_a_payload_is_posted_with_what_tells_doubles_apart(service: LocalService) -> None:
    service.answer("POST /hook", {"ok": True})

    result = told(service, payload={"text": "done"}, headers={"X-Room": "ops"})

    (call,) = service.received
    assert call.body == {"text": "done", "_workflow_metadata": METADATA}
    assert call.headers["x-room"] == "ops"
    assert result.outputs == {"success": True, "status_code": 200, "response": {"ok": True}}


def test_nothing_is_added_if_that_is_not_wanted(service: LocalService) -> None:
    service.answer("PUT /hook", None)

    told(service, payload={"n": 1}, method="PUT", include_metadata=False)

    assert service.received[0].body == {"n": 1}


def test_a_get_has_its_payload_in_the_query(service: LocalService) -> None:
    service.answer("GET /hook", "pong")

    payload = {"text": "a b", "n": 3, "list": [1]}
    told(service, "/hook?room=ops", payload=payload, method="GET", include_metadata=False)

    query = {"room": ["ops"], "text": ["a b"], "n": ["3"], "list": ["[1]"]}
    assert (service.received[0].query, service.received[0].body) == (query, None)


@pytest.mark.parametrize(("status", "retryable"), [(404, False), (503, True)])
def test_a_bad_answer_is_a_failure_and_is_kept(
    service: LocalService, status: int, retryable: bool
) -> None:
    service.answer("POST /hook", {"why": "no"}, status=status)

    result = told(service)

    assert (result.success, result.error) == (False, f"Webhook failed: HTTP {status}")
    assert (result.error_code, result.retryable) == (f"http_{status}", retryable)
    assert result.outputs == {"success": False, "status_code": status, "response": {"why": "no"}}


def test_an_address_inside_is_not_reached(service: LocalService) -> None:
    with door_to(service) as door:
        result = Webhook().execute(a_context({"url": f"{service.url}/hook"}, engine=door))

    assert (result.error_code, result.outputs["status_code"]) == ("request_blocked", 0)
    assert service.received == []


@pytest.mark.parametrize(
    ("url", "problems"),
    [
        ("", ["url is required"]),
        ("ftp://x.example", ["url must start with http:// or https://"]),
        ("{{ params.url }}", []),
        ("HTTPS://x.example", []),
    ],
)
def test_an_address_is_checked_before_the_step_runs(url: str, problems: list[str]) -> None:
    assert Webhook().validate_params({"url": url}) == problems
