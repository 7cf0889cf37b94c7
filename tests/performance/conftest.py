"""What is tested here is what things cost: see README.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.runtimes import drive, installed_actions, make_runtime, own_connections

__all__ = ["drive", "installed_actions", "make_runtime", "own_connections"]

HERE = Path(__file__).parent


@pytest.fixture
def connections(own_connections: Engine) -> Engine:
    """New ones for each test: nothing has been planned for the tables of another."""
    return own_connections


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("perf")
