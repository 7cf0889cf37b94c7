"""``/pipelines/{id}/draft``: what one person has typed and not published."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from support.factories import a_document, a_step
from werkzeug.test import TestResponse

from pipeline_engine.services import Runtime
from pipeline_engine.services.retention.clean_up import clean_up

BASE = "/api/v1/pipelines"
NOTHING = {"based_on": None, "document": None, "saved_at": None}
#: Numbers of which Python and orjson would make others, or errors.
TYPED = (
    '{"big":12345678901234567890123456789,"exact":1.10,"whole":1.0,"tiny":1e-400,"zero":-0,'
    '"few":9007199254740993,"deep":[{"text":"\\u0001 ü"}]}'
)


@pytest.fixture
def draft(alice: FlaskClient) -> str:
    """The path of a draft of hers."""
    made = alice.post(BASE, json={"dag": a_document(a_step("a")), "name": "payroll"})
    return f"{BASE}/{made.json['id']}/draft"


def put(client: FlaskClient, path: str, document: Any, seen: str | None = None) -> TestResponse:
    """Save *document* in place of the version that was *seen*."""
    headers = {} if seen is None else {"If-Match": seen}
    return client.put(path, json={"based_on": 1, "document": document}, headers=headers)


def test_a_draft_comes_back_with_the_digits_it_was_typed_with(
    alice: FlaskClient, draft: str
) -> None:
    saved = alice.put(
        draft,
        data=f'{{"based_on": 7, "document": {TYPED}}}'.encode(),
        content_type="application/json",
    )
    found = alice.get(draft)

    assert saved.json == {"based_on": 7, "saved_at": found.json["saved_at"]}
    assert saved.headers["ETag"] == found.headers["ETag"]
    assert TYPED.encode() in found.data
    assert found.json["based_on"] == 7


def test_a_text_that_is_no_definition_yet_is_kept_as_it_is(alice: FlaskClient, draft: str) -> None:
    yaml = "name: nightly\nsteps:\n  - id: a\n    action: lo"

    put(alice, draft, yaml)

    assert alice.get(draft).json["document"] == yaml


@pytest.mark.parametrize("body", [{}, {"document": None}, {"document": {}, "based_on": "1"}])
def test_a_draft_without_anything_in_it_is_refused(
    alice: FlaskClient, draft: str, body: dict[str, Any]
) -> None:
    assert alice.put(draft, json=body).status_code == 422
    assert alice.get(draft).json == NOTHING


def test_a_pipeline_without_a_draft_has_an_empty_one_so_that_asking_is_no_error(
    alice: FlaskClient, draft: str
) -> None:
    found = alice.get(draft)

    assert (found.status_code, found.json, found.headers["ETag"]) == (200, NOTHING, '"0"')
    assert alice.delete(draft).status_code == 204


def test_of_two_tabs_the_second_is_told_that_the_first_was_there(
    alice: FlaskClient, draft: str
) -> None:
    empty = alice.get(draft).headers["ETag"]
    first = put(alice, draft, {"by": "first"}, empty).headers["ETag"]
    late = put(alice, draft, {"by": "second"}, empty)
    alice.delete(draft, headers={"If-Match": first})
    again = put(alice, draft, {"by": "first"}, empty)
    # Of another draft than the one that was seen, though both were saved once.
    seen_before = put(alice, draft, {"by": "second"}, first)
    deleted = alice.delete(draft, headers={"If-Match": first})

    assert (late.status_code, late.json["code"]) == (412, "if_match_failed")
    assert (again.status_code, seen_before.status_code, deleted.status_code) == (200, 412, 412)
    assert alice.get(draft).json["document"] == {"by": "first"}


def test_whoever_says_nothing_of_versions_overwrites(alice: FlaskClient, draft: str) -> None:
    put(alice, draft, {"by": "first"})
    put(alice, draft, {"by": "second"})

    assert alice.get(draft).json["document"] == {"by": "second"}


def test_a_draft_is_its_persons_own_and_nobody_else_reads_it(
    app: Flask, service: FlaskClient, engine: Engine
) -> None:
    of_ops = {"X-Owner": "group:ops"}
    shared = {"dag": a_document(a_step("a")), "name": "shared"}
    path = f"{BASE}/{service.post(BASE, json=shared, headers=of_ops).json['id']}/draft"
    members = [_member(app, service, name) for name in ("one", "two")]

    put(members[0], path, {"password": "s3cr3t-value"})

    assert [member.get(path).json["document"] for member in members] == [
        {"password": "s3cr3t-value"},
        None,
    ]
    assert service.get(path).json == NOTHING
    with engine.connect() as connection:
        kept = connection.scalar(text("SELECT d::text FROM pipeline_drafts d"))
    assert "s3cr3t" not in kept
    assert "draft" not in service.get(path.removesuffix("/draft")).json


def _member(app: Flask, service: FlaskClient, name: str) -> FlaskClient:
    asked = {"name": name, "roles": ["editor"], "user_id": "group:ops"}
    client = app.test_client()
    token = service.post("/api/v1/tokens", json=asked).json["token"]
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def test_the_drafts_of_a_user_are_the_same_with_each_of_his_tokens(
    alice: FlaskClient, service: FlaskClient, draft: str
) -> None:
    put(alice, draft, {"by": "alice"})

    assert service.get(draft, headers={"X-User-ID": "alice"}).json["document"] == {"by": "alice"}


def test_nobody_drafts_what_he_cannot_publish(service: FlaskClient, alice: FlaskClient) -> None:
    shared = service.post(BASE, json={"dag": a_document(a_step("a")), "system_owned": True})
    path = f"{BASE}/{shared.json['id']}/draft"

    assert alice.get(path).json == NOTHING
    assert put(alice, path, {}).json["code"] == "system_pipeline_read_only"
    assert put(service, path, {}).status_code == 200


def test_a_draft_goes_with_its_pipeline(alice: FlaskClient, draft: str, engine: Engine) -> None:
    put(alice, draft, {})

    assert alice.delete(draft.removesuffix("/draft")).status_code == 204

    assert alice.get(draft).status_code == 404
    assert _count(engine) == 0


def test_a_draft_goes_long_after_its_last_change(
    alice: FlaskClient, draft: str, engine: Engine, runtime: Runtime
) -> None:
    put(alice, draft, {})

    deleted = []
    for days in (364, 366):
        with engine.begin() as connection:
            aged = "UPDATE pipeline_drafts SET saved_at = now() - make_interval(days => :days)"
            connection.execute(text(aged), {"days": days})
        deleted.append(clean_up(runtime).ledgers["pipeline_drafts"])

    assert deleted == [0, 1]


def test_a_draft_that_a_lost_key_has_sealed_is_begun_anew(
    alice: FlaskClient, draft: str, engine: Engine
) -> None:
    put(alice, draft, {"by": "first"})
    with engine.begin() as connection:
        broken = "UPDATE pipeline_drafts SET document = 'sealed:v1:00000000:AAAA'"
        connection.execute(text(broken))

    found = alice.get(draft)
    again = put(alice, draft, {"by": "second"}, found.headers["ETag"])

    assert (found.status_code, found.json) == (200, NOTHING)
    assert (again.status_code, alice.get(draft).json["document"]) == (200, {"by": "second"})


def test_a_draft_is_as_long_as_a_body_may_be(alice: FlaskClient, draft: str) -> None:
    assert put(alice, draft, "x" * 60_000).status_code == 200
    assert put(alice, draft, "x" * 70_000).status_code == 413


def _count(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM pipeline_drafts")) or 0)
