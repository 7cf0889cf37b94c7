"""``/secrets`` over HTTP: values go in, and none comes out."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from support.canaries import CANARY, quotes
from support.driving import Driver
from werkzeug.test import TestResponse

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.masking import MASK
from pipeline_engine.errors import AdministratorsOnly, SecretNotFound
from pipeline_engine.services import Runtime, secrets
from pipeline_engine.services.pages import Page
from pipeline_engine.services.secrets import SecretChange
from pipeline_engine.storage.tables.secrets import SecretVersion

VALUE = CANARY
OTHER = "correct horse battery"


def put(client: FlaskClient, name: str = "git_token", **body: Any) -> TestResponse:
    return client.put(f"/api/v1/secrets/{name}", json=body or {"value": VALUE})


def speaking_of(name: str) -> dict[str, Any]:
    params = {"url": "https://x.test", "headers": {"A": f"{{{{ secrets.{name} }}}}"}}
    step = {"id": "call", "name": "Call", "action": "http_request", "params": params}
    return {"name": "release", "steps": [step]}


def codes(answer: TestResponse) -> list[tuple[str, str]]:
    assert answer.json is not None
    return [(problem["pointer"], problem["code"]) for problem in answer.json["errors"]]


def test_a_secret_is_set_changed_and_listed_without_its_value(alice: FlaskClient) -> None:
    first, second = put(alice, value=VALUE, description="for tags"), put(alice, value=OTHER)
    shown, listed = alice.get("/api/v1/secrets/git_token"), alice.get("/api/v1/secrets")

    assert (first.status_code, second.status_code) == (201, 200)
    assert (first.headers["ETag"], second.headers["ETag"]) == ('"1"', '"2"')
    assert shown.json == second.json
    assert shown.json["description"] == "for tags"
    assert [v["version"] for v in shown.json["versions"]] == [2, 1]
    assert listed.json["secrets"] == [{k: v for k, v in shown.json.items() if k != "versions"}]
    answers = "".join(answer.text for answer in (first, second, shown, listed))
    assert json.dumps(VALUE)[1:-1] not in answers
    assert OTHER not in answers
    assert not {"value", "sealed", "length"} & {*shown.json, *shown.json["versions"][0]}


def test_what_is_left_out_stays_and_null_clears_only_the_description(
    alice: FlaskClient, session: Session
) -> None:
    put(alice, value=VALUE, description="for tags")
    sealed = session.query(SecretVersion).one().sealed

    described = put(alice, description="for releases")
    cleared = put(alice, description=None)

    assert (described.json["version"], described.json["description"]) == (1, "for releases")
    assert (cleared.json["version"], cleared.json["description"]) == (1, None)
    assert codes(put(alice, value=None)) == [("/value", "invalid_value")]
    session.expire_all()
    assert session.query(SecretVersion).one().sealed == sealed


@pytest.mark.parametrize(
    ("name", "body", "problems"),
    [
        ("git_token", {"value": "short"}, [("/value", "too_short")]),
        ("git_token", {"value": MASK}, [("/value", "is_the_mask")]),
        ("git_token", {"value": 4711_4711}, [("/value", "wrong_type")]),
        ("git_token", {"description": "x"}, [("/value", "required")]),
        ("Git-Token", {"value": OTHER}, [("/name", "invalid_name")]),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(
    alice: FlaskClient, name: str, body: dict[str, Any], problems: list[tuple[str, str]]
) -> None:
    answer = put(alice, name, **body)

    assert answer.status_code == 422
    assert codes(answer) == problems
    assert alice.get("/api/v1/secrets").json["secrets"] == []


def test_the_mask_that_is_written_back_leaves_the_value_that_is_stored(
    alice: FlaskClient, session: Session
) -> None:
    put(alice)

    assert put(alice, value=MASK).status_code == 422
    assert session.query(SecretVersion).count() == 1


def test_an_older_version_counts_again_without_anybody_reading_it(alice: FlaskClient) -> None:
    put(alice, value=VALUE)
    put(alice, value=OTHER)

    restored = alice.post("/api/v1/secrets/git_token/restore", json={"version": 1})
    missing = alice.post("/api/v1/secrets/git_token/restore", json={"version": 7})
    again = put(alice, value=OTHER)

    assert (restored.json["version"], restored.headers["ETag"]) == (1, '"3"')
    assert (missing.status_code, missing.json["code"]) == (404, "secret_version_not_found")
    assert again.json["version"] == 3, "a number is never used twice"


def test_the_ten_newest_versions_are_kept(alice: FlaskClient, session: Session) -> None:
    for number in range(12):
        put(alice, value=f"{OTHER} {number}")

    kept = sorted(v.version for v in session.query(SecretVersion))

    assert kept == list(range(3, 13))


def test_what_was_restored_stays_while_newer_ones_come_and_go(alice: FlaskClient) -> None:
    for number in range(10):
        put(alice, value=f"{OTHER} {number}")

    alice.post("/api/v1/secrets/git_token/restore", json={"version": 1})
    answer = put(alice, value=OTHER)

    assert answer.json["version"] == 11
    assert [v["version"] for v in answer.json["versions"]] == list(range(11, 1, -1))


def test_nobody_overwrites_what_somebody_else_has_changed(alice: FlaskClient) -> None:
    put(alice)
    put(alice, value=OTHER)
    stale = {"If-Match": '"1"'}

    answers = [
        alice.put("/api/v1/secrets/git_token", json={"value": VALUE}, headers=stale),
        alice.post("/api/v1/secrets/git_token/restore", json={"version": 1}, headers=stale),
        alice.delete("/api/v1/secrets/git_token", headers=stale),
        alice.put("/api/v1/secrets/other", json={"value": VALUE}, headers=stale),
    ]

    assert {(a.status_code, a.json["code"]) for a in answers} == {(412, "if_match_failed")}


def test_two_owners_have_secrets_of_one_name_and_know_nothing_of_each_other(
    alice: FlaskClient, bob: FlaskClient
) -> None:
    put(alice)
    foreign, missing = (bob.get(f"/api/v1/secrets/{n}") for n in ("git_token", "nothing"))

    assert foreign.status_code == missing.status_code == 404
    for answer in (foreign, missing):
        assert answer.json["code"] == "secret_not_found"
    assert bob.delete("/api/v1/secrets/git_token").status_code == 404
    assert bob.post("/api/v1/secrets/git_token/restore", json={"version": 1}).status_code == 404
    assert bob.get("/api/v1/secrets").json["secrets"] == []
    assert put(bob, value=OTHER).status_code == 201
    assert alice.get("/api/v1/secrets/git_token").json["owner"] == "alice"


def test_a_service_chooses_whose_store_it_means(service: FlaskClient, alice: FlaskClient) -> None:
    for_alice = {"X-User-ID": "alice"}

    service.put("/api/v1/secrets/of_system", json={"value": VALUE})
    service.put("/api/v1/secrets/of_alice", json={"value": VALUE}, headers=for_alice)

    assert alice.get("/api/v1/secrets").json["pagination"]["total_count"] == 1
    assert alice.get("/api/v1/secrets/of_alice").status_code == 200
    listed = service.get("/api/v1/secrets").json["secrets"]
    assert [(one["name"], one["owner"]) for one in listed] == [("of_system", None)]


@pytest.mark.parametrize("group", ["group:ops", "group:dev"])
def test_a_member_chooses_the_store_of_a_group(
    session: Session, runtime: Runtime, group: str
) -> None:
    member = Caller("ada", others=frozenset({"group:ops", "group:dev"}), principal="oidc:ada")
    for_group = replace(member, user_id=group, others=member.owners - {group})

    secrets.put(for_group, session, runtime, "token", SecretChange(value=VALUE))

    (stored,) = secrets.listed(for_group, session, page=Page()).entries
    assert (stored.secret.user_id, stored.secret.created_by) == (group, "oidc:ada")
    assert secrets.listed(member, session, page=Page()).entries == []


def test_a_store_is_out_of_sight_of_a_token_that_is_bound_to_pipelines(
    session: Session, runtime: Runtime
) -> None:
    ada = Caller("ada")
    bound = replace(ada, only_pipelines=frozenset({UUID(int=1)}))
    secrets.put(ada, session, runtime, "token", SecretChange(value=VALUE))

    assert secrets.listed(bound, session, page=Page()).entries == []
    with pytest.raises(SecretNotFound):
        secrets.put(bound, session, runtime, "token", SecretChange(value=OTHER))
    with pytest.raises(SecretNotFound):
        secrets.delete(bound, session, "token")


@pytest.mark.parametrize("rights", [{"owners:any"}, {"admin"}])
def test_only_an_administrator_changes_the_secrets_of_the_system(
    session: Session, runtime: Runtime, rights: set[str]
) -> None:
    caller = Caller(rights=frozenset(rights))

    may = nullcontext() if "admin" in rights else pytest.raises(AdministratorsOnly)
    with may:
        secrets.put(caller, session, runtime, "token", SecretChange(value=VALUE))


def test_the_newest_revisions_of_the_owner_s_pipelines_say_who_needs_a_secret(
    alice: FlaskClient, bob: FlaskClient
) -> None:
    put(alice)
    put(alice, "unused", value=OTHER)
    stored = alice.post("/api/v1/pipelines", json={"dag": speaking_of("git_token")}).json
    bob.post("/api/v1/pipelines", json={"dag": speaking_of("git_token")})

    used = {one["name"]: one["used_by"] for one in alice.get("/api/v1/secrets").json["secrets"]}
    changed = {"dag": speaking_of("unused"), "lock_version": 1}
    alice.put(f"/api/v1/pipelines/{stored['id']}", json=changed)
    now = {one["name"]: one["used_by"] for one in alice.get("/api/v1/secrets").json["secrets"]}

    release = [{"id": stored["id"], "name": "release"}]
    assert used == {"git_token": release, "unused": []}
    assert now == {"git_token": [], "unused": release}


def test_a_deleted_secret_leaves_no_value_and_says_who_will_miss_it(
    alice: FlaskClient, session: Session
) -> None:
    put(alice)
    alice.post("/api/v1/pipelines", json={"dag": speaking_of("git_token")})

    answer = alice.delete("/api/v1/secrets/git_token")

    assert answer.status_code == 200
    assert [one["name"] for one in answer.json["used_by"]] == ["release"]
    assert session.query(SecretVersion).count() == 0
    assert alice.get("/api/v1/secrets/git_token").status_code == 404


def test_rows_hold_the_value_sealed_and_bound_to_its_place(
    alice: FlaskClient, session: Session, runtime: Runtime
) -> None:
    put(alice)
    put(alice, "twin", value=VALUE)

    rows = session.query(SecretVersion).all()

    assert len({row.sealed for row in rows}) == 2
    for row in rows:
        place = f"secret:{row.secret_id}:1"
        assert runtime.sealer.open(row.sealed, place).value == VALUE
        assert VALUE not in repr(vars(row))


def test_no_answer_of_the_api_shows_what_a_step_was_given(
    alice: FlaskClient, runtime: Runtime
) -> None:
    put(alice)
    message = "it is {{ secrets.git_token }} or {{ secrets.git_token | b64encode | tojson }}"
    steps = [
        {"id": "say", "name": "Say", "action": "log", "params": {"message": message}},
        {"id": "stop", "name": "Stop", "action": "fail", "depends_on": ["say"]}
        | {"params": {"message": message}},
    ]
    alice.post("/api/v1/pipelines", json={"dag": {"name": "job", "steps": steps}})
    started = alice.post("/api/v1/executions", json={"pipeline_name": "job"}).json
    driver = Driver(runtime)

    end = driver.finish(UUID(started["execution_id"]))

    assert end.statuses == {"say": "COMPLETED", "stop": "FAILED"}
    base = f"/api/v1/executions/{started['execution_id']}"
    pages = [base, *(f"{base}/{part}" for part in ("steps", "events", "progress", "explain"))]
    for page in (*pages, "/api/v1/executions", "/api/v1/pipelines", "/api/v1/secrets"):
        answer = alice.get(page)
        assert answer.status_code == 200
        assert not quotes(answer.text), page
        assert not quotes(json.dumps(answer.json, ensure_ascii=False)), page
    assert MASK in alice.get(f"{base}/steps").text


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"value": {"nested": VALUE}}),
        json.dumps({"value": [VALUE]}),
        json.dumps({"value": VALUE})[:-1],
        json.dumps({"value": VALUE, "description": [VALUE]}),
        f'{{"value": "{VALUE}"}}',
        f"value={VALUE}",
    ],
)
def test_a_request_that_is_refused_is_not_repeated_in_the_answer(
    alice: FlaskClient, body: str
) -> None:
    answer = alice.put(
        "/api/v1/secrets/git_token", data=body.encode(), content_type="application/json"
    )

    assert answer.status_code in {400, 422}
    assert not quotes(answer.text, "p@ss")


def test_a_check_warns_of_what_the_owner_does_not_have_and_shows_no_names_of_others(
    alice: FlaskClient, bob: FlaskClient
) -> None:
    put(alice, "token_of_alice")
    document = speaking_of("token_of_alic")

    (for_alice,) = alice.post("/api/v1/validate", json={"dag": document}).json["warning_details"]
    (for_bob,) = bob.post("/api/v1/validate", json={"dag": document}).json["warning_details"]

    assert (for_alice["code"], for_alice["hint"]) == (
        "unknown_secret",
        "Did you mean 'token_of_alice'?",
    )
    assert "token_of_alice" not in for_bob["hint"]
