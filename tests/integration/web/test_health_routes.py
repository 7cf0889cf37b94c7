"""``/health`` and ``/ready``: they really look."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import redis as redis_client
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from pipeline_engine.config import Settings
from pipeline_engine.services.health import Probe, installed_migrations

NO_DATABASE = "postgresql://x@127.0.0.1:1/x"
NO_REDIS = "redis://127.0.0.1:1/0"
Apps = Callable[[Settings], Flask]


def parts_of(settings: Settings, app_with: Apps) -> dict[str, bool]:
    """What a fresh process says about each part."""
    answer = app_with(settings).test_client().get("/ready")
    return {part["name"]: part["is_well"] for part in answer.json["parts"]}


def test_health_is_degraded_without_a_heartbeat_and_healthy_with_one(
    web_settings: Settings, redis: redis_client.Redis, engine: Engine, app_with: Apps
) -> None:
    without = app_with(web_settings).test_client().get("/health")
    redis.set(f"{web_settings.key_prefix}heartbeat:sweep", int(time.time()))
    healthy = app_with(web_settings).test_client().get("/api/v1/health")

    assert (without.status_code, without.json["status"]) == (200, "degraded")
    assert (healthy.status_code, healthy.json["status"]) == (200, "healthy")
    assert healthy.json["database"] == healthy.json["redis"] == "connected"
    assert {"service", "version"} <= healthy.json.keys()


def test_without_a_database_nothing_is_ready(web_settings: Settings, app_with: Apps) -> None:
    """The reference said 200 and ready, whatever happened."""
    client = app_with(replace(web_settings, database_url=NO_DATABASE)).test_client()

    ready, health = client.get("/ready"), client.get("/health")

    assert (ready.status_code, ready.json["status"]) == (503, "not_ready")
    assert ready.json["database_connected"] is False
    assert (health.status_code, health.json["database"]) == (200, "disconnected")


def test_without_redis_requests_are_still_served(
    web_settings: Settings, engine: Engine, app_with: Apps
) -> None:
    client = app_with(replace(web_settings, redis_url=NO_REDIS)).test_client()

    ready, health = client.get("/ready"), client.get("/health")

    assert ready.status_code == 200
    assert health.json["status"] == "degraded"
    assert health.json["redis"] == "disconnected"


def test_a_database_that_was_not_migrated_is_not_ready(
    web_settings: Settings, empty_database_url: str, app_with: Apps
) -> None:
    empty = replace(web_settings, database_url=empty_database_url)

    assert installed_migrations() is not None
    assert parts_of(empty, app_with)["migrations"] is False


def test_workers_that_fell_silent_are_noticed(
    web_settings: Settings, redis: redis_client.Redis, engine: Engine, app_with: Apps
) -> None:
    redis.set(f"{web_settings.key_prefix}heartbeat:sweep", int(time.time()) - 3600)

    parts = parts_of(web_settings, app_with)

    assert parts == {"database": True, "migrations": True, "redis": True, "workers": False}


def test_asking_more_often_opens_no_more_connections(
    web_settings: Settings, redis: redis_client.Redis, engine: Engine
) -> None:
    probe = Probe(web_settings, redis)

    assert probe.look() is probe.look()


def test_health_is_open_and_says_nothing_of_addresses(
    anybody: FlaskClient, web_settings: Settings, app_with: Apps
) -> None:
    away = app_with(replace(web_settings, database_url=NO_DATABASE, redis_url=NO_REDIS))

    assert anybody.get("/health").status_code == 200
    for path in ("/health", "/ready"):
        assert "127.0.0.1" not in away.test_client().get(path).text
