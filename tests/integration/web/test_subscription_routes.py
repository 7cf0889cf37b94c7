"""``/subscriptions`` over HTTP: what may be asked for, and that a secret is told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from support.history_rows import a_pipeline, an_event, an_execution

from pipeline_engine.storage.tables.events import EventType

from .conftest import client_of

PATH = "/api/v1/subscriptions"
URL = "https://hooks.example/in"
HTTP = {"type": "http", "url": URL}


def create(client: FlaskClient, **wanted: Any) -> Any:
    return client.post(PATH, json={"target": HTTP, **wanted})


def problems(answer: Any) -> list[tuple[str, str]]:
    return [(problem["pointer"], problem["code"]) for problem in answer.json["errors"]]


def test_a_secret_is_told_when_it_is_made_and_never_again(
    alice: FlaskClient, session: Session
) -> None:
    made = create(alice, name="ci")
    its = f"{PATH}/{made.json['id']}"
    rotated = alice.post(f"{its}/rotate-secret", json={"overlap_seconds": 3600})

    assert made.json["secret"].startswith("whsec_")
    assert rotated.json["secret"] not in ("", None, made.json["secret"])
    assert rotated.json["old_secret_until"] is not None
    shown = [alice.get(its), alice.get(PATH), alice.put(its, json={"name": "cd"})]
    answers = "".join(answer.text for answer in shown)
    rows = session.execute(text("SELECT subscriptions::text FROM subscriptions")).scalars().all()
    for secret in (made.json["secret"], rotated.json["secret"]):
        assert secret not in answers
        assert secret not in "".join(rows)


@pytest.mark.parametrize(
    "url",
    [
        "http://[::ffff:7f00:1]/",
        "http://2130706433/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://169.254.169.254/latest",
        "http://localhost.\\@192.0.2.1/",
        "ftp://hooks.example/",
        "https://user@hooks.example/",
        "http://192.0.2.7:22/",
    ],
)
def test_an_address_that_leads_inside_is_refused_in_every_spelling(
    alice: FlaskClient, url: str
) -> None:
    answer = create(alice, target={"type": "http", "url": url})

    assert answer.status_code == 422, answer.json
    assert problems(answer) == [("/target/url", "url_not_allowed")]


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"event_types": ["step_done"]}, ("/event_types/0", "unknown_event_type")),
        (
            {"format": "reference", "event_types": ["step_skipped"]},
            ("/event_types/0", "unknown_event_type"),
        ),
        ({"expires_at": "2020-01-01T00:00:00Z"}, ("/expires_at", "in_the_past")),
        ({"target": {"type": "dapr", "topic": "news"}}, ("/target/type", "no_sidecar")),
        ({"target": {"type": "redis_channel", "channel": "a:b"}}, ("/target/channel",) * 0),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(
    alice: FlaskClient, wanted: dict[str, Any], problem: tuple[str, str]
) -> None:
    answer = create(alice, **wanted)

    assert answer.status_code == 422
    assert not problem or problems(answer) == [problem]


def test_a_field_that_nobody_knows_is_refused(alice: FlaskClient) -> None:
    assert create(alice, event_type=["step_failed"]).status_code == 422
    assert create(alice, target={"type": "http"}).status_code == 422
    assert create(alice, target=HTTP | {"max_length": 5}).status_code == 422


def test_it_reaches_an_execution_a_pipeline_or_all_of_its_owner(
    alice: FlaskClient, session: Session
) -> None:
    pipeline = a_pipeline(session, user_id="alice", name="release")
    execution = an_execution(session, user_id="alice", pipeline_id=pipeline.id)
    session.commit()

    made = [
        create(alice, execution_id=str(execution.id)).json,
        create(alice, pipeline_id="release").json,
        create(alice, workflow_id=str(pipeline.id)).json,
        create(alice).json,
    ]

    assert [one["reach"] for one in made] == ["execution", "pipeline", "pipeline", "owner"]
    assert {one["pipeline_id"] for one in made[:3]} == {str(pipeline.id)}
    found = alice.get(f"{PATH}?execution_id={execution.id}").json["subscriptions"]
    assert [one["id"] for one in found] == [made[0]["id"]]


def test_a_token_that_is_bound_to_a_pipeline_sees_and_makes_those_of_it_only(
    app: Any, alice: FlaskClient, session: Session
) -> None:
    for name in ("release", "payroll"):
        a_pipeline(session, user_id="alice", name=name)
    session.commit()
    scopes = ["subscriptions:read", "subscriptions:write", "executions:read"]
    wanted = {"name": "t", "scopes": scopes, "pipelines": ["release"]}
    bound = client_of(app, alice.post("/api/v1/tokens", json=wanted).json["token"])
    of_release, of_payroll = (
        create(alice, pipeline_id=name).json["id"] for name in ("release", "payroll")
    )
    of_all = create(alice).json["id"]

    assert [one["id"] for one in bound.get(PATH).json["subscriptions"]] == [of_release]
    assert bound.get(f"{PATH}/{of_payroll}").status_code == 404
    assert bound.get(f"{PATH}/{of_all}").status_code == 404
    assert create(bound, pipeline_id="release").status_code == 201
    assert create(bound, pipeline_id="payroll").status_code == 404
    assert create(bound).status_code == 422


def test_a_change_is_of_the_version_that_was_read_and_leaves_the_rest(alice: FlaskClient) -> None:
    made = create(alice, name="ci", event_types=["step_failed"]).json
    its = f"{PATH}/{made['id']}"

    changed = alice.put(its, json={"event_types": None}, headers={"If-Match": '"1"'})
    late = alice.put(its, json={"name": "x"}, headers={"If-Match": '"1"'})
    moved = alice.put(its, json={"target": {"type": "redis_stream", "stream": "audit"}}).json

    assert (changed.json["event_types"], changed.json["name"]) == (None, "ci")
    assert late.status_code == 412
    assert moved["target"] == {
        "type": "redis_stream",
        "stream": "audit",
        "key": "pe:messages:alice:audit",
    }


def test_what_has_ended_is_neither_paused_nor_resumed(alice: FlaskClient, session: Session) -> None:
    pipeline = a_pipeline(session, user_id="alice", name="release")
    session.commit()
    made = create(alice, pipeline_id="release").json

    alice.delete(f"/api/v1/pipelines/{pipeline.id}")
    ended = alice.get(f"{PATH}/{made['id']}").json
    resumed = alice.post(f"{PATH}/{made['id']}/resume")

    assert (ended["status"], ended["reason"]) == ("expired", "pipeline_deleted")
    assert (resumed.status_code, resumed.json["code"]) == (409, "subscription_ended")


def test_one_that_expires_later_can_be_resumed_when_it_has_expired(
    alice: FlaskClient, session: Session
) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = create(alice, expires_at=soon).json
    its = f"{PATH}/{made['id']}"
    session.execute(text("UPDATE subscriptions SET status = 'expired', reason = 'expired'"))
    session.commit()

    later = alice.put(its, json={"expires_at": None})
    resumed = alice.post(f"{its}/resume")

    assert (later.status_code, resumed.status_code) == (200, 200)
    assert resumed.json["status"] == "active"


def test_the_first_of_all_positions_is_one_that_can_be_said_again(alice: FlaskClient) -> None:
    replays = f"{PATH}/{create(alice).json['id']}/replay"

    answers = [alice.post(replays, json={"position": position}) for position in ("0-0", "7-1")]

    assert [answer.json["position"] for answer in answers] == ["0-0", "7-0"]


def test_all_can_be_said_again_since_the_first_day_of_the_calendar(
    alice: FlaskClient, session: Session
) -> None:
    replays = f"{PATH}/{create(alice).json['id']}/replay"
    an_event(session, an_execution(session, user_id="alice").id, EventType.WORKFLOW_STARTED)
    session.commit()

    assert alice.post(replays, json={"since": "0001-01-01T00:00:00Z"}).status_code < 300
