"""Fixtures: runtimes with the actions of a test, and somebody who drives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis as redis_client
from sqlalchemy import Engine

from pipeline_engine.config import Settings
from pipeline_engine.registry import RegisteredAction, Registry
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage.postgres.session import make_engine
from support.driving import Driver

MakeRuntime = Callable[..., Runtime]
Drive = Callable[..., Driver]


@pytest.fixture(scope="session")
def installed_actions() -> list[RegisteredAction]:
    return list(Registry.discover())


@pytest.fixture(scope="session")
def connections(settings: Settings) -> Iterator[Engine]:
    """The connections of all runtimes that the tests make.

    A new one has to log in, and PostgreSQL plans every statement anew for it: a third of a test.
    """
    yield from new_connections(settings)


@pytest.fixture
def own_connections(settings: Settings) -> Iterator[Engine]:
    """Those of one test; a file has them that changes them: its ``connections`` are these."""
    yield from new_connections(settings)


def new_connections(settings: Settings) -> Iterator[Engine]:
    made = make_engine(settings)
    yield made
    made.dispose()


@pytest.fixture
def make_runtime(
    engine: Engine,
    redis: redis_client.Redis,
    settings: Settings,
    connections: Engine,
    installed_actions: list[RegisteredAction],
) -> Iterator[MakeRuntime]:
    """A way to make runtimes that know other actions too, or have other settings."""
    made: list[Runtime] = []

    def make(*actions: RegisteredAction, **changed: Any) -> Runtime:
        registry = Registry([*installed_actions, *actions])
        wanted = replace(settings, **changed)
        # An engine of its own, for what a test listens to is said to no other; and their pool.
        shared = None if "database_url" in changed else connections.execution_options()
        made.append(Runtime.start(wanted, registry=registry, connections=shared))
        return made[-1]

    yield make
    for runtime in made:
        runtime.stop()


@pytest.fixture
def drive(make_runtime: MakeRuntime) -> Drive:
    """A way to make drivers; it takes what ``make_runtime`` takes."""
    return lambda *actions, **changed: Driver(make_runtime(*actions, **changed))
