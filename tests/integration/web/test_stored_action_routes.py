"""``/actions`` that are data over HTTP: made, shown, changed and deleted by their owner only."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from support.documentation import DOCS, blocks
from werkzeug.test import TestResponse

from pipeline_engine.config import Settings
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.services import Runtime, stored_actions

URL = "/api/v1/actions"
NOTIFY = {
    "type": "custom_notification",
    "name": "Custom Notification",
    "category": "Integration",
    "template": "http_request",
    "defaults": {
        "method": "POST",
        "url": "https://hooks.example/in",
        "body": {"text": "{{ inputs.message }}", "to": "{{ inputs.channel }}"},
    },
    "exposed_params": [
        "message",
        {"name": "channel", "label": "Channel", "default": "general"},
        "timeout_seconds",
    ],
}
STEP = {"id": "tell", "name": "Tell", "action": "custom_notification"}


def make(client: FlaskClient, **changed: Any) -> TestResponse:
    return client.post(URL, json=NOTIFY | changed)


def uses(client: FlaskClient, path: str = "/api/v1/validate", **params: Any) -> Any:
    dag = {"name": "uses", "steps": [STEP | {"params": params}]}
    return client.post(path, json={"dag": dag})


def codes(answer: TestResponse) -> list[tuple[str, str]]:
    assert answer.json is not None
    return [(problem["pointer"], problem["code"]) for problem in answer.json["errors"]]


def test_a_stored_action_stands_among_the_installed_ones(alice: FlaskClient) -> None:
    made, shown = make(alice), alice.get(f"{URL}/custom_notification")
    listed = alice.get(URL).json

    assert (made.status_code, made.headers["ETag"], shown.headers["ETag"]) == (201, '"1"', '"1"')
    assert shown.json == made.json
    assert shown.json["definition"] == NOTIFY
    assert (shown.json["package"], shown.json["versions"]) == (None, ["1"])
    assert shown.json["stored"]["owner"] == "alice"
    params = {p["name"]: (p["type"], p["required"], p["default"]) for p in shown.json["params"]}
    assert params["message"] == ("string", True, None)
    assert params["channel"] == ("string", False, "general")
    assert params["timeout_seconds"][0] == "number"  # as http_request has it
    assert "custom_notification" in [action["type"] for action in listed["actions"]]
    (category,) = [c for c in listed["categories"] if c["name"] == "Integration"]
    assert "custom_notification" in [action["type"] for action in category["actions"]]
    assert listed["total"] == len(listed["actions"])


def test_the_list_of_one_owner_says_nothing_of_another(
    alice: FlaskClient, bob: FlaskClient
) -> None:
    before = bob.get(URL)
    make(alice)
    after, his = bob.get(URL), alice.get(URL)
    same = {"X-Correlation-ID": "one"}
    nothing = bob.get(f"{URL}/custom_notification", headers=same)
    other = bob.get(f"{URL}/custom_notificatiom", headers=same)

    assert (after.data, after.headers["ETag"]) == (before.data, before.headers["ETag"])
    assert his.headers["ETag"] != after.headers["ETag"]
    assert nothing.status_code == 404
    assert nothing.data.replace(b"custom_notification", b"X") == other.data.replace(
        b"custom_notificatiom", b"X"
    )
    assert alice.get(URL, headers={"If-None-Match": his.headers["ETag"]}).status_code == 304


def test_editors_are_told_of_it_by_the_schema_of_its_owner(
    alice: FlaskClient, bob: FlaskClient
) -> None:
    before = bob.get("/api/v1/schema").data
    make(alice)

    names = alice.get("/api/v1/schema").json["$defs"]["Action"]["anyOf"]

    assert "custom_notification" in [name.get("const") for name in names]
    assert bob.get("/api/v1/schema").data == before


def test_each_change_is_a_version_and_is_made_of_what_was_seen(alice: FlaskClient) -> None:
    made = make(alice)
    changed = NOTIFY | {"name": "Notify"}
    tag = {"If-Match": made.headers["ETag"]}

    blind = alice.put(f"{URL}/custom_notification", json=changed)
    second = alice.put(f"{URL}/custom_notification", json=changed, headers=tag)
    late = alice.put(f"{URL}/custom_notification", json=changed, headers=tag)
    versions = alice.get(f"{URL}/custom_notification/versions").json["versions"]
    first = alice.get(f"{URL}/custom_notification@1").json

    assert [blind.status_code, second.status_code, late.status_code] == [428, 200, 412]
    assert (second.json["version"], second.json["versions"]) == ("2", ["2", "1"])
    assert [(v["version"], v["definition"]["name"]) for v in versions] == [
        ("2", "Notify"),
        ("1", "Custom Notification"),
    ]
    assert versions[0]["actions"]["http_request"]["version"]
    assert (first["version"], first["name"]) == ("1", "Custom Notification")


def test_a_name_is_made_once_and_a_deleted_one_counts_on(alice: FlaskClient) -> None:
    make(alice)
    again = make(alice)
    gone = alice.delete(f"{URL}/custom_notification")
    missing = alice.get(f"{URL}/custom_notification")
    anew = make(alice)

    assert (again.status_code, again.json["code"]) == (409, "action_exists")
    assert (gone.status_code, missing.status_code) == (204, 404)
    assert (anew.status_code, anew.json["version"], anew.json["versions"]) == (201, "2", ["2"])


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"template": "http_requst"}, [("/template", "unknown_action")]),
        ({"type": "log"}, [("/type", "name_taken")]),
        ({"type": "a@2"}, [("/type", "invalid_name")]),
        (
            {"exposed_params": ["message", "unread"]},
            [("/defaults/body/to", "unknown_input"), ("/exposed_params/1", "unread_param")],
        ),
        (
            {"defaults": {"url": "https://a.example", "methods": "GET"}, "exposed_params": []},
            [("/defaults/methods", "unknown_param")],
        ),
        ({"defaults": {}, "exposed_params": []}, [("/defaults/url", "missing_param")]),
        (
            {"defaults": {"url": "{{ params.x }}"}, "exposed_params": []},
            [("/defaults/url", "unknown_root")],
        ),
        ({"sub_actions": ["log"]}, [("", "no_kind")]),
        ({"named": "x"}, [("/named", "unknown_field")]),
        ({"outputs": {}}, [("/outputs", "unknown_field")]),
        ({"template": "approval", "defaults": {}}, [("/template", "not_a_base")]),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(
    alice: FlaskClient, changed: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    answer = make(alice, **changed)

    assert answer.status_code == 422, answer.json
    assert sorted(codes(answer)) == sorted(found)


def test_a_template_over_a_stored_action_is_told_what_to_do_instead(alice: FlaskClient) -> None:
    make(alice)

    answer = make(alice, type="louder", template="custom_notification", defaults={})

    assert codes(answer) == [("/template", "not_a_base")]


@pytest.mark.parametrize("pin", ["", "0", "01", "1.0", "\u0661", "999999999999"])
def test_a_version_is_written_as_it_is_counted_for_checks_and_for_readers(
    alice: FlaskClient, pin: str
) -> None:
    make(alice)
    name = f"custom_notification@{pin}"

    found = alice.get(f"{URL}/{name}")
    dag = {"name": "p", "steps": [{"id": "a", "name": "A", "action": name}]}
    checked = alice.post("/api/v1/validate", json={"dag": dag}).json

    assert found.status_code == 404
    assert "unknown_action_version" in [error["code"] for error in checked["error_details"]]


COMPOSITE = {"type": "both", "name": "Both"}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"sub_actions": ["log", "logg"]}, [("/sub_actions/1", "unknown_action")]),
        ({"sub_actions": ["log", "log"]}, [("/sub_actions/1", "duplicate_step_id")]),
        ({"sub_actions": ["for_each"]}, [("/sub_actions/0", "nested_fan_out")]),
        ({"sub_actions": ["both"]}, [("/sub_actions/0", "unknown_action")]),
        ({"sub_actions": []}, [("/sub_actions", "wrong_number_of_steps")]),
        (
            {
                "steps": [
                    {"id": "a", "action": "log", "params": {"message": "{{ steps.b.outputs }}"}},
                    {"id": "b", "action": "log", "params": {"message": "x", "levels": "info"}},
                ],
                "outputs": {"x": "{{ steps.a.outputs.nope }}"},
            },
            [
                ("/steps/0/params/message", "unknown_step"),
                ("/steps/1/params/levels", "unknown_param"),
                ("/outputs/x", "unknown_output"),
            ],
        ),
    ],
)
def test_a_composite_is_checked_step_by_step(
    alice: FlaskClient, said: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    answer = alice.post(URL, json=COMPOSITE | said)

    assert answer.status_code == 422, answer.json
    assert sorted(codes(answer)) == sorted(found)


def test_a_definition_is_checked_against_the_actions_of_its_owner(
    alice: FlaskClient, bob: FlaskClient
) -> None:
    make(alice)

    fits, misses = uses(alice, message="hi"), uses(alice, messages="hi")
    unknown = uses(bob, message="hi")
    stored = uses(alice, "/api/v1/pipelines", message="hi")

    assert fits.json["valid"], fits.json
    assert [e["code"] for e in misses.json["error_details"]] == ["missing_param"]
    assert [w["hint"] for w in misses.json["warning_details"]] == ["Did you mean 'message'?"]
    assert [e["code"] for e in unknown.json["error_details"]] == ["unknown_action"]
    assert "custom" not in str(unknown.json["error_details"][0].get("hint"))
    assert stored.json["action_versions"] == {"custom_notification": "1"}


def test_params_can_be_tried_against_a_stored_action(alice: FlaskClient) -> None:
    make(alice)
    asked = {"actionType": "custom_notification", "params": {}}

    answer = alice.post(f"{URL}/validate", json=asked)

    assert answer.json == {"valid": False, "errors": ["Missing required parameter: message"]}


def test_all_use_what_the_system_has_and_administrators_change_it(
    alice: FlaskClient, service: FlaskClient
) -> None:
    made = make(service)
    mine, refused = uses(alice, message="hi"), alice.delete(f"{URL}/custom_notification")
    secret = {"url": "https://a.example", "headers": {"A": "{{ secrets.token }}"}}
    with_secret = make(service, type="other", defaults=secret, exposed_params=[])

    assert made.status_code == 201
    assert mine.json["valid"], mine.json
    assert (refused.status_code, refused.json["code"]) == (403, "administrators_only")
    assert codes(with_secret) == [("/defaults/headers/A", "secret_not_allowed")]


def test_an_own_action_goes_before_that_of_the_system(
    alice: FlaskClient, service: FlaskClient
) -> None:
    make(service, name="Of the system")
    theirs = alice.get(f"{URL}/custom_notification").json["name"]
    make(alice, name="Of alice")
    mine = alice.get(f"{URL}/custom_notification").json["name"]

    assert (theirs, mine) == ("Of the system", "Of alice")


def test_an_owner_has_as_many_as_one_may_have(
    web_settings: Settings, app_with: Callable[[Settings], Flask], session: Session
) -> None:
    app = app_with(replace(web_settings, max_stored_actions=1))
    runtime: Runtime = app.extensions["pipeline_engine"]
    stored_actions.create(SYSTEM, session, runtime, NOTIFY)

    with pytest.raises(Exception, match="may have 1") as refused:
        stored_actions.create(SYSTEM, session, runtime, NOTIFY | {"type": "one_more"})

    assert refused.value.code == "too_many_stored_actions"  # type: ignore[attr-defined]


def test_what_the_page_types_is_stored_and_fits(alice: FlaskClient) -> None:
    text = "".join(blocks(DOCS / "howto" / "build-an-action-from-data.md", "sh"))
    found = re.findall(r"<<'EOF'\n(.*?)^EOF$", text, re.DOTALL | re.MULTILINE)
    notify, release, announce, launch = map(json.loads, found)

    made = [alice.post(URL, json=action) for action in (notify, announce)]
    pipelines = (release, launch)
    checked = [alice.post("/api/v1/validate", json={"dag": one}).json for one in pipelines]

    assert [answer.status_code for answer in made] == [201, 201], made[1].json
    assert [(one["valid"], one["warnings"]) for one in checked] == [(True, [])] * 2, checked
