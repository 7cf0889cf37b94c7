"""``/actions`` over HTTP."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

#: Fields that clients of the reference know.
ACTION = (
    "type version name description category icon color params outputs executionMode timeoutSeconds"
    " retryPolicy idempotent requiredServices requiredPermissions examples docsUrl"
)
PARAM = "name label type description required default placeholder options validation visibleWhen"


def test_every_action_is_listed_by_category(alice: FlaskClient) -> None:
    found = alice.get("/api/v1/actions").json

    assert found["total"] == len(found["actions"]) > 0
    assert sum(len(category["actions"]) for category in found["categories"]) == found["total"]
    names = [category["name"] for category in found["categories"]]
    assert names == sorted(names)
    icons = {category["name"]: category["icon"] for category in found["categories"]}
    assert icons["Control Flow"] == "git-branch"


def test_an_action_is_described_in_camel_case_with_its_groups(alice: FlaskClient) -> None:
    """The reference lost the group of a parameter."""
    found = alice.get("/actions/log").json

    assert {"executionMode", "timeoutSeconds", "retryPolicy", "requiredServices"} <= found.keys()
    assert found["executionMode"] == "sync"
    assert {"group", "visibleWhen", "placeholder", "options"} <= found["params"][0].keys()


def test_an_action_that_needs_keys_is_idempotent_only_where_they_are_honoured(
    alice: FlaskClient,
) -> None:
    found = alice.get("/actions/model_add").json
    listed = {action["type"]: action for action in alice.get("/actions").json["actions"]}

    assert (found["idempotent"], found["needsKeysAt"]) == (False, ["budapp"])
    assert listed["model_add"] == found
    assert listed["model_delete"]["idempotent"]


def test_an_action_tells_where_it_is_from_and_which_versions_there_are(
    alice: FlaskClient,
) -> None:
    found = alice.get("/actions/log@1").json

    assert found == alice.get("/actions/log").json
    assert (found["package"], found["version"], found["versions"]) == (
        "pipeline-engine",
        "1.0.0",
        ["1.0.0"],
    )
    assert found["packageVersion"] == version("pipeline-engine")
    assert (found["deprecated"], found["deprecationMessage"], found["replacedBy"]) == (
        False,
        None,
        None,
    )


def test_every_field_of_the_reference_is_there(alice: FlaskClient) -> None:
    found = alice.get("/actions/http_request").json

    assert found.keys() >= set(ACTION.split())
    assert found["params"][0].keys() >= set(PARAM.split())
    assert found["outputs"][0].keys() == {"name", "type", "description"}


def test_a_version_that_is_not_installed_is_404_with_those_that_are(alice: FlaskClient) -> None:
    shown = alice.get("/actions/log@9")

    assert (shown.status_code, shown.json["code"]) == (404, "action_not_found")
    assert shown.json["detail"] == "Action 'log@9' not found: there are the versions 1.0.0"


@pytest.mark.parametrize("path", ["/actions", "/actions/log", "/api/v1/schema"])
def test_who_has_the_list_already_is_not_sent_it_again(alice: FlaskClient, path: str) -> None:
    first = alice.get(path)

    again = alice.get(path, headers={"If-None-Match": first.headers["ETag"]})
    other = alice.get(path, headers={"If-None-Match": '"other"'})

    assert not first.headers["ETag"].startswith("W/")
    assert "Authorization" in first.headers["Vary"]
    assert "X-Owner" in first.headers["Vary"]
    assert "Date" not in first.headers  # the server says it: a second one would be too many
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == "private, no-cache"
    assert (other.status_code, other.data) == (200, first.data)


def test_who_may_not_read_actions_is_refused_whatever_he_has(
    app: Flask, alice: FlaskClient
) -> None:
    etag = alice.get("/actions").headers["ETag"]

    assert app.test_client().get("/actions", headers={"If-None-Match": etag}).status_code == 401


def test_an_unknown_action_is_404(alice: FlaskClient) -> None:
    shown = alice.get("/actions/nonsense")
    checked = alice.post("/actions/validate", json={"actionType": "nonsense"})

    assert (shown.status_code, shown.json["code"]) == (404, "action_not_found")
    assert shown.json["detail"] == "Action 'nonsense' not found"
    assert checked.status_code == 404


@pytest.mark.parametrize("name", ["actionType", "action_type"])
def test_params_are_checked_under_either_name(alice: FlaskClient, name: str) -> None:
    url = {"url": "https://example.com"}
    right = alice.post("/actions/validate", json={name: "http_request", "params": url})
    wrong = alice.post("/actions/validate", json={name: "http_request", "params": {}})

    assert right.json == {"valid": True, "errors": []}
    assert wrong.status_code == 200
    assert wrong.json["valid"] is False
    assert "Missing required parameter: url" in wrong.json["errors"]


@pytest.mark.parametrize("body", [{}, {"params": {}}, {"actionType": "log", "params": []}])
def test_a_wrong_body_is_422(alice: FlaskClient, body: dict[str, Any]) -> None:
    assert alice.post("/actions/validate", json=body).status_code == 422
