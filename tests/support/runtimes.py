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
from support.driving import Driver

MakeRuntime = Callable[..., Runtime]
Drive = Callable[..., Driver]


@pytest.fixture(scope="session")
def installed_actions() -> list[RegisteredAction]:
    return list(Registry.discover())


@pytest.fixture
def make_runtime(
    engine: Engine,
    redis: redis_client.Redis,
    settings: Settings,
    installed_actions: list[RegisteredAction],
) -> Iterator[MakeRuntime]:
    """A way to make runtimes that know other actions too, or have other settings."""
    made: list[Runtime] = []

    def make(*actions: RegisteredAction, **changed: Any) -> Runtime:
        registry = Registry([*installed_actions, *actions])
        made.append(Runtime.start(replace(settings, **changed), registry=registry))
        return made[-1]

    yield make
    for runtime in made:
        runtime.stop()


@pytest.fixture
def drive(make_runtime: MakeRuntime) -> Drive:
    """A way to make drivers; it takes what ``make_runtime`` takes."""
    return lambda *actions, **changed: Driver(make_runtime(*actions, **changed))
