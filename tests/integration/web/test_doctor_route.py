"""``GET /doctor`` and ``GET /system``: in time, and without a secret."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from flask import Flask
from flask.testing import FlaskClient

from pipeline_engine.config import Settings

PASSWORD = "hunter2-of-the-route"
NOWHERE = "127.0.0.1:1"


def names(answer: dict[str, list[dict[str, object]]]) -> set[object]:
    return {check["name"] for check in answer["checks"] if not check["is_well"]}


def test_it_finds_what_the_command_finds(service: FlaskClient, alice: FlaskClient) -> None:
    found = service.get("/api/v1/doctor").json

    assert not found["is_well"]
    assert {"workers", "beat", "sweep"} <= names(found)  # none of them runs here
    assert alice.get("/api/v1/doctor").status_code == 403


def test_it_says_in_time_what_is_away_and_no_password(
    web_settings: Settings, app_with: Callable[[Settings], Flask]
) -> None:
    away = replace(
        web_settings,
        redis_url=f"redis://:{PASSWORD}@{NOWHERE}/0",
        flower_url=f"http://admin:{PASSWORD}@{NOWHERE}",
    )
    client = app_with(away).test_client()
    began = time.monotonic()

    answer = client.get("/api/v1/doctor", headers={"Authorization": f"Bearer {away.api_tokens[0]}"})

    assert time.monotonic() - began < 10  # of a busy machine; alone it is 2.5 s
    assert {"redis", "workers"} <= names(answer.json)
    assert PASSWORD not in answer.text
    assert away.database_url not in answer.text


def test_the_system_tells_its_parts_and_names_what_is_away(
    web_settings: Settings, app_with: Callable[[Settings], Flask], service: FlaskClient
) -> None:
    flower = f"http://admin:{PASSWORD}@{NOWHERE}"
    away = replace(web_settings, redis_url=f"redis://:{PASSWORD}@{NOWHERE}/0", flower_url=flower)
    headers = {"Authorization": f"Bearer {away.api_tokens[0]}"}

    here = service.get("/api/v1/system").json
    there = app_with(away).test_client().get("/api/v1/system", headers=headers)

    assert (here["away"], there.json["away"]) == ([], ["redis", "workers"])
    assert there.json["servers"]["redis"] == {"answers": False, "version": None}
    assert there.json["servers"]["postgresql"]["answers"]
    values = {one["name"]: one["value"] for one in there.json["settings"]}
    assert (values["DATABASE_URL"], values["PIPELINE_API_TOKEN"]) == ("masked", "masked")
    assert values["PIPELINE_KEY_PREFIX"] == away.key_prefix
    for secret in (PASSWORD, away.secret_key, *away.api_tokens, *away.user_tokens):
        assert secret not in there.text
