"""What readers are told of executions while PostgreSQL is away."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
import redis as redis_client
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from support.waiting import wait_until

from pipeline_engine.config import Settings
from pipeline_engine.domain.callers import Caller
from pipeline_engine.services.last_known import Asked, LastKnown

NO_DATABASE = "postgresql://x@127.0.0.1:1/x"
STALENESS = "X-Data-Staleness"
Clients = Callable[[str], FlaskClient]

SECRETIVE = {
    "name": "secretive",
    "parameters": [{"name": "password", "type": "string", "secret": True}],
    "steps": [
        {
            "id": "wait",
            "name": "wait",
            "action": "wait_for_event",
            "params": {"event_key": "the-key"},
        }
    ],
}


@pytest.fixture(scope="module")
def lonely(web_settings: Settings, app_with: Callable[[Settings], Flask]) -> Flask:
    """A process that finds no PostgreSQL, and the Redis of all the others."""
    return app_with(replace(web_settings, database_url=NO_DATABASE))


@pytest.fixture
def away(lonely: Flask, app: Flask) -> Clients:
    """Clients of that process, whose Redis is empty after each test."""

    def client(token: str) -> FlaskClient:
        made = lonely.test_client()
        made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return made

    return client


@pytest.fixture
def execution_id(alice: FlaskClient) -> str:
    """An execution of alice's."""
    body = {"pipeline_definition": SECRETIVE, "params": {"password": "hunter2"}}
    answer = alice.post("/api/v1/executions/run", json=body)
    assert answer.status_code == 201, answer.text
    found: str = answer.json["execution_id"]
    return found


@pytest.mark.parametrize("route", ["", "/progress", "/progress?detail=summary"])
def test_the_last_answer_is_given_again_and_says_how_old_it_is(
    alice: FlaskClient, away: Clients, execution_id: str, route: str
) -> None:
    path = f"/api/v1/executions/{execution_id}{route}"
    fresh = alice.get(path)

    stale = away("alice-token").get(path)

    assert stale.status_code == 200
    assert stale.json == fresh.json
    assert int(stale.headers[STALENESS]) in range(30)
    assert STALENESS not in fresh.headers


def test_both_mounts_of_a_route_share_their_copies(
    alice: FlaskClient, away: Clients, execution_id: str
) -> None:
    alice.get(f"/api/v1/executions/{execution_id}")

    assert away("alice-token").get(f"/executions/{execution_id}").status_code == 200


def test_nobody_gets_the_copy_of_what_belongs_to_somebody_else(
    alice: FlaskClient, service: FlaskClient, away: Clients, execution_id: str
) -> None:
    path = f"/api/v1/executions/{execution_id}"
    alice.get(path)
    service.get(path)

    for_bob = away("bob-token").get(path)
    on_behalf = away("service-token").get(path, headers={"X-User-ID": "bob"})

    assert (for_bob.status_code, on_behalf.status_code) == (503, 503)
    assert away("service-token").get(path).status_code == 200


@pytest.mark.parametrize("path", ["/executions/{id}", "/executions/{id}/progress"])
def test_what_was_never_read_is_503_and_says_when_to_come_back(
    away: Clients, execution_id: str, path: str
) -> None:
    answer = away("alice-token").get(path.format(id=execution_id))

    assert (answer.status_code, answer.json["code"]) == (503, "storage_unavailable")
    assert answer.headers["Retry-After"] == "2"


def test_a_question_that_was_asked_in_another_way_has_no_copy(
    alice: FlaskClient, away: Clients, execution_id: str
) -> None:
    alice.get(f"/executions/{execution_id}/progress?detail=summary")

    assert away("alice-token").get(f"/executions/{execution_id}/progress").status_code == 503


def test_a_copy_is_redacted_and_holds_no_key_to_a_parked_step(
    alice: FlaskClient, away: Clients, execution_id: str, engine: Engine
) -> None:
    park(engine)
    path = f"/executions/{execution_id}/progress"

    fresh, stale = alice.get(path), away("alice-token").get(path)

    assert "/callbacks/" in fresh.json["steps"][0]["callback_url"]
    assert stale.json["steps"][0]["callback_url"] is None
    assert "hunter2" not in stale.text


def park(engine: Engine) -> None:
    """What a worker would do with the only step."""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE step_executions SET status = 'RUNNING', awaiting_event = true, attempt = 1,"
            " queued_at = NULL, deadline_at = now() + interval '1 hour' WHERE kind = 'step'"
        )


# --- how many copies there are ------------------------------------------------------------------


@pytest.fixture
def copies(redis_url: str, redis: redis_client.Redis) -> Iterator[LastKnown]:
    with redis_client.Redis.from_url(redis_url, decode_responses=True) as client:
        yield LastKnown(client, "pe:", most_copies=3)


def a_question() -> Asked:
    return Asked(uuid4(), "show", {})


def test_one_copy_a_second_is_enough_however_many_readers_poll(copies: LastKnown) -> None:
    asked = a_question()

    assert [copies.wants(asked) for _ in range(3)] == [True, False, False]
    assert copies.wants(a_question())
    wait_until(lambda: copies.wants(asked), within=5)


def test_the_oldest_copies_make_room_and_all_of_them_expire(
    copies: LastKnown, redis: redis_client.Redis
) -> None:
    questions = [a_question() for _ in range(5)]

    for asked in questions:
        copies.keep(asked, "alice", b"{}")

    found = [copies.find(Caller("alice"), asked) is not None for asked in questions]
    assert found == [False, False, True, True, True]
    assert all(redis.ttl(key) > 0 for key in redis.keys("*"))


def test_an_answer_that_is_very_large_has_no_copy(copies: LastKnown) -> None:
    asked = a_question()

    copies.keep(asked, "alice", random.Random(1).randbytes(200_000))

    assert copies.find(Caller("alice"), asked) is None


def test_without_redis_there_are_no_copies_and_no_errors() -> None:
    copies = LastKnown(redis_client.Redis.from_url("redis://127.0.0.1:1/0", retry=None), "pe:")
    asked = a_question()

    copies.keep(asked, "alice", b"{}")

    assert copies.find(Caller("alice"), asked) is None
