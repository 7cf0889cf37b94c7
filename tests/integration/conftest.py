"""What the tests on real servers share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import structlog
from support.runtimes import (
    connections,
    drive,
    installed_actions,
    make_runtime,
    own_connections,
)

from pipeline_engine.config import Settings
from pipeline_engine.logs import configure_logging

__all__ = ["connections", "drive", "installed_actions", "make_runtime", "own_connections"]


@pytest.fixture
def own_logging(settings: Settings) -> Iterator[Callable[..., None]]:
    """A way to set the logs up as a worker does, with some settings changed."""
    root = logging.getLogger()
    before, structured = (root.handlers, root.level), structlog.get_config()
    yield lambda **changed: configure_logging(replace(settings, **changed))
    root.handlers, root.level = before
    structlog.configure(**structured)
