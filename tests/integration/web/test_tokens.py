"""API tokens hand out less than everything, and never more than their maker has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from support.factories import a_document, a_step
from support.history_rows import a_step as a_row
from support.history_rows import an_execution
from support.waiting import wait_until


def client_with(app: Flask, token: str) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def made(maker: FlaskClient, **wanted: Any) -> dict[str, Any]:
    """A token that *maker* has made."""
    answer = maker.post("/api/v1/tokens", json={"name": "t", **wanted})
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def a_stored_pipeline(owner: FlaskClient, name: str) -> str:
    stored = owner.post("/pipelines", json={"dag": a_document(a_step("a")) | {"name": name}})
    assert stored.status_code == 201, stored.json
    return str(stored.json["id"])


def test_a_reader_reads_and_does_nothing_else(
    app: Flask, alice: FlaskClient, session: Session
) -> None:
    hers, his = (an_execution(session, user_id=user) for user in ("alice", "bob"))
    session.commit()
    dashboard = client_with(app, made(alice, roles=["viewer"])["token"])

    assert dashboard.get(f"/executions/{hers.id}").status_code == 200
    assert dashboard.get(f"/executions/{his.id}").status_code == 404
    for answer in (
        dashboard.post(f"/executions/{hers.id}/cancel"),
        dashboard.post("/executions", json={"pipeline_id": "x"}),
        dashboard.post("/pipelines", json={"dag": a_document()}),
        dashboard.get("/api/v1/tokens"),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")


def test_who_may_only_read_is_given_no_key_to_answer_with(
    app: Flask, alice: FlaskClient, service: FlaskClient, session: Session
) -> None:
    execution = an_execution(session, user_id="alice")
    for step, action in (("ask", "approval"), ("wait", "wait_for_event")):
        a_row(session, execution, step, "RUNNING", action=action, awaiting_event=True, attempt=1)
    session.commit()
    viewer = client_with(app, made(alice, roles=["viewer"])["token"])

    def keys_of(who: FlaskClient, path: str) -> dict[str, bool]:
        shown = who.get(f"/api/v1/executions/{execution.id}/{path}").json["steps"]
        return {step["step_id"]: step["callback_url"] is not None for step in shown}

    for path in ("steps", "progress?detail=steps"):
        assert keys_of(viewer, path) == {"ask": False, "wait": False}
        assert keys_of(alice, path) == {"ask": False, "wait": True}  # a yes is hers, not anybody's
        assert keys_of(service, path) == {"ask": True, "wait": True}


def test_a_token_that_is_bound_to_a_pipeline_starts_and_sees_nothing_else(
    app: Flask, alice: FlaskClient
) -> None:
    release, other = (a_stored_pipeline(alice, name) for name in ("release", "other"))
    started = alice.post("/executions", json={"pipeline_id": other}).json["execution_id"]
    token = made(alice, scopes=["executions:run", "executions:read"], pipelines=["release"])
    job = client_with(app, token["token"])

    own = job.post("/executions", json={"pipeline_name": "release"})
    strange = [
        job.post("/executions", json={"pipeline_id": other}),
        job.post("/executions", json={"pipeline_name": "other"}),
        job.get(f"/executions/{started}"),
    ]
    of_its_own = job.post("/executions/run", json={"pipeline_definition": a_document()})

    assert token["pipelines"] == [release]
    assert own.status_code == 201
    assert {answer.status_code for answer in strange} == {404}
    assert (of_its_own.status_code, of_its_own.json["code"]) == (403, "insufficient_scope")
    listed = job.get("/executions").json["executions"]
    assert [one["id"] for one in listed] == [own.json["execution_id"]]
    assert job.get("/api/v1/quotas").json["quotas"] == []
    seen = job.get(f"/executions/{own.json['execution_id']}").json
    assert (seen["user_id"], seen["started_by"]) == ("alice", f"token:{token['id']}")


def test_an_owner_has_no_more_tokens_than_can_be_looked_after(
    alice: FlaskClient, bob: FlaskClient, session: Session
) -> None:
    session.execute(
        text(
            "INSERT INTO tokens (id, secret_hash, name, user_id, rights, created_by)"
            " SELECT lpad(n::text, 12, '0'), '', 't', 'alice', '[\"admin\"]', 'x'"
            " FROM generate_series(1, 1000) n"
        )
    )
    session.commit()
    body = {"name": "t", "scopes": ["executions:read"]}

    too_many = alice.post("/api/v1/tokens", json=body)
    alice.delete("/api/v1/tokens/000000000001")

    assert (too_many.status_code, too_many.json["code"]) == (409, "too_many_tokens")
    assert [who.post("/api/v1/tokens", json=body).status_code for who in (alice, bob)] == [201] * 2


@pytest.mark.parametrize(
    "wanted",
    [
        {"scopes": ["admin"]},
        {"scopes": ["owners:any"]},
        {"scopes": ["pipelines:read"]},
        {"scopes": ["model:write"]},
        {"roles": ["administrator"]},
        {"scopes": ["executions:read"], "never_expires": True},
        {"scopes": ["executions:read"], "expires_at": "2126-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_nobody_hands_out_more_than_he_has(
    app: Flask, alice: FlaskClient, wanted: dict[str, Any]
) -> None:
    maker = client_with(app, made(alice, scopes=["tokens:manage", "executions:read"])["token"])

    answer = maker.post("/api/v1/tokens", json={"name": "more", **wanted})

    assert (answer.status_code, answer.json["code"]) == (403, "scope_exceeds_caller")


def test_a_token_that_says_nothing_of_its_end_lives_no_longer_than_its_maker(
    app: Flask, alice: FlaskClient
) -> None:
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    maker = made(alice, scopes=["tokens:manage"], expires_at=soon)

    child = made(client_with(app, maker["token"]), scopes=["tokens:manage"])

    assert child["expires_at"] == maker["expires_at"]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"scopes": ["*"]}, "unknown_scope"),
        ({"scopes": ["pipelines:delete"]}, "unknown_scope"),
        ({"scopes": ["Executions:Read"]}, "unknown_scope"),
        ({"roles": ["boss"]}, "unknown_role"),
        ({}, "missing"),
        ({"scopes": ["executions:read"], "expires_at": "2020-01-01T00:00:00Z"}, "in_the_past"),
        ({"scopes": ["events:send"], "pipelines": ["x"]}, "not_of_pipelines"),
        ({"scopes": ["executions:read"], "user_id": "bob"}, "not_allowed"),
    ],
    ids=str,
)
def test_what_can_be_no_token_is_refused_with_its_reason(
    alice: FlaskClient, wanted: dict[str, Any], code: str
) -> None:
    answer = alice.post("/api/v1/tokens", json={"name": "odd", **wanted})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_token_request")
    assert [problem["code"] for problem in answer.json["errors"]] == [code]


@pytest.mark.parametrize("wrong", ["pipeline", "pipeline_ids", "owner", "expires_in"])
def test_a_field_with_a_wrong_name_leaves_no_token_that_may_too_much(
    alice: FlaskClient, wrong: str
) -> None:
    answer = alice.post("/api/v1/tokens", json={"name": "t", "roles": ["viewer"], wrong: "x"})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    problem = answer.json["errors"][0]
    assert (problem["pointer"], problem["code"]) == (f"/{wrong}", "unknown_field")
    assert alice.get("/api/v1/tokens").json["tokens"] == []


def test_a_token_acts_for_somebody_unless_it_may_act_for_everybody(service: FlaskClient) -> None:
    for_nobody = service.post("/api/v1/tokens", json={"name": "x", "scopes": ["executions:read"]})
    for_all = made(service, scopes=["executions:read", "owners:any"])
    for_bob = made(service, scopes=["executions:read"], user_id="bob")

    assert (for_nobody.status_code, for_nobody.json["errors"][0]["pointer"]) == (422, "/user_id")
    assert (for_all["user_id"], for_bob["user_id"]) == (None, "bob")


def test_a_service_with_few_rights_acts_for_those_whom_it_names(
    app: Flask, service: FlaskClient, session: Session
) -> None:
    hers = an_execution(session, user_id="alice")
    session.commit()
    token = made(service, scopes=["executions:read", "owners:any"])["token"]
    proxy = client_with(app, token)

    for user, status in (("alice", 200), ("bob", 404)):
        seen = proxy.get(f"/executions/{hers.id}", headers={"X-User-ID": user})
        assert seen.status_code == status
    stored = proxy.post("/pipelines", json={"dag": a_document()}, headers={"X-User-ID": "alice"})
    assert stored.status_code == 403


def test_a_revoked_token_lets_nobody_in_and_stays_in_the_books(
    app: Flask, alice: FlaskClient
) -> None:
    token = made(alice, roles=["viewer"])
    job = client_with(app, token["token"])
    assert job.get("/executions").status_code == 200

    revoked = alice.delete(f"/api/v1/tokens/{token['id']}")
    again = alice.delete(f"/api/v1/tokens/{token['id']}")

    assert (revoked.status_code, again.status_code) == (204, 204)
    assert job.get("/executions").json["code"] == "invalid_token"
    assert alice.get("/api/v1/tokens").json["tokens"] == []
    kept = alice.get("/api/v1/tokens?include_revoked=true").json["tokens"]
    assert [one["revoked_at"] is None for one in kept] == [False]


def test_everything_that_is_wrong_with_a_token_has_the_same_answer(
    app: Flask, alice: FlaskClient, engine: Engine
) -> None:
    revoked, expired, live = (made(alice, roles=["viewer"]) for _ in range(3))
    alice.delete(f"/api/v1/tokens/{revoked['id']}")
    with engine.begin() as connection:
        late = text("UPDATE tokens SET expires_at = now() - interval '1 s' WHERE id = :id")
        connection.execute(late, {"id": expired["id"]})
    head, _, secret = live["token"].rpartition("_")
    wrong = [
        revoked["token"],
        expired["token"],
        live["token"] + "x",
        head + "_" + secret[::-1],
        live["token"].upper(),
        "pe_",
        "pe_" + "a" * 12 + "_" + "b" * 43,
        "pe_" + "a" * 100_000,
    ]

    answers = [client_with(app, token).get("/executions") for token in wrong]

    told = {(one.status_code, one.json["code"], one.json["detail"]) for one in answers}
    assert len(told) == 1
    assert told.pop()[:2] == (401, "invalid_token")
    challenges = {one.headers["WWW-Authenticate"] for one in answers}
    assert challenges == {'Bearer error="invalid_token"'}


def test_tokens_of_others_are_unknown(alice: FlaskClient, bob: FlaskClient) -> None:
    hers = made(alice, roles=["viewer"])["id"]

    for answer in (
        bob.get(f"/api/v1/tokens/{hers}"),
        bob.delete(f"/api/v1/tokens/{hers}"),
        bob.get("/api/v1/tokens/nobody"),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "token_not_found")
    assert bob.get("/api/v1/tokens").json["pagination"]["total_count"] == 0


def test_a_token_is_stored_as_a_hash_and_its_use_is_marked(
    app: Flask, alice: FlaskClient, engine: Engine
) -> None:
    token = made(alice, roles=["viewer"])
    secret = token["token"].rpartition("_")[2]
    assert token["last_used_at"] is None

    client_with(app, token["token"]).get("/executions")

    assert alice.get(f"/api/v1/tokens/{token['id']}").json["last_used_at"] is not None
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT to_jsonb(t)::text FROM tokens t")).scalars().all()
    assert secret not in "".join(rows)


def test_whoami_says_what_a_token_is_good_for(app: Flask, alice: FlaskClient) -> None:
    token = made(alice, scopes=["executions:read"])

    found = client_with(app, token["token"]).get("/api/v1/whoami").json

    assert found["principal"] == f"token:{token['id']}"
    assert (found["user_id"], found["owners"]) == ("alice", ["alice"])
    assert (found["scopes"], found["pipelines"]) == (["executions:read"], None)


def test_a_token_of_late_is_good_while_the_database_is_away(
    app: Flask, alice: FlaskClient, service: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, unused = (made(alice, roles=["viewer"])["token"] for _ in range(2))
    soon = datetime.now(UTC) + timedelta(seconds=1)
    ended = made(alice, roles=["viewer"], expires_at=soon.isoformat())["token"]
    for token in (used, ended):
        assert client_with(app, token).get("/api/v1/whoami").status_code == 200
    wait_until(lambda: datetime.now(UTC) > soon, within=5, what="the end of a token")
    engine = app.extensions["pipeline_engine"].engine
    monkeypatch.setattr(engine.pool, "connect", _away)

    known, *others = (client_with(app, one).get("/api/v1/whoami") for one in (used, unused, ended))

    assert known.status_code == 200
    for unknown in others:
        assert (unknown.status_code, unknown.json["code"]) == (503, "identity_unavailable")
        assert unknown.headers["Retry-After"]
    assert service.get("/api/v1/whoami").status_code == 200


def _away() -> None:
    raise OperationalError("connect", None, Exception("away"))
