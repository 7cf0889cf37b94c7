"""What is tested here is what things cost: see README.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.runtimes import drive, installed_actions, make_runtime

__all__ = ["drive", "installed_actions", "make_runtime"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("perf")
