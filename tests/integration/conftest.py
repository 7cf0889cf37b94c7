"""Runtimes with the actions of a test, and somebody who drives them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis as redis_client
import structlog
from sqlalchemy import Engine
from support.driving import Driver

from pipeline_engine.config import Settings
from pipeline_engine.logs import configure_logging
from pipeline_engine.registry import RegisteredAction, Registry
from pipeline_engine.scheduler.runtime import Runtime

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


@pytest.fixture
def own_logging(settings: Settings) -> Iterator[Callable[..., None]]:
    """A way to set the logs up as a worker does, with some settings changed."""
    root = logging.getLogger()
    before, structured = (root.handlers, root.level), structlog.get_config()
    yield lambda **changed: configure_logging(replace(settings, **changed))
    root.handlers, root.level = before
    structlog.configure(**structured)
