"""http_request in whole executions: digits, pages in a loop, credentials that are secrets."""

from __future__ import annotations

import orjson
import pytest
from support.driving import Driver
from support.factories import a_step
from support.local_service import LocalService, local_service
from support.runtimes import Drive

TOKEN = "canary-of-http-steps-4711"


@pytest.fixture
def service():
    with local_service() as running:
        yield running


@pytest.fixture
def driver(drive: Drive, service: LocalService) -> Driver:
    hosts = (f"127.0.0.1:{service.server_port}",)
    return drive(http_allowed_hosts=hosts, secrets={"http_token": TOKEN})


def a_request(step_id: str, url: str, *after: str, **params: object) -> dict[str, object]:
    return a_step(step_id, *after, action="http_request", params={"url": url, **params})


def test_digits_are_the_same_from_an_answer_to_the_next_request(driver, service):
    said = b'{"id": 12345678901234567890, "price": 0.12345678901234567890, "n": 1.5}'
    service.answer("GET /", said)
    service.answer("POST /", {})
    raw = (
        '{"id": {{ steps.a.outputs.body.id }}, "price": {{ steps.a.outputs.body.price }},'
        ' "n": {{ steps.a.outputs.body.n }}}'
    )

    found = driver.run(
        a_request("a", service.url),
        a_request("b", service.url, "a", method="POST", raw_body=raw),
    )

    assert (found.status, service.received[-1].raw) == ("COMPLETED", said)


def test_pages_are_followed_inside_of_a_loop(driver, service):
    service.answer("GET /one", {"items": [1]})
    service.answer("GET /two", {"items": [2]})
    paginate = {"items": "response.body['items']", "next": "response.body.next"}
    inner = {"url": f"{service.url}/{{{{ item }}}}", "paginate": paginate}

    found = driver.run(
        a_step(
            "all",
            action="for_each",
            params={"items": ["one", "two"], "action": "http_request", "action_params": inner},
        )
    )

    assert [row.outputs["items"] for row in found.items("all")] == [[1], [2]]


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "bearer", "token": "{{ secrets.http_token }}"},
        {"type": "basic", "username": "u", "password": "{{ secrets.http_token }}"},
        {"type": "query", "name": "key", "value": "{{ secrets.http_token }}"},
    ],
)
def test_a_credential_that_is_a_secret_is_sent_and_stands_in_no_row(driver, service, auth):
    driver.run(a_request("a", service.url, auth=auth))
    heard = service.received[0]
    carried = heard.headers.get("authorization") or heard.query["key"][0]
    service.answer("GET /", {"you": carried, "sent": [carried]})

    found = driver.run(a_request("a", service.url, auth=auth))

    shown = orjson.dumps(found.step("a").outputs).decode()
    assert carried.removeprefix("Basic ").removeprefix("Bearer ") not in shown
    assert (TOKEN in shown, found.status) == (False, "COMPLETED")
