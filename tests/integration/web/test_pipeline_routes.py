"""``/pipelines`` and ``/validate`` over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from support.history_rows import a_document, a_pipeline

MOUNTS = ("/api/v1/pipelines", "/pipelines", "/api/v1/pipeline/pipelines")


def created(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    """A pipeline that the client stored."""
    answer = client.post("/api/v1/pipelines", json={"dag": a_document(), **fields})
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def test_a_stored_pipeline_has_all_fields_that_clients_know(alice: FlaskClient) -> None:
    answer = alice.post("/api/v1/pipelines", json={"dag": a_document(), "icon": "moon"})

    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    found = answer.json
    assert {found.pop(name) is not None for name in ("id", "created_at", "updated_at")} == {True}
    assert found == {
        "name": "nightly",
        "version": "1.0.0",
        "lock_version": 1,
        "revision": 1,
        "status": "ACTIVE",
        "created_by": "api",
        "step_count": 1,
        "user_id": "alice",
        "system_owned": False,
        "description": None,
        "icon": "moon",
        "dag": a_document(),
        "action_versions": {"log": "1.0.0"},
        "execution_count": 0,
        "last_execution_at": None,
    }


@pytest.mark.parametrize("mount", MOUNTS)
def test_every_mount_of_the_reference_serves_the_same_pipelines(
    alice: FlaskClient, mount: str
) -> None:
    stored = created(alice)

    shown = alice.get(f"{mount}/{stored['id']}")
    listed = alice.get(mount)

    assert shown.json == stored
    assert listed.json == [stored]


def test_a_wrong_definition_is_400_with_every_error_in_its_place(alice: FlaskClient) -> None:
    document = a_document("a", "b")
    document["steps"][0]["action"] = "lgo"
    document["steps"][1]["depends_on"] = ["nobody"]

    answer = alice.post("/pipelines", json={"dag": document})

    assert (answer.status_code, answer.json["code"]) == (400, "invalid_definition")
    assert answer.content_type == "application/problem+json"
    found = {(issue["pointer"], issue["code"]) for issue in answer.json["errors"]}
    assert ("/steps/0/action", "unknown_action") in found
    assert ("/steps/1/depends_on/0", "unknown_step") in found


def test_a_name_that_is_taken_is_409(alice: FlaskClient, bob: FlaskClient) -> None:
    created(alice)

    again = alice.post("/pipelines", json={"dag": a_document(name="other"), "name": "nightly"})

    assert (again.status_code, again.json["code"]) == (409, "duplicate_pipeline_name")
    assert again.json["detail"] == "A pipeline with the name 'nightly' already exists"
    created(bob)


@pytest.mark.parametrize("path", [str(UUID(int=7)), "not-a-uuid", "x" * 300])
def test_what_does_not_exist_is_404_whatever_it_is_called(alice: FlaskClient, path: str) -> None:
    for answer in (
        alice.get(f"/pipelines/{path}"),
        alice.delete(f"/pipelines/{path}"),
        alice.put(f"/pipelines/{path}", json={"dag": a_document(), "lock_version": 1}),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "pipeline_not_found")


def test_a_change_has_to_say_which_version_it_changes(alice: FlaskClient) -> None:
    """In the reference a client could not say it, so updates were lost."""
    address = f"/pipelines/{created(alice)['id']}"
    body = {"dag": a_document("a", "b")}

    silent = alice.put(address, json=body)
    right = alice.put(address, json=body, headers={"If-Match": '"1"'})
    stale = alice.put(address, json=body, headers={"If-Match": '"1"'})
    stale_in_body = alice.put(address, json=body | {"lock_version": 1})
    right_in_body = alice.put(address, json=body | {"lock_version": 2})
    whatever = alice.put(address, json=body, headers={"If-Match": "*"})

    assert (silent.status_code, silent.json["code"]) == (428, "if_match_required")
    assert (right.status_code, right.headers["ETag"]) == (200, '"2"')
    assert (stale.status_code, stale.json["code"]) == (412, "if_match_failed")
    assert (stale_in_body.status_code, stale_in_body.json["code"]) == (409, "version_mismatch")
    assert "Concurrent modification detected" in stale_in_body.json["detail"]
    assert right_in_body.status_code == 200
    assert (whatever.status_code, whatever.json["lock_version"]) == (200, 4)


@pytest.mark.parametrize("tag", ['W/"1"', '"2", "3"', '"x"', '"01"', f'"{"9" * 5000}"'])
def test_an_etag_that_is_none_of_ours_matches_nothing(alice: FlaskClient, tag: str) -> None:
    address = f"/pipelines/{created(alice)['id']}"

    answer = alice.put(address, json={"dag": a_document()}, headers={"If-Match": tag})

    assert (answer.status_code, answer.json["code"]) == (412, "if_match_failed")


def test_a_list_of_etags_matches_if_one_of_them_does(alice: FlaskClient) -> None:
    address = f"/pipelines/{created(alice)['id']}"

    answer = alice.put(address, json={"dag": a_document()}, headers={"If-Match": '"7", "1"'})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"system_owned": 1}, {"system_owned": "yes"}, {"lock_version": "1"}]
)
def test_a_body_has_the_types_of_json(alice: FlaskClient, wrong: dict[str, Any]) -> None:
    address = f"/pipelines/{created(alice)['id']}"

    answer = alice.put(address, json={"dag": a_document(), "lock_version": 1} | wrong)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")


def test_users_share_nothing_but_system_pipelines(
    session: Session, alice: FlaskClient, bob: FlaskClient
) -> None:
    hers = created(alice)
    system = a_pipeline(session, name="system", system_owned=True)
    session.commit()

    assert bob.get(f"/pipelines/{hers['id']}").status_code == 404
    assert bob.delete(f"/pipelines/{hers['id']}").status_code == 404
    assert bob.get("/pipelines").json == []
    assert [p["name"] for p in bob.get("/pipelines?include_system=true").json] == ["system"]
    assert bob.get(f"/pipelines/{system.id}").status_code == 200
    refused = bob.delete(f"/pipelines/{system.id}")
    assert (refused.status_code, refused.json["code"]) == (403, "system_pipeline_read_only")


def test_a_service_stores_for_the_user_in_header_or_body(service: FlaskClient) -> None:
    header = {"X-User-ID": "alice"}

    by_header = service.post("/pipelines", json={"dag": a_document()}, headers=header)
    by_body = service.post(
        "/pipelines", json={"dag": a_document(), "user_id": "bob"}, headers=header
    )

    assert (by_header.json["user_id"], by_body.json["user_id"]) == ("alice", "bob")


def test_a_deleted_pipeline_is_gone(alice: FlaskClient) -> None:
    address = f"/pipelines/{created(alice)['id']}"

    deleted = alice.delete(address)

    assert (deleted.status_code, deleted.data) == (204, b"")
    assert alice.get(address).status_code == 404


def test_an_archived_pipeline_cannot_be_started_until_it_is_restored(alice: FlaskClient) -> None:
    stored = created(alice)
    path = f"/api/v1/pipelines/{stored['id']}"

    def start() -> tuple[int, str | None]:
        answer = alice.post("/api/v1/executions", json={"pipeline_id": stored["id"]})
        return answer.status_code, answer.json.get("code")

    assert alice.post(f"{path}/archive").json["status"] == "ARCHIVED"
    assert alice.post(f"{path}/archive").json["lock_version"] == 2
    assert start() == (409, "pipeline_archived")
    changed = {"dag": a_document("a", "b"), "lock_version": 2}
    assert alice.put(path, json=changed).json["status"] == "ARCHIVED"
    assert alice.post(f"{path}/restore").json["status"] == "ACTIVE"
    assert start()[0] == 201


def test_a_list_is_an_array_whose_headers_lead_to_the_rest(alice: FlaskClient) -> None:
    for name in ("first", "second", "third"):
        created(alice, name=name)

    answer = alice.get("/pipelines?page=2&page_size=1&include_dag=false")

    assert [found["name"] for found in answer.json] == ["second"]
    assert answer.json[0]["dag"] is None
    assert answer.headers["X-Total-Count"] == "3"
    assert "page=3&page_size=1" in answer.headers["Link"]
    assert 'rel="next"' in answer.headers["Link"]


def test_a_definition_is_checked_without_being_stored(alice: FlaskClient) -> None:
    right = alice.post("/validate", json={"dag": a_document()})
    cyclic = a_document("a", "b")
    cyclic["steps"][0]["depends_on"] = ["b"]
    wrong = alice.post("/api/v1/pipeline/validate", json={"dag": cyclic})

    assert right.json | {"error_details": [], "warning_details": []} == {
        "valid": True,
        "errors": [],
        "warnings": [],
        "step_count": 1,
        "has_cycles": False,
        "error_details": [],
        "warning_details": [],
    }
    assert (wrong.status_code, wrong.json["valid"], wrong.json["has_cycles"]) == (200, False, True)
    assert wrong.json["step_count"] == 0
    assert wrong.json["errors"] == [issue["message"] for issue in wrong.json["error_details"]]
    assert alice.get("/pipelines").json == []


@pytest.mark.parametrize("body", [{}, {"dag": None}, {"dag": []}, {"dag": "x"}, [], 7])
def test_a_body_without_a_definition_is_422(alice: FlaskClient, body: Any) -> None:
    for path in ("/validate", "/pipelines"):
        answer = alice.post(path, json=body)
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
