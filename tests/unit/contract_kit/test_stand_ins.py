"""The peers that the contract kit makes of what an author writes down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import requests

from pipeline_engine.contract_kit import NEW_ID, StandIns
from pipeline_engine.contract_kit.stand_ins import SENSELESS, Health

BODIES: list[bytes] = []


def wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    BODIES.append(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0)))
    start_response("201 Created", [("Content-Type", "application/json")])
    return [b'{"is": "wsgi"}']


@pytest.fixture(scope="module")
def peers():
    table = {"POST /jobs": {"id": NEW_ID}, "GET jobs/{id}": (410, {"detail": "Gone"}), "GET /": []}
    with StandIns({"table": table, "wsgi": wsgi}) as running:
        yield running


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "jobs/7", 410, {"detail": "Gone"}),
        ("GET", "jobs/7/8", 404, {"detail": "No route GET /jobs/7/8"}),
        ("GET", "", 200, []),
        ("DELETE", "jobs/7", 404, {"detail": "No route DELETE /jobs/7"}),
    ],
)
def test_a_table_answers_what_it_has(peers, method, path, status, body):
    answer = requests.request(method, f"{peers.urls()['table']}/{path}", timeout=5)

    assert (answer.status_code, answer.json()) == (status, body)


def test_a_repeated_key_is_answered_with_what_the_first_call_came_to(peers):
    url = peers.urls()["table"] + "/jobs"

    first, again, other = (
        requests.post(url, headers={"Idempotency-Key": key}, timeout=5).json()["id"]
        for key in ("a", "a", "b")
    )

    assert first == again != other


def test_an_application_gets_the_body_and_answers_itself(peers):
    answer = requests.post(f"{peers.urls()['wsgi']}/x", json={"a": 1}, timeout=5)

    assert (answer.status_code, answer.json(), BODIES[-1]) == (201, {"is": "wsgi"}, b'{"a": 1}')


def test_peers_may_be_down_silent_or_senseless(peers):
    with pytest.raises(requests.ConnectionError):
        requests.get(peers.urls(Health.DOWN)["table"], timeout=5)
    with pytest.raises(requests.Timeout):
        requests.get(peers.urls(Health.SILENT)["table"], timeout=0.05)
    for number, body in enumerate(SENSELESS):
        url = peers.urls(Health.SENSELESS, number)["table"]
        assert requests.get(f"{url}/jobs", timeout=5).content == body
