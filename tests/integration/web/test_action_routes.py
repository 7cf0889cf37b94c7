"""``/actions`` over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient


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
