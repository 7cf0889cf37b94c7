"""``GET /doctor`` and ``GET /system``: in time, and without a secret."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pipeline_engine.config import Settings
from pipeline_engine.scheduler.runtime import make_breakers
from pipeline_engine.sdk import Peers, ServiceError
from pipeline_engine.services import Runtime

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


@contextmanager
def silence() -> Iterator[tuple[str, list[socket.socket]]]:
    """Where somebody lets connect, and never says a word; and who has connected."""
    heard: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            with suppress(OSError):
                while True:
                    heard.append(server.accept()[0])

        threading.Thread(target=listen, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}", heard
        server.shutdown(socket.SHUT_RDWR)
    for connection in heard:
        connection.close()


def test_a_database_that_hangs_is_asked_once_by_all_who_look_and_keeps_nobody(
    web_settings: Settings, app_with: Callable[[Settings], Flask]
) -> None:
    with silence() as (address, heard):
        settings = replace(web_settings, database_url=f"postgresql://u:{PASSWORD}@{address}/none")
        app, headers = app_with(settings), {"Authorization": f"Bearer {settings.api_tokens[0]}"}
        paths = ["/api/v1/system", "/api/v1/doctor"] * 10
        began = time.monotonic()

        with ThreadPoolExecutor(len(paths)) as pool:
            answers = [*pool.map(lambda path: app.test_client().get(path, headers=headers), paths)]
        took = time.monotonic() - began

    assert took < 12  # of a busy machine; alone it is 2.5 s
    assert {answer.status_code for answer in answers} == {200}
    system, doctor = answers[0].json, answers[1].json
    assert system["away"] == ["postgresql"]
    assert system["servers"]["redis"]["answers"]
    assert system["retention"]["executions"] is None
    assert "database" in names(doctor)
    assert 0 < len(heard) <= 4  # and not one for each of the twenty
    assert PASSWORD not in answers[0].text + answers[1].text


def test_the_system_names_the_peers_that_do_not_answer(
    service: FlaskClient, runtime: Runtime
) -> None:
    breakers = make_breakers(runtime.settings)
    peers = Peers(replace(runtime.settings, service_urls={"budsim": f"http://{NOWHERE}"}), breakers)
    for _ in range(runtime.settings.circuit_failure_threshold):
        with pytest.raises(ServiceError):
            peers.invoke("budsim", "things")

    (found,) = service.get("/api/v1/system").json["breakers"]

    assert (found["peer"], found["is_open"], found["failures"]) == ("budsim", True, 5)
    assert found["failed_at"] < found["tried_again_at"]
    peers.close()


def test_the_system_counts_what_the_next_clean_up_would_delete(service: FlaskClient) -> None:
    told = service.get("/api/v1/system").json["retention"]

    assert told["executions"] == told["rules"][0]["executions"] == 0
    assert told["ledgers"]["deliveries"] == 0


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
    assert all(one["description"] for one in there.json["settings"])
    assert (values["DATABASE_URL"], values["PIPELINE_API_TOKEN"]) == ("masked", "masked")
    assert values["PIPELINE_KEY_PREFIX"] == away.key_prefix
    for secret in (PASSWORD, away.secret_key, *away.api_tokens, *away.user_tokens):
        assert secret not in there.text
