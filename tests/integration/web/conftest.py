"""The application with real servers behind it, and clients with different tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

import pytest
import redis as redis_client
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from pipeline_engine.config import Settings
from pipeline_engine.services import Runtime

SERVICE, ALICE, BOB, INTERNAL = "service-token", "alice-token", "bob-token", "internal-token"
#: Whether somebody has built the console here says nothing about the rest.
NOT_BUILT = Path("/there/is/no/console")
Clients = Callable[..., FlaskClient]


@pytest.fixture(scope="session")
def web_settings(settings: Settings) -> Settings:
    return replace(
        settings,
        api_tokens=(SERVICE, "second-service-token"),
        user_tokens=MappingProxyType({ALICE: "alice", BOB: "bob"}),
        app_api_token=INTERNAL,
        max_body_bytes=64 * 1024,
        max_delivery_bytes=8 * 1024,
    )


@pytest.fixture(scope="session")
def runtime(web_settings: Settings) -> Iterator[Runtime]:
    made = Runtime.start(web_settings)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def application(runtime: Runtime) -> Flask:
    """Made once; tests ask for ``app``, which empties the servers after them."""
    return make_app(runtime)


@pytest.fixture
def app(application: Flask, engine: Engine, redis: redis_client.Redis) -> Flask:
    return application


@pytest.fixture
def service(app: Flask) -> FlaskClient:
    """A client that may act for others."""
    return client_of(app, SERVICE)


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    return client_of(app, ALICE)


@pytest.fixture
def bob(app: Flask) -> FlaskClient:
    return client_of(app, BOB)


@pytest.fixture
def anybody(app: Flask) -> FlaskClient:
    """A client without a token."""
    return app.test_client()


@pytest.fixture(scope="session")
def app_with() -> Callable[[Settings], Flask]:
    """A way to make an application with other settings; it opens no connection by itself."""
    return lambda settings: make_app(Runtime.start(settings))


def make_app(runtime: Runtime) -> Flask:
    """Nobody imports the web side by name, except the Procfile and this line."""
    create_app = import_module("pipeline_engine_web.app").create_app
    made: Flask = create_app(runtime, console=NOT_BUILT)
    return made


def client_of(app: Flask, token: str) -> FlaskClient:
    """A client that sends *token*."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client
