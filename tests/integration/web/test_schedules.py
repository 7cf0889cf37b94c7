"""``/schedules`` over HTTP: when what is started, and what became of each due time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from support.factories import a_document, a_step

from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.schedules import Schedule

from .conftest import INTERNAL, client_of

BASE = "/api/v1"
ROUTE = f"{BASE}/schedules"
DAILY = {"type": "cron", "expression": "0 9 * * *", "timezone": "Europe/Berlin"}
PARAMETERS = [
    {"name": "version", "type": "string", "default": "1.0"},
    {"name": "key", "type": "secret", "default": "none-at-all"},
]
HOUR = timedelta(hours=1)
SCOPES = ["schedules:read", "schedules:write", "executions:run"]


@pytest.fixture
def pipeline(alice: FlaskClient) -> str:
    document = a_document(a_step("a"), parameters=PARAMETERS) | {"name": "release"}
    return str(alice.post(f"{BASE}/pipelines", json={"dag": document}).json["id"])


@pytest.fixture
def mesh(app: Flask) -> FlaskClient:
    """A client with the token of the service mesh."""
    client = app.test_client()
    client.environ_base["HTTP_DAPR_API_TOKEN"] = INTERNAL
    return client


def wanted(pipeline: str, **given: Any) -> dict[str, Any]:
    return {"workflow_id": pipeline, "name": "nightly", "schedule": DAILY, **given}


def made(client: FlaskClient, pipeline: str, **given: Any) -> dict[str, Any]:
    answer = client.post(ROUTE, json=wanted(pipeline, **given))
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def problem(answer: Any) -> tuple[int, str, list[tuple[str, str]]]:
    told = [(one["pointer"], one["code"]) for one in answer.json.get("errors", ())]
    return answer.status_code, answer.json["code"], told


def make_due(session: Session, *, hours: int) -> None:
    """Let the clock have passed so many full hours of an hourly schedule."""
    passed = func.date_trunc("hour", func.now())
    settled = passed - hours * HOUR
    session.execute(
        update(Schedule).values(
            settled_at=settled, next_due_at=settled + HOUR, next_fire_at=settled + HOUR
        )
    )
    session.commit()


def test_a_schedule_is_answered_as_the_reference_service_does(
    alice: FlaskClient, pipeline: str
) -> None:
    answer = alice.post(ROUTE, json=wanted(pipeline, params={"version": "1.5"}))

    told = answer.json
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    assert (told["workflow_id"], told["pipeline_id"]) == (pipeline, pipeline)
    assert told["schedule"] | DAILY == told["schedule"]
    assert (told["status"], told["enabled"], told["run_count"]) == ("active", True, 0)
    assert told["params"] == {"version": "1.5"}
    assert told["in_words"] == "Every day at 09:00"
    assert told["next_run_at"] is not None
    assert (told["misfire"], told["overlap"], told["max_runs"]) == ("last", "allow", None)


def test_a_secret_of_a_schedule_is_not_told_again_and_can_be_sent_back(
    alice: FlaskClient, pipeline: str
) -> None:
    stored = made(alice, pipeline, params={"key": "hunter2-hunter2"})

    body = {"params": stored["params"], "lock_version": 1}
    changed = alice.put(f"{ROUTE}/{stored['id']}", json=body)

    assert "hunter2" not in str(stored) + str(changed.json)
    assert changed.status_code == 200


WRONG_TIMES = (
    ({"type": "cron", "expression": "60 * * * *"}, "expression", "invalid_expression"),
    ({"type": "cron", "expression": "0 0 31 2 *"}, "expression", "never_fires"),
    ({"type": "cron", "expression": None}, "expression", "required"),
    ({"type": "cron", "expression": ""}, "expression", "required"),
    ({"type": "cron"}, "expression", "required"),
    ({"type": "interval", "expression": "@every 0s"}, "expression", "invalid_expression"),
    ({"type": "one_time"}, "run_at", "required"),
    ({"type": "one_time", "run_at": "2020-01-01T00:00:00Z"}, "run_at", "in_the_past"),
    ({"type": "one_time", "run_at": "2020-01-01T00:00"}, "run_at", "in_the_past"),
    (DAILY | {"timezone": "UTC+3"}, "timezone", "invalid_timezone"),
    (DAILY | {"timezone": ""}, "timezone", "invalid_timezone"),
    (DAILY | {"timezone": "../../etc/passwd"}, "timezone", "invalid_timezone"),
)


def test_what_is_no_schedule_is_refused_with_its_field(alice: FlaskClient, pipeline: str) -> None:
    for schedule, field, code in WRONG_TIMES:
        created = alice.post(ROUTE, json=wanted(pipeline, schedule=schedule))
        previewed = alice.post(f"{ROUTE}/preview", json={"schedule": schedule})

        for answer in (created, previewed):
            told = problem(answer)
            assert told == (422, "invalid_schedule", [(f"/schedule/{field}", code)]), schedule
            assert answer.json["detail"].startswith("Invalid schedule: ")


WRONG_FIELDS = (
    ({"workflow_id": None}, "/pipeline_id"),
    ({"schedule": {"type": "weekly"}}, "/schedule/type"),
    ({"schedule": {"type": "one_time", "run_at": "soon"}}, "/schedule/run_at"),
    ({"misfire": "never"}, "/misfire"),
    ({"jitter_seconds": -1}, "/jitter_seconds"),
    ({"max_runs": 0}, "/max_runs"),
    ({"name": ""}, "/name"),
    ({"enabled": "yes"}, "/enabled"),
)


def test_a_body_that_makes_no_sense_is_refused(alice: FlaskClient, pipeline: str) -> None:
    for change, pointer in WRONG_FIELDS:
        body = {k: value for k, value in wanted(pipeline, **change).items() if value is not None}

        answer = alice.post(ROUTE, json=body)

        assert answer.status_code == 422, change
        assert pointer in [one["pointer"] for one in answer.json["errors"]]


def test_params_are_checked_when_they_are_saved_and_not_at_night(
    alice: FlaskClient, pipeline: str
) -> None:
    answer = alice.post(ROUTE, json=wanted(pipeline, params={"release": "1.5"}))

    assert problem(answer) == (422, "invalid_params", [("/params/release", "unknown_parameter")])


def test_a_change_keeps_what_it_does_not_name(alice: FlaskClient, pipeline: str) -> None:
    stored = made(alice, pipeline, overlap="skip", max_runs=5)
    path = f"{ROUTE}/{stored['id']}"

    changed = alice.put(path, json={"max_runs": None, "description": "x"}, headers=etag(1))

    kept = {"schedule", "overlap", "next_run_at", "name", "params"}
    assert changed.headers["ETag"] == '"2"'
    assert {word: changed.json[word] for word in kept} == {word: stored[word] for word in kept}
    assert (changed.json["max_runs"], changed.json["description"]) == (None, "x")


def test_nobody_overwrites_what_he_has_not_seen(alice: FlaskClient, pipeline: str) -> None:
    path = f"{ROUTE}/{made(alice, pipeline)['id']}"
    alice.put(path, json={"name": "weekly"}, headers=etag(1))

    answers = [
        alice.put(path, json={"name": "x"}),
        alice.put(path, json={"name": "x", "lock_version": 1}),
        alice.put(path, json={"name": "x"}, headers=etag(1)),
        alice.post(f"{path}/pause", headers=etag(1)),
        alice.post(f"{path}/resume", headers=etag(1)),
        alice.delete(path, headers=etag(1)),
    ]

    assert [answer.status_code for answer in answers] == [428, 409, 412, 412, 412, 412]
    assert alice.get(path).json["name"] == "weekly"


def test_a_paused_schedule_is_due_at_nothing_until_it_is_resumed(
    alice: FlaskClient, pipeline: str
) -> None:
    path = f"{ROUTE}/{made(alice, pipeline)['id']}"

    paused, resumed = alice.post(f"{path}/pause").json, alice.post(f"{path}/resume").json

    assert (paused["status"], paused["enabled"], paused["next_run_at"]) == ("paused", False, None)
    assert (resumed["status"], resumed["enabled"]) == ("active", True)
    assert resumed["next_run_at"] is not None


def test_what_has_ended_is_not_resumed(alice: FlaskClient, session: Session, pipeline: str) -> None:
    path = f"{ROUTE}/{made(alice, pipeline)['id']}"
    session.execute(update(Schedule).values(enabled=False, ended="completed"))
    session.commit()

    answer = alice.post(f"{path}/resume")

    assert (answer.status_code, answer.json["code"]) == (400, "schedule_ended")
    assert answer.json["detail"] == "Cannot resume completed schedule"


def test_schedules_are_found_by_what_they_are_up_to(alice: FlaskClient, pipeline: str) -> None:
    other = alice.post(f"{BASE}/pipelines", json={"dag": a_document(a_step("a"))}).json["id"]
    made(alice, pipeline)
    paused = made(alice, other, name="weekly", enabled=False)

    def names(**query: Any) -> list[str]:
        found = alice.get(ROUTE, query_string=query).json
        assert found["total"] == found["pagination"]["total_count"] == len(found["schedules"])
        return [one["name"] for one in found["schedules"]]

    assert names() == ["weekly", "nightly"]
    assert names(status="paused") == names(enabled="false") == ["weekly"]
    assert names(status="active") == names(enabled="true") == ["nightly"]
    assert names(workflow_id=other) == names(pipeline_id=other) == ["weekly"]
    assert names(name="nightly") == ["nightly"]
    assert names(workflow_id=str(uuid4())) == names(status="expired") == []
    assert paused["status"] == "paused"


def test_due_times_are_told_in_utc_and_as_the_clocks_say_them(
    alice: FlaskClient, pipeline: str
) -> None:
    stored = made(alice, pipeline)

    told = alice.get(f"{ROUTE}/{stored['id']}/next-runs?count=3").json
    preview = alice.post(f"{ROUTE}/preview", json={"schedule": DAILY, "count": 3}).json

    assert (told["schedule_id"], told["timezone"]) == (stored["id"], "Europe/Berlin")
    assert len(told["next_runs"]) == 3
    assert told["next_runs"][0] == stored["next_run_at"]
    assert all("T09:00:00+0" in local for local in told["local"])
    assert preview == {
        "in_words": "Every day at 09:00",
        **{word: told[word] for word in ("next_runs", "local", "timezone")},
    }


def test_a_slip_in_a_schedule_is_refused_or_it_would_be_due_by_utc(
    alice: FlaskClient, pipeline: str
) -> None:
    slip = {name: word for name, word in DAILY.items() if name != "timezone"}
    wanted = {"workflow_id": pipeline, "name": "slip", "schedule": slip | {"time_zone": "CET"}}

    answer = alice.post(ROUTE, json=wanted)

    (problem,) = answer.json["errors"]
    assert (answer.status_code, problem["pointer"]) == (422, "/schedule/time_zone")


def test_a_preview_shows_what_is_due_when_the_clocks_change(alice: FlaskClient) -> None:
    wanted = {"schedule": DAILY, "count": 2, "after": "2027-03-27T00:00:00Z"}

    assert alice.post(f"{ROUTE}/preview", json=wanted).json["local"] == [
        "2027-03-27T09:00:00+01:00",
        "2027-03-28T09:00:00+02:00",
    ]


def test_nobody_asks_for_more_due_times_than_can_be_told(alice: FlaskClient, pipeline: str) -> None:
    path = f"{ROUTE}/{made(alice, pipeline)['id']}/next-runs"

    for count in ("0", "101", "many"):
        assert alice.get(path, query_string={"count": count}).status_code == 422
    assert len(alice.get(path).json["next_runs"]) == 10


def test_a_trigger_starts_what_the_schedule_starts_with_its_body_as_params(
    alice: FlaskClient, session: Session, pipeline: str
) -> None:
    stored = made(alice, pipeline, params={"version": "1.5"}, max_runs=1)
    path = f"{ROUTE}/{stored['id']}"

    plain, other = (
        alice.post(f"{path}/trigger"),
        alice.post(f"{path}/trigger", json={"version": "2"}),
    )

    assert (plain.status_code, plain.json["status"]) == (200, "PENDING")
    assert plain.json["workflow_id"] == pipeline
    first, second = (session.get_one(Execution, one.json["execution_id"]) for one in (plain, other))
    assert (first.params["version"], second.params["version"]) == ("1.5", "2")
    assert (first.initiator, first.user_id) == ("scheduled", "alice")
    trigger = first.params["_trigger"]
    assert (trigger["type"], trigger["schedule_name"]) == ("scheduled", "nightly")
    assert (trigger["schedule_id"], trigger["manual"]) == (stored["id"], True)
    # The figures of a schedule are those of its own time.
    now = alice.get(path).json
    assert (now["run_count"], now["status"], now["last_run_at"]) == (0, "active", None)


def test_the_ledger_tells_what_became_of_each_due_time(
    alice: FlaskClient, mesh: FlaskClient, session: Session, pipeline: str
) -> None:
    hourly = {"type": "cron", "expression": "0 * * * *"}
    path = f"{ROUTE}/{made(alice, pipeline, schedule=hourly)['id']}"
    make_due(session, hours=3)

    polled = mesh.post("/internal/schedule-poll").json

    assert (polled["due_count"], polled["triggered_count"], polled["error_count"]) == (1, 1, 0)
    (triggered,) = polled["triggered"]
    assert (triggered["schedule_name"], triggered["workflow_id"]) == ("nightly", pipeline)
    ledger = alice.get(f"{path}/fires").json
    assert [one["outcome"] for one in ledger["fires"]] == ["fired", "merged", "merged"]
    assert {one["execution_id"] for one in ledger["fires"]} == {triggered["execution_id"]}
    assert ledger["fires"][0]["late_seconds"] > 0
    fired = alice.get(f"{path}/fires?outcome=fired&page_size=1").json
    assert fired["fires"] == ledger["fires"][:1]
    assert fired["pagination"]["total_count"] == 1
    stored = alice.get(path).json
    assert (stored["run_count"], stored["last_execution_id"]) == (1, triggered["execution_id"])
    assert stored["last_execution_status"] == "PENDING"


def test_a_poll_tells_of_what_could_not_be_started(
    alice: FlaskClient, mesh: FlaskClient, session: Session, pipeline: str
) -> None:
    made(alice, pipeline, schedule={"type": "cron", "expression": "0 * * * *"})
    alice.put(f"{BASE}/pipelines/{pipeline}", json={"dag": {"name": "x"}, "lock_version": 1})
    make_due(session, hours=1)

    polled = mesh.post("/internal/schedule-poll").json

    assert (polled["triggered_count"], polled["error_count"]) == (0, 1)
    assert "draft" in polled["errors"][0]["error"].lower()


def test_only_who_may_ring_polls_by_the_words_of_the_reference_service(app: Flask) -> None:
    stranger = app.test_client()

    wrong = stranger.post("/internal/schedule-poll", headers={"dapr-api-token": "wrong"})

    assert wrong.status_code == 403
    assert wrong.json["detail"] == "Forbidden - Invalid internal token"


def test_a_backfill_says_first_what_it_would_start_and_starts_it_once(
    alice: FlaskClient, session: Session, pipeline: str
) -> None:
    path = (
        f"{ROUTE}/{made(alice, pipeline, schedule={'type': 'cron', 'expression': '@daily'})['id']}"
    )
    span = {"from": "2026-01-01T12:00:00Z", "to": "2026-01-04"}

    tried = alice.post(f"{path}/backfill", json=span).json
    done = alice.post(f"{path}/backfill", json=span | {"dry_run": False, "limit": 2}).json
    again = alice.post(f"{path}/backfill", json=span | {"dry_run": False}).json

    assert (tried["dry_run"], tried["started_count"], tried["is_complete"]) == (True, 0, True)
    assert [one["due_at"][:10] for one in tried["fires"]] == [
        "2026-01-02",
        "2026-01-03",
        "2026-01-04",
    ]
    assert (done["started_count"], done["is_complete"]) == (2, False)
    assert [(one["starts"], one["before"]) for one in again["fires"]] == [
        (False, "fired"),
        (False, "fired"),
        (True, None),
    ]
    assert session.scalar(select(func.count()).select_from(Execution)) == 3


@pytest.mark.parametrize("root", ["", BASE])
def test_schedules_are_served_at_the_root_too_as_the_reference_did(
    alice: FlaskClient, pipeline: str, root: str
) -> None:
    stored = alice.post(f"{root}/schedules", json=wanted(pipeline)).json

    assert alice.get(f"{root}/schedules/{stored['id']}").json == stored
    assert alice.delete(f"{root}/schedules/{stored['id']}").status_code == 204
    assert alice.get(f"{root}/schedules/{stored['id']}").status_code == 404


def test_a_token_that_may_only_write_schedules_starts_nothing_by_one(
    app: Flask, alice: FlaskClient, pipeline: str
) -> None:
    asked = {"name": "t", "scopes": ["schedules:write", "schedules:control"]}
    token = alice.post(f"{BASE}/tokens", json=asked).json["token"]
    limited = client_of(app, token)
    stored = made(alice, pipeline)

    refused = [
        limited.post(ROUTE, json=wanted(pipeline)),
        limited.put(f"{ROUTE}/{stored['id']}", json={"name": "x", "lock_version": 1}),
        limited.post(f"{ROUTE}/{stored['id']}/trigger"),
    ]

    assert [answer.status_code for answer in refused] == [403] * 3
    assert limited.post(f"{ROUTE}/{stored['id']}/pause").status_code == 200
    assert limited.delete(f"{ROUTE}/{stored['id']}").status_code == 204


def test_a_token_that_is_bound_to_a_pipeline_has_the_schedules_of_this_one(
    app: Flask, alice: FlaskClient, pipeline: str
) -> None:
    other = alice.post(f"{BASE}/pipelines", json={"dag": a_document(a_step("a"))}).json["id"]
    asked = {"name": "t", "scopes": SCOPES, "pipelines": [pipeline]}
    bound = client_of(app, alice.post(f"{BASE}/tokens", json=asked).json["token"])
    mine, hers = made(alice, pipeline), made(alice, other)

    assert [one["id"] for one in bound.get(ROUTE).json["schedules"]] == [mine["id"]]
    assert bound.get(f"{ROUTE}/{hers['id']}").status_code == 404
    assert bound.post(ROUTE, json=wanted(other)).status_code == 404
    assert bound.post(ROUTE, json=wanted(pipeline)).status_code == 201


def test_a_row_that_somebody_has_broken_is_shown_and_can_be_put_right(
    alice: FlaskClient, session: Session, pipeline: str
) -> None:
    broken, good = made(alice, pipeline), made(alice, pipeline, name="good")
    session.execute(
        update(Schedule).where(Schedule.id == broken["id"]).values(timezone="Mars/Phobos")
    )
    session.commit()

    listed = alice.get(ROUTE).json["schedules"]
    put = alice.put(f"{ROUTE}/{broken['id']}", json={"schedule": DAILY, "lock_version": 1})

    assert [one["id"] for one in listed] == [good["id"], broken["id"]]
    assert listed[1]["in_words"] == "Invalid schedule: 'Mars/Phobos' is no time zone"
    assert put.status_code == 200


def etag(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("callback_topics", ["a b"], "/callback_topics/0"),
        ("callback_topics", ["news"] * 101, "/callback_topics"),
        ("subscriber_ids", "x" * 501, "/subscriber_ids"),
        ("payload_type", "x" * 101, "/payload_type"),
    ],
)
def test_what_its_executions_pass_on_has_the_limits_of_those_that_are_started_by_hand(
    alice: FlaskClient, pipeline: str, field: str, value: Any, place: str
) -> None:
    trigger = {"pipeline_id": pipeline, "name": "t", "config": {"event_type": "a"}}

    answers = [
        alice.post(ROUTE, json=wanted(pipeline, **{field: value})),
        alice.post(f"{BASE}/event-triggers", json=trigger | {field: value}),
        alice.post(f"{BASE}/executions", json={"pipeline_id": pipeline, field: value}),
    ]

    assert [one["pointer"] for answer in answers for one in answer.json["errors"]] == [place] * 3
